"""When an item is shown: enableWhen and enableBehavior, and conditions of a block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.forms.fhir.extensions import scalar_kind
from portal.forms.fhir_elements.scalars import keyed

Json = Mapping[str, Any]
ANSWER_MEMBERS = {
    "boolean": "answerBoolean",
    "integer": "answerInteger",
    "decimal": "answerDecimal",
    "quantity": "answerQuantity",
    "date": "answerDate",
    "dateTime": "answerDateTime",
    "time": "answerTime",
    "string": "answerString",
    "text": "answerString",
    "url": "answerString",
    "choice": "answerCoding",
    "open-choice": "answerCoding",
    "reference": "answerReference",
}


def read(item: Json, types: Mapping[str, Json]) -> dict[str, Any]:
    """Which conditions show an item. Without enableBehavior one of several is enough, as it was before R4."""
    found = []
    for original in item["enableWhen"]:
        condition = _read_condition(original, types)
        if _write_condition(condition, types) != original:
            condition["fhir"] = original
        found.append(condition)
    shown: dict[str, Any] = {"conditions": found}
    if "enableBehavior" in item:
        shown = {"match": item["enableBehavior"], **shown}
    elif len(found) > 1:
        shown = {"match": "any", **shown}
    return shown


def _read_condition(original: Json, types: Mapping[str, Json]) -> dict[str, Any]:
    (key, value), *_ = ((key, value) for key, value in original.items() if key.startswith("answer"))
    question, op = types.get(original["question"], {}), original["operator"]
    if op != "exists" and question.get("type") in {"choice", "open-choice"}:
        value = _option_code(key.removeprefix("answer"), value, question["values"])
    return {"block": original["question"], "op": op, "value": _scalar(value)}


def _option_code(kind: str, value: Any, values: Mapping[str, Json]) -> Any:
    """The code of the option an answer means; what it says itself, where there is no such option."""
    for code, one in values.items():
        if f"value{kind}" in one and _is_option(one[f"value{kind}"], value):
            return code
    return value if isinstance(value, Mapping) else str(value)


def _is_option(option: Any, answer: Any) -> bool:
    if not isinstance(option, Mapping) or not isinstance(answer, Mapping):
        return bool(option == answer)
    named = [name for name in ("system", "code", "reference") if name in answer]
    return bool(named) and all(option.get(name) == answer[name] for name in named)


def _scalar(value: Any) -> Any:
    """A value as conditions compare it: a coding by its code, a quantity by its number."""
    if isinstance(value, Mapping):
        return next((value[name] for name in ("code", "display", "value", "reference") if name in value), "")
    return value


def write(show_if: Json, types: Mapping[str, Json]) -> Json:
    """The members of an item that say this."""
    conditions = [_restore(one, types) for one in show_if["conditions"]]
    if "match" in show_if:
        return {"enableWhen": conditions, "enableBehavior": show_if["match"]}
    return {"enableWhen": conditions} | ({"enableBehavior": "all"} if len(conditions) > 1 else {})


def _restore(condition: Json, types: Mapping[str, Json]) -> Json:
    original = condition.get("fhir")
    if original is None:
        return _write_condition(condition, types)
    read_back = _read_condition(original, types)
    same = all(read_back[name] == condition[name] for name in ("block", "op", "value"))
    return original if same else _write_condition(condition, types)


def _write_condition(condition: Json, types: Mapping[str, Json]) -> Json:
    value, op = condition["value"], condition["op"]
    members = {"question": condition["block"], "operator": op}
    if op == "exists":
        return {**members, "answerBoolean": value}
    question = types.get(condition["block"], {})
    key = ANSWER_MEMBERS.get(question.get("type", ""), f"answer{scalar_kind(value)}")
    if key == "answerCoding":
        return {**members, **_coded(value, question)}
    if key == "answerQuantity":
        return {**members, key: {"value": value}}
    if key == "answerReference":
        return {**members, key: {"reference": value}}
    kind = key.removeprefix("answer")
    return {**members, **keyed("answer", f"{kind[0].lower()}{kind[1:]}", value)}


def _coded(code: Any, question: Json) -> Json:
    """A comparison with an option of a choice, in the option's own kind."""
    for kind, value in question.get("values", {}).get(code, {}).items():
        if kind == "valueCoding":
            return {"answerCoding": {name: value[name] for name in ("system", "code") if name in value}}
        return {f"answer{kind.removeprefix('value')}": value}
    return {"answerCoding": {"code": code}}
