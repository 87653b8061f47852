"""Validate, preview and compare drafts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.core import access, decimal_json
from portal.core.errors import Fault, Invalid
from portal.core.viewer import Viewer
from portal.core.wire import faults_from
from portal.forms.answering.responses import apply_patch, initial_response
from portal.forms.definition.document import Form
from portal.forms.evaluation.completion import progress
from portal.forms.evaluation.evaluate import evaluate
from portal.forms.evaluation.preview import preview_blocks
from portal.forms.evaluation.results import results
from portal.forms.text import readings
from portal.forms.text.diff import changed_members, diff_documents
from portal.forms.text.readability import reading_hints, writing_hints
from portal.library import policy
from portal.library.documents import compile_document
from portal.library.models import DESCRIBED, ResourceKind
from portal.library.schemas.resource import ChangeResourceSchema
from portal.library.service.resources import get_resource
from portal.library.service.versions import get_version

DRAFT = "draft"
_description = ChangeResourceSchema()


def validate(viewer: Viewer, *, kind: str, document: dict[str, Any], **description: Any) -> dict[str, Any]:
    """The errors that creating this would raise, and hints to its author; nothing is stored."""
    access.require(policy.may_write(viewer), "Only a therapist can write for the library.")
    errors = faults_from(_description.validate(description))
    language = description.get("language") or document.get("language")
    warnings: list[Fault] = []
    measure = None
    try:
        form = compile_document(kind, document)
    except Invalid as error:
        errors += error.faults
    else:
        warnings, measured = writing_hints(form, language if isinstance(language, str) else None, "#/document")
        measure = measured.as_json()
        if kind == ResourceKind.READING:
            warnings = [*_located_in_reading(form, warnings), *_reading_hints(form, document)]
    return {
        "valid": not errors,
        "errors": [_finding(fault) for fault in errors],
        "warnings": [_finding(fault) for fault in warnings],
        "reading": measure,
    }


def _finding(fault: Fault) -> dict[str, Any]:
    return {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail, "block": fault.block}


def _located_in_reading(form: Form, warnings: Sequence[Fault]) -> list[Fault]:
    """Hints on the compiled blocks of a reading, with pointers into the reading."""
    return [
        fault.at("#/document" + readings.pointer_in_reading(form.document["blocks"], fault.pointer))
        if fault.block
        else fault
        for fault in warnings
    ]


def _reading_hints(form: Form, document: Mapping[str, Any]) -> list[Fault]:
    headings = [block.spec["label"] for block in form.blocks.values() if block.type == "reading"]
    return reading_hints(document, headings, "#/document")


def preview(
    viewer: Viewer,
    *,
    kind: str,
    document: dict[str, Any],
    answers: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The blocks a client would see with these answers; nothing is stored.

    Raises Invalid with pointers into the document or the answers.
    """
    access.require(policy.may_write(viewer), "Only a therapist can write for the library.")
    form = compile_document(kind, document)
    response = apply_patch(form, initial_response(form), {"answers": answers, "rows": rows})
    evaluation = evaluate(form, response)
    done = progress(form, response, evaluation.visibility)
    return {
        "blocks": preview_blocks(form, response, evaluation),
        "progress": {"answered": done.answered, "total": done.total},
        "scores": results(form, response, evaluation),
    }


def compare(viewer: Viewer, resource_id: str, before: str, after: str) -> dict[str, Any]:
    """The differences between two versions, or a version and the draft: in the card and block by block."""
    earlier, later = _comparison_side(viewer, resource_id, before), _comparison_side(viewer, resource_id, after)
    return {
        "resource_id": resource_id,
        "from": before,
        "to": after,
        "description": changed_members(_card_of(earlier), _card_of(later), frozenset()),
        **diff_documents(earlier["document"], later["document"]),
    }


def _comparison_side(viewer: Viewer, resource_id: str, which: str) -> dict[str, Any]:
    if which != DRAFT:
        version = get_version(viewer, resource_id, int(which))
        return {**version, "document": decimal_json.loads(version["document"])}
    resource = get_resource(viewer, resource_id)
    return {**resource, "document": compile_document(resource["kind"], resource["draft"]).document}


def _card_of(side: Mapping[str, Any]) -> dict[str, Any]:
    return {name: side[name] for name in DESCRIBED}
