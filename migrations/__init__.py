"""The migrations: Alembic reads the numbered files in versions/; what they share stands here."""
