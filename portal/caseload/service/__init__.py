"""What can be done with clients, their care, notes about them, and what other systems see of a caseload."""
