"""The pages before there is an account: forms that keep secrets out of the way and take no foreign post."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.accounts.models import Person, Practice
from portal.accounts.service import practices
from tests.accounts import database, mailbox
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked

PAGES = ["/setup", "/invitation", "/reset"]
OURS = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
SCRIPT = re.compile(r"<script(?![^>]*nonce=)[^>]*>")


def get(app: Flask, path: str, **kwargs: Any) -> Any:
    with app.test_client() as browser:
        return browser.get(path, **kwargs)


def post(
    app: Flask, path: str, form: dict[str, str], headers: dict[str, str] | None = None, address: str = "127.0.0.1"
) -> Any:
    with app.test_client() as browser:
        return browser.post(
            path, data=form, headers=OURS if headers is None else headers, environ_overrides={"REMOTE_ADDR": address}
        )


def in_person(cast: Cast) -> str:
    made = cast.therapist.post("/clients", {"name": "Robin Aster", "email": "robin@x.example", "delivery": "in_person"})
    return mailbox.secret_in(made.get_json()["invitation"]["link"])


def set_up_form(token: str, **changed: str) -> dict[str, str]:
    return {
        "token": token,
        "practice_name": "Maple Practice",
        "slug": "maple",
        "country": "AT",
        "time_zone": "Europe/Vienna",
        "name": "Mia Maple",
        "email": "mia@maple.example",
        "password": PASSWORD,
        "therapist": "true",
        **changed,
    }


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_its_form_to_anyone_and_sets_no_cookie(cast: Cast, path: str) -> None:
    page = get(cast.app, path)
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert f'action="{path}"' in page.text
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize("path", [*PAGES, "/done/invitation", "/done/reset", "/done/setup"])
def test_a_page_is_not_kept_and_runs_only_its_own_script(cast: Cast, path: str) -> None:
    page = get(cast.app, path)
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"].partition("style-src")[0]
    assert not SCRIPT.search(page.text)


@pytest.mark.parametrize("path", [*PAGES, "/done/invitation", "/done/reset"])
def test_the_title_of_a_page_says_nothing_to_who_looks_over_a_shoulder(cast: Cast, path: str) -> None:
    page = get(cast.app, path).text
    title = page.partition("<title>")[2].partition("</title>")[0].casefold()
    assert title.strip()
    assert not any(word in title for word in ("therap", "client", "patient", "couple", "affair", "practice", "linden"))


def test_a_client_comes_in_through_the_page(cast: Cast) -> None:
    answer = post(
        cast.app, "/invitation", {"token": in_person(cast), "password": PASSWORD, "code": "", "time_zone": "Asia/Tokyo"}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/done/invitation"
    signed_in = cast.nobody.post("/sessions", {"practice": "linden", "email": "robin@x.example", "password": PASSWORD})
    assert signed_in.get_json()["person"]["time_zone"] == "Asia/Tokyo"


def test_the_mailed_link_and_the_code_open_the_page_too(cast: Cast) -> None:
    made = cast.therapist.post("/clients", {"name": "Robin", "email": "robin@x.example"}).get_json()
    secret = mailbox.last(cast.app, "robin@x.example").secret
    wrong = post(cast.app, "/invitation", {"token": secret, "password": PASSWORD, "code": "0000-0000"})
    assert wrong.status_code == 409
    right = post(cast.app, "/invitation", {"token": secret, "password": PASSWORD, "code": made["invitation"]["code"]})
    assert right.status_code == 303


def test_opening_the_page_ten_times_leaves_the_invitation_as_it_was(cast: Cast) -> None:
    secret = in_person(cast)
    for _ in range(10):
        assert get(cast.app, "/invitation").status_code == 200
        assert get(cast.app, f"/invitation?token={secret}").status_code == 200
    assert post(cast.app, "/invitation", {"token": secret, "password": PASSWORD}).status_code == 303


def test_a_weak_password_brings_the_form_back_with_what_helps_and_without_the_password(cast: Cast) -> None:
    secret = in_person(cast)
    again = post(cast.app, "/invitation", {"token": secret, "password": "tiny-secret", "time_zone": "Asia/Tokyo"})
    assert again.status_code == 422
    assert 'aria-invalid="true"' in again.text
    assert "15 to 128 characters" in again.text
    assert "tiny-secret" not in again.text
    assert 'value="Asia/Tokyo"' in again.text
    assert post(cast.app, "/invitation", {"token": secret, "password": PASSWORD}).status_code == 303


def test_what_was_typed_comes_back_as_text_and_never_as_markup(cast: Cast) -> None:
    payload = '"><script>alert(1)</script>'
    again = post(cast.app, "/invitation", {"token": payload, "password": PASSWORD, "time_zone": payload})
    assert again.status_code == 422
    assert "<script>alert" not in again.text
    refused = post(cast.app, "/setup", set_up_form(payload, name=payload))
    assert "<script>alert" not in refused.text


def test_every_link_that_does_not_open_shows_the_same_page(cast: Cast) -> None:
    used = in_person(cast)
    post(cast.app, "/invitation", {"token": used, "password": PASSWORD})
    unknown = used[:20] + ("A" if used[20] != "A" else "B") + used[21:]
    pages = [post(cast.app, "/invitation", {"token": token, "password": PASSWORD}) for token in (used, unknown)]
    assert {page.status_code for page in pages} == {409}
    plain = [
        re.sub(r"nonce[=-][^\s'>;]+", "", page.text.replace(token, ""))
        for page, token in zip(pages, (used, unknown), strict=True)
    ]
    assert plain[0] == plain[1]


def test_the_sixth_try_at_the_page_is_too_many_and_says_how_long_to_wait(cast: Cast) -> None:
    form = {"token": "portal_inv_" + "A" * 50, "password": PASSWORD}
    answers = [post(cast.app, "/invitation", form) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [409] * 5 + [429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_new_password_is_set_through_the_page(cast: Cast) -> None:
    cast.nobody.post("/password-resets", {"practice": "linden", "email": cast.client.email})
    form = {"token": mailbox.last(cast.app, cast.client.email).secret, "password": "another-password-altogether"}
    assert post(cast.app, "/reset", form).headers["Location"] == "/done/reset"
    assert post(cast.app, "/reset", form).status_code == 409
    assert cast.client.get("/me").status_code == 401
    signed_in = {"practice": "linden", "email": cast.client.email, "password": form["password"]}
    assert cast.nobody.post("/sessions", signed_in).status_code == 201


def test_a_practice_is_set_up_through_the_page_once(app: Flask) -> None:
    with app.app_context():
        token = practices.mint_setup_link()
    for _ in range(10):
        assert get(app, "/setup").status_code == 200
    assert post(app, "/setup", set_up_form(token)).headers["Location"] == "/done/setup"
    assert post(app, "/setup", set_up_form(token, slug="second")).status_code == 409
    assert database.value(app, select(Practice.name)) == "Maple Practice"
    assert tuple(database.rows(app, select(Person.owner, Person.therapist))[0]) == (True, True)


def test_an_owner_who_unticks_the_box_sees_no_clients(app: Flask) -> None:
    with app.app_context():
        token = practices.mint_setup_link()
    form = set_up_form(token)
    del form["therapist"]
    assert post(app, "/setup", form).status_code == 303
    assert tuple(database.rows(app, select(Person.owner, Person.therapist))[0]) == (True, False)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("slug", "Not A Slug"),
        ("country", "Austria"),
        ("time_zone", "Mars/Base"),
        ("email", "nobody"),
        ("password", "short"),
        ("name", ""),
        ("practice_name", ""),
    ],
)
def test_the_set_up_form_says_beside_the_field_what_to_change(app: Flask, field: str, wrong: str) -> None:
    with app.app_context():
        token = practices.mint_setup_link()
    again = post(app, "/setup", set_up_form(token, **{field: wrong}))
    assert again.status_code == 422
    assert f'id="{field}-error"' in again.text
    assert database.value(app, select(func.count()).select_from(Practice)) == 0
    assert post(app, "/setup", set_up_form(token)).status_code == 303


def test_a_short_name_that_is_taken_is_said_beside_the_field(cast: Cast) -> None:
    with cast.app.app_context():
        token = practices.mint_setup_link()
    again = post(cast.app, "/setup", set_up_form(token, slug="linden"))
    assert again.status_code == 422
    assert 'id="slug-error"' in again.text


FOREIGN: list[dict[str, str]] = [
    {},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"Referer": "http://localhost/invitation"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", PAGES)
def test_a_form_that_another_site_sends_is_refused(cast: Cast, path: str, headers: dict[str, str]) -> None:
    secret = in_person(cast)
    refused = post(cast.app, path, {"token": secret, "password": PASSWORD}, headers)
    assert refused.status_code == 403
    assert post(cast.app, "/invitation", {"token": secret, "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("what", ["invitation", "reset", "setup"])
def test_the_closing_page_says_that_it_worked_and_nothing_else(cast: Cast, what: str) -> None:
    assert get(cast.app, f"/done/{what}").status_code == 200
    assert get(cast.app, "/done/anything").status_code == 404


def test_a_page_takes_no_field_it_does_not_know(cast: Cast) -> None:
    secret = in_person(cast)
    form = {"token": secret, "password": PASSWORD, "owner": "true"}
    assert post(cast.app, "/invitation", form).status_code == 422
    del form["owner"]
    assert post(cast.app, "/invitation", form).status_code == 303
