"""Clients, their care links, private notes, and the opt-ins of integrations."""
