"""Measures: what is sent in is worked out on the server, kept with the attempt, and read over time by those who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from portal.assignments.models import Attempt
from portal.core import clock, decimal_json
from portal.core.audit_log.events import Event
from tests.accounts import database
from tests.assignments.service.scenarios import SCORED, given, imported, published, saved, submitted
from tests.cast import Actor, Cast
from tests.instruments import questionnaire_of


def _answered(cast: Cast, resource: str, a: int, b: int | None) -> str:
    thing = given(cast, resource)
    cast.client.post(f"/me/assignments/{thing}/open")
    saved(cast.client, thing, {"block": "a", "value": a}, {"block": "b", "value": b})
    submitted(cast.client, thing)
    return thing


def _column(cast: Cast, statement: Any) -> list[Any]:
    return [row[0] for row in database.rows(cast.app, statement)]


def _measures(cast: Cast, actor: Actor | None = None) -> list[dict[str, Any]]:
    answer = (actor or cast.therapist).get(f"/clients/{cast.client.id}/measures")
    assert answer.status_code == 200, answer.get_json()
    return _own(cast, answer.get_json())


def _own(cast: Cast, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The measures beside the one everybody in the cast has sent in."""
    return [one for one in found["data"] if one["resource"]["id"] != cast.things["linden.exercise"]]


def test_a_score_is_shown_while_one_answers_without_a_word_on_how_much_it_is(cast: Cast) -> None:
    thing = given(cast, published(cast, SCORED))
    cast.client.post(f"/me/assignments/{thing}/open")
    [score] = saved(cast.client, thing, {"block": "a", "value": 3}).get_json()["scores"]
    assert (score["value"], bool(score["reason"])) == (None, True)
    [score] = saved(cast.client, thing, {"block": "b", "value": 2}).get_json()["scores"]
    assert (score["value"], score["reason"], score["maximum"]) == (5, None, 8)
    assert "band" not in score
    assert "little" not in str(cast.client.get(f"/me/assignments/{thing}").get_json())


def test_a_score_is_counted_on_the_server_and_kept_with_the_attempt(cast: Cast) -> None:
    thing = _answered(cast, published(cast, SCORED), 3, 2)
    attempt = cast.therapist.get(f"/assignments/{thing}/attempts/1").get_json()
    assert [(one["value"], one["band"]) for one in attempt["scores"]] == [(5, "much")]
    kept = database.value(cast.app, select(Attempt.scores).where(Attempt.assignment_id == thing))
    assert b"much" not in kept
    facts = _column(cast, select(Event.fact).where(Event.subject_id == thing))
    assert "measure.scored" in facts


def test_a_score_cannot_be_sent(cast: Cast) -> None:
    thing = given(cast, published(cast, SCORED))
    path = f"/me/assignments/{thing}/response"
    reply = cast.client.patch(path, {"answers": [], "scores": [{"id": "total", "value": 8}]}, cast.client.etag(path))
    assert reply.status_code == 422


def test_an_item_of_a_scored_measure_cannot_be_kept_to_oneself(cast: Cast) -> None:
    thing = given(cast, published(cast, SCORED))
    path = f"/me/assignments/{thing}/response"
    sent = {"answers": [{"block": "a", "value": 1, "share": "only_me"}]}
    reply = cast.client.patch(path, sent, cast.client.etag(path))
    assert [error["pointer"] for error in reply.get_json()["errors"]] == ["#/answers/0/share"]
    document = cast.client.get(f"/me/assignments/{thing}").get_json()["document"]
    assert [block.get("always_shared", False) for block in document["blocks"]] == [True, True, False]


def test_the_series_goes_through_time_with_its_bands(cast: Cast) -> None:
    resource = published(cast, SCORED)
    things = []
    for day, (a, b) in enumerate([(1, 1), (4, 4), (2, None)]):
        with clock.time_shifted(timedelta(minutes=day)):
            things.append(_answered(cast, resource, a, b))
    [measure] = _measures(cast)
    assert (measure["resource"]["id"], measure["instrument"], measure["validated"]) == (resource, None, False)
    [series] = measure["scores"]
    assert [point["assignment_id"] for point in series["points"]] == things
    assert [(point["value"], point["band"]) for point in series["points"]] == [(2, "little"), (8, "much"), (None, None)]
    assert series["points"][2]["reason"]
    assert (series["minimum"], series["maximum"], series["meaningful_change"]) == (0, 8, None)
    assert [band["label"] for band in series["bands"]] == ["little", "much"]


def test_an_instrument_that_was_imported_twice_is_one_series(cast: Cast) -> None:
    content = decimal_json.dumps(questionnaire_of("phq-2"))
    for code in ("c1", "c3"):
        thing = given(cast, imported(cast, content))
        cast.client.post(f"/me/assignments/{thing}/open")
        saved(cast.client, thing, *({"block": item, "value": [{"code": code}]} for item in ("1", "2")))
        submitted(cast.client, thing)
    [measure] = _measures(cast)
    assert sorted(point["value"] for point in measure["scores"][0]["points"]) == [2, 6]


def test_what_is_taken_back_is_in_no_series(cast: Cast) -> None:
    thing = _answered(cast, published(cast, SCORED), 1, 1)
    assert _measures(cast)
    cast.client.post(f"/me/assignments/{thing}/recall")
    assert _measures(cast) == []
    assert database.value(cast.app, select(Attempt.scores).where(Attempt.assignment_id == thing)) is None


def test_a_therapist_on_another_link_reads_none_of_it_and_a_stranger_finds_nobody(cast: Cast) -> None:
    _answered(cast, published(cast, SCORED), 1, 1)
    assert _measures(cast, cast.co_therapist) == []
    for stranger in (cast.colleague, cast.owner, cast.other_owner):
        assert stranger.get(f"/clients/{cast.client.id}/measures").status_code == 404


def test_reading_a_series_leaves_one_row_the_client_sees(cast: Cast) -> None:
    _answered(cast, published(cast, SCORED), 1, 1)
    before = _column(cast, select(Event.id).where(Event.fact == "measures.opened"))
    _measures(cast)
    _measures(cast)
    after = _column(cast, select(Event.client_id).where(Event.fact == "measures.opened"))
    assert len(after) == len(before) + 2
    assert set(after) == {cast.client.id}


def test_where_the_row_cannot_be_written_nothing_is_read(cast: Cast, monkeypatch: Any) -> None:
    _answered(cast, published(cast, SCORED), 1, 1)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("portal.assignments.service.measures.record", broken)
    answer = cast.therapist.get(f"/clients/{cast.client.id}/measures")
    assert answer.status_code == 500
    assert "Total" not in answer.get_data(as_text=True)


def test_a_client_reads_a_word_on_it_only_where_the_practice_says_so(cast: Cast) -> None:
    _answered(cast, published(cast, SCORED), 4, 4)

    def mine() -> list[dict[str, Any]]:
        return _own(cast, cast.client.get("/me/measures").get_json())

    [measure] = mine()
    assert measure["scores"][0]["points"][0]["value"] == 8
    assert "much" not in str(measure)
    etag = cast.owner.etag("/practice")
    assert cast.owner.patch("/practice", {"clients_see_bands": True}, etag).status_code == 200
    [measure] = mine()
    assert measure["scores"][0]["points"][0]["band"] == "much"
    assert _own(cast, cast.partner.get("/me/measures").get_json()) == []


def test_a_published_instrument_is_scored_by_its_recipe_and_its_ninth_item_calls_for_somebody(cast: Cast) -> None:
    thing = given(cast, imported(cast, decimal_json.dumps(questionnaire_of("phq-9"))))
    cast.client.post(f"/me/assignments/{thing}/open")
    answers = [{"block": str(number), "value": [{"code": "c1"}]} for number in range(1, 9)]
    assert saved(cast.client, thing, *answers).get_json()["notices"] == []
    reply = saved(cast.client, thing, {"block": "9", "value": [{"code": "c2"}]}).get_json()
    assert [notice["kind"] for notice in reply["notices"]] == ["crisis_card"]
    submitted(cast.client, thing)
    [alert] = [
        one for one in cast.therapist.get("/alerts?open=true").get_json()["data"] if one["assignment_id"] == thing
    ]
    assert alert["client"]["id"] == cast.client.id
    [measure] = [one for one in _measures(cast) if one["instrument"]]
    assert (measure["instrument"]["key"], measure["validated"]) == ("phq-9", True)
    assert "Pfizer" in measure["copyright"]
    [series] = measure["scores"]
    assert [(point["value"], point["band"]) for point in series["points"]] == [(10, "moderate")]
    assert series["meaningful_change"] == 5
