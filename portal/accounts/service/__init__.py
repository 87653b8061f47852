"""What can be done with practices, people, invitations and sessions; one module per noun."""
