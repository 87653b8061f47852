"""Evaluate the FHIRPath of imported forms, within a budget and without access to anything else."""
