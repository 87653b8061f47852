"""The crisis card, alerts, their escalation, and the notices a client sees."""
