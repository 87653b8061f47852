"""Import of the portal's own JSON: a resource as it is created, a version as it is read, or a document alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.core.errors import Fault, Invalid
from portal.core.wire import faults_from
from portal.forms.definition import document as forms
from portal.forms.fhir import questionnaire
from portal.forms.imports import DEFAULTS, Imported, Remark
from portal.forms.instruments.enrichment import enrich
from portal.forms.text import readings
from portal.library.documents import compile_document
from portal.library.schemas.resource import KINDS, ChangeResourceSchema

DOCUMENTS = ("source", "draft", "document")
_card = ChangeResourceSchema()


def from_native(content: Mapping[str, Any]) -> Imported:
    """The resource it describes; notes name the defaults of what its card lacks. Raises Invalid with places."""
    place, document = next(((f"#/{name}", content[name]) for name in DOCUMENTS if name in content), ("#", content))
    if not isinstance(document, dict) or document.get("schema") not in {forms.SCHEMA, readings.SCHEMA}:
        sentence = 'Send a FHIR Questionnaire, a REDCap dictionary, or a form of the portal with "{schema}".'
        raise Invalid(Fault("unknown_schema", sentence, schema=forms.SCHEMA).at(f"{place}/schema"))
    kind = content.get("kind", "reading" if document["schema"] == readings.SCHEMA else "exercise")
    if kind not in KINDS:
        raise Invalid(Fault("not_a_choice", "Use one of: {choices}.", choices=", ".join(KINDS)).at("#/kind"))
    document = {name: part for name, part in document.items() if name not in {"given", "instrument"}}
    compile_document(kind, document, place)
    if "fhir" in document:
        document = enrich(document, questionnaire.write(document)).added_to(document)
    card = {name: content[name] for name in (*DEFAULTS, "title") if name in content and place != "#"}
    card.setdefault("title", document.get("title", "Untitled form"))
    if messages := _card.validate(card):
        raise Invalid(*faults_from(messages))
    filled = sorted(set(DEFAULTS) - set(card))
    notes = [Remark("#", f"The file has no {', '.join(filled)}. Check the defaults.")] if filled else []
    return Imported(kind, {**DEFAULTS, **card}, document, [], notes)
