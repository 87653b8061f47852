"""Whoever looks for a text finds it by its words, the same on both engines, and finds nobody else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import func, select, text

from portal.core.db.statements import fetch_one
from portal.core.db.transactions import NO_PRACTICE, transaction
from portal.http import request_parsing
from portal.library.models import Resource, ResourceWords
from tests.cast import CARD, Actor, Cast
from tests.conftest import Queries
from tests.owner import as_owner


def _exercise(*blocks: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema": "portal.exercise/1", "blocks": list(blocks)}


def _question(label: str = "What?", **more: Any) -> dict[str, Any]:
    return {"id": "one", "type": "short_text", "label": label, **more}


def _choice(*labels: str) -> dict[str, Any]:
    options = [{"code": str(number), "label": label} for number, label in enumerate(labels)]
    return {"id": "two", "type": "choice", "label": "Which?", "options": options}


READING = {
    "schema": "portal.reading/1",
    "markdown": "## Why does the *periscope* turn?\n\nBecause of the sea.",
    "key_points": ["Kelp grows slowly."],
    "check": {
        "label": "Which is true?",
        "options": [{"code": "a", "label": "Barnacle"}, {"code": "b", "label": "Limpet"}],
        "answer": "The anemone.",
    },
    "reflection": {"label": "What floats?", "help": "Think of driftwood."},
    "talk": "Ask about lighthouses.",
}
SHELF: Mapping[str, Mapping[str, Any]] = {
    "Zebra": {"document": _exercise(_question("How was the Übung?", help="Count the walnuts"))},
    "Yak": {"document": _exercise(_choice("Cinnamon", "naïve façade"))},
    "Xerus": {"summary": "Marigold and cinnamon, straße", "document": _exercise(_question())},
    "Walrus": {"kind": "reading", "document": READING, "minutes": 30, "intensity": "intense", "language": "de"},
    "信任 Vole": {"document": _exercise(_question("我们谈谈"), {"id": "t", "type": "text", "markdown": "don't stop"})},
    "Ibis v2.0": {"topics": ["nests"], "document": _exercise(_question("Ελπίδα и надежда"))},
    "Drag" * 20: {"document": _exercise(_question())},
}

TABLE: Mapping[str, set[str]] = {
    "zebra": {"Zebra"},
    "ZEBRA": {"Zebra"},
    "zeb": {"Zebra"},
    "ebra": set(),
    "ubung": {"Zebra"},
    "ÜBUNG": {"Zebra"},
    "U\u0308bung": {"Zebra"},
    "wal": {"Zebra", "Walrus"},
    "walnuts": {"Zebra"},
    "walnut count": set(),
    "walnuts count": {"Zebra"},
    "count walnut": {"Zebra"},
    "cinnamon": {"Yak", "Xerus"},
    "cinnamon marigold": {"Xerus"},
    "marigold facade": set(),
    "naive facade": {"Yak"},
    "Façade, naïve!": {"Yak"},
    "strasse": {"Xerus"},
    "STRAßE": {"Xerus"},
    "periscope": {"Walrus"},
    "kelp barnacle anemone driftwood lighthouses float": {"Walrus"},
    "portal.reading": set(),
    "信任": {"信任 Vole"},
    "任": {"信任 Vole"},
    "谈": {"信任 Vole"},
    "don't": {"信任 Vole"},
    "don\u2019t": {"信任 Vole"},
    "v2.0": {"Ibis v2.0"},
    "ελπιδα": {"Ibis v2.0"},
    "ΕΛΠΊΔΑ Надеж": {"Ibis v2.0"},
    "drag" * 20: {"Drag" * 20},
    "drag" * 16 + " " + "drag" * 30: {"Drag" * 20},
    "***": set(),
    "\U0001f98a": set(),
}

HOSTILE = (
    '"',
    "'",
    '"zebra',
    "zebra\"'*",
    "zebra*",
    "*zebra",
    "zebra AND",
    "zebra OR yak",
    "NOT zebra",
    "NEAR(zebra yak)",
    "zebra NEAR/2 yak",
    "words : zebra",
    "practice_id : zebra",
    "^zebra",
    "-zebra",
    "zebra + yak",
    "{zebra}",
    "(zebra",
    "zebra)",
    "a:*",
    "a & b | !c <-> d",
    "':*",
    "\\",
    "%",
    "_",
    "zebra; DROP TABLE resources; --",
    "x" * 200,
    "a " * 99 + "b",
    "\u202e\u200b\ufeff",
    "\U0001d54c\ufb01\u01c4",
    "é" * 200,
    "\u0301\u0301",
)


@pytest.fixture
def shelf(cast: Cast) -> dict[str, str]:
    made = {}
    for title, more in SHELF.items():
        answer = cast.therapist.post("/resources", {**CARD, "kind": "exercise", "title": title, **more})
        assert answer.status_code == 201, answer.get_json()
        made[title] = answer.get_json()["id"]
    return made


def _found(actor: Actor, q: str, **more: str) -> set[str]:
    answer = actor.get("/resources", query_string={"q": q, "limit": "100", "include_total": "true", **more})
    assert answer.status_code == 200, answer.get_json()
    titles = {row["title"] for row in answer.get_json()["data"]}
    assert answer.get_json()["total"] == len(titles)
    return titles


def _shelved(actor: Actor, q: str, **more: str) -> set[str]:
    """Of what stands on the shelf: the starter library has words of its own."""
    return _found(actor, q, **more) & set(SHELF)


def test_a_text_is_found_by_its_words(cast: Cast, shelf: dict[str, str]) -> None:
    assert {q: _shelved(cast.therapist, q) for q in TABLE} == TABLE


def test_what_looks_like_an_operator_is_a_word_or_nothing(cast: Cast, shelf: dict[str, str]) -> None:
    for q in HOSTILE:
        _found(cast.therapist, q)
    assert _found(cast.therapist, "zebra OR yak") == set()
    assert _found(cast.therapist, "NEAR(zebra yak)") == set()
    assert _found(cast.therapist, '"zebra*') == {"Zebra"}


@pytest.mark.parametrize("q", ["zebra\x00", "\x00", "x" * 10_000, "x" * 201, "", "   ", "zebra\x1b"])
def test_what_cannot_be_searched_for_is_400(cast: Cast, q: str) -> None:
    answer = cast.therapist.get("/resources", query_string={"q": q})
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["pointer"] == "#/q"


def test_a_search_narrows_together_with_the_other_filters(cast: Cast, shelf: dict[str, str]) -> None:
    asking = cast.therapist
    assert _shelved(asking, "wal", kind="reading") == {"Walrus"}
    assert _shelved(asking, "wal", kind="exercise") == {"Zebra"}
    assert _shelved(asking, "wal", intensity="intense") == {"Walrus"}
    assert _shelved(asking, "wal", language="en") == {"Zebra"}
    assert _shelved(asking, "wal", status="published") == set()
    assert _shelved(asking, "wal", audience="anyone") == {"Zebra", "Walrus"}
    assert _shelved(asking, "nadezhda", topic="nests") == set()
    assert _shelved(asking, "надежда", topic="nests") == {"Ibis v2.0"}
    assert _shelved(asking, "wal", **{"minutes[gte]": "6"}) == {"Walrus"}
    assert _shelved(asking, "wal", **{"minutes[lte]": "5"}) == {"Zebra"}
    assert _shelved(asking, "wal", **{"minutes[gte]": "5", "minutes[lte]": "30"}) == {"Zebra", "Walrus"}
    assert _shelved(asking, "wal", **{"minutes[gte]": "6", "minutes[lte]": "29"}) == set()


def test_a_search_goes_on_page_by_page(cast: Cast, shelf: dict[str, str]) -> None:
    first = cast.therapist.get("/resources?q=cinnamon&limit=1&sort=-title").get_json()
    assert [row["title"] for row in first["data"]] == ["Yak"]
    again = cast.therapist.get(f"/resources?q=cinnamon&limit=1&sort=-title&cursor={first['next_cursor']}").get_json()
    assert [row["title"] for row in again["data"]] == ["Xerus"]
    assert not again["has_more"]
    lent = cast.therapist.get(f"/resources?q=marigold&limit=1&sort=-title&cursor={first['next_cursor']}")
    assert lent.status_code == 400


def test_a_search_follows_the_draft_and_keeps_what_is_assigned(cast: Cast, shelf: dict[str, str]) -> None:
    path, therapist = f"/resources/{shelf['Zebra']}", cast.therapist
    assert therapist.post(f"{path}/versions").status_code == 201
    changed = {"title": "Okapi", "document": _exercise(_question("Which pistachio?"))}
    assert therapist.patch(path, changed, therapist.etag(path)).status_code == 200
    assert _found(therapist, "pistachio") == _found(therapist, "okapi") == {"Okapi"}
    assert _found(therapist, "walnuts") == _found(therapist, "zebra") == {"Okapi"}, "what clients still read"
    assert therapist.post(f"{path}/versions").status_code == 201
    assert _found(therapist, "walnuts") == _found(therapist, "zebra") == set()
    assert therapist.patch(path, {"summary": "Now of tapirs"}, therapist.etag(path)).status_code == 200
    assert _found(therapist, "tapirs") == _found(therapist, "pistachio tapirs") == {"Okapi"}
    assert therapist.post(f"{path}/archive").status_code == 200
    assert _found(therapist, "tapirs", status="archived") == {"Okapi"}
    assert therapist.post(f"{path}/copy").status_code == 201
    assert _found(therapist, "tapirs") == {"Okapi", "Okapi (copy)"}


def test_a_change_that_is_refused_leaves_the_words_as_they_were(cast: Cast, shelf: dict[str, str]) -> None:
    path = f"/resources/{shelf['Zebra']}"
    wrong = {"title": "Okapi", "document": _exercise({"id": "a", "type": "nothing"})}
    assert cast.therapist.patch(path, wrong, cast.therapist.etag(path)).status_code == 422
    assert (_found(cast.therapist, "okapi"), _found(cast.therapist, "zebra")) == (set(), {"Zebra"})


def test_nobody_finds_what_another_practice_wrote(cast: Cast, shelf: dict[str, str]) -> None:
    assert _found(cast.other_owner, "walnuts") == _found(cast.foreign, "walnuts") == set()
    assert _found(cast.owner, "walnuts") == _found(cast.integration, "walnuts") == {"Zebra"}
    assert cast.client.get("/resources?q=walnuts").status_code == 404
    assert _found(cast.therapist, "practice_id " + cast.things["birch.practice"]) == set()


def test_every_resource_has_its_words_the_starter_library_too(cast: Cast, context: None) -> None:
    with as_owner() as session:
        told = {row.resource_id for row in session.scalars(select(ResourceWords))}
        assert told == set(session.scalars(select(Resource.id)))
    starters = cast.therapist.get("/resources?q=betray&kind=reading&limit=100").get_json()["data"]
    assert len(starters) > 1


def test_a_search_costs_as_many_questions_as_the_list(cast: Cast, shelf: dict[str, str], queries: Queries) -> None:
    costs = []
    for path in ("/resources", "/resources?q=wal", "/resources?q=betray&limit=100"):
        cast.therapist.get(path)
        before = len(queries)
        assert cast.therapist.get(path).status_code == 200
        costs.append(len(queries) - before)
    assert costs[0] == costs[1] == costs[2] <= 2


def test_no_word_searched_for_is_kept_in_memory(cast: Cast) -> None:
    cast.therapist.get("/resources?q=quagga")
    assert not any(b"quagga" in query for _, query in request_parsing._cached_queries)


def _count_words() -> Any:
    return select(func.count().label("many")).select_from(ResourceWords)


@pytest.mark.engines("postgresql")
def test_the_index_answers_within_the_wall_and_nothing_without_a_practice(cast: Cast, shelf: dict[str, str]) -> None:
    asked = text("SELECT count(*) FROM resources_with_words('''walnuts'':*'::tsquery)")
    with cast.app.app_context():
        for practice, many in ((cast.things["linden.practice"], 1), (cast.things["birch.practice"], 0), ("", 0)):
            with transaction(practice) as session:
                assert session.execute(asked).scalar_one() == many
        with transaction("*") as session:
            assert session.execute(asked).scalar_one() == 0
        counted = fetch_one(_count_words, {}, practice=NO_PRACTICE)
        assert counted == {"many": 0}
