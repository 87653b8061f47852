"""The mechanism of access: hidden and absent are one answer, whatever is asked for."""

from __future__ import annotations

import pytest
from sqlalchemy import Select

from portal.caseload import policy
from portal.caseload.models import Client
from portal.core import access, clock
from portal.core.db.transactions import transaction
from portal.core.errors import Forbidden, NotVisible
from portal.core.ids import new_id
from portal.core.viewer import ANYONE, PrincipalKind, Viewer, system
from tests.cast import Cast


def _statement(viewer: Viewer) -> Select[tuple[str]]:
    return policy.visible_to(viewer).where(Client.id == access.THING).with_only_columns(Client.id)


def _see(viewer: Viewer, thing_id: str) -> Client:
    with transaction(viewer.practice_id):
        return access.get_for_update(viewer, Client, policy.visible_to, thing_id)


def test_who_may_see_gets_the_row(cast: Cast, context: None) -> None:
    viewer = cast.therapist.viewer
    assert _see(viewer, cast.client.id).id == cast.client.id
    assert access.get_visible(viewer, _statement, cast.client.id) == {"id": cast.client.id}


@pytest.mark.parametrize("thing", ["stranger", "other_client", "absent", "nonsense", "upper", "wildcard"])
def test_hidden_absent_and_nonsense_are_one_answer(cast: Cast, context: None, thing: str) -> None:
    viewer = cast.therapist.viewer
    made_up = {"absent": new_id(), "nonsense": "x' OR 1=1 --", "upper": cast.client.id.upper(), "wildcard": "%"}
    thing_id = made_up.get(thing) or cast.everyone()[thing].id
    answers = []
    for ask in (
        lambda: _see(viewer, thing_id),
        lambda: access.get_visible(viewer, _statement, thing_id),
    ):
        with pytest.raises(NotVisible) as refused:
            ask()
        answers.append((refused.value.detail, dict(refused.value.members)))
    assert answers == [("", {})] * 2


def test_the_text_of_a_query_never_carries_who_asks_over_to_the_next(cast: Cast, context: None) -> None:
    for actor, client in ((cast.therapist, cast.client), (cast.colleague, cast.stranger)) * 2:
        found = access.get_visible(actor.viewer, _statement, client.id)
        assert found == {"id": client.id}
        other = cast.stranger if client is cast.client else cast.client
        with pytest.raises(NotVisible):
            access.get_visible(actor.viewer, _statement, other.id)


def test_a_viewer_of_another_shape_gets_a_query_of_their_own(cast: Cast, context: None) -> None:
    assert access.get_visible(cast.therapist.viewer, _statement, cast.client.id)
    for actor in (cast.owner, cast.other_owner):
        with pytest.raises(NotVisible):
            access.get_visible(actor.viewer, _statement, cast.client.id)
    assert access.get_visible(cast.client.viewer, _statement, cast.client.id)


def test_a_claim_that_does_not_hold_is_forbidden() -> None:
    access.require(claim=True)
    with pytest.raises(Forbidden, match="Only a therapist"):
        access.require(claim=False, detail="Only a therapist assigns.")


def test_binds_say_who_asks_and_when(cast: Cast) -> None:
    bound = access.binds(cast.client.viewer, thing_id="x")
    assert bound == {
        "viewer_id": cast.client.id,
        "viewer_practice": cast.client.viewer.practice_id,
        "viewer_now": bound["viewer_now"],
        "thing_id": "x",
    }
    assert abs(bound["viewer_now"] - clock.now()).total_seconds() < 5


def test_a_viewers_shape_is_all_that_can_change_a_query() -> None:
    shapes = {
        Viewer("a", "p", kind, owner=owner, therapist=therapist).shape
        for kind in PrincipalKind
        for owner in (False, True)
        for therapist in (False, True)
    }
    assert len(shapes) == len(PrincipalKind) * 4
    assert Viewer("a", "p", PrincipalKind.STAFF).shape == Viewer("b", "q", PrincipalKind.STAFF, credential_id="c").shape
    assert system("p").id is None
    assert (ANYONE.is_client, ANYONE.is_staff) == (False, False)
