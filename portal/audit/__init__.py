"""The audit trail: who opened what, put in order, chained, and readable to the client it concerns."""
