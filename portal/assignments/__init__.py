"""Assignments: assign, work on, submit, review; responses, comments and progress."""
