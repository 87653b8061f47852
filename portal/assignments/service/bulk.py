"""Assigning to many at once: each with its own why, each with its own outcome, or all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.assignments import policy
from portal.assignments.service.assigning import assign
from portal.core import access
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Duplicate, Fault, Invalid, NotVisible, PortalError
from portal.core.viewer import Viewer

NOT_HERE = "The client or the resource is not here for you. Check both ids."


@transactional
def assign_all(viewer: Viewer, *, assignments: Sequence[Mapping[str, Any]], atomic: bool) -> dict[str, Any]:
    """Up to a hundred assignments in one transaction, each within a savepoint of its own.

    `atomic`: where one cannot be made, none is, and Invalid points to each that stands in the way; what is already
    open counts as made. Otherwise each result says `created`, `duplicate` or `error`.
    """
    access.require(policy.may_assign(viewer), "Only a therapist assigns.")
    results: dict[int, dict[str, Any]] = {}
    in_one_order = sorted(range(len(assignments)), key=lambda index: (assignments[index]["client_id"], index))
    for index in in_one_order:  # two requests at once that name the same clients never wait for each other in a ring
        results[index] = {"index": index, **_outcome(viewer, assignments[index])}
    shown = [results[index] for index in range(len(assignments))]
    if atomic and (failed := [one for one in shown if one["outcome"] == "error"]):
        raise Invalid(
            *(
                Fault("invalid", fault["detail"]).at(fault["pointer"].replace("#", f"#/assignments/{one['index']}", 1))
                for one in failed
                for fault in one["errors"]
            )
        )
    return {"results": shown, "created": sum(one["outcome"] == "created" for one in shown)}


def _outcome(viewer: Viewer, asked: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with db.session.begin_nested():
            made = assign(viewer, **asked)
    except Duplicate as error:
        return {"outcome": "duplicate", "assignment_id": error.members["assignment_id"], "errors": []}
    except PortalError as error:
        return {"outcome": "error", "assignment_id": None, "errors": [fault.as_json() for fault in _faults(error)]}
    return {"outcome": "created", "assignment_id": made["id"], "errors": []}


def _faults(error: PortalError) -> Sequence[Fault]:
    if isinstance(error, Invalid):
        return error.faults
    return [Fault("invalid", NOT_HERE if isinstance(error, NotVisible) else error.detail).at("#")]
