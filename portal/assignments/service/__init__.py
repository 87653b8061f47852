"""What can be done with assignments: giving, working on, answering, reviewing, talking about, counting."""
