"""While a text is being written: is it right, how does it look to a client, what changed since a version."""

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
    """What creating this would say, and hints; nothing is stored."""
    access.require(policy.may_write(viewer), "Only a therapist writes for the library.")
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
            warnings = [*_as_written(form, warnings), *_on_reading(form, document)]
    return {
        "valid": not errors,
        "errors": [_finding(fault) for fault in errors],
        "warnings": [_finding(fault) for fault in warnings],
        "reading": measure,
    }


def _finding(fault: Fault) -> dict[str, Any]:
    return {"pointer": fault.pointer, "detail": fault.detail, "block": fault.block}


def _as_written(form: Form, warnings: Sequence[Fault]) -> list[Fault]:
    """Hints on the blocks a reading becomes, pointing into the reading."""
    return [
        Fault("invalid", fault.detail).at("#/document" + readings.written(form.document["blocks"], fault.pointer))
        if fault.block
        else fault
        for fault in warnings
    ]


def _on_reading(form: Form, document: Mapping[str, Any]) -> list[Fault]:
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
    """What a client would see, with some answers given; nothing is stored.

    Raises Invalid with pointers into the document or the answers.
    """
    access.require(policy.may_write(viewer), "Only a therapist writes for the library.")
    form = compile_document(kind, document)
    response = apply_patch(form, initial_response(form), {"answers": answers, "rows": rows})
    worked_out = evaluate(form, response)
    done = progress(form, response, worked_out.visibility)
    return {
        "blocks": preview_blocks(form, response, worked_out),
        "progress": {"answered": done.answered, "total": done.total},
        "scores": results(form, response, worked_out),
    }


def compare(viewer: Viewer, resource_id: str, before: str, after: str) -> dict[str, Any]:
    """What changed from one version to another, or to the draft: of the description, and block by block."""
    one, other = _side(viewer, resource_id, before), _side(viewer, resource_id, after)
    return {
        "resource_id": resource_id,
        "from": before,
        "to": after,
        "description": changed_members(_described(one), _described(other), frozenset()),
        **diff_documents(one["document"], other["document"]),
    }


def _side(viewer: Viewer, resource_id: str, which: str) -> dict[str, Any]:
    if which != DRAFT:
        version = get_version(viewer, resource_id, int(which))
        return {**version, "document": decimal_json.loads(version["document"])}
    resource = get_resource(viewer, resource_id)
    return {**resource, "document": compile_document(resource["kind"], resource["draft"]).document}


def _described(side: Mapping[str, Any]) -> dict[str, Any]:
    return {name: side[name] for name in DESCRIBED}
