"""The kernel: storage, keys, facts, jobs, mail, the clock and the wire."""
