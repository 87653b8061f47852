"""Create many assignments at once, each with its own outcome, or all or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.assignments import policy
from portal.assignments.service.assigning import ASSIGNING_REFUSED, create_assignment, lock_for_assignment
from portal.core import access
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Duplicate, Fault, Invalid, NotVisible
from portal.core.viewer import Viewer

NOT_FOUND = Fault("not_found", "You do not see this client or this resource. Check both ids.")


@transactional
def assign_all(viewer: Viewer, *, assignments: Sequence[Mapping[str, Any]], atomic: bool) -> dict[str, Any]:
    """Create up to a hundred assignments in one transaction, each within a savepoint of its own.

    `atomic`: where one cannot be created none is, and Invalid points to each of those; one that is already open is
    no error. Otherwise the outcome of each is `created`, `duplicate` or `error`.
    """
    access.require(policy.may_assign(viewer), ASSIGNING_REFUSED)
    outcomes: dict[int, _Outcome] = {}
    by_client = sorted(range(len(assignments)), key=lambda index: (assignments[index]["client_id"], index))
    for index in by_client:  # two requests at once that name the same clients lock them in one order: no deadlock
        outcomes[index] = _try_to_create(viewer, assignments[index])
    if atomic and any(outcome.faults for outcome in outcomes.values()):
        raise Invalid(*(_at_item(fault, index) for index in sorted(outcomes) for fault in outcomes[index].faults))
    results = [{"index": index, **outcomes[index].as_json()} for index in range(len(assignments))]
    return {"results": results, "created": sum(result["outcome"] == "created" for result in results)}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one item; `assignment_id` is the assignment created, or the one already open."""

    outcome: str
    assignment_id: str | None = None
    faults: Sequence[Fault] = ()

    def as_json(self) -> dict[str, Any]:
        errors = [fault.as_json() for fault in self.faults]
        return {"outcome": self.outcome, "assignment_id": self.assignment_id, "errors": errors}


def _try_to_create(viewer: Viewer, item: Mapping[str, Any]) -> _Outcome:
    try:
        with db.session.begin_nested():
            return _Outcome("created", _create(viewer, **item))
    except Duplicate as error:
        return _Outcome("duplicate", error.members["assignment_id"])
    except Invalid as error:
        return _Outcome("error", faults=error.faults)
    except NotVisible:
        return _Outcome("error", faults=[NOT_FOUND])
    except Conflict as error:
        return _Outcome("error", faults=[Fault("conflict", error.detail)])


def _create(
    viewer: Viewer, *, client_id: str, resource_id: str, therapist_id: str | None = None, **members: Any
) -> str:
    link, version = lock_for_assignment(viewer, client_id=client_id, resource_id=resource_id, therapist_id=therapist_id)
    return create_assignment(viewer, link, version, **members).id


def _at_item(fault: Fault, index: int) -> Fault:
    """The fault with its pointer inside an item moved to the whole request."""
    return fault.at(f"#/assignments/{index}{fault.pointer.removeprefix('#')}", fault.block, fault.row)
