"""Tests of clients and their care."""
