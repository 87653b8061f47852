"""Setting a practice up once, by its link; and changing its settings with the version in hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person, Practice, SetupLink
from portal.accounts.secrets import hashed
from portal.accounts.service import practices
from portal.core import clock
from portal.core.audit_log.events import Event
from portal.core.viewer import ANYONE
from tests.accounts import database
from tests.cast import PASSWORD, Actor, Cast


def link(app: Flask) -> str:
    with app.app_context():
        return practices.mint_setup_link()


def set_up(app: Flask, token: str, **changed: Any) -> Any:
    """Ask the API to set a practice up."""
    practice = {"slug": "maple", "name": "Maple Practice", "country": "AT", "time_zone": "Europe/Vienna"}
    person = {"name": "Mia Maple", "email": "mia@maple.example", "password": PASSWORD}
    sent = {
        "token": token,
        "practice": practice | changed.get("practice", {}),
        "person": person | changed.get("person", {}),
    }
    return Actor("a guest", app, ANYONE, None).post("/setup", sent)


def number_of_practices(app: Flask) -> int:
    return int(database.value(app, select(func.count()).select_from(Practice)))


def test_the_first_practice_is_set_up_and_its_owner_signs_in_without_naming_it(app: Flask) -> None:
    with app.app_context():
        assert not practices.exists_any()
    made = set_up(app, link(app))
    assert made.status_code == 201
    assert made.get_json()["person"]["capabilities"] == ["owner", "therapist"]
    assert made.get_json()["practice"]["time_zone"] == made.get_json()["person"]["time_zone"] == "Europe/Vienna"
    with app.app_context():
        assert practices.exists_any()
    guest = Actor("a guest", app, ANYONE, None)
    signed_in = guest.post("/sessions", {"email": "mia@maple.example", "password": PASSWORD})
    assert signed_in.status_code == 201
    assert signed_in.get_json()["person"]["practice"]["slug"] == "maple"


def test_an_owner_may_say_that_they_see_no_clients(app: Flask) -> None:
    made = set_up(app, link(app), person={"therapist": False})
    assert made.get_json()["person"]["capabilities"] == ["owner"]


def test_a_set_up_link_works_once(app: Flask) -> None:
    token = link(app)
    assert set_up(app, token).status_code == 201
    assert set_up(app, token, practice={"slug": "second"}).status_code == 404
    assert number_of_practices(app) == 1


def test_a_set_up_link_is_over_after_two_days(app: Flask) -> None:
    token = link(app)
    with clock.time_shifted(timedelta(days=2)):
        assert set_up(app, token).status_code == 404
    with clock.time_shifted(timedelta(days=2, minutes=-1)):
        assert set_up(app, token).status_code == 201


def test_a_newer_set_up_link_ends_the_one_before(app: Flask) -> None:
    first, second = link(app), link(app)
    assert set_up(app, first).status_code == 404
    assert set_up(app, second).status_code == 201


def test_without_a_link_nobody_sets_anything_up(app: Flask) -> None:
    real = link(app)
    refusals = []
    for made_up in ("portal_set_" + "A" * 50, real[:-1], real.replace("portal_set_", "portal_inv_"), "x"):
        answer = set_up(app, made_up)
        assert answer.status_code == 404
        refusals.append(answer.get_json()["detail"])
    assert len(set(refusals)) == 1
    assert number_of_practices(app) == 0


def test_a_used_and_an_unknown_set_up_link_are_refused_alike(app: Flask) -> None:
    used = link(app)
    set_up(app, used)
    bodies = [set_up(app, token, practice={"slug": "other"}).get_json() for token in (used, "portal_set_" + "A" * 50)]
    assert {**bodies[0], "instance": ""} == {**bodies[1], "instance": ""}


def test_a_set_up_link_is_kept_as_its_hash_alone(app: Flask) -> None:
    token = link(app)
    assert database.value(app, select(SetupLink.secret_hash)) == hashed(token)
    assert token.encode() not in database.everything(app)


def test_a_refused_set_up_does_not_use_the_link(app: Flask) -> None:
    first = link(app)
    assert set_up(app, first).status_code == 201
    token = link(app)
    taken = set_up(app, token, practice={"slug": "maple"})
    assert taken.status_code == 422
    assert taken.get_json()["errors"][0]["pointer"] == "#/practice/slug"
    weak = set_up(app, token, practice={"slug": "oak"}, person={"password": "passwordpassword"})
    assert weak.status_code == 422
    assert weak.get_json()["errors"][0]["pointer"] == "#/person/password"
    assert set_up(app, token, practice={"slug": "oak"}).status_code == 201


def test_a_new_practice_holds_the_starter_library_and_nobody_but_its_owner(app: Flask) -> None:
    set_up(app, link(app))
    assert database.value(app, select(func.count()).select_from(Person)) == 1
    guest = Actor("a guest", app, ANYONE, None)
    token = guest.post("/sessions", {"email": "mia@maple.example", "password": PASSWORD}).get_json()["token"]
    owner = Actor("owner", app, ANYONE, token)
    assert owner.get("/resources").get_json()["data"]
    assert owner.get("/clients").status_code == 200


def test_setting_up_is_the_first_fact_of_a_practice(app: Flask) -> None:
    set_up(app, link(app))
    facts = [row.fact for row in database.rows(app, select(Event.fact).order_by(Event.id))]
    assert facts[0] == "practice.set_up"


def test_an_owner_changes_the_settings_of_the_version_they_read(cast: Cast) -> None:
    before = cast.owner.get("/practice")
    changed = cast.owner.patch("/practice", {"quiet_days": 21, "country": "AT"}, before.headers["ETag"])
    assert changed.status_code == 200
    assert changed.get_json() == {**before.get_json(), "quiet_days": 21, "country": "AT", "version": 2}
    assert cast.owner.get("/practice").headers["ETag"] == changed.headers["ETag"]


def test_a_change_to_settings_that_have_moved_on_is_refused_with_what_stands_now(cast: Cast) -> None:
    etag = cast.owner.etag("/practice")
    assert cast.owner.patch("/practice", {"name": "First"}, etag).status_code == 200
    late = cast.owner.patch("/practice", {"name": "Second"}, etag)
    assert late.status_code == 412
    assert late.get_json()["current"] == cast.owner.get("/practice").get_json()
    assert late.get_json()["current"]["name"] == "First"
    assert late.headers["ETag"] == cast.owner.etag("/practice")


def test_a_change_to_settings_names_the_version_it_is_meant_for(cast: Cast) -> None:
    assert cast.owner.patch("/practice", {"name": "First"}).status_code == 428
    assert cast.owner.patch("/practice", {"name": "First"}, '"junk"').status_code == 400
    assert cast.owner.get("/practice").get_json()["version"] == 1


def test_only_an_owner_changes_the_settings(cast: Cast) -> None:
    etag = cast.therapist.etag("/practice")
    assert cast.therapist.patch("/practice", {"name": "Mine"}, etag).status_code == 403
    assert cast.client.patch("/practice", {"name": "Mine"}, etag).status_code == 404
    assert cast.owner.get("/practice").get_json()["name"] == "Linden Practice"


def test_settings_of_one_practice_are_not_those_of_another(cast: Cast) -> None:
    cast.owner.patch("/practice", {"name": "Changed"}, cast.owner.etag("/practice"))
    assert cast.other_owner.get("/practice").get_json()["name"] == "Birch Practice"


@pytest.mark.parametrize(
    "wrong",
    [
        {"slug": "new"},
        {"id": "x"},
        {"version": 9},
        {"quiet_days": 0},
        {"quiet_days": "14"},
        {"time_zone": "Mars/Base"},
        {"country": "de"},
        {"name": " "},
    ],
)
def test_what_of_a_practice_cannot_change_is_refused(cast: Cast, wrong: dict[str, Any]) -> None:
    before = cast.owner.get("/practice")
    assert cast.owner.patch("/practice", wrong, before.headers["ETag"]).status_code == 422
    assert cast.owner.get("/practice").get_json() == before.get_json()
