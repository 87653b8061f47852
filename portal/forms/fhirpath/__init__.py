"""FHIRPath in imported forms: what an expression comes to, within a budget and without a way out."""
