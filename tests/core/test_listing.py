"""Lists are narrowed, ordered and paged by keyset: every row once, in order, whatever the page size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, literal, select

from portal.core.access import PRACTICE
from portal.core.db.tables import Instant
from portal.core.jobs import Job
from portal.core.listing import Listing, ListRequest, Page, any_of, at_least, below, condition, equals
from portal.core.viewer import Viewer
from tests.cast import Cast
from tests.owner import as_owner

START = datetime(2026, 3, 1, tzinfo=UTC)


def _listing(*, raw: bool) -> Listing:
    return Listing(
        base=lambda _viewer: select(Job).where(Job.practice_id == PRACTICE, Job.kind != "other"),
        columns=(Job.id, Job.kind, Job.subject, Job.due_at, Job.gave_up),
        filters={
            "kind": any_of(Job.kind),
            "subject": equals(Job.subject),
            "due_at[gte]": at_least(Job.due_at),
            "due_at[lt]": below(Job.due_at),
            "gave_up": condition(lambda: Job.gave_up.is_(True)),
        },
        sorts={
            "due_at": Job.due_at,
            "subject": Job.subject,
            "ended_at": func.coalesce(Job.ended_at, literal(datetime(1, 1, 1, tzinfo=UTC), Instant), type_=Instant),
        },
        default_sort="due_at",
        identity=Job.id,
        raw=raw,
    )


LISTINGS = [pytest.param(_listing(raw=True), id="raw"), pytest.param(_listing(raw=False), id="python")]


@pytest.fixture
def viewer(cast: Cast, context: None) -> Viewer:
    """An owner whose practice has twenty-three jobs, many due at the same time, and the other practice has one."""
    with as_owner() as session:
        session.query(Job).delete()
        for practice, many in ((cast.owner.viewer.practice_id, 23), (cast.other_owner.viewer.practice_id, 1)):
            for index in range(many):
                session.add(
                    Job(
                        practice_id=practice,
                        kind="even" if index % 2 == 0 else "odd",
                        subject=f"s{index % 5}",
                        due_at=START + timedelta(hours=index // 4),
                        gave_up=index == 7,
                        ended_at=START if index % 3 else None,
                    )
                )
    return cast.owner.viewer


def _pages(listing: Listing, viewer: Viewer, limit: int, **asked: Any) -> list[Page]:
    pages = [listing.page(viewer, ListRequest(limit=limit, **asked))]
    while pages[-1].following is not None:
        key, row_id = pages[-1].following
        key = key.isoformat() if isinstance(key, datetime) else key
        pages.append(listing.page(viewer, ListRequest(limit=limit, after=(key, row_id), **asked)))
    return pages


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.parametrize("sort", ["due_at", "-due_at", "subject", "-subject", "ended_at", "-ended_at"])
@pytest.mark.parametrize("limit", [1, 4, 22, 23, 100])
def test_pages_hold_every_row_once_in_order(viewer: Viewer, listing: Listing, sort: str, limit: int) -> None:
    whole = [row["id"] for row in listing.page(viewer, ListRequest(sort=sort, limit=100)).as_dicts()]
    pages = _pages(listing, viewer, limit, sort=sort)
    assert [row["id"] for page in pages for row in page.as_dicts()] == whole
    assert len(set(whole)) == 23
    assert len(pages) == -(-23 // limit)


@pytest.mark.parametrize("listing", LISTINGS)
def test_an_order_and_its_reverse_are_mirrors(viewer: Viewer, listing: Listing) -> None:
    for sort in listing.sorts:
        forward = [row["id"] for row in listing.page(viewer, ListRequest(sort=sort, limit=100)).as_dicts()]
        assert [
            row["id"] for row in listing.page(viewer, ListRequest(sort=f"-{sort}", limit=100)).as_dicts()
        ] == forward[::-1]


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.parametrize(
    ("filters", "many"),
    [
        ({}, 23),
        ({"kind": ["even"]}, 12),
        ({"kind": ["even", "odd"]}, 23),
        ({"kind": ["none"]}, 0),
        ({"subject": "s1"}, 5),
        ({"due_at[gte]": START + timedelta(hours=5)}, 3),
        ({"due_at[lt]": START + timedelta(hours=1)}, 4),
        ({"due_at[gte]": START + timedelta(hours=1), "due_at[lt]": START + timedelta(hours=2)}, 4),
        ({"gave_up": True}, 1),
        ({"gave_up": False}, 22),
        ({"kind": ["odd"], "gave_up": True, "subject": "s2"}, 1),
    ],
)
def test_filters_narrow_and_totals_count_what_they_leave(
    viewer: Viewer, listing: Listing, filters: dict[str, Any], many: int
) -> None:
    page = listing.page(viewer, ListRequest(filters=filters, limit=3, include_total=True))
    assert page.total == many
    assert sum(len(one.as_dicts()) for one in _pages(listing, viewer, 3, filters=filters)) == many
    assert listing.page(viewer, ListRequest(filters=filters)).total is None


def test_raw_rows_and_python_rows_are_the_same_rows(viewer: Viewer) -> None:
    raw, python = (_listing(raw=raw).page(viewer, ListRequest(limit=100)).as_dicts() for raw in (True, False))
    assert [row["id"] for row in raw] == [row["id"] for row in python]
    assert [bool(row["gave_up"]) for row in raw] == [row["gave_up"] for row in python]
    assert all(isinstance(row["due_at"], datetime) for row in python)


def test_a_mapped_page_keeps_its_place(viewer: Viewer) -> None:
    page = _listing(raw=False).page(viewer, ListRequest(limit=5))
    mapped = page.map(lambda row: {"id": row["id"], "loud": row["subject"].upper()})
    assert mapped.columns is None
    assert [tuple(row) for row in mapped.rows] == [("id", "loud")] * 5
    assert mapped.following == page.following
    empty = _listing(raw=False).page(viewer, ListRequest(filters={"kind": ["none"]}))
    assert empty.map(lambda row: row).as_dicts() == []
