"""Other systems: let in by an owner with scoped tokens, rotated, revoked, and recognised."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, case, func, select, update

from portal.accounts import facts, policy
from portal.accounts.models import Credential, CredentialKind, Integration
from portal.accounts.secrets import hashed, is_whole
from portal.accounts.service.credentials import issue, note_use
from portal.core import access, clock
from portal.core.access import THING
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.statements import fetch, fetch_tuples
from portal.core.db.tables import AnySelect, Id, Instant
from portal.core.db.transactions import transactional
from portal.core.errors import Conflict
from portal.core.listing import Listing, ListRequest, Page, condition
from portal.core.viewer import PrincipalKind, Viewer

PREFIX = "int"
SCOPES: Mapping[str, str] = {
    "clients:read": "Read about clients and their care teams.",
    "clients:write": "Change a client's name and time zone, archive and restore.",
    "assignments:read": "Read assignments, attempts' times and progress; never an answer.",
    "assignments:write": "Assign, change, withdraw and reopen.",
    "responses:read": "Open answers that were sent in and shared, and read comments; the client sees each opening.",
    "resources:read": "Read the library.",
    "resources:write": "Write, publish and archive readings and exercises.",
    "events:read": "Read the feed of facts.",
    "exports:create": "Take assignments away as CSV; each export leaves a row in the trail.",
}
"""What a token can be let into, besides what therapists opt in; each route says which of them it takes."""
DAYS = 90
NOTED_EVERY = timedelta(minutes=1)


def _of_tokens(aggregate: Any, name: str) -> Any:
    """Something about the integration's tokens that have not ended."""
    return (
        select(aggregate)
        .where(
            Credential.practice_id == Integration.practice_id,
            Credential.integration_id == Integration.id,
            Credential.ended_at.is_(None),
        )
        .scalar_subquery()
        .label(name)
    )


INTEGRATIONS = Listing(
    base=policy.integrations_visible_to,
    columns=(
        Integration.id,
        Integration.name,
        Integration.scopes,
        _of_tokens(func.max(Credential.expires_at), "expires_at"),
        _of_tokens(
            func.max(case((Credential.last_used_at > Credential.created_at, Credential.last_used_at))), "last_used_at"
        ),
        Integration.created_at,
        Integration.revoked_at,
    ),
    filters={"revoked": condition(lambda: Integration.revoked_at.is_not(None))},
    sorts={"created_at": Integration.created_at},
    default_sort="-created_at",
    identity=Integration.id,
    raw=False,
)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "scopes": row["scopes"].split()}


def list_integrations(viewer: Viewer, asked: ListRequest) -> Page:
    return INTEGRATIONS.page(viewer, asked).map(_shown)


def get_integration(viewer: Viewer, integration_id: str) -> dict[str, Any]:
    row = access.get_visible(viewer, _integration, integration_id)
    return _shown(row)


def _integration(viewer: Viewer) -> AnySelect:
    return (
        policy.integrations_visible_to(viewer).where(Integration.id == THING).with_only_columns(*INTEGRATIONS.columns)
    )


@transactional
def create_integration(viewer: Viewer, *, name: str, scopes: list[str], expires_in_days: int = DAYS) -> dict[str, Any]:
    """Let another system in. The answer is the only place its token is ever shown."""
    access.require(policy.may_run_the_practice(viewer), "Only an owner lets other systems in.")
    integration = Integration(
        practice_id=viewer.practice_id,
        name=name,
        scopes=" ".join(sorted(set(scopes))),
        created_by=viewer.id,
        created_at=clock.now(),
    )
    db.session.add(integration)
    db.session.flush()
    record(viewer, facts.INTEGRATION_CREATED, integration, scopes=sorted(set(scopes)))
    return _with_new_token(viewer, integration, expires_in_days)


def _with_new_token(viewer: Viewer, integration: Integration, days: int) -> dict[str, Any]:
    token, _ = issue(
        integration.practice_id,
        None,
        CredentialKind.INTEGRATION,
        PREFIX,
        timedelta(days=days),
        integration_id=integration.id,
    )
    return {**get_integration(viewer, integration.id), "token": token}


@transactional
def rotate(
    viewer: Viewer, integration_id: str, *, expires_in_days: int = DAYS, overlap_minutes: int = 0
) -> dict[str, Any]:
    """A new token. Earlier ones end at once, or after `overlap_minutes`, so that the other system can change over."""
    access.require(policy.may_run_the_practice(viewer), "Only an owner rotates a token.")
    integration = access.get_for_update(viewer, Integration, policy.integrations_visible_to, integration_id)
    if integration.revoked_at is not None:
        msg = "This integration is revoked. Make a new one."
        raise Conflict(msg, state="revoked", allowed=[])
    _end_tokens(integration, timedelta(minutes=overlap_minutes))
    record(viewer, facts.INTEGRATION_ROTATED, integration)
    return _with_new_token(viewer, integration, expires_in_days)


@transactional
def revoke(viewer: Viewer, integration_id: str) -> None:
    """Shut another system out, from its next request on. Revoking twice is revoking once."""
    access.require(policy.may_run_the_practice(viewer), "Only an owner shuts other systems out.")
    integration = access.get_for_update(viewer, Integration, policy.integrations_visible_to, integration_id)
    if integration.revoked_at is None:
        integration.revoked_at = clock.now()
        _end_tokens(integration, timedelta())
        record(viewer, facts.INTEGRATION_REVOKED, integration)


def _end_tokens(integration: Integration, overlap: timedelta) -> None:
    """End every token of a locked integration now, or let none live longer than `overlap`."""
    now = clock.now()
    tokens = update(Credential).where(
        Credential.practice_id == integration.practice_id,
        Credential.integration_id == integration.id,
        Credential.ended_at.is_(None),
    )
    if overlap:
        db.session.execute(tokens.where(Credential.expires_at > now + overlap).values(expires_at=now + overlap))
    else:
        db.session.execute(tokens.values(ended_at=now))


def identify(token: str) -> Viewer | None:
    """The viewer an integration's token stands for; None once it has ended or expired, or access was revoked."""
    if not is_whole(token, PREFIX):
        return None
    now = clock.now()
    values = {"hash": hashed(token), "now": now, "noted_before": now - NOTED_EVERY}
    rows = fetch_tuples(_identity, values, practice=None)
    if rows and rows[0][3] is None:  # the connection was in another practice
        rows = fetch_tuples(_identity, values, practice=rows[0][1])
    if not rows or rows[0][3] is None:
        return None
    credential_id, practice_id, integration_id, scopes, unnoted = rows[0]
    if unnoted:
        note_use(practice_id, credential_id)
    return Viewer(
        integration_id,
        practice_id,
        PrincipalKind.INTEGRATION,
        credential_id=credential_id,
        scopes=frozenset(scopes.split()),
    )


def _identity() -> AnySelect:
    return (
        select(
            Credential.id,
            Credential.practice_id,
            Integration.id.label("integration_id"),
            Integration.scopes,
            (Credential.last_used_at <= bindparam("noted_before", type_=Instant())).label("unnoted"),
        )
        .outerjoin(
            Integration,
            (Integration.practice_id == Credential.practice_id)
            & (Integration.id == Credential.integration_id)
            & Integration.revoked_at.is_(None),
        )
        .where(
            Credential.secret_hash == bindparam("hash"),
            Credential.kind == CredentialKind.INTEGRATION,
            Credential.ended_at.is_(None),
            Credential.expires_at > bindparam("now", type_=Instant()),
        )
    )


def names_of(practice_id: str, integration_ids: set[str]) -> dict[str, str]:
    """Names by id, for callers that have established that the viewer may know who it was."""
    rows = fetch(
        _integration_names, {"practice": practice_id, "integrations": sorted(integration_ids)}, practice=practice_id
    )
    return {row["id"]: row["name"] for row in rows}


def _integration_names() -> AnySelect:
    return select(Integration.id, Integration.name).where(
        Integration.practice_id == bindparam("practice", type_=Id()),
        Integration.id.in_(bindparam("integrations", expanding=True, type_=Id())),
    )
