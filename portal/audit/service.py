"""Reading the trail: who opened one's answers; and whether the chain is whole."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from portal.accounts.models import Practice
from portal.accounts.service import integrations, people
from portal.assignments.models import Assignment, Attempt
from portal.audit import policy
from portal.core import access
from portal.core.audit_log import anchor
from portal.core.audit_log.anchor import Finding, Mark, Marks
from portal.core.audit_log.chain import link_of
from portal.core.audit_log.events import Event
from portal.core.db.statements import fetch, fetch_one
from portal.core.db.tables import AnySelect, Id
from portal.core.db.transactions import NO_PRACTICE
from portal.core.errors import Conflict
from portal.core.listing import Filter, Listing, ListRequest, Page, any_of, equals
from portal.core.viewer import PrincipalKind, Viewer
from portal.library.models import Version

log = logging.getLogger("portal.worker")


def _with_title(viewer: Viewer) -> AnySelect:
    return (
        policy.visible_to(viewer)
        .outerjoin(Attempt, (Attempt.practice_id == Event.practice_id) & (Attempt.id == Event.subject_id))
        .outerjoin(Assignment, (Assignment.practice_id == Event.practice_id) & (Assignment.id == Attempt.assignment_id))
        .outerjoin(Version, (Version.practice_id == Event.practice_id) & (Version.id == Assignment.version_id))
    )


ACCESSES = Listing(
    base=_with_title,
    columns=(
        Event.id,
        Event.occurred_at,
        Event.actor_id,
        Event.actor_kind,
        Event.fact.label("opened"),
        Assignment.id.label("assignment_id"),
        Version.title,
        Attempt.attempt,
    ),
    filters={},
    sorts={"occurred_at": Event.occurred_at},
    default_sort="-occurred_at",
    identity=Event.id,
)


def list_accesses(viewer: Viewer, asked: ListRequest) -> Page:
    """Who opened one's answers, their scores or an alert, and when; the latest first."""
    page = ACCESSES.page(viewer, asked)
    names = _names_of_actors(viewer, page)
    return page.map(
        lambda row: {
            **row,
            "opened_by": {
                "id": row["actor_id"],
                "kind": row["actor_kind"],
                "name": names[row["actor_id"]],
            },
        }
    )


def _names_of_actors(viewer: Viewer, page: Page) -> dict[str, str]:
    by_kind: dict[str, set[str]] = {}
    for row in page.as_dicts():
        by_kind.setdefault(row["actor_kind"], set()).add(row["actor_id"])
    names = {
        one: person["name"] for one, person in people.names_of(viewer.practice_id, by_kind.get("staff", ())).items()
    }
    if PrincipalKind.INTEGRATION in by_kind:
        names |= integrations.names_of(viewer.practice_id, by_kind[PrincipalKind.INTEGRATION])
    return names


FEED = Listing(
    base=policy.feed_visible_to,
    columns=(
        Event.position,
        Event.id,
        Event.fact.label("type"),
        Event.occurred_at.label("timestamp"),
        Event.actor_kind,
        Event.actor_id,
        Event.subject_id,
        Event.client_id,
        Event.details,
    ),
    filters={
        "after": Filter(
            lambda name, _n: Event.position > bindparam(name, type_=BigInteger()), lambda name, value: {name: value}
        ),
        "type": any_of(Event.fact),
        "client_id": equals(Event.client_id),
    },
    sorts={"position": Event.position},
    default_sort="position",
    identity=Event.id,
)


def follow(viewer: Viewer, *, after: int | str, limit: int, **narrowed: Any) -> dict[str, Any]:
    """The sealed facts after a position that the viewer may know of, in order: the way to catch up.

    After `latest` there is nothing yet: the answer says where the newest of these facts stands.
    """
    access.require(policy.may_follow(viewer), "Only an owner, or an integration with events:read, follows the facts.")
    if isinstance(after, str):
        newest = FEED.page(viewer, ListRequest(sort="-position", limit=1)).as_dicts()
        return {"data": [], "has_more": False, "next_after": newest[0]["position"] if newest else 0}
    page = FEED.page(viewer, ListRequest(filters={"after": after, **narrowed}, limit=limit))
    rows = page.as_dicts()
    return {
        "data": rows,
        "has_more": page.following is not None,
        "next_after": rows[-1]["position"] if rows else after,
    }


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a practice's chain was checked, the first position that does not fit, and what the anchor says of it."""

    practice_id: str
    checked: int
    broken_at: int | None
    finding: Finding = Finding.UNMARKED
    mark: Mark | None = None

    @property
    def holds(self) -> bool:
        return self.broken_at is None and self.finding in {Finding.UNMARKED, Finding.AGREES}


def verify() -> list[Verdict]:
    """Walk every practice's chain from its first fact (positions without a gap, every link as computed), and compare.

    Raises AnchorDamaged. The anchor is read before the chains, which go on growing.
    """
    known = anchor.load()
    practices = sorted({*_practices(), *known})
    return [_verify(practice_id, known.get(practice_id, ())) for practice_id in practices]


def _practices() -> list[str]:
    rows = fetch(_practice_ids, {}, practice=NO_PRACTICE)
    return [row["id"] for row in rows]


def _practice_ids() -> AnySelect:
    return select(Practice.id)


def _verify(practice_id: str, marks: Marks) -> Verdict:
    link, position = b"", 0
    wanted = {mark.position for mark in marks}
    links: dict[int, bytes] = {}
    while rows := fetch(_chain, {"practice": practice_id, "after": position}, practice=practice_id):
        for row in rows:
            position += 1
            link = link_of(link, SimpleNamespace(**row), position)
            if row["position"] != position or row["link"] != link:
                return Verdict(practice_id, position, position)
            if position in wanted:
                links[position] = link
    return Verdict(practice_id, position, None, *anchor.compare(marks, position, links.get))


def _chain() -> AnySelect:
    return (
        select(*Event.__table__.columns)
        .where(Event.practice_id == bindparam("practice", type_=Id()), Event.position > bindparam("after"))
        .order_by(Event.position)
        .limit(AT_ONCE)
    )


AT_ONCE = 1_000


def mark_ends() -> None:
    """Write down how far each chain has come. A chain that contradicts its marks keeps them: it may have been cut."""
    known = anchor.load()
    marks = dict(known)
    for practice_id in _practices():
        position, link = _end_of(practice_id)
        earlier = marks.get(practice_id, ())
        finding, _ = anchor.compare(earlier[-1:], position, _link_in(practice_id))
        if finding in {Finding.AHEAD, Finding.DIFFERS}:
            log.error("the audit trail contradicts its anchor: run `flask audit verify`")
        elif position > (earlier[-1].position if earlier else 0):
            marks[practice_id] = anchor.marked(earlier, position, link)
    if marks != known:
        anchor.save(marks)


def accept_restore() -> list[tuple[str, Mark]]:
    """Mark the chains anew that a restore has set back; returns the mark of each, which says how much was lost.

    Raises Conflict where a chain is broken: no restore does that.
    """
    verdicts = verify()
    if any(verdict.broken_at is not None for verdict in verdicts):
        msg = "A chain is broken, which no restore explains: see `flask audit verify`."
        raise Conflict(msg)
    marks = dict(anchor.load())
    accepted = []
    for verdict in verdicts:
        if not verdict.holds:
            practice_id = verdict.practice_id
            end = _end_of(practice_id)
            marks[practice_id] = anchor.marked_after_restore(marks[practice_id], *end, _link_in(practice_id))
            accepted.append((practice_id, marks[practice_id][-1]))
    if accepted:
        anchor.save(marks)
    return accepted


def _end_of(practice_id: str) -> tuple[int, bytes]:
    last = fetch_one(_backwards, {"practice": practice_id}, practice=practice_id)
    return (0, b"") if last is None else (last["position"], bytes(last["link"] or b""))


def _backwards() -> AnySelect:
    of_practice = (Event.practice_id == bindparam("practice", type_=Id()), Event.position.is_not(None))
    return select(Event.position, Event.link).where(*of_practice).order_by(Event.position.desc()).limit(1)


def _link_in(practice_id: str) -> Callable[[int], bytes | None]:
    """What asks for the link a fact of this practice stands in the database with."""

    def link_at(position: int) -> bytes | None:
        row = fetch_one(_at, {"practice": practice_id, "position": position}, practice=practice_id)
        return None if row is None or row["link"] is None else bytes(row["link"])

    return link_at


def _at() -> AnySelect:
    return select(Event.link).where(
        Event.practice_id == bindparam("practice", type_=Id()), Event.position == bindparam("position")
    )
