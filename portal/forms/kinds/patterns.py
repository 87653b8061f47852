"""Patterns that a submitted text must match, tried by RE2: in time linear in the text, whoever wrote the pattern.

RE2 takes 5 ms to load, so it is loaded with the first pattern; most forms have none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from portal.core.errors import Fault

MAX_LENGTH = 1_000
MAX_MEMORY = 1 << 20
"""Bytes for one pattern; a repeat of repeats that would need more is refused."""


def pattern_error(pattern: str) -> Fault | None:
    """Why this pattern is refused, or None."""
    if len(pattern) > MAX_LENGTH:
        return Fault("too_long", "Use {max} characters at most.", max=MAX_LENGTH)
    if pattern and _compile(pattern) is None:
        return Fault(
            "unsupported_pattern",
            "This pattern cannot be read. It may not look around or refer back, nor repeat many times over.",
        )
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches; a pattern that was refused matches every text."""
    compiled = _compile(pattern)
    return compiled is None or compiled.fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compile(pattern: str) -> Any:
    """The pattern, ready to be tried; None for one that is refused."""
    import re2  # noqa: PLC0415 -- see the module's docstring

    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None
