"""The wire shapes of the crisis card, of notices and of alerts."""

from __future__ import annotations

from marshmallow import fields, validate

from portal.core.wire import (
    EXAMPLE_ID,
    BoundedList,
    EnumString,
    Identifier,
    Instant,
    Line,
    ListQuerySchema,
    StrictBoolean,
    Text,
    WireSchema,
)
from portal.safety.crisis_numbers import KINDS

NUMBER = validate.Regexp(
    r"^[0-9+*#][0-9 +*#()/.-]*\Z", error="Use a telephone number: digits, blanks, + * # ( ) / . and dashes."
)
MOST_NUMBERS = 12
UNWATCHED = "Nobody reads along here in real time, so please do not wait for an answer here."


class CrisisNumberSchema(WireSchema):
    """A line one can call."""

    kind = EnumString(KINDS, required=True, metadata={"example": "crisis"})
    label = Line(80, required=True, metadata={"example": "TelefonSeelsorge"})
    number = fields.String(
        required=True, validate=[validate.Length(2, 40), NUMBER], metadata={"example": "0800 111 0 111"}
    )
    note = Line(120, allow_none=True, load_default=None, metadata={"example": "day and night"})


class ShownNumberSchema(CrisisNumberSchema):
    """A line one can call, as the card shows it."""

    note = Line(120, required=True, allow_none=True, metadata={"example": "day and night"})


class ChangeCrisisCardSchema(WireSchema):
    """What a practice puts on its card; the words around it are the portal's."""

    numbers = BoundedList(fields.Nested(CrisisNumberSchema()), MOST_NUMBERS, least=1, required=True)
    note = Text(500, least=1, allow_none=True, load_default=None, metadata={"example": "Our own line: ..."})


class CrisisCardSchema(WireSchema):
    """Whom to call: static, the same for every client, one step away on every page."""

    title = fields.String(required=True, metadata={"example": "When it is too much right now"})
    unwatched = fields.String(required=True, metadata={"example": UNWATCHED})
    words = fields.String(required=True)
    numbers = fields.List(fields.Nested(ShownNumberSchema()), required=True)
    elsewhere = fields.String(required=True)
    note = Text(500, required=True, allow_none=True, metadata={"description": "The practice's own words."})
    chosen_by_practice = StrictBoolean(
        required=True, metadata={"description": "false: what the portal knows of the country. Look it over."}
    )
    version = fields.Integer(required=True, metadata={"description": "0 until the practice chooses.", "example": 0})


class ConcernedSchema(WireSchema):
    """A block, and the row it stands in."""

    block = fields.String(required=True, metadata={"example": "q9"})
    row = fields.List(Identifier(), required=True, metadata={"description": "Row ids, outermost first.", "example": []})


class NoticeSchema(WireSchema):
    """What a client is told at once."""

    kind = EnumString(("crisis_card", "alert_raised"), required=True)
    words = fields.String(required=True, metadata={"example": UNWATCHED})
    card = fields.Nested(CrisisCardSchema(), required=True)
    blocks = fields.List(fields.Nested(ConcernedSchema()), required=True)


# Alerts --------------------------------------------------------------------------------------------------------


class SomeoneSchema(WireSchema):
    """A person by name."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Noor Haddad"})


class AlertItemSchema(WireSchema):
    """That a client needs a person soon, and who has taken care of it."""

    id = Identifier(required=True)
    client = fields.Nested(SomeoneSchema(), required=True)
    assignment_id = Identifier(
        required=True,
        allow_none=True,
        metadata={"description": "null where it came through another therapist's care link."},
    )
    attempt = fields.Integer(required=True, allow_none=True, metadata={"example": 1})
    raised_at = Instant(required=True)
    escalated_at = Instant(
        required=True, allow_none=True, metadata={"description": "When it had waited too long and was passed on."}
    )
    acknowledged_at = Instant(required=True, allow_none=True)
    acknowledged_by = fields.Nested(SomeoneSchema(), required=True, allow_none=True)


class AlertedBlockSchema(ConcernedSchema):
    """A block whose answer raised an alert, in the words the client was asked; the answer itself is in the attempt."""

    label = fields.String(required=True, metadata={"example": "Have you thought of hurting yourself?"})


class AlertSchema(AlertItemSchema):
    """An alert with what is said about it. Reading the blocks concerned leaves a row in the trail."""

    items = fields.List(
        fields.Nested(AlertedBlockSchema()),
        required=True,
        allow_none=True,
        metadata={"description": "null where it came through another therapist's care link."},
    )
    note = Text(2000, required=True, allow_none=True, metadata={"description": "Said on acknowledging it."})


class AcknowledgeSchema(WireSchema):
    """Taking care of an alert, by name."""

    note = Text(
        2000, least=1, allow_none=True, load_default=None, metadata={"example": "Called; we meet this afternoon."}
    )


class AlertQuerySchema(ListQuerySchema):
    """How to list alerts."""

    client_id = Identifier(metadata={"example": EXAMPLE_ID})
    open = StrictBoolean()
    acknowledged = StrictBoolean()
    sort = EnumString(("raised_at", "-raised_at"))


class AcknowledgedBySchema(WireSchema):
    """Who acknowledged an alert first."""

    id = Identifier(required=True, metadata={"description": "The id of this member of staff."})
    name = Line(120, required=True, metadata={"description": "Their name.", "example": "Noor Haddad"})


class AlertAcknowledgedSchema(WireSchema):
    """What a refused acknowledgment adds to its problem."""

    acknowledged_by = fields.Nested(
        AcknowledgedBySchema(), metadata={"description": "Who takes care of the alert, where somebody already does."}
    )
    acknowledged_at = Instant(metadata={"description": "When they acknowledged it."})
