"""The wire shapes of answers to a form and of the rows they stand in: saved, read, sent in and tried out alike."""

from __future__ import annotations

from marshmallow import fields, validate

from portal.core.wire import EnumString, Identifier, StrictBoolean, WireSchema

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


class AnswerSchema(WireSchema):
    """One answer: to a block, in a row of a log or of logs in logs."""

    block = fields.String(required=True, validate=validate.Length(1, 255), metadata={"example": "before"})
    row = fields.List(
        Identifier(), validate=validate.Length(0, 8), metadata={"description": "Row ids, outermost first."}
    )
    value = fields.Raw(
        required=True, allow_none=True, metadata={"description": "As the block's type says; null clears.", "example": 7}
    )
    share = EnumString(("my_therapist", "only_me"))


class LogRowSchema(WireSchema):
    """A row of a log; its id is made by whoever adds it."""

    log = fields.String(required=True, validate=validate.Length(1, 255), metadata={"example": "triggers"})
    id = Identifier(required=True)
    row = fields.List(
        Identifier(), validate=validate.Length(0, 8), metadata={"description": "The rows around it, outermost first."}
    )
    after = Identifier(
        allow_none=True,
        load_only=True,
        metadata={"description": "The row before it; null for the first place.", "example": None},
    )
    removed = StrictBoolean(load_only=True)


class ScoreSchema(WireSchema):
    """What a response comes to: a score, or what an expression of the form gives."""

    id = fields.String(required=True, metadata={"example": "total"})
    label = fields.String(required=True, metadata={"example": "Total"})
    value = fields.Raw(
        required=True, allow_none=True, metadata={"description": "Null where it cannot be given.", "example": 12}
    )
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it cannot be given.", "example": None}
    )
    band = fields.String(allow_none=True, metadata={"description": "How much that is, in a word.", "example": "mild"})
    minimum = fields.Raw(allow_none=True, metadata={"example": 0})
    maximum = fields.Raw(allow_none=True, metadata={"example": 27})
    answered = fields.Integer(metadata={"description": "How many of its items are answered.", "example": 9})
    of = fields.Integer(metadata={"description": "How many of its items are shown.", "example": 9})
    row = fields.List(Identifier(), metadata={"description": "The rows it stands in, outermost first."})


class SaveResponseSchema(WireSchema):
    """What changed: rows and answers, nothing else."""

    answers = fields.List(
        fields.Nested(AnswerSchema()),
        load_default=list,
        validate=validate.Length(0, 2000),
        metadata={"example": ANSWERS},
    )
    rows = fields.List(
        fields.Nested(LogRowSchema()),
        load_default=list,
        validate=validate.Length(0, 1000),
        metadata={"example": [{"log": "triggers", "id": ROW, "after": None}]},
    )
