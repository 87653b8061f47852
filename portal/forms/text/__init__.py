"""The text of a form: readability, differences, search terms and Markdown."""
