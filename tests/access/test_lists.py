"""Bar 1, what stands in the lists: everyone in the cast is shown their own things, and nothing else."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.access.lists import LISTS, Listed, pattern_of, shown
from tests.access.table import PRINCIPALS
from tests.cast import API, Cast

NOT_OF_THE_CAST = {
    "/api/v1/sessions": "one's own sessions: test_revocation.py",
    "/api/v1/resources/<id>/versions": "everything of the practice, as the resource itself",
    "/api/v1/assignments/<id>/attempts": "an attempt goes by its number: tests/assignments",
    "/api/v1/me/assignments/<id>/attempts": "an attempt goes by its number: tests/assignments",
}
"""Lists whose rows have no name in the cast, and where else they are looked at."""


@pytest.mark.parametrize("listed", LISTS, ids=str)
def test_a_list_shows_everyone_their_own_and_nothing_else(listed: Listed, cast: Cast) -> None:
    if listed.given is not None:
        listed.given(cast)
    got = {principal: shown(listed, cast, principal) for principal in PRINCIPALS}
    assert got == {principal: set(listed.shown.get(principal, ())) for principal in PRINCIPALS}


def test_every_list_is_looked_at(app: Flask) -> None:
    """A route whose answer is a page of rows."""
    with app.test_client() as asking:
        paths = asking.get(f"{API}/openapi.json").get_json()["paths"]
    described = {
        pattern_of(path)
        for path, operations in paths.items()
        if any(parameter.get("name") == "cursor" for parameter in operations.get("get", {}).get("parameters", ()))
    }
    looked_at = {API + pattern_of(listed.path) for listed in LISTS}
    assert described - looked_at - set(NOT_OF_THE_CAST) == set(), (
        "tests/access/lists.py: add these lists to LISTS, with the things of the cast that each principal finds in them"
    )
    assert set(NOT_OF_THE_CAST) - (described - looked_at) == set(), (
        "tests/access/test_lists.py: remove these from NOT_OF_THE_CAST; they are gone, or stand in LISTS by now"
    )
