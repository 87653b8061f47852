"""Questions answered in the client's own words: on one line, or on several."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from portal.core.errors import Fault
from portal.core.wire import EnumString, Range, Text
from portal.forms.fhir_elements.source import Json
from portal.forms.kinds import patterns
from portal.forms.kinds.base import Kind, Problem, Spec, single_value
from portal.forms.kinds.comparisons import EQUALITY
from portal.forms.kinds.schemas import PlaceholderSchema


class FreeTextSchema(PlaceholderSchema):
    min_length = fields.Integer(
        strict=True,
        validate=Range(0, 20_000),
        metadata={"description": "The fewest characters a submitted answer needs."},
    )
    max_length = fields.Integer(
        strict=True,
        validate=Range(1, 1_000_000),
        metadata={"description": "The most characters an answer may have."},
    )
    pattern = Text(
        patterns.MAX_LENGTH,
        least=1,
        metadata={"description": "A regular expression (RE2) that the whole submitted answer must match."},
    )
    share = EnumString(
        ("only_me",), metadata={"description": "The answer stays private unless the client chooses to share it."}
    )

    @validates_schema
    def check_lengths(self, block: dict[str, Any], **_: Any) -> None:
        if block.get("min_length", 0) > block.get("max_length", 20_000):
            raise ValidationError({"max_length": [Fault("below_minimum", "This is less than min_length.")]})

    @validates_schema
    def check_pattern(self, block: dict[str, Any], **_: Any) -> None:
        if (fault := patterns.pattern_error(block.get("pattern", ""))) is not None:
            raise ValidationError({"pattern": [fault]})


class TextAnswerKind(Kind):
    """What types answered with a text share."""

    max_length: ClassVar[int]
    """Characters an answer may have; an imported form may ask for more."""
    value_key: ClassVar[str] = "valueString"

    def max_length_of(self, spec: Spec) -> int:
        return int(min(spec.get("max_length", self.max_length), self.max_length))

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        limit = self.max_length_of(spec)
        if not isinstance(value, str):
            return Fault("not_text", "Answer with text.")
        if len(value) > limit:
            return Fault("too_long", "Use {max} characters at most; this has {length}.", max=limit, length=len(value))
        return None

    def write_value(self, spec: Spec, value: Any) -> Json:
        return {self.value_key: value}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1] if found is not None and found[0] == self.value_key else None


class ComparableTextKind(TextAnswerKind):
    """A text that conditions and risk rules can compare."""

    def comparison_error(self, spec: Spec, operand: Any) -> Fault | None:
        if isinstance(operand, str):
            return None
        return Fault("not_text", "That block is answered with text: compare with text.")

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        if op not in EQUALITY:
            return "op", Fault("not_ordered", "Compare text with = or !=.")
        if not isinstance(operand, str) or not operand or len(operand) > spec.get("max_length", len(operand)):
            return "value", Fault("never_matches", "Compare with a text this block can be answered with.")
        return None


class FreeTextKind(ComparableTextKind):
    schema = FreeTextSchema()

    def completion_error(self, spec: Spec, value: Any) -> Fault | None:
        shortest = spec.get("min_length", 0)
        if len(value) < shortest:
            return Fault(
                "too_short", "Use {min} characters at least; this has {length}.", min=shortest, length=len(value)
            )
        if "pattern" not in spec or patterns.matches(spec["pattern"], value):
            return None
        if example := spec.get("placeholder"):
            return Fault(
                "pattern_mismatch", "This is not in the form the question asks for: {example}.", example=example
            )
        return Fault("pattern_mismatch", "This is not in the form the question asks for.")


class ShortTextKind(FreeTextKind):
    name = "short_text"
    description = "A question answered in a few words, on one line."
    value_schema = {"type": "string", "maxLength": 500}
    example = {"id": "situation", "type": "short_text", "label": "What happened?", "placeholder": "A call from work"}
    example_answer = "My sister did not call back."
    max_length = 500
    calculated_as_score = True
    item_types = ("string",)


class LongTextKind(FreeTextKind):
    name = "long_text"
    description = "A question answered at length, on several lines; it may be private."
    value_schema = {"type": "string", "maxLength": 20_000}
    example = {"id": "letter", "type": "long_text", "label": "A letter to yourself", "share": "only_me"}
    example_answer = "Dear me,\nyou got through worse than this."
    max_length = 20_000
    item_types = ("text",)
