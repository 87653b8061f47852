"""What a single assignment and a list say to each side, and what they never say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assignments.service.scenarios import given, published
from tests.cast import Cast

CLIENTS_OWN = {"document", "summary", "content_note"}
THERAPISTS_OWN = {"care_id", "client_id", "last_act_at"}


def test_each_side_sees_its_own_members_and_neither_more(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    theirs = cast.therapist.get(f"/assignments/{thing}").get_json()
    mine = cast.client.get(f"/me/assignments/{thing}").get_json()
    assert set(theirs) - set(mine) == THERAPISTS_OWN
    assert set(mine) - set(theirs) == CLIENTS_OWN
    assert {name: mine[name] for name in set(mine) & set(theirs)} == {
        name: theirs[name] for name in set(mine) & set(theirs)
    }


def test_the_form_is_null_until_it_opens_and_whole_afterwards(cast: Cast) -> None:
    later = given(cast, published(cast), opens_on="2090-01-01")
    assert cast.client.get(f"/me/assignments/{later}").get_json()["document"] is None
    now = cast.client.get(f"/me/assignments/{cast.things['client.draft']}").get_json()["document"]
    assert now["blocks"][0]["id"] == "intro"


@pytest.mark.parametrize("path", ["/assignments", "/me/assignments"])
def test_a_list_holds_no_why_note_plan_or_reason(cast: Cast, path: str) -> None:
    actor: Any = cast.client if path.startswith("/me") else cast.therapist
    answer = actor.get(f"{path}?limit=100")
    assert b"Why " not in answer.data
    assert not {"why", "note", "plan", "reason", "document"} & set(answer.get_json()["data"][0])


def test_an_assignment_that_is_overdue_has_another_etag_and_the_same_version(cast: Cast) -> None:
    thing = cast.things["client.draft"]
    first = cast.therapist.etag(f"/assignments/{thing}")
    assert cast.therapist.post(f"/clients/{cast.client.id}/archive").status_code == 200
    second = cast.therapist.etag(f"/assignments/{thing}")
    assert first != second
    assert first.split("-")[0] == second.split("-")[0]


def test_what_only_staff_do_changes_no_version_a_client_names(cast: Cast) -> None:
    thing = cast.things["client.submitted"]
    path = f"/me/assignments/{thing}"
    before = cast.client.etag(path)
    assert cast.therapist.get(f"/assignments/{thing}/attempts/1").status_code == 200
    assert cast.therapist.post(f"/assignments/{thing}/comments", {"body": "Thank you."}).status_code == 201
    assert cast.client.etag(path) == before
