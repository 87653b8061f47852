"""What the documents of all block types share: their common members, conditions, variables and risk rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from portal.core.errors import Fault
from portal.core.wire import EnumString, Length, Range, StrictBoolean, Text, WireSchema, refuse
from portal.forms.kinds import comparisons

OPERATORS = {**comparisons.OPERATORS, "exists": "Whether there is an answer at all: true or false."}
MAX_BLOCKS = 2_000
MAX_EXPRESSION_LENGTH = 10_000
MAX_RISK_RULES = 20
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class Number(fields.Field[Any]):
    """A JSON number, whole or decimal; never true, false or text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not is_number(value):
            refuse("not_a_number", "Use a number.")
        return value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


class ConditionSchema(WireSchema):
    """One comparison with the answer to another block."""

    block = Text(
        255,
        required=True,
        metadata={"example": "safe", "description": "The id of the block whose answer is compared; it comes earlier."},
    )
    op = EnumString(
        OPERATORS,
        required=True,
        metadata={"example": "=", "description": "The comparison; `exists` asks whether there is an answer at all."},
    )
    value = fields.Raw(
        required=True,
        metadata={
            "example": True,
            "description": "What the answer is compared with: a text, a number, true or false; an option by its code.",
        },
    )
    fhir = fields.Dict(metadata={"description": "The condition as an imported form wrote it."})

    @validates_schema
    def check_value(self, condition: dict[str, Any], **_: Any) -> None:
        value = condition.get("value")
        if condition.get("op") == "exists" and not isinstance(value, bool):
            raise ValidationError({"value": [Fault("not_a_boolean", "With exists, use true or false.")]})
        if not isinstance(value, bool | int | float | Decimal | str):
            raise ValidationError({"value": [Fault("not_comparable", "Use a text, a number, true or false.")]})


class ShowIfSchema(WireSchema):
    """When a block is shown (FHIR enableWhen and enableBehavior)."""

    match = EnumString(
        {"all": "Every condition holds.", "any": "At least one condition holds."},
        load_default="all",
        metadata={"description": "Whether all conditions must hold or any one of them."},
    )
    conditions = fields.List(
        fields.Nested(ConditionSchema()),
        required=True,
        validate=Length(1, 100),
        metadata={"description": "Comparisons with the answers to earlier blocks."},
    )


def _check_variable_name(name: str) -> None:
    if not _VARIABLE_NAME.fullmatch(name):
        refuse("bad_name", "Use 1 to 100 letters, digits, dots, dashes or underscores.")


class VariableSchema(WireSchema):
    """A named expression that later expressions may use (the FHIR variable extension)."""

    name = fields.String(
        required=True,
        validate=_check_variable_name,
        metadata={
            "pattern": "^[A-Za-z0-9_.-]{1,100}$",
            "example": "total",
            "description": "The name; later expressions write it with a % in front.",
        },
    )
    expression = Text(
        MAX_EXPRESSION_LENGTH, least=1, required=True, metadata={"description": "The FHIRPath expression."}
    )


class RiskRuleSchema(WireSchema):
    """One comparison with the answer to this very block."""

    op = EnumString(
        comparisons.OPERATORS,
        required=True,
        metadata={"example": ">=", "description": "The comparison of the answer with the value."},
    )
    value = fields.Raw(
        required=True,
        metadata={
            "example": 1,
            "description": "What the answer is compared with: a text, a number, true or false; an option by its code.",
        },
    )

    @validates_schema
    def check_value(self, rule: dict[str, Any], **_: Any) -> None:
        if not isinstance(rule.get("value"), bool | int | float | Decimal | str):
            raise ValidationError({"value": [Fault("not_comparable", "Use a text, a number, true or false.")]})


class BlockSchema(WireSchema):
    """What every block has."""

    id = Text(
        255,
        least=1,
        required=True,
        metadata={"example": "situation", "description": "The block's id, unique in its document (FHIR linkId)."},
    )
    type = fields.String(
        required=True,
        metadata={"example": "short_text", "description": "The block type, which decides the other members."},
    )
    label = Text(
        10_000, metadata={"example": "What happened?", "description": "The question or heading, in plain text."}
    )
    help = Text(10_000, metadata={"description": "A hint shown with the label, in plain text."})
    number = Text(1_000, metadata={"description": "The number printed before the label, such as 2a."})
    codes = fields.List(
        fields.Dict(),
        validate=Length(1, 50),
        metadata={"description": "Codings of what the block asks, such as a LOINC code (FHIR Coding)."},
    )
    hidden = StrictBoolean(metadata={"description": "Whether the block is never shown; expressions still read it."})
    show_if = fields.Nested(
        ShowIfSchema(), metadata={"description": "Conditions on earlier answers; without any, the block is shown."}
    )
    show_if_expr = Text(
        MAX_EXPRESSION_LENGTH,
        least=1,
        metadata={"description": "A FHIRPath expression; the block is shown while it evaluates to true."},
    )
    variables = fields.List(
        fields.Nested(VariableSchema()),
        validate=Length(1, 200),
        metadata={"description": "Named expressions for this block and the blocks in it."},
    )
    widget = Text(100, least=1, metadata={"description": "A FHIR item control that suggests how to show the block."})
    blocks = fields.List(
        fields.Raw(),
        validate=Length(0, MAX_BLOCKS),
        metadata={"description": "The blocks inside this one, in order."},
    )
    risk = fields.List(
        fields.Nested(RiskRuleSchema()),
        validate=Length(1, MAX_RISK_RULES),
        metadata={"description": "Risk rules: an answer that matches any of them raises a safety alert."},
    )
    fhir = fields.Dict(metadata={"description": "Parts of an imported item that have no member of their own."})


class RepeatableSchema(BlockSchema):
    """A block that may be required, and may limit how often it is answered."""

    required = StrictBoolean(metadata={"description": "Whether the form can be submitted only with an answer here."})
    read_only = StrictBoolean(metadata={"description": "Whether the form fills in the answer and the client cannot."})
    min_rows = fields.Integer(
        strict=True,
        validate=Range(0, 1000),
        metadata={"description": "The fewest rows or answers a submitted form needs."},
    )
    max_rows = fields.Integer(
        strict=True, validate=Range(1, 1000), metadata={"description": "The most rows or answers it takes."}
    )

    @validates_schema
    def check_rows(self, block: dict[str, Any], **_: Any) -> None:
        if block.get("min_rows", 0) > block.get("max_rows", 1000):
            raise ValidationError({"max_rows": [Fault("below_minimum", "This is less than min_rows.")]})


class AnsweredSchema(RepeatableSchema):
    """A block with an answer, which may be prefilled or calculated."""

    default = fields.Raw(metadata={"description": "The answer a new response begins with."})
    calculated = Text(
        MAX_EXPRESSION_LENGTH,
        least=1,
        metadata={"description": "A FHIRPath expression whose value fills in the answer."},
    )


class QuestionSchema(AnsweredSchema):
    """A question the author may let clients answer more than once."""

    multiple = StrictBoolean(
        metadata={
            "description": "Whether several answers may be given; with blocks inside, each answer is a row of its own."
        }
    )


class PlaceholderSchema(QuestionSchema):
    placeholder = Text(1_000, metadata={"description": "An example shown in the empty field (FHIR entryFormat)."})


def check_bounds(block: Mapping[str, Any]) -> None:
    """Raise ValidationError where `min` is greater than `max`."""
    low, high = block.get("min"), block.get("max")
    if low is not None and high is not None and low > high:
        raise ValidationError({"max": [Fault("below_minimum", "This is less than min.")]})
