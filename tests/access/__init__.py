"""Who may see and do what, over every route and for everyone in the cast."""
