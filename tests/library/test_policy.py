"""Staff read their practice's library, therapists write it, and a client meets a resource only as an assignment."""

from __future__ import annotations

import pytest
from sqlalchemy import func

from portal.core.access import fetch_visible
from portal.core.db.tables import AnySelect
from portal.core.viewer import ANYONE, PrincipalKind, Viewer, system
from portal.library.policy import may_write, versions_visible_to, visible_to
from tests.cast import Cast

READERS = ("owner", "therapist", "co_therapist", "former_therapist", "colleague")


def _count_resources(viewer: Viewer) -> AnySelect:
    return visible_to(viewer).with_only_columns(func.count().label("n"))


def _count_versions(viewer: Viewer) -> AnySelect:
    return versions_visible_to(viewer).with_only_columns(func.count().label("n"))


def _counts(viewer: Viewer) -> tuple[int, int]:
    counted = []
    for count in (_count_resources, _count_versions):
        [row] = fetch_visible(viewer, count)
        counted.append(row["n"])
    return counted[0], counted[1]


@pytest.mark.parametrize("name", READERS)
def test_all_staff_of_a_practice_see_the_same_library(cast: Cast, context: None, name: str) -> None:
    assert _counts(cast.everyone()[name].viewer) == _counts(cast.owner.viewer)
    assert min(_counts(cast.owner.viewer)) > 0


@pytest.mark.parametrize("name", ["client", "partner", "stranger", "newcomer", "other_client"])
def test_a_client_sees_nothing_of_the_library(cast: Cast, context: None, name: str) -> None:
    assert _counts(cast.everyone()[name].viewer) == (0, 0)


def test_neither_nobody_nor_the_portal_itself_reads_the_library(cast: Cast, context: None) -> None:
    assert _counts(system(cast.owner.viewer.practice_id)) == (0, 0)


def test_a_practice_sees_nothing_of_another_practices_library(cast: Cast) -> None:
    ours = {row["id"] for row in cast.owner.get("/resources?limit=100").get_json()["data"]}
    theirs = {row["id"] for row in cast.other_owner.get("/resources?limit=100").get_json()["data"]}
    assert ours
    assert theirs
    assert not ours & theirs


@pytest.mark.parametrize("thing", ["exercise", "draft_resource", "reading"])
def test_another_practices_resource_is_absent(cast: Cast, thing: str) -> None:
    path = f"/resources/{cast.things[f'birch.{thing}']}"
    for method, where in (
        ("GET", ""),
        ("GET", "/versions"),
        ("GET", "/versions/1"),
        ("POST", "/versions"),
        ("POST", "/copy"),
        ("POST", "/archive"),
    ):
        assert cast.therapist.ask(method, path + where).status_code == 404


def test_only_a_therapist_writes_for_the_library() -> None:
    assert may_write(Viewer("a", "p", PrincipalKind.STAFF, therapist=True))
    assert may_write(Viewer("a", "p", PrincipalKind.STAFF, owner=True, therapist=True))
    assert not may_write(Viewer("a", "p", PrincipalKind.STAFF, owner=True))
    assert not may_write(Viewer("a", "p", PrincipalKind.CLIENT))
    assert not may_write(ANYONE)
