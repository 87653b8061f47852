"""The plumbing of requests: doors, shapes of answers and errors, paging, headers, logs."""
