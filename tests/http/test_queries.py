"""A list costs as many statements for thirty rows as for three."""

from __future__ import annotations

import pytest

from tests.cast import Cast
from tests.conftest import Queries
from tests.http.lists import LISTS, List, with_query

MOST = 8
"""Statements a page may cost at all, the door's included."""


@pytest.mark.parametrize("listed", LISTS, ids=str)
def test_a_list_costs_the_same_however_long_it_is(listed: List, cast: Cast, queries: Queries) -> None:
    actor, address = listed.actor(cast), with_query(listed.address(cast), limit=100, include_total="true")

    def cost() -> tuple[int, int]:
        assert actor.get(address).status_code == 200
        before = len(queries)
        response = actor.get(address)
        assert response.status_code == 200
        return len(queries) - before, len(response.get_json()["data"])

    number = 0
    for _ in range(3):
        listed.more(cast, number)
        number += 1
    few, short = cost()
    while cost()[1] < max(30, short + 20):
        for _ in range(5):
            listed.more(cast, number)
            number += 1
    many, long = cost()
    assert long >= 30 > short or long >= short + 20
    assert 0 < few <= MOST
    assert many == few
