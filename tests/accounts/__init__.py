"""Tests of practices, people, sign-in, invitations and sessions."""
