"""What can be done for safety: the crisis card, alerts, and what happens when one waits too long."""
