"""A FHIR R5 Questionnaire as the R4 one that says the same; what R4 cannot say goes into extensions made for that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire."
_KEPT = {
    "copyrightLabel": "valueString",
    "versionAlgorithmString": "valueString",
    "versionAlgorithmCoding": "valueCoding",
}
_PATHS = {"versionAlgorithmString": "versionAlgorithm[x]", "versionAlgorithmCoding": "versionAlgorithm[x]"}
_OPEN = frozenset({"optionsOrType", "optionsOrString"})


def convert_r5(questionnaire: Json) -> dict[str, Any]:
    """The R4 form. `coding`, and any type with options, becomes choice or open-choice as its constraint says."""
    converted = {name: value for name, value in questionnaire.items() if name not in _KEPT}
    for name, kind in _KEPT.items():
        if name in questionnaire:
            _extend(converted, {"url": R5 + _PATHS.get(name, name), kind: questionnaire[name]})
    converted["item"] = [_item(item) for item in questionnaire["item"]]
    return converted


def _item(item: Json) -> dict[str, Any]:
    converted = {name: value for name, value in item.items() if name not in {"answerConstraint", "disabledDisplay"}}
    constraint = item.get("answerConstraint")
    if item.get("type") == "coding" or "answerOption" in item or "answerValueSet" in item:
        converted["type"] = "open-choice" if constraint in _OPEN else "choice"
    if constraint == "optionsOrType":
        _extend(converted, {"url": R5 + "item.answerConstraint", "valueCode": constraint})
    if "disabledDisplay" in item:
        _extend(converted, {"url": R5 + "item.disabledDisplay", "valueCode": item["disabledDisplay"]})
    if "item" in item:
        converted["item"] = [_item(inner) for inner in item["item"]]
    return converted


def _extend(holder: dict[str, Any], extension: Json) -> None:
    holder["extension"] = [*holder.get("extension", ()), extension]
