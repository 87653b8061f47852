"""What a declared score may say: its shape, and how it fits the blocks and the scores before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from portal.core.errors import Fault, Faults
from portal.core.wire import BoundedList, EnumString, Line, Range, StrictBoolean, WireSchema, faults_from, refuse
from portal.forms.definition.blocks import Block
from portal.forms.kinds.base import Problem
from portal.forms.kinds.schemas import is_number

METHODS = {
    "sum": "The sum of the numbers.",
    "mean": "Their arithmetic mean.",
    "count": "How many of them are above zero.",
    "max": "The largest.",
    "min": "The smallest.",
}
MAX_SCORES = 50
MAX_ITEMS = 500
MAX_BANDS = 20
LARGEST = 1_000_000


class BoundedNumber(fields.Field[Any]):
    """A JSON number of at most a million either way, whole or decimal."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not is_number(value):
            refuse("not_a_number", "Use a number.")
        if not -LARGEST <= value <= LARGEST:
            refuse("out_of_range", "Use a number from {min} to {max}.", min=-LARGEST, max=LARGEST)
        return value


class MissingSchema(WireSchema):
    """How many items may be missing, and whether the others stand in for them with their mean."""

    max = fields.Integer(
        required=True,
        strict=True,
        validate=Range(0, MAX_ITEMS),
        metadata={"description": "How many items may be unanswered before there is no score."},
    )
    prorate = StrictBoolean(
        metadata={"description": "Whether the mean of the answered items stands in for each missing one."}
    )


class BandSchema(WireSchema):
    """A range of a score with a name; both ends belong to it."""

    min = BoundedNumber(metadata={"description": "The lowest value in the band; the first band may leave it out."})
    max = BoundedNumber(metadata={"description": "The highest value in the band; the last band may leave it out."})
    label = Line(
        200,
        required=True,
        metadata={"example": "moderate", "description": "What a value in this band means; clients never see it."},
    )

    @validates_schema
    def check_ends(self, band: dict[str, Any], **_: Any) -> None:
        if band.get("min") is None and band.get("max") is None:
            raise ValidationError({"min": [Fault("unbounded_band", "Give the band a min, a max or both.")]})
        if band.get("min", -LARGEST) > band.get("max", LARGEST):
            raise ValidationError({"max": [Fault("below_minimum", "This is less than min.")]})


class ScoreSchema(WireSchema):
    """A score over blocks, or over scores declared before it."""

    id = Line(
        255,
        required=True,
        metadata={"example": "total", "description": "The score's id, unique among scores and blocks."},
    )
    label = Line(300, required=True, metadata={"example": "Total", "description": "What the score is called."})
    method = EnumString(
        METHODS,
        required=True,
        metadata={"example": "sum", "description": "How the items' numbers combine; count counts those above zero."},
    )
    items = BoundedList(
        fields.String(),
        MAX_ITEMS,
        least=1,
        required=True,
        metadata={"description": "The ids of the blocks and earlier scores that count."},
    )
    reverse = BoundedList(
        fields.String(),
        MAX_ITEMS,
        metadata={"description": "The items that count in reverse: the least answer as the greatest."},
    )
    missing = fields.Nested(
        MissingSchema(), metadata={"description": "How unanswered items are treated; without it, all are needed."}
    )
    multiply = BoundedNumber(metadata={"description": "A factor for the result."})
    bands = BoundedList(
        fields.Nested(BandSchema()),
        MAX_BANDS,
        metadata={"description": "Named ranges of the result, lowest first, without overlap."},
    )

    @validates_schema
    def check_rule(self, score: dict[str, Any], **_: Any) -> None:
        if score.get("multiply") == 0:
            raise ValidationError({"multiply": [Fault("zero_factor", "Multiply with something other than 0.")]})
        if score.get("missing", {}).get("prorate") and score.get("method") not in {"sum", "mean"}:
            raise ValidationError(
                {"missing": {"prorate": [Fault("not_prorated", "Only a sum or a mean can be prorated.")]}}
            )


_score = ScoreSchema()


def check_scores(raw: Any, blocks: Mapping[str, Block], pointer: str, faults: Faults) -> None:
    """Add a fault for everything about `scores` that does not fit."""
    if not isinstance(raw, list) or len(raw) > MAX_SCORES:
        faults.add(Fault("too_many", "Give a list of {max} scores at most.", max=MAX_SCORES).at(pointer))
        return
    earlier: set[str] = set()
    for index, score in enumerate(raw):
        if faults.full:
            return
        place = f"{pointer}/{index}"
        messages = _score.validate(score) if isinstance(score, dict) else {"_schema": ["Give an object."]}
        faults.found += faults_from(messages, place)
        if not messages:
            for member, fault in _problems(score, blocks, earlier):
                faults.add(fault.at(f"{place}/{member}"))
            earlier.add(score["id"])


def _problems(score: Mapping[str, Any], blocks: Mapping[str, Block], earlier: set[str]) -> Iterator[Problem]:
    """Where a well-formed score does not fit its form, and why."""
    if score["id"] in earlier:
        yield "id", Fault("duplicate_id", "Another score has this id.")
    elif score["id"] in blocks and blocks[score["id"]].type != "score":
        yield "id", Fault("duplicate_id", "A block has this id. Give the score one of its own.")
    items = score["items"]
    for index, name in enumerate(items):
        if name in items[:index]:
            yield f"items/{index}", Fault("duplicate_item", "This item is there already.")
        elif name not in earlier and (fault := _scoring_error(blocks.get(name))):
            yield f"items/{index}", fault
    for index, name in enumerate(score.get("reverse", ())):
        if name not in items or name in score["reverse"][:index]:
            yield f"reverse/{index}", Fault("not_an_item", "Name items of this score, each once.")
        elif name in earlier or (name in blocks and not blocks[name].kind.is_reversible(blocks[name].spec)):
            sentence = "Only a scale, a yes or no, or a choice of one with scores can be reversed."
            yield f"reverse/{index}", Fault("not_reversible", sentence)
    yield from _band_problems(score.get("bands", ()))


def _scoring_error(block: Block | None) -> Fault | None:
    if block is None:
        return Fault("unknown_item", "No block has this id, and no score before this one.")
    return block.kind.scoring_error(block.spec)


def _band_problems(bands: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Bands run upwards; only the first may be open below and only the last above."""
    for index in range(1, len(bands)):
        if "min" not in bands[index] or "max" not in bands[index - 1]:
            yield f"bands/{index}", Fault("open_band", "Only the first band may lack a min, and only the last a max.")
        elif bands[index]["min"] <= bands[index - 1]["max"]:
            yield (
                f"bands/{index}/min",
                Fault("overlapping_bands", "This begins within the band before it. Order the bands, without overlap."),
            )
