"""Practices and people: setting up, inviting, signing in and out, and ending all of it."""
