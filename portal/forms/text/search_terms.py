"""The search terms of a text, computed here and not by the database, so that both engines find the same.

Case and accents are folded; in scripts without spaces, each character is a word.
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
"""The members of a document whose text people read."""
SKIPPED_MEMBERS = frozenset({"codes", "fhir", "scores", "variables"})
"""Members without text that people read."""
MAX_TERM_LENGTH = 64
MAX_CHARACTERS = 1_000_000
"""Characters of a text or document that are searched."""
MAX_BYTES = 400_000
"""Bytes of distinct terms that are stored; PostgreSQL takes one megabyte with its own additions."""
_SINGLE_CHARACTER_WORDS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SINGLE_CHARACTER_WORDS}]|[^\W_{_SINGLE_CHARACTER_WORDS}]+")


def terms_in(text: str) -> list[str]:
    """The folded terms of a text, in order."""
    apart = unicodedata.normalize("NFKD", text[:MAX_CHARACTERS].casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char)) if not apart.isascii() else apart
    return [word[:MAX_TERM_LENGTH] for word in _WORD.findall(bare.casefold())]


def join_terms(texts: Iterable[str]) -> str:
    """Every distinct term of some texts, in alphabetical order, separated by spaces."""
    terms, room = [], MAX_BYTES
    for word in sorted({word for text in texts for word in terms_in(text)}):
        room -= len(word.encode()) + 1
        if room < 0:
            break
        terms.append(word)
    return " ".join(terms)


def searchable_texts(document: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a document that people read: labels, help, Markdown, options, key points."""
    waiting: list[tuple[str, Any]] = [("", document)]
    room = MAX_CHARACTERS
    while waiting and room > 0:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += ((inner, said) for inner, said in value.items() if inner not in SKIPPED_MEMBERS)
        elif isinstance(value, list):
            waiting += ((name, item) for item in value)
        elif isinstance(value, str) and name in SEARCHABLE_MEMBERS:
            room -= len(value)
            yield value
