"""Who sees which assignment: its client, and the therapist of the care link it was given through, while that lasts."""

from __future__ import annotations

import pytest

from portal.assignments.policy import may_assign
from portal.core.viewer import ANYONE, PrincipalKind, Viewer, system
from tests.cast import Cast

THINGS = (
    "client.draft",
    "client.submitted",
    "partner.reading",
    "stranger.draft",
    "other_client.submitted",
    "co_therapist.assignment",
)
SEES = {
    "therapist": {"client.draft", "client.submitted", "partner.reading"},
    "co_therapist": {"co_therapist.assignment"},
    "former_therapist": set(),
    "colleague": {"stranger.draft"},
    "owner": set(),
    "other_owner": {"other_client.submitted"},
    "client": {"client.draft", "client.submitted", "co_therapist.assignment"},
    "partner": {"partner.reading"},
    "stranger": {"stranger.draft"},
    "other_client": {"other_client.submitted"},
    "unattended": set(),
}


@pytest.mark.parametrize("name", SEES)
@pytest.mark.parametrize("thing", THINGS)
def test_an_assignment_is_seen_by_its_client_and_its_therapist_alone(cast: Cast, name: str, thing: str) -> None:
    actor = cast.everyone()[name]
    base = "/me/assignments" if actor.viewer.is_client else "/assignments"
    path = f"{base}/{cast.things[thing]}"
    expected = 200 if thing in SEES[name] else 404
    ends = ["", "/comments", "/attempts"] + (["/response"] if actor.viewer.is_client else [])
    assert [actor.get(path + end).status_code for end in ends] == [expected] * len(ends)
    listed = {row["id"] for row in actor.get(f"{base}?limit=100").get_json()["data"]}
    assert (cast.things[thing] in listed) is (thing in SEES[name])


@pytest.mark.parametrize("thing", ["client.draft", "client.submitted"])
def test_sight_ends_with_the_care_link_on_the_next_request(cast: Cast, thing: str) -> None:
    ends = [f"/assignments/{cast.things[thing]}{end}" for end in ("", "/attempts", "/comments")]
    assert [cast.therapist.get(path).status_code for path in ends] == [200] * 3
    ended = cast.therapist.post(f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end")
    assert ended.status_code < 300
    assert [cast.therapist.get(path).status_code for path in ends] == [404] * 3
    assert cast.therapist.get(f"/assignments/{cast.things[thing]}/attempts/1").status_code == 404
    assert cast.client.get(f"/me/assignments/{cast.things[thing]}").status_code == 200


def test_a_draft_is_no_submission_to_anyone_but_its_client(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    assert cast.therapist.get(f"/assignments/{thing}/attempts/1").status_code == 404
    assert cast.client.get(f"/me/assignments/{thing}/attempts/1").status_code == 200


def test_only_a_therapist_assigns() -> None:
    assert may_assign(Viewer("a", "p", PrincipalKind.STAFF, therapist=True))
    assert not may_assign(Viewer("a", "p", PrincipalKind.STAFF, owner=True))
    assert not may_assign(Viewer("a", "p", PrincipalKind.CLIENT))
    assert not may_assign(ANYONE)
    assert not may_assign(system("p"))
