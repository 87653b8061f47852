"""Who sees which clients, care links and notes: one rule at a time, below the routes."""

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


def visible_ids(cast: Cast, viewer: Viewer, visible_to: VisibleTo) -> set[str]:
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        return {row.id for row in connection.execute(visible_to(viewer), binds(viewer))}


def names_of(cast: Cast, found: Iterable[str]) -> set[str]:
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
def test_everybody_sees_exactly_the_clients_in_their_care(cast: Cast, name: str, seen: set[str]) -> None:
    assert names_of(cast, visible_ids(cast, cast.everyone()[name].viewer, policy.visible_to)) == seen


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
def test_only_therapists_in_care_see_the_clinical_side(cast: Cast, name: str, seen: set[str]) -> None:
    assert names_of(cast, visible_ids(cast, cast.everyone()[name].viewer, policy.in_care)) == seen


def test_an_owner_sees_a_client_once_nobody_cares_for_them(cast: Cast) -> None:
    mine = update(CareLink).where(CareLink.id == cast.things["stranger.care"])
    database.change(cast.app, mine.values(ended_at=clock.now()))
    assert names_of(cast, visible_ids(cast, cast.owner.viewer, policy.visible_to)) == {"unattended", "stranger"}
    assert names_of(cast, visible_ids(cast, cast.colleague.viewer, policy.visible_to)) == set()


def test_a_client_whose_only_therapist_lost_that_role_has_no_therapist(cast: Cast) -> None:
    database.change(cast.app, update(Person).where(Person.id == cast.colleague.id).values(therapist=False))
    assert names_of(cast, visible_ids(cast, cast.owner.viewer, policy.visible_to)) == {"unattended", "stranger"}


def test_a_client_with_one_therapist_left_is_cared_for(cast: Cast) -> None:
    mine = update(CareLink).where(CareLink.id == cast.things["client.care"])
    database.change(cast.app, mine.values(ended_at=clock.now()))
    assert names_of(cast, visible_ids(cast, cast.owner.viewer, policy.visible_to)) == {"unattended"}
    assert names_of(cast, visible_ids(cast, cast.co_therapist.viewer, policy.visible_to)) == {"client"}


def test_an_owner_who_is_a_therapist_sees_their_own_clients_and_those_nobody_cares_for(cast: Cast) -> None:
    therapist = cast.colleague.viewer
    both = Viewer(therapist.id, therapist.practice_id, PrincipalKind.STAFF, owner=True, therapist=True)
    assert names_of(cast, visible_ids(cast, both, policy.visible_to)) == {"stranger", "unattended"}
    assert names_of(cast, visible_ids(cast, both, policy.in_care)) == {"stranger"}


def test_staff_without_any_capability_see_no_client(cast: Cast) -> None:
    bare = Viewer(cast.therapist.id, cast.therapist.viewer.practice_id, PrincipalKind.STAFF)
    for visible_to in (policy.visible_to, policy.in_care, policy.care_visible_to, policy.notes_visible_to):
        assert visible_ids(cast, bare, visible_to) == set()


def test_a_viewer_with_an_id_from_another_practice_sees_no_client(cast: Cast) -> None:
    elsewhere = cast.things["birch.practice"]
    stranger = Viewer(cast.therapist.id, elsewhere, PrincipalKind.STAFF, therapist=True)
    for visible_to in (policy.visible_to, policy.in_care, policy.care_visible_to, policy.notes_visible_to):
        assert visible_ids(cast, stranger, visible_to) == set()


def test_a_client_marked_as_staff_by_mistake_sees_no_client(cast: Cast) -> None:
    odd = Viewer(cast.client.id, cast.client.viewer.practice_id, PrincipalKind.CLIENT, owner=True, therapist=True)
    assert names_of(cast, visible_ids(cast, odd, policy.visible_to)) == {"client"}
    assert visible_ids(cast, odd, policy.in_care) == set()
    assert visible_ids(cast, odd, policy.notes_visible_to) == set()


def test_the_system_viewer_sees_no_client(cast: Cast) -> None:
    viewer = system(cast.things["linden.practice"])
    assert visible_ids(cast, viewer, policy.visible_to) == set()
    assert visible_ids(cast, viewer, policy.in_care) == set()


@pytest.mark.parametrize("name", STAFF)
def test_a_care_team_is_visible_only_with_its_client(cast: Cast, name: str) -> None:
    viewer = cast.everyone()[name].viewer
    clients = visible_ids(cast, viewer, policy.visible_to)
    links = {row.id for row in database.rows(cast.app, select(CareLink.id).where(CareLink.client_id.in_(clients)))}
    assert visible_ids(cast, viewer, policy.care_visible_to) == links


def test_a_care_team_includes_ended_care_links(cast: Cast) -> None:
    seen = visible_ids(cast, cast.therapist.viewer, policy.care_visible_to)
    assert {cast.things["client.care"], cast.things["co_therapist.care"], cast.things["former_therapist.care"]} <= seen


def test_open_care_links_of_a_therapist_are_their_own_and_not_ended(cast: Cast) -> None:
    assert visible_ids(cast, cast.co_therapist.viewer, policy.open_care_of) == {cast.things["co_therapist.care"]}
    assert visible_ids(cast, cast.former_therapist.viewer, policy.open_care_of) == set()
    assert visible_ids(cast, cast.client.viewer, policy.open_care_of) == set()
    assert visible_ids(cast, cast.owner.viewer, policy.open_care_of) == set()


@pytest.mark.parametrize("name", [name for name in (*STAFF, "client", "partner") if name != "therapist"])
def test_only_its_author_sees_a_private_note(cast: Cast, name: str) -> None:
    assert visible_ids(cast, cast.everyone()[name].viewer, policy.notes_visible_to) == set()
    assert visible_ids(cast, cast.therapist.viewer, policy.notes_visible_to) == {cast.things["therapist.note"]}


def test_an_author_cannot_see_a_private_note_after_their_care_ends(cast: Cast) -> None:
    mine = update(CareLink).where(CareLink.id == cast.things["client.care"])
    database.change(cast.app, mine.values(ended_at=clock.now()))
    assert visible_ids(cast, cast.therapist.viewer, policy.notes_visible_to) == set()


@pytest.mark.parametrize(
    ("name", "may_create", "hands_over"),
    [("therapist", True, False), ("owner", False, True), ("other_owner", True, True), ("client", False, False)],
)
def test_therapists_create_clients_and_owners_hand_over_caseloads(
    cast: Cast, name: str, *, may_create: bool, hands_over: bool
) -> None:
    viewer = cast.everyone()[name].viewer
    assert policy.may_create_clients(viewer) is may_create
    assert policy.may_hand_over_for_others(viewer) is hands_over


def test_a_client_is_found_by_practice_and_id_together(cast: Cast) -> None:
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
def test_only_therapists_in_care_see_an_invitation_to_a_client(cast: Cast, name: str, seen: set[str]) -> None:
    invitations = {cast.things[f"{client}.invitation"] for client in seen}
    assert visible_ids(cast, cast.everyone()[name].viewer, policy.invitations_visible_to) == invitations


def test_an_owner_sees_the_invitations_to_staff(cast: Cast) -> None:
    seen = visible_ids(cast, cast.owner.viewer, policy.invitations_visible_to)
    assert cast.things["staff.invitation"] in seen
    assert not seen & {cast.things[f"{client}.invitation"] for client in CLIENTS}
