"""The wire shape of an opening: closed, and without a place for content."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from portal.audit import schemas


def test_an_opening_has_room_for_who_when_and_what_alone() -> None:
    assert set(schemas.AccessLogEntrySchema().dump_fields) == {
        "id", "occurred_at", "opened_by", "opened", "assignment_id", "title", "attempt",
    }  # fmt: skip
    assert set(schemas.AccessActorSchema().dump_fields) == {"id", "kind", "name"}


def test_every_member_of_an_opening_is_always_there() -> None:
    assert all(field.required for field in schemas.AccessLogEntrySchema().dump_fields.values())


@pytest.mark.parametrize("query", [{"client_id": "x"}, {"sort": "title"}, {"q": "anna"}, {"limit": "101"}])
def test_the_log_is_narrowed_by_nothing_but_its_pages(query: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        schemas.AccessQuerySchema().load(query)
