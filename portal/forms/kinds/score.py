"""A result that the form shows: a declared score, or the value of an expression."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from portal.core.errors import Fault
from portal.core.wire import EnumString, Text
from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.controls import fhirpath_in
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds.base import Kind, Spec
from portal.forms.kinds.schemas import QuestionSchema

_CALCULATED_TYPES = frozenset({"decimal", "integer", "quantity", "string"})
_ITEM_TYPES = {
    **{name: name for name in ("decimal", "integer", "quantity", "string", "boolean", "date", "choice")},
    "datetime": "dateTime",
}


class ScoreBlockSchema(QuestionSchema):
    """A result that is shown, never typed: a declared score, or the value of an expression."""

    score = Text(64, least=1, metadata={"description": "The id of the declared score to show."})
    answer = EnumString(
        {
            "decimal": "A decimal number.",
            "integer": "A whole number.",
            "quantity": "A number with a unit.",
            "string": "A text.",
            "boolean": "True or false.",
            "date": "A day.",
            "datetime": "An instant.",
            "choice": "A coded value.",
        },
        metadata={"description": "The FHIR type of the result; decimal without this member."},
    )
    unit = Text(100, least=1, metadata={"description": "The unit shown behind the result."})

    @validates_schema
    def check_source(self, block: dict[str, Any], **_: Any) -> None:
        if ("score" in block) == ("calculated" in block):
            raise ValidationError(
                {"score": [Fault("no_source", "Name a score, or give the expression in calculated.")]}
            )


class ScoreKind(Kind):
    name = "score"
    description = "A result the form works out and shows: a declared score, or the value of an expression."
    schema = ScoreBlockSchema()
    example = {"id": "shown", "type": "score", "label": "Your total", "score": "total"}
    label_required = False
    item_types = tuple(sorted(_CALCULATED_TYPES))

    def claims(self, item: Json) -> bool:
        if item.get("readOnly") is not True or item["type"] not in _CALCULATED_TYPES or item.get("repeats"):
            return False
        return any(fhirpath_in(one) for one in item.get("extension", ()) if one.get("url") == urls.CALCULATED)

    def item_type(self, spec: Spec) -> str:
        return _ITEM_TYPES[spec.get("answer", "decimal")]

    def read_item(self, item: Json, block: dict[str, Any], members: frozenset[str], source: Source) -> None:
        block.pop("read_only", None)
        if item["type"] != "decimal":
            block["answer"] = item["type"]
        if "score" in block:
            expression = source.score_expression(block["score"])
            block.pop("calculated" if block.setdefault("calculated", expression) == expression else "score")

    def item_members(self, spec: Spec, source: Source) -> Json:
        return {"readOnly": True}

    def expressed(self, spec: Spec, source: Source) -> Spec:
        return {**spec, "calculated": source.score_expression(spec["score"])} if "score" in spec else spec
