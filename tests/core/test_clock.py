"""The clock travels, and a day begins and ends where a person lives, in every time zone there is."""

from __future__ import annotations

import contextvars
import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core import clock

ZONES = sorted(available_timezones())


def test_now_is_aware_utc_in_whole_seconds() -> None:
    assert clock.now().tzinfo is UTC
    assert clock.now().microsecond == 0
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=2)


def test_travels_add_up_and_end() -> None:
    start = clock.now()
    with clock.time_shifted(timedelta(days=3)), clock.time_shifted(timedelta(hours=-1)):
        assert timedelta() <= clock.now() - start - timedelta(days=3, hours=-1) < timedelta(seconds=5)
    assert clock.now() - start < timedelta(seconds=5)


def test_a_travel_ends_with_an_error_too() -> None:
    with pytest.raises(ValueError, match="over"), clock.time_shifted(timedelta(days=3)):
        raise ValueError("over")  # noqa: EM101 -- a made-up one
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=2)


def test_a_shifted_clock_is_shifted_in_its_own_context_only() -> None:
    seen: list[datetime] = []
    with clock.time_shifted(timedelta(days=3)):
        thread = threading.Thread(target=contextvars.Context().run, args=(lambda: seen.append(clock.now()),))
        thread.start()
        thread.join()
    assert abs(seen[0] - datetime.now(UTC)) < timedelta(seconds=2)


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("UTC", date(2026, 5, 1), "2026-05-01T00:00", 24),
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00", 23),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00", 25),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00", 23),
        ("America/Sao_Paulo", date(2018, 2, 17), "2018-02-17T02:00", 25),
        ("Africa/Cairo", date(2026, 4, 24), "2026-04-23T22:00", 23),
        ("Africa/Cairo", date(2026, 10, 29), "2026-10-28T21:00", 25),
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00", 25),
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-29T10:00", 24),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", 0),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00", 24),
        ("Pacific/Kiritimati", date(2026, 1, 1), "2025-12-31T10:00", 24),
        ("Australia/Lord_Howe", date(2026, 4, 5), "2026-04-04T13:00", 24.5),
    ],
)
def test_a_day_is_as_long_as_the_clocks_there_make_it(zone: str, day: date, begins: str, hours: float) -> None:
    start = clock.start_of_day(day, zone)
    assert start == datetime.fromisoformat(begins).replace(tzinfo=UTC)
    assert clock.end_of_day(day, zone) - start == timedelta(hours=hours)


@given(st.sampled_from(ZONES), st.dates(date(1990, 1, 1), date(2100, 12, 31)))
@settings(max_examples=500, derandomize=True, deadline=None)
def test_a_day_starts_with_its_first_second(zone: str, day: date) -> None:
    begins, local = clock.start_of_day(day, zone), ZoneInfo(zone)
    assert (begins - timedelta(seconds=1)).astimezone(local).date() < day
    assert begins.astimezone(local).date() >= day
    assert clock.end_of_day(day, zone) == clock.start_of_day(day + timedelta(days=1), zone) >= begins


def test_today_depends_on_the_time_zone() -> None:
    at = datetime(2026, 6, 1, 10, 30, tzinfo=UTC)
    with clock.time_shifted(at - datetime.now(UTC)):
        assert clock.today("Pacific/Apia") == date(2026, 6, 1)
        assert clock.today("Pacific/Kiritimati") == date(2026, 6, 2)
        assert clock.today("Pacific/Pago_Pago") == date(2026, 5, 31)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Europe/Berlin", True),
        ("UTC", True),
        ("Mars/Olympus", False),
        ("", False),
        ("../etc/passwd", False),
        ("europe/berlin", False),
    ],
)
def test_a_time_zone_is_one_of_the_known_names(name: str, known: bool) -> None:
    assert clock.is_time_zone(name) is known
