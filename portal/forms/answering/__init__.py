"""Answers to a form: a response, how a save changes it, and which questions it makes visible."""
