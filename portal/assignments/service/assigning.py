"""Create, change, withdraw and reopen assignments."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Person
from portal.assignments import facts, policy
from portal.assignments.models import OPEN, Act, Assignment, Attempt, Status
from portal.assignments.service.acts import lock_for_act, require_act
from portal.assignments.service.queries import get_assignment
from portal.caseload.models import CareLink, Client
from portal.caseload.service import care
from portal.core import access, clock
from portal.core.audit_log.events import record
from portal.core.crypto import vault
from portal.core.db.engines import db
from portal.core.db.statements import is_one_of
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, Duplicate, Fault, Invalid, Stale
from portal.core.ids import new_id
from portal.core.viewer import Viewer
from portal.forms.answering import responses
from portal.forms.evaluation import completion
from portal.library.models import Version
from portal.library.service import versions

ASSIGNING_REFUSED = "Only a therapist may assign, or an integration with the scope assignments:write."


@transactional
def assign(
    viewer: Viewer,
    *,
    client_id: str,
    resource_id: str,
    why: str,
    note: str | None = None,
    opens_on: date | None = None,
    due_on: date | None = None,
    therapist_id: str | None = None,
) -> dict[str, Any]:
    """Assign a resource to a client, with a word on why; an integration says for which therapist.

    Raises NotVisible for a client or resource the viewer does not see, Conflict where the client is archived or
    the resource is not published, Duplicate where the same is already open, Invalid for days that cannot be.
    """
    access.require(policy.may_assign(viewer), ASSIGNING_REFUSED)
    link, version = lock_for_assignment(viewer, client_id=client_id, resource_id=resource_id, therapist_id=therapist_id)
    assignment = create_assignment(viewer, link, version, why=why, note=note, opens_on=opens_on, due_on=due_on)
    return get_assignment(viewer, assignment.id)


def lock_for_assignment(
    viewer: Viewer, *, client_id: str, resource_id: str, therapist_id: str | None = None
) -> tuple[CareLink, Version]:
    """The care link to assign through and the version to assign, as far as the viewer sees them, both locked."""
    return care.lock_care_link(viewer, client_id, therapist_id), versions.version_to_assign(viewer, resource_id)


def create_assignment(
    viewer: Viewer,
    link: CareLink,
    version: Version,
    *,
    why: str,
    note: str | None = None,
    opens_on: date | None = None,
    due_on: date | None = None,
) -> Assignment:
    """Create an assignment through a locked care link, inside the open transaction.

    `viewer` is recorded as the one who assigns and needs no sight of anything: the caller has checked access, or is
    the portal itself at work. Raises Conflict, Duplicate and Invalid as `assign` does.
    """
    client, zone = _active_client(viewer, link.client_id)
    _check_days(opens_on, due_on, zone)
    _refuse_duplicate(link, version.resource_id, opens_on, due_on)
    count = _initial_progress(version)
    sealed, assignment_id = vault(viewer.practice_id, client.id), new_id()
    assignment = Assignment(
        practice_id=viewer.practice_id,
        id=assignment_id,
        client_id=client.id,
        care_id=link.id,
        therapist_id=link.therapist_id,
        resource_id=version.resource_id,
        version_id=version.id,
        why=sealed.seal(Assignment.why, assignment_id, why),
        note=sealed.seal_optional(Assignment.note, assignment_id, note),
        answered=count.answered,
        total=count.total,
        assigned_at=clock.now(),
    )
    set_days(assignment, opens_on, due_on, zone)
    db.session.add(assignment)
    db.session.flush()
    db.session.add(new_attempt(assignment, assignment.assigned_at))
    record(viewer, facts.CREATED, assignment, resource=version.resource_id)
    return assignment


def _initial_progress(version: Version) -> completion.Progress:
    form = versions.form_of_version(version.practice_id, version.id)
    return completion.progress(form, responses.initial_response(form))


def new_attempt(assignment: Assignment, now: datetime) -> Attempt:
    """The attempt an assignment stands at, still empty."""
    return Attempt(
        practice_id=assignment.practice_id,
        assignment_id=assignment.id,
        client_id=assignment.client_id,
        attempt=assignment.attempt,
        created_at=now,
    )


def _client(viewer: Viewer, client_id: str) -> tuple[Client, str]:
    """The client and their time zone; the caller has established that the viewer may see them."""
    client = db.session.get_one(Client, (viewer.practice_id, client_id))
    return client, db.session.get_one(Person, (viewer.practice_id, client_id)).time_zone


def _active_client(viewer: Viewer, client_id: str) -> tuple[Client, str]:
    """As `_client`. Raises Conflict where they are archived."""
    client, zone = _client(viewer, client_id)
    if client.archived_at is not None:
        msg = "This client is archived. Restore the client first."
        raise Conflict(msg, state="archived", allowed=[])
    return client, zone


def _check_days(opens_on: date | None, due_on: date | None, zone: str | None) -> None:
    """Raise Invalid for days in the wrong order or, where a `zone` says when today is, a due day that has passed."""
    if due_on is not None and zone is not None and due_on < clock.today(zone):
        raise Invalid(
            Fault("day_has_passed", "This day has passed for the client. Choose today or later.").at("#/due_on")
        )
    if opens_on is not None and due_on is not None and opens_on > due_on:
        raise Invalid(Fault("opens_after_due", "This is after the due day. Choose an earlier day.").at("#/opens_on"))


def set_days(assignment: Assignment, opens_on: date | None, due_on: date | None, zone: str) -> None:
    """Set the days, and the instants at which they begin and end in the client's time zone."""
    assignment.opens_on, assignment.due_on = opens_on, due_on
    assignment.opens_at = None if opens_on is None else clock.start_of_day(opens_on, zone)
    assignment.due_at = None if due_on is None else clock.end_of_day(due_on, zone)


def set_due(viewer: Viewer, assignment: Assignment, due_on: date) -> None:
    """Set a new due day for a locked assignment. Raises Invalid where it has passed or comes before it opens."""
    _, zone = _client(viewer, assignment.client_id)
    _check_days(assignment.opens_on, due_on, zone)
    set_days(assignment, assignment.opens_on, due_on, zone)


def _refuse_duplicate(link: CareLink, resource_id: str, opens_on: date | None, due_on: date | None) -> None:
    """The care link is locked, so that two identical requests at once make one assignment."""
    twin = db.session.scalars(
        select(Assignment.id).where(
            Assignment.practice_id == link.practice_id,
            Assignment.care_id == link.id,
            Assignment.resource_id == resource_id,
            is_one_of(Assignment.status, OPEN - {Status.DECLINED}),
            Assignment.opens_on.is_(None) if opens_on is None else Assignment.opens_on == opens_on,
            Assignment.due_on.is_(None) if due_on is None else Assignment.due_on == due_on,
        )
    ).first()
    if twin is not None:
        msg = "The same assignment is already open for this client. Change that one, or choose other days."
        raise Duplicate(msg, assignment_id=twin)


@transactional
def change(viewer: Viewer, assignment_id: str, expected: int, **changes: Any) -> dict[str, Any]:
    """Change why, note and days while the assignment is with the client; None removes a note or a day."""
    assignment = access.get_for_update(viewer, Assignment, policy.visible_to, assignment_id)
    if assignment.version != expected:
        raise Stale(get_assignment(viewer, assignment_id))
    require_act(Act.CHANGE, assignment)
    sealed = vault(viewer.practice_id, assignment.client_id)
    if "why" in changes:
        assignment.why = sealed.seal(Assignment.why, assignment.id, changes["why"])
    if "note" in changes:
        assignment.note = sealed.seal_optional(Assignment.note, assignment.id, changes["note"])
    if {"opens_on", "due_on"} & set(changes):
        _, zone = _client(viewer, assignment.client_id)
        opens_on, due_on = changes.get("opens_on", assignment.opens_on), changes.get("due_on", assignment.due_on)
        _check_days(opens_on, due_on, zone if "due_on" in changes else None)
        set_days(assignment, opens_on, due_on, zone)
    assignment.version += 1
    db.session.flush()
    record(viewer, facts.CHANGED, assignment, changed=sorted(changes))
    return get_assignment(viewer, assignment_id)


@transactional
def withdraw(viewer: Viewer, assignment_id: str, *, reason: str) -> dict[str, Any]:
    """Withdraw an assignment, with a reason the client reads; they can still read what they wrote."""
    assignment = lock_for_act(viewer, Act.WITHDRAW, assignment_id)
    assignment.reason = vault(viewer.practice_id, assignment.client_id).seal(Assignment.reason, assignment.id, reason)
    assignment.move(Status.WITHDRAWN)
    db.session.flush()
    record(viewer, facts.WITHDRAWN, assignment)
    return get_assignment(viewer, assignment_id)


@transactional
def reopen(viewer: Viewer, assignment_id: str) -> dict[str, Any]:
    """Offer a declined assignment again."""
    assignment = lock_for_act(viewer, Act.REOPEN, assignment_id)
    assignment.move(Status.ASSIGNED)
    assignment.status_before, assignment.reason, assignment.did_something_else = None, None, False
    db.session.flush()
    record(viewer, facts.REOPENED, assignment)
    return get_assignment(viewer, assignment_id)
