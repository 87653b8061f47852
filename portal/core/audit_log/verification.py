"""Verification: every practice's chain is compared with itself and with the anchor outside the database."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

from portal.core.audit_log import anchor
from portal.core.audit_log.anchor import Finding, Mark, Marks
from portal.core.audit_log.chain import chain_end, link_of, practice_ids, sealed_events, stored_link
from portal.core.errors import Conflict

log = logging.getLogger("portal.worker")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a practice's chain was checked, the first position that is wrong, and how it compares with the anchor.

    `mark` is the mark of the anchor that `finding` speaks of.
    """

    practice_id: str
    checked: int
    broken_at: int | None
    finding: Finding = Finding.UNMARKED
    mark: Mark | None = None

    @property
    def holds(self) -> bool:
        return self.broken_at is None and self.finding in {Finding.UNMARKED, Finding.AGREES}


def verify_chains() -> list[Verdict]:
    """Walk every practice's chain from its first event: positions without a gap, every link as computed.

    Raises AnchorDamaged. The anchor is read before the chains, which may grow meanwhile.
    """
    marks = anchor.load()
    practices = sorted({*practice_ids(), *marks})
    return [_verify(practice_id, marks.get(practice_id, ())) for practice_id in practices]


def _verify(practice_id: str, marks: Marks) -> Verdict:
    link, position = b"", 0
    marked_positions = {mark.position for mark in marks}
    links: dict[int, bytes] = {}
    for row in sealed_events(practice_id):
        position += 1
        link = link_of(link, SimpleNamespace(**row), position)
        if row["position"] != position or row["link"] != link:
            return Verdict(practice_id, position, position)
        if position in marked_positions:
            links[position] = link
    return Verdict(practice_id, position, None, *anchor.compare(marks, position, links.get))


def mark_chain_ends() -> None:
    """Write into the anchor how far each chain has come. A chain that contradicts its marks gets no new one."""
    before = anchor.load()
    after = dict(before)
    for practice_id in practice_ids():
        position, link = chain_end(practice_id)
        marks = before.get(practice_id, ())
        finding, _ = anchor.compare(marks[-1:], position, partial(stored_link, practice_id))
        if finding in {Finding.AHEAD, Finding.DIFFERS}:
            log.error("the audit log contradicts its anchor: run `flask audit verify`")
        elif position > (marks[-1].position if marks else 0):
            after[practice_id] = anchor.with_mark(marks, position, link)
    if after != before:
        anchor.save(after)


def accept_restore() -> list[tuple[str, Mark]]:
    """Mark anew the chains that a restore has set back; returns each practice and its mark, which says what was lost.

    Raises Conflict where a chain is broken: no restore does that.
    """
    verdicts = verify_chains()
    if any(verdict.broken_at is not None for verdict in verdicts):
        msg = "A chain is broken, which no restore explains: see `flask audit verify`."
        raise Conflict(msg)
    anchored = dict(anchor.load())
    accepted = []
    for practice_id in (verdict.practice_id for verdict in verdicts if not verdict.holds):
        position, link = chain_end(practice_id)
        marks = anchor.with_restore_mark(anchored[practice_id], position, link, partial(stored_link, practice_id))
        anchored[practice_id] = marks
        accepted.append((practice_id, marks[-1]))
    if accepted:
        anchor.save(anchored)
    return accepted
