"""A form of our own as JSON: a resource as it is created, a version as it is read, or a document alone."""

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


def from_native(said: Mapping[str, Any]) -> Imported:
    """The resource it describes; what its card leaves out is filled in, and told. Raises Invalid with places."""
    place, document = next(((f"#/{name}", said[name]) for name in DOCUMENTS if name in said), ("#", said))
    if not isinstance(document, dict) or document.get("schema") not in {forms.SCHEMA, readings.SCHEMA}:
        words = f'Send a FHIR Questionnaire, a REDCap dictionary, or a form of our own with "{forms.SCHEMA}".'
        raise Invalid(Fault("invalid", words).at(f"{place}/schema"))
    kind = said.get("kind", "reading" if document["schema"] == readings.SCHEMA else "exercise")
    if kind not in KINDS:
        raise Invalid(Fault("invalid", f"Use one of: {', '.join(KINDS)}.").at("#/kind"))
    document = {name: part for name, part in document.items() if name not in {"given", "instrument"}}
    compile_document(kind, document, place)
    if "fhir" in document:
        document = enrich(document, questionnaire.write(document)).added_to(document)
    card = {name: said[name] for name in (*DEFAULTS, "title") if name in said and place != "#"}
    card.setdefault("title", document.get("title", "Untitled form"))
    if messages := _card.validate(card):
        raise Invalid(*faults_from(messages))
    filled = sorted(set(DEFAULTS) - set(card))
    notes = [Remark("#", f"The card says nothing on {', '.join(filled)}: look them over.")] if filled else []
    return Imported(kind, {**DEFAULTS, **card}, document, [], notes)
