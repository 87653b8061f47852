"""The counts of care links stay what their assignments come to, whatever happens and however many act at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from portal.assignments.models import CareCount
from portal.assignments.service import care_counts
from tests.cast import Cast
from tests.owner import as_owner


def _differences(cast: Cast) -> list[care_counts.Difference]:
    with cast.app.app_context():
        return care_counts.compare()


def test_the_cast_is_counted_right(cast: Cast) -> None:
    assert _differences(cast) == []


ACTS: list[Callable[[Cast], Any]] = [
    lambda cast: cast.client.post(f"/me/assignments/{cast.things['client.reading']}/open"),
    lambda cast: cast.client.post(f"/me/assignments/{cast.things['client.draft']}/pause"),
    lambda cast: cast.client.post(f"/me/assignments/{cast.things['client.draft']}/resume"),
    lambda cast: cast.client.post(f"/me/assignments/{cast.things['client.draft']}/decline", {}),
    lambda cast: cast.client.post(f"/me/assignments/{cast.things['client.draft']}/undo-decline"),
    lambda cast: cast.client.post(f"/me/assignments/{cast.things['client.draft']}/submit", {"response_version": 2}),
    lambda cast: cast.client.post(f"/me/assignments/{cast.things['client.submitted']}/recall"),
    lambda cast: cast.therapist.post(f"/assignments/{cast.things['client.submitted']}/review", {"attempt": 1}),
    lambda cast: cast.therapist.post(
        f"/assignments/{cast.things['client.submitted']}/return", {"attempt": 1, "comment": "Again?"}
    ),
    lambda cast: cast.therapist.post(f"/assignments/{cast.things['client.draft']}/withdraw", {"reason": "x"}),
    lambda cast: cast.therapist.post(f"/assignments/{cast.things['client.draft']}/reopen"),
    lambda cast: cast.therapist.patch(
        f"/assignments/{cast.things['client.reading']}",
        {"due_on": "2099-02-03"},
        cast.therapist.etag(f"/assignments/{cast.things['client.reading']}"),
    ),
    lambda cast: cast.client.patch("/me", {"time_zone": "Pacific/Auckland"}, cast.client.etag("/me")),
    lambda cast: cast.therapist.post(
        "/assignments",
        {"client_id": cast.client.id, "resource_id": cast.things["linden.reading"], "why": "x", "due_on": "2099-01-01"},
    ),
]


@pytest.mark.parametrize("seed", range(6))
def test_any_acts_in_any_order_leave_the_counts_right(cast: Cast, seed: int) -> None:
    drawn = random.Random(seed)
    worked = 0
    for act in drawn.choices(ACTS, k=25):
        worked += act(cast).status_code < 300
        assert _differences(cast) == []
    assert worked >= 5


def test_handing_over_to_a_colleague_in_care_makes_one_count_of_two(cast: Cast) -> None:
    sent = {"therapist_id": cast.co_therapist.id}
    assert cast.therapist.post(f"/clients/{cast.client.id}/hand-over", sent).status_code == 204
    assert _differences(cast) == []
    [row] = [
        row for row in cast.co_therapist.get("/caseload").get_json()["data"] if row["client"]["id"] == cast.client.id
    ]
    assert row["assigned"] == 4


def test_many_who_act_at_once_are_all_counted(cast: Cast) -> None:
    """Two transactions on two assignments of one link: each sees the other only once it has committed."""
    made = []
    for day in range(1, 17):
        given = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "x"}
        made.append(cast.therapist.post("/assignments", {**given, "due_on": f"2099-01-{day:02}"}).get_json()["id"])
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda one: cast.client.post(f"/me/assignments/{one}/open").status_code, made))
        done += list(pool.map(lambda one: cast.client.post(f"/me/assignments/{one}/pause").status_code, made))
    assert set(done) == {200}
    assert _differences(cast) == []
    [row] = [row for row in cast.therapist.get("/caseload").get_json()["data"] if row["client"]["id"] == cast.client.id]
    assert row["paused"] == 16


def test_a_wrong_count_is_found_named_and_repaired(cast: Cast) -> None:
    care = cast.things["client.care"]
    with cast.app.app_context(), as_owner() as session:
        session.execute(update(CareCount).where(CareCount.care_id == care).values(open=17))
    [difference] = _differences(cast)
    assert (difference.care_id, difference.names) == (care, ("open",))
    with cast.app.app_context():
        care_counts.repair([difference])
    assert _differences(cast) == []
