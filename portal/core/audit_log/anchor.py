"""The anchor: how far each practice's chain had come, in a file outside the database.

A chain alone cannot notice that its newest facts were cut off. The file stands beside the keyring, is signed with
the keyring's audit root and replaced whole; it holds ids, positions and links, one mark a day and a month of them.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from portal.core import clock
from portal.core.crypto import keyring

FORMAT = "portal-audit-anchor-1"
MARKS_KEPT = 35


class AnchorDamaged(Exception):
    """The anchor was altered, or signed with another keyring; it says nothing about any chain."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The end of a chain at some time. `lost_up_to`: an operator said that a restore lost the facts up to there."""

    at: str
    position: int
    link: str
    lost_up_to: int | None = None


class Finding(StrEnum):
    """How a chain compares with its marks."""

    UNMARKED = "unmarked"
    AGREES = "agrees"
    AHEAD = "ahead"
    DIFFERS = "differs"


Marks = Sequence[Mark]
Anchor = Mapping[str, Marks]
"""The marks of each practice, oldest first."""


def path() -> Path:
    return keyring().path.with_suffix(".anchor.json")


def load() -> Anchor:
    """What the file holds; nothing where there is none. Raises AnchorDamaged."""
    try:
        raw = path().read_bytes()
    except FileNotFoundError:
        return {}
    try:
        held = orjson.loads(raw)
        practices: Any = held["practices"]
        if not hmac.compare_digest(held["signature"], _signature(practices)):
            raise AnchorDamaged
        return {practice: [Mark(**mark) for mark in marks] for practice, marks in practices.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise AnchorDamaged from error


def save(anchor: Anchor) -> None:
    """Replace the file whole, so that a crash leaves the old or the new one."""
    practices = {practice: [asdict(mark) for mark in marks] for practice, marks in anchor.items()}
    held = {"format": FORMAT, "practices": practices, "signature": _signature(practices)}
    draft = path().with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(held, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path())


def _signature(practices: Any) -> str:
    return keyring().digest("audit", b"anchor|" + orjson.dumps(practices, option=orjson.OPT_SORT_KEYS)).hex()


def compare(marks: Marks, head: int, link_at: Callable[[int], bytes | None]) -> tuple[Finding, Mark | None]:
    """How a chain of `head` facts compares, and with which mark."""
    for mark in marks:
        if mark.position <= head and not _fits(mark, link_at):
            return Finding.DIFFERS, mark
    if not marks:
        return Finding.UNMARKED, None
    return (Finding.AHEAD if marks[-1].position > head else Finding.AGREES), marks[-1]


def _fits(mark: Mark, link_at: Callable[[int], bytes | None]) -> bool:
    return mark.position == 0 or link_at(mark.position) == bytes.fromhex(mark.link)


def marked(marks: Marks, position: int, link: bytes) -> list[Mark]:
    """The marks with the chain's end as it is now, in place of an earlier one of the same day."""
    now = Mark(clock.now().isoformat(), position, link.hex())
    earlier = list(marks)
    if earlier and earlier[-1].lost_up_to is None and earlier[-1].at[:10] == now.at[:10]:
        earlier.pop()
    return [*earlier, now][-MARKS_KEPT:]


def marked_after_restore(marks: Marks, head: int, link: bytes, link_at: Callable[[int], bytes | None]) -> list[Mark]:
    """Only the marks a restored chain still agrees with, and one that says how much was lost."""
    kept = []
    for mark in marks:
        if mark.position > head or not _fits(mark, link_at):
            break
        kept.append(mark)
    lost = max(mark.position for mark in marks)
    return [*kept, Mark(clock.now().isoformat(), head, link.hex(), lost)][-MARKS_KEPT:]
