"""What is asked of a model: where examples come from and how an answer is judged."""
