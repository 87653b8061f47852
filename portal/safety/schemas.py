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
MAX_NUMBERS = 12
NOT_MONITORED = "Nobody reads along here in real time, so please do not wait for an answer here."


class CrisisNumberSchema(WireSchema):
    """A line one can call."""

    kind = EnumString(KINDS, required=True, metadata={"example": "crisis"})
    label = Line(80, required=True, metadata={"example": "TelefonSeelsorge"})
    number = fields.String(
        required=True, validate=[validate.Length(2, 40), NUMBER], metadata={"example": "0800 111 0 111"}
    )
    note = Line(120, allow_none=True, load_default=None, metadata={"example": "day and night"})


class CrisisCardNumberSchema(CrisisNumberSchema):
    """A line one can call, as the card shows it."""

    note = Line(120, required=True, allow_none=True, metadata={"example": "day and night"})


class ChangeCrisisCardSchema(WireSchema):
    """What a practice puts on its card; the words around it are the portal's."""

    numbers = BoundedList(fields.Nested(CrisisNumberSchema()), MAX_NUMBERS, least=1, required=True)
    note = Text(500, least=1, allow_none=True, load_default=None, metadata={"example": "Our own line: ..."})


class CrisisCardSchema(WireSchema):
    """Whom to call: static, the same for every client, one step away on every page."""

    title = fields.String(required=True, metadata={"example": "When it is too much right now"})
    unwatched = fields.String(required=True, metadata={"example": NOT_MONITORED})
    words = fields.String(required=True)
    numbers = fields.List(fields.Nested(CrisisCardNumberSchema()), required=True)
    elsewhere = fields.String(required=True)
    note = Text(500, required=True, allow_none=True, metadata={"description": "The practice's own words."})
    chosen_by_practice = StrictBoolean(
        required=True, metadata={"description": "false: what the portal knows of the country. Look it over."}
    )
    version = fields.Integer(required=True, metadata={"description": "0 until the practice chooses.", "example": 0})


class BlockReferenceSchema(WireSchema):
    """A block, and the row it stands in."""

    block = fields.String(required=True, metadata={"example": "q9"})
    row = fields.List(Identifier(), required=True, metadata={"description": "Row ids, outermost first.", "example": []})


class NoticeSchema(WireSchema):
    """What a client is told at once."""

    kind = EnumString(("crisis_card", "alert_raised"), required=True)
    words = fields.String(required=True, metadata={"example": NOT_MONITORED})
    card = fields.Nested(CrisisCardSchema(), required=True)
    blocks = fields.List(fields.Nested(BlockReferenceSchema()), required=True)


# Alerts --------------------------------------------------------------------------------------------------------


class PersonNameSchema(WireSchema):
    """A person by name."""

    id = Identifier(required=True)
    name = Line(120, required=True, metadata={"example": "Noor Haddad"})


class AlertItemSchema(WireSchema):
    """That a client needs a person soon, and who has taken care of it."""

    id = Identifier(required=True)
    client = fields.Nested(PersonNameSchema(), required=True)
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
    acknowledged_by = fields.Nested(PersonNameSchema(), required=True, allow_none=True)


class AlertBlockSchema(BlockReferenceSchema):
    """A block whose answer raised an alert, in the words the client was asked; the answer itself is in the attempt."""

    label = fields.String(required=True, metadata={"example": "Have you thought of hurting yourself?"})


class AlertSchema(AlertItemSchema):
    """An alert with what is said about it. Reading the blocks concerned leaves a row in the trail."""

    items = fields.List(
        fields.Nested(AlertBlockSchema()),
        required=True,
        allow_none=True,
        metadata={"description": "null where it came through another therapist's care link."},
    )
    note = Text(2000, required=True, allow_none=True, metadata={"description": "Said on acknowledging it."})


class AcknowledgeAlertSchema(WireSchema):
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
