"""Questions answered with a day, a time of day or an instant."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validates_schema

from portal.core.errors import Fault
from portal.forms.fhir_elements.scalars import keyed
from portal.forms.fhir_elements.source import Json
from portal.forms.kinds.base import Kind, Problem, Spec, single_value
from portal.forms.kinds.comparisons import COMPARISONS
from portal.forms.kinds.schemas import PlaceholderSchema, check_bounds

MAX_LENGTH = 40
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?")


def is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(_DAY.fullmatch(value)) and date.fromisoformat(value) is not None
    except ValueError:
        return False


def is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(_TIME.fullmatch(value)) and time.fromisoformat(value) is not None
    except ValueError:
        return False


def is_instant(value: Any) -> bool:
    """Whether this is an instant with its offset, or a day."""
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        return False
    try:
        return is_day(value) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)
    except ValueError:
        return False


class TemporalSchema(PlaceholderSchema):
    """A question with bounds in the shape of its answers."""

    expected: ClassVar[Fault]

    @staticmethod
    def is_valid(value: Any) -> bool:
        """Whether a bound or an answer has the right shape."""
        raise NotImplementedError

    min = fields.String(metadata={"description": "The earliest answer accepted, in the shape of an answer."})
    max = fields.String(metadata={"description": "The latest answer accepted, in the shape of an answer."})

    @validates_schema
    def check_bounds(self, block: dict[str, Any], **_: Any) -> None:
        shapeless = [name for name in ("min", "max") if name in block and not self.is_valid(block[name])]
        if shapeless:
            raise ValidationError({name: [self.expected] for name in shapeless})
        check_bounds(block)


class DateSchema(TemporalSchema):
    expected = Fault("not_a_day", "Use a day as YYYY-MM-DD.")
    is_valid = staticmethod(is_day)


class TimeSchema(TemporalSchema):
    expected = Fault("not_a_time", "Use a time of day as HH:MM.")
    is_valid = staticmethod(is_time)


class DatetimeSchema(TemporalSchema):
    expected = Fault("not_an_instant", "Use an instant such as 2026-03-02T09:30:00Z, or a day.")
    is_valid = staticmethod(is_instant)


class TemporalKind(Kind):
    """What days, times of day and instants share."""

    schema: ClassVar[TemporalSchema]
    expected_answer: ClassVar[Fault]
    expected_operand: ClassVar[Fault]
    fhir_type: ClassVar[str]

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        if not self.schema.is_valid(value):
            return self.expected_answer
        low, high = spec.get("min"), spec.get("max")
        if low is not None and high is not None and not low <= value <= high:
            return Fault("out_of_range", "Answer between {min} and {max}.", min=low, max=high)
        if low is not None and value < low:
            return Fault("too_early", "Answer with {min} or later.", min=low)
        if high is not None and value > high:
            return Fault("too_late", "Answer with {max} or earlier.", max=high)
        return None

    def comparison_error(self, spec: Spec, operand: Any) -> Fault | None:
        return None if self.schema.is_valid(operand) else self.expected_operand

    def moment(self, value: str) -> datetime | None:
        """The point in time a text names; None where it names none."""
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return None

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        if not isinstance(operand, str) or self.moment(operand) is None:
            return "value", self.expected_operand
        return None

    def write_value(self, spec: Spec, value: Any) -> Json:
        return keyed("value", self.fhir_type, value)

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        return found[1] if found is not None and found[0] in self.value_keys else None

    @property
    def value_keys(self) -> tuple[str, ...]:
        return (f"value{self.fhir_type[0].upper()}{self.fhir_type[1:]}",)


class DateKind(TemporalKind):
    name = "date"
    schema = DateSchema()
    description = "A question answered with a day."
    value_schema = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
    example = {"id": "since", "type": "date", "label": "Since when?"}
    example_answer = "2026-03-02"
    item_types = ("date",)
    fhir_type = "date"
    expected_answer = Fault("not_a_day", "Answer with a day as YYYY-MM-DD.")
    expected_operand = Fault("not_a_day", "Compare with a day as YYYY-MM-DD.")

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        if (problem := super().risk_error(spec, op, operand)) is not None:
            return problem
        low, high = spec.get("min", ""), spec.get("max", "\uffff")
        possible = {
            "=": low <= operand <= high,
            "!=": not low == high == operand,
            ">": operand < high,
            ">=": operand <= high,
            "<": operand > low,
            "<=": operand >= low,
        }[op]
        if possible:
            return None
        return "value", Fault("never_matches", "No answer can match this. Compare with a day this block accepts.")


class TimeKind(TemporalKind):
    name = "time"
    schema = TimeSchema()
    description = "A question answered with a time of day."
    value_schema = {"type": "string", "pattern": r"^[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?$"}
    example = {"id": "bedtime", "type": "time", "label": "When did you go to bed?"}
    example_answer = "23:15"
    item_types = ("time",)
    fhir_type = "time"
    expected_answer = Fault("not_a_time", "Answer with a time of day as HH:MM.")
    expected_operand = Fault("not_a_time", "Compare with a time of day as HH:MM.")

    def moment(self, value: str) -> datetime | None:
        return super().moment(f"2000-01-01T{value}")


class DatetimeKind(TemporalKind):
    name = "datetime"
    schema = DatetimeSchema()
    description = "A question answered with an instant, or with a day where the time does not matter."
    value_schema = {"type": "string", "maxLength": MAX_LENGTH, "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.+)?$"}
    example = {"id": "woke", "type": "datetime", "label": "When did you wake up?"}
    example_answer = "2026-03-02T06:40:00Z"
    item_types = ("dateTime",)
    fhir_type = "dateTime"
    expected_answer = Fault("not_an_instant", "Answer with an instant such as 2026-03-02T09:30:00Z, or a day.")
    expected_operand = Fault("not_an_instant", "Compare with an instant such as 2026-03-02T09:30:00Z, or a day.")

    @property
    def value_keys(self) -> tuple[str, ...]:
        return "valueDateTime", "valueDate"

    def matches_rule(self, value: Any, op: str, operand: Any) -> bool:
        """Compare instants where both are, with an offset or without; else as text."""
        left, right = self.moment(value), self.moment(operand) if isinstance(operand, str) else None
        if left is None or right is None or (left.tzinfo is None) != (right.tzinfo is None):
            return super().matches_rule(value, op, operand)
        return COMPARISONS[op](left, right)
