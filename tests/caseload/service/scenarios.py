"""What the stories of a caseload begin with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from portal.core.audit_log.events import Event
from portal.core.ids import new_id
from tests.accounts import database
from tests.cast import Actor, Cast


def create(cast: Cast, name: str, by: Actor | None = None, **sent: Any) -> dict[str, Any]:
    body = {"name": name, "email": f"{new_id()}@x.example", **sent}
    answer = (by or cast.therapist).post("/clients", body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    made: dict[str, Any] = answer.get_json()
    return made


def names(someone: Actor, query: str = "") -> list[str]:
    answer = someone.get(f"/clients{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [row["name"] for row in answer.get_json()["data"]]


def hand_over(cast: Cast, client: Actor, to: Actor, by: Actor | None = None) -> int:
    return (by or cast.therapist).post(f"/clients/{client.id}/hand-over", {"therapist_id": to.id}).status_code


def facts_about(cast: Cast, client: Actor, like: str) -> list[str]:
    told = select(Event.fact).where(Event.client_id == client.id, Event.fact.like(like)).order_by(Event.id)
    return [row.fact for row in database.rows(cast.app, told)]
