"""The blocks of a form, one schema per type: their properties mirror a FHIR R4 Questionnaire item's.

Whether a value fits its place is said here; whether blocks fit one another is `document.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from portal.core.wire import Day, Flag, Line, Text, WireSchema, Word
from portal.library.forms.risk import risk_field

BLOCK_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,62}[A-Za-z0-9])?")
OPERATORS = ("=", "!=", ">", "<", ">=", "<=", "exists")
MOST_OPTIONS = 200
MOST_BLOCKS = 500
DEEPEST = 8


def _is_block_id(value: str) -> None:
    if not BLOCK_ID.fullmatch(value):
        msg = "Use 1 to 64 letters, digits, dots, dashes, underscores or slashes; a letter or digit at both ends."
        raise ValidationError(msg)


class Number(fields.Field[Any]):
    """A JSON number, whole or decimal; never true, false or text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            msg = "Use a number."
            raise ValidationError(msg)
        return value


class ConditionSchema(WireSchema):
    """One comparison with the answer to another block."""

    block = Text(64, required=True, metadata={"example": "safe"})
    op = Word(OPERATORS, required=True, metadata={"example": "="})
    value = fields.Raw(required=True, metadata={"example": True})

    @validates_schema
    def check_value(self, condition: dict[str, Any], **_: Any) -> None:
        value = condition.get("value")
        if condition.get("op") == "exists" and not isinstance(value, bool):
            raise ValidationError({"value": ["With exists, use true or false."]})
        if not isinstance(value, bool | int | float | str):
            raise ValidationError({"value": ["Use a text, a number, true or false."]})


class ShowIfSchema(WireSchema):
    """When a block is shown (enableWhen and enableBehavior)."""

    match = Word(("all", "any"), load_default="all")
    conditions = fields.List(
        fields.Nested(ConditionSchema()),
        required=True,
        validate=validate.Length(1, 20, error="Give 1 to 20 conditions."),
    )


class BlockSchema(WireSchema):
    """What every block has."""

    id = fields.String(required=True, validate=_is_block_id, metadata={"example": "situation"})
    type = fields.String(required=True, metadata={"example": "short_text"})
    label = Line(500, metadata={"example": "What happened?"})
    help = Text(1000)
    show_if = fields.Nested(ShowIfSchema())
    risk = risk_field()


class LabelledSchema(BlockSchema):
    """A block that asks."""

    label = Line(500, required=True, metadata={"example": "What happened?"})
    required = Flag()


class TextBlockSchema(BlockSchema):
    markdown = Text(20_000, least=1, required=True)
    style = Word(("note", "safety"))


class ReadingSectionSchema(BlockSchema):
    label = Line(500, required=True)
    markdown = Text(20_000, least=1, required=True)


class WrittenSchema(LabelledSchema):
    min_length = fields.Integer(strict=True, validate=validate.Range(0, 20_000))
    max_length = fields.Integer(strict=True, validate=validate.Range(1, 20_000))
    placeholder = Line(200)

    @validates_schema
    def check_lengths(self, block: dict[str, Any], **_: Any) -> None:
        if block.get("min_length", 0) > block.get("max_length", 20_000):
            raise ValidationError({"max_length": ["This is less than min_length."]})


class YesNoSchema(LabelledSchema):
    pass


class OptionSchema(WireSchema):
    """An answer to choose."""

    code = Line(64, required=True, metadata={"example": "walk"})
    label = Line(300, required=True, metadata={"example": "Took a walk"})
    exclusive = Flag()


class ChoiceSchema(LabelledSchema):
    options = fields.List(
        fields.Nested(OptionSchema()),
        required=True,
        validate=validate.Length(1, MOST_OPTIONS, error=f"Give 1 to {MOST_OPTIONS} options."),
    )
    multiple = Flag()
    other = Flag()
    other_label = Line(100)

    @validates_schema
    def check_codes(self, block: dict[str, Any], **_: Any) -> None:
        codes = [option.get("code") for option in block.get("options", [])]
        twice = [index for index, code in enumerate(codes) if code in codes[:index]]
        if twice:
            raise ValidationError({"options": {index: {"code": ["Another option has this code."]} for index in twice}})


def _check_bounds(block: dict[str, Any]) -> None:
    low, high = block.get("min"), block.get("max")
    if low is not None and high is not None and low > high:
        raise ValidationError({"max": ["This is less than min."]})


class ScaleSchema(LabelledSchema):
    min = fields.Integer(required=True, strict=True, validate=validate.Range(-1000, 1000))
    max = fields.Integer(required=True, strict=True, validate=validate.Range(-1000, 1000))
    step = fields.Integer(strict=True, validate=validate.Range(1, 1000))
    min_label = Line(100)
    max_label = Line(100)

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        _check_bounds(block)


class NumberSchema(LabelledSchema):
    min = Number()
    max = Number()
    decimals = fields.Integer(strict=True, validate=validate.Range(0, 6))
    unit = Line(30)

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        _check_bounds(block)


class DateSchema(LabelledSchema):
    min = fields.String()
    max = fields.String()

    @validates_schema
    def check_days(self, block: dict[str, Any], **_: Any) -> None:
        errors = {}
        for name in ("min", "max"):
            try:
                Day().deserialize(block.get(name, "2000-01-01"))
            except ValidationError:
                errors[name] = ["Use a day as YYYY-MM-DD."]
        if errors:
            raise ValidationError(errors)
        _check_bounds(block)


class SectionSchema(BlockSchema):
    blocks = fields.List(fields.Raw(), required=True, validate=validate.Length(1, MOST_BLOCKS))


class LogSchema(LabelledSchema):
    """Rows of the same columns (a repeating group)."""

    row_label = Line(100)
    min_rows = fields.Integer(strict=True, validate=validate.Range(0, 1000))
    max_rows = fields.Integer(strict=True, validate=validate.Range(1, 1000))
    blocks = fields.List(fields.Raw(), required=True, validate=validate.Length(1, MOST_BLOCKS))

    @validates_schema
    def check_rows(self, block: dict[str, Any], **_: Any) -> None:
        if block.get("min_rows", 0) > block.get("max_rows", 1000):
            raise ValidationError({"max_rows": ["This is less than min_rows."]})


TYPES: Mapping[str, BlockSchema] = {
    "text": TextBlockSchema(),
    "reading": ReadingSectionSchema(),
    "section": SectionSchema(),
    "log": LogSchema(),
    "short_text": WrittenSchema(),
    "long_text": WrittenSchema(),
    "yes_no": YesNoSchema(),
    "choice": ChoiceSchema(),
    "scale": ScaleSchema(),
    "number": NumberSchema(),
    "date": DateSchema(),
}
SILENT = frozenset({"text", "section"})
"""Blocks that nobody answers."""
NESTING = frozenset({"section", "log"})
