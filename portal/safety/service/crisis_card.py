"""The crisis card: whom to call. It depends on nothing anybody has answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from portal.accounts import policy as accounts
from portal.accounts.models import Practice
from portal.core import access, clock
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.tables import AnySelect
from portal.core.db.transactions import transactional
from portal.core.errors import NotVisible, Stale
from portal.core.viewer import Viewer
from portal.safety import facts
from portal.safety.crisis_numbers import of_country
from portal.safety.models import CrisisCard

TITLE = "When it is too much right now"
UNWATCHED = "Nobody reads along here in real time, so please do not wait for an answer here."
WORDS = (
    "If you think about hurting yourself, or you are not safe with someone, you do not have to carry that alone. "
    "Call one of these numbers. You can also go to a person you trust, or to the nearest hospital. "
    "It does not have to be bad enough first."
)
ELSEWHERE = (
    "Somewhere else, or if a number does not answer: call the emergency number of the place where you are. "
    "In every country of the European Union that is 112."
)


def get_card(viewer: Viewer) -> dict[str, Any]:
    """The card of the viewer's practice: its own numbers, or those of its country (version 0)."""
    row = access.fetch_visible_row(viewer, _card)
    if row is None:
        raise NotVisible
    return _shown(row)


def _card(viewer: Viewer) -> AnySelect:
    return (
        accounts.practice_visible_to(viewer)
        .outerjoin(CrisisCard, CrisisCard.practice_id == Practice.id)
        .with_only_columns(Practice.country, CrisisCard.numbers, CrisisCard.note, CrisisCard.version)
    )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    own = row["version"] is not None
    return {
        "title": TITLE,
        "unwatched": UNWATCHED,
        "words": WORDS,
        "numbers": orjson.loads(row["numbers"]) if own else [asdict(one) for one in of_country(row["country"])],
        "elsewhere": ELSEWHERE,
        "note": row["note"],
        "chosen_by_practice": own,
        "version": row["version"] or 0,
    }


@transactional
def put_card(
    viewer: Viewer, expected: int, *, numbers: Sequence[Mapping[str, Any]], note: str | None = None
) -> dict[str, Any]:
    """Put the practice's own numbers on the card. Raises Stale where somebody else has done so meanwhile."""
    access.require(accounts.may_run_the_practice(viewer), "Only an owner changes the crisis card.")
    practice = access.get_for_update(viewer, Practice, accounts.practice_visible_to, viewer.practice_id)
    card = db.session.get(CrisisCard, practice.id, populate_existing=True)
    if (card.version if card else 0) != expected:
        raise Stale(get_card(viewer))
    if card is None:
        card = CrisisCard(practice_id=practice.id, version=0)
        db.session.add(card)
    card.numbers = orjson.dumps([_stored(one) for one in numbers]).decode()
    card.note, card.changed_at = note, clock.now()
    card.version += 1
    db.session.flush()
    record(viewer, facts.CARD_CHANGED, practice)
    return get_card(viewer)


def _stored(number: Mapping[str, Any]) -> dict[str, Any]:
    return {name: number.get(name) for name in ("kind", "label", "number", "note")}
