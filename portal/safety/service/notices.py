"""Notices: what a client reads at once when an answer says that they may need somebody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from portal.core.viewer import Viewer
from portal.safety.service.crisis_card import get_card

NOT_ALONE = (
    "Thank you for saying this. If it is too much right now, the people behind these numbers are there for you. "
    "Nobody reads this in real time."
)
THERAPIST_NOTIFIED = (
    "Your therapist now gets word that something here may need them soon. Nobody watches this in real time, so it can "
    "take a while until they see it. If you need someone now, please do not wait: these numbers are for you."
)
PRACTICE_NOTIFIED = (
    "Your practice now gets word that something here may need them. Nobody watches this in real time, so it can "
    "take a while until they see it. If you need someone now, please do not wait: these numbers are for you."
)


def notices_for_saved(viewer: Viewer, items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Notices for risky answers that were just saved: the crisis card."""
    return _notice("crisis_card", NOT_ALONE, viewer, items)


def notices_for_submitted(viewer: Viewer, items: Iterable[Mapping[str, Any]], *, notified: int) -> list[dict[str, Any]]:
    """Notices for risky answers that were submitted, of which `notified` therapists get word."""
    return _notice("alert_raised", THERAPIST_NOTIFIED if notified else PRACTICE_NOTIFIED, viewer, items)


def _notice(kind: str, words: str, viewer: Viewer, items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    blocks = [{"block": item["block"], "row": item["row"]} for item in items]
    return [{"kind": kind, "words": words, "card": get_card(viewer), "blocks": blocks}]
