"""Mails about accounts: when they go out, to whom, what they keep to themselves; and what is tidied away."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.accounts import jobs as accounts_jobs
from portal.accounts.models import Credential, CredentialKind, Practice, ThrottledTry
from portal.accounts.service import invitations, resets
from portal.core import clock, jobs
from portal.core.jobs import ClaimedJob, Job
from tests.accounts import database, mailbox
from tests.cast import PASSWORD, Cast

ROBIN = "robin@clients.example"
TELLING = (
    "therap", "client", "patient", "counsel", "psych", "clinic", "couple", "partner", "affair", "infidel", "betray",
    "disclos", "trauma", "session", "exercise", "assign", "homework", "treat", "diagnos", "health", "care", "wound",
)  # fmt: skip
"""What a mail must not say to whoever else reads the mailbox."""

LINK = re.compile(r"http\S+")
"""Its secret is random, and may spell anything."""


def told_by(mail: mailbox.Mail) -> set[str]:
    """The telling words in the mail; the link's secret is random and says nothing."""
    seen = f"{mail.subject}\n{mail.body}".replace(mail.secret, "").casefold()
    return {word for word in TELLING if word in seen}


def invite(cast: Cast, email: str = ROBIN) -> str:
    answer = cast.therapist.post("/clients", {"name": "Robin Aster", "email": email})
    return str(answer.get_json()["invitation"]["id"])


def claimed(cast: Cast, kind: str, subject: str) -> ClaimedJob:
    return ClaimedJob("job", cast.things["linden.practice"], kind, subject, 1)


def test_a_mail_goes_out_when_the_worker_is_at_work_and_not_in_the_request(cast: Cast) -> None:
    invite(cast)
    assert mailbox.sent(cast.app) == []
    mailbox.deliver(cast.app)
    assert [mail.to for mail in mailbox.sent(cast.app, ROBIN)] == [ROBIN]
    mailbox.deliver(cast.app)
    assert len(mailbox.sent(cast.app, ROBIN)) == 1


def test_a_mail_names_its_link_once_and_leads_to_the_page(cast: Cast) -> None:
    invite(cast)
    mail = mailbox.last(cast.app, ROBIN)
    assert f"http://localhost/invitation#{mail.secret}" in mail.body
    assert mail.secret.startswith("portal_inv_")


def test_the_link_of_a_kept_mail_can_be_copied_from_its_file(cast: Cast) -> None:
    invite(cast)
    mail = mailbox.last(cast.app, ROBIN)
    assert mail.secret.encode() in mail.raw, "a link cut in two leads nowhere"


def test_a_mail_run_twice_leaves_the_later_link_as_the_one_that_works(cast: Cast) -> None:
    made = cast.owner.post("/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["therapist"]})
    job = claimed(cast, invitations.SEND, made.get_json()["id"])
    with cast.app.app_context():
        accounts_jobs.send_invitation(job)
        accounts_jobs.send_invitation(job)
    first, second = (mail.secret for mail in mailbox.sent(cast.app, "n@x.example"))

    def accept(secret: str) -> int:
        return cast.nobody.post("/invitations/accept", {"token": secret, "password": PASSWORD}).status_code

    assert (accept(first), accept(second)) == (404, 201)


def test_an_invitation_that_is_no_longer_open_is_not_mailed(cast: Cast) -> None:
    invitation = invite(cast)
    cast.therapist.delete(f"/invitations/{invitation}")
    with cast.app.app_context():
        accounts_jobs.send_invitation(claimed(cast, invitations.SEND, invitation))
    assert mailbox.sent(cast.app) == []


def test_an_invitation_of_another_practice_is_not_mailed(cast: Cast) -> None:
    invitation = invite(cast)
    job = ClaimedJob("job", cast.things["birch.practice"], invitations.SEND, invitation, 1)
    with cast.app.app_context():
        accounts_jobs.send_invitation(job)
    assert mailbox.sent(cast.app) == []


def test_a_reset_for_nobody_is_not_mailed(cast: Cast) -> None:
    with cast.app.app_context():
        accounts_jobs.send_reset(claimed(cast, resets.SEND, "0" * 64))
    assert mailbox.sent(cast.app) == []


@pytest.mark.parametrize("kind", [invitations.SEND, resets.SEND])
def test_the_worker_knows_what_to_do_with_every_mail(kind: str) -> None:
    assert kind in jobs.HANDLERS


def test_no_job_holds_a_name_an_address_or_a_secret(cast: Cast) -> None:
    invite(cast)
    cast.nobody.post("/password-resets", {"practice": "linden", "email": cast.client.email})
    subjects = [row.subject for row in database.rows(cast.app, select(Job.subject))]
    assert subjects
    assert not any("@" in subject or "portal_" in subject or " " in subject for subject in subjects)


def test_a_mail_names_neither_who_it_is_for_nor_anything_clinical(cast: Cast) -> None:
    invite(cast)
    cast.therapist.post(f"/clients/{cast.newcomer.id}/invitation", {"delivery": "mail"})
    for someone in (cast.client, cast.therapist, cast.owner):
        cast.nobody.post("/password-resets", {"practice": "linden", "email": someone.email})
    mailbox.deliver(cast.app)
    mails = mailbox.sent(cast.app)
    assert len(mails) >= 6
    for mail in mails:
        assert told_by(mail) == set()
        for name in ("Robin", "Aster", "Newcomer", "Olive", "Ina", mail.to.partition("@")[0].title()):
            assert name not in LINK.sub("", mail.body)
            assert name not in mail.subject


def test_a_mail_says_nothing_clinical_even_where_the_practices_name_does(cast: Cast) -> None:
    name = "Affair Recovery Couples Therapy"
    database.change(cast.app, update(Practice).where(Practice.slug == "linden").values(name=name))
    invite(cast)
    cast.nobody.post("/password-resets", {"practice": "linden", "email": cast.client.email})
    assert told_by(mailbox.last(cast.app, ROBIN)) == set()
    assert told_by(mailbox.last(cast.app, cast.client.email)) == set()


def test_a_mail_to_a_client_cannot_be_told_by_its_subject_from_one_to_staff(cast: Cast) -> None:
    invite(cast)
    cast.owner.post("/invitations", {"name": "N", "email": "n@x.example", "capabilities": ["therapist"]})
    assert mailbox.last(cast.app, ROBIN).subject == mailbox.last(cast.app, "n@x.example").subject


def test_a_kept_mail_is_readable_to_the_portal_alone(cast: Cast) -> None:
    invite(cast)
    mailbox.deliver(cast.app)
    outbox = cast.app.config["PORTAL"].outbox
    assert {path.stat().st_mode & 0o077 for path in outbox.iterdir()} == {0}
    assert outbox.stat().st_mode & 0o077 == 0


# Tidying -------------------------------------------------------------------------------------------------------


def tidy_after(app: Flask, later: timedelta) -> None:
    with app.app_context(), clock.time_shifted(later):
        accounts_jobs.tidy()


def number_of(app: Flask, table: type) -> int:
    return int(database.value(app, select(func.count()).select_from(table)))


def test_tries_at_passwords_are_tidied_away_after_an_hour(cast: Cast) -> None:
    cast.nobody.post("/sessions", {"practice": "linden", "email": cast.client.email, "password": "wrong"})
    tidy_after(cast.app, timedelta(minutes=59))
    assert number_of(cast.app, ThrottledTry) == 3
    tidy_after(cast.app, timedelta(minutes=61))
    assert number_of(cast.app, ThrottledTry) == 0


def test_credentials_are_kept_for_thirty_days_after_their_end(cast: Cast) -> None:
    before = number_of(cast.app, Credential)
    assert before > 0
    tidy_after(cast.app, timedelta(days=30))
    assert number_of(cast.app, Credential) == before
    tidy_after(cast.app, timedelta(days=30, hours=9))
    assert number_of(cast.app, Credential) == 0


def test_tidying_leaves_an_open_invitation_its_link(cast: Cast) -> None:
    invite(cast)
    mailbox.deliver(cast.app)
    tidy_after(cast.app, timedelta(days=13))
    links = select(func.count()).where(Credential.kind == CredentialKind.INVITATION)
    assert database.value(cast.app, links) >= 1


def test_tidying_signs_nobody_out(cast: Cast) -> None:
    with cast.app.app_context():
        accounts_jobs.tidy()
    assert cast.client.get("/me").status_code == 200


def test_jobs_that_ended_well_are_tidied_away_after_thirty_days(cast: Cast) -> None:
    mailbox.deliver(cast.app)
    assert number_of(cast.app, Job) > 0
    tidy_after(cast.app, timedelta(days=29))
    assert number_of(cast.app, Job) > 0
    tidy_after(cast.app, timedelta(days=31))
    assert number_of(cast.app, Job) == 0
