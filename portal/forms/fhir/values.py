"""One value of an answer: FHIR's `value[x]`, and the portal's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.definition.blocks import Block
from portal.forms.fhir_elements import options
from portal.forms.fhir_elements.scalars import as_integer, keyed

Json = Mapping[str, Any]
KEYS: Mapping[str, tuple[str, ...]] = {
    "short_text": ("valueString",),
    "long_text": ("valueString",),
    "yes_no": ("valueBoolean",),
    "reading": ("valueBoolean",),
    "scale": ("valueInteger",),
    "date": ("valueDate",),
    "time": ("valueTime",),
    "datetime": ("valueDateTime", "valueDate"),
    "url": ("valueUri", "valueString"),
    "number": ("valueDecimal", "valueInteger"),
    "quantity": ("valueQuantity",),
    "file": ("valueAttachment",),
    "reference": ("valueReference",),
}
"""How the values of a type are written; others are understood too."""
POINTS = {"time": "time", "datetime": "dateTime"}
"""What is answered less strictly than FHIR has it."""


def write(value: Any, block: Block) -> Json:
    """A single value as `value[x]`; one of the values, where an answer has several."""
    kind = block.type
    if kind == "choice":
        return _chosen(value, block)
    if kind == "quantity":
        return {"valueQuantity": _quantity(value, block)}
    if kind == "number":
        whole = None if "decimals" in block.spec else as_integer(value)
        return {"valueDecimal": value} if whole is None else {"valueInteger": whole}
    if kind in POINTS:
        return keyed("value", POINTS[kind], value)
    key = KEYS[kind][0]
    return {key: {_PARTS[key]: value} if key in _PARTS else value}


def _chosen(value: Json, block: Block) -> Json:
    if "code" in value:
        return options.value_of(block.codes[value["code"]])
    return {"valueString": value["other"]} if block.spec.get("other") else {"valueCoding": {"display": value["other"]}}


def _quantity(value: Json, block: Block) -> Json:
    unit = value.get("unit") or None
    for option in block.spec.get("unit_options", ()):
        if unit is not None and unit == option.get("code", option.get("label")):
            named = {"unit": option.get("label", unit)}
            coded = {name: option[name] for name in ("system", "code") if name in option}
            return {"value": value["value"], **named, **coded}
    return {"value": value["value"]} | ({} if unit is None else {"unit": unit})


def read(original: Json, block: Block) -> Any:
    """A value as an answer has it (a choice as a list of one), or None where it cannot be read."""
    keys = [key for key in original if key.startswith("value")]
    if len(keys) != 1 or keys != list(original):
        return None
    key, value = keys[0], original[keys[0]]
    if block.type == "choice":
        return _read_choice(key, original, block)
    if key not in KEYS.get(block.type, ()):
        return None
    if key in _PARTS:
        return value.get(_PARTS[key])
    return _read_quantity(value, block) if block.type == "quantity" else value


_PARTS = {"valueAttachment": "title", "valueReference": "display"}


def _read_choice(key: str, original: Json, block: Block) -> Any:
    code = next((code for code, option in block.codes.items() if options.value_of(option) == original), None)
    if code is not None:
        return [{"code": code}]
    if block.spec.get("other"):
        return [{"other": original[key]}] if key == "valueString" else None
    written = key == "valueCoding" and "options" not in block.spec and list(original[key]) == ["display"]
    return [{"other": original[key]["display"]}] if written else None


def _read_quantity(value: Json, block: Block) -> Any:
    found = {"value": value.get("value"), "unit": value.get("code", value.get("unit"))}
    shown = {name: part for name, part in found.items() if part is not None}
    return shown if "value" in shown and _quantity(shown, block) == value else None
