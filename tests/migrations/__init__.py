"""The migrations, up and down, against what the models say."""
