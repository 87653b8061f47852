"""Patterns a text has to match: only those that are quick to try on any text, and a short text to try them on.

Forms come from elsewhere, and a pattern such as `(a+)+$` can take years. Taken are patterns without a look around, a
reference back or a repeat within a repeat, with three open repeats at most: at worst quadratic in the text's length.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

LONGEST = 1_000
LONGEST_TEXT = 1_000
MOST_OPEN = 3
FEW = 8
"""A repeat up to this often is counted out, not open."""


def problem(pattern: str) -> str | None:
    """Why this pattern is not taken, or None."""
    if len(pattern) > LONGEST:
        return f"Use {LONGEST} characters at most."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parsed: Any = re._parser.parse(pattern)  # noqa: SLF001 -- the one parser of what re takes
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, Warning):
        return "This is not a pattern that can be read."
    found = list(_open_repeats(parsed, within=False))
    if None in found:
        return "Patterns that look around, refer back or repeat a repeat are not tried. Write a simpler one."
    return f"Use {MOST_OPEN} open repeats at most." if len(found) > MOST_OPEN else None


REFUSED = frozenset({"GROUPREF", "GROUPREF_EXISTS", "ASSERT", "ASSERT_NOT"})


def _open_repeats(parsed: Iterable[Any], *, within: bool) -> Iterable[int | None]:
    """1 for each open repeat, None for each thing that is not taken."""
    for operation, argument in parsed:
        name, deeper = str(operation), within
        if name in REFUSED or (name == "BRANCH" and within):
            yield None
        elif name.endswith("_REPEAT"):
            most = argument[1]
            if within and most > 1:
                yield None
            if most > FEW:
                yield 1
            deeper = within or most > 1
        for inner in _inside(name, argument):
            yield from _open_repeats(inner, within=deeper)


def _inside(name: str, argument: Any) -> Sequence[Any]:
    """The patterns within one operation."""
    if name.endswith("_REPEAT"):
        return [argument[2]]
    if name == "BRANCH":
        return list(argument[1])
    if name == "SUBPATTERN":
        return [argument[-1]]
    return [argument] if name == "ATOMIC_GROUP" else []


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is as the pattern says; a longer one than is tried is let through."""
    return len(text) > LONGEST_TEXT or _compiled(pattern).fullmatch(text) is not None
