"""Resources with one defect each, and the two sound ones they are made from: what a validator has to tell apart."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

Resource = dict[str, Any]
Spoiled = Callable[[Resource], Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"

FORM: Resource = {
    "resourceType": "Questionnaire",
    "status": "active",
    "subjectType": ["Patient"],
    "date": "2026-03-02",
    "title": "How it went",
    "item": [
        {
            "linkId": "mood",
            "type": "choice",
            "text": "How was it?",
            "answerOption": [
                {"valueCoding": {"code": "well", "display": "Well"}},
                {"valueCoding": {"code": "badly", "display": "Badly"}},
            ],
        },
        {"linkId": "days", "type": "integer", "text": "On how many days?"},
        {
            "linkId": "more",
            "type": "group",
            "text": "More",
            "enableBehavior": "any",
            "enableWhen": [
                {"question": "mood", "operator": "=", "answerCoding": {"code": "badly"}},
                {"question": "days", "operator": ">", "answerInteger": 3},
            ],
            "item": [
                {"linkId": "what", "type": "text", "text": "What happened?"},
                {"linkId": "thanks", "type": "display", "text": "Thank you."},
            ],
        },
    ],
}

RESPONSE: Resource = {
    "resourceType": "QuestionnaireResponse",
    "questionnaire": "urn:uuid:01980c5e-7d2a-7c3b-9f10-000000000001",
    "status": "completed",
    "subject": {"reference": "Patient/01980c5e-7d2a-7c3b-9f10-000000000002"},
    "authored": "2026-03-02T09:30:00Z",
    "item": [
        {"linkId": "mood", "answer": [{"valueCoding": {"code": "badly", "display": "Badly"}}]},
        {"linkId": "days", "answer": [{"valueInteger": 4}]},
        {"linkId": "more", "item": [{"linkId": "what", "answer": [{"valueString": "Much."}]}]},
    ],
}


def put(*path: str | int, value: Any) -> Spoiled:
    """Another value in this place."""

    def spoil(resource: Any) -> None:
        for step in path[:-1]:
            resource = resource[step]
        resource[path[-1]] = value

    return spoil


def drop(*path: str | int) -> Spoiled:
    """Nothing in this place."""

    def spoil(resource: Any) -> None:
        for step in path[:-1]:
            resource = resource[step]
        del resource[path[-1]]

    return spoil


def _extended(url: str, **value: Any) -> Spoiled:
    return put("item", 1, "extension", value=[{"url": url, **value}])


DEFECTS: Mapping[str, tuple[Resource, Spoiled]] = {
    "no status": (FORM, drop("status")),
    "a status that is none": (FORM, put("status", value="finished")),
    "a member FHIR does not have": (FORM, put("colour", value="red")),
    "a member an item does not have": (FORM, put("item", 0, "colour", value="red")),
    "a title that is a number": (FORM, put("title", value=7)),
    "an empty title": (FORM, put("title", value="")),
    "a day that is none": (FORM, put("date", value="02.03.2026")),
    "an item that is no list": (FORM, put("item", value={"linkId": "mood", "type": "string"})),
    "no linkId": (FORM, drop("item", 0, "linkId")),
    "no type": (FORM, drop("item", 0, "type")),
    "a type that is none": (FORM, put("item", 1, "type", value="number")),
    "a linkId twice": (FORM, put("item", 2, "item", 0, "linkId", value="mood")),
    "required that is a text": (FORM, put("item", 1, "required", value="true")),
    "a longest length that is a text": (FORM, put("item", 1, "maxLength", value="4")),
    "a group without items": (FORM, drop("item", 2, "item")),
    "a display with items": (FORM, put("item", 2, "item", 1, "item", value=[{"linkId": "x", "type": "string"}])),
    "a display that is required": (FORM, put("item", 2, "item", 1, "required", value=True)),
    "options for a group": (FORM, put("item", 2, "answerOption", value=[{"valueInteger": 1}])),
    "options and something to begin with": (
        FORM,
        put("item", 0, "initial", value=[{"valueCoding": {"code": "well"}}]),
    ),
    "an option of two kinds": (FORM, put("item", 0, "answerOption", 0, "valueString", value="well")),
    "an option of no kind": (FORM, put("item", 0, "answerOption", 0, value={"initialSelected": True})),
    "a code with a space before it": (
        FORM,
        put("item", 0, "answerOption", 0, "valueCoding", "code", value=" well"),
    ),
    "an operator that is none": (FORM, put("item", 2, "enableWhen", 0, "operator", value="~")),
    "a condition that compares with nothing": (FORM, drop("item", 2, "enableWhen", 0, "answerCoding")),
    "a condition that compares with two things": (
        FORM,
        put("item", 2, "enableWhen", 0, "answerString", value="badly"),
    ),
    "existence that is a number": (FORM, put("item", 2, "enableWhen", 1, "operator", value="exists")),
    "several conditions and no word on whether all": (FORM, drop("item", 2, "enableBehavior")),
    "a condition on an item there is not": (FORM, put("item", 2, "enableWhen", 0, "question", value="gone")),
    "an extension FHIR does not have": (FORM, _extended(CORE + "questionnaire-colour", valueString="red")),
    "an extension with a value of the wrong type": (
        FORM,
        _extended(CORE + "questionnaire-hidden", valueString="true"),
    ),
    "an extension without an address": (FORM, put("item", 1, "extension", value=[{"valueString": "red"}])),
    "an extension with nothing in it": (FORM, _extended("https://example.org/colour")),
    "a whole number with decimals": (FORM, put("item", 2, "enableWhen", 1, "answerInteger", value=3.5)),
    "a response without a status": (RESPONSE, drop("status")),
    "a response with a status that is none": (RESPONSE, put("status", value="done")),
    "a moment without a time zone": (RESPONSE, put("authored", value="2026-03-02T09:30:00")),
    "a moment without seconds": (RESPONSE, put("authored", value="2026-03-02T09:30Z")),
    "a subject that is a text": (RESPONSE, put("subject", value="Patient/1")),
    "an answer of two kinds": (RESPONSE, put("item", 1, "answer", 0, "valueString", value="4")),
    "an answer of a kind there is not": (RESPONSE, put("item", 1, "answer", 0, value={"valueNumber": 4})),
    "an answer that is no list": (RESPONSE, put("item", 1, "answer", value={"valueInteger": 4})),
    "an empty text": (RESPONSE, put("item", 2, "item", 0, "answer", 0, "valueString", value="")),
    "a time of day without seconds": (RESPONSE, put("item", 1, "answer", 0, value={"valueTime": "10:20"})),
    "a number of more than 32 bits": (RESPONSE, put("item", 1, "answer", 0, "valueInteger", value=2**31)),
    "an item without a linkId": (RESPONSE, drop("item", 1, "linkId")),
    "items both in an item and in its answer": (
        RESPONSE,
        put(
            "item",
            2,
            value={
                "linkId": "more",
                "item": [{"linkId": "what", "answer": [{"valueString": "x"}]}],
                "answer": [{"valueString": "x", "item": [{"linkId": "thanks", "answer": [{"valueString": "x"}]}]}],
            },
        ),
    ),
}
"""What is wrong, with the resource it is wrong in."""

MISFITS: Mapping[str, Spoiled] = {
    "an answer to what is not asked": put("item", 1, "linkId", value="nights"),
    "an answer of another type": put("item", 1, "answer", value=[{"valueDecimal": 4}]),
    "an option there is not": put("item", 0, "answer", 0, "valueCoding", "code", value="so-so"),
    "two answers to a question that takes one": put("item", 1, "answer", value=[{"valueInteger": n} for n in (1, 2)]),
    "an answer to a group": put("item", 2, value={"linkId": "more", "answer": [{"valueString": "x"}]}),
    "an item in the wrong group": put("item", 2, "item", 0, "linkId", value="days"),
    "a question of its own beside an answer": put("item", 1, "item", value=[{"linkId": "what"}]),
    "other words than were asked": put("item", 1, "text", value="How often?"),
    "a group that does not repeat, twice": put("item", 1, value={"linkId": "more", "item": []}),
}
"""What is wrong with a response only beside its questionnaire."""


def spoiled(resource: Resource, spoil: Spoiled) -> Resource:
    changed = copy.deepcopy(resource)
    spoil(changed)
    return changed
