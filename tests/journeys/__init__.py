"""Whole stories over real HTTP, against the portal as it really runs."""
