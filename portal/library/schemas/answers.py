"""Answers to a form and the rows of its logs: saved, read, submitted and previewed alike."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import EnumString, Identifier, Length, StrictBoolean, WireSchema

ROW = "01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f"
ANSWERS = [
    {"block": "before", "value": 7},
    {"block": "safe", "value": True},
    {"block": "situation", "row": [ROW], "value": "He was an hour late"},
    {"block": "when", "row": [ROW], "value": "2026-03-01"},
    {"block": "helped", "row": [ROW], "value": [{"code": "walk"}, {"other": "called my sister"}]},
    {"block": "hours", "value": 6.5},
    {"block": "note", "value": "Not yet sure what to say.", "share": "only_me"},
]
SHARES = {
    "my_therapist": "The therapist reads it once it is submitted.",
    "only_me": "Private: nobody but the client ever reads it.",
}


class AnswerSchema(WireSchema):
    """An answer to one block of a form."""

    block = fields.String(
        required=True, validate=Length(1, 255), metadata={"description": "The block's id.", "example": "before"}
    )
    row = fields.List(
        Identifier(),
        validate=Length(0, 8),
        metadata={
            "description": "Inside a log: the ids of the rows around it, outermost first. Leave it out elsewhere.",
            "example": [],
        },
    )
    value = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "The answer, in the form that the block's type takes; null clears it.", "example": 7},
    )
    share = EnumString(
        SHARES,
        metadata={
            "description": "Who reads the answer. The default is the block's own, mostly `my_therapist`.",
            "example": "my_therapist",
        },
    )


class LogRowSchema(WireSchema):
    """A row of a log. Whoever adds it chooses its id."""

    log = fields.String(
        required=True, validate=Length(1, 255), metadata={"description": "The log's block id.", "example": "triggers"}
    )
    id = Identifier(required=True, metadata={"description": "A new UUID for a new row."})
    row = fields.List(
        Identifier(),
        validate=Length(0, 8),
        metadata={
            "description": "In a log inside a log: the ids of the rows around it, outermost first.",
            "example": [],
        },
    )
    after = Identifier(
        allow_none=True,
        load_only=True,
        metadata={
            "description": "The row it comes after; null puts it first. Left out, a new row comes last.",
            "example": None,
        },
    )
    removed = StrictBoolean(
        load_only=True,
        metadata={"description": "true removes the row and the answers in it.", "example": False},
    )


class ScoreSchema(WireSchema):
    """A score, or the result of another expression of the form."""

    id = fields.String(required=True, metadata={"description": "The score's id in the form.", "example": "total"})
    label = fields.String(required=True, metadata={"description": "Its name.", "example": "Total"})
    value = fields.Raw(
        required=True,
        allow_none=True,
        metadata={"description": "The result; null if it cannot be computed.", "example": 12},
    )
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Why it cannot be computed; null if it can.", "example": None},
    )
    band = fields.String(
        allow_none=True,
        metadata={
            "description": "The name of the band it falls into. Clients get it only if the practice allows it.",
            "example": "mild",
        },
    )
    minimum = fields.Raw(
        allow_none=True, metadata={"description": "The lowest possible score; null if unknown.", "example": 0}
    )
    maximum = fields.Raw(
        allow_none=True, metadata={"description": "The highest possible score; null if unknown.", "example": 27}
    )
    answered = fields.Integer(metadata={"description": "How many of its items are answered.", "example": 9})
    of = fields.Integer(metadata={"description": "How many of its items are visible.", "example": 9})
    row = fields.List(
        Identifier(),
        metadata={"description": "Inside a log: the rows around it, outermost first.", "example": []},
    )


class SaveResponseSchema(WireSchema):
    """What changed since the last save. Everything else stays."""

    answers = fields.List(
        fields.Nested(AnswerSchema()),
        load_default=list,
        validate=Length(0, 2000),
        metadata={"description": "Answers that were given, changed or cleared.", "example": ANSWERS},
    )
    rows = fields.List(
        fields.Nested(LogRowSchema()),
        load_default=list,
        validate=Length(0, 1000),
        metadata={
            "description": "Rows of logs that were added, moved or removed.",
            "example": [{"log": "triggers", "id": ROW, "after": None}],
        },
    )
