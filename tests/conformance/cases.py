"""Cases for two engines: the expressions of a questionnaire in the order of their scope, over made-up answers."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from portal.forms.fhirpath.evaluation_context import EvaluationContext
from portal.forms.fhirpath.parser import variables_in
from portal.forms.fhirpath.problems import Problem
from portal.forms.fhirpath.questionnaire_expressions import VARIABLE, add_ordinals

FHIRPATH = "text/fhirpath"
GIVEN = frozenset({"resource", "rootResource", "context", "questionnaire", "ucum"})
PATIENT = {
    "resourceType": "Patient",
    "gender": "female",
    "birthDate": "1990-05-17",
    "name": [{"use": "official", "family": "Rivers", "given": ["Sam", "J"], "text": "Sam Rivers"}],
    "address": [{"type": "postal", "line": ["1 Long Road"], "city": "Leeds", "postalCode": "LS1"}],
    "telecom": [{"system": "phone", "use": "home", "value": "0113 000"}],
}


@dataclass
class Step:
    """An expression on an item, with the numbers of the named steps it sees."""

    expression: str
    name: str | None = None
    item: Any = None
    scope: Sequence[int] = ()
    where: str = ""


@dataclass
class Case:
    response: dict[str, Any]
    questionnaire: dict[str, Any]
    steps: list[Step]
    variables: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = jsonable(asdict(self))
        return shown


def jsonable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: jsonable(inner) for name, inner in value.items()}
    return [jsonable(one) for one in value] if isinstance(value, list | tuple) else value


def ours(case: Case) -> list[dict[str, Any]]:
    """What the portal's engine says to every step, in the shape the other one answers in."""
    evaluation = EvaluationContext(case.response, case.questionnaire, datetime.now(UTC), case.variables, seconds=60)
    found: list[list[Any] | Problem] = []
    shown: list[dict[str, Any]] = []
    for step in case.steps:
        known: dict[str, Any] = {}
        for earlier in step.scope:
            name, members = str(case.steps[earlier].name), found[earlier]
            known.pop(name, None)
            if not isinstance(members, Problem):
                known[name] = members
        found.append(evaluation.members(step.expression, step.item, known))
        last = found[-1]
        shown.append(
            {"problem": last.name} if isinstance(last, Problem) else {"values": jsonable(evaluation.to_json(last))}
        )
    return shown


def case_of(questionnaire: dict[str, Any], seed: str) -> Case:
    """A questionnaire with made-up answers; what it expects from outside is there, and empty."""
    response = answered(questionnaire, seed)
    steps = steps_of(questionnaire, response)
    outside: dict[str, Any] = {name: [] for step in steps for name in variables_in(step.expression)}
    given = {name: value for name, value in outside.items() if name not in GIVEN}
    return Case(response, questionnaire, steps, {**given, "patient": PATIENT})


# Steps --------------------------------------------------------------------------------------------------------------


def steps_of(questionnaire: Mapping[str, Any], response: Mapping[str, Any]) -> list[Step]:
    """Every FHIRPath expression of a questionnaire, on the first item of the response it belongs to."""
    steps: list[Step] = []
    _collect(questionnaire, None, response, (), steps)
    return steps


def _collect(
    element: Mapping[str, Any], item: Any, holder: Mapping[str, Any], scope: tuple[int, ...], steps: list[Step]
) -> None:
    where = str(element.get("linkId", ""))
    for extension in element.get("extension", ()):
        expression = extension.get("valueExpression", {})
        if expression.get("language") == FHIRPATH and expression.get("expression"):
            named = extension["url"] == VARIABLE
            name = expression.get("name") if named else None
            steps.append(Step(expression["expression"], name, item, scope, where))
            if named:
                scope = (*scope, len(steps) - 1)
    for child in element.get("item", ()):
        found = [one for one in holder.get("item", ()) if one["linkId"] == child["linkId"]]
        inner = found[0] if found else {"linkId": child["linkId"]}
        answer = inner.get("answer", [{}])[0]
        _collect(child, inner, inner if child["type"] == "group" else answer, scope, steps)


# Made-up answers ------------------------------------------------------------------------------------------------------


def answered(questionnaire: Mapping[str, Any], seed: str, share: float = 0.75) -> dict[str, Any]:
    """A response with about this share of the questions answered at random; the seed decides all of it."""
    chance = random.Random(seed)
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "authored": "2026-03-02T09:30:00Z",
        "item": list(_items(questionnaire, chance, share)),
    }
    add_ordinals(questionnaire, response)
    return response


def _items(element: Mapping[str, Any], chance: random.Random, share: float) -> Iterator[dict[str, Any]]:
    for question in element.get("item", ()):
        if question.get("type") == "display":
            continue
        group = question.get("type") == "group"
        for _ in range(chance.choice((0, 1, 2)) if group and question.get("repeats") else 1):
            item: dict[str, Any] = {"linkId": question["linkId"]}
            inner = list(_items(question, chance, share))
            if group:
                item |= {"item": inner} if inner else {}
            elif chance.random() < share:
                item["answer"] = [_answer(question, chance) | ({"item": inner} if inner else {})]
            if len(item) > 1:
                yield item


def _answer(question: Mapping[str, Any], chance: random.Random) -> dict[str, Any]:
    day = date(2000, 1, 1) + timedelta(days=chance.randrange(9_000))
    options = question.get("answerOption", ())
    if options:
        option = chance.choice(options)
        return {name: copy.deepcopy(value) for name, value in option.items() if name.startswith("value")}
    made: dict[str, dict[str, Any]] = {
        "boolean": {"valueBoolean": chance.random() < 0.6},
        "integer": {"valueInteger": chance.randrange(0, 120)},
        "decimal": {"valueDecimal": chance.choice((0.5, 12, 71.25, 3.75, 180))},
        "date": {"valueDate": day.isoformat()},
        "dateTime": {"valueDateTime": f"{day.isoformat()}T10:20:30Z"},
        "time": {"valueTime": "10:20:30"},
        "quantity": {"valueQuantity": {"value": chance.choice((1, 2.5, 70)), "unit": "kg"}},
        "url": {"valueUri": "https://example.org"},
        "reference": {"valueReference": {"reference": "Patient/1"}},
        "attachment": {"valueAttachment": {"title": "x"}},
    }
    coding = {"valueCoding": {"system": "http://snomed.info/sct", "code": chance.choice(("a", "b")), "display": "A"}}
    return made.get(question["type"], coding if "choice" in question["type"] else {"valueString": chance.choice("abc")})


# Comparing --------------------------------------------------------------------------------------------------------


def same(left: Any, right: Any) -> bool:
    """Equal as JSON, numbers to nine digits."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return abs(left - right) <= 1e-9 * max(1, abs(left), abs(right))
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(same(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return set(left) == set(right) and all(same(left[name], right[name]) for name in left)
    return bool(left == right)
