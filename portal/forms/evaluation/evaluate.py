"""Evaluate a form's expressions against a response: what they show, and what they calculate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from portal.core import clock
from portal.forms.answering.responses import Key, Response, RowPath
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.document import Form
from portal.forms.fhir import questionnaire
from portal.forms.fhir.response import Answered, write
from portal.forms.fhirpath.problems import Problem
from portal.forms.fhirpath.questionnaire_expressions import Place, PreparedQuestionnaire, evaluate_questionnaire


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is visible; the value of each calculated block, by place; and the expressions that failed."""

    visibility: Visibility
    values: Mapping[Key, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    evaluated: Response | None = None
    """The answers the expressions were evaluated against; None where the form has no expressions."""

    def covers(self, response: Response) -> bool:
        """Whether the expressions have the same values for this response."""
        found = self.evaluated
        return found is None or (found.answers == response.answers and found.rows == response.rows)


def visibility_of(form: Form, response: Response) -> Visibility:
    """What a response shows of a form."""
    return evaluate(form, response).visibility


def evaluate(
    form: Form, response: Response, now: datetime | None = None, *, visibility: Visibility | None = None
) -> Evaluation:
    """Evaluate a form against a response. A form without expressions costs nothing but its conditions.

    `visibility` is what the whole response shows, where this is only the part of it that is shared.
    """
    by_conditions = visibility or Visibility(form, response)
    if not form.has_expressions:
        return Evaluation(by_conditions)
    visible = {
        key: answer for key, answer in response.answers.items() if answer.value is not None and by_conditions(*key)
    }
    evaluated = Response(visible, response.rows)
    resource = write(Answered(form, evaluated, counted=True), status="in-progress")
    if form not in _questionnaires:
        _questionnaires[form] = PreparedQuestionnaire(questionnaire.write(form.document))
    outcome = evaluate_questionnaire(_questionnaires[form], resource, now or clock.now())
    paths = _paths(form, response)
    enabled = {key: found for place, found in outcome.enabled.items() if (key := paths(place)) is not None}
    values = {key: found[0] for place, found in outcome.values.items() if found and (key := paths(place)) is not None}
    return Evaluation(visibility or Visibility(form, response, enabled), values, outcome.problems, evaluated)


_questionnaires: WeakKeyDictionary[Form, PreparedQuestionnaire] = WeakKeyDictionary()
"""Each form as a questionnaire, for as long as the form is in memory: expressions refer to items, not to blocks."""


def _paths(form: Form, response: Response) -> Any:
    """From an item's place (which instance of each repeating group around it) to a block and its row."""

    def key(place: Place) -> Key | None:
        link_id, instances = place
        block = form.blocks.get(link_id)
        if block is None:
            return None
        if block.kind.has_rows:
            instances = instances[: len(block.enclosing_logs)]
        if len(instances) != len(block.enclosing_logs):
            return None
        row: RowPath = ()
        for log, instance in zip(block.enclosing_logs, instances, strict=True):
            rows = response.rows_of(log, row)
            if instance >= len(rows):
                return None
            row = rows[instance].path
        return link_id, row

    return key
