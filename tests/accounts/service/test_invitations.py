"""Coming in: what a link and a code open, how often, for whom; and what a mailbox alone does not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from portal.accounts.models import Credential, CredentialKind, Invitation, Person, ThrottledTry
from portal.accounts.secrets import hashed
from portal.accounts.service.invitations import WRONG_CODES
from portal.core import clock
from portal.core.audit_log.events import Event
from tests.accounts import database, mailbox
from tests.accounts.timing import assert_alike
from tests.cast import PASSWORD, Actor, Cast

ROBIN = "robin@clients.example"


def invite(cast: Cast, by: Actor | None = None, **sent: Any) -> dict[str, Any]:
    """A client taken on; the answer with the invitation in it."""
    answer = (by or cast.therapist).post("/clients", {"name": "Robin Aster", "email": ROBIN, **sent})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made: dict[str, Any] = answer.get_json()
    return made


def invite_staff(cast: Cast, email: str = "noor@linden.example") -> dict[str, Any]:
    answer = cast.owner.post("/invitations", {"name": "Noor Haddad", "email": email, "capabilities": ["therapist"]})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.get_json()
    return made


def accept(cast: Cast, secret: str, code: str | None = None, *, address: str = "127.0.0.1", **sent: Any) -> Any:
    body = {"token": secret, "password": PASSWORD, **({} if code is None else {"code": code}), **sent}
    return cast.nobody.post("/invitations/accept", body, environ_overrides={"REMOTE_ADDR": address})


def other_than(code: str) -> str:
    return ("0" if code[0] != "0" else "1") + code[1:]


# The link and the code -----------------------------------------------------------------------------------------


def test_a_client_comes_in_with_the_mailed_link_and_the_code_from_the_session(cast: Cast) -> None:
    made = invite(cast)
    secret = mailbox.last(cast.app, ROBIN).secret
    accepted = accept(cast, secret, made["invitation"]["code"], time_zone="Asia/Tokyo")
    assert accepted.status_code == 201
    assert accepted.get_json()["id"] == made["id"]
    assert accepted.get_json()["kind"] == "client"
    assert accepted.get_json()["time_zone"] == "Asia/Tokyo"
    signed_in = cast.nobody.post("/sessions", {"practice": "linden", "email": ROBIN, "password": PASSWORD})
    assert signed_in.status_code == 201
    assert cast.therapist.get(f"/clients/{made['id']}").get_json()["status"] == "active"


def test_the_mailed_link_alone_lets_nobody_in_who_holds_the_mailbox(cast: Cast) -> None:
    made = invite(cast)
    mail = mailbox.last(cast.app, ROBIN)
    assert accept(cast, mail.secret).status_code == 404
    assert accept(cast, mail.secret, "").status_code == 404
    assert accept(cast, mail.secret, other_than(made["invitation"]["code"])).status_code == 404
    assert made["invitation"]["code"].encode() not in mail.raw
    assert cast.therapist.get(f"/clients/{made['id']}").get_json()["status"] == "invited"


def test_the_code_alone_lets_nobody_in(cast: Cast) -> None:
    made = invite(cast)
    mailbox.deliver(cast.app)
    assert accept(cast, "portal_inv_" + "A" * 50, made["invitation"]["code"]).status_code == 404


def test_the_code_of_another_client_does_not_fit(cast: Cast) -> None:
    invite(cast)
    other = invite(cast, email="other@clients.example")
    secret = mailbox.last(cast.app, ROBIN).secret
    assert accept(cast, secret, other["invitation"]["code"]).status_code == 404


def test_a_code_is_taken_however_it_is_typed(cast: Cast) -> None:
    made = invite(cast)
    secret = mailbox.last(cast.app, ROBIN).secret
    typed = made["invitation"]["code"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert accept(cast, secret, typed).status_code == 201


def test_five_wrong_codes_end_the_link_even_for_the_right_one(cast: Cast) -> None:
    made = invite(cast)
    secret, code = mailbox.last(cast.app, ROBIN).secret, made["invitation"]["code"]
    for number in range(WRONG_CODES):
        assert accept(cast, secret, other_than(code), address=f"192.0.2.{number}").status_code == 404
    assert accept(cast, secret, code, address="192.0.2.99").status_code == 404
    assert cast.therapist.get(f"/clients/{made['id']}").get_json()["status"] == "invited"


def test_four_wrong_codes_still_leave_a_way_in(cast: Cast) -> None:
    made = invite(cast)
    secret, code = mailbox.last(cast.app, ROBIN).secret, made["invitation"]["code"]
    for number in range(WRONG_CODES - 1):
        assert accept(cast, secret, other_than(code), address=f"192.0.2.{number}").status_code == 404
    assert accept(cast, secret, code, address="192.0.2.99").status_code == 201


def test_wrong_codes_tried_at_the_same_time_are_all_counted(cast: Cast) -> None:
    made = invite(cast)
    secret, code = mailbox.last(cast.app, ROBIN).secret, made["invitation"]["code"]

    def guess(number: int) -> int:
        return int(accept(cast, secret, other_than(code), address=f"192.0.2.{number}").status_code)

    with ThreadPoolExecutor(8) as crowd:
        assert set(crowd.map(guess, range(8))) == {404}
    counted = select(Invitation.wrong_codes).where(Invitation.id == made["invitation"]["id"])
    assert database.value(cast.app, counted) == WRONG_CODES
    assert accept(cast, secret, code, address="192.0.2.99").status_code == 404


def test_a_client_invited_again_after_too_many_wrong_codes_has_all_tries_again(cast: Cast) -> None:
    made = invite(cast)
    secret, code = mailbox.last(cast.app, ROBIN).secret, made["invitation"]["code"]
    for number in range(WRONG_CODES):
        accept(cast, secret, other_than(code), address=f"192.0.2.{number}")
    again = cast.therapist.post(f"/clients/{made['id']}/invitation", {"delivery": "mail"}).get_json()
    fresh = mailbox.last(cast.app, ROBIN).secret
    assert accept(cast, fresh, other_than(again["code"]), address="192.0.2.8").status_code == 404
    assert accept(cast, fresh, again["code"], address="192.0.2.9").status_code == 201


def test_staff_come_in_with_the_mailed_link_alone(cast: Cast) -> None:
    invited = invite_staff(cast)
    mail = mailbox.last(cast.app, "noor@linden.example")
    assert (invited["code"], invited["link"]) == (None, None)
    assert "code" not in mail.body
    accepted = accept(cast, mail.secret)
    assert accepted.status_code == 201
    assert accepted.get_json()["capabilities"] == ["therapist"]


def test_a_link_handed_over_in_person_needs_no_code_and_sends_no_mail(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    assert made["invitation"]["code"] is None
    mailbox.deliver(cast.app)
    assert mailbox.sent(cast.app, ROBIN) == []
    assert accept(cast, mailbox.secret_in(made["invitation"]["link"])).status_code == 201


def test_the_code_and_the_link_are_shown_once(cast: Cast) -> None:
    mailed, handed = invite(cast), invite(cast, email="other@clients.example", delivery="in_person")
    assert mailed["invitation"]["link"] is None
    for made in (mailed, handed):
        later = cast.therapist.get(f"/clients/{made['id']}").get_data(as_text=True)
        for secret in (made["invitation"]["code"], made["invitation"]["link"]):
            assert secret is None or secret not in later


# Once, and only while it is open -------------------------------------------------------------------------------


def test_ten_looks_at_the_page_do_not_use_an_invitation_up(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    before = database.rows(cast.app, select(Credential.id, Credential.ended_at, Credential.last_used_at))
    for _ in range(10):
        with cast.app.test_client() as browser:
            assert browser.get("/invitation").status_code == 200
            assert browser.head("/invitation").status_code == 200
    assert database.rows(cast.app, select(Credential.id, Credential.ended_at, Credential.last_used_at)) == before
    assert accept(cast, mailbox.secret_in(made["invitation"]["link"])).status_code == 201


def test_twenty_acceptances_at_the_same_time_make_exactly_one_account(cast: Cast) -> None:
    made = invite(cast)
    secret, code = mailbox.last(cast.app, ROBIN).secret, made["invitation"]["code"]
    passwords = [f"{number:02}-{PASSWORD}" for number in range(20)]
    together = Barrier(20)

    def come_in(number: int) -> int:
        together.wait(timeout=30)
        return int(accept(cast, secret, code, address=f"192.0.2.{number}", password=passwords[number]).status_code)

    with ThreadPoolExecutor(20) as crowd:
        statuses = list(crowd.map(come_in, range(20)))
    while 429 in statuses:
        late = statuses.index(429)
        statuses[late] = accept(cast, secret, code, address=f"198.51.100.{late}", password=passwords[late]).status_code
    assert sorted(statuses) == [201] + [404] * 19
    activated = select(func.count()).where(Event.fact == "client.activated", Event.subject_id == made["id"])
    assert database.value(cast.app, activated) == 1
    winner = {"practice": "linden", "email": ROBIN, "password": passwords[statuses.index(201)]}
    loser = {"practice": "linden", "email": ROBIN, "password": passwords[statuses.index(404)]}
    assert cast.nobody.post("/sessions", winner).status_code == 201
    assert cast.nobody.post("/sessions", loser).status_code == 401


def test_an_invitation_is_accepted_once(cast: Cast) -> None:
    secret = mailbox.secret_in(invite(cast, delivery="in_person")["invitation"]["link"])
    assert accept(cast, secret).status_code == 201
    assert accept(cast, secret, password="another-password-altogether").status_code == 404
    signed_in = cast.nobody.post("/sessions", {"practice": "linden", "email": ROBIN, "password": PASSWORD})
    assert signed_in.status_code == 201


def test_a_weak_password_does_not_use_an_invitation_up(cast: Cast) -> None:
    secret = mailbox.secret_in(invite(cast, delivery="in_person")["invitation"]["link"])
    assert accept(cast, secret, password="short").status_code == 422
    assert accept(cast, secret).status_code == 201


def test_a_link_is_over_after_fourteen_days(cast: Cast) -> None:
    made = invite(cast)
    secret = mailbox.last(cast.app, ROBIN).secret
    with clock.time_shifted(timedelta(days=14, seconds=2)):
        assert accept(cast, secret, made["invitation"]["code"]).status_code == 404
    with clock.time_shifted(timedelta(days=13, hours=23)):
        assert accept(cast, secret, made["invitation"]["code"]).status_code == 201


def test_an_invitation_taken_back_lets_nobody_in(cast: Cast) -> None:
    made = invite(cast)
    secret = mailbox.last(cast.app, ROBIN).secret
    assert cast.therapist.delete(f"/invitations/{made['invitation']['id']}").status_code == 204
    assert accept(cast, secret, made["invitation"]["code"]).status_code == 404


def test_an_invitation_taken_back_before_its_mail_is_never_mailed(cast: Cast) -> None:
    made = invite(cast)
    cast.therapist.delete(f"/invitations/{made['invitation']['id']}")
    mailbox.deliver(cast.app)
    assert mailbox.sent(cast.app, ROBIN) == []


def test_an_invitation_that_is_over_can_be_neither_resent_nor_taken_back(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    accept(cast, mailbox.secret_in(made["invitation"]["link"]))
    path = f"/invitations/{made['invitation']['id']}"
    for refused in (cast.therapist.post(f"{path}/resend"), cast.therapist.delete(path)):
        assert refused.status_code == 409
        assert refused.get_json()["state"] == "accepted"


# Sending again -------------------------------------------------------------------------------------------------


def test_sending_again_mints_a_new_link_and_code_and_ends_the_earlier(cast: Cast) -> None:
    made = invite(cast)
    first = mailbox.last(cast.app, ROBIN).secret
    again = cast.therapist.post(f"/invitations/{made['invitation']['id']}/resend").get_json()
    second = mailbox.last(cast.app, ROBIN).secret
    assert first != second
    assert again["code"] != made["invitation"]["code"]
    assert accept(cast, first, made["invitation"]["code"]).status_code == 404
    assert accept(cast, first, again["code"]).status_code == 404
    assert accept(cast, second, made["invitation"]["code"]).status_code == 404
    assert accept(cast, second, again["code"]).status_code == 201


def test_sending_again_ends_the_earlier_link_at_once_and_not_only_when_the_mail_goes_out(cast: Cast) -> None:
    invited = invite_staff(cast)
    first = mailbox.last(cast.app, "noor@linden.example").secret
    assert cast.owner.post(f"/invitations/{invited['id']}/resend").status_code == 201
    assert accept(cast, first).status_code == 404, "the worker has not sent anything yet"


def test_inviting_again_by_mail_ends_a_link_handed_over_in_person_at_once(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    lost = mailbox.secret_in(made["invitation"]["link"])
    again = cast.therapist.post(f"/clients/{made['id']}/invitation", {"delivery": "mail"}).get_json()
    assert accept(cast, lost).status_code == 404
    assert accept(cast, lost, again["code"]).status_code == 404, "a new code does not revive a lost link"


def test_inviting_again_in_person_ends_the_mailed_link(cast: Cast) -> None:
    made = invite(cast)
    mailed = mailbox.last(cast.app, ROBIN).secret
    again = cast.therapist.post(f"/clients/{made['id']}/invitation", {"delivery": "in_person"}).get_json()
    assert accept(cast, mailed, made["invitation"]["code"]).status_code == 404
    assert accept(cast, mailbox.secret_in(again["link"])).status_code == 201


def test_a_client_who_is_in_is_not_invited_again(cast: Cast) -> None:
    refused = cast.therapist.post(f"/clients/{cast.client.id}/invitation", {"delivery": "in_person"})
    assert refused.status_code == 409
    assert cast.client.get("/me").status_code == 200


def test_a_colleague_neither_resends_nor_takes_back_somebody_elses_invitation(cast: Cast) -> None:
    path = f"/invitations/{cast.things['newcomer.invitation']}"
    for someone in (cast.colleague, cast.owner, cast.other_owner, cast.client):
        assert someone.post(f"{path}/resend").status_code == 404
        assert someone.delete(path).status_code == 404


def test_who_handed_a_client_over_can_no_longer_touch_the_clients_invitation(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    assert (
        cast.therapist.post(f"/clients/{made['id']}/hand-over", {"therapist_id": cast.colleague.id}).status_code == 204
    )
    path = f"/invitations/{made['invitation']['id']}"
    assert cast.therapist.post(f"{path}/resend").status_code == 404, "or they would come in as the client"
    assert cast.therapist.delete(path).status_code == 404


def test_who_ended_their_care_can_no_longer_touch_the_clients_invitation(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    [link] = cast.therapist.get(f"/clients/{made['id']}/care").get_json()["data"]
    assert cast.therapist.post(f"/clients/{made['id']}/care/{link['id']}/end").status_code == 204
    answer = cast.therapist.post(f"/invitations/{made['invitation']['id']}/resend")
    assert answer.status_code in {404, 409}, "or they would come in as the client"
    assert "portal_inv_" not in answer.get_data(as_text=True)


def test_who_took_a_client_over_can_invite_them_again(cast: Cast) -> None:
    made = invite(cast)
    cast.therapist.post(f"/clients/{made['id']}/hand-over", {"therapist_id": cast.colleague.id})
    again = cast.colleague.post(f"/clients/{made['id']}/invitation", {"delivery": "in_person"})
    assert again.status_code == 201
    assert accept(cast, mailbox.secret_in(again.get_json()["link"])).status_code == 201


# What is kept --------------------------------------------------------------------------------------------------


def test_the_secret_is_minted_only_when_the_mail_is_sent(cast: Cast) -> None:
    made = invite(cast)
    minted = select(Credential.id).where(
        Credential.person_id == made["id"], Credential.kind == CredentialKind.INVITATION
    )
    assert database.rows(cast.app, minted) == []
    mailbox.deliver(cast.app)
    assert len(database.rows(cast.app, minted)) == 1


def test_neither_secret_nor_code_stands_in_the_database(cast: Cast) -> None:
    mailed, handed = invite(cast), invite(cast, email="other@clients.example", delivery="in_person")
    secret = mailbox.last(cast.app, ROBIN).secret
    in_person = mailbox.secret_in(handed["invitation"]["link"])
    accept(cast, secret, other_than(mailed["invitation"]["code"]))
    kept = database.everything(cast.app)
    code = mailed["invitation"]["code"]
    for plain in (secret, in_person, code, code.replace("-", ""), ROBIN, "Robin Aster"):
        assert plain.encode() not in kept
    assert hashed(secret).encode() in kept
    assert hashed(in_person).encode() in kept


def test_an_address_is_known_to_the_practice_only_once_it_has_proved_itself(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    index = select(Person.mail_index).where(Person.id == made["id"])
    assert database.value(cast.app, index) is None
    accept(cast, mailbox.secret_in(made["invitation"]["link"]))
    assert database.value(cast.app, index) is not None


def test_coming_in_leaves_the_facts_of_who_and_when(cast: Cast) -> None:
    made = invite(cast, delivery="in_person")
    accept(cast, mailbox.secret_in(made["invitation"]["link"]))
    told = select(Event.fact, Event.actor_id).where(Event.client_id == made["id"]).order_by(Event.id)
    assert [tuple(row) for row in database.rows(cast.app, told)] == [
        ("care.started", cast.therapist.id),
        ("client.invited", cast.therapist.id),
        ("client.activated", made["id"]),
    ]


# Who is known --------------------------------------------------------------------------------------------------


def problem(answer: Any) -> tuple[int, dict[str, Any]]:
    return answer.status_code, {key: value for key, value in answer.get_json().items() if key != "instance"}


def test_every_link_that_does_not_open_is_refused_alike(cast: Cast) -> None:
    open_one = invite(cast)
    secret = mailbox.last(cast.app, ROBIN).secret
    used = mailbox.secret_in(invite(cast, email="used@clients.example", delivery="in_person")["invitation"]["link"])
    accept(cast, used)
    revoked = invite(cast, email="revoked@clients.example", delivery="in_person")["invitation"]
    cast.therapist.delete(f"/invitations/{revoked['id']}")
    wrong = other_than(open_one["invitation"]["code"])
    refusals = [
        problem(accept(cast, tried, wrong))
        for tried in (secret, used, mailbox.secret_in(revoked["link"]), "portal_inv_" + "A" * 50, "x")
    ]
    with clock.time_shifted(timedelta(days=15)):
        refusals.append(problem(accept(cast, secret, open_one["invitation"]["code"], address="192.0.2.1")))
    assert [status for status, _ in refusals] == [404] * 6
    assert all(refusal == refusals[0] for refusal in refusals)


def test_without_the_code_a_known_and_an_unknown_address_are_refused_alike(cast: Cast) -> None:
    refusals = []
    for email in (cast.client.email, "unknown@clients.example"):
        made = invite(cast, email=email)
        secret = mailbox.last(cast.app, email).secret
        refusals.append(problem(accept(cast, secret, other_than(made["invitation"]["code"]))))
    assert refusals[0] == refusals[1]


def test_only_who_holds_link_and_code_learns_that_the_address_is_already_taken(cast: Cast) -> None:
    made = invite(cast, email=cast.partner.email)
    secret = mailbox.last(cast.app, cast.partner.email).secret
    taken = accept(cast, secret, made["invitation"]["code"])
    assert taken.status_code == 409
    assert taken.get_json()["state"] == "address_taken"
    assert cast.partner.get("/me").status_code == 200
    assert cast.therapist.get(f"/clients/{made['id']}").get_json()["status"] == "invited"
    signed_in = {"practice": "linden", "email": cast.partner.email, "password": PASSWORD}
    assert cast.nobody.post("/sessions", signed_in).get_json()["person"]["id"] == cast.partner.id


@pytest.mark.bar
def test_an_acceptance_takes_as_long_for_a_known_as_for_an_unknown_address(cast: Cast) -> None:
    known = [name for name in ("client", "partner", "stranger", "former_client") for _ in range(4)]
    addresses = {
        True: [cast.everyone()[name].email for name in known],
        False: [f"u{n}@clients.example" for n in range(16)],
    }
    secrets: dict[bool, list[str]] = {True: [], False: []}
    for is_known, emails in addresses.items():
        for email in emails:
            invite(cast, email=email)
            secrets[is_known].append(mailbox.last(cast.app, email).secret)

    def ask(is_known: bool, n: int) -> None:
        if n % 16 == 0:
            database.change(cast.app, update(Invitation).values(wrong_codes=0))
            database.change(cast.app, delete(ThrottledTry))
        assert accept(cast, secrets[is_known][n % 16], "0000-0000", address=f"192.0.2.{n % 250}").status_code == 404

    assert_alike(ask)
