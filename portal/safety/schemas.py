"""The requests and responses of the crisis card, of notices and of alerts."""

from __future__ import annotations

from marshmallow import fields

from portal.core.wire import (
    EXAMPLE_ID,
    BoundedList,
    EnumString,
    Identifier,
    Instant,
    Length,
    Line,
    ListQuerySchema,
    Pattern,
    SortOrder,
    StrictBoolean,
    Text,
    WireSchema,
)

NUMBER_KINDS = {
    "emergency": "The emergency services of the country.",
    "crisis": "A line for people in a crisis.",
    "violence": "A line for people who experience violence.",
    "other": "Any other help, for example the practice's own line.",
}
NOTICE_KINDS = {
    "crisis_card": "An answer just saved calls for help: show the crisis card now.",
    "alert_raised": "A submitted answer raised an alert: the therapist is told. Show the crisis card too.",
}
PHONE_NUMBER = Pattern(
    r"^[0-9+*#][0-9 +*#()/.\-]*$",
    "not_a_phone_number",
    "Use a phone number: digits, spaces and + * # ( ) / . - only, beginning with a digit, +, * or #.",
)
MAX_NUMBERS = 12
NOT_MONITORED = "Nobody reads along here in real time, so please do not wait for an answer here."
NUMBER_NOTE_METADATA = {
    "description": "Who it is for or when it is open, unless that is everybody at any time; null otherwise.",
    "example": "day and night",
}


class CrisisNumberSchema(WireSchema):
    """A phone number to call for help."""

    kind = EnumString(
        NUMBER_KINDS, required=True, metadata={"description": "What the line is for.", "example": "crisis"}
    )
    label = Line(
        80,
        required=True,
        metadata={"description": "The name of the line, as it calls itself.", "example": "TelefonSeelsorge"},
    )
    number = fields.String(
        required=True,
        validate=[Length(2, 40), PHONE_NUMBER],
        metadata={"description": "The number as people dial it in this country.", "example": "0800 111 0 111"},
    )
    note = Line(120, allow_none=True, load_default=None, metadata=NUMBER_NOTE_METADATA)


class CrisisCardNumberSchema(CrisisNumberSchema):
    """A phone number on the crisis card."""

    note = Line(120, required=True, allow_none=True, metadata=NUMBER_NOTE_METADATA)


class ChangeCrisisCardSchema(WireSchema):
    """What a practice puts on its card; the text around it is fixed."""

    numbers = BoundedList(
        fields.Nested(CrisisNumberSchema()),
        MAX_NUMBERS,
        least=1,
        required=True,
        metadata={"description": "1 to 12 numbers, in the order in which the card shows them."},
    )
    note = Text(
        500,
        least=1,
        allow_none=True,
        load_default=None,
        metadata={"description": "A sentence of the practice's own; null for none.", "example": "Our own line: ..."},
    )


class CrisisCardSchema(WireSchema):
    """Who to call in a crisis. It is the same for every client and depends on no answer."""

    title = fields.String(
        required=True, metadata={"description": "The heading.", "example": "When it is too much right now"}
    )
    unwatched = fields.String(
        required=True,
        metadata={"description": "Says that nobody monitors answers. Always show it.", "example": NOT_MONITORED},
    )
    words = fields.String(
        required=True,
        metadata={
            "description": "The text above the numbers.",
            "example": "If you think about hurting yourself, call one of these numbers.",
        },
    )
    numbers = fields.List(
        fields.Nested(CrisisCardNumberSchema()), required=True, metadata={"description": "The numbers, in order."}
    )
    elsewhere = fields.String(
        required=True,
        metadata={
            "description": "What to do in another country, or if nobody answers.",
            "example": "In every country of the European Union the emergency number is 112.",
        },
    )
    note = Text(
        500,
        required=True,
        allow_none=True,
        metadata={"description": "A sentence of the practice's own; null for none.", "example": None},
    )
    chosen_by_practice = StrictBoolean(
        required=True,
        metadata={
            "description": "false while the card shows the defaults of the country. An owner should review them."
        },
    )
    version = fields.Integer(
        required=True, metadata={"description": "0 until the practice saves its own numbers.", "example": 1}
    )


class BlockReferenceSchema(WireSchema):
    """A block of a form, and the row of a log it is in."""

    block = fields.String(required=True, metadata={"description": "The block's id.", "example": "q9"})
    row = fields.List(
        Identifier(),
        required=True,
        metadata={"description": "Ids of the rows around it, outermost first; empty outside of logs.", "example": []},
    )


class NoticeSchema(WireSchema):
    """Something a client must be shown at once."""

    kind = EnumString(
        NOTICE_KINDS, required=True, metadata={"description": "Why it is shown.", "example": "crisis_card"}
    )
    words = fields.String(
        required=True, metadata={"description": "The sentence to show first.", "example": NOT_MONITORED}
    )
    card = fields.Nested(CrisisCardSchema(), required=True, metadata={"description": "The crisis card to show."})
    blocks = fields.List(
        fields.Nested(BlockReferenceSchema()),
        required=True,
        metadata={"description": "The questions whose answers call for it."},
    )


# Alerts --------------------------------------------------------------------------------------------------------


class PersonNameSchema(WireSchema):
    """A person's id and name."""

    id = Identifier(required=True, metadata={"description": "The person's id."})
    name = Line(120, required=True, metadata={"description": "The person's full name.", "example": "Robin Aster"})


class AlertItemSchema(WireSchema):
    """An alert in a list: a client needs a person soon."""

    id = Identifier(required=True, metadata={"description": "The alert's id."})
    client = fields.Nested(PersonNameSchema(), required=True, metadata={"description": "Who needs somebody."})
    assignment_id = Identifier(
        required=True,
        allow_none=True,
        metadata={"description": "The assignment that raised it; null if another therapist gave it."},
    )
    attempt = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The attempt that raised it; null if another therapist gave it.", "example": 1},
    )
    raised_at = Instant(required=True, metadata={"description": "When the answers were submitted."})
    escalated_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When it had waited too long and went to the practice's cover.", "example": None},
    )
    acknowledged_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When somebody took it on; null while it is open.", "example": None},
    )
    acknowledged_by = fields.Nested(
        PersonNameSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "Who took it on; null while it is open.", "example": None},
    )


class AlertBlockSchema(BlockReferenceSchema):
    """A question whose answer raised an alert. The answer itself is in the attempt."""

    label = fields.String(
        required=True,
        metadata={"description": "The question as the client read it.", "example": "Are you safe right now?"},
    )


class AlertSchema(AlertItemSchema):
    """An alert with the questions that raised it. Reading it is recorded in the audit log."""

    items = fields.List(
        fields.Nested(AlertBlockSchema()),
        required=True,
        allow_none=True,
        metadata={"description": "The questions that raised it; null if another therapist gave the assignment."},
    )
    note = Text(
        2000,
        required=True,
        allow_none=True,
        metadata={
            "description": "What was written when it was acknowledged; null if nothing was.",
            "example": None,
        },
    )


class AcknowledgeAlertSchema(WireSchema):
    """Taking an alert on."""

    note = Text(
        2000,
        least=1,
        allow_none=True,
        load_default=None,
        metadata={
            "description": "What happens next, for colleagues to read.",
            "example": "Called; we meet this afternoon.",
        },
    )


class AlertQuerySchema(ListQuerySchema):
    """Parameters of the list of alerts."""

    client_id = Identifier(metadata={"description": "Only alerts of this client.", "example": EXAMPLE_ID})
    open = StrictBoolean(metadata={"description": "true: only open alerts; false: only acknowledged ones."})
    acknowledged = StrictBoolean(metadata={"description": "The opposite of `open`."})
    sort = SortOrder("raised_at")


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
