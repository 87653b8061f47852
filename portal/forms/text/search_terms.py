"""The words of a text as search knows them: the same on every engine, since they are told here and not by the engine.

Case and accents are folded; a character of a script that writes without spaces is a word of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

SEARCHABLE_MEMBERS = frozenset(
    {
        "answer",
        "help",
        "key_points",
        "label",
        "markdown",
        "max_label",
        "min_label",
        "other_label",
        "placeholder",
        "row_label",
        "talk",
        "talk_help",
        "title",
    }
)
"""The members of a document that hold words a person reads."""
SKIPPED_MEMBERS = frozenset({"codes", "fhir", "scores", "variables"})
"""Members of which nobody reads a word."""
LONGEST = 64
MOST_READ = 1_000_000
"""Characters of one text or document that are looked at."""
MOST_KEPT = 400_000
"""Bytes of different words that are kept; PostgreSQL takes one megabyte with what it adds."""
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")


def terms_in(text: str) -> list[str]:
    """The words of a text in order, folded."""
    apart = unicodedata.normalize("NFKD", text[:MOST_READ].casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char)) if not apart.isascii() else apart
    return [word[:LONGEST] for word in _WORD.findall(bare.casefold())]


def join_terms(texts: Iterable[str]) -> str:
    """Every word of some texts once, in alphabetical order, a space between two."""
    kept, room = [], MOST_KEPT
    for word in sorted({word for text in texts for word in terms_in(text)}):
        room -= len(word.encode()) + 1
        if room < 0:
            break
        kept.append(word)
    return " ".join(kept)


def searchable_texts(document: Mapping[str, Any]) -> Iterator[str]:
    """What a document says to a reader: labels, help, Markdown, options, key points."""
    waiting: list[tuple[str, Any]] = [("", document)]
    room = MOST_READ
    while waiting and room > 0:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += ((inner, said) for inner, said in value.items() if inner not in SKIPPED_MEMBERS)
        elif isinstance(value, list):
            waiting += ((name, item) for item in value)
        elif isinstance(value, str) and name in SEARCHABLE_MEMBERS:
            room -= len(value)
            yield value
