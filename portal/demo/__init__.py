"""The demo practice: data files, and the code that plays them through the services."""
