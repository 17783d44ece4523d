"""What a model starts from: released checkpoints, made assets, training states on disk."""
