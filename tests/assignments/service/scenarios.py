"""Steps that tests of assignments begin with, taken over HTTP."""

from __future__ import annotations

from typing import Any

from portal.core.ids import new_id
from tests.cast import CARD, Actor, Cast, exercise_document

FORM = {
    "schema": "portal.exercise/1",
    "blocks": [
        {"id": "need", "type": "short_text", "label": "What do you need?"},
        {"id": "hard", "type": "yes_no", "label": "Was it hard?"},
    ],
}
SCORED: dict[str, Any] = {
    "schema": "portal.exercise/1",
    "blocks": [
        {"id": "a", "type": "scale", "label": "One?", "min": 0, "max": 4},
        {"id": "b", "type": "scale", "label": "Two?", "min": 0, "max": 4},
        {"id": "note", "type": "long_text", "label": "Anything else?"},
    ],
    "scores": [
        {
            "id": "total",
            "label": "Total",
            "method": "sum",
            "items": ["a", "b"],
            "bands": [{"max": 3, "label": "little"}, {"min": 4, "label": "much"}],
        }
    ],
}
PATHS = {
    "open": ("POST", "open", None),
    "plan": ("PUT", "plan", {"when": "w", "then": "t", "obstacle": "o"}),
    "save": ("PATCH", "response", {"answers": [{"block": "need", "value": "rest"}]}),
    "pause": ("POST", "pause", None),
    "resume": ("POST", "resume", None),
    "decline": ("POST", "decline", {"reason": "Not now."}),
    "undo_decline": ("POST", "undo-decline", None),
    "submit": ("POST", "submit", {}),
    "recall": ("POST", "recall", None),
    "change": ("PATCH", "", {"why": "Because of what you said."}),
    "reopen": ("POST", "reopen", None),
    "review": ("POST", "review", {}),
    "return": ("POST", "return", {"comment": "Once more?"}),
    "withdraw": ("POST", "withdraw", {"reason": "Together instead."}),
}
THERAPISTS = ("change", "reopen", "review", "return", "withdraw")
TO = {
    "assigned": (),
    "seen": ("open",),
    "in_progress": ("open", "save"),
    "paused": ("open", "save", "pause"),
    "declined": ("open", "decline"),
    "submitted": ("open", "save", "submit"),
    "reviewed": ("open", "save", "submit", "review"),
    "withdrawn": ("open", "save", "withdraw"),
}


def publish(cast: Cast, document: dict[str, Any] | None = None, **card: Any) -> str:
    """Publish an exercise of the therapist; returns its id."""
    body = {"kind": "exercise", "document": document or FORM, **CARD, **card}
    made = cast.therapist.post("/resources", body)
    assert made.status_code == 201, made.get_json()
    assert cast.therapist.post(f"/resources/{made.get_json()['id']}/versions").status_code == 201
    return str(made.get_json()["id"])


def assign(cast: Cast, resource_id: str, **more: Any) -> str:
    """Assign a resource from the therapist to the client; returns the assignment's id."""
    body = {"client_id": cast.client.id, "resource_id": resource_id, "why": "Because you asked.", **more}
    answer = cast.therapist.post("/assignments", body)
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["id"])


def act(cast: Cast, name: str, assignment_id: str) -> Any:
    """Try an act as the side it belongs to, with the ETags and numbers it needs; returns the answer."""
    method, path, body = PATHS[name]
    actor: Actor = cast.therapist if name in THERAPISTS else cast.client
    base = f"/assignments/{assignment_id}" if name in THERAPISTS else f"/me/assignments/{assignment_id}"
    whole = f"{base}/{path}".rstrip("/")
    headers = {}
    if name in {"plan", "change"}:
        headers["If-Match"] = actor.etag(base)
    if name == "save":
        headers["If-Match"] = actor.etag(whole)
    if name == "submit":
        body = {"response_version": cast.client.get(f"{base}/response").get_json()["version"]}
    if name in {"review", "return"}:
        body = {**(body or {}), "attempt": cast.therapist.get(base).get_json()["attempt"]}
    return actor.ask(method, whole, headers=headers, **({} if body is None else {"json": body}))


def bring_to(cast: Cast, status: str, assignment_id: str) -> str:
    """Bring a new assignment to a state by its acts; returns its id."""
    for name in TO[status]:
        answer = act(cast, name, assignment_id)
        assert answer.status_code == 200, (name, answer.get_json())
    assert cast.therapist.get(f"/assignments/{assignment_id}").get_json()["status"] == status
    return assignment_id


def save(actor: Actor, assignment_id: str, *answers: dict[str, Any], rows: Any = ()) -> Any:
    """Save answers with the current ETag; returns the successful answer."""
    path = f"/me/assignments/{assignment_id}/response"
    answer = actor.patch(path, {"answers": list(answers), "rows": list(rows)}, actor.etag(path))
    assert answer.status_code == 200, answer.get_json()
    return answer


def submit(actor: Actor, assignment_id: str) -> Any:
    """Submit the current response; returns the successful answer."""
    version = actor.get(f"/me/assignments/{assignment_id}/response").get_json()["version"]
    answer = actor.post(f"/me/assignments/{assignment_id}/submit", {"response_version": version})
    assert answer.status_code == 200, answer.get_json()
    return answer


def import_questionnaire(cast: Cast, content: bytes) -> str:
    """Import and publish a questionnaire; returns the id of the resource."""
    sent = cast.therapist.ask(
        "POST",
        "/resources/import",
        headers={"Idempotency-Key": new_id()},
        data=content,
        content_type="application/fhir+json",
    )
    assert sent.status_code == 201, sent.get_json()
    resource = str(sent.get_json()["results"][0]["resource_id"])
    path = f"/resources/{resource}"
    assert cast.therapist.patch(path, {"summary": "Imported."}, cast.therapist.etag(path)).status_code == 200
    assert cast.therapist.post(f"{path}/versions").status_code == 201
    return resource


def my_path(assignment_id: str, end: str = "response") -> str:
    return f"/me/assignments/{assignment_id}/{end}"


def own_response(cast: Cast, assignment_id: str) -> dict[str, Any]:
    answer = cast.client.get(my_path(assignment_id))
    assert answer.status_code == 200
    return dict(answer.get_json())


def answers_by_block(response: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    return {(one["block"], *one.get("row", ())): one["value"] for one in response["answers"]}


def get_attempt(cast: Cast, assignment_id: str, number: int = 1) -> Any:
    return cast.therapist.get(f"/assignments/{assignment_id}/attempts/{number}")


def assign_exercise(cast: Cast) -> str:
    return assign(cast, publish(cast, exercise_document()))
