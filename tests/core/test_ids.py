"""Ids are UUIDv7 in canonical text: they sort by time and are recognised strictly."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest

from portal.core.ids import is_id, new_id


def test_ids_are_unique_version_seven_and_sort_as_they_were_made() -> None:
    made = [new_id() for _ in range(5_000)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert {uuid.UUID(one).version for one in made[::100]} == {7}
    assert all(is_id(one) for one in made[::100])


def test_ids_sort_by_the_time_they_were_made() -> None:
    milliseconds = int(new_id().replace("-", "")[:12], 16)
    assert abs(milliseconds / 1000 - datetime.now(UTC).timestamp()) < 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01980c5e7d2a7c3b9f100a1b2c3d4e5f",
        "01980C5E-7D2A-7C3B-9F10-0A1B2C3D4E5F",
        "{01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f}",
        "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f\n",
        "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5g",
        "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f0",
        "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5١",  # noqa: RUF001 -- an Arabic one
    ],
)
def test_what_is_not_canonical_is_no_id(text: str) -> None:
    assert not is_id(text)
