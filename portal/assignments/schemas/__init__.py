"""The wire shapes of assignments, one module per noun."""
