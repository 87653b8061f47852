"""Attempts as FHIR R4 QuestionnaireResponses: the answers in the tree of their questionnaire."""

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
from portal.forms.fhir.response import Answered, write
from portal.forms.fhir_elements import urls
from portal.library.service.versions import canonical_url, form_of_version

Json = Mapping[str, Any]


def open_questionnaire_response(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """A submitted attempt, as far as the viewer may read it; recorded as `open_attempt` records it."""
    attempt = attempts.open_attempt(viewer, assignment_id, number)
    form = form_of_version(viewer.practice_id, attempt["version_id"])
    return _questionnaire_response(form, attempt, Response.from_json(attempt), "amended" if number > 1 else "completed")


def get_my_questionnaire_response(viewer: Viewer, assignment_id: str, number: int) -> dict[str, Any]:
    """One of the viewer's own attempts with its private answers, submitted or not."""
    attempt = attempts.get_my_attempt(viewer, assignment_id, number)
    form, response = form_of_version(viewer.practice_id, attempt["version_id"]), Response.from_json(attempt)
    return _questionnaire_response(
        form, attempt, visible_part(response, evaluate(form, response).visibility), _status(attempt)
    )


def _status(attempt: Json) -> str:
    if attempt["submitted_at"] is not None:
        return "amended" if attempt["attempt"] > 1 else "completed"
    return "stopped" if attempt["status"] == Status.WITHDRAWN else "in-progress"


def _questionnaire_response(form: Form, attempt: Json, visible: Response, status: str) -> dict[str, Any]:
    patient = {"reference": f"Patient/{attempt['client_id']}"}
    authored = attempt["submitted_at"] or attempt["saved_at"]
    copyright_line = form.document.get("license")
    return write(
        Answered(form, visible, values_by_block(form, attempt["scores"])),
        id=attempt["id"],
        extension=[{"url": urls.COPYRIGHT, "valueString": copyright_line}] if copyright_line else None,
        questionnaire=_canonical_url(form, attempt["version_id"]),
        status=status,
        subject=patient,
        authored=None if authored is None else authored.strftime("%Y-%m-%dT%H:%M:%SZ"),
        author=patient,
    )


def _canonical_url(form: Form, version_id: str) -> str:
    """The canonical URL of the questionnaire: the one it was imported with, else the one it has here."""
    imported = form.document.get("fhir", {})
    if "url" not in imported:
        return canonical_url(version_id)
    return f"{imported['url']}|{imported['version']}" if "version" in imported else str(imported["url"])
