"""An attempt goes out as a QuestionnaireResponse: what its reader may read, in the tree of the form, and no more."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from portal.core.audit_log.events import Event
from tests.accounts import database
from tests.assignments.service.scenarios import SCORED, given, published, saved, submitted
from tests.cast import Actor, Cast


def _read(actor: Actor, path: str) -> dict[str, Any]:
    answer = actor.get(path + "?format=fhir")
    assert answer.status_code == 200, answer.get_json()
    assert answer.mimetype == "application/fhir+json"
    return dict(answer.get_json())


def _answers_in(resource: dict[str, Any]) -> dict[str, Any]:
    return {item["linkId"]: item.get("answer") for item in resource.get("item", [])}


def _begun(cast: Cast) -> str:
    thing = given(cast, published(cast, SCORED))
    cast.client.post(f"/me/assignments/{thing}/open")
    private = {"block": "note", "value": "for me alone", "share": "only_me"}
    saved(cast.client, thing, {"block": "a", "value": 3}, {"block": "b", "value": 1}, private)
    return thing


def test_a_draft_is_in_progress_and_its_writers_alone(cast: Cast) -> None:
    thing = _begun(cast)
    mine = _read(cast.client, f"/me/assignments/{thing}/attempts/1")
    assert (mine["status"], mine["subject"]["reference"]) == ("in-progress", f"Patient/{cast.client.id}")
    assert _answers_in(mine)["note"] == [{"valueString": "for me alone"}]
    assert cast.therapist.get(f"/assignments/{thing}/attempts/1?format=fhir").status_code == 404


def test_what_is_sent_in_is_complete_without_what_is_private(cast: Cast) -> None:
    thing = _begun(cast)
    submitted(cast.client, thing)
    theirs = _read(cast.therapist, f"/assignments/{thing}/attempts/1")
    assert (theirs["resourceType"], theirs["status"]) == ("QuestionnaireResponse", "completed")
    assert _answers_in(theirs) == {"a": [{"valueInteger": 3}], "b": [{"valueInteger": 1}]}
    assert theirs["questionnaire"].startswith("urn:uuid:")
    assert theirs["authored"].endswith("Z")
    mine = _read(cast.client, f"/me/assignments/{thing}/attempts/1")
    assert mine["status"] == "completed"
    assert "note" in _answers_in(mine)


def test_another_go_is_an_amendment_and_the_earlier_one_stays(cast: Cast) -> None:
    thing = _begun(cast)
    submitted(cast.client, thing)
    assert (
        cast.therapist.post(f"/assignments/{thing}/return", {"attempt": 1, "comment": "Once more?"}).status_code == 200
    )
    saved(cast.client, thing, {"block": "a", "value": 4})
    submitted(cast.client, thing)
    assert _read(cast.therapist, f"/assignments/{thing}/attempts/1")["status"] == "completed"
    again = _read(cast.therapist, f"/assignments/{thing}/attempts/2")
    assert (again["status"], _answers_in(again)["a"]) == ("amended", [{"valueInteger": 4}])


def test_what_is_withdrawn_is_stopped_with_what_there_was(cast: Cast) -> None:
    thing = _begun(cast)
    assert cast.therapist.post(f"/assignments/{thing}/withdraw", {"reason": "Together."}).status_code == 200
    mine = _read(cast.client, f"/me/assignments/{thing}/attempts/1")
    assert (mine["status"], _answers_in(mine)["a"]) == ("stopped", [{"valueInteger": 3}])


def test_opening_it_as_fhir_leaves_the_same_row_as_opening_it(cast: Cast) -> None:
    thing = _begun(cast)
    submitted(cast.client, thing)

    opened = select(func.count()).where(Event.fact == "response.opened")
    before = database.value(cast.app, opened)
    _read(cast.therapist, f"/assignments/{thing}/attempts/1")
    assert database.value(cast.app, opened) == before + 1
