"""A body map: "where do you feel it?", answered with places on a drawn figure, which is also a plain list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from portal.core.errors import Fault
from portal.core.wire import EnumString, Length
from portal.forms.fhir_elements.controls import item_control
from portal.forms.fhir_elements.source import Json, Source
from portal.forms.kinds.base import Kind, Problem, Spec, single_value
from portal.forms.kinds.comparisons import EQUALITY
from portal.forms.kinds.schemas import AnsweredSchema

PLACES: Mapping[str, str] = {
    "head": "Head",
    "face": "Face",
    "jaw": "Jaw",
    "throat": "Throat",
    "shoulders": "Shoulders",
    "chest": "Chest",
    "heart": "Heart",
    "stomach": "Stomach",
    "belly": "Belly",
    "pelvis": "Pelvis",
    "arms": "Arms",
    "hands": "Hands",
    "hips": "Hips",
    "legs": "Legs",
    "knees": "Knees",
    "feet": "Feet",
    "neck": "Neck",
    "upper-back": "Upper back",
    "lower-back": "Lower back",
    "seat": "Bottom",
}
"""The label of each place by its code, front first and from head to feet. A code never changes its meaning."""
CONTROL_SYSTEM = "https://portal.example/fhir/CodeSystem/item-control"
PLACE_SYSTEM = "https://portal.example/fhir/CodeSystem/body-place"


class BodyMapSchema(AnsweredSchema):
    places = fields.List(
        EnumString({place: f"{label}." for place, label in PLACES.items()}),
        validate=Length(1, len(PLACES)),
        metadata={
            "description": "The places to choose from; all of them without this member.",
            "example": ["chest", "stomach"],
        },
    )

    @validates_schema
    def check_places(self, block: dict[str, Any], **_: Any) -> None:
        places = block.get("places", [])
        repeated = [index for index, place in enumerate(places) if place in places[:index]]
        if repeated:
            raise ValidationError(
                {"places": {index: [Fault("duplicate_place", "This place is there already.")] for index in repeated}}
            )


class BodyMapKind(Kind):
    name = "body_map"
    description = "A question answered with places on a drawn figure, or on the same places as a list."
    schema = BodyMapSchema()
    value_schema = {"type": "string", "enum": list(PLACES)}
    example = {
        "id": "where",
        "type": "body_map",
        "label": "Where do you feel it?",
        "places": ["throat", "chest", "heart", "stomach", "belly"],
    }
    example_answer = ["throat", "stomach"]
    always_multiple = True
    item_types = ("choice",)
    item_controls = ("body-map",)
    item_control_system = CONTROL_SYSTEM

    def answer_error(self, spec: Spec, answer: Any) -> Fault | None:
        if (fault := super().answer_error(spec, answer)) is not None:
            return fault
        return Fault("chosen_twice", "Choose each place once.") if len(set(answer)) < len(answer) else None

    def value_error(self, spec: Spec, value: Any) -> Fault | None:
        if isinstance(value, str) and value in places_of(spec):
            return None
        return Fault("unknown_place", "Use places of this question: {places}.", places=", ".join(places_of(spec)))

    def comparison_error(self, spec: Spec, operand: Any) -> Fault | None:
        if operand in places_of(spec):
            return None
        return Fault("unknown_place", "That block has no place with this code.")

    def risk_error(self, spec: Spec, op: str, operand: Any) -> Problem | None:
        if op not in EQUALITY:
            return "op", Fault("not_ordered", "Compare a place with = or !=.")
        if operand not in places_of(spec):
            return "value", Fault("unknown_place", "This block has no place with this code.")
        if op == "!=" and [operand] == list(places_of(spec)):
            return "value", Fault("never_matches", "This is the only place, so no other can be chosen.")
        return None

    def authoring_problems(self, spec: Spec) -> Iterator[Problem]:
        yield from super().authoring_problems(spec)
        if list(spec.get("places", ())) == list(PLACES):
            yield "places", Fault("all_places", "These are all places there are. Leave places out.")

    def preview(self, spec: Spec) -> dict[str, Any]:
        options = [{"code": place, "label": PLACES[place]} for place in places_of(spec)]
        return {**super().preview(spec), "options": options}

    def claims(self, item: Json) -> bool:
        """Claim an item only where its options are our places, each once, so that nothing of it is lost."""
        if item["type"] not in self.item_types or item_control(item) != "body-map" or item.get("repeats") is not True:
            return False
        written = item.get("answerOption", ())
        places = [option.get("valueCoding", {}).get("code") for option in written]
        known = all(place in PLACES for place in places) and len(set(places)) == len(places) > 0
        return known and list(written) == _answer_options(places)

    def read_item(self, item: Json, block: dict[str, Any], members: frozenset[str], source: Source) -> None:
        places = [option["valueCoding"]["code"] for option in item["answerOption"]]
        if places != list(PLACES):
            block["places"] = places

    def item_members(self, spec: Spec, source: Source) -> Json:
        return {"repeats": True, "answerOption": _answer_options(places_of(spec))}

    def option_values(self, spec: Spec) -> Mapping[str, Json]:
        return {place: self.write_value(spec, place) for place in places_of(spec)}

    def write_value(self, spec: Spec, value: Any) -> Json:
        return {"valueCoding": {"system": PLACE_SYSTEM, "code": value, "display": PLACES[value]}}

    def read_value(self, spec: Spec, original: Json) -> Any:
        found = single_value(original)
        code = found[1].get("code") if found is not None and found[0] == "valueCoding" else None
        return code if code in PLACES and self.write_value(spec, code) == original else None


def places_of(spec: Spec) -> Sequence[str]:
    """The codes of the places a block offers, in order."""
    places: Sequence[str] = spec.get("places") or list(PLACES)
    return places


def _answer_options(places: Sequence[str]) -> list[Json]:
    return [{"valueCoding": {"system": PLACE_SYSTEM, "code": place, "display": PLACES[place]}} for place in places]
