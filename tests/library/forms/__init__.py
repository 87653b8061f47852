"""Forms: blocks, documents, answers and readings."""
