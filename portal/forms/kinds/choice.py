"""A question answered by choosing from options."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from portal.core.errors import Fault
from portal.core.wire import EnumString, Length, StrictBoolean, Text, WireSchema
from portal.forms.fhir_elements import options
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds.base import MAX_ANSWERS, Bounds, Kind, Problem, Spec, single_value
from portal.forms.kinds.coding_limits import BLANK, coding_problems, is_blank
from portal.forms.kinds.comparisons import EQUALITY
from portal.forms.kinds.number import exact
from portal.forms.kinds.schemas import Number, QuestionSchema, is_number
from portal.forms.kinds.temporal import DateSchema, TimeSchema

MAX_OPTIONS = 2_000
MAX_CODE_LENGTH = 64
MAX_OTHER_LENGTH = 500
OPTION_TYPES = {
    "string": "A text.",
    "integer": "A whole number.",
    "date": "A day.",
    "time": "A time of day.",
    "reference": "A reference to another FHIR resource.",
}
"""What an option is in FHIR, where it is not a coding."""
_INTEGER = re.compile(r"-?[0-9]{1,9}")
_PREVIEWED = ("code", "label", "prefix", "exclusive", "selected")


class OptionSchema(WireSchema):
    """An answer to choose: a coding, or a plain value where `as` says what it is."""

    code = Text(
        1_000,
        least=1,
        required=True,
        metadata={"example": "walk", "description": "The option's code, unique in its block."},
    )
    label = Text(5_000, least=1, metadata={"example": "Took a walk", "description": "What the client reads."})
    system = Text(1_000, least=1, metadata={"description": "The address of the code system the code is from."})
    score = Number(metadata={"description": "What choosing this option counts in a score."})
    prefix = Text(100, least=1, metadata={"description": "A letter or number printed before the label."})
    exclusive = StrictBoolean(metadata={"description": "Whether this option cannot be combined with others."})
    selected = StrictBoolean(metadata={"description": "Whether a new response begins with this option chosen."})
    fhir = fields.Dict(metadata={"description": "The option as an imported form wrote it."})


OptionSchema._declared_fields["as"] = EnumString(  # noqa: SLF001 -- a keyword of Python cannot be written as an attribute
    OPTION_TYPES, metadata={"description": "The FHIR type of an option that is a plain value instead of a coding."}
)


class ChoiceSchema(QuestionSchema):
    options = fields.List(
        fields.Nested(OptionSchema),
        validate=Length(1, MAX_OPTIONS),
        metadata={"description": "The options to choose from, in order."},
    )
    options_from = Text(
        2_000, least=1, metadata={"description": "The address of a FHIR value set that holds the options."}
    )
    other = StrictBoolean(metadata={"description": "Whether clients may answer in their own words instead."})
    other_label = Text(1_000, metadata={"description": "The label of the field for their own words."})
    orientation = EnumString(
        {"horizontal": "Side by side.", "vertical": "One below the other."},
        metadata={"description": "Whether options stand in a row or below one another."},
    )

    @validates_schema
    def check_options(self, block: dict[str, Any], **_: Any) -> None:
        if "options" not in block and "options_from" not in block and "fhir" not in block:
            raise ValidationError({"options": [Fault("required", "Give the options to choose from.")]})
        seen, repeated = set(), []
        for index, option in enumerate(block.get("options", [])):
            if option.get("code") in seen:
                repeated.append(index)
            seen.add(option.get("code"))
        if repeated:
            fault = Fault("duplicate_code", "Another option has this code.")
            raise ValidationError({"options": {index: {"code": [fault]} for index in repeated}})


class ChoiceKind(Kind):
    name = "choice"
    description = "A question answered by choosing one option, or several."
    schema = ChoiceSchema()
    value_schema = {
        "oneOf": [
            {
                "type": "object",
                "properties": {"code": {"type": "string", "description": "The code of the chosen option."}},
                "required": ["code"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {
                    "other": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_OTHER_LENGTH,
                        "description": "The client's own words, where the question offers that.",
                    }
                },
                "required": ["other"],
                "additionalProperties": False,
            },
        ]
    }
    example = {
        "id": "helped",
        "type": "choice",
        "label": "What helped?",
        "multiple": True,
        "options": [{"code": "walk", "label": "Took a walk"}, {"code": "call", "label": "Called a friend"}],
        "other": True,
    }
    example_answer = [{"code": "walk"}, {"other": "My cat"}]
    has_number = True
    can_reverse = True
    item_types = ("choice", "open-choice")

    # Answers

    @property
    def answer_schema(self) -> Json:
        return {"type": "array", "items": self.value_schema, "minItems": 1, "maxItems": MAX_ANSWERS}

    def answer_is_list(self, spec: Spec) -> bool:
        return True

    def answer_error(self, spec: Spec, answer: Any) -> Fault | None:
        if not isinstance(answer, list) or not 0 < len(answer) <= MAX_ANSWERS:
            return Fault("not_a_list", 'Answer with a list such as [{"code": "..."}], or with null to clear.')
        codes = options_by_code(spec)
        faults = (fault for value in answer if (fault := _value_error(spec, codes, value)))
        return next(faults, None) or self._combination_error(spec, codes, answer)

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        return _value_error(spec, options_by_code(spec), value)

    def initial_answer(self, spec: Spec) -> Any:
        selected = [{"code": option["code"]} for option in spec.get("options", ()) if option.get("selected")]
        return spec.get("default") or (selected if self.is_multiple(spec) else selected[:1]) or None

    def _combination_error(
        self, spec: Spec, codes: Mapping[str, Json], answer: Sequence[Mapping[str, str]]
    ) -> Fault | None:
        if len(answer) == 1:
            return None
        if not self.is_multiple(spec):
            return Fault("choose_one", "Choose one.")
        chosen = [(value.get("code"), value.get("other")) for value in answer]
        if len(set(chosen)) < len(chosen):
            return Fault("chosen_twice", "Choose each option once.")
        if any(codes[code].get("exclusive") for code, _ in chosen if code is not None):
            return Fault(
                "exclusive_option", "One of these cannot be combined: choose it by itself, or choose the others."
            )
        return None

    # Conditions and risk rules

    def comparable(self, value: Any) -> Any:
        return value.get("code", value.get("other"))

    def comparison_error(self, spec: Spec, operand: Any) -> Fault | None:
        if "options" in spec and operand not in options_by_code(spec):
            return Fault("unknown_option", "That block has no option with this code.")
        return None

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        codes = list(options_by_code(spec))
        if op not in EQUALITY:
            return "op", Fault("not_ordered", "Compare a choice with = or !=.")
        if not isinstance(operand, str) or (codes and operand not in codes):
            return "value", Fault("unknown_option", "This block has no option with this code.")
        if op == "!=" and codes == [operand] and not spec.get("other"):
            return "value", Fault(
                "never_matches", "This is the only option, so nothing else can be chosen. Compare with =."
            )
        return None

    def matches_rule(self, value: Any, op: str, operand: Any) -> bool:
        """The client's own words are not the code of an option, whatever they say."""
        return op == "!=" if "other" in value else super().matches_rule(value, op, operand)

    # Authoring

    def authoring_problems(self, spec: Spec) -> Iterator[Problem]:
        yield from super().authoring_problems(spec)
        if "options" in spec and "default" in spec:
            yield "default", Fault("use_selected", "Mark the option that is chosen to begin with as selected.")
        for index, option in enumerate(spec.get("options", ())):
            yield from ((f"options/{index}/{name}", fault) for name, fault in _option_problems(option))

    # Numbers

    def scoring_error(self, spec: Spec) -> Fault | None:
        if any("score" in option for option in spec.get("options", ())):
            return None
        return Fault("no_option_scores", "The options of that block have no scores. Give them some.")

    def number(self, spec: Spec, value: Any) -> Decimal | None:
        score = self.ordinal(spec, value) if isinstance(value, Mapping) else None
        return exact(score) if is_number(score) else None

    def bounds(self, spec: Spec) -> Bounds:
        scores = [exact(option["score"]) for option in spec.get("options", ()) if is_number(option.get("score"))]
        if not scores:
            return None, None
        if not spec.get("multiple"):
            return min(scores), max(scores)
        below, above = [score for score in scores if score < 0], [score for score in scores if score > 0]
        return (sum(below) if below else min(scores)), (sum(above) if above else max(scores))

    # Preview and FHIR

    def preview(self, spec: Spec) -> dict[str, Any]:
        members = super().preview(spec)
        if "options" in spec:
            members["options"] = [
                {name: option[name] for name in _PREVIEWED if name in option} for option in spec["options"]
            ]
        return members

    def item_type(self, spec: Spec) -> str:
        return "open-choice" if spec.get("other") else "choice"

    def read_item(self, item: Json, block: dict[str, Any], members: frozenset[str], source: Source) -> None:
        if item["type"] == "open-choice":
            block["other"] = True
        if item.get("answerValueSet"):
            block["options_from"] = item["answerValueSet"]
        if "options" not in members:
            return
        taken: dict[str, int] = {}
        found = [option for one in item.get("answerOption", ()) if (option := options.read(one, taken)) is not None]
        if not found and "options_from" in block:
            found = options.of_value_set(block["options_from"], source.contained) or []
        if found:
            block["options"] = found

    def item_members(self, spec: Spec, source: Source) -> Json:
        address = spec.get("options_from")
        if address is not None and (
            "options" not in spec or options.of_value_set(address, source.contained) == spec["options"]
        ):
            return {"answerValueSet": address}
        return {"answerOption": [options.restore(option) for option in spec.get("options", ())]}

    def option_values(self, spec: Spec) -> Mapping[str, Json]:
        return {option["code"]: options.value_of(option) for option in spec.get("options", ())}

    def write_value(self, spec: Spec, value: Any) -> Json:
        if "code" in value:
            return options.value_of(_option(spec, value["code"]))
        return {"valueString": value["other"]} if spec.get("other") else {"valueCoding": {"display": value["other"]}}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        if found is None:
            return None
        key, value = found
        for option in spec.get("options", ()):
            if options.value_of(option) == original:
                return {"code": option["code"]}
        if spec.get("other"):
            return {"other": value} if key == "valueString" else None
        is_text = key == "valueCoding" and "options" not in spec and list(value) == ["display"]
        return {"other": value["display"]} if is_text else None

    def ordinal(self, spec: Spec, value: Any) -> Any:
        code = value.get("code")
        return next((option.get("score") for option in spec.get("options", ()) if option["code"] == code), None)


def options_by_code(spec: Spec) -> dict[str, Json]:
    return {option["code"]: option for option in spec.get("options", ())}


def _option(spec: Spec, code: str) -> Json:
    return next(option for option in spec["options"] if option["code"] == code)


def allows_free_text(spec: Spec) -> bool:
    """Whether the client may write an answer; so, too, where the options live elsewhere and cannot be read."""
    return bool(spec.get("other")) or "options" not in spec


def _value_error(spec: Spec, codes: Mapping[str, Json], value: Any) -> Fault | None:
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"code", "other"}:
        return Fault("not_a_choice", 'Each choice is {"code": "..."} or {"other": "own words"}.')
    if "code" in value:
        if isinstance(value["code"], str) and value["code"] in codes:
            return None
        return Fault("unknown_option", "This is not one of the options.")
    text = value["other"]
    if allows_free_text(spec) and isinstance(text, str) and 0 < len(text) <= MAX_OTHER_LENGTH:
        return None
    return Fault(
        "other_not_accepted",
        "Own words (1 to {max} characters) are accepted only where the question offers them.",
        max=MAX_OTHER_LENGTH,
    )


def _option_problems(option: Json) -> Iterator[Problem]:
    option_type, code = option.get("as"), option["code"]
    if "label" not in option:
        yield "label", Fault("required", "Write a label.")
    if len(code) > MAX_CODE_LENGTH:
        yield "code", Fault("too_long", "Use {max} characters at most.", max=MAX_CODE_LENGTH)
    if option_type == "integer" and not _INTEGER.fullmatch(code):
        yield "code", Fault("not_a_whole_number", "Use a whole number.")
    elif option_type == "date" and not DateSchema.is_valid(code):
        yield "code", DateSchema.expected
    elif option_type == "time" and not TimeSchema.is_valid(code):
        yield "code", TimeSchema.expected
    elif option_type == "string" and is_blank(code):
        yield "code", Fault("blank", "Write something here.")
    yield from coding_problems({name: part for name, part in option.items() if name != "code" or option_type is None})
    if is_blank(option.get("prefix")):
        yield "prefix", BLANK
