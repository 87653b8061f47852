"""A resource knows its status; versions and JSON are kept as they were written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from portal.core import clock, decimal_json
from portal.core.ids import new_id
from portal.library.models import DESCRIBED, JsonText, Resource, Version
from tests.cast import Cast
from tests.owner import as_owner


@pytest.mark.parametrize(
    ("archived", "latest", "status"),
    [(False, None, "draft"), (False, 1, "published"), (True, 1, "archived"), (True, None, "archived")],
)
def test_a_resource_is_a_draft_until_published_and_archived_above_all(
    archived: bool, latest: int | None, status: str
) -> None:
    resource = Resource(latest_number=latest, archived_at=clock.now() if archived else None)
    assert resource.status == status


def test_a_card_says_the_same_members_on_a_draft_and_on_a_version() -> None:
    for table in (Resource, Version):
        assert set(DESCRIBED) <= set(table.__table__.columns.keys())
    assert set(Resource(title="T").card()) == set(DESCRIBED)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=5))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_json_text_keeps_every_value_and_the_order_of_its_members(value: dict[str, Any]) -> None:
    kept = JsonText()
    stored = kept.process_bind_param(value, None)
    back = kept.process_result_value(stored, None)
    assert orjson.loads(decimal_json.dumps(back)) == value
    assert list(back) == list(value)


def test_a_document_comes_back_from_the_database_key_for_key(cast: Cast, context: None) -> None:
    document = {"z": 1, "a": {"y": [Decimal("1.50"), None, "ü\u2028"], "b": True}, "m": 2}
    with as_owner() as session:
        session.execute(update(Resource).where(Resource.id == cast.things["linden.exercise"]).values(draft=document))
    with as_owner() as session:
        read = session.scalars(select(Resource.draft).where(Resource.id == cast.things["linden.exercise"])).one()
    assert read == document
    assert list(read) == ["z", "a", "m"]


def test_a_version_number_is_given_once(cast: Cast, context: None) -> None:
    with as_owner() as session:
        version = session.scalars(select(Version).where(Version.resource_id == cast.things["linden.exercise"])).one()
        twin = {column.key: getattr(version, column.key) for column in Version.__table__.columns} | {"id": new_id()}
    with pytest.raises(IntegrityError), as_owner() as session:
        session.add(Version(**twin))


def test_a_version_cannot_belong_to_another_practices_resource(cast: Cast, context: None) -> None:
    with as_owner() as session:
        version = session.scalars(select(Version).where(Version.resource_id == cast.things["linden.exercise"])).one()
        twin = {column.key: getattr(version, column.key) for column in Version.__table__.columns}
    foreign = twin | {"id": new_id(), "practice_id": cast.other_owner.viewer.practice_id}
    with pytest.raises(IntegrityError), as_owner() as session:
        session.add(Version(**foreign))
