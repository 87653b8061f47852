"""What a form comes to over a response: what its expressions show and calculate."""

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
from portal.forms.fhirpath.questionnaire_expressions import Place, evaluate_questionnaire


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is shown; the value of each calculated block, by place; and what could not be worked out."""

    shown: Visibility
    values: Mapping[Key, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def visibility_of(form: Form, response: Response) -> Visibility:
    """What a response shows of a form."""
    return evaluate(form, response).shown


def evaluate(
    form: Form, response: Response, now: datetime | None = None, *, shown: Visibility | None = None
) -> Evaluation:
    """Work a form out over a response. A form without expressions costs nothing but its conditions.

    `shown` is what the whole response shows, where this is only the part of it that is shared.
    """
    plainly = shown or Visibility(form, response)
    if not form.has_expressions:
        return Evaluation(plainly)
    seen = {key: answer for key, answer in response.answers.items() if answer.value is not None and plainly(*key)}
    resource = write(Answered(form, Response(seen, response.rows), counted=True), status="in-progress")
    if form not in _questionnaires:
        _questionnaires[form] = questionnaire.write(form.document)
    outcome = evaluate_questionnaire(_questionnaires[form], resource, now or clock.now())
    paths = _paths(form, response)
    enabled = {key: found for place, found in outcome.enabled.items() if (key := paths(place)) is not None}
    values = {key: one[0] for place, one in outcome.values.items() if one and (key := paths(place)) is not None}
    return Evaluation(shown or Visibility(form, response, enabled), values, outcome.problems)


_questionnaires: WeakKeyDictionary[Form, Mapping[str, Any]] = WeakKeyDictionary()
"""The questionnaire each form is, as long as the form is kept: expressions speak of it, not of blocks."""


def _paths(form: Form, response: Response) -> Any:
    """From an item's place (which instance of each repeating group around it) to a block and its row."""

    def key(place: Place) -> Key | None:
        link_id, instances = place
        block = form.blocks.get(link_id)
        if block is None:
            return None
        if block.type == "log":
            instances = instances[: len(block.around)]
        if len(instances) != len(block.around):
            return None
        row: RowPath = ()
        for log, instance in zip(block.around, instances, strict=True):
            rows = response.rows_of(log, row)
            if instance >= len(rows):
                return None
            row = rows[instance].path
        return link_id, row

    return key
