"""Item controls and other coded extensions of an item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.fhir_elements import urls

Json = Mapping[str, Any]


def code_in(extension: Json) -> str | None:
    """The first code of an extension's CodeableConcept."""
    codings = extension.get("valueCodeableConcept", {}).get("coding", [])
    codes = [coding.get("code") for coding in codings if isinstance(coding.get("code"), str)]
    return codes[0] if codes else None


def item_control(item: Json) -> str | None:
    """The code of an item's first item control."""
    for extension in item.get("extension", ()):
        if extension.get("url") == urls.ITEM_CONTROL:
            return code_in(extension)
    return None


def item_control_extension(code: str, system: str = urls.ITEM_CONTROLS) -> Json:
    return {"url": urls.ITEM_CONTROL, "valueCodeableConcept": {"coding": [{"system": system, "code": code}]}}


def fhirpath_in(extension: Json) -> Any:
    """The FHIRPath expression an extension holds; None where it is in another language."""
    expression = extension.get("valueExpression", {})
    return expression.get("expression") if expression.get("language") == urls.FHIRPATH else None
