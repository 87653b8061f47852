"""What a declared score may say: its shape, and how it fits the blocks and the scores before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from portal.core.errors import Fault, Faults
from portal.core.wire import BoundedList, EnumString, Line, StrictBoolean, WireSchema, faults_from
from portal.forms.definition.blocks import Block

METHODS = ("sum", "mean", "count", "max", "min")
MOST_SCORES = 50
MOST_ITEMS = 500
MOST_BANDS = 20
LARGEST = 1_000_000
VALUED = frozenset({"choice", "scale", "number", "quantity", "yes_no"})
REVERSIBLE = frozenset({"choice", "scale", "yes_no"})


class BoundedNumber(fields.Field[Any]):
    """A JSON number of at most a million either way, whole or decimal."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            msg = "Use a number."
            raise ValidationError(msg)
        if not -LARGEST <= value <= LARGEST:
            msg = f"Use a number from -{LARGEST} to {LARGEST}."
            raise ValidationError(msg)
        return value


class MissingSchema(WireSchema):
    """How many items may be missing, and whether the others stand in for them with their mean."""

    max = fields.Integer(required=True, strict=True, validate=validate.Range(0, MOST_ITEMS))
    prorate = StrictBoolean()


class BandSchema(WireSchema):
    """A stretch of a score with a name; both ends belong to it."""

    min = BoundedNumber()
    max = BoundedNumber()
    label = Line(200, required=True, metadata={"example": "moderate"})

    @validates_schema
    def check_ends(self, band: dict[str, Any], **_: Any) -> None:
        if band.get("min") is None and band.get("max") is None:
            raise ValidationError({"min": ["Give the band a min, a max or both."]})
        if band.get("min", -LARGEST) > band.get("max", LARGEST):
            raise ValidationError({"max": ["This is less than min."]})


class ScoreSchema(WireSchema):
    """A score over blocks, or over scores declared before it."""

    id = Line(255, required=True, metadata={"example": "total"})
    label = Line(300, required=True, metadata={"example": "Total"})
    method = EnumString(METHODS, required=True, metadata={"example": "sum"})
    items = BoundedList(fields.String(), MOST_ITEMS, least=1, required=True)
    reverse = BoundedList(fields.String(), MOST_ITEMS)
    missing = fields.Nested(MissingSchema())
    multiply = BoundedNumber()
    bands = BoundedList(fields.Nested(BandSchema()), MOST_BANDS)

    @validates_schema
    def check_rule(self, score: dict[str, Any], **_: Any) -> None:
        if score.get("multiply") == 0:
            raise ValidationError({"multiply": ["Multiply with something other than 0."]})
        if score.get("missing", {}).get("prorate") and score.get("method") not in {"sum", "mean"}:
            raise ValidationError({"missing": {"prorate": ["Only a sum or a mean can be prorated."]}})


_score = ScoreSchema()


def check_scores(raw: Any, blocks: Mapping[str, Block], pointer: str, faults: Faults) -> None:
    """Add a fault for everything about `scores` that does not fit."""
    if not isinstance(raw, list) or len(raw) > MOST_SCORES:
        faults.add(Fault("invalid", f"Give a list of {MOST_SCORES} scores at most.").at(pointer))
        return
    before: set[str] = set()
    for index, score in enumerate(raw):
        if faults.full:
            return
        place = f"{pointer}/{index}"
        messages = _score.validate(score) if isinstance(score, dict) else {"_schema": ["Give an object."]}
        faults.found += faults_from(messages, place)
        if not messages:
            for step, problem in _misfits(score, blocks, before):
                faults.add(Fault("invalid", problem).at(place + step))
            before.add(score["id"])


def _misfits(score: Mapping[str, Any], blocks: Mapping[str, Block], before: set[str]) -> Iterator[tuple[str, str]]:
    """Where a well-shaped score does not fit its form, and why."""
    if score["id"] in before:
        yield "/id", "Another score has this id."
    elif score["id"] in blocks and blocks[score["id"]].type != "score":
        yield "/id", "A block has this id. Give the score one of its own."
    items = score["items"]
    for index, name in enumerate(items):
        if name in items[:index]:
            yield f"/items/{index}", "This item is there already."
        elif name not in before and (problem := _unscorable(blocks.get(name))):
            yield f"/items/{index}", problem
    for index, name in enumerate(score.get("reverse", ())):
        if name not in items or name in score["reverse"][:index]:
            yield f"/reverse/{index}", "Name items of this score, each once."
        elif name in before or (name in blocks and not _is_reversible(blocks[name])):
            yield f"/reverse/{index}", "Only a scale, a yes or no, or a choice of one with scores can be reversed."
    yield from _overlaps(score.get("bands", ()))


def _unscorable(block: Block | None) -> str | None:
    if block is None:
        return "No block has this id, and no score before this one."
    if block.type not in VALUED:
        return "There is no number behind an answer to that block."
    if block.type == "choice" and not any("score" in option for option in block.spec.get("options", ())):
        return "The options of that block have no scores. Give them some."
    if block.type == "quantity" and len(block.spec.get("unit_options", ())) > 1:
        return "That block is answered in different units, which do not add up."
    return None


def _is_reversible(block: Block) -> bool:
    return block.type in REVERSIBLE and not block.spec.get("multiple")


def _overlaps(bands: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Bands run upwards; only the first may be open below and only the last above."""
    for index in range(1, len(bands)):
        if "min" not in bands[index] or "max" not in bands[index - 1]:
            yield f"/bands/{index}", "Only the first band may lack a min, and only the last a max."
        elif bands[index]["min"] <= bands[index - 1]["max"]:
            yield f"/bands/{index}/min", "This begins within the band before it. Order the bands, without overlap."
