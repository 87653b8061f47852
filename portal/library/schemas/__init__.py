"""The wire shapes of the library, one module per noun."""
