"""The audit log: events recorded with their facts, sealed into a chain, verified, and anchored outside the database.

Commit order is not id order (two writers can commit 2 before 1), so an event gets its place in the practice's
sequence, and its link in the chain, only once it is committed. Every listener reads sealed events only.
"""
