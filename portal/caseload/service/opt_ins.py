"""A therapist's word on which integrations may see their caseload."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from portal.accounts.facts import STAFF_CHANGED, STAFF_DEACTIVATED
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

REFUSED = "Only a therapist speaks for a caseload, and only for their own."


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
    """Let an integration see one's caseload, within its scopes, from its next request on."""
    access.require(policy.may_opt_in(viewer), REFUSED)
    integration = integrations.get_integration(viewer, integration_id)
    if integration["revoked_at"] is not None:
        msg = "This integration is revoked."
        raise Conflict(msg, state="revoked", allowed=[])
    if _locked(viewer, integration_id) is None:
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
    """End an integration's sight of one's caseload, on its next request."""
    access.require(policy.may_opt_in(viewer), REFUSED)
    integrations.get_integration(viewer, integration_id)
    row = _locked(viewer, integration_id)
    if row is not None:
        record(viewer, facts.CASELOAD_OPTED_OUT, row, integration=integration_id)
        db.session.delete(row)


def _locked(viewer: Viewer, integration_id: str) -> OptIn | None:
    """The viewer's own word, locked together with themself, so that two at once make one.

    Raises NotVisible where they have stopped being a therapist here since the door let them in.
    """
    still_here = (Person.therapist, Person.deactivated_at.is_(None))
    themself = select(Person.id).where(Person.practice_id == viewer.practice_id, Person.id == viewer.id, *still_here)
    if db.session.execute(themself.with_for_update(key_share=True)).first() is None:
        raise NotVisible
    return db.session.scalars(
        policy.opt_ins_visible_to(viewer).where(OptIn.integration_id == THING).with_for_update(),
        access.binds(viewer, thing_id=integration_id),
    ).first()


@STAFF_CHANGED.also
@STAFF_DEACTIVATED.also
def end_with_the_therapist(_viewer: Viewer, person: Person) -> None:
    """Who is no longer a therapist here lets nobody see anything."""
    if not person.therapist or person.deactivated_at is not None:
        db.session.execute(
            delete(OptIn).where(OptIn.practice_id == person.practice_id, OptIn.therapist_id == person.id)
        )
