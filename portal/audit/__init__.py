"""Readers of the audit log: the client's access log and the feed of events."""
