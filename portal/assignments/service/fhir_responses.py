"""Attempts as FHIR R4 QuestionnaireResponses: what was answered, in the tree of the form it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.assignments.models import Status
from portal.assignments.service import attempts
from portal.core.viewer import Viewer
from portal.forms.answering.responses import Response
from portal.forms.definition.document import Form
from portal.forms.evaluation.completion import visible_part
from portal.forms.evaluation.evaluate import evaluate
from portal.forms.evaluation.results import values_by_block
from portal.forms.fhir import urls
from portal.forms.fhir.response import Answered, write
from portal.library.service.versions import canonical_url, form_of_version

Json = Mapping[str, Any]


def open_questionnaire_response(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """An attempt that was sent in, as its reader may read it. Leaves word as `open_attempt` does."""
    attempt = attempts.open_attempt(viewer, assignment_id, number)
    form = form_of_version(viewer.practice_id, attempt["version_id"])
    return _written(form, attempt, Response.from_json(attempt), "amended" if number > 1 else "completed")


def get_my_questionnaire_response(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """One of one's own attempts, whole, sent in or not."""
    mine = attempts.get_my_attempt(viewer, assignment_id, number)
    form, response = form_of_version(viewer.practice_id, mine["version_id"]), Response.from_json(mine)
    return _written(form, mine, visible_part(response, evaluate(form, response).shown), _status(mine))


def _status(mine: Json) -> str:
    if mine["submitted_at"] is not None:
        return "amended" if mine["attempt"] > 1 else "completed"
    return "stopped" if mine["status"] == Status.WITHDRAWN else "in-progress"


def _written(form: Form, attempt: Json, shown: Response, status: str) -> dict[str, Any]:
    patient = {"reference": f"Patient/{attempt['client_id']}"}
    authored = attempt["submitted_at"] or attempt["saved_at"]
    copyright_line = form.document.get("license")
    return write(
        Answered(form, shown, values_by_block(form, attempt["scores"])),
        id=attempt["id"],
        extension=[{"url": urls.COPYRIGHT, "valueString": copyright_line}] if copyright_line else None,
        questionnaire=_address(form, attempt["version_id"]),
        status=status,
        subject=patient,
        authored=None if authored is None else authored.strftime("%Y-%m-%dT%H:%M:%SZ"),
        author=patient,
    )


def _address(form: Form, version_id: str) -> str:
    """Which questionnaire it answers: the address it came with, else the one it has here."""
    kept = form.document.get("fhir", {})
    if "url" not in kept:
        return canonical_url(version_id)
    return f"{kept['url']}|{kept['version']}" if "version" in kept else str(kept["url"])
