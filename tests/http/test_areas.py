"""Tokens open the API and cookies do not; two people in one test stay two."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.access.table import PRINCIPALS, TABLE, prepared, send
from tests.cast import Cast
from tests.http.client import ask

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked

JUNK = (
    "remember_token=junk",
    "remember_token=0199|00ff",
    "session=junk",
    "session=.eJwlzjEOwjAMAO.Z.x",
    "remember_token=junk; session=junk; __Host-session=junk",
    "remember_token=\x7f; ;;=",
)


@pytest.mark.parametrize("cookies", JUNK)
def test_a_cookie_never_disturbs_a_token(cookies: str, cast: Cast) -> None:
    for actor in (cast.therapist, cast.client):
        response = actor.get("/me", headers={"Cookie": cookies})
        assert (response.status_code, response.get_json()["id"]) == (200, actor.id)


@pytest.mark.parametrize("cookies", [*JUNK, "remember_token={token}", "session={token}", "token={token}"])
def test_a_cookie_never_opens_anything(cookies: str, cast: Cast) -> None:
    sent = {"Cookie": cookies.format(token=cast.therapist.token)}
    assert cast.nobody.get("/me", headers=sent).status_code == 401
    assert cast.outsider.get("/me", headers=sent).status_code == 401


@pytest.mark.parametrize(
    "scheme", ["Basic {token}", "Token {token}", "{token}", "Bearer", "Bearer ", "Bearer {token} x"]
)
def test_no_other_way_to_send_a_token_works(scheme: str, cast: Cast) -> None:
    sent = {"Authorization": scheme.format(token=cast.therapist.token)}
    assert ask(cast, "GET", "/api/v1/me", headers=sent).status_code == 401


def test_a_token_in_the_address_or_the_body_opens_nothing(cast: Cast) -> None:
    for name in ("token", "access_token", "api_key"):
        assert cast.nobody.get(f"/me?{name}={cast.therapist.token}").status_code == 401
        assert cast.nobody.post("/clients", {name: cast.therapist.token}).status_code == 401


def test_the_scheme_is_read_in_any_case(cast: Cast) -> None:
    for scheme in ("bearer", "BEARER", "Bearer"):
        sent = {"Authorization": f"{scheme} {cast.therapist.token}"}
        assert ask(cast, "GET", "/api/v1/me", headers=sent).status_code == 200


def test_a_token_with_one_letter_changed_opens_nothing(cast: Cast) -> None:
    token = str(cast.therapist.token)
    for place in range(len(token)):
        changed = token[:place] + ("a" if token[place] != "a" else "b") + token[place + 1 :]
        sent = {"Authorization": f"Bearer {changed}"}
        assert ask(cast, "GET", "/api/v1/me", headers=sent).status_code == 401, place


def test_no_answer_ever_sets_a_cookie(cast: Cast) -> None:
    for row in TABLE:
        if row.reads:
            prepared(row, cast)
            for principal in PRINCIPALS:
                assert "Set-Cookie" not in send(row, cast, principal).headers, (str(row), principal)
    sent = {"practice": "linden", "email": cast.client.email, "password": "maple-otter-violin-sunday"}
    for response in (
        cast.nobody.post("/sessions", sent),
        cast.nobody.post("/sessions", {**sent, "password": "not the right one at all"}),
        cast.client.delete("/sessions/current"),
        cast.client.get("/me", headers={"Cookie": "remember_token=junk; session=junk"}),
    ):
        assert "Set-Cookie" not in response.headers


def test_two_people_in_one_test_stay_two(cast: Cast) -> None:
    for _ in range(3):
        for actor in (cast.therapist, cast.client, cast.other_owner, cast.partner):
            assert actor.get("/me").get_json()["id"] == actor.id
        assert cast.nobody.get("/me").status_code == 401


def test_two_people_on_one_connection_stay_two(cast: Cast) -> None:
    """A browser's or a proxy's connection is shared; who asks is not."""
    with cast.app.test_client() as shared:
        for actor in (cast.therapist, cast.client, cast.therapist):
            got = shared.get("/api/v1/me", headers={"Authorization": f"Bearer {actor.token}"})
            assert got.get_json()["id"] == actor.id
        assert shared.get("/api/v1/me").status_code == 401


def test_many_people_at_once_stay_themselves(cast: Cast) -> None:
    actors = [cast.therapist, cast.client, cast.partner, cast.other_owner, cast.owner] * 20
    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(lambda actor: actor.get("/me").get_json()["id"], actors))
    assert got == [actor.id for actor in actors]


def test_the_other_practices_owner_is_answered_from_the_other_practice(cast: Cast) -> None:
    linden, birch = cast.owner.get("/practice").get_json(), cast.other_owner.get("/practice").get_json()
    assert (linden["slug"], birch["slug"]) == ("linden", "birch")
