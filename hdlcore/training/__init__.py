"""Training: recipes, splits, losses and a resumable trainer."""
