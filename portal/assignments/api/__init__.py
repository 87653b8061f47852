"""Routes of assignments: a module for therapists, a module for clients."""

from portal.assignments.api.clients import client
from portal.assignments.api.therapists import staff

__all__ = ["client", "staff"]
