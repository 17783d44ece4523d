"""From what is typed to planned cells, each with an identity of its own."""
