"""Tests of the services of the caseload."""
