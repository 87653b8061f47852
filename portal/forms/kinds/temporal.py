"""Days, times of day and instants as an answer or an author writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

LONGEST_POINT = 40
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?")


def temporal_error(kind: str, value: Any) -> str | None:
    """Why this is no day, time of day or instant; or None."""
    words, read = TEMPORAL_TYPES[kind]
    try:
        right = isinstance(value, str) and len(value) <= LONGEST_POINT and read(value)
    except ValueError:
        right = False
    return None if right else words


def _reads_day(value: str) -> bool:
    return bool(_DAY.fullmatch(value)) and date.fromisoformat(value) is not None


def _reads_time(value: str) -> bool:
    return bool(_TIME.fullmatch(value)) and time.fromisoformat(value) is not None


def _reads_instant(value: str) -> bool:
    return _reads_day(value) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


TEMPORAL_TYPES: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "date": ("Use a day as YYYY-MM-DD.", _reads_day),
    "time": ("Use a time of day as HH:MM.", _reads_time),
    "datetime": ("Use an instant such as 2026-03-02T09:30:00Z, or a day.", _reads_instant),
}
