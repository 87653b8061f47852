"""The anchor: how far each practice's chain had come, in a file outside the database.

A chain alone cannot notice that its newest events were cut off. The file stands beside the keyring, is signed with
the keyring's audit root and replaced as a whole; it holds ids, positions and links, one mark a day for 35 days.
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
MARK_LIMIT = 35


class AnchorDamaged(Exception):
    """The anchor was altered or signed with another keyring, so that it proves nothing."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The end of a chain at some time; `lost_up_to` is the last position that a restore lost, if any."""

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
    """Read the file; a missing one is an empty anchor. Raises AnchorDamaged."""
    try:
        raw = path().read_bytes()
    except FileNotFoundError:
        return {}
    try:
        content = orjson.loads(raw)
        practices: Any = content["practices"]
        if not hmac.compare_digest(content["signature"], _signature(practices)):
            raise AnchorDamaged
        return {practice: [Mark(**mark) for mark in marks] for practice, marks in practices.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise AnchorDamaged from error


def save(anchor: Anchor) -> None:
    """Replace the file as a whole, so that a crash leaves the old or the new one."""
    practices = {practice: [asdict(mark) for mark in marks] for practice, marks in anchor.items()}
    content = {"format": FORMAT, "practices": practices, "signature": _signature(practices)}
    draft = path().with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path())


def _signature(practices: Any) -> str:
    return keyring().digest("audit", b"anchor|" + orjson.dumps(practices, option=orjson.OPT_SORT_KEYS)).hex()


def compare(marks: Marks, head: int, link_at: Callable[[int], bytes | None]) -> tuple[Finding, Mark | None]:
    """How a chain of `head` events compares with its marks, and the mark that decides it."""
    for mark in marks:
        if mark.position <= head and not _agrees(mark, link_at):
            return Finding.DIFFERS, mark
    if not marks:
        return Finding.UNMARKED, None
    return (Finding.AHEAD if marks[-1].position > head else Finding.AGREES), marks[-1]


def _agrees(mark: Mark, link_at: Callable[[int], bytes | None]) -> bool:
    return mark.position == 0 or link_at(mark.position) == bytes.fromhex(mark.link)


def with_mark(marks: Marks, position: int, link: bytes) -> list[Mark]:
    """The marks and one of the chain's end now, which replaces an earlier one of the same day."""
    now = Mark(clock.now().isoformat(), position, link.hex())
    earlier = list(marks)
    if earlier and earlier[-1].lost_up_to is None and earlier[-1].at[:10] == now.at[:10]:
        earlier.pop()
    return [*earlier, now][-MARK_LIMIT:]


def with_restore_mark(marks: Marks, head: int, link: bytes, link_at: Callable[[int], bytes | None]) -> list[Mark]:
    """The marks that a restored chain still agrees with, and one that says how much was lost."""
    agreeing = []
    for mark in marks:
        if mark.position > head or not _agrees(mark, link_at):
            break
        agreeing.append(mark)
    lost = max(mark.position for mark in marks)
    return [*agreeing, Mark(clock.now().isoformat(), head, link.hex(), lost)][-MARK_LIMIT:]
