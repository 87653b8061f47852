"""Tests of what can be done with practices, people, invitations and sessions."""
