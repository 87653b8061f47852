"""A plain value under the member that carries its kind (`valueInteger`, `answerTime`), in the digits FHIR asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_DAY = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)"
)
_MINUTES = re.compile(r"[0-9]{2}:[0-9]{2}")
_MOST_WHOLE = 2**31
"""FHIR's integer has 32 bits."""


def keyed(prefix: str, kind: str, value: Any) -> Mapping[str, Any]:
    """A value of this FHIR type; a number that is no FHIR integer goes as the decimal it is."""
    if kind == "integer" and isinstance(value, int | float | Decimal) and not _is_integer(value):
        kind = "decimal"
    elif kind == "time" and isinstance(value, str) and _MINUTES.fullmatch(value):
        value = f"{value}:00"
    elif kind == "dateTime" and isinstance(value, str):
        value = _instant(value)
    return {f"{prefix}{kind[0].upper()}{kind[1:]}": value}


def as_integer(value: Any) -> int | None:
    """The FHIR integer a number is, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or value != int(value):
        return None
    whole = int(value)
    return whole if _is_integer(whole) else None


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST_WHOLE <= value < _MOST_WHOLE


def _instant(value: str) -> str:
    """An instant with its seconds and a time zone FHIR knows; what is none stays as it is."""
    if _DAY.fullmatch(value) or _INSTANT.fullmatch(value):
        return value
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return value
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at.tzinfo else value
