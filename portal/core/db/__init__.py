"""The database: tables, engines, transactions and prepared statements."""
