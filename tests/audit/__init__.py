"""Tests of the readers of the audit log."""
