"""What a block type decides: a class to derive from, with the answers of the simplest question.

A method takes the block's own document (`spec`), never the form around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from portal.core.errors import Fault
from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds import coding_limits
from portal.forms.kinds.comparisons import EQUALITY, compare
from portal.forms.kinds.schemas import BlockSchema

Spec = Mapping[str, Any]
Problem = tuple[str, Fault]
"""The member of a block or of a rule that does not fit, and why."""
Bounds = tuple[Decimal | None, Decimal | None]
MAX_ANSWERS = 200
MAX_LABEL_LENGTH = 500
NO_ANSWER = Fault("takes_no_answer", "This block takes no answer.")
_NOT_PREVIEWED = frozenset(
    {"blocks", "calculated", "codes", "fhir", "markdown", "risk", "show_if", "show_if_expr", "variables"}
)


class Kind:
    """A block type. The class attributes say what it is; the methods, what it does with a block and its answers."""

    name: ClassVar[str]
    description: ClassVar[str]
    """One sentence for authors and integrators."""
    schema: ClassVar[BlockSchema]
    example: ClassVar[Json]
    """A complete block."""
    value_schema: ClassVar[Json | None] = None
    """The JSON Schema of one value of an answer; None where the block takes no answer."""
    example_answer: ClassVar[Any] = None

    has_rows: ClassVar[bool] = False
    """Whether it holds rows of blocks, as a log does."""
    always_multiple: ClassVar[bool] = False
    """Whether an answer is a list of values whatever the author says."""
    label_required: ClassVar[bool] = True
    """Whether an author must write a label."""
    heading_is_label: ClassVar[bool] = True
    """Whether the label is a short heading or question, rather than text to read."""
    calculated_as_score: ClassVar[bool] = False
    """Whether a read-only calculated block of this type is a score in FHIR."""
    can_reverse: ClassVar[bool] = False
    """Whether a score may count its answers in reverse."""
    has_number: ClassVar[bool] = False
    """Whether there is a number behind an answer, so that a score can count it."""

    item_types: ClassVar[tuple[str, ...]]
    """The FHIR item types it is read from; the first is the one it is written as."""
    item_controls: ClassVar[tuple[str, ...]] = ()
    """The item controls that say this type; the first is the one that is written."""
    item_control_system: ClassVar[str] = urls.ITEM_CONTROLS

    # Answers -------------------------------------------------------------------------------------------------------

    @property
    def accepts_answer(self) -> bool:
        return self.value_schema is not None

    @property
    def answer_schema(self) -> Json | None:
        """The JSON Schema of a whole answer."""
        if self.value_schema is None:
            return None
        several = {"type": "array", "items": self.value_schema, "minItems": 1, "maxItems": MAX_ANSWERS}
        if self.always_multiple:
            return several
        return {"anyOf": [self.value_schema, several]} if "multiple" in self.schema.fields else self.value_schema

    def is_multiple(self, spec: Spec) -> bool:
        """Whether an answer may hold several values."""
        return self.always_multiple or (bool(spec.get("multiple")) and not holds_rows(self, spec))

    def answer_is_list(self, spec: Spec) -> bool:
        return self.is_multiple(spec)

    def values_of(self, answer: Any) -> list[Any]:
        """The single values of an answer."""
        return answer if isinstance(answer, list) else [answer]

    def answer_error(self, spec: Spec, answer: Any) -> Fault | None:
        """Why this does not answer the block, or None."""
        if not self.accepts_answer:
            return NO_ANSWER
        if not self.is_multiple(spec):
            return self.value_error(spec, answer)
        if not isinstance(answer, list) or not 0 < len(answer) <= MAX_ANSWERS:
            return Fault(
                "not_a_list", "Answer with a list of 1 to {max} values, or with null to clear.", max=MAX_ANSWERS
            )
        return next((fault for value in answer if (fault := self.value_error(spec, value))), None)

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        """Why this is no value of an answer, or None."""
        return NO_ANSWER

    def completion_error(self, spec: Spec, value: Any) -> Fault | None:
        """Why a value cannot be submitted yet, or None."""
        return None

    def initial_answer(self, spec: Spec) -> Any:
        """The answer a new response begins with, or None."""
        return spec.get("default")

    # Conditions and risk rules ---------------------------------------------------------------------------------------

    def comparable(self, value: Any) -> Any:
        """The scalar that stands for a value in comparisons."""
        return value

    def comparable_values(self, answer: Any) -> list[Any]:
        return [self.comparable(value) for value in self.values_of(answer)]

    def comparison_error(self, spec: Spec, operand: Any) -> Fault | None:
        """Why no answer can ever compare with this operand, or None."""
        return None

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        """The member of a risk rule that no answer can match, and why; or None."""
        return "op", Fault("not_comparable", "Answers to this type of block cannot be compared. Leave risk out.")

    def matches_rule(self, value: Any, op: str, operand: Any) -> bool:
        """Whether a value of an answer matches a risk rule."""
        scalar = self.comparable(value)
        if isinstance(scalar, bool) and op not in EQUALITY:
            return False
        return scalar is not None and compare(scalar, op, operand)

    # Authoring -------------------------------------------------------------------------------------------------------

    def authoring_problems(self, spec: Spec) -> Iterator[Problem]:
        """What an author must still say about a block, and what FHIR has no way to express."""
        label = spec.get("label")
        if spec.get("read_only") and "calculated" in spec and self.calculated_as_score:
            yield "type", Fault("use_score", 'The form fills this in by itself: use a block of type "score".')
        if label is None and self.label_required:
            yield "label", Fault("required", "Write a label.")
        elif label is not None and self.heading_is_label and not 0 < len(label.strip()) <= MAX_LABEL_LENGTH:
            yield "label", Fault("length", "Use 1 to {max} characters.", max=MAX_LABEL_LENGTH)
        if "blocks" in spec and not spec["blocks"]:
            yield "blocks", Fault("empty", "Put a block in it, or leave it out.")
        yield from coding_limits.blank_members(spec)
        yield from coding_limits.code_problems(spec.get("codes", ()))

    # Numbers ---------------------------------------------------------------------------------------------------------

    def scoring_error(self, spec: Spec) -> Fault | None:
        """Why a score cannot count this block, or None."""
        return None if self.has_number else Fault("no_number", "There is no number behind an answer to that block.")

    def number(self, spec: Spec, value: Any) -> Decimal | None:
        """What one value of an answer counts; None where there is no number behind it."""
        return None

    def bounds(self, spec: Spec) -> Bounds:
        """The least and the most an answer can count, where that is bounded."""
        return None, None

    def is_reversible(self, spec: Spec) -> bool:
        return self.can_reverse and not spec.get("multiple")

    # Preview ---------------------------------------------------------------------------------------------------------

    def preview(self, spec: Spec) -> dict[str, Any]:
        """The members a client's screen needs; not the ones for the author and the program."""
        return {name: value for name, value in spec.items() if name not in _NOT_PREVIEWED}

    # FHIR ------------------------------------------------------------------------------------------------------------

    def claims(self, item: Json) -> bool:
        """Whether a FHIR item is a block of this type; of several types that claim it, the first registered has it."""
        return item["type"] in self.item_types

    def item_type(self, spec: Spec) -> str:
        """The type of the FHIR item a block is written as."""
        return self.item_types[0]

    def read_item(self, item: Json, block: dict[str, Any], members: frozenset[str], source: Source) -> None:
        """Read into `block` what an item says beyond its common members; `members` are those that may be read."""

    def item_members(self, spec: Spec, source: Source) -> Json:
        """The members a block has as an item, beyond the common ones."""
        return {}

    def expressed(self, spec: Spec, source: Source) -> Spec:
        """The block with what its extensions have to say."""
        return spec

    def markers(self, spec: Spec) -> list[Json]:
        """Extensions of ours that say the type, or something FHIR leaves open."""
        return []

    def is_marker(self, item: Json, extension: Json) -> bool:
        """Whether an extension of an item is one of its `markers`."""
        return False

    def own_items(self, spec: Spec) -> list[Json]:
        """Items inside the block's own that are no blocks."""
        return []

    def own_answers(self, spec: Spec, answer: Any) -> list[Json]:
        """The response items for `own_items`."""
        return []

    def option_values(self, spec: Spec) -> Mapping[str, Json]:
        """Each option's `value[x]` by its code."""
        return {}

    def write_value(self, spec: Spec, value: Any) -> Json:
        """A value of an answer as FHIR's `value[x]`."""
        raise NotImplementedError(self.name)

    def read_value(self, spec: Spec, original: Json) -> Any:
        """A `value[x]` as a value of an answer; None where it is none."""
        raise NotImplementedError(self.name)

    def ordinal(self, spec: Spec, value: Any) -> Any:
        """The score of a chosen option, for the expressions that read it."""
        return None


def holds_rows(kind: Kind, spec: Spec) -> bool:
    """Whether answers stand in rows: in a log, and in a question with questions of its own that is asked repeatedly."""
    return kind.has_rows or bool(spec.get("multiple") and spec.get("blocks"))


def single_value(original: Json) -> tuple[str, Any] | None:
    """The one `value[x]` an element consists of, as its name and value; None where there is more in it."""
    keys = [key for key in original if key.startswith("value")]
    return (keys[0], original[keys[0]]) if len(keys) == 1 and keys == list(original) else None
