"""The crisis card: the same for every client, from the practice or from its country, whatever anybody answers."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from portal.accounts.models import Practice
from portal.core.audit_log.events import Event
from portal.safety.crisis_numbers import CRISIS, EMERGENCY, KINDS, crisis_numbers, numbers_from, numbers_of_country
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


def test_until_a_practice_chooses_numbers_the_card_shows_those_of_its_country(cast: Cast) -> None:
    _without_own(cast)
    card = cast.client.get("/me/crisis-card").get_json()
    assert [one["number"] for one in card["numbers"]] == ["112", "0800 111 0 111", "116 016", "0800 123 99 00"]
    assert (card["chosen_by_practice"], card["version"], card["note"]) == (False, 0, None)
    database.change(cast.app, update(Practice).where(Practice.slug == "linden").values(country="US"))
    assert [one["number"] for one in cast.client.get("/me/crisis-card").get_json()["numbers"]][:2] == ["911", "988"]
    assert cast.other_client.get("/me/crisis-card").get_json()["numbers"][0]["number"] == "112"


def test_without_a_known_number_the_card_still_says_what_to_do(cast: Cast) -> None:
    _without_own(cast)
    database.change(cast.app, update(Practice).where(Practice.slug == "linden").values(country="AQ"))
    card = cast.client.get("/me/crisis-card").get_json()
    assert card["numbers"] == []
    assert "emergency number of the place where you are" in card["elsewhere"]
    assert "nearest hospital" in card["words"]


def test_the_card_says_gently_that_nobody_watches_in_real_time(cast: Cast) -> None:
    card = cast.client.get("/me/crisis-card").get_json()
    assert "Nobody reads this in real time" in card["unwatched"]
    words = (notices.NOT_ALONE, notices.THERAPIST_NOTIFIED, notices.PRACTICE_NOTIFIED)
    assert all("real time" in text for text in words)
    said = " ".join([card["title"], card["unwatched"], card["words"], card["elsewhere"], *words]).casefold()
    assert [word for word in FRIGHTENING if word in said] == []


def test_every_client_sees_the_numbers_their_practice_chose(cast: Cast) -> None:
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


def test_a_note_can_be_removed(cast: Cast) -> None:
    _put(cast, CARD)
    assert _put(cast, {"numbers": [{**OURS, "note": None}]}).get_json()["note"] is None


def test_a_stale_change_of_the_card_is_412_and_changes_nothing(cast: Cast) -> None:
    etag = cast.owner.etag("/practice/crisis-card")
    assert _put(cast, CARD, etag).status_code == 200
    stale = _put(cast, {"numbers": [{**OURS, "label": "Another"}]}, etag)
    assert stale.status_code == 412
    assert stale.get_json()["current"]["numbers"] == [OURS]
    assert cast.client.get("/me/crisis-card").get_json()["numbers"] == [OURS]
    assert cast.owner.put("/practice/crisis-card", CARD).status_code == 428


def test_of_concurrent_first_changes_exactly_one_succeeds(cast: Cast) -> None:
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
def test_an_invalid_card_is_refused(cast: Cast, card: Any, pointer: str) -> None:
    refused = _put(cast, card)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.get_json()["errors"]] == [pointer]
    assert cast.owner.get("/practice/crisis-card").get_json()["version"] == 1


def test_reading_the_card_takes_one_query_after_authentication(cast: Cast, queries: Any) -> None:
    cast.client.get("/me/crisis-card")
    before = len(queries)
    cast.client.get("/me/crisis-card")
    assert len(queries) - before == 2


# The numbers of countries ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("country", sorted(crisis_numbers().by_country))
def test_the_numbers_of_a_country_are_a_valid_card(country: str) -> None:
    numbers = numbers_of_country(country)
    assert numbers[0].kind == EMERGENCY, "first of all"
    order = [KINDS.index(one.kind) for one in numbers]
    assert order == sorted(order)
    for one in numbers:
        sent = {"kind": one.kind, "label": one.label, "number": one.number, "note": one.note}
        assert CrisisNumberSchema().validate(sent) == {}
        assert re.search(r"[0-9]{2}", one.number)
    assert len({one.number for one in numbers}) == len(numbers)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "friend"},
        {"number": 112},
        {"source": None},
        {"unconfirmed": False},
        {"checked_on": date(2026, 1, 1)},
        {"hours": "at night"},
    ],
)
def test_an_entry_that_is_not_complete_is_refused(changes: dict[str, Any]) -> None:
    entry = {"kind": "crisis", "label": "A line", "number": "112", "source": "Its operator", "unconfirmed": True}
    assert numbers_from("XX", [entry])[0].checked_on is None
    with pytest.raises(ValueError, match=r"crisis_numbers\.yaml, XX"):
        numbers_from("XX", [{**entry, **changes}])


def test_at_least_a_dozen_countries_have_a_crisis_line() -> None:
    by_country = crisis_numbers().by_country
    assert sum(any(one.kind == CRISIS for one in numbers) for numbers in by_country.values()) >= 12


def test_every_member_of_the_european_union_has_at_least_112() -> None:
    members = crisis_numbers().european_union
    assert len(members) == 27
    assert {numbers_of_country(country)[0].number for country in members} == {"112"}
    assert numbers_of_country("PT") == numbers_of_country("GR") != ()


def test_the_card_has_exactly_the_members_of_its_schema(cast: Cast, context: None) -> None:
    assert set(crisis_card.get_card(cast.client.viewer)) == set(CrisisCardSchema().fields)
