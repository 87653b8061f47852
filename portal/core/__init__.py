"""The kernel: storage, keys, facts, jobs and errors. It knows no domain and no HTTP."""
