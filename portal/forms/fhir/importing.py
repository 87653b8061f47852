"""Import a FHIR Questionnaire: refuse it with the reason, or name each loss in its place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.core.errors import MAX_FAULTS, Fault, Invalid
from portal.forms.definition import document as forms
from portal.forms.fhir import checks, questionnaire
from portal.forms.fhir.r5 import convert_r5
from portal.forms.instruments.enrichment import Enrichment, enrich

Places = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A document and its enrichment, what was lost (it degrades the form) and what else is worth knowing."""

    document: dict[str, Any]
    enrichment: Enrichment
    losses: Places = field(default_factory=list)
    notes: Places = field(default_factory=list)


def import_questionnaire(content: Any) -> ImportResult:
    """The document a Questionnaire (FHIR R4, or R5 as far as R4 says the same) becomes. Raises Invalid with places."""
    if (fault := checks.size_problem(content)) is not None:
        raise Invalid(fault)
    notes: Places = []
    if isinstance(content, Mapping) and content.get("resourceType") == "Questionnaire":
        version = checks.version_of(content)
        if version == "STU3":
            raise Invalid(Fault("stu3", "This is a questionnaire of FHIR STU3. Convert it to R4 first.").at("#"))
        if version == "R5" and not list(checks.shape_problems(content, "#")):
            content = convert_r5(content)
            notes.append(("#", "It was written for FHIR R5 and is kept as the R4 form that says the same."))
    faults = []
    for fault in checks.problems(content):
        faults.append(fault)
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise Invalid(*faults)
    document, unused = questionnaire.read(content)
    enrichment = enrich(document, content)
    try:
        forms.parse(enrichment.added_to(document))
    except Invalid as error:
        faults = [fault.at(_in_questionnaire(fault.pointer), fault.block, fault.row) for fault in error.faults]
        raise Invalid(*faults) from error
    notes += checks.notes(content)
    notes += [
        ("#/item", f"The {name} of {link_id} is kept, but not used: it is not one that can be.")
        for link_id, name in unused
        if name != "pattern"
    ]
    return ImportResult(document, enrichment, list(checks.losses(content)), notes)


def check_imported_parts(document: Mapping[str, Any], pointer: str) -> None:
    """Raise Invalid where a document's `fhir` members are not what an import leaves there.

    Authors edit imported documents too. One that is no longer a questionnaire would fail whoever answers it.
    """
    if not _has_imported_parts(document, document.get("blocks", ())):
        return
    sentence = "This is not what an import leaves here. Import the form again, or leave fhir out."
    try:
        written = questionnaire.write(document)
        fault = checks.size_problem(written) or next(checks.problems(written), None)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Invalid(Fault("altered_import", sentence).at(f"{pointer}/fhir")) from error
    if fault is not None:
        template = sentence + " ({place}: {reason})"
        altered = Fault("altered_import", template, place=fault.pointer, reason=fault.detail)
        raise Invalid(altered.at(f"{pointer}/fhir"))


def _has_imported_parts(holder: Mapping[str, Any], blocks: Iterable[Mapping[str, Any]]) -> bool:
    if "fhir" in holder or any("fhir" in one for one in holder.get("options", ())):
        return True
    if any("fhir" in one for one in holder.get("show_if", {}).get("conditions", ())):
        return True
    return any(_has_imported_parts(block, block.get("blocks", ())) for block in blocks)


def _in_questionnaire(pointer: str) -> str:
    """A place in the document as the place in the questionnaire it came from."""
    steps = (_MEMBERS.get(step, step) for step in pointer.split("/"))
    return "/".join(steps)


_MEMBERS = {"blocks": "item", "id": "linkId", "label": "text", "options": "answerOption", "show_if": "enableWhen"}
