"""Flask plumbing: doors, shapes of answers and errors, paging, headers. It knows no domain."""
