"""Create many assignments at once, each with its own outcome, or all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.assignments import policy
from portal.assignments.service.assigning import ASSIGNING_REFUSED, create_assignment, lock_for_assignment
from portal.core import access
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Duplicate, Fault, Invalid, NotVisible, PortalError
from portal.core.viewer import Viewer

NOT_HERE = "The client or the resource is not here for you. Check both ids."


@transactional
def assign_all(viewer: Viewer, *, assignments: Sequence[Mapping[str, Any]], atomic: bool) -> dict[str, Any]:
    """Create up to a hundred assignments in one transaction, each within a savepoint of its own.

    `atomic`: where one cannot be created none is, and Invalid points to each of those; one that is already open is
    no error. Otherwise the outcome of each is `created`, `duplicate` or `error`.
    """
    access.require(policy.may_assign(viewer), ASSIGNING_REFUSED)
    outcomes: dict[int, dict[str, Any]] = {}
    by_client = sorted(range(len(assignments)), key=lambda index: (assignments[index]["client_id"], index))
    for index in by_client:  # two requests at once that name the same clients lock them in one order: no deadlock
        outcomes[index] = {"index": index, **_outcome(viewer, assignments[index])}
    results = [outcomes[index] for index in range(len(assignments))]
    if atomic and (failed := [result for result in results if result["outcome"] == "error"]):
        raise Invalid(
            *(
                Fault("invalid", fault["detail"]).at(
                    fault["pointer"].replace("#", f"#/assignments/{result['index']}", 1)
                )
                for result in failed
                for fault in result["errors"]
            )
        )
    return {"results": results, "created": sum(result["outcome"] == "created" for result in results)}


def _outcome(viewer: Viewer, item: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with db.session.begin_nested():
            assignment_id = _create(viewer, **item)
    except Duplicate as error:
        return {"outcome": "duplicate", "assignment_id": error.members["assignment_id"], "errors": []}
    except PortalError as error:
        return {"outcome": "error", "assignment_id": None, "errors": [fault.as_json() for fault in _faults(error)]}
    return {"outcome": "created", "assignment_id": assignment_id, "errors": []}


def _create(
    viewer: Viewer, *, client_id: str, resource_id: str, therapist_id: str | None = None, **members: Any
) -> str:
    link, version = lock_for_assignment(viewer, client_id=client_id, resource_id=resource_id, therapist_id=therapist_id)
    return create_assignment(viewer, link, version, **members).id


def _faults(error: PortalError) -> Sequence[Fault]:
    if isinstance(error, Invalid):
        return error.faults
    return [Fault("invalid", NOT_HERE if isinstance(error, NotVisible) else error.detail).at("#")]
