"""Forgotten passwords: the mailed link sets a new one once, ends everything else, and asking tells nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from portal.accounts.models import Credential, CredentialKind, ThrottledTry
from portal.accounts.secrets import hashed
from portal.accounts.service import resets
from portal.core import clock
from portal.core.audit_log.events import Event
from tests.accounts import database, mailbox
from tests.accounts.service.test_sessions import signed_in
from tests.accounts.timing import assert_alike
from tests.cast import PASSWORD, Actor, Cast

NEW_PASSWORD = "another-password-altogether"


def ask(cast: Cast, email: str, practice: str | None = "linden", address: str = "127.0.0.1") -> Any:
    sent = {"email": email, **({} if practice is None else {"practice": practice})}
    return cast.nobody.post("/password-resets", sent, environ_overrides={"REMOTE_ADDR": address})


def complete(cast: Cast, secret: str, password: str = NEW_PASSWORD) -> Any:
    return cast.nobody.post("/password-resets/complete", {"token": secret, "password": password})


def sign_in(cast: Cast, someone: Actor, password: str) -> int:
    sent = {"practice": someone.slug, "email": someone.email, "password": password}
    return cast.nobody.post("/sessions", sent).status_code


def test_the_mailed_link_sets_a_new_password(cast: Cast) -> None:
    assert ask(cast, cast.client.email).status_code == 202
    assert complete(cast, mailbox.last(cast.app, cast.client.email).secret).status_code == 204
    assert sign_in(cast, cast.client, NEW_PASSWORD) == 201
    assert sign_in(cast, cast.client, PASSWORD) == 401


def test_asking_alone_changes_nothing(cast: Cast) -> None:
    ask(cast, cast.client.email)
    mailbox.deliver(cast.app)
    assert cast.client.get("/me").status_code == 200
    assert sign_in(cast, cast.client, PASSWORD) == 201


def test_a_reset_ends_every_session(cast: Cast) -> None:
    phone, laptop = signed_in(cast, cast.client), signed_in(cast, cast.client)
    ask(cast, cast.client.email)
    complete(cast, mailbox.last(cast.app, cast.client.email).secret)
    assert [gone.get("/me").status_code for gone in (phone, laptop, cast.client)] == [401, 401, 401]
    assert cast.partner.get("/me").status_code == 200
    alive = select(Credential.id).where(Credential.person_id == cast.client.id, Credential.ended_at.is_(None))
    assert database.rows(cast.app, alive) == []


def test_a_reset_link_works_once(cast: Cast) -> None:
    ask(cast, cast.client.email)
    secret = mailbox.last(cast.app, cast.client.email).secret
    assert complete(cast, secret).status_code == 204
    assert complete(cast, secret, "yet-another-one-for-the-thief").status_code == 404
    assert sign_in(cast, cast.client, NEW_PASSWORD) == 201


def test_a_reset_link_is_over_after_an_hour(cast: Cast) -> None:
    ask(cast, cast.client.email)
    secret = mailbox.last(cast.app, cast.client.email).secret
    with clock.time_shifted(timedelta(hours=1, seconds=2)):
        assert complete(cast, secret).status_code == 404
    with clock.time_shifted(timedelta(minutes=59)):
        assert complete(cast, secret).status_code == 204


def test_a_later_mail_ends_the_link_of_the_earlier(cast: Cast) -> None:
    ask(cast, cast.client.email)
    first = mailbox.last(cast.app, cast.client.email).secret
    ask(cast, cast.client.email)
    second = mailbox.last(cast.app, cast.client.email).secret
    assert complete(cast, first).status_code == 404
    assert complete(cast, second).status_code == 204


def test_a_weak_new_password_does_not_use_the_link_up(cast: Cast) -> None:
    ask(cast, cast.client.email)
    secret = mailbox.last(cast.app, cast.client.email).secret
    assert complete(cast, secret, "passwordpassword").status_code == 422
    assert complete(cast, secret).status_code == 204


def test_the_secret_of_an_invitation_resets_nothing(cast: Cast) -> None:
    made = cast.therapist.post("/clients", {"name": "R", "email": "r@x.example", "delivery": "in_person"}).get_json()
    assert complete(cast, mailbox.secret_in(made["invitation"]["link"])).status_code == 404


def test_nobody_is_mailed_who_is_unknown_or_not_yet_in_or_gone(cast: Cast) -> None:
    mailbox.deliver(cast.app)
    mailbox.clear(cast.app)
    for email in ("nobody@nowhere.example", cast.newcomer.email, cast.leaver.email, cast.other_client.email):
        assert ask(cast, email).status_code == 202
    mailbox.deliver(cast.app)
    assert mailbox.sent(cast.app) == []


def test_somebody_who_left_between_asking_and_answering_stays_out(cast: Cast) -> None:
    ask(cast, cast.colleague.email)
    cast.owner.post(f"/staff/{cast.colleague.id}/deactivate")
    mailbox.deliver(cast.app)
    assert mailbox.sent(cast.app, cast.colleague.email) == []


def test_the_secret_of_a_reset_is_kept_as_its_hash_alone(cast: Cast) -> None:
    ask(cast, cast.client.email)
    secret = mailbox.last(cast.app, cast.client.email).secret
    kept = database.everything(cast.app)
    assert hashed(secret).encode() in kept
    assert secret.encode() not in kept
    assert cast.client.email.encode() not in kept
    kind = select(Credential.kind).where(Credential.secret_hash == hashed(secret))
    assert database.value(cast.app, kind) == CredentialKind.RESET


def test_a_reset_is_a_fact_of_whoever_it_concerns(cast: Cast) -> None:
    ask(cast, cast.client.email)
    complete(cast, mailbox.last(cast.app, cast.client.email).secret)
    told = select(Event.actor_id, Event.client_id).where(Event.fact == "password.changed")
    assert [tuple(row) for row in database.rows(cast.app, told)] == [(cast.client.id, cast.client.id)]


def test_asking_answers_the_same_for_everybody(cast: Cast) -> None:
    answers = [
        ask(cast, email, practice)
        for email, practice in (
            (cast.client.email, "linden"),
            ("nobody@nowhere.example", "linden"),
            (cast.leaver.email, "linden"),
            (cast.client.email, "birch"),
            (cast.client.email, "no-such"),
        )
    ]
    assert {(answer.status_code, answer.get_data()) for answer in answers} == {(202, b"")}
    kept = {tuple(sorted(set(answer.headers.keys()))) for answer in answers}
    assert len(kept) == 1


def test_with_several_practices_a_reset_names_one(cast: Cast) -> None:
    for email in (cast.client.email, "nobody@nowhere.example"):
        assert ask(cast, email, None).status_code == 422


def test_an_unused_and_an_unknown_reset_link_are_refused_alike(cast: Cast) -> None:
    ask(cast, cast.client.email)
    used = mailbox.last(cast.app, cast.client.email).secret
    complete(cast, used)
    bodies = [complete(cast, secret).get_json() for secret in (used, "portal_rst_" + "A" * 50, "x")]
    assert [body["detail"] for body in bodies] == [resets.REFUSED] * 3
    assert len({tuple({**body, "instance": ""}.items()) for body in bodies}) == 1


def test_the_sixth_mail_in_a_minute_is_not_asked_for(cast: Cast) -> None:
    for email in (cast.client.email, "nobody@nowhere.example"):
        assert [ask(cast, email).status_code for _ in range(6)] == [202] * 5 + [429]
    assert ask(cast, cast.partner.email).status_code == 202


@pytest.mark.bar
def test_asking_takes_as_long_for_a_known_as_for_an_unknown_address(cast: Cast) -> None:
    names = ("client", "partner", "stranger", "former_client", "therapist", "colleague", "owner", "co_therapist")
    addresses = {True: [cast.everyone()[name].email for name in names], False: [f"u{n}@x.example" for n in range(8)]}

    def one(known: bool, n: int) -> None:
        if n % 8 == 0 and known:
            database.change(cast.app, delete(ThrottledTry))
        assert ask(cast, addresses[known][n % 8], address=f"192.0.2.{n % 250}").status_code == 202

    assert_alike(one)
