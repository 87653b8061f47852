"""Options to choose from: FHIR answer options and value sets, and the options of a choice."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.scalars import keyed

Json = Mapping[str, Any]
Option = dict[str, Any]
KINDS: Mapping[str, str] = {
    "valueString": "string",
    "valueInteger": "integer",
    "valueDate": "date",
    "valueTime": "time",
}
KEYS = {kind: key for key, kind in KINDS.items()}
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def read(original: Json, taken: dict[str, int]) -> Option | None:
    """An option with a code that no earlier one has (`taken` counts them); None where there is nothing to choose."""
    option = _read_option(original)
    if option is None:
        return None
    code = option["code"]
    while option["code"] in taken:
        taken[code] += 1
        option["code"] = f"{code}~{taken[code]}"
    taken[option["code"]] = 1
    if write(option) != original:
        option["fhir"] = original
    return option


def _read_option(original: Json) -> Option | None:
    option = _coded(original) if "valueCoding" in original else _valued(original)
    if option is None:
        return None
    extensions = [*original.get("extension", ()), *original.get("valueCoding", {}).get("extension", ())]
    for extension in extensions:
        url = extension.get("url")
        if url in {urls.ORDINAL, urls.ITEM_WEIGHT} and _is_number(extension.get("valueDecimal")):
            option.setdefault("score", extension["valueDecimal"])
        elif url == urls.OPTION_PREFIX and extension.get("valueString"):
            option["prefix"] = extension["valueString"]
        elif url == urls.OPTION_EXCLUSIVE and isinstance(extension.get("valueBoolean"), bool):
            option["exclusive"] = extension["valueBoolean"]
        elif url == urls.LABEL and extension.get("valueString"):
            option["label"] = extension["valueString"]
    if isinstance(original.get("initialSelected"), bool):
        option["selected"] = original["initialSelected"]
    return option


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _coded(original: Json) -> Option | None:
    coding = original["valueCoding"]
    code = coding.get("code") or coding.get("display")
    if not code:
        return None
    option = {"code": code}
    if coding.get("display"):
        option["label"] = coding["display"]
    if coding.get("system"):
        option["system"] = coding["system"]
    return option


def _valued(original: Json) -> Option | None:
    for key, kind in KINDS.items():
        if isinstance(original.get(key), str | int) and original[key] != "":
            text = str(original[key])
            return {
                "code": text,
                "label": text,
                "as": kind if kind != "integer" or _WHOLE.fullmatch(text) else "string",
            }
    if original.get("valueReference", {}).get("reference"):
        reference = original["valueReference"]
        label = reference.get("display") or reference["reference"]
        return {"code": reference["reference"], "label": label, "as": "reference"}
    return None


def value_of(option: Json) -> Json:
    """The `value[x]` of an answer that chooses this option."""
    kind = option.get("as")
    original = option.get("fhir", {})
    code = option["code"]
    if kind is None:
        coding = original.get("valueCoding")
        if coding is not None and _is_same_value(option, original):
            return {"valueCoding": {name: part for name, part in coding.items() if name != "extension"}}
        return {"valueCoding": _without_none(system=option.get("system"), code=code, display=option.get("label"))}
    if original and _is_same_value(option, original):
        return {name: part for name, part in original.items() if name.startswith("value")}
    if kind == "reference":
        return {"valueReference": _without_none(reference=code, display=option.get("label"))}
    return keyed("value", kind, int(code) if kind == "integer" else code)


def _is_same_value(option: Json, original: Json) -> bool:
    """Whether an option still has the value it was imported with."""
    before = _read_option(original) or {}
    return all(option.get(name) == before.get(name) for name in ("label", "system", "as")) and (
        option["code"] == before.get("code") or option["code"].startswith(f"{before.get('code')}~")
    )


def _without_none(**members: Any) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def write(option: Json) -> Json:
    """The answer option an option is by itself."""
    plain = value_of({name: part for name, part in option.items() if name != "fhir"})
    written: dict[str, Any] = {name: dict(part) if isinstance(part, Mapping) else part for name, part in plain.items()}
    extensions: list[Json] = []
    if "prefix" in option:
        extensions.append({"url": urls.OPTION_PREFIX, "valueString": option["prefix"]})
    if "exclusive" in option:
        extensions.append({"url": urls.OPTION_EXCLUSIVE, "valueBoolean": option["exclusive"]})
    if option.get("as", "reference") != "reference" and option.get("label", option["code"]) != option["code"]:
        extensions.append({"url": urls.LABEL, "valueString": option["label"]})
    if "score" in option:
        ordinal = {"url": urls.ORDINAL, "valueDecimal": option["score"]}
        if "valueCoding" in written:
            written["valueCoding"]["extension"] = [ordinal]
        else:
            extensions.append(ordinal)
    if extensions:
        written["extension"] = extensions
    if "selected" in option:
        written["initialSelected"] = option["selected"]
    return written


def restore(option: Json) -> Json:
    """The imported answer option, as long as the option has not changed; else a new one."""
    original = option.get("fhir")
    if original is None:
        return write(option)
    before = _read_option(original) or {}
    same = all(option.get(name) == before.get(name) for name in _COMPARED_MEMBERS) and _is_same_value(option, original)
    return original if same else write(option)


_COMPARED_MEMBERS = ("score", "prefix", "exclusive", "selected")


# Value sets -------------------------------------------------------------------------------------------------------


def of_value_set(address: str, contained: Sequence[Json]) -> list[Option] | None:
    """The options of a value set that is contained in the form; None for an external one."""
    found = next((one for one in contained if address.startswith("#") and one.get("id") == address[1:]), None)
    if found is None or found.get("resourceType") != "ValueSet":
        return None
    codings = list(_expanded(found)) or list(_composed(found, contained))
    taken: dict[str, int] = {}
    options = [read({"valueCoding": coding}, taken) for coding in codings]
    return [option for option in options if option is not None] or None


def _expanded(value_set: Json) -> Iterable[Json]:
    waiting = list(value_set.get("expansion", {}).get("contains", ()))
    while waiting:
        one = waiting.pop(0)
        if not one.get("abstract") and one.get("code"):
            yield {name: one[name] for name in ("system", "code", "display", "extension") if name in one}
        waiting[:0] = one.get("contains", ())


def _composed(value_set: Json, contained: Sequence[Json]) -> Iterable[Json]:
    for include in value_set.get("compose", {}).get("include", ()):
        concepts = include.get("concept")
        if concepts is None and not include.get("filter") and not include.get("valueSet"):
            systems = [one for one in contained if one.get("resourceType") == "CodeSystem"]
            concepts = next((one.get("concept") for one in systems if one.get("url") == include.get("system")), None)
        for concept in concepts or ():
            coding = {name: concept[name] for name in ("code", "display", "extension") if name in concept}
            yield {"system": include["system"], **coding} if "system" in include else coding
