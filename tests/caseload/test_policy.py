"""Who sees which clients, care links and notes: a rule at a time, before any route."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from sqlalchemy import select, update

from portal.accounts.models import Person
from portal.caseload import policy
from portal.caseload.models import CareLink, Client
from portal.core import clock
from portal.core.access import VisibleTo, binds
from portal.core.db.engines import OWNER, db
from portal.core.viewer import PrincipalKind, Viewer, system
from tests.accounts import database
from tests.cast import Cast

CLIENTS = ("client", "partner", "former_client", "newcomer", "stranger", "unattended", "other_client")
STAFF = ("owner", "therapist", "co_therapist", "former_therapist", "colleague", "leaver", "other_owner")


def ids(cast: Cast, viewer: Viewer, visible_to: VisibleTo) -> set[str]:
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        return {row.id for row in connection.execute(visible_to(viewer), binds(viewer))}


def named(cast: Cast, found: Iterable[str]) -> set[str]:
    names = {cast.everyone()[name].id: name for name in CLIENTS}
    return {names[client_id] for client_id in found}


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("therapist", {"client", "partner", "former_client", "newcomer"}),
        ("co_therapist", {"client"}),
        ("former_therapist", set()),
        ("colleague", {"stranger"}),
        ("owner", {"unattended"}),
        ("other_owner", {"other_client"}),
        ("client", {"client"}),
        ("partner", {"partner"}),
        ("other_client", {"other_client"}),
    ],
)
def test_everybody_sees_the_clients_of_their_care_and_no_other(cast: Cast, name: str, seen: set[str]) -> None:
    assert named(cast, ids(cast, cast.everyone()[name].viewer, policy.visible_to)) == seen


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("therapist", {"client", "partner", "former_client", "newcomer"}),
        ("owner", set()),
        ("former_therapist", set()),
        ("client", set()),
        ("other_owner", {"other_client"}),
    ],
)
def test_the_clinical_side_is_open_to_therapists_in_care_alone(cast: Cast, name: str, seen: set[str]) -> None:
    assert named(cast, ids(cast, cast.everyone()[name].viewer, policy.in_care)) == seen


def test_a_client_nobody_cares_for_any_more_comes_into_an_owners_sight(cast: Cast) -> None:
    mine = update(CareLink).where(CareLink.id == cast.things["stranger.care"])
    database.change(cast.app, mine.values(ended_at=clock.now()))
    assert named(cast, ids(cast, cast.owner.viewer, policy.visible_to)) == {"unattended", "stranger"}
    assert named(cast, ids(cast, cast.colleague.viewer, policy.visible_to)) == set()


def test_a_client_whose_therapist_lost_that_capability_counts_as_unattended(cast: Cast) -> None:
    database.change(cast.app, update(Person).where(Person.id == cast.colleague.id).values(therapist=False))
    assert named(cast, ids(cast, cast.owner.viewer, policy.visible_to)) == {"unattended", "stranger"}


def test_a_client_with_one_therapist_left_is_not_unattended(cast: Cast) -> None:
    mine = update(CareLink).where(CareLink.id == cast.things["client.care"])
    database.change(cast.app, mine.values(ended_at=clock.now()))
    assert named(cast, ids(cast, cast.owner.viewer, policy.visible_to)) == {"unattended"}
    assert named(cast, ids(cast, cast.co_therapist.viewer, policy.visible_to)) == {"client"}


def test_an_owner_who_is_a_therapist_sees_their_own_clients_and_those_nobody_cares_for(cast: Cast) -> None:
    therapist = cast.colleague.viewer
    both = Viewer(therapist.id, therapist.practice_id, PrincipalKind.STAFF, owner=True, therapist=True)
    assert named(cast, ids(cast, both, policy.visible_to)) == {"stranger", "unattended"}
    assert named(cast, ids(cast, both, policy.in_care)) == {"stranger"}


def test_staff_without_any_capability_see_no_client(cast: Cast) -> None:
    bare = Viewer(cast.therapist.id, cast.therapist.viewer.practice_id, PrincipalKind.STAFF)
    for visible_to in (policy.visible_to, policy.in_care, policy.care_visible_to, policy.notes_visible_to):
        assert ids(cast, bare, visible_to) == set()


def test_an_id_of_one_practice_shown_with_another_sees_nothing_of_either(cast: Cast) -> None:
    elsewhere = cast.things["birch.practice"]
    stranger = Viewer(cast.therapist.id, elsewhere, PrincipalKind.STAFF, therapist=True)
    for visible_to in (policy.visible_to, policy.in_care, policy.care_visible_to, policy.notes_visible_to):
        assert ids(cast, stranger, visible_to) == set()


def test_a_client_marked_as_staff_by_mistake_sees_nobody_through_it(cast: Cast) -> None:
    odd = Viewer(cast.client.id, cast.client.viewer.practice_id, PrincipalKind.CLIENT, owner=True, therapist=True)
    assert named(cast, ids(cast, odd, policy.visible_to)) == {"client"}
    assert ids(cast, odd, policy.in_care) == set()
    assert ids(cast, odd, policy.notes_visible_to) == set()


def test_the_portal_itself_sees_no_client_through_a_persons_eyes(cast: Cast) -> None:
    viewer = system(cast.things["linden.practice"])
    assert ids(cast, viewer, policy.visible_to) == set()
    assert ids(cast, viewer, policy.in_care) == set()


@pytest.mark.parametrize("name", STAFF)
def test_a_care_team_is_seen_with_its_client_and_only_so(cast: Cast, name: str) -> None:
    viewer = cast.everyone()[name].viewer
    clients = ids(cast, viewer, policy.visible_to)
    links = {row.id for row in database.rows(cast.app, select(CareLink.id).where(CareLink.client_id.in_(clients)))}
    assert ids(cast, viewer, policy.care_visible_to) == links


def test_a_care_team_shows_those_who_left_it_too(cast: Cast) -> None:
    seen = ids(cast, cast.therapist.viewer, policy.care_visible_to)
    assert {cast.things["client.care"], cast.things["co_therapist.care"], cast.things["former_therapist.care"]} <= seen


def test_ones_own_open_care_is_ones_own_and_open(cast: Cast) -> None:
    assert ids(cast, cast.co_therapist.viewer, policy.open_care_of) == {cast.things["co_therapist.care"]}
    assert ids(cast, cast.former_therapist.viewer, policy.open_care_of) == set()
    assert ids(cast, cast.client.viewer, policy.open_care_of) == set()
    assert ids(cast, cast.owner.viewer, policy.open_care_of) == set()


@pytest.mark.parametrize("name", [name for name in (*STAFF, "client", "partner") if name != "therapist"])
def test_a_private_note_is_seen_by_nobody_but_its_author(cast: Cast, name: str) -> None:
    assert ids(cast, cast.everyone()[name].viewer, policy.notes_visible_to) == set()
    assert ids(cast, cast.therapist.viewer, policy.notes_visible_to) == {cast.things["therapist.note"]}


def test_a_private_note_leaves_its_authors_sight_with_their_care(cast: Cast) -> None:
    mine = update(CareLink).where(CareLink.id == cast.things["client.care"])
    database.change(cast.app, mine.values(ended_at=clock.now()))
    assert ids(cast, cast.therapist.viewer, policy.notes_visible_to) == set()


@pytest.mark.parametrize(
    ("name", "takes_on", "hands_over"),
    [("therapist", True, False), ("owner", False, True), ("other_owner", True, True), ("client", False, False)],
)
def test_therapists_take_clients_on_and_owners_move_caseloads(
    cast: Cast, name: str, *, takes_on: bool, hands_over: bool
) -> None:
    viewer = cast.everyone()[name].viewer
    assert policy.may_take_on_clients(viewer) is takes_on
    assert policy.may_hand_over_for_others(viewer) is hands_over


def test_a_client_row_is_found_by_its_practice_and_id_together(cast: Cast) -> None:
    both = select(Client.practice_id).where(Client.id == cast.client.id)
    assert database.value(cast.app, both) == cast.things["linden.practice"]


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("therapist", {"client", "partner", "former_client", "newcomer"}),
        ("co_therapist", {"client"}),
        ("former_therapist", set()),
        ("colleague", {"stranger"}),
        ("client", set()),
        ("newcomer", set()),
    ],
)
def test_an_invitation_to_a_client_is_seen_by_those_in_care_now(cast: Cast, name: str, seen: set[str]) -> None:
    invitations = {cast.things[f"{client}.invitation"] for client in seen}
    assert ids(cast, cast.everyone()[name].viewer, policy.invitations_visible_to) == invitations


def test_an_owner_sees_through_caseload_too_the_invitations_to_staff(cast: Cast) -> None:
    seen = ids(cast, cast.owner.viewer, policy.invitations_visible_to)
    assert cast.things["staff.invitation"] in seen
    assert not seen & {cast.things[f"{client}.invitation"] for client in CLIENTS}
