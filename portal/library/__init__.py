"""Readings and exercises: drafts, immutable versions, the form they share, and the starter content."""
