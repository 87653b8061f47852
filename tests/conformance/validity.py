"""Whether a resource is valid FHIR R4: medplum, the official JSON Schema, and what neither of them looks at."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft6Validator

from portal.core import decimal_json

Json = Mapping[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
VALUES: Mapping[str, frozenset[str]] = {
    "boolean": frozenset({"valueBoolean"}),
    "decimal": frozenset({"valueDecimal"}),
    "integer": frozenset({"valueInteger"}),
    "date": frozenset({"valueDate"}),
    "dateTime": frozenset({"valueDateTime"}),
    "time": frozenset({"valueTime"}),
    "string": frozenset({"valueString"}),
    "text": frozenset({"valueString"}),
    "url": frozenset({"valueUri"}),
    "attachment": frozenset({"valueAttachment"}),
    "reference": frozenset({"valueReference"}),
    "quantity": frozenset({"valueQuantity"}),
}
"""What answers a question of each type; a choice is answered with one of its options."""
OWN_WORDS = {"open-choice": "valueString"}
MOST_WHOLE = 2**31
"""FHIR's integer has 32 bits."""
_UNDEFINED = {"Resource": {"$ref": "#/definitions/ResourceList"}, "integer64": {"type": "string"}}
"""What the packaged schema refers to and does not define."""


class Validator:
    """Every tool there is, over many resources at once: loading the definitions is what takes long."""

    def __init__(self, definitions: Path, node: Callable[..., Any]) -> None:
        self._node = node
        schema = json.loads((definitions / "fhir.schema.json").read_bytes())
        parts = {**_UNDEFINED, **schema["definitions"]}
        self._schemas = {
            kind: Draft6Validator({"$ref": f"#/definitions/{kind}", "definitions": parts})
            for kind in ("Questionnaire", "QuestionnaireResponse")
        }
        self._extensions = _extensions(json.loads((definitions / "extension-definitions.json").read_bytes()))

    def problems(self, resources: Sequence[Json]) -> list[list[str]]:
        """For each resource, what is wrong with it, each with the tool that says so."""
        as_sent = [json.loads(decimal_json.dumps(resource)) for resource in resources]
        found = []
        for resource, theirs in zip(as_sent, self._node("validate.mjs", as_sent), strict=True):
            schema = self._schemas[resource["resourceType"]].iter_errors(resource)
            found.append(
                [
                    *(f"medplum: {one}" for one in theirs),
                    *(f"schema: {'/'.join(map(str, one.instance_path))}: {one.message[:200]}" for one in schema),
                    *(f"ours: {one}" for one in self._ours(resource)),
                ]
            )
        return found

    def _ours(self, resource: Json) -> Iterator[str]:
        if resource["resourceType"] == "Questionnaire":
            yield from _of_questionnaire(resource)
        yield from _whole_numbers(resource)
        for extension in _within(resource, "extension"):
            yield from self._of_extension(extension)

    def _of_extension(self, extension: Json) -> Iterator[str]:
        url = extension.get("url", "")
        if not isinstance(url, str) or not url.startswith(CORE):
            return
        if url not in self._extensions:
            yield f"FHIR has no extension {url}"
            return
        keys = {key for key in extension if key.startswith("value")}
        if not keys <= self._extensions[url]:
            yield f"{url} takes no {', '.join(sorted(keys))}"


def _extensions(bundle: Json) -> dict[str, frozenset[str]]:
    """The extensions of FHIR itself, each with the members that may carry its value."""
    found = {}
    for entry in bundle["entry"]:
        definition = entry["resource"]
        if definition.get("type") != "Extension":
            continue
        values = [one for one in definition["snapshot"]["element"] if one["id"] == "Extension.value[x]"]
        kinds = [kind["code"] for one in values if one["max"] != "0" for kind in one["type"]]
        found[definition["url"]] = frozenset(f"value{kind[0].upper()}{kind[1:]}" for kind in kinds)
    return found


def _within(node: Any, name: str) -> Iterator[Json]:
    """Every object in a list of this name, however deep."""
    if isinstance(node, list):
        for one in node:
            yield from _within(one, name)
    elif isinstance(node, dict):
        for key, inner in node.items():
            if key == name and isinstance(inner, list):
                yield from (one for one in inner if isinstance(one, dict))
            yield from _within(inner, name)


def _of_questionnaire(questionnaire: Json) -> Iterator[str]:
    items = list(_within(questionnaire.get("item", []), "item"))
    items += [one for one in questionnaire.get("item", ()) if isinstance(one, dict)]
    names = Counter(item.get("linkId") for item in items)
    yield from (f"several items are {name}" for name, count in names.items() if count > 1)
    for item in items:
        conditions = item.get("enableWhen", ())
        if len(conditions) > 1 and "enableBehavior" not in item:
            yield f"{item.get('linkId')} does not say whether all of its conditions are needed"
        for condition in conditions:
            if condition.get("question") not in names:
                yield f"{item.get('linkId')} waits for {condition.get('question')}, which is no item"


def _whole_numbers(node: Any, key: str = "") -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _whole_numbers(one, key)
    elif isinstance(node, dict):
        for inner, value in node.items():
            yield from _whole_numbers(value, inner)
    elif key in {"valueInteger", "answerInteger"} and not (
        isinstance(node, int) and not isinstance(node, bool) and -MOST_WHOLE <= node < MOST_WHOLE
    ):
        yield f"{node} is no whole number of 32 bits"


# A response beside its questionnaire ---------------------------------------------------------------------------------


def misfits(response: Json, questionnaire: Json) -> list[str]:
    """Where a response does not have the shape its questionnaire asks for."""
    return list(_misfits(response.get("item", ()), questionnaire.get("item", ())))


def _misfits(items: Sequence[Json], asked: Sequence[Json]) -> Iterator[str]:
    by_name = {item["linkId"]: item for item in asked}
    order = [item["linkId"] for item in asked]
    places = [order.index(item["linkId"]) for item in items if item["linkId"] in by_name]
    if places != sorted(places):
        yield f"the order of {[item['linkId'] for item in items]} is another"
    for name, count in Counter(item["linkId"] for item in items).items():
        if count > 1 and not (name in by_name and by_name[name]["type"] == "group" and by_name[name].get("repeats")):
            yield f"{name} stands there {count} times"
    for item in items:
        question = by_name.get(item["linkId"])
        if question is None:
            yield f"{item['linkId']} is not asked there"
        else:
            yield from _misfits_of(item, question)


def _misfits_of(item: Json, question: Json) -> Iterator[str]:
    name, kind, children = item["linkId"], question["type"], question.get("item", ())
    if "text" in item and item["text"] != question.get("text"):
        yield f"{name} has other words"
    answers = item.get("answer", ())
    if kind in {"group", "display"}:
        if answers:
            yield f"{name} is a {kind}, and answered"
        yield from _misfits(item.get("item", ()), children)
        return
    if "item" in item:
        yield f"{name} is a question with items outside of its answers"
    if len(answers) > 1 and not question.get("repeats"):
        yield f"{name} has {len(answers)} answers"
    for answer in answers:
        value = {key: part for key, part in answer.items() if key.startswith("value")}
        if value and not _answers(value, question):
            yield f"{name} is of type {kind}, and answered with {value}"
        yield from _misfits(answer.get("item", ()), children)


def _answers(value: Json, question: Json) -> bool:
    kind = question["type"]
    if kind not in {"choice", "open-choice"}:
        return set(value) <= VALUES[kind]
    if set(value) == {OWN_WORDS.get(kind)}:
        return True
    if "answerOption" not in question:
        return set(value) == {"valueCoding"}
    options = [
        {key: _bare(part) for key, part in option.items() if key.startswith("value")}
        for option in question["answerOption"]
    ]
    return {key: _bare(part) for key, part in value.items()} in options


def _bare(part: Any) -> Any:
    return {key: one for key, one in part.items() if key != "extension"} if isinstance(part, Mapping) else part
