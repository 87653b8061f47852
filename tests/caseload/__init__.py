"""Tests of who is in whose care."""
