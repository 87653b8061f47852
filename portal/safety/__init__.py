"""Safety: the crisis card, and the alerts that answers raise for the therapists in care."""
