"""An attempt as a QuestionnaireResponse: what its reader may read, in the tree of the form, and no more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from portal.core.audit_log.events import Event
from tests.accounts import database
from tests.assignments.service.scenarios import SCORED, assign, publish, save, submit
from tests.cast import Actor, Cast


def _read(actor: Actor, path: str) -> dict[str, Any]:
    answer = actor.get(path + "?format=fhir")
    assert answer.status_code == 200, answer.get_json()
    assert answer.mimetype == "application/fhir+json"
    return dict(answer.get_json())


def _answers_in(resource: dict[str, Any]) -> dict[str, Any]:
    return {item["linkId"]: item.get("answer") for item in resource.get("item", [])}


def _start(cast: Cast) -> str:
    thing = assign(cast, publish(cast, SCORED))
    cast.client.post(f"/me/assignments/{thing}/open")
    private = {"block": "note", "value": "for me alone", "share": "only_me"}
    save(cast.client, thing, {"block": "a", "value": 3}, {"block": "b", "value": 1}, private)
    return thing


def test_a_draft_is_in_progress_and_only_its_client_reads_it(cast: Cast) -> None:
    thing = _start(cast)
    mine = _read(cast.client, f"/me/assignments/{thing}/attempts/1")
    assert (mine["status"], mine["subject"]["reference"]) == ("in-progress", f"Patient/{cast.client.id}")
    assert _answers_in(mine)["note"] == [{"valueString": "for me alone"}]
    assert cast.therapist.get(f"/assignments/{thing}/attempts/1?format=fhir").status_code == 404


def test_a_submitted_attempt_is_completed_without_its_private_answers(cast: Cast) -> None:
    thing = _start(cast)
    submit(cast.client, thing)
    theirs = _read(cast.therapist, f"/assignments/{thing}/attempts/1")
    assert (theirs["resourceType"], theirs["status"]) == ("QuestionnaireResponse", "completed")
    assert _answers_in(theirs) == {"a": [{"valueInteger": 3}], "b": [{"valueInteger": 1}]}
    assert theirs["questionnaire"].startswith("urn:uuid:")
    assert theirs["authored"].endswith("Z")
    mine = _read(cast.client, f"/me/assignments/{thing}/attempts/1")
    assert mine["status"] == "completed"
    assert "note" in _answers_in(mine)


def test_a_second_attempt_is_amended_and_the_earlier_one_stays(cast: Cast) -> None:
    thing = _start(cast)
    submit(cast.client, thing)
    assert (
        cast.therapist.post(f"/assignments/{thing}/return", {"attempt": 1, "comment": "Once more?"}).status_code == 200
    )
    save(cast.client, thing, {"block": "a", "value": 4})
    submit(cast.client, thing)
    assert _read(cast.therapist, f"/assignments/{thing}/attempts/1")["status"] == "completed"
    again = _read(cast.therapist, f"/assignments/{thing}/attempts/2")
    assert (again["status"], _answers_in(again)["a"]) == ("amended", [{"valueInteger": 4}])


def test_a_withdrawn_attempt_is_stopped_and_keeps_its_answers(cast: Cast) -> None:
    thing = _start(cast)
    assert cast.therapist.post(f"/assignments/{thing}/withdraw", {"reason": "Together."}).status_code == 200
    mine = _read(cast.client, f"/me/assignments/{thing}/attempts/1")
    assert (mine["status"], _answers_in(mine)["a"]) == ("stopped", [{"valueInteger": 3}])


def test_opening_an_attempt_as_fhir_is_recorded_like_any_opening(cast: Cast) -> None:
    thing = _start(cast)
    submit(cast.client, thing)

    opened = select(func.count()).where(Event.fact == "response.opened")
    before = database.value(cast.app, opened)
    _read(cast.therapist, f"/assignments/{thing}/attempts/1")
    assert database.value(cast.app, opened) == before + 1
