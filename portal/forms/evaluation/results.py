"""The results of a response, as they are stored with an attempt and shown: scores, then calculated values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from portal.forms.answering.responses import Key, Response
from portal.forms.definition.document import Form
from portal.forms.evaluation.evaluate import Evaluation, evaluate
from portal.forms.evaluation.scoring import ScoreResult, compute_scores

LARGEST = 10**15
PRIVATE = "Some of the answers it counts are private."


def has_results(form: Form) -> bool:
    """Whether a form scores or calculates anything."""
    return bool(form.document.get("scores")) or any("calculated" in block.spec for block in form.blocks.values())


def results(form: Form, response: Response, evaluation: Evaluation | None = None) -> list[dict[str, Any]]:
    """Each declared score with its value or the reason why it has none, then the value of each expression.

    A declared score replaces an expression with the same id.
    """
    if not has_results(form):
        return []
    evaluation = evaluation or evaluate(form, response)
    declared = [_declared_result(one) for one in compute_scores(form, response, evaluation.visibility)]
    covered = {one["id"] for one in declared}
    found = [
        _calculated_result(form, key, value)
        for key, value in evaluation.values.items()
        if key[0] not in covered and evaluation.visibility(*key)
    ]
    return [*declared, *found]


def _declared_result(result: ScoreResult) -> dict[str, Any]:
    return {
        "id": result.id,
        "label": result.label,
        "value": result.value,
        "reason": result.reason,
        "band": result.band,
        "minimum": result.minimum,
        "maximum": result.maximum,
        "answered": result.answered,
        "of": result.of,
    }


def _calculated_result(form: Form, key: Key, value: Any) -> dict[str, Any]:
    spec = form.blocks[key[0]].spec
    value = value.get("value", value.get("display", value.get("code"))) if isinstance(value, Mapping) else value
    reason = None
    if (
        isinstance(value, int | float | Decimal)
        and not isinstance(value, bool)
        and not Decimal(str(value)).copy_abs() <= LARGEST
    ):
        value, reason = None, "This result is too large to be shown."
    found = {"id": key[0], "label": spec.get("label", key[0]), "value": value, "reason": reason, "band": None}
    return {**found, "row": list(key[1])} if key[1] else found


def submitted_results(form: Form, whole: Response, shared: Response, evaluation: Evaluation) -> list[dict[str, Any]]:
    """What a submitted response evaluates to, from the answers that are shared.

    An expression that would count a private number has no value at all, so that nobody can work the answer out.
    """
    private = [form.blocks[block] for block, row in whole.answers if (block, row) not in shared.answers]
    if any(block.kind.has_number for block in private):
        declared = results(form, shared, Evaluation(evaluation.visibility))
        return [*declared, *_redacted_results(form, declared)]
    if evaluation.covers(shared):
        return results(form, shared, evaluation)
    return results(form, shared, evaluate(form, shared, visibility=evaluation.visibility))


def _redacted_results(form: Form, found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The results of a form's expressions without their values."""
    known = {one["id"] for one in found}
    return [
        {"id": block.id, "label": block.spec.get("label", block.id), "value": None, "reason": PRIVATE, "band": None}
        for block in form.blocks.values()
        if block.type == "score" and "calculated" in block.spec and block.id not in known and not block.row_logs
    ]


def strip_bands(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The results without any interpretation: no bands, and no results that are words."""
    return [
        {name: part for name, part in one.items() if name != "band"}
        for one in found
        if not isinstance(one["value"], str)
    ]


def values_by_block(form: Form, found: Iterable[Mapping[str, Any]]) -> dict[Key, Any]:
    """The value for each block that shows a result."""
    values = {(one["id"], tuple(one.get("row", ()))): one["value"] for one in found}
    shown = {key: value for key, value in values.items() if key[0] in form.blocks}
    for block in form.blocks.values():
        if block.type == "score" and (block.spec.get("score"), ()) in values:
            shown[block.id, ()] = values[block.spec["score"], ()]
    return {key: value for key, value in shown.items() if value is not None}
