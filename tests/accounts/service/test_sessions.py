"""Signing in, being recognised and signing out, as whoever holds the token or has lost it would see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from portal.accounts.models import Credential, CredentialKind, Person
from portal.accounts.passwords import Hasher, use_hasher
from portal.accounts.secrets import hashed
from portal.accounts.service import sessions
from portal.core import clock
from portal.core.audit_log.events import Event
from tests.accounts import database
from tests.cast import PASSWORD, Actor, Cast
from tests.conftest import CHEAP_HASH, Queries


def signed_in(cast: Cast, someone: Actor) -> Actor:
    """The same person with a session they have just begun."""
    sent = {"practice": someone.slug, "email": someone.email, "password": PASSWORD}
    answer = cast.nobody.post("/sessions", sent)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return Actor(someone.name, cast.app, someone.viewer, answer.get_json()["token"], someone.email, someone.slug)


@pytest.mark.parametrize("name", ["owner", "therapist", "client", "other_client"])
def test_a_person_signs_in_and_is_recognised_as_themself(cast: Cast, name: str) -> None:
    someone = cast.everyone()[name]
    me = signed_in(cast, someone).get("/me").get_json()
    assert me["id"] == someone.id
    assert me["email"] == someone.email
    assert me["practice"]["slug"] == someone.slug


def test_a_mail_address_is_recognised_whatever_its_capitals(cast: Cast) -> None:
    sent = {"practice": "linden", "email": cast.client.email.upper(), "password": PASSWORD}
    assert cast.nobody.post("/sessions", sent).status_code == 201


def test_the_token_of_a_session_is_kept_as_its_hash_alone(cast: Cast) -> None:
    token = signed_in(cast, cast.client).token or ""
    kept = database.everything(cast.app)
    assert hashed(token).encode() in kept
    assert token.encode() not in kept


def test_every_sign_in_begins_a_session_of_its_own(cast: Cast) -> None:
    phone, laptop = signed_in(cast, cast.client), signed_in(cast, cast.client)
    assert phone.token != laptop.token
    assert phone.delete("/sessions/current").status_code == 204
    assert phone.get("/me").status_code == 401
    assert laptop.get("/me").status_code == 200


def test_a_session_cannot_be_replayed_after_signing_out(cast: Cast) -> None:
    someone = signed_in(cast, cast.client)
    assert someone.delete("/sessions/current").status_code == 204
    for path in ("/me", "/me/assignments", "/sessions"):
        assert someone.get(path).status_code == 401
    assert someone.delete("/sessions/current").status_code == 401


def test_a_session_ended_from_another_device_is_over_on_its_next_request(cast: Cast) -> None:
    lost, kept = signed_in(cast, cast.therapist), signed_in(cast, cast.therapist)
    newest = kept.get("/sessions?sort=-created_at&limit=100").get_json()["data"]
    of_lost = database.value(cast.app, select(Credential.id).where(Credential.secret_hash == hashed(lost.token or "")))
    assert of_lost in {session["id"] for session in newest}
    assert kept.delete(f"/sessions/{of_lost}").status_code == 204
    assert lost.get("/me").status_code == 401
    assert kept.get("/me").status_code == 200


def test_nobody_ends_the_session_of_somebody_else(cast: Cast) -> None:
    theirs = cast.things["client.session"]
    for someone in (cast.partner, cast.therapist, cast.owner, cast.other_client):
        assert someone.delete(f"/sessions/{theirs}").status_code == 404
    assert cast.client.get("/me").status_code == 200


def test_a_session_idles_out_after_thirty_minutes(cast: Cast) -> None:
    someone = signed_in(cast, cast.client)
    with clock.time_shifted(timedelta(minutes=29)):
        assert someone.get("/me").status_code == 200
    with clock.time_shifted(timedelta(minutes=29 + 29)):
        assert someone.get("/me").status_code == 200
    with clock.time_shifted(timedelta(minutes=29 + 29 + 31)):
        assert someone.get("/me").status_code == 401


def test_a_session_that_idled_out_does_not_come_back(cast: Cast) -> None:
    someone = signed_in(cast, cast.client)
    with clock.time_shifted(timedelta(minutes=31)):
        assert someone.get("/me").status_code == 401
        assert someone.get("/me").status_code == 401
    times = select(Credential.last_used_at, Credential.created_at)
    [kept] = database.rows(cast.app, times.where(Credential.secret_hash == hashed(someone.token or "")))
    assert kept.last_used_at == kept.created_at, "a refused request is no use of the session"


def test_a_session_ends_after_eight_hours_however_busy_it_is(cast: Cast) -> None:
    someone = signed_in(cast, cast.client)
    for minutes in range(20, 8 * 60, 20):
        with clock.time_shifted(timedelta(minutes=minutes)):
            assert someone.get("/me").status_code == 200
    with clock.time_shifted(timedelta(hours=8)):
        assert someone.get("/me").status_code == 401


def test_signing_in_says_when_the_session_ends_at_the_latest(cast: Cast) -> None:
    before = clock.now()
    sent = {"practice": "linden", "email": cast.client.email, "password": PASSWORD}
    shown = cast.nobody.post("/sessions", sent).get_json()["expires_at"]
    latest = {(before + timedelta(hours=8, seconds=late)).strftime("%Y-%m-%dT%H:%M:%SZ") for late in range(3)}
    assert shown in latest


def test_the_last_use_of_a_session_is_written_at_most_once_a_minute(cast: Cast, queries: Queries) -> None:
    someone = signed_in(cast, cast.client)

    def writes_at(seconds: int) -> int:
        queries.statements.clear()
        with clock.time_shifted(timedelta(seconds=seconds)):
            assert someone.get("/me").status_code == 200
        return sum(statement.startswith("UPDATE credentials") for statement in queries.statements)

    assert [writes_at(seconds) for seconds in (0, 20, 40, 65, 70, 100, 130)] == [0, 0, 0, 1, 0, 0, 1]


def test_a_session_that_has_run_out_is_no_longer_listed(cast: Cast) -> None:
    signed_in(cast, cast.client)
    with clock.time_shifted(timedelta(hours=9)):
        later = signed_in(cast, cast.client)
        listed = later.get("/sessions").get_json()["data"]
    assert len(listed) == 1, "only the session that asks has not ended"


def test_a_junk_cookie_changes_nothing_about_a_valid_token(cast: Cast) -> None:
    with cast.app.test_client() as browser:
        browser.set_cookie("remember_token", "junk")
        browser.set_cookie("session", "junk")
        answer = browser.get("/api/v1/me", headers={"Authorization": f"Bearer {cast.client.token}"})
    assert answer.status_code == 200
    assert answer.get_json()["id"] == cast.client.id


def test_two_people_asking_in_turn_stay_two(cast: Cast) -> None:
    for _ in range(3):
        for someone in (cast.client, cast.therapist, cast.other_owner):
            assert someone.get("/me").get_json()["id"] == someone.id
        assert cast.nobody.get("/me").status_code == 401


@pytest.mark.parametrize("kind", [CredentialKind.INVITATION, CredentialKind.RESET])
def test_only_the_secret_of_a_session_opens_the_door(cast: Cast, kind: CredentialKind) -> None:
    mine = update(Credential).where(Credential.id == cast.things["client.session"])
    database.change(cast.app, mine.values(kind=kind))
    assert cast.client.get("/me").status_code == 401


def test_a_token_with_a_wrong_checksum_is_not_even_looked_up(cast: Cast, queries: Queries) -> None:
    token = cast.client.token or ""
    with cast.app.app_context():
        queries.statements.clear()
        assert sessions.identify(token[:-1] + ("0" if token[-1] != "0" else "1")) is None
        assert sessions.identify("") is None
        assert sessions.identify(None) is None
    assert not queries.statements


def test_a_deactivated_member_of_the_staff_neither_stays_nor_comes_back_in(cast: Cast) -> None:
    assert cast.leaver.get("/me").status_code == 401
    sent = {"practice": "linden", "email": cast.leaver.email, "password": PASSWORD}
    assert cast.nobody.post("/sessions", sent).status_code == 401


def test_somebody_invited_cannot_sign_in_before_accepting(cast: Cast) -> None:
    sent = {"practice": "linden", "email": cast.newcomer.email, "password": PASSWORD}
    assert cast.nobody.post("/sessions", sent).status_code == 401


def test_a_loss_of_capabilities_counts_on_the_next_request_of_a_running_session(cast: Cast) -> None:
    someone = signed_in(cast, cast.therapist)
    assert someone.get(f"/clients/{cast.client.id}").status_code == 200
    database.change(cast.app, update(Person).where(Person.id == cast.therapist.id).values(therapist=False))
    assert someone.get(f"/clients/{cast.client.id}").status_code == 404


def test_signing_in_renews_a_hash_of_an_earlier_cost(cast: Cast) -> None:
    dearer = {**CHEAP_HASH, "time_cost": 2}
    of_client = select(Person.password_hash).where(Person.id == cast.client.id)
    before = database.value(cast.app, of_client)
    use_hasher(dearer)
    try:
        signed_in(cast, cast.client)
        renewed = database.value(cast.app, of_client)
        assert Hasher(dearer).is_outdated(before)
        assert not Hasher(dearer).is_outdated(renewed)
        signed_in(cast, cast.client)
        assert database.value(cast.app, of_client) == renewed
    finally:
        use_hasher(CHEAP_HASH)


def test_signing_in_and_out_leave_one_fact_each(cast: Cast) -> None:
    def facts() -> list[str]:
        about = select(Event.fact).where(Event.actor_id == cast.client.id, Event.fact.like("session.%"))
        return [row.fact for row in database.rows(cast.app, about.order_by(Event.id))]

    before = facts()
    someone = signed_in(cast, cast.client)
    someone.delete("/sessions/current")
    assert facts()[len(before) :] == ["session.started", "session.ended"]


def test_a_refused_sign_in_begins_no_session(cast: Cast) -> None:
    count = select(func.count()).select_from(Credential)
    before = database.value(cast.app, count)
    sent = {"practice": "linden", "email": cast.client.email, "password": "not-the-right-one-at-all"}
    assert cast.nobody.post("/sessions", sent).status_code == 401
    assert database.value(cast.app, count) == before


def test_with_several_practices_signing_in_names_one(cast: Cast) -> None:
    for email in (cast.client.email, "nobody@nowhere.example"):
        answer = cast.nobody.post("/sessions", {"email": email, "password": PASSWORD})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.get_json()["errors"]] == ["#/practice"]


def test_one_practice_never_learns_who_is_known_to_another(cast: Cast) -> None:
    elsewhere = {"practice": "birch", "email": cast.client.email, "password": PASSWORD}
    unknown = {"practice": "birch", "email": "nobody@nowhere.example", "password": PASSWORD}
    no_practice = {"practice": "no-such", "email": cast.client.email, "password": PASSWORD}
    bodies = []
    for sent in (elsewhere, unknown, no_practice):
        answer = cast.nobody.post("/sessions", sent)
        assert answer.status_code == 401
        bodies.append({key: value for key, value in answer.get_json().items() if key != "instance"})
    assert bodies[0] == bodies[1] == bodies[2]


def test_the_same_address_is_two_people_in_two_practices(cast: Cast) -> None:
    invited = cast.other_owner.post(
        "/clients", {"name": "The Same Person", "email": cast.client.email, "delivery": "in_person"}
    ).get_json()
    secret = invited["invitation"]["link"].partition("#")[2]
    password = "another-password-altogether"
    accepted = cast.nobody.post("/invitations/accept", {"token": secret, "password": password})
    assert accepted.status_code == 201
    there = {"practice": "birch", "email": cast.client.email}
    assert cast.nobody.post("/sessions", {**there, "password": password}).get_json()["person"]["id"] == invited["id"]
    assert cast.nobody.post("/sessions", {**there, "password": PASSWORD}).status_code == 401
    assert signed_in(cast, cast.client).get("/me").get_json()["id"] == cast.client.id
