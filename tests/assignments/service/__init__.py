"""Tests of the services of assignments, module by module."""
