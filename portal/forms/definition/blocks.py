"""The blocks of a form, one schema per type: their properties mirror a FHIR R4 Questionnaire item's.

Whether a value fits its place is said here; whether blocks fit one another is `document.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from portal.core.wire import EnumString, StrictBoolean, Text, WireSchema
from portal.forms.definition.risk_rules import risk_field
from portal.forms.kinds import patterns
from portal.forms.kinds.comparisons import COMPARISONS
from portal.forms.kinds.temporal import temporal_error

BLOCK_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,62}[A-Za-z0-9])?")
OPERATORS = (*COMPARISONS, "exists")
MOST_OPTIONS = 2_000
MOST_BLOCKS = 2_000
MOST_EXPRESSION = 10_000
DEEPEST = 16
CALLOUTS = ("note", "safety")
CONTROLS = ("help", "flyover", "legal", "header", "footer", "prompt", "unit", "lower", "upper", "inline")
CATEGORIES = ("instructions", "security")
STYLES = CALLOUTS + CONTROLS + CATEGORIES
"""How a text stands on the page: our own two, then those of the FHIR codes for item controls and display categories."""
AS = ("string", "integer", "date", "time", "reference")
"""What an option is, where it is no coding."""


@dataclass(frozen=True)
class Block:
    """A block in its place: `pointer` into the document, and the logs and blocks around it, outermost first.

    `logs` end with the block itself where each of its answers stands in a row of its own.
    """

    id: str
    type: str
    pointer: str
    logs: tuple[str, ...]
    parents: tuple[str, ...]
    spec: Mapping[str, Any]

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.spec.get("show_if", {}).get("conditions", [])
        return found

    @cached_property
    def is_answered(self) -> bool:
        return self.type not in SILENT and self.type != "log"

    @cached_property
    def is_asked(self) -> bool:
        """Whether the client answers it; what is read-only or hidden is filled in by the form."""
        return self.is_answered and not self.spec.get("read_only") and not self.spec.get("hidden")

    @cached_property
    def has_rows(self) -> bool:
        """A log has, and a question that is answered several times, each time with questions of its own."""
        return has_rows(self.spec)

    @cached_property
    def around(self) -> tuple[str, ...]:
        """The logs its rows stand in."""
        return self.logs[:-1] if self.has_rows and self.type != "log" else self.logs

    @cached_property
    def takes_several(self) -> bool:
        """Whether one answer is a list of values."""
        return bool(self.spec.get("multiple")) and not self.has_rows

    @cached_property
    def is_item(self) -> bool:
        """Whether progress counts it: each question, and each log as one."""
        return not self.around and (self.is_asked or self.type == "log") and not self.spec.get("hidden")

    @cached_property
    def codes(self) -> Mapping[str, Mapping[str, Any]]:
        """The options of a choice by code."""
        return {option["code"]: option for option in self.spec.get("options", ())}


def has_rows(spec: Mapping[str, Any]) -> bool:
    return spec["type"] == "log" or bool(spec.get("multiple") and spec.get("blocks"))


class Number(fields.Field[Any]):
    """A JSON number, whole or decimal; never true, false or text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            msg = "Use a number."
            raise ValidationError(msg)
        return value


class ConditionSchema(WireSchema):
    """One comparison with the answer to another block."""

    block = Text(255, required=True, metadata={"example": "safe"})
    op = EnumString(OPERATORS, required=True, metadata={"example": "="})
    value = fields.Raw(required=True, metadata={"example": True})
    fhir = fields.Dict()

    @validates_schema
    def check_value(self, condition: dict[str, Any], **_: Any) -> None:
        value = condition.get("value")
        if condition.get("op") == "exists" and not isinstance(value, bool):
            raise ValidationError({"value": ["With exists, use true or false."]})
        if not isinstance(value, bool | int | float | Decimal | str):
            raise ValidationError({"value": ["Use a text, a number, true or false."]})


class ShowIfSchema(WireSchema):
    """When a block is shown (enableWhen and enableBehavior)."""

    match = EnumString(("all", "any"), load_default="all")
    conditions = fields.List(
        fields.Nested(ConditionSchema()),
        required=True,
        validate=validate.Length(1, 100, error="Give 1 to 100 conditions."),
    )


class VariableSchema(WireSchema):
    """An expression with a name that later ones may use (the FHIR variable extension)."""

    name = fields.String(required=True, validate=validate.Regexp(r"[A-Za-z0-9_.-]{1,100}\Z"))
    expression = Text(MOST_EXPRESSION, least=1, required=True)


class BlockSchema(WireSchema):
    """What every block has."""

    id = Text(255, least=1, required=True, metadata={"example": "situation"})
    type = fields.String(required=True, metadata={"example": "short_text"})
    label = Text(10_000, metadata={"example": "What happened?"})
    help = Text(10_000)
    number = Text(1_000)
    codes = fields.List(fields.Dict(), validate=validate.Length(1, 50))
    hidden = StrictBoolean()
    show_if = fields.Nested(ShowIfSchema())
    show_if_expr = Text(MOST_EXPRESSION, least=1)
    variables = fields.List(fields.Nested(VariableSchema()), validate=validate.Length(1, 200))
    widget = Text(100, least=1)
    blocks = fields.List(fields.Raw(), validate=validate.Length(0, MOST_BLOCKS))
    risk = risk_field()
    fhir = fields.Dict()


class CountedSchema(BlockSchema):
    """A block that is wanted, so and so often."""

    required = StrictBoolean()
    read_only = StrictBoolean()
    min_rows = fields.Integer(strict=True, validate=validate.Range(0, 1000))
    max_rows = fields.Integer(strict=True, validate=validate.Range(1, 1000))

    @validates_schema
    def check_rows(self, block: dict[str, Any], **_: Any) -> None:
        if block.get("min_rows", 0) > block.get("max_rows", 1000):
            raise ValidationError({"max_rows": ["This is less than min_rows."]})


class QuestionSchema(CountedSchema):
    """A block that asks."""

    multiple = StrictBoolean()
    default = fields.Raw()
    calculated = Text(MOST_EXPRESSION, least=1)


class TextBlockSchema(BlockSchema):
    """Words nobody answers: `markdown`, or a plain `label`, or both for who cannot show Markdown."""

    markdown = Text(50_000, least=1)
    style = EnumString(STYLES)

    @validates_schema
    def check_words(self, block: dict[str, Any], **_: Any) -> None:
        if "markdown" not in block and "label" not in block and "fhir" not in block:
            raise ValidationError({"markdown": ["Missing data for required field."]})


class ReadingSectionSchema(BlockSchema):
    markdown = Text(50_000, least=1, required=True)


class WrittenSchema(QuestionSchema):
    min_length = fields.Integer(strict=True, validate=validate.Range(0, 20_000))
    max_length = fields.Integer(strict=True, validate=validate.Range(1, 1_000_000))
    pattern = Text(patterns.LONGEST, least=1)
    placeholder = Text(1_000)
    share = EnumString(("only_me",), metadata={"description": "Private unless the client shares it."})

    @validates_schema
    def check_lengths(self, block: dict[str, Any], **_: Any) -> None:
        if block.get("min_length", 0) > block.get("max_length", 20_000):
            raise ValidationError({"max_length": ["This is less than min_length."]})

    @validates_schema
    def check_pattern(self, block: dict[str, Any], **_: Any) -> None:
        if problem := patterns.pattern_error(block.get("pattern", "")):
            raise ValidationError({"pattern": [problem]})


class PlainSchema(QuestionSchema):
    placeholder = Text(1_000)


class OptionSchema(WireSchema):
    """An answer to choose: a coding, or a plain value where `as` says what it is."""

    code = Text(1_000, least=1, required=True, metadata={"example": "walk"})
    label = Text(5_000, least=1, metadata={"example": "Took a walk"})
    system = Text(1_000, least=1)
    score = Number()
    prefix = Text(100, least=1)
    exclusive = StrictBoolean()
    selected = StrictBoolean()
    fhir = fields.Dict()


OptionSchema._declared_fields["as"] = EnumString(AS)  # noqa: SLF001 -- a word of Python's own cannot be written as an attribute


class ChoiceSchema(QuestionSchema):
    options = fields.List(
        fields.Nested(OptionSchema),
        validate=validate.Length(1, MOST_OPTIONS, error=f"Give 1 to {MOST_OPTIONS} options."),
    )
    options_from = Text(2_000, least=1)
    other = StrictBoolean()
    other_label = Text(1_000)
    orientation = EnumString(("horizontal", "vertical"))

    @validates_schema
    def check_options(self, block: dict[str, Any], **_: Any) -> None:
        if "options" not in block and "options_from" not in block and "fhir" not in block:
            raise ValidationError({"options": ["Missing data for required field."]})
        seen, twice = set(), []
        for index, option in enumerate(block.get("options", [])):
            if option.get("code") in seen:
                twice.append(index)
            seen.add(option.get("code"))
        if twice:
            raise ValidationError({"options": {index: {"code": ["Another option has this code."]} for index in twice}})


def _check_bounds(block: dict[str, Any]) -> None:
    low, high = block.get("min"), block.get("max")
    if low is not None and high is not None and low > high:
        raise ValidationError({"max": ["This is less than min."]})


class ScaleSchema(QuestionSchema):
    min = fields.Integer(required=True, strict=True, validate=validate.Range(-1000, 1000))
    max = fields.Integer(required=True, strict=True, validate=validate.Range(-1000, 1000))
    step = fields.Integer(strict=True, validate=validate.Range(1, 1000))
    min_label = Text(300, least=1)
    max_label = Text(300, least=1)

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        _check_bounds(block)


class NumberSchema(QuestionSchema):
    """A number; whole without `decimals`, and with null for as many decimal places as one likes."""

    min = Number()
    max = Number()
    step = Number()
    decimals = fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, 6))
    unit = Text(100, least=1)
    placeholder = Text(1_000)

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        _check_bounds(block)


class UnitSchema(WireSchema):
    """A unit to choose: its UCUM or other code, and what it is called."""

    code = Text(100, least=1)
    system = Text(1_000, least=1)
    label = Text(100, least=1)
    fhir = fields.Dict()


class QuantitySchema(QuestionSchema):
    min = Number()
    max = Number()
    unit = Text(100, least=1)
    unit_options = fields.List(fields.Nested(UnitSchema()), validate=validate.Length(1, 200))
    placeholder = Text(1_000)


class PointSchema(QuestionSchema):
    """A day, a time of day or an instant."""

    min = fields.String()
    max = fields.String()
    placeholder = Text(1_000)

    @validates_schema
    def check_points(self, block: dict[str, Any], **_: Any) -> None:
        errors = {
            name: [problem]
            for name in ("min", "max")
            if name in block and (problem := temporal_error(block["type"], block[name]))
        }
        if errors:
            raise ValidationError(errors)
        _check_bounds(block)


class ScoreBlockSchema(QuestionSchema):
    """A result that is shown, never typed: a declared score, or what an expression comes to."""

    score = Text(64, least=1)
    answer = EnumString(("decimal", "integer", "quantity", "string", "boolean", "date", "datetime", "choice"))
    unit = Text(100, least=1)

    @validates_schema
    def check_source(self, block: dict[str, Any], **_: Any) -> None:
        if ("score" in block) == ("calculated" in block):
            raise ValidationError({"score": ["Name a score, or give the expression in calculated."]})


class SectionSchema(BlockSchema):
    blocks = fields.List(fields.Raw(), required=True, validate=validate.Length(0, MOST_BLOCKS))


class LogSchema(CountedSchema):
    """Rows of the same columns (a repeating group)."""

    row_label = Text(300, least=1)
    blocks = fields.List(fields.Raw(), required=True, validate=validate.Length(0, MOST_BLOCKS))


TYPES: Mapping[str, BlockSchema] = {
    "text": TextBlockSchema(),
    "reading": ReadingSectionSchema(),
    "section": SectionSchema(),
    "page": SectionSchema(),
    "grid": SectionSchema(),
    "log": LogSchema(),
    "short_text": WrittenSchema(),
    "long_text": WrittenSchema(),
    "yes_no": PlainSchema(),
    "choice": ChoiceSchema(),
    "scale": ScaleSchema(),
    "number": NumberSchema(),
    "quantity": QuantitySchema(),
    "date": PointSchema(),
    "time": PointSchema(),
    "datetime": PointSchema(),
    "url": PlainSchema(),
    "file": PlainSchema(),
    "reference": PlainSchema(),
    "score": ScoreBlockSchema(),
}
GROUPS = frozenset({"section", "page", "grid"})
SILENT = GROUPS | {"text", "score"}
"""Blocks that nobody answers."""
