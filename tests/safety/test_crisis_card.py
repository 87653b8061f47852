"""The crisis card: the same for every client, from the practice or from its country, whatever anybody answers."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from portal.accounts.models import Practice
from portal.core.audit_log.events import Event
from portal.safety.crisis_numbers import BY_COUNTRY, CRISIS, EMERGENCY, EUROPEAN_UNION, KINDS, of_country
from portal.safety.models import CrisisCard
from portal.safety.schemas import CrisisCardSchema, CrisisNumberSchema
from portal.safety.service import crisis_card, notices
from tests.accounts import database
from tests.cast import Cast

OURS = {"kind": "other", "label": "Our own line", "number": "+49 30 123", "note": "Mondays"}
CARD = {"numbers": [OURS], "note": "We are here on weekdays."}
FRIGHTENING = ("monitor", "report", "police will", "danger to", "suicidal", "must", "risk", "severe", "immediately")


def _without_own(cast: Cast) -> None:
    database.change(cast.app, delete(CrisisCard))


def _put(cast: Cast, card: Any, etag: str | None = None) -> Any:
    headers = {"If-Match": etag or cast.owner.etag("/practice/crisis-card")}
    return cast.owner.put("/practice/crisis-card", card, headers=headers)


def test_until_a_practice_chooses_it_shows_the_numbers_of_its_country(cast: Cast) -> None:
    _without_own(cast)
    card = cast.client.get("/me/crisis-card").get_json()
    assert [one["number"] for one in card["numbers"]] == ["112", "0800 111 0 111", "116 016", "0800 123 99 00"]
    assert (card["chosen_by_practice"], card["version"], card["note"]) == (False, 0, None)
    database.change(cast.app, update(Practice).where(Practice.slug == "linden").values(country="US"))
    assert [one["number"] for one in cast.client.get("/me/crisis-card").get_json()["numbers"]][:2] == ["911", "988"]
    assert cast.other_client.get("/me/crisis-card").get_json()["numbers"][0]["number"] == "112"


def test_where_no_number_is_known_the_words_still_say_what_to_do(cast: Cast) -> None:
    _without_own(cast)
    database.change(cast.app, update(Practice).where(Practice.slug == "linden").values(country="AQ"))
    card = cast.client.get("/me/crisis-card").get_json()
    assert card["numbers"] == []
    assert "emergency number of the place where you are" in card["elsewhere"]
    assert "nearest hospital" in card["words"]


def test_it_says_plainly_that_nobody_watches_and_says_it_gently(cast: Cast) -> None:
    card = cast.client.get("/me/crisis-card").get_json()
    assert "Nobody reads along here in real time" in card["unwatched"]
    told = (notices.NOT_ALONE, notices.THERAPIST_TOLD, notices.PRACTICE_TOLD)
    assert all("real time" in words for words in told)
    said = " ".join([card["title"], card["unwatched"], card["words"], card["elsewhere"], *told]).casefold()
    assert [word for word in FRIGHTENING if word in said] == []


def test_a_practice_puts_its_own_numbers_on_it_and_every_client_sees_them(cast: Cast) -> None:
    put = _put(cast, CARD)
    assert put.status_code == 200
    for someone, path in ((cast.client, "/me/crisis-card"), (cast.partner, "/me/crisis-card")):
        assert someone.get(path).get_json() == put.get_json()
    for staff in (cast.therapist, cast.owner):
        assert staff.get("/practice/crisis-card").get_json() == put.get_json()
    assert put.get_json()["numbers"] == [OURS]
    assert (put.get_json()["note"], put.get_json()["chosen_by_practice"], put.get_json()["version"]) == (
        CARD["note"], True, 2,
    )  # fmt: skip
    assert cast.other_client.get("/me/crisis-card").get_json()["numbers"] != [OURS]
    changed = select(func.count()).where(Event.fact == "crisis_card.changed", Event.actor_id == cast.owner.id)
    assert database.value(cast.app, changed) == 2, "one of the cast's story, one of now"


def test_a_note_can_be_taken_off_again(cast: Cast) -> None:
    _put(cast, CARD)
    assert _put(cast, {"numbers": [{**OURS, "note": None}]}).get_json()["note"] is None


def test_who_read_an_older_card_is_told_and_changes_nothing(cast: Cast) -> None:
    etag = cast.owner.etag("/practice/crisis-card")
    assert _put(cast, CARD, etag).status_code == 200
    stale = _put(cast, {"numbers": [{**OURS, "label": "Another"}]}, etag)
    assert stale.status_code == 412
    assert stale.get_json()["current"]["numbers"] == [OURS]
    assert cast.client.get("/me/crisis-card").get_json()["numbers"] == [OURS]
    assert cast.owner.put("/practice/crisis-card", CARD).status_code == 428


def test_of_two_who_choose_first_at_once_one_does(cast: Cast) -> None:
    _without_own(cast)
    etag = cast.owner.etag("/practice/crisis-card")
    with ThreadPoolExecutor(4) as threads:
        statuses = list(threads.map(lambda _number: _put(cast, CARD, etag).status_code, range(4)))
    assert sorted(statuses) == [200, 412, 412, 412]
    assert cast.owner.get("/practice/crisis-card").get_json()["version"] == 1


@pytest.mark.parametrize(
    ("card", "pointer"),
    [
        ({"numbers": []}, "#/numbers"),
        ({}, "#/numbers"),
        ({"numbers": [OURS] * 13}, "#/numbers"),
        ({"numbers": [{**OURS, "number": "call me"}]}, "#/numbers/0/number"),
        ({"numbers": [{**OURS, "number": "<b>112</b>"}]}, "#/numbers/0/number"),
        ({"numbers": [{**OURS, "number": "1\n"}]}, "#/numbers/0/number"),
        ({"numbers": [{**OURS, "number": "1"}]}, "#/numbers/0/number"),
        ({"numbers": [{**OURS, "kind": "friend"}]}, "#/numbers/0/kind"),
        ({"numbers": [{**OURS, "label": " "}]}, "#/numbers/0/label"),
        ({"numbers": [{**OURS, "url": "https://x.example"}]}, "#/numbers/0/url"),
        ({"numbers": [OURS], "note": ""}, "#/note"),
        ({"numbers": [OURS], "words": "Ours"}, "#/words"),
    ],
)
def test_a_card_that_helps_nobody_is_refused(cast: Cast, card: Any, pointer: str) -> None:
    refused = _put(cast, card)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.get_json()["errors"]] == [pointer]
    assert cast.owner.get("/practice/crisis-card").get_json()["version"] == 1


def test_reading_it_takes_one_statement_more_than_knowing_who_asks(cast: Cast, queries: Any) -> None:
    cast.client.get("/me/crisis-card")
    before = len(queries)
    cast.client.get("/me/crisis-card")
    assert len(queries) - before == 2


# The numbers of countries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", sorted(BY_COUNTRY))
def test_what_stands_for_a_country_is_a_card_a_practice_could_have_put(country: str) -> None:
    numbers = of_country(country)
    assert numbers[0].kind == EMERGENCY, "first of all"
    order = [KINDS.index(one.kind) for one in numbers]
    assert order == sorted(order)
    for one in numbers:
        sent = {"kind": one.kind, "label": one.label, "number": one.number, "note": one.note}
        assert CrisisNumberSchema().validate(sent) == {}
        assert re.search(r"[0-9]{2}", one.number)
    assert len({one.number for one in numbers}) == len(numbers)


def test_a_dozen_countries_and_more_have_someone_to_call_in_a_crisis() -> None:
    assert sum(any(one.kind == CRISIS for one in numbers) for numbers in BY_COUNTRY.values()) >= 12


def test_everywhere_in_the_european_union_there_is_112_at_least() -> None:
    assert len(EUROPEAN_UNION) == 27
    assert {of_country(country)[0].number for country in EUROPEAN_UNION} == {"112"}
    assert of_country("PT") == of_country("GR") != ()


def test_the_card_holds_what_its_schema_says_and_no_more(cast: Cast, context: None) -> None:
    assert set(crisis_card.get_card(cast.client.viewer)) == set(CrisisCardSchema().fields)
