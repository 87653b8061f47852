"""What a form may say: its document, conditions, risk rules and scores."""
