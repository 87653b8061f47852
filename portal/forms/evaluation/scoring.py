"""Compute the scores an author declares from a response.

An item is a block with a number behind its answer (an option's score, a scale, a number, a quantity, yes as 1) or a
score declared before. A hidden question counts neither as answered nor as missing. All arithmetic is decimal, and
scoring never raises: a score without a value has a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from itertools import pairwise
from typing import Any

from portal.forms.answering.responses import Response, RowPath, row_paths
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.evaluation.evaluate import visibility_of

_CONTEXT = Context(prec=34, traps=[])
_PLACES = Decimal("1e-10")
_LARGEST = Decimal("1e15")


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """A score; `value` is None, with a `reason`, where too many answers are missing.

    `minimum` and `maximum` are what all items together can give, where they are bounded.
    """

    id: str
    label: str
    value: Decimal | None
    answered: int
    missing: int
    of: int
    minimum: Decimal | None
    maximum: Decimal | None
    band: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    """The values of one item, one for each row in which it is visible; None where it is missing."""

    values: Sequence[Decimal | None]
    minimum: Decimal | None
    maximum: Decimal | None


def compute_scores(
    form: Form, response: Response, visibility: Callable[[str, RowPath], bool] | None = None
) -> list[ScoreResult]:
    """Every score the form declares, in its order."""
    declared: Sequence[Mapping[str, Any]] = form.document.get("scores") or ()
    visible = visibility or visibility_of(form, response)
    items: dict[str, _Item] = {}
    results: list[ScoreResult] = []
    with localcontext(_CONTEXT):
        for score in declared:
            for name in score["items"]:
                if name not in items:
                    items[name] = _item(form.blocks[name], response, visible)
            results.append(_result(score, items, form.blocks))
            items[score["id"]] = _as_item(results[-1])
    return results


def _as_item(result: ScoreResult) -> _Item:
    """A score as an item of a later one; without values where all its items are hidden."""
    return _Item([result.value] if result.of else [], result.minimum, result.maximum)


def _item(block: Block, response: Response, visibility: Callable[[str, RowPath], bool]) -> _Item:
    values = [
        numeric_value(block, response.value(block.id, row))
        for row in row_paths(response, block)
        if visibility(block.id, row)
    ]
    low, high = (None, None) if block.row_logs else block.kind.bounds(block.spec)
    return _Item(values, low, high)


def _result(score: Mapping[str, Any], items: Mapping[str, _Item], blocks: Mapping[str, Block]) -> ScoreResult:
    reverse = set(score.get("reverse", ()))
    chosen = [_reversed(blocks[name], items[name]) if name in reverse else items[name] for name in score["items"]]
    values = [value for item in chosen for value in item.values]
    answered_values = [value for value in values if value is not None]
    missing, method, factor = (
        len(values) - len(answered_values),
        METHODS[score["method"]],
        _decimal(score.get("multiply", 1)),
    )
    reason = _no_score_reason(score, len(answered_values), missing)
    value = None if reason else _rounded(factor * method(_prorated(score, answered_values, missing)))
    if value is None and not reason:
        reason = "The answers are too large to score."
    low, high = _range(method, chosen, factor)
    band = None if value is None else band_for(score.get("bands", ()), value)
    label = score.get("label", score["id"])
    return ScoreResult(score["id"], label, value, len(answered_values), missing, len(values), low, high, band, reason)


def _no_score_reason(score: Mapping[str, Any], answered: int, missing: int) -> str | None:
    """Why this score has no value, or None."""
    most = score.get("missing", {}).get("max", 0)
    if not answered:
        return "None of its items is answered." if missing else "None of its items is shown."
    if missing > most:
        rule = f"{most} may be missing" if most else "every item is needed"
        return f"{missing} of {answered + missing} items are not answered; {rule}."
    return None


def _prorated(score: Mapping[str, Any], answered_values: Sequence[Decimal], missing: int) -> Sequence[Decimal]:
    """The values with the mean of the answered ones in place of the missing, where the score prorates."""
    if not missing or not score.get("missing", {}).get("prorate"):
        return answered_values
    return [*answered_values, *[_mean(answered_values)] * missing]


def _sum(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal())


def _mean(values: Sequence[Decimal]) -> Decimal:
    return _sum(values) / len(values)


def _count(values: Sequence[Decimal]) -> Decimal:
    return Decimal(sum(value > 0 for value in values))


METHODS: Mapping[str, Callable[[Sequence[Decimal]], Decimal]] = {
    "sum": _sum,
    "mean": _mean,
    "count": _count,
    "max": max,
    "min": min,
}


def _range(
    method: Callable[[Sequence[Decimal]], Decimal], items: Sequence[_Item], factor: Decimal
) -> tuple[Decimal | None, Decimal | None]:
    lows = [item.minimum for item in items if item.minimum is not None]
    highs = [item.maximum for item in items if item.maximum is not None]
    ends = [
        _rounded(factor * method(values)) if len(values) == len(items) and values else None for values in (lows, highs)
    ]
    return (ends[1], ends[0]) if factor < 0 else (ends[0], ends[1])


def _rounded(value: Decimal) -> Decimal | None:
    """The value to ten places, without trailing zeros; None where it is not finite or too large."""
    if not value.is_finite() or abs(value) > _LARGEST:
        return None
    rounded = value.quantize(_PLACES, ROUND_HALF_UP).normalize()
    exponent = rounded.as_tuple().exponent
    return rounded.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else rounded


def band_for(bands: Iterable[Mapping[str, Any]], value: Decimal) -> str | None:
    """The label of the band a value lies in; between two whole-numbered neighbours it is rounded, half up."""
    ordered = list(bands)
    for band, following in pairwise(ordered):
        high, low = _decimal(band.get("max", value)), _decimal(following.get("min", value))
        if low - high == 1 and high < value < low:
            value = value.quantize(Decimal(1), ROUND_HALF_UP)
            break
    for band in ordered:
        if _decimal(band.get("min", value)) <= value <= _decimal(band.get("max", value)):
            return str(band["label"])
    return None


def numeric_value(block: Block, answer: Any) -> Decimal | None:
    """What an answer counts; several values count together. None where any of them has no number behind it."""
    if answer is None:
        return None
    numbers = [block.kind.number(block.spec, value) for value in block.kind.values_of(answer)]
    known = [number for number in numbers if number is not None]
    return _sum(known) if known and len(known) == len(numbers) else None


def _decimal(value: Any) -> Decimal:
    return Decimal(str(value)) if isinstance(value, float) else Decimal(value)


def _reversed(block: Block, item: _Item) -> _Item:
    low, high = block.kind.bounds(block.spec)
    if low is None or high is None:
        return item
    values = [None if value is None else low + high - value for value in item.values]
    return _Item(values, item.minimum, item.maximum)
