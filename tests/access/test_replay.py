"""Bar 11: a session that is over opens nothing again, however it ended and whoever kept it; none is planted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.accounts import secrets
from portal.accounts.models import Credential
from portal.accounts.service import integrations, resets, sessions
from portal.core import clock
from portal.core.crypto import blind_index
from tests.access.table import seen
from tests.accounts import database
from tests.cast import API, PASSWORD, Actor, Cast

NEW_PASSWORD = "quartz-heron-ladder-monday"
Ending = Callable[[Cast, Actor, Actor], AbstractContextManager[object] | None]
"""What ends `kept`, which `other` (the same person on another device) or somebody else does."""


def _as(actor: Actor, token: str | None) -> Actor:
    return Actor(actor.name, actor.app, actor.viewer, token, actor.email, actor.slug)


def _sign_in(cast: Cast, actor: Actor, password: str = PASSWORD, **kwargs: str) -> TestResponse:
    sent = {"practice": actor.slug, "email": actor.email, "password": password}
    return cast.nobody.post("/sessions", sent, headers=kwargs)


def _device(cast: Cast, actor: Actor, password: str = PASSWORD) -> Actor:
    signed_in = _sign_in(cast, actor, password)
    assert signed_in.status_code == 201
    return _as(actor, signed_in.get_json()["token"])


# How a session ends ----------------------------------------------------------------------------------------------


def signed_out(cast: Cast, kept: Actor, other: Actor) -> None:
    assert kept.delete("/sessions/current").status_code == 204


def ended_from_another_device(cast: Cast, kept: Actor, other: Actor) -> None:
    """Of all that are open, as somebody does who cannot tell which one was lost; one's own ends last."""
    with cast.app.app_context():
        mine = sessions.identify(str(other.token))
    assert mine is not None
    for session in other.get("/sessions").get_json()["data"]:
        if session["id"] != mine.credential_id:
            assert other.delete(f"/sessions/{session['id']}").status_code == 204


def password_changed(cast: Cast, kept: Actor, other: Actor) -> None:
    sent = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert other.put("/me/password", sent).status_code == 204


def password_reset(cast: Cast, kept: Actor, other: Actor) -> None:
    practice_id = kept.viewer.practice_id
    with cast.app.app_context():
        letter = resets.prepare_letter(practice_id, blind_index(practice_id, kept.email))
    assert letter is not None
    sent = {"token": letter.secret, "password": NEW_PASSWORD}
    assert cast.nobody.post("/password-resets/complete", sent).status_code == 204


def deactivated(cast: Cast, kept: Actor, other: Actor) -> None:
    assert cast.owner.post(f"/staff/{kept.id}/deactivate").status_code == 200


def idled(cast: Cast, kept: Actor, other: Actor) -> AbstractContextManager[object]:
    return clock.time_shifted(sessions.IDLE + timedelta(seconds=61))


def grown_old(cast: Cast, kept: Actor, other: Actor) -> AbstractContextManager[object]:
    """Used all the time, so that it has not idled."""
    step = sessions.IDLE / 2
    for steps in range(1, int(sessions.LONGEST / step)):
        with clock.time_shifted(step * steps):
            assert kept.get("/me").status_code == 200
    return clock.time_shifted(sessions.LONGEST + timedelta(seconds=1))


OF_ANYONE: list[Ending] = [signed_out, ended_from_another_device, password_changed, password_reset, idled, grown_old]
ENDINGS = [(name, end) for name in ("therapist", "client") for end in OF_ANYONE] + [("therapist", deactivated)]
REQUESTS = {
    "therapist": [("GET", "/clients"), ("GET", "/assignments"), ("POST", "/resources"), ("GET", "/practice")],
    "client": [("GET", "/me/assignments"), ("GET", "/me/access-log"), ("GET", "/me/progress")],
}
OF_ALL = [
    ("GET", "/me"),
    ("HEAD", "/me"),
    ("PATCH", "/me"),
    ("PUT", "/me/password"),
    ("GET", "/sessions"),
    ("DELETE", "/sessions/current"),
]


@pytest.mark.parametrize(("name", "end"), ENDINGS, ids=lambda value: getattr(value, "__name__", value))
def test_a_session_that_is_over_is_worth_as_much_as_one_that_never_was(name: str, end: Ending, cast: Cast) -> None:
    person = cast.everyone()[name]
    kept, other = _device(cast, person), _device(cast, person)
    assert kept.get("/me").status_code == 200
    never = _as(person, secrets.mint(sessions.PREFIX)[0])
    with end(cast, kept, other) or nullcontext():
        for method, path in (*OF_ALL, *REQUESTS[name]) * 2:
            replayed = kept.ask(method, path)
            assert replayed.status_code == 401, (method, path)
            assert seen(replayed) == seen(never.ask(method, path)), (method, path)


@pytest.mark.parametrize("end", [signed_out, password_changed, password_reset], ids=lambda end: end.__name__)
def test_a_session_that_is_over_is_not_revived_by_signing_in_again(end: Ending, cast: Cast) -> None:
    kept, other = _device(cast, cast.client), _device(cast, cast.client)
    end(cast, kept, other)
    password = PASSWORD if end is signed_out else NEW_PASSWORD
    again = _device(cast, cast.client, password)
    assert (kept.get("/me").status_code, again.get("/me").status_code) == (401, 200)
    assert kept.token != again.token


def test_signing_out_on_two_threads_at_once_leaves_nothing_open(cast: Cast) -> None:
    kept = _device(cast, cast.client)
    with ThreadPoolExecutor(8) as threads:
        statuses = [done.status_code for done in threads.map(lambda _: kept.delete("/sessions/current"), range(8))]
    assert set(statuses) <= {204, 401, 404}, "404: it passed the door, and was gone when it was looked for"
    assert 204 in statuses
    assert kept.get("/me").status_code == 401


# Fixation --------------------------------------------------------------------------------------------------------


def test_a_token_sent_along_at_sign_in_is_not_taken_up(cast: Cast) -> None:
    """Whoever put it there would be signed in as the other."""
    planted = secrets.mint(sessions.PREFIX)[0]
    signed_in = _sign_in(cast, cast.client, Authorization=f"Bearer {planted}", Cookie=f"session={planted}")
    assert signed_in.status_code == 201
    assert signed_in.get_json()["token"] != planted
    assert "Set-Cookie" not in signed_in.headers
    assert _as(cast.client, planted).get("/me").status_code == 401


def test_signing_in_through_somebody_elses_session_gives_that_one_nothing(cast: Cast) -> None:
    """On a shared device: the session that was open stays its owner's, and the new one is another."""
    signed_in = _sign_in(cast, cast.client, Authorization=f"Bearer {cast.partner.token}")
    assert signed_in.status_code == 201
    assert cast.partner.get("/me").get_json()["id"] == cast.partner.id
    mine = _as(cast.client, signed_in.get_json()["token"])
    assert mine.get("/me").get_json()["id"] == cast.client.id


def test_no_two_sign_ins_give_the_same_session(cast: Cast) -> None:
    devices = [_device(cast, cast.client) for _ in range(5)]
    assert len({device.token for device in devices}) == 5


def test_a_token_is_taken_from_the_authorization_header_alone(cast: Cast) -> None:
    token = str(cast.client.token)
    for place, sent in (
        (f"/me?token={token}", {}),
        (f"/me?access_token={token}", {}),
        ("/me", {"Cookie": f"session={token}; token={token}; __Host-session={token}"}),
        ("/me", {"X-Authorization": f"Bearer {token}"}),
        ("/me", {"Authorization": f"Token {token}"}),
        ("/me", {"Authorization": token}),
        ("/me", {"Authorization": f"Bearer {token} {token}"}),
        ("/me", {"Authorization": f"Bearer {token[:-1]}"}),
        ("/me", {"Authorization": f"Bearer {token.swapcase()}"}),
        ("/me", {"Proxy-Authorization": f"Bearer {token}"}),
    ):
        assert cast.nobody.get(place, headers=sent).status_code in {400, 401}, (place, sent)


def test_what_the_database_keeps_of_a_session_opens_nothing(cast: Cast) -> None:
    """Neither the digest nor the id, even in the form of a token of ours."""
    kept = database.rows(cast.app, select(Credential.secret_hash, Credential.id))
    assert kept
    for row in kept:
        for told in row:
            body = f"portal_{sessions.PREFIX}_{told}"
            for token in (str(told), body, body + secrets._checksum(body)):
                assert _as(cast.client, token).get("/me").status_code == 401


# Tokens of other systems -----------------------------------------------------------------------------------------


def revoked(cast: Cast, system: str) -> None:
    assert cast.owner.delete(f"/integrations/{system}").status_code == 204


def rotated(cast: Cast, system: str) -> None:
    assert cast.owner.post(f"/integrations/{system}/rotate", {}).status_code == 201


def rotated_with_an_overlap(cast: Cast, system: str) -> AbstractContextManager[object]:
    assert cast.owner.post(f"/integrations/{system}/rotate", {"overlap_minutes": 10}).status_code == 201
    assert cast.integration.get("/integrations/current").status_code == 200
    return clock.time_shifted(timedelta(minutes=10, seconds=1))


def expired(cast: Cast, system: str) -> AbstractContextManager[object]:
    return clock.time_shifted(timedelta(days=integrations.DAYS, seconds=1))


@pytest.mark.parametrize("end", [revoked, rotated, rotated_with_an_overlap, expired], ids=lambda end: end.__name__)
def test_a_token_that_is_over_is_worth_as_much_as_one_that_never_was(
    end: Callable[[Cast, str], AbstractContextManager[object] | None], cast: Cast
) -> None:
    kept, never = cast.integration, _as(cast.integration, secrets.mint(integrations.PREFIX)[0])
    paths = ("/integrations/current", "/clients", "/assignments", "/resources", "/events")
    assert {kept.get(path).status_code for path in paths} == {200}
    with end(cast, cast.things["linden.integration"]) or nullcontext():
        for method in ("GET", "POST", "HEAD"):
            for path in paths:
                replayed = kept.ask(method, path)
                if (method, path) not in NOT_SERVED:
                    assert replayed.status_code == 401, (method, path)
                assert seen(replayed) == seen(never.ask(method, path)), (method, path)


NOT_SERVED = {("POST", "/integrations/current"), ("POST", "/events")}


def test_no_page_sets_a_cookie(cast: Cast) -> None:
    for path in ("/", "/setup", "/invitation", "/reset", "/health/ready", f"{API}/openapi.json"):
        with cast.app.test_client() as asking:
            assert "Set-Cookie" not in asking.get(path).headers, path
