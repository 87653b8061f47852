"""What the tables of caseload refuse by themselves: nothing crosses from one practice into another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from portal.caseload.models import CareLink, Client, Note
from portal.core.ids import new_id
from tests.accounts import database
from tests.cast import Cast

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def refused(cast: Cast, statement: Any) -> None:
    with pytest.raises(IntegrityError):
        database.change(cast.app, statement)


def test_a_therapist_of_another_practice_cannot_be_linked_to_a_client(cast: Cast) -> None:
    refused(
        cast,
        insert(CareLink).values(
            practice_id=cast.things["linden.practice"],
            id=new_id(),
            client_id=cast.client.id,
            therapist_id=cast.other_owner.id,
            started_at=NOON,
        ),
    )


def test_a_care_link_cannot_be_moved_to_a_therapist_of_another_practice(cast: Cast) -> None:
    mine = update(CareLink).where(CareLink.id == cast.things["client.care"])
    refused(cast, mine.values(therapist_id=cast.other_owner.id))
    refused(cast, mine.values(client_id=cast.other_client.id))


def test_a_client_is_a_person_of_the_same_practice(cast: Cast) -> None:
    elsewhere = cast.things["birch.practice"]
    refused(cast, insert(Client).values(practice_id=elsewhere, id=cast.client.id, created_at=NOON))
    refused(cast, insert(Client).values(practice_id=elsewhere, id=new_id(), created_at=NOON))


def test_a_note_cannot_be_about_a_client_of_another_practice(cast: Cast) -> None:
    refused(cast, update(Note).where(Note.id == cast.things["therapist.note"]).values(client_id=cast.other_client.id))


def test_a_client_who_was_cared_for_cannot_vanish_under_their_care_links(cast: Cast) -> None:
    refused(cast, delete(Client).where(Client.id == cast.client.id))


def test_a_fact_about_a_client_concerns_that_client() -> None:
    assert Client(id="c", practice_id="p").client_id == "c"
