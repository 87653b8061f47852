"""Who is in whose care: clients, care links with beginning and end, hand-over, archive, private notes."""
