"""The routes of accounts as whoever calls them meets them: codes, bodies, and nothing given away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from config import Config, Local
from portal.accounts.models import Person, ThrottledTry
from portal.accounts.passwords import hasher, use_hasher
from portal.accounts.service import sessions
from tests.accounts import database
from tests.accounts.timing import assert_alike
from tests.cast import PASSWORD, Cast

WRONG = "not-the-right-one-at-all"


def sign_in(cast: Cast, email: str, password: str = WRONG, address: str = "127.0.0.1", practice: str = "linden") -> Any:
    sent = {"practice": practice, "email": email, "password": password}
    return cast.nobody.post("/sessions", sent, environ_overrides={"REMOTE_ADDR": address})


def without_instance(answer: Any) -> dict[str, Any]:
    return {key: value for key, value in answer.get_json().items() if key != "instance"}


def test_signing_in_answers_with_a_token_its_end_and_the_person(cast: Cast) -> None:
    answer = sign_in(cast, cast.therapist.email, PASSWORD)
    assert answer.status_code == 201
    shown = answer.get_json()
    assert set(shown) == {"token", "expires_at", "person"}
    assert shown["person"] == cast.therapist.get("/me").get_json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_whoever_cannot_sign_in_is_refused_alike(cast: Cast) -> None:
    refusals = [
        sign_in(cast, cast.client.email),
        sign_in(cast, "nobody@nowhere.example"),
        sign_in(cast, cast.newcomer.email, PASSWORD),
        sign_in(cast, cast.leaver.email, PASSWORD),
        sign_in(cast, cast.other_client.email, PASSWORD),
        sign_in(cast, cast.client.email, PASSWORD, practice="no-such"),
        sign_in(cast, cast.client.email, "x" * 500),
    ]
    assert {answer.status_code for answer in refusals} == {401}
    assert {answer.headers["WWW-Authenticate"] for answer in refusals} == {'Bearer realm="portal"'}
    assert all(without_instance(answer) == without_instance(refusals[0]) for answer in refusals)
    assert without_instance(refusals[0])["detail"] == sessions.REFUSED
    assert len({frozenset(answer.headers.keys()) for answer in refusals}) == 1


def test_a_refusal_never_repeats_what_was_sent(cast: Cast) -> None:
    answer = sign_in(cast, cast.client.email, "my-own-secret-passphrase").get_data(as_text=True)
    assert cast.client.email not in answer
    assert "my-own-secret-passphrase" not in answer


@pytest.fixture
def real_cost(cast: Cast) -> Iterator[None]:
    """Passwords cost what they cost outside the tests, for those known and for everybody else."""
    config: Config = cast.app.config["PORTAL"]
    use_hasher(Local(data_dir=config.data_dir, keyring=config.keyring, database_url="").argon2_cost)
    database.change(cast.app, update(Person).values(password_hash=hasher().hash(PASSWORD)))
    yield
    use_hasher(config.argon2_cost)


@pytest.mark.bar
def test_signing_in_takes_as_long_for_an_unknown_as_for_a_known_address(cast: Cast, real_cost: None) -> None:
    names = ("client", "partner", "stranger", "former_client", "therapist", "colleague", "owner", "co_therapist")
    addresses = {True: [cast.everyone()[name].email for name in names], False: [f"u{n}@x.example" for n in range(8)]}

    def ask(known: bool, n: int) -> None:
        if n % 8 == 0:
            database.change(cast.app, delete(ThrottledTry))
        assert sign_in(cast, addresses[known][n % 8], address=f"192.0.2.{n % 250}").status_code == 401

    assert_alike(ask)


@pytest.mark.bar
def test_signing_in_takes_as_long_where_the_practice_itself_is_unknown(cast: Cast, real_cost: None) -> None:
    def ask(known: bool, n: int) -> None:
        if n % 8 == 0:
            database.change(cast.app, delete(ThrottledTry))
        slug = "linden" if known else f"no-such-{n % 8}"
        assert sign_in(cast, f"u{n % 8}@x.example", address=f"192.0.2.{n % 250}", practice=slug).status_code == 401

    assert_alike(ask)


def test_no_answer_of_an_account_holds_a_hash_or_a_key(cast: Cast) -> None:
    hashes = {row.password_hash for row in database.rows(cast.app, select(Person.password_hash)) if row.password_hash}
    indexes = {row.mail_index for row in database.rows(cast.app, select(Person.mail_index)) if row.mail_index}
    answers = [sign_in(cast, cast.client.email, PASSWORD), sign_in(cast, cast.client.email)]
    for someone in (cast.client, cast.therapist, cast.owner):
        answers += [
            someone.get(path)
            for path in ("/me", "/sessions", "/staff", "/practice", f"/staff/{cast.owner.id}", "/clients")
        ]
        answers.append(someone.put("/me/password", {"current_password": WRONG, "new_password": WRONG}))
        answers.append(someone.patch("/me", {"name": "New"}, someone.etag("/me")))
    answers.append(
        cast.owner.patch(f"/staff/{cast.therapist.id}", {"capabilities": ["therapist"]}, '"0-0000000000000000"')
    )
    for answer in answers:
        text = answer.get_data(as_text=True)
        assert "argon2" not in text
        assert "password_hash" not in text
        assert "mail_index" not in text
        assert not any(secret in text for secret in hashes | indexes)


@pytest.mark.parametrize("path", ["/me", "/sessions", "/practice", "/staff", "/clients", "/me/access-log"])
def test_without_a_credential_that_lives_every_door_is_closed(cast: Cast, path: str) -> None:
    for someone in (cast.nobody, cast.outsider, cast.leaver):
        answer = someone.get(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic {}", "Bearer {} x", "{}", "Token {}", "Bearer\t{}x"]
)
def test_a_token_counts_only_in_its_own_header(cast: Cast, header: str) -> None:
    sent = {"Authorization": header.format(cast.client.token)}
    assert cast.nobody.get("/me", headers=sent).status_code == 401


def test_a_token_in_the_address_opens_nothing(cast: Cast) -> None:
    assert cast.nobody.get(f"/me?access_token={cast.client.token}").status_code in {400, 401}


def test_a_client_meets_nothing_of_the_staffs_area(cast: Cast) -> None:
    absent = cast.client.get("/no-such-path")
    for path in ("/practice", "/staff", f"/staff/{cast.therapist.id}", "/clients", f"/clients/{cast.client.id}"):
        answer = cast.client.get(path)
        assert answer.status_code == 404
        assert without_instance(answer) == without_instance(absent)
    assert (
        cast.client.post("/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["owner"]}).status_code
        == 404
    )


def test_a_therapist_invites_no_staff(cast: Cast) -> None:
    sent = {"name": "N", "email": "n@x.example", "capabilities": ["owner"]}
    assert cast.therapist.post("/invitations", sent).status_code == 403


def test_inviting_staff_answers_the_same_for_a_known_and_an_unknown_address(cast: Cast) -> None:
    answers = [
        cast.owner.post("/invitations", {"name": "Noor", "email": email, "capabilities": ["therapist"]})
        for email in (cast.client.email, cast.therapist.email, "unknown@x.example")
    ]
    assert {answer.status_code for answer in answers} == {201}
    shapes = {tuple((key, type(value)) for key, value in answer.get_json().items()) for answer in answers}
    assert len(shapes) == 1


def test_the_routes_before_an_account_take_no_token_into_account(cast: Cast) -> None:
    sent = {"practice": "linden", "email": cast.client.email, "password": PASSWORD}
    answer = cast.outsider.post("/sessions", sent)
    assert answer.status_code == 201
    assert answer.get_json()["person"]["id"] == cast.client.id


@pytest.mark.parametrize(
    "path", ["/sessions", "/setup", "/password-resets", "/password-resets/complete", "/invitations/accept"]
)
def test_the_routes_before_an_account_read_json_and_nothing_else(cast: Cast, path: str) -> None:
    assert (
        cast.nobody.post(path, data="email=a%40b.example", content_type="application/x-www-form-urlencoded").status_code
        == 415
    )
    assert cast.nobody.post(path, data="{", content_type="application/json").status_code == 400
    assert cast.nobody.post(path, data="[]", content_type="application/json").status_code == 400
    assert cast.nobody.post(path, {}).status_code == 422
    assert cast.nobody.post(path, {"surprise": 1}).status_code == 422


@pytest.mark.parametrize("path", ["/sessions", "/staff"])
def test_a_misspelt_parameter_never_widens_a_list(cast: Cast, path: str) -> None:
    for query in ("?actve=true", "?limit=0", "?limit=101", "?sort=password_hash", "?cursor=junk", "?limit=1&limit=2"):
        assert cast.owner.get(path + query).status_code == 400


def test_a_cursor_belongs_to_who_was_given_it(cast: Cast) -> None:
    cursor = cast.owner.get("/staff?limit=1").get_json()["next_cursor"]
    assert cast.owner.get(f"/staff?limit=1&cursor={cursor}").status_code == 200
    assert cast.therapist.get(f"/staff?limit=1&cursor={cursor}").status_code == 400
    assert cast.other_owner.get(f"/staff?limit=1&cursor={cursor}").status_code == 400


@pytest.mark.parametrize(
    "ask",
    [
        lambda cast: cast.client.get("/sessions"),
        lambda cast: cast.owner.get("/staff"),
    ],
    ids=["sessions", "staff"],
)
def test_a_list_takes_as_many_statements_for_many_as_for_one(
    cast: Cast, queries: Any, ask: Callable[[Cast], Any]
) -> None:
    ask(cast)
    queries.statements.clear()
    assert ask(cast).status_code == 200
    first = len(queries)
    for number in range(3):
        sign_in(cast, cast.client.email, PASSWORD, address=f"192.0.2.{number}")
        cast.owner.post("/invitations", {"name": "N", "email": f"n{number}@x.example", "capabilities": ["therapist"]})
    queries.statements.clear()
    assert len(ask(cast).get_json()["data"]) >= 4
    assert len(queries) == first <= 4
