"""The form every reading and exercise compiles to: what a document may say, and what may be answered to it."""
