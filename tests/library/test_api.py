"""The library over HTTP: list, write with If-Match, publish, archive; every fault with a pointer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cast import CARD, Cast, exercise_document


def _body(**change: Any) -> dict[str, Any]:
    return {"kind": "exercise", "document": exercise_document(), **CARD, **change}


def _titles(cast: Cast, query: str) -> list[str]:
    answer = cast.therapist.get(f"/resources?limit=100&{query}")
    assert answer.status_code == 200
    return [row["title"] for row in answer.get_json()["data"]]


def test_a_therapist_writes_changes_and_publishes_an_exercise(cast: Cast) -> None:
    made = cast.therapist.post("/resources", _body(title="Mine"))
    assert made.status_code == 201
    path = f"/resources/{made.get_json()['id']}"
    changed = cast.therapist.patch(path, {"title": "Ours"}, made.headers["ETag"])
    assert (changed.status_code, changed.get_json()["title"]) == (200, "Ours")
    published = cast.therapist.post(f"{path}/versions")
    assert (published.status_code, published.get_json()["number"]) == (201, 1)
    assert published.get_json()["source"] == exercise_document()
    assert cast.therapist.get(f"{path}/versions/1").get_json() == published.get_json()
    assert [row["number"] for row in cast.therapist.get(f"{path}/versions").get_json()["data"]] == [1]
    assert cast.therapist.get(f"{path}/versions/2").status_code == 404


def test_a_draft_reads_back_as_it_was_written(cast: Cast) -> None:
    made = cast.therapist.post("/resources", _body())
    assert made.get_json()["draft"] == exercise_document()
    assert cast.therapist.get(f"/resources/{made.get_json()['id']}").get_json() == made.get_json()


@pytest.mark.parametrize(
    ("kind", "empty"),
    [("exercise", "#/document/blocks"), ("measure", "#/document/blocks"), ("reading", "#/document/markdown")],
)
def test_a_draft_needs_a_title_and_publishing_says_what_is_missing(cast: Cast, kind: str, empty: str) -> None:
    made = cast.therapist.post("/resources", {"kind": kind, "title": "Mine", "language": "en"})
    assert (made.status_code, made.get_json()["status"], made.get_json()["audience"]) == (201, "draft", "anyone")
    path = f"/resources/{made.get_json()['id']}"
    refused = cast.therapist.post(f"{path}/versions")
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == ["#/summary", empty]
    reading = {"schema": "portal.reading/1", "markdown": "## One\n\nText."}
    document = reading if kind == "reading" else exercise_document()
    changed = cast.therapist.patch(path, {"summary": "About it.", "document": document}, made.headers["ETag"])
    assert changed.status_code == 200
    assert cast.therapist.post(f"{path}/versions").status_code == 201


@pytest.mark.parametrize("member", ["kind", "title", "language"])
def test_a_draft_without_kind_title_or_language_is_refused(cast: Cast, member: str) -> None:
    sent = {"kind": "exercise", "title": "Mine", "language": "en"}
    del sent[member]
    refused = cast.therapist.post("/resources", sent)
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.get_json()["errors"]] == [f"#/{member}"]


def test_a_change_without_if_match_is_428_with_a_stale_one_412_and_current_is_what_get_says(cast: Cast) -> None:
    path = f"/resources/{cast.things['linden.draft_resource']}"
    etag = cast.therapist.etag(path)
    assert cast.therapist.patch(path, {"title": "x"}).status_code == 428
    assert cast.therapist.patch(path, {"title": "x"}, "nonsense").status_code == 400
    assert cast.therapist.patch(path, {"title": "First"}, etag).status_code == 200
    stale = cast.therapist.patch(path, {"title": "Second"}, etag)
    current = cast.therapist.get(path)
    assert stale.status_code == 412
    assert stale.get_json()["current"] == current.get_json()
    assert stale.headers["ETag"] == current.headers["ETag"]
    assert current.get_json()["title"] == "First"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"title": ""}, "#/title"),
        ({"title": None}, "#/title"),
        ({"kind": "video"}, "#/kind"),
        ({"intensity": "wild"}, "#/intensity"),
        ({"minutes": 0}, "#/minutes"),
        ({"minutes": "5"}, "#/minutes"),
        ({"topics": ["Not A Slug"]}, "#/topics/0"),
        ({"sources": [7]}, "#/sources/0"),
        ({"practice_id": "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"}, "#/practice_id"),
        ({"edited": False}, "#/edited"),
        ({"origin_key": "trust-ladder"}, "#/origin_key"),
        ({"document": []}, "#/document"),
        ({"document": {"schema": "portal.exercise/1", "blocks": []}}, "#/document/blocks"),
        (
            {"document": {"schema": "portal.exercise/1", "blocks": [{"id": "a", "type": []}]}},
            "#/document/blocks/0/type",
        ),
        (
            {
                "document": {
                    "schema": "portal.exercise/1",
                    "blocks": [{"id": "a", "type": "yes_no", "label": "?", "required": []}],
                }
            },
            "#/document/blocks/0/required",
        ),
    ],
)
def test_what_does_not_fit_is_422_with_a_pointer_to_it(cast: Cast, change: dict[str, Any], pointer: str) -> None:
    answer = cast.therapist.post("/resources", _body(**change))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_a_reading_without_a_heading_is_422(cast: Cast) -> None:
    document = {"schema": "portal.reading/1", "markdown": "Words without a heading."}
    answer = cast.therapist.post("/resources", _body(kind="reading", document=document))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/document/markdown"]


def test_a_list_is_narrowed_by_every_filter(cast: Cast) -> None:
    assert _titles(cast, "topic=testing") == ["A draft", "A made-up exercise"]
    assert _titles(cast, "topic=testing&status=draft") == ["A draft"]
    assert _titles(cast, "topic=testing&assignable=true") == ["A made-up exercise"]
    everything = _titles(cast, "sort=title")
    assert sorted(_titles(cast, "kind=reading") + _titles(cast, "kind=exercise,measure")) == sorted(everything)
    assert _titles(cast, "kind=reading,exercise,measure") == everything
    assert _titles(cast, "language=xx") == []
    assert _titles(cast, "sort=-title") == everything[::-1]


@pytest.mark.parametrize("query", ["knid=reading", "kind=video", "limit=0", "limit=101", "sort=draft", "status=all"])
def test_a_typo_never_widens_a_list(cast: Cast, query: str) -> None:
    assert cast.therapist.get(f"/resources?{query}").status_code == 400


@pytest.mark.parametrize("sort", ["title", "-title", "updated_at", "-updated_at", "created_at", "-created_at"])
def test_pages_hold_every_resource_once_in_order(cast: Cast, sort: str) -> None:
    whole = [row["id"] for row in cast.therapist.get(f"/resources?limit=100&sort={sort}").get_json()["data"]]
    path, pages = f"/api/v1/resources?limit=7&sort={sort}", []
    while path:
        answer = cast.therapist.get(path)
        pages += [row["id"] for row in answer.get_json()["data"]]
        link = answer.headers.get("Link", "")
        assert bool(link) is answer.get_json()["has_more"]
        path = link[1 : link.index(">")] if link else ""
    assert pages == whole
    assert cast.therapist.get("/resources?limit=1&include_total=true").get_json()["total"] == len(whole)


def test_archiving_and_restoring_say_so(cast: Cast) -> None:
    path = f"/resources/{cast.things['linden.exercise']}"
    assert cast.therapist.post(f"{path}/archive").get_json()["status"] == "archived"
    again = cast.therapist.post(f"{path}/versions")
    assert (again.status_code, again.get_json()["state"]) == (409, "archived")
    assert cast.therapist.post(f"{path}/restore").get_json()["status"] == "published"


def test_a_list_takes_as_many_questions_to_the_database_however_long_it_is(cast: Cast, queries: Any) -> None:
    cast.therapist.get("/resources")
    counts = []
    for limit in (1, 20):
        before = len(queries)
        assert cast.therapist.get(f"/resources?limit={limit}").status_code == 200
        counts.append(len(queries) - before)
    assert counts[0] == counts[1] <= 3
