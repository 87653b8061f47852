"""Documents of resources, compiled to forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.definition.document import Form, parse
from portal.forms.fhir.importing import check_imported_parts
from portal.forms.text import readings
from portal.library.models import ResourceKind


def compile_document(kind: str, document: Mapping[str, Any], pointer: str = "#/document") -> Form:
    """The form of a document of this kind. Raises Invalid, with pointers into the document, where it has none."""
    if kind == ResourceKind.READING:
        return readings.form_for(document, pointer)
    form = parse(document, pointer)
    check_imported_parts(document, pointer)
    return form
