"""The current time (aware, UTC, whole seconds) and the calendar days of a time zone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

_shift: ContextVar[timedelta] = ContextVar("shift", default=timedelta())


def now() -> datetime:
    """The current instant in UTC without fractions of a second, which neither the API nor the databases keep."""
    return (datetime.now(UTC) + _shift.get()).replace(microsecond=0)


@contextmanager
def time_shifted(by: timedelta) -> Iterator[None]:
    """Shift `now()` for the enclosed code: the demo writes into the past, tests look ahead."""
    token = _shift.set(_shift.get() + by)
    try:
        yield
    finally:
        _shift.reset(token)


def start_of_day(day: date, zone: str) -> datetime:
    """The first instant of `day` in `zone`, as UTC.

    Where a clock change skips midnight, the day starts with the first minute that exists.
    """
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def end_of_day(day: date, zone: str) -> datetime:
    """The first instant after `day` in `zone`, as UTC: a day of 23, 24 or 25 hours is over then."""
    return start_of_day(day + timedelta(days=1), zone)


def today(zone: str) -> date:
    return now().astimezone(ZoneInfo(zone)).date()


def is_time_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone the portal can compute with."""
    return name in _zones()


_known: set[str] = set()


def _zones() -> set[str]:
    if not _known:
        _known.update(available_timezones())
    return _known
