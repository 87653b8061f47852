"""Opt-ins: which integrations a therapist lets see their caseload."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from portal.accounts.models import Person
from portal.accounts.service import integrations
from portal.caseload import facts, policy
from portal.caseload.models import OptIn
from portal.core import access, clock
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict, NotVisible
from portal.core.viewer import Viewer

REFUSED = "Only a therapist may opt in or out, and only for their own caseload."


def get_opt_in(viewer: Viewer, integration_id: str) -> dict[str, Any]:
    """Whether the viewer lets an integration see their caseload, and since when."""
    access.require(policy.may_opt_in(viewer), REFUSED)
    integrations.get_integration(viewer, integration_id)
    row = access.fetch_visible_row(viewer, _opt_in, thing_id=integration_id)
    return {"integration_id": integration_id, "opted_in_at": None if row is None else row["created_at"]}


def _opt_in(viewer: Viewer) -> AnySelect:
    return policy.opt_ins_visible_to(viewer).where(OptIn.integration_id == THING).with_only_columns(OptIn.created_at)


@transactional
def opt_in(viewer: Viewer, integration_id: str) -> dict[str, Any]:
    """Let an integration see the viewer's caseload, within its scopes, from its next request on."""
    access.require(policy.may_opt_in(viewer), REFUSED)
    integration = integrations.get_integration(viewer, integration_id)
    if integration["revoked_at"] is not None:
        msg = "This integration has been revoked."
        raise Conflict(msg, state="revoked", allowed=[])
    if _lock_opt_in(viewer, integration_id) is None:
        row = OptIn(
            practice_id=viewer.practice_id,
            integration_id=integration_id,
            therapist_id=viewer.id,
            created_at=clock.now(),
        )
        db.session.add(row)
        db.session.flush()
        record(viewer, facts.CASELOAD_OPTED_IN, row, integration=integration_id)
    return get_opt_in(viewer, integration_id)


@transactional
def opt_out(viewer: Viewer, integration_id: str) -> None:
    """Hide the viewer's caseload from an integration, from its next request on."""
    access.require(policy.may_opt_in(viewer), REFUSED)
    integrations.get_integration(viewer, integration_id)
    row = _lock_opt_in(viewer, integration_id)
    if row is not None:
        record(viewer, facts.CASELOAD_OPTED_OUT, row, integration=integration_id)
        db.session.delete(row)


def _lock_opt_in(viewer: Viewer, integration_id: str) -> OptIn | None:
    """Return the viewer's opt-in, locked together with their own row, so that two requests at once create one.

    Raises NotVisible where they have stopped being an active therapist since the door let them in.
    """
    own_row = select(Person.id).where(
        Person.practice_id == viewer.practice_id,
        Person.id == viewer.id,
        Person.therapist,
        Person.deactivated_at.is_(None),
    )
    if db.session.execute(own_row.with_for_update(key_share=True)).first() is None:
        raise NotVisible
    return db.session.scalars(
        policy.opt_ins_visible_to(viewer).where(OptIn.integration_id == THING).with_for_update(),
        access.binds(viewer, thing_id=integration_id),
    ).first()


def end_opt_ins_of_former_therapist(_viewer: Viewer, person: Person) -> None:
    """Delete the opt-ins of a staff member who is no longer an active therapist."""
    if not person.therapist or person.deactivated_at is not None:
        db.session.execute(
            delete(OptIn).where(OptIn.practice_id == person.practice_id, OptIn.therapist_id == person.id)
        )
