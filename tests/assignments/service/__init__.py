"""What can be done with assignments, module by module."""
