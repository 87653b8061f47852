"""The requests and responses of accounts, one module per noun."""
