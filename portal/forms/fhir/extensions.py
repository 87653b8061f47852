"""The members of a block that are FHIR extensions: each is read and written in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.controls import code_in, fhirpath_in
from portal.forms.fhir_elements.scalars import keyed
from portal.forms.kinds.schemas import VariableSchema
from portal.forms.kinds.text import CALLOUTS, CATEGORIES, CONTROLS

Json = Mapping[str, Any]
_variable = VariableSchema()


@dataclass(frozen=True, slots=True)
class Property:
    """A member of a block and the extension for it; a listed one has an extension for each of its values."""

    name: str
    url: str
    read: Callable[[Json], Any]
    write: Callable[[Any, Json], Json]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class PropertyExtension:
    """A value of a property with the extension that is written for it."""

    name: str
    value: Any
    extension: Json


def _scalar_property(name: str, url: str, kind: str, *types: type) -> Property:
    """A property that is one value, as `value<kind>`."""

    def read(extension: Json) -> Any:
        value = extension.get(f"value{kind}")
        right = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        return value if right else None

    return Property(name, url, read, lambda value, _item: {"url": url, f"value{kind}": value})


def _bound_property(name: str, url: str) -> Property:
    """A least or greatest value, in the type of the item."""

    def read(extension: Json) -> Any:
        values = [value for key, value in extension.items() if key.startswith("value")]
        is_one = len(values) == 1 and isinstance(values[0], int | Decimal | str) and not isinstance(values[0], bool)
        return values[0] if is_one else None

    def write(value: Any, item: Json) -> Json:
        kind = item["type"] if item["type"] != "quantity" else "decimal"
        return {"url": url, **keyed("value", kind, value)}

    return Property(name, url, read, write)


def _concept_property(name: str, url: str, system: str, known: frozenset[str] | None = None) -> Property:
    def read(extension: Json) -> Any:
        code = code_in(extension)
        return code if known is None or code in known else None

    def write(value: Any, _item: Json) -> Json:
        return {"url": url, "valueCodeableConcept": {"coding": [{"system": system, "code": value}]}}

    return Property(name, url, read, write)


def _expression_property(name: str, url: str) -> Property:
    """A FHIRPath expression; one in another language is not read."""

    def write(value: Any, _item: Json) -> Json:
        return {"url": url, "valueExpression": {"language": urls.FHIRPATH, "expression": value}}

    return Property(name, url, fhirpath_in, write)


def _read_variable(extension: Json) -> Any:
    expression = extension.get("valueExpression", {})
    content = {name: expression[name] for name in ("name", "expression") if name in expression}
    return None if expression.get("language") != urls.FHIRPATH or _variable.validate(content) else content


def _write_variable(value: Any, _item: Json) -> Json:
    content = {"name": value["name"], "language": urls.FHIRPATH, "expression": value["expression"]}
    return {"url": urls.VARIABLE, "valueExpression": content}


def _read_unit(extension: Json) -> Any:
    coding = extension.get("valueCoding", {})
    return coding.get("display") or coding.get("code")


def _read_unit_option(extension: Json) -> Any:
    coding = extension.get("valueCoding", {})
    found = {ours: coding[theirs] for ours, theirs in _UNIT.items() if theirs in coding}
    return found if found.keys() & {"code", "label"} else None


_UNIT = {"code": "code", "system": "system", "label": "display"}


def _write_unit_option(value: Any, _item: Json) -> Json:
    return {
        "url": urls.UNIT_OPTION,
        "valueCoding": {theirs: value[ours] for ours, theirs in _UNIT.items() if ours in value},
    }


def _read_risk(extension: Json) -> Any:
    parts = {part.get("url"): part for part in extension.get("extension", [])}
    values = [value for key, value in parts.get("value", {}).items() if key.startswith("value")]
    op = parts.get("operator", {}).get("valueCode")
    return {"op": op, "value": values[0]} if op is not None and len(values) == 1 else None


def _write_risk(value: Any, _item: Json) -> Json:
    return {
        "url": urls.RISK,
        "extension": [
            {"url": "operator", "valueCode": value["op"]},
            {"url": "value", f"value{scalar_kind(value['value'])}": value["value"]},
        ],
    }


def scalar_kind(value: Any) -> str:
    """The FHIR type of a JSON scalar, as it ends `value...` and `answer...`."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, str):
        return "String"
    return "Integer" if isinstance(value, int) else "Decimal"


PROPERTIES: tuple[Property, ...] = (
    _scalar_property("hidden", urls.HIDDEN, "Boolean", bool),
    _concept_property("style", urls.DISPLAY_CATEGORY, urls.DISPLAY_CATEGORIES, frozenset(CATEGORIES)),
    _concept_property("style", urls.ITEM_CONTROL, urls.ITEM_CONTROLS, frozenset(CONTROLS)),
    _scalar_property("style", urls.CALLOUT, "Code", str),
    _concept_property("widget", urls.ITEM_CONTROL, urls.ITEM_CONTROLS),
    _expression_property("show_if_expr", urls.ENABLE_WHEN),
    _expression_property("calculated", urls.CALCULATED),
    Property("variables", urls.VARIABLE, _read_variable, _write_variable, listed=True),
    _scalar_property("placeholder", urls.ENTRY_FORMAT, "String", str),
    _scalar_property("pattern", urls.REGEX, "String", str),
    _scalar_property("min_length", urls.MIN_LENGTH, "Integer", int),
    _bound_property("min", urls.MIN_VALUE),
    _bound_property("max", urls.MAX_VALUE),
    _scalar_property("decimals", urls.MAX_DECIMAL_PLACES, "Integer", int),
    _scalar_property("step", urls.SLIDER_STEP, "Integer", int),
    _scalar_property("step", urls.STEP, "Decimal", Decimal, float),
    _scalar_property("min_rows", urls.MIN_OCCURS, "Integer", int),
    _scalar_property("max_rows", urls.MAX_OCCURS, "Integer", int),
    _scalar_property("orientation", urls.ORIENTATION, "Code", str),
    _scalar_property("other_label", urls.OPEN_LABEL, "String", str),
    Property("unit", urls.UNIT, _read_unit, lambda value, _item: {"url": urls.UNIT, "valueCoding": {"display": value}}),
    Property("unit_options", urls.UNIT_OPTION, _read_unit_option, _write_unit_option, listed=True),
    Property("risk", urls.RISK, _read_risk, _write_risk, listed=True),
    _scalar_property("share", urls.SHARE, "Code", str),
    _scalar_property("row_label", urls.ROW_LABEL, "String", str),
    _scalar_property("min_label", urls.MIN_LABEL, "String", str),
    _scalar_property("max_label", urls.MAX_LABEL, "String", str),
    _scalar_property("score", urls.SHOWS_SCORE, "String", str),
)
_STYLED = {
    **dict.fromkeys(CALLOUTS, urls.CALLOUT),
    **dict.fromkeys(CONTROLS, urls.ITEM_CONTROL),
    **dict.fromkeys(CATEGORIES, urls.DISPLAY_CATEGORY),
}


def values_in(extension: Json, has_member: Callable[[str], bool]) -> Iterable[tuple[Property, Any]]:
    """The properties an extension can be read as, with their values, for a block that has these members."""
    for one in PROPERTIES:
        if one.url == extension.get("url") and has_member(one.name) and (value := one.read(extension)) is not None:
            yield one, value


def write_all(block: Json, item: Json) -> list[PropertyExtension]:
    """The extensions for a block's members, in their usual order."""
    return [
        PropertyExtension(one.name, value, one.write(value, item))
        for one in PROPERTIES
        if block.get(one.name) is not None and _is_chosen(one, block)
        for value in (block[one.name] if one.listed else [block[one.name]])
    ]


def _is_chosen(one: Property, block: Json) -> bool:
    """Whether this is the extension for the block's value, where a property has several."""
    if one.name == "style":
        return _STYLED[block["style"]] == one.url
    if one.name == "step":
        return (urls.SLIDER_STEP if isinstance(block["step"], int) else urls.STEP) == one.url
    return True


# The order of extensions -----------------------------------------------------------------------------------------


def remembered_order(
    extensions: Iterable[Json], plain: list[PropertyExtension], read: Mapping[int, PropertyExtension]
) -> list[Any] | None:
    """What must be remembered of a list of extensions; None where writing the block gives the same list.

    A URL stands for the extension that is written anyway, `{"for": property, "as": extension}` for one that expresses a
    property in another way, and an extension for itself where no property models it. `read` has the properties read.
    """
    kept: list[Any] = []
    left = list(plain)
    for index, extension in enumerate(extensions):
        content = read.get(index)
        same = [one for one in left if one.extension == extension]
        if content is None:
            kept.append(extension)
        elif same:
            left.remove(same[0])
            kept.append(extension["url"])
        else:
            kept.append({"for": content.name, "as": extension})
    return None if kept == [one.extension["url"] for one in plain] else kept


def restore_order(kept: Iterable[Any], plain: list[PropertyExtension], read: Callable[[str, Json], Any]) -> list[Json]:
    """Extensions in the remembered order, as far as the block still has their values; new ones at the end."""
    left = list(plain)
    order: list[Json] = []

    def take(fits: Callable[[PropertyExtension], bool]) -> PropertyExtension | None:
        found = next((one for one in left if fits(one)), None)
        if found is not None:
            left.remove(found)
        return found

    for entry in kept:
        if isinstance(entry, str):
            plainly = take(lambda one, url=entry: one.extension["url"] == url)  # type: ignore[misc]  # -- bound as it goes
            if plainly is not None:
                order.append(plainly.extension)
        elif "for" in entry and "as" in entry:
            value = read(entry["for"], entry["as"])
            if take(lambda one, name=entry["for"], content=value: (one.name, one.value) == (name, content)):  # type: ignore[misc]  # -- as above
                order.append(entry["as"])
        else:
            order.append(entry)
    return [*order, *(one.extension for one in left)]


def value_of(name: str, extension: Json) -> Any:
    """The value an extension has for the property of this name, or None."""
    return next((value for one, value in values_in(extension, lambda known: known == name)), None)
