"""Measures: what a client's attempts came to over time, with the bands and the change that an instrument documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from portal.accounts.models import Practice
from portal.assignments import facts, policy
from portal.assignments.models import Assignment, Attempt
from portal.assignments.service.attempts import scores_of
from portal.caseload import policy as caseload
from portal.caseload.models import Client
from portal.core import access
from portal.core.access import PRACTICE, THING
from portal.core.audit_log.events import record
from portal.core.crypto import Vault, vault
from portal.core.db.statements import fetch_one
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import transactional
from portal.core.viewer import Viewer
from portal.forms.evaluation.results import strip_bands
from portal.forms.instruments.recipes import recipes
from portal.library.models import Version
from portal.library.service.versions import form_of_version

Json = Mapping[str, Any]
GIVEN = aliased(Assignment)
"""Beside the policy's own look at assignments."""
MOST_POINTS = 1_000
"""Attempts looked at for one client, the newest first: a weekly check-in for nineteen years."""


@transactional
def list_measures(viewer: Viewer, client_id: str) -> dict[str, Any]:
    """The series of every measure a client was given and has sent in, as far as the viewer may read the answers.

    Leaves `measures.opened` in the transaction that decrypts; where that cannot be written, nothing is read.
    """
    client = access.get_for_update(viewer, Client, caseload.in_care, client_id)
    record(viewer, facts.MEASURES_OPENED, client, client_id=client.id)
    rows = access.fetch_visible(viewer, _scored_attempts_of_client, thing_id=client_id)
    return {"data": list(_series(rows, vault(viewer.practice_id, client_id), bands=True))}


def _scored_attempts_of_client(viewer: Viewer) -> AnySelect:
    return _scored(viewer).where(GIVEN.client_id == THING)


def list_my_measures(viewer: Viewer) -> dict[str, Any]:
    """One's own series; a word on how much that is only where the practice lets clients read it."""
    rows = access.fetch_visible(viewer, _scored)
    practice = fetch_one(_band_setting, access.binds(viewer), practice=viewer.practice_id)
    told = practice is not None and bool(practice["clients_see_bands"])
    return {"data": list(_series(rows, vault(viewer.practice_id, viewer.id or ""), bands=told))}


def _band_setting() -> AnySelect:
    return select(Practice.clients_see_bands).where(Practice.id == PRACTICE)


def _scored(viewer: Viewer) -> AnySelect:
    """The newest attempts that came to something, each with where it belongs."""
    return (
        policy.submissions_visible_to(viewer)
        .join(GIVEN, (GIVEN.practice_id == Attempt.practice_id) & (GIVEN.id == Attempt.assignment_id))
        .join(Version, (Version.practice_id == GIVEN.practice_id) & (Version.id == GIVEN.version_id))
        .where(Attempt.scores.is_not(None))
        .order_by(Attempt.submitted_at.desc(), Attempt.id.desc())
        .limit(MOST_POINTS)
        .with_only_columns(
            Attempt.id,
            Attempt.practice_id,
            Attempt.assignment_id,
            Attempt.attempt,
            Attempt.submitted_at,
            Attempt.scores,
            GIVEN.resource_id,
            GIVEN.version_id,
            Version.title,
            Version.number,
            Version.licence,
        )
    )


def _series(rows: Sequence[Json], sealed: Vault, *, bands: bool) -> Iterator[dict[str, Any]]:
    """One measure for each instrument or other resource, the one answered last first; its points in order of time.

    An instrument that was imported twice is one measure.
    """
    together: dict[str, list[Json]] = {}
    for row in rows:
        document = form_of_version(row["practice_id"], row["version_id"]).document
        together.setdefault(document.get("instrument", row["resource_id"]), []).append(row)
    for found in together.values():
        yield _measure(found, sealed, bands=bands)


def _measure(rows: Sequence[Json], sealed: Vault, *, bands: bool) -> dict[str, Any]:
    newest = rows[0]
    document = form_of_version(newest["practice_id"], newest["version_id"]).document
    recipe = recipes().get(document.get("instrument", ""))
    change = recipe.meaningful_change if recipe is not None else None
    scores: dict[str, dict[str, Any]] = {}
    for row in reversed(rows):
        for one in _numbers(row, sealed):
            series = scores.setdefault(one["id"], {"id": one["id"], "points": []})
            series |= {"label": one["label"], "minimum": one.get("minimum"), "maximum": one.get("maximum")}
            series["points"].append(_point(row, one, bands=bands))
    for series in scores.values():
        declared: Json = next((one for one in document.get("scores", ()) if one["id"] == series["id"]), {})
        series["bands"] = list(declared.get("bands", ())) if bands else []
        series["meaningful_change"] = change[1] if change is not None and change[0] == series["id"] else None
    return {
        "resource": {"id": newest["resource_id"], "title": newest["title"], "number": newest["number"]},
        "instrument": None if recipe is None else {"key": recipe.key, "title": recipe.title},
        "validated": recipe is not None and recipe.validated,
        "copyright": document.get("license") or newest["licence"],
        "scores": list(scores.values()),
    }


def _numbers(row: Json, sealed: Vault) -> Iterator[Json]:
    """What an attempt came to, as far as it stands on a scale and not in a row of a log."""
    for one in scores_of(sealed, row["id"], row["scores"]):
        if "row" not in one and (one["value"] is None or isinstance(one["value"], int | float | Decimal)):
            yield one


def _point(row: Json, one: Json, *, bands: bool) -> dict[str, Any]:
    said = one if bands else strip_bands([one])[0]
    return {
        "assignment_id": row["assignment_id"],
        "attempt": row["attempt"],
        "submitted_at": row["submitted_at"],
        "version": row["number"],
        **{name: said[name] for name in ("value", "reason", "band") if name in said},
    }
