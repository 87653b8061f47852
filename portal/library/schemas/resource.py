"""Readings, exercises and measures, with their drafts."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from portal.accounts.schemas.fields import VERSION
from portal.core.wire import (
    BoundedList,
    EnumList,
    EnumString,
    Identifier,
    Instant,
    Json,
    Line,
    ListQuerySchema,
    Pattern,
    Range,
    SortOrder,
    StrictBoolean,
    Text,
    WireSchema,
)
from portal.forms.imports import DEFAULTS
from portal.library.locks import REASONS

KINDS = {
    "reading": "A text to read, in sections.",
    "exercise": "A form to work on, for example a log.",
    "measure": "A questionnaire with a score.",
}
INTENSITIES = {
    "gentle": "Stirs up little.",
    "moderate": "May stir up feelings.",
    "intense": "Stirs up a lot; talk about it first.",
}
AUDIENCES = {
    "anyone": "For every client.",
    "hurt_partner": "For a partner who was betrayed.",
    "involved_partner": "For a partner who had the affair.",
}
STATUSES = {
    "draft": "Not published yet, so it cannot be assigned.",
    "published": "The latest version can be assigned.",
    "archived": "Cannot be assigned; existing assignments continue.",
}

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
TOPIC = Pattern(
    "^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$",
    "not_a_topic",
    "Use lower-case letters, digits and hyphens, 40 at most, with a letter or digit at both ends.",
)
KIND = {"description": "What kind of resource it is; it cannot be changed later.", "example": "exercise"}
TITLE = {"description": "The title, as clients read it.", "example": "Trigger log"}
SUMMARY = {
    "description": "What it is about, in a few sentences that clients read.",
    "example": "A log for the week. You note what set a feeling off and what helped.",
}
LANGUAGE = {"description": "The language of the text (BCP 47).", "example": "en"}
TOPICS = {
    "description": "Topics to find it by: lower-case letters, digits and hyphens.",
    "example": ["triggers", "emotions"],
}
MINUTES = {"description": "Minutes it takes, as the author estimates.", "example": 10}
INTENSITY = {"description": "How much it may stir up, as the author estimates.", "example": "moderate"}
CONTENT_NOTE = {
    "description": "What may be hard about it; clients read it before they open it.",
    "example": "You will look at moments that stirred up pain. You may stop at any time.",
}
AUDIENCE = {"description": "Who it is written for.", "example": "anyone"}
LICENCE = {"description": "Who holds the rights, and the terms of use.", "example": "Written for this library."}
SOURCES = {"description": "Where its content comes from, one source each.", "example": []}
DRAFT = {"description": "The form or text that is being written; docs/forms.md describes it.", "example": DOCUMENT}

NEW_DRAFT = "The form or text, as docs/forms.md describes it; without it the draft starts empty."


def description_fields(*, creating: bool) -> dict[str, fields.Field]:  # type: ignore[type-arg]  # -- fields of several types
    """The members of a library card. A new resource needs a title and a language; the rest has defaults."""

    def optional(name: str, metadata: dict[str, Any]) -> dict[str, Any]:
        default = DEFAULTS[name]
        return {"metadata": {**metadata, "default": default} if creating and default else metadata}

    return {
        "title": Line(200, required=creating, metadata=TITLE),
        "summary": Text(1000, **optional("summary", SUMMARY)),
        "language": Line(16, required=creating, metadata=LANGUAGE),
        "topics": BoundedList(fields.String(validate=TOPIC), 20, **optional("topics", TOPICS)),
        "minutes": fields.Integer(strict=True, validate=Range(1, 240), **optional("minutes", MINUTES)),
        "intensity": EnumString(INTENSITIES, **optional("intensity", INTENSITY)),
        "content_note": Text(1000, **optional("content_note", CONTENT_NOTE)),
        "audience": EnumString(AUDIENCES, **optional("audience", AUDIENCE)),
        "licence": Text(5000, **optional("licence", LICENCE)),
        "sources": BoundedList(
            Line(500, metadata={"example": "Freyd JJ (1996). Betrayal Trauma."}),
            50,
            **optional("sources", SOURCES),
        ),
    }


class CardSchema(WireSchema):
    """What the library shows of a resource."""

    kind = EnumString(KINDS, required=True, metadata=KIND)
    title = Line(200, required=True, metadata=TITLE)
    summary = Text(1000, required=True, metadata=SUMMARY)
    language = Line(16, required=True, metadata=LANGUAGE)
    topics = Json(required=True, metadata={"type": "array", "items": {"type": "string"}, **TOPICS})
    minutes = fields.Integer(required=True, metadata=MINUTES)
    intensity = EnumString(INTENSITIES, required=True, metadata=INTENSITY)
    content_note = Text(1000, required=True, metadata=CONTENT_NOTE)
    audience = EnumString(AUDIENCES, required=True, metadata=AUDIENCE)
    licence = Text(5000, required=True, metadata=LICENCE)
    sources = Json(required=True, metadata={"type": "array", "items": {"type": "string"}, **SOURCES})


class ResourceItemSchema(CardSchema):
    """A resource in a list."""

    id = Identifier(required=True, metadata={"description": "The resource's id."})
    status = EnumString(
        STATUSES, required=True, metadata={"description": "Whether it can be assigned.", "example": "published"}
    )
    latest_number = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The number of its latest version; null before the first.", "example": 1},
    )
    unpublished_changes = StrictBoolean(
        required=True,
        metadata={"description": "Whether the draft differs from the latest version.", "example": False},
    )
    locked = EnumString(
        REASONS,
        required=True,
        allow_none=True,
        metadata={"description": "Why it cannot be assigned or copied yet; null if it can.", "example": None},
    )
    origin_key = Line(
        64,
        required=True,
        allow_none=True,
        metadata={
            "description": "Its key in the starter library; null for what the practice wrote or imported.",
            "example": "trigger-log",
        },
    )
    version = fields.Integer(required=True, metadata=VERSION)
    created_at = Instant(required=True, metadata={"description": "When it was created."})
    updated_at = Instant(required=True, metadata={"description": "When its draft was last changed."})


class ResourceSchema(ResourceItemSchema):
    """A resource with its draft."""

    draft = Json(required=True, metadata=DRAFT)


CreateResourceSchema = type(
    "CreateResourceSchema",
    (WireSchema,),
    {
        "__doc__": "The reading, exercise or measure to create. Summary and document are needed to publish it.",
        "exact": True,
        "__module__": __name__,
        "kind": EnumString(KINDS, required=True, metadata=KIND),
        "document": fields.Dict(metadata=DRAFT | {"description": NEW_DRAFT}),
        **description_fields(creating=True),
    },
)

ChangeResourceSchema = type(
    "ChangeResourceSchema",
    (WireSchema,),
    {
        "__doc__": "What to change in a draft; what is left out stays as it is.",
        "exact": True,
        "__module__": __name__,
        "document": fields.Dict(metadata=DRAFT),
        **description_fields(creating=False),
    },
)


class ResourceQuerySchema(ListQuerySchema):
    """Parameters of the list of resources."""

    kind = EnumList(KINDS, metadata={"description": "Only resources of these kinds."})
    intensity = EnumList(INTENSITIES, metadata={"description": "Only resources of these intensities."})
    audience = EnumList(AUDIENCES, metadata={"description": "Only resources for these audiences."})
    status = EnumList(STATUSES, metadata={"description": "Only resources with one of these statuses."})
    language = Line(16, metadata={"description": "Only resources in this language (BCP 47).", "example": "en"})
    topic = fields.String(
        validate=TOPIC, metadata={"description": "Only resources with this topic.", "example": "triggers"}
    )
    minutes_gte = fields.Integer(
        data_key="minutes[gte]",
        attribute="minutes[gte]",
        validate=Range(0, 1000),
        metadata={"description": "Takes this many minutes or more.", "example": 5},
    )
    minutes_lte = fields.Integer(
        data_key="minutes[lte]",
        attribute="minutes[lte]",
        validate=Range(0, 1000),
        metadata={"description": "Takes this many minutes or less.", "example": 15},
    )
    q = Line(
        200,
        metadata={
            "description": "Words to find in title, summary and text. All of them must occur; the last may be the "
            "beginning of a word. Case and accents are ignored.",
            "example": "letting someone in",
        },
    )
    assignable = StrictBoolean(
        metadata={"description": "true: only published resources that are not archived; false: only the others."}
    )
    sort = SortOrder("title", "updated_at", "created_at")
