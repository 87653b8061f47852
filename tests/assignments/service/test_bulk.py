"""Creating many assignments at once: each with its own outcome, or all or none."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from portal.assignments.facts import CREATED
from portal.core.errors import Conflict
from portal.core.ids import new_id
from portal.core.viewer import Viewer
from tests.cast import Actor, Cast


def _item(cast: Cast, client: Actor, **more: Any) -> dict[str, Any]:
    item = {"client_id": client.id, "resource_id": cast.things["linden.exercise"], "due_on": "2099-03-01"}
    return {**item, "why": f"For {client.name}.", **more}


def _assign(cast: Cast, *items: dict[str, Any], **more: Any) -> TestResponse:
    headers = {"Idempotency-Key": new_id()}
    return cast.therapist.post("/assignments/bulk", {"assignments": list(items), **more}, headers=headers)


def _count(cast: Cast) -> int:
    return int(cast.therapist.get("/assignments?include_total=true").get_json()["total"])


def test_each_client_gets_their_own_why(cast: Cast) -> None:
    done = _assign(cast, _item(cast, cast.client), _item(cast, cast.partner)).get_json()
    assert done["created"] == 2
    for result, client in zip(done["results"], (cast.client, cast.partner), strict=True):
        mine = client.get(f"/me/assignments/{result['assignment_id']}").get_json()
        assert mine["why"] == f"For {client.name}."


def test_results_are_in_the_order_of_the_request(cast: Cast) -> None:
    before = _count(cast)
    done = _assign(
        cast,
        _item(cast, cast.stranger),
        _item(cast, cast.client),
        _item(cast, cast.client),
        _item(cast, cast.partner, due_on="2000-01-01"),
        _item(cast, cast.former_client),
    ).get_json()
    outcomes = [result["outcome"] for result in done["results"]]
    assert outcomes == ["error", "created", "duplicate", "error", "error"]
    assert [result["index"] for result in done["results"]] == [0, 1, 2, 3, 4]
    assert done["results"][2]["assignment_id"] == done["results"][1]["assignment_id"]
    assert [fault["pointer"] for fault in done["results"][3]["errors"]] == ["#/due_on"]
    assert _count(cast) == before + 1


def test_a_hidden_client_is_refused_as_one_that_does_not_exist(cast: Cast) -> None:
    done = _assign(cast, _item(cast, cast.stranger), _item(cast, cast.client, client_id=new_id())).get_json()
    hidden, absent = ({**result, "index": 0} for result in done["results"])
    assert hidden == absent


def test_an_atomic_request_with_errors_creates_nothing_and_points_to_each(cast: Cast) -> None:
    before = _count(cast)
    refused = _assign(
        cast,
        _item(cast, cast.client),
        _item(cast, cast.partner, opens_on="2099-04-01"),
        _item(cast, cast.stranger),
        atomic=True,
    )
    assert refused.status_code == 422
    pointers = [fault["pointer"] for fault in refused.get_json()["errors"]]
    assert pointers == ["#/assignments/1/opens_on", "#/assignments/2"]
    assert _count(cast) == before


def test_an_atomic_request_accepts_duplicates(cast: Cast) -> None:
    _assign(cast, _item(cast, cast.client))
    done = _assign(cast, _item(cast, cast.client), _item(cast, cast.partner), atomic=True).get_json()
    assert [result["outcome"] for result in done["results"]] == ["duplicate", "created"]


def test_at_most_a_hundred_are_accepted_at_a_time(cast: Cast) -> None:
    items = [
        _item(cast, cast.client, due_on=f"2099-{month:02}-{day:02}") for month in range(1, 5) for day in range(1, 26)
    ]
    assert _assign(cast, *items).get_json()["created"] == 100
    refused = _assign(cast, *items, _item(cast, cast.client))
    assert [fault["pointer"] for fault in refused.get_json()["errors"]] == ["#/assignments"]
    assert _assign(cast).status_code == 422


def test_an_item_that_breaks_the_schema_refuses_the_request_with_a_pointer(cast: Cast) -> None:
    before = _count(cast)
    refused = _assign(cast, _item(cast, cast.client), {"client_id": cast.partner.id})
    assert refused.status_code == 422
    assert {fault["pointer"] for fault in refused.get_json()["errors"]} == {
        "#/assignments/1/resource_id",
        "#/assignments/1/why",
    }
    assert _count(cast) == before


def test_a_bulk_request_needs_an_idempotency_key(cast: Cast) -> None:
    refused = cast.therapist.post("/assignments/bulk", {"assignments": [_item(cast, cast.client)]})
    assert refused.status_code == 400
    assert "Idempotency-Key" in refused.get_json()["detail"]


def test_an_integration_can_assign_to_many(cast: Cast) -> None:
    sent = {"assignments": [_item(cast, cast.client), _item(cast, cast.stranger)]}
    done = cast.integration.post("/assignments/bulk", sent, headers={"Idempotency-Key": new_id()}).get_json()
    assert [result["outcome"] for result in done["results"]] == ["created", "error"]


def test_an_item_that_fails_late_leaves_nothing_behind(cast: Cast) -> None:
    """Whatever a domain above refuses after the row was written."""

    def refuse(_viewer: Viewer, item: Any) -> None:
        if item.client_id == cast.partner.id:
            msg = "Not now."
            raise Conflict(msg)

    CREATED.reactions.append(refuse)
    before = _count(cast)
    try:
        done = _assign(cast, _item(cast, cast.partner), _item(cast, cast.client)).get_json()
    finally:
        CREATED.reactions.remove(refuse)
    assert [result["outcome"] for result in done["results"]] == ["error", "created"]
    assert _count(cast) == before + 1
