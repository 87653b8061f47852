"""Extensions and the properties of a block they say: each read and written in one place."""

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
    """A property of a block and the extension that says it; a listed one has one extension for each of its values."""

    name: str
    url: str
    read: Callable[[Json], Any]
    write: Callable[[Any, Json], Json]
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """An extension as it would be written plainly, with the property and value it says."""

    name: str
    value: Any
    extension: Json


def _plain(name: str, url: str, kind: str, *types: type) -> Property:
    """A property that is one value, as `value<kind>`."""

    def read(extension: Json) -> Any:
        value = extension.get(f"value{kind}")
        right = isinstance(value, types) and (bool in types or not isinstance(value, bool))
        return value if right else None

    return Property(name, url, read, lambda value, _item: {"url": url, f"value{kind}": value})


def _bound(name: str, url: str) -> Property:
    """A least or greatest value, in the type of the item."""

    def read(extension: Json) -> Any:
        values = [value for key, value in extension.items() if key.startswith("value")]
        is_one = len(values) == 1 and isinstance(values[0], int | Decimal | str) and not isinstance(values[0], bool)
        return values[0] if is_one else None

    def write(value: Any, item: Json) -> Json:
        kind = item["type"] if item["type"] != "quantity" else "decimal"
        return {"url": url, **keyed("value", kind, value)}

    return Property(name, url, read, write)


def _concept(name: str, url: str, system: str, known: frozenset[str] | None = None) -> Property:
    def read(extension: Json) -> Any:
        code = code_in(extension)
        return code if known is None or code in known else None

    def write(value: Any, _item: Json) -> Json:
        return {"url": url, "valueCodeableConcept": {"coding": [{"system": system, "code": value}]}}

    return Property(name, url, read, write)


def _expression(name: str, url: str) -> Property:
    """A FHIRPath expression; one in another language is not read."""

    def write(value: Any, _item: Json) -> Json:
        return {"url": url, "valueExpression": {"language": urls.FHIRPATH, "expression": value}}

    return Property(name, url, fhirpath_in, write)


def _read_variable(extension: Json) -> Any:
    expression = extension.get("valueExpression", {})
    said = {name: expression[name] for name in ("name", "expression") if name in expression}
    return None if expression.get("language") != urls.FHIRPATH or _variable.validate(said) else said


def _write_variable(value: Any, _item: Json) -> Json:
    said = {"name": value["name"], "language": urls.FHIRPATH, "expression": value["expression"]}
    return {"url": urls.VARIABLE, "valueExpression": said}


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
    _plain("hidden", urls.HIDDEN, "Boolean", bool),
    _concept("style", urls.DISPLAY_CATEGORY, urls.DISPLAY_CATEGORIES, frozenset(CATEGORIES)),
    _concept("style", urls.ITEM_CONTROL, urls.ITEM_CONTROLS, frozenset(CONTROLS)),
    _plain("style", urls.CALLOUT, "Code", str),
    _concept("widget", urls.ITEM_CONTROL, urls.ITEM_CONTROLS),
    _expression("show_if_expr", urls.ENABLE_WHEN),
    _expression("calculated", urls.CALCULATED),
    Property("variables", urls.VARIABLE, _read_variable, _write_variable, listed=True),
    _plain("placeholder", urls.ENTRY_FORMAT, "String", str),
    _plain("pattern", urls.REGEX, "String", str),
    _plain("min_length", urls.MIN_LENGTH, "Integer", int),
    _bound("min", urls.MIN_VALUE),
    _bound("max", urls.MAX_VALUE),
    _plain("decimals", urls.MAX_DECIMAL_PLACES, "Integer", int),
    _plain("step", urls.SLIDER_STEP, "Integer", int),
    _plain("step", urls.STEP, "Decimal", Decimal, float),
    _plain("min_rows", urls.MIN_OCCURS, "Integer", int),
    _plain("max_rows", urls.MAX_OCCURS, "Integer", int),
    _plain("orientation", urls.ORIENTATION, "Code", str),
    _plain("other_label", urls.OPEN_LABEL, "String", str),
    Property("unit", urls.UNIT, _read_unit, lambda value, _item: {"url": urls.UNIT, "valueCoding": {"display": value}}),
    Property("unit_options", urls.UNIT_OPTION, _read_unit_option, _write_unit_option, listed=True),
    Property("risk", urls.RISK, _read_risk, _write_risk, listed=True),
    _plain("share", urls.SHARE, "Code", str),
    _plain("row_label", urls.ROW_LABEL, "String", str),
    _plain("min_label", urls.MIN_LABEL, "String", str),
    _plain("max_label", urls.MAX_LABEL, "String", str),
    _plain("score", urls.SHOWS_SCORE, "String", str),
)
_STYLED = {
    **dict.fromkeys(CALLOUTS, urls.CALLOUT),
    **dict.fromkeys(CONTROLS, urls.ITEM_CONTROL),
    **dict.fromkeys(CATEGORIES, urls.DISPLAY_CATEGORY),
}


def readings(extension: Json, taken: Callable[[str], bool]) -> Iterable[tuple[Property, Any]]:
    """What an extension says to a block that has the properties `taken` tells of; nothing, where it is not modelled."""
    for one in PROPERTIES:
        if one.url == extension.get("url") and taken(one.name) and (value := one.read(extension)) is not None:
            yield one, value


def written(block: Json, item: Json) -> list[Written]:
    """The extensions that say a block's properties, plainly and in their usual order."""
    return [
        Written(one.name, value, one.write(value, item))
        for one in PROPERTIES
        if block.get(one.name) is not None and _says(one, block)
        for value in (block[one.name] if one.listed else [block[one.name]])
    ]


def _says(one: Property, block: Json) -> bool:
    """Whether this is the extension for the block's value, of several that can say the property."""
    if one.name == "style":
        return _STYLED[block["style"]] == one.url
    if one.name == "step":
        return (urls.SLIDER_STEP if isinstance(block["step"], int) else urls.STEP) == one.url
    return True


# The order of extensions -----------------------------------------------------------------------------------------


def kept_order(extensions: Iterable[Json], plain: list[Written], read: Mapping[int, Written]) -> list[Any] | None:
    """What has to be remembered of a list of extensions; None where writing it plainly gives the very same.

    An address stands for the extension that is written plainly, `{"for": property, "as": extension}` for one that says
    a property in another way, and an extension itself for what is not modelled. `read` is what each index said.
    """
    kept: list[Any] = []
    left = list(plain)
    for index, extension in enumerate(extensions):
        said = read.get(index)
        same = [one for one in left if one.extension == extension]
        if said is None:
            kept.append(extension)
        elif same:
            left.remove(same[0])
            kept.append(extension["url"])
        else:
            kept.append({"for": said.name, "as": extension})
    return None if kept == [one.extension["url"] for one in plain] else kept


def restored(kept: Iterable[Any], plain: list[Written], read: Callable[[str, Json], Any]) -> list[Json]:
    """Extensions in the order that was kept, as far as the block still says what they said; new ones at the end."""
    left = list(plain)
    order: list[Json] = []

    def take(fits: Callable[[Written], bool]) -> Written | None:
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
            if take(lambda one, name=entry["for"], said=value: (one.name, one.value) == (name, said)):  # type: ignore[misc]  # -- as above
                order.append(entry["as"])
        else:
            order.append(entry)
    return [*order, *(one.extension for one in left)]


def reading_of(name: str, extension: Json) -> Any:
    """What an extension says to the property of this name, or None."""
    return next((value for one, value in readings(extension, lambda known: known == name)), None)
