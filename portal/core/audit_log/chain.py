"""The chain: each event carries an HMAC over the link before it and everything the event says."""

from __future__ import annotations

from typing import Any

import orjson

from portal.core.crypto import keyring


def link_of(previous: bytes, event: Any, position: int) -> bytes:
    """The chain's next link: an HMAC over the link before and everything the event says."""
    said: tuple[Any, ...] = (
        position,
        event.practice_id,
        event.id,
        event.fact,
        event.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        event.actor_kind,
        event.actor_id,
        event.subject_id,
        event.client_id,
        event.details,
    )
    if event.care_id is not None:
        said += (event.care_id,)
    return keyring().digest("audit", previous + orjson.dumps(said))
