"""What reading a foreign file comes to, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from portal.core.errors import Fault, Invalid


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about one place of a file."""

    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.place}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Imported:
    """A resource as a file describes it.

    `losses` name what does not come along, `notes` what was filled in or may surprise; `instrument` is the recipe it
    was recognised by.
    """

    kind: str
    description: dict[str, Any]
    document: dict[str, Any]
    losses: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    instrument: str | None = None


UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
"""What no card shows, and no text of the database holds."""
DEFAULTS: Mapping[str, Any] = {
    "summary": "",
    "language": "en",
    "topics": [],
    "minutes": 5,
    "intensity": "moderate",
    "content_note": "",
    "audience": "anyone",
    "licence": "",
    "sources": [],
}
"""What a library card says until somebody says better."""


def refuse(place: str, detail: str) -> NoReturn:
    """Refuse the whole file: where, and why, with the remedy."""
    raise Invalid(Fault("invalid", detail).at(place))


def text_of(content: bytes, place: str) -> str:
    """UTF-8 with one kind of line end. Raises Invalid for anything else."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        detail = f"This is not UTF-8: byte {error.start + 1} cannot be read. Save it as UTF-8."
        refuse(place, detail)
    return text.replace("\r\n", "\n").replace("\r", "\n")
