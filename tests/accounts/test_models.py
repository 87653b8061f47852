"""What the tables of accounts refuse by themselves, on either engine."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Credential, CredentialKind, Invitation, Person, Practice
from portal.core.ids import new_id
from tests.accounts import database
from tests.cast import Cast

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("capability", ["owner", "therapist"])
def test_a_client_can_hold_no_capability_of_staff(cast: Cast, capability: str) -> None:
    with pytest.raises(IntegrityError):
        database.change(cast.app, update(Person).where(Person.id == cast.client.id).values({capability: True}))


def test_a_person_is_staff_or_a_client_and_nothing_else(cast: Cast) -> None:
    with pytest.raises(IntegrityError):
        database.change(cast.app, update(Person).where(Person.id == cast.client.id).values(kind="partner"))


def test_a_mail_address_signs_in_one_person_of_a_practice(cast: Cast) -> None:
    theirs = database.value(cast.app, select(Person.mail_index).where(Person.id == cast.client.id))
    with pytest.raises(IntegrityError):
        database.change(cast.app, update(Person).where(Person.id == cast.partner.id).values(mail_index=theirs))


def test_the_same_mail_address_may_belong_to_people_of_two_practices(cast: Cast) -> None:
    theirs = database.value(cast.app, select(Person.mail_index).where(Person.id == cast.client.id))
    elsewhere = update(Person).where(Person.id == cast.other_client.id).values(mail_index=theirs)
    assert database.change(cast.app, elsewhere) == 1


def test_a_credential_cannot_name_a_person_of_another_practice(cast: Cast) -> None:
    with pytest.raises(IntegrityError):
        database.change(
            cast.app,
            insert(Credential).values(
                practice_id=cast.things["birch.practice"],
                id=new_id(),
                kind=CredentialKind.SESSION,
                person_id=cast.therapist.id,
                secret_hash="0" * 64,
                created_at=NOON,
                last_used_at=NOON,
                expires_at=NOON,
            ),
        )


def test_an_invitation_cannot_come_from_another_practice(cast: Cast) -> None:
    with pytest.raises(IntegrityError):
        database.change(
            cast.app,
            update(Invitation)
            .where(Invitation.id == cast.things["newcomer.invitation"])
            .values(invited_by=cast.other_owner.id),
        )


def test_two_practices_cannot_share_a_short_name(cast: Cast) -> None:
    with pytest.raises(IntegrityError):
        database.change(cast.app, update(Practice).where(Practice.slug == "birch").values(slug="linden"))


def test_two_credentials_cannot_share_a_secret(cast: Cast) -> None:
    theirs = database.value(
        cast.app, select(Credential.secret_hash).where(Credential.id == cast.things["client.session"])
    )
    mine = update(Credential).where(Credential.id == cast.things["partner.session"])
    with pytest.raises(IntegrityError):
        database.change(cast.app, mine.values(secret_hash=theirs))


@pytest.mark.parametrize(
    ("accepted_at", "revoked_at", "is_open"),
    [(None, None, True), (NOON, None, False), (None, NOON, False), (NOON, NOON, False)],
)
def test_an_invitation_is_open_until_it_is_accepted_or_taken_back(
    accepted_at: datetime | None, revoked_at: datetime | None, *, is_open: bool
) -> None:
    assert Invitation(accepted_at=accepted_at, revoked_at=revoked_at).is_open is is_open


def test_a_client_is_sealed_under_a_key_of_their_own_and_staff_under_the_practices() -> None:
    assert Person(kind="client", id="c", practice_id="p").subject_id == "c"
    assert Person(kind="staff", id="s", practice_id="p").subject_id == "p"


def test_a_fact_about_staff_concerns_no_client() -> None:
    assert Person(kind="client", id="c", practice_id="p").client_id == "c"
    assert Person(kind="staff", id="s", practice_id="p").client_id is None
