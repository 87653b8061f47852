"""Who sees which people, invitations and sessions: a rule at a time, before any route."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from portal.accounts import policy
from portal.accounts.models import Credential, Invitation, Person
from portal.accounts.service.sessions import IDLE
from portal.core import clock
from portal.core.access import VisibleTo, binds
from portal.core.db.engines import OWNER, db
from portal.core.viewer import PrincipalKind, Viewer, system
from tests.accounts import database
from tests.cast import Actor, Cast

LINDEN_STAFF = {"owner", "therapist", "co_therapist", "former_therapist", "colleague", "leaver"}


def ids(cast: Cast, viewer: Viewer, visible_to: VisibleTo) -> set[str]:
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        return {row.id for row in connection.execute(visible_to(viewer), binds(viewer, idle_since=clock.now() - IDLE))}


def invited_staff(cast: Cast) -> str:
    """The person behind the invitation to the staff that nobody has accepted yet."""
    return str(
        database.value(cast.app, select(Invitation.person_id).where(Invitation.id == cast.things["staff.invitation"]))
    )


@pytest.mark.parametrize("name", ["owner", "therapist", "colleague"])
def test_staff_see_all_staff_of_their_practice_and_no_client(cast: Cast, name: str) -> None:
    staff = {cast.everyone()[other].id for other in LINDEN_STAFF} | {invited_staff(cast)}
    assert ids(cast, cast.everyone()[name].viewer, policy.visible_to) == staff


def test_staff_of_another_practice_see_none_of_it(cast: Cast) -> None:
    assert ids(cast, cast.other_owner.viewer, policy.visible_to) == {cast.other_owner.id}


@pytest.mark.parametrize("name", ["client", "partner", "former_client", "other_client"])
def test_a_client_sees_themself_alone(cast: Cast, name: str) -> None:
    someone = cast.everyone()[name]
    assert ids(cast, someone.viewer, policy.visible_to) == {someone.id}


def test_the_portal_itself_sees_nobody_through_a_persons_eyes(cast: Cast) -> None:
    viewer = system(cast.things["linden.practice"])
    assert ids(cast, viewer, policy.visible_to) == set()
    assert ids(cast, viewer, policy.staff_invitations_visible_to) == set()
    assert ids(cast, viewer, policy.sessions_visible_to) == set()


def test_an_id_of_one_practice_shown_with_another_sees_nothing_of_either(cast: Cast) -> None:
    stranger = Viewer(cast.client.id, cast.things["birch.practice"], PrincipalKind.CLIENT)
    assert ids(cast, stranger, policy.visible_to) == set()
    assert ids(cast, stranger, policy.sessions_visible_to) == set()


@pytest.mark.parametrize("name", ["owner", "therapist", "client"])
def test_everybody_sees_their_own_practice_and_no_other(cast: Cast, name: str) -> None:
    viewer = cast.everyone()[name].viewer
    assert ids(cast, viewer, policy.practice_visible_to) == {cast.things["linden.practice"]}


def test_an_owner_sees_the_invitations_to_staff_and_none_to_clients(cast: Cast) -> None:
    seen = ids(cast, cast.owner.viewer, policy.staff_invitations_visible_to)
    to = {
        row.kind
        for row in database.rows(
            cast.app,
            select(Person.kind)
            .join(Invitation, (Invitation.practice_id == Person.practice_id) & (Invitation.person_id == Person.id))
            .where(Invitation.id.in_(seen)),
        )
    }
    assert cast.things["staff.invitation"] in seen
    assert to == {"staff"}


def test_an_owner_sees_an_invitation_to_staff_that_another_owner_sent(cast: Cast) -> None:
    by_another = update(Invitation).where(Invitation.id == cast.things["staff.invitation"])
    database.change(cast.app, by_another.values(invited_by=cast.colleague.id))
    assert cast.things["staff.invitation"] in ids(cast, cast.owner.viewer, policy.staff_invitations_visible_to)


@pytest.mark.parametrize("name", ["client", "newcomer", "other_client"])
def test_a_client_sees_no_invitation_not_even_their_own(cast: Cast, name: str) -> None:
    assert ids(cast, cast.everyone()[name].viewer, policy.staff_invitations_visible_to) == set()


@pytest.mark.parametrize("name", ["owner", "therapist", "client", "other_owner"])
def test_sessions_are_seen_by_whose_they_are(cast: Cast, name: str) -> None:
    someone = cast.everyone()[name]
    assert ids(cast, someone.viewer, policy.sessions_visible_to) == {someone.viewer.credential_id}


def test_a_session_that_has_ended_is_seen_no_more(cast: Cast) -> None:
    mine = update(Credential).where(Credential.id == cast.things["client.session"])
    database.change(cast.app, mine.values(ended_at=clock.now()))
    assert ids(cast, cast.client.viewer, policy.sessions_visible_to) == set()


@pytest.mark.parametrize("later", [timedelta(minutes=31), timedelta(hours=8, minutes=1)])
def test_a_session_that_has_run_out_is_seen_no_more(cast: Cast, later: timedelta) -> None:
    with clock.time_shifted(later):
        assert ids(cast, cast.client.viewer, policy.sessions_visible_to) == set()


@pytest.mark.parametrize(
    ("name", "may"),
    [("owner", True), ("other_owner", True), ("therapist", False), ("client", False), ("nobody", False)],
)
def test_only_an_owner_runs_the_practice(cast: Cast, name: str, *, may: bool) -> None:
    someone: Actor = cast.everyone()[name]
    assert policy.may_run_the_practice(someone.viewer) is may


def test_a_client_marked_owner_by_mistake_still_runs_nothing() -> None:
    assert not policy.may_run_the_practice(Viewer("c", "p", PrincipalKind.CLIENT, owner=True))
