"""All expressions of a FHIR questionnaire over one response, as SDC defines them: variables, then calculated values.

Variables of the form see those before them; an item's variables see those around it. Calculated values are written
into a copy of the response and everything is evaluated again until nothing changes. A repeating group is evaluated
instance by instance, and the children of a question answer by answer. Not supported: expressions inside contained
resources, cqf-expression and CQL, x-fhir-query, launch context, and an answer's own extension holding an expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from portal.forms.fhir_elements import urls
from portal.forms.fhirpath.evaluation_context import EvaluationContext, exact_json
from portal.forms.fhirpath.problems import CIRCULAR, Problem

VARIABLE, ORDINAL = urls.VARIABLE, urls.ORDINAL
CALCULATED = (urls.CALCULATED, urls.CORE + "questionnaire-calculatedExpression")
ENABLED = (urls.ENABLE_WHEN, urls.CORE + "questionnaire-enableWhenExpression")
MAX_EXPRESSIONS = 1_000
MAX_ROUNDS = 8
VALUE_OF = {
    "boolean": "valueBoolean",
    "decimal": "valueDecimal",
    "integer": "valueInteger",
    "date": "valueDate",
    "dateTime": "valueDateTime",
    "time": "valueTime",
    "string": "valueString",
    "text": "valueString",
    "url": "valueUri",
    "choice": "valueCoding",
    "open-choice": "valueCoding",
    "quantity": "valueQuantity",
    "reference": "valueReference",
    "attachment": "valueAttachment",
}
TOO_DEEP = Problem("too_costly", "This form is nested too deeply to be evaluated.")
Place = tuple[str, tuple[int, ...]]
"""A linkId, and which instance of each repeating group (or answer with children) around it, outermost first."""
TOO_MANY = Problem("too_costly", f"This form has more than {MAX_EXPRESSIONS} expressions.")


@dataclass
class Outcome:
    """Calculated values and whether items are enabled, by place; and the expressions that failed."""

    values: dict[Place, list[Any]] = field(default_factory=dict)
    enabled: dict[Place, bool] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def values_of(self, link_id: str) -> list[Any]:
        """The values at the first place of this item."""
        return next((found for (name, _), found in self.values.items() if name == link_id), [])


def expressions_of(element: Mapping[str, Any], *addresses: str) -> Iterator[Mapping[str, Any]]:
    """The valueExpressions of an element's extensions with one of these addresses."""
    for extension in _objects_in(element, "extension"):
        if extension.get("url") in addresses:
            found = extension.get("valueExpression")
            if isinstance(found, Mapping) and isinstance(found.get("expression"), str):
                yield found


def _objects_in(element: Mapping[str, Any], name: str) -> list[Any]:
    """The objects in a list of an element; anything else in it is skipped."""
    found = element.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _children(element: Mapping[str, Any]) -> list[Any]:
    return _objects_in(element, "item")


class PreparedQuestionnaire:
    """A questionnaire with what evaluating it needs and no response changes; worth keeping for as long as the form."""

    def __init__(self, questionnaire: Mapping[str, Any]) -> None:
        self._source = questionnaire
        self.expression_count = _count_expressions(questionnaire, set())

    @cached_property
    def content(self) -> Mapping[str, Any]:
        """The questionnaire as the engine reads it."""
        content: Mapping[str, Any] = exact_json(self._source)
        return content

    @cached_property
    def ordinals(self) -> Mapping[tuple[str, ...], Any]:
        return _ordinals(self.content)

    @cached_property
    def items_with_expressions(self) -> frozenset[int]:
        """The items that have an expression or contain one that has, by identity."""
        found: set[int] = set()
        _count_expressions(self.content, found)
        return frozenset(found)


def _count_expressions(element: Mapping[str, Any], counted: set[int]) -> int:
    """How many expressions an element has with everything in it; adds the elements that have any to `counted`."""
    own = sum(1 for _ in expressions_of(element, VARIABLE, *CALCULATED, *ENABLED))
    total = own + sum(_count_expressions(child, counted) for child in _children(element))
    if total:
        counted.add(id(element))
    return total


def evaluate_questionnaire(
    questionnaire: Mapping[str, Any] | PreparedQuestionnaire,
    response: Mapping[str, Any],
    now: datetime,
    variables: Mapping[str, Any] | None = None,
) -> Outcome:
    """Evaluate every expression of a questionnaire over a response. Never raises; neither argument is changed."""
    try:
        if not isinstance(questionnaire, PreparedQuestionnaire):
            questionnaire = PreparedQuestionnaire(questionnaire)
        return _evaluate_until_stable(questionnaire, response, now, variables)
    except RecursionError:
        return Outcome(problems=[TOO_DEEP])


def _evaluate_until_stable(
    prepared: PreparedQuestionnaire,
    response: Mapping[str, Any],
    now: datetime,
    variables: Mapping[str, Any] | None,
) -> Outcome:
    if not prepared.expression_count:
        return Outcome()
    if prepared.expression_count > MAX_EXPRESSIONS:
        return Outcome(problems=[TOO_MANY])
    evaluation = EvaluationContext(response, prepared.content, now, variables, questionnaire_is_exact=True)
    _write_ordinals(prepared.ordinals, evaluation.resource)
    outcome = Outcome()
    for _ in range(MAX_ROUNDS):
        before, outcome = outcome.values, _Round(prepared, evaluation).outcome
        if outcome.values == before:
            return outcome
    outcome.problems.append(CIRCULAR)
    return outcome


def add_ordinals(questionnaire: Mapping[str, Any], response: dict[str, Any]) -> None:
    """Put each option's ordinal value into the codings that answer with it, in place: instruments read it there."""
    _write_ordinals(_ordinals(questionnaire), response)


def _ordinals(questionnaire: Mapping[str, Any]) -> Mapping[tuple[str, ...], Any]:
    """The ordinal value of each option that has one."""
    ordinals: dict[tuple[str, ...], Any] = {}
    for item in _items_below(questionnaire):
        for option in _objects_in(item, "answerOption"):
            coding = option.get("valueCoding")
            for extension in [*_objects_in(option, "extension"), *_objects_in(coding or {}, "extension")]:
                if extension.get("url") == ORDINAL and isinstance(coding, Mapping):
                    ordinals[_option_key(item, coding)] = extension.get("valueDecimal", extension.get("valueInteger"))
    return ordinals


def _write_ordinals(ordinals: Mapping[tuple[str, ...], Any], response: Mapping[str, Any]) -> None:
    for item in _items_below(response) if ordinals else ():
        for answer in _objects_in(item, "answer"):
            coding = answer.get("valueCoding")
            if isinstance(coding, dict) and (ordinal := ordinals.get(_option_key(item, coding))) is not None:
                others = [one for one in _objects_in(coding, "extension") if one.get("url") != ORDINAL]
                coding["extension"] = [*others, {"url": ORDINAL, "valueDecimal": Decimal(str(ordinal))}]


def _option_key(item: Mapping[str, Any], coding: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one) for one in (item.get("linkId"), coding.get("system"), coding.get("code")))


def _items_below(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every item under an element, and under its answers."""
    for item in _children(element):
        yield item
        yield from _items_below(item)
        for answer in _objects_in(item, "answer"):
            yield from _items_below(answer)


class _Round:
    """Every expression once, in the order of the form; calculated values are written where later ones read them."""

    def __init__(self, prepared: PreparedQuestionnaire, evaluation: EvaluationContext) -> None:
        self.outcome = Outcome()
        self._evaluation = evaluation
        self._items_with_expressions = prepared.items_with_expressions
        questionnaire = prepared.content
        whole = evaluation.resource
        self._walk(questionnaire, [whole], (), self._scope(questionnaire, None, {}, ""))

    def _scope(
        self, element: Mapping[str, Any], item: Any, around: Mapping[str, Any], link_id: str
    ) -> Mapping[str, Any]:
        """The variables around an element and its own, each seeing those before it."""
        own = dict(around)
        for expression in expressions_of(element, VARIABLE):
            name = expression.get("name")
            if isinstance(name, str):
                found = self._members(expression, item, own, link_id)
                if found is None:
                    own.pop(name, None)
                else:
                    own[name] = found
        return own

    def _members(
        self, expression: Mapping[str, Any], item: Any, scope: Mapping[str, Any], link_id: str
    ) -> list[Any] | None:
        if expression.get("language", "text/fhirpath") != "text/fhirpath":
            problem = Problem("not_supported", "The portal evaluates only FHIRPath.")
        else:
            found = self._evaluation.members(expression["expression"], item, scope)
            if not isinstance(found, Problem):
                return found
            problem = found
        self.outcome.problems.append(replace(problem, where=link_id))
        return None

    def _walk(
        self,
        element: Mapping[str, Any],
        holders: Sequence[dict[str, Any]],
        path: tuple[int, ...],
        scope: Mapping[str, Any],
    ) -> None:
        """Evaluate the items below an element; `holders` is the chain of response items down to its own."""
        there: dict[str, list[dict[str, Any]]] = {}
        for item in _children(holders[-1]):
            there.setdefault(str(item.get("linkId")), []).append(item)
        for question in _children(element):
            if id(question) not in self._items_with_expressions:
                continue
            link_id = str(question.get("linkId"))
            found = there.get(link_id, [])
            repeats = bool(question.get("repeats")) and question.get("type") == "group"
            if repeats and not found:
                self._enable(question, {"linkId": link_id}, (*path, 0), scope)
            for index, item in enumerate(found if repeats else found[:1] or [{"linkId": link_id}]):
                inner = (*path, index) if repeats else path
                self._item(question, [*holders, item], inner, scope)

    def _item(
        self,
        question: Mapping[str, Any],
        holders: Sequence[dict[str, Any]],
        path: tuple[int, ...],
        scope: Mapping[str, Any],
    ) -> None:
        item, link_id = holders[-1], str(question.get("linkId"))
        known = self._enable(question, item, path, scope)
        for expression in expressions_of(question, *CALCULATED):
            found = self._members(expression, item, known, link_id)
            self._write(question, holders, [] if found is None else self._evaluation.to_json(found))
            if found is not None:
                self.outcome.values[link_id, path] = self._evaluation.to_json(found)
        if question.get("type") == "group" or not question.get("item"):
            self._walk(question, holders, path, known)
            return
        several = bool(question.get("repeats"))
        answers = _objects_in(item, "answer")
        for index, answer in enumerate(answers if several else answers[:1] or [{}]):
            self._walk(question, [*holders, answer], (*path, index) if several else path, known)

    def _enable(
        self, question: Mapping[str, Any], item: Any, path: tuple[int, ...], scope: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Record whether an item is enabled; the variables in its scope."""
        link_id = str(question.get("linkId"))
        known = {**self._scope(question, item, scope, link_id), "qitem": dict(question)}
        for expression in expressions_of(question, *ENABLED):
            found = self._members(expression, item, known, link_id)
            if found is not None:
                self.outcome.enabled[link_id, path] = self._evaluation.to_json(found) == [True]
        return known

    def _write(self, question: Mapping[str, Any], holders: Sequence[dict[str, Any]], values: Sequence[Any]) -> None:
        name = VALUE_OF.get(str(question.get("type")))
        if name is None:
            return
        item = holders[-1]
        before = _objects_in(item, "answer")
        answers = [{name: _converted_value(name, value)} for value in values if value is not None]
        for answer, earlier in zip(answers, before, strict=False):
            answer.update({"item": earlier["item"]} if "item" in earlier else {})
        if answers == before:
            return
        self._evaluation.clear_keys()
        if not answers:
            item.pop("answer")
            return
        item["answer"] = answers
        for outer, inner in pairwise(holders):
            name = "item" if "linkId" in inner else "answer"
            kept = outer.get(name)
            if not isinstance(kept, list):
                kept = outer[name] = []
            if not any(one is inner for one in kept):
                kept.append(inner)


def _converted_value(name: str, value: Any) -> Any:
    """A calculated value as the type of its item."""
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if name == "valueQuantity" and number:
        return {"value": value}
    if name == "valueInteger" and isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value
