"""An equal search of settings for both models of a pair."""
