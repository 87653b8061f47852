"""A form evaluated against a response: scores, completion, risk flags and the preview."""
