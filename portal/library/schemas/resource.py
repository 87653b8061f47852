"""The wire shapes of readings and exercises."""

from __future__ import annotations

from marshmallow import fields, validate

from portal.core.wire import (
    BoundedList,
    EnumList,
    EnumString,
    Identifier,
    Instant,
    Json,
    Line,
    ListQuerySchema,
    StrictBoolean,
    Text,
    WireSchema,
)
from portal.library.locks import REASONS

KINDS = ("reading", "exercise", "measure")
INTENSITIES = ("gentle", "moderate", "intense")
AUDIENCES = ("anyone", "hurt_partner", "involved_partner")
STATUSES = ("draft", "published", "archived")

DOCUMENT = {
    "schema": "portal.exercise/1",
    "blocks": [
        {"id": "intro", "type": "text", "markdown": "Take your time. You can skip anything."},
        {"id": "before", "type": "scale", "label": "How strong is it now?", "min": 0, "max": 10},
        {"id": "safe", "type": "yes_no", "label": "Are you safe right now?"},
        {
            "id": "triggers",
            "type": "log",
            "label": "What set it off",
            "row_label": "Trigger",
            "blocks": [
                {"id": "situation", "type": "short_text", "label": "What happened?"},
                {"id": "when", "type": "date", "label": "When?"},
                {
                    "id": "helped",
                    "type": "choice",
                    "label": "What helped?",
                    "multiple": True,
                    "other": True,
                    "options": [
                        {"code": "walk", "label": "Took a walk"},
                        {"code": "breath", "label": "Slow breathing"},
                    ],
                },
            ],
        },
        {"id": "hours", "type": "number", "label": "Hours of sleep", "min": 0, "max": 24, "decimals": 1},
        {
            "id": "note",
            "type": "long_text",
            "label": "Anything else?",
            "show_if": {"match": "all", "conditions": [{"block": "safe", "op": "=", "value": True}]},
        },
    ],
}
TOPIC = validate.Regexp(r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?\Z", error="Use small letters, digits and dashes.")


def description_fields(*, required: bool) -> dict[str, fields.Field]:  # type: ignore[type-arg]  # -- fields of several types
    """The members of a library card, all needed when a resource is made."""
    return {
        "title": Line(200, required=required, metadata={"example": "Your reactions make sense"}),
        "summary": Text(
            1000, required=required, metadata={"example": "Why feelings come in waves, and when to get help."}
        ),
        "language": Line(16, required=required, metadata={"example": "en"}),
        "topics": BoundedList(fields.String(validate=TOPIC, metadata={"example": "triggers"}), 20, required=required),
        "minutes": fields.Integer(
            required=required, strict=True, validate=validate.Range(1, 240), metadata={"example": 8}
        ),
        "intensity": EnumString(INTENSITIES, required=required),
        "content_note": Text(
            1000, required=required, metadata={"example": "Touches on being lied to. You can stop at any time."}
        ),
        "audience": EnumString(AUDIENCES, required=required),
        "licence": Text(5000, required=required, metadata={"example": "Written for this library."}),
        "sources": BoundedList(
            Line(500, metadata={"example": "Freyd JJ (1996). Betrayal Trauma."}), 50, required=required
        ),
    }


class CardSchema(WireSchema):
    """What a library card shows."""

    kind = EnumString(KINDS, required=True)
    title = Line(200, required=True, metadata={"example": "Your reactions make sense"})
    summary = Text(1000, required=True)
    language = Line(16, required=True, metadata={"example": "en"})
    topics = Json(required=True, metadata={"type": "array", "items": {"type": "string"}, "example": ["triggers"]})
    minutes = fields.Integer(required=True, metadata={"example": 8})
    intensity = EnumString(INTENSITIES, required=True)
    content_note = Text(1000, required=True)
    audience = EnumString(AUDIENCES, required=True)
    licence = Text(5000, required=True)
    sources = Json(required=True, metadata={"type": "array", "items": {"type": "string"}, "example": []})


class ResourceItemSchema(CardSchema):
    """A resource as lists show it."""

    id = Identifier(required=True)
    status = EnumString(STATUSES, required=True)
    latest_number = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The latest published version."}
    )
    unpublished_changes = StrictBoolean(required=True)
    locked = EnumString(
        tuple(REASONS),
        required=True,
        allow_none=True,
        metadata={"description": "Why it cannot be assigned or copied yet; null where it can."},
    )
    origin_key = Line(
        64,
        required=True,
        allow_none=True,
        metadata={"description": "Of the starter library; null for one's own.", "example": "reactions-make-sense"},
    )
    version = fields.Integer(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ResourceSchema(ResourceItemSchema):
    """A resource with its draft."""

    draft = Json(required=True, metadata={"example": DOCUMENT})


CreateResourceSchema = type(
    "CreateResourceSchema",
    (WireSchema,),
    {
        "__doc__": "A reading, exercise or measure to write.",
        "exact": True,
        "__module__": __name__,
        "kind": EnumString(KINDS, required=True, metadata={"example": "exercise"}),
        "document": fields.Dict(required=True, metadata={"example": DOCUMENT}),
        **description_fields(required=True),
    },
)

ChangeResourceSchema = type(
    "ChangeResourceSchema",
    (WireSchema,),
    {
        "__doc__": "What of a draft changes.",
        "exact": True,
        "__module__": __name__,
        "document": fields.Dict(metadata={"example": DOCUMENT}),
        **description_fields(required=False),
    },
)


class ResourceQuerySchema(ListQuerySchema):
    """How to list resources."""

    kind = EnumList(KINDS)
    intensity = EnumList(INTENSITIES)
    audience = EnumList(AUDIENCES)
    status = EnumList(STATUSES)
    language = Line(16, metadata={"example": "en"})
    topic = fields.String(validate=TOPIC, metadata={"example": "triggers"})
    minutes_gte = fields.Integer(
        data_key="minutes[gte]", attribute="minutes[gte]", validate=validate.Range(0, 1000), metadata={"example": 5}
    )
    minutes_lte = fields.Integer(
        data_key="minutes[lte]", attribute="minutes[lte]", validate=validate.Range(0, 1000), metadata={"example": 15}
    )
    q = Line(
        200,
        metadata={
            "description": "Words in title, summary and text; all of them, the last one perhaps only begun. "
            "Capitals and accents make no difference.",
            "example": "letting someone in",
        },
    )
    assignable = StrictBoolean(metadata={"description": "Published and not archived."})
    sort = EnumString(("title", "-title", "updated_at", "-updated_at", "created_at", "-created_at"))
