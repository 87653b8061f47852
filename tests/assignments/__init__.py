"""Tests of assignments: their states, the work on them, and who reads it."""
