"""Patterns a finished text has to match, tried by RE2: in time linear in the text, whoever wrote the pattern.

RE2 is loaded with the first pattern; most forms have none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LONGEST = 1_000
MOST_MEMORY = 1 << 20
"""Bytes for one pattern; a repeat of repeats that would need more is refused."""


def pattern_error(pattern: str) -> str | None:
    """Why this pattern is not taken, or None."""
    if len(pattern) > LONGEST:
        return f"Use {LONGEST} characters at most."
    if pattern and _compiled(pattern) is None:
        return "This pattern cannot be read. It may not look around or refer back, nor repeat many times over."
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is as the pattern says."""
    compiled = _compiled(pattern)
    return compiled is None or compiled.fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    """The pattern, ready to be tried; None for one that is not taken."""
    import re2  # noqa: PLC0415 -- see the module's docstring

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None
