"""The results of reading a file from elsewhere, whatever its type."""

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

    `losses` name what does not work here, `notes` what was filled in or may surprise; `instrument` is the key of the
    recipe it was recognized by.
    """

    kind: str
    description: dict[str, Any]
    document: dict[str, Any]
    losses: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)
    instrument: str | None = None


UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
"""Characters that no card shows and no text in the database can hold."""
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
"""The members of a library card that its author left out."""


def refuse(place: str, code: str, detail: str, **params: Any) -> NoReturn:
    """Refuse the whole file, with a fault at this place."""
    raise Invalid(Fault(code, detail, **params).at(place))


def decode_text(content: bytes, place: str) -> str:
    """The text of a UTF-8 file, with line feeds as its line ends. Raises Invalid for anything else."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        refuse(
            place, "not_utf8", "This is not UTF-8: byte {byte} cannot be read. Save it as UTF-8.", byte=error.start + 1
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
