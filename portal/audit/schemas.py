"""The requests and responses of the access log and of the event feed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from portal.accounts import facts as account_facts
from portal.assignments import facts as assignment_facts
from portal.caseload import facts as caseload_facts
from portal.core.facts import facts_of
from portal.core.wire import (
    EnumList,
    EnumString,
    Identifier,
    Instant,
    Json,
    Line,
    ListQuerySchema,
    Range,
    SortOrder,
    StrictBoolean,
    WireSchema,
    refuse,
)
from portal.library import facts as library_facts
from portal.safety import facts as safety_facts

ACCESS_TYPES = {
    "response.opened": "The answers of an attempt were opened.",
    "measures.opened": "Scores over time were opened; they are about no single assignment.",
    "safety.opened": "The questions behind an alert were opened.",
}
ACCESS_ACTORS = {
    "staff": "A person who works at the practice.",
    "integration": "Another system, with its token.",
}
ACTOR_KINDS = {
    "staff": "An owner or a therapist.",
    "client": "The client.",
    "integration": "Another system, with its token.",
    "system": "The portal itself, for example when an alert escalates.",
}
TYPES = {
    fact.name: fact.when
    for fact in facts_of((account_facts, assignment_facts, caseload_facts, library_facts, safety_facts))
}
"""Every type of event, with when it is recorded."""
LATEST = "latest"
LARGEST_POSITION = 2**62
_POSITION = re.compile("[0-9]{1,19}")


class AccessActorSchema(WireSchema):
    """Who had access."""

    id = Identifier(required=True, metadata={"description": "The id of the person or integration."})
    kind = EnumString(
        ACCESS_ACTORS, required=True, metadata={"description": "A person or another system.", "example": "staff"}
    )
    name = Line(120, required=True, metadata={"description": "Their name as it is now.", "example": "Noor Haddad"})


class AccessLogEntrySchema(WireSchema):
    """One access to a client's answers, scores or alerts."""

    id = Identifier(required=True, metadata={"description": "The entry's id."})
    occurred_at = Instant(required=True, metadata={"description": "When it happened."})
    opened_by = fields.Nested(AccessActorSchema(), required=True, metadata={"description": "Who had access."})
    opened = EnumString(
        ACCESS_TYPES, required=True, metadata={"description": "What was opened.", "example": "response.opened"}
    )
    assignment_id = Identifier(
        required=True, allow_none=True, metadata={"description": "The assignment; null unless answers were opened."}
    )
    title = Line(
        200,
        required=True,
        allow_none=True,
        metadata={"description": "The assignment's title; null unless answers were opened.", "example": "Trigger log"},
    )
    attempt = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "The attempt's number; null unless answers were opened.", "example": 1},
    )


class AccessQuerySchema(ListQuerySchema):
    """Parameters of the access log."""

    sort = SortOrder("occurred_at")


class FeedEventSchema(WireSchema):
    """An event: what happened to what, in ids and counts. It never contains what anybody wrote."""

    position = fields.Integer(
        required=True,
        metadata={"description": "Its place in the practice's sequence, counted from 1.", "example": 1042},
    )
    id = Identifier(required=True, metadata={"description": "The event's id. Use it to recognize duplicates."})
    type = EnumString(
        TYPES, required=True, metadata={"description": "What happened.", "example": "assignment.submitted"}
    )
    timestamp = Instant(required=True, metadata={"description": "When it happened."})
    actor_kind = EnumString(
        ACTOR_KINDS, required=True, metadata={"description": "Who or what caused it.", "example": "client"}
    )
    actor_id = Identifier(
        required=True,
        allow_none=True,
        metadata={"description": "The id of the person or integration; null for the portal itself."},
    )
    subject_id = Identifier(
        required=True, metadata={"description": "The id of what it happened to; `type` says what that is."}
    )
    client_id = Identifier(
        required=True, allow_none=True, metadata={"description": "The client concerned; null if there is none."}
    )
    details = Json(
        required=True, metadata={"description": "A few facts that depend on the type.", "example": {"attempt": 1}}
    )


class FeedSchema(WireSchema):
    """Events in the order of their positions, and where to continue."""

    data = fields.List(fields.Nested(FeedEventSchema()), required=True, metadata={"description": "The events."})
    has_more = StrictBoolean(
        required=True, metadata={"description": "Whether more events are there already.", "example": False}
    )
    next_after = fields.Integer(
        required=True, metadata={"description": "Send it as `after` in the next request.", "example": 1042}
    )


class Position(fields.Raw):
    """The position to continue after: a whole number, or the word `latest`."""

    def __init__(self, **kwargs: Any) -> None:
        shape = {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": LARGEST_POSITION},
                {"type": "string", "const": LATEST},
            ]
        }
        kwargs["metadata"] = shape | kwargs.get("metadata", {})
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int | str:
        if value == LATEST:
            return LATEST
        if _POSITION.fullmatch(str(value)) is None or int(value) > LARGEST_POSITION:
            refuse("not_a_position", "Send a position (0 or a larger whole number) or the word latest.")
        return int(value)


class FeedQuerySchema(WireSchema):
    """Where to continue, and which events to return."""

    after = Position(
        load_default=0,
        metadata={
            "description": "Return events after this position: the `next_after` of the response before, 0 for all "
            "events, or `latest` to begin with what happens from now on.",
            "example": 1041,
        },
    )
    limit = fields.Integer(
        load_default=100,
        validate=Range(1, 500),
        metadata={"description": "The largest number of events to return, from 1 to 500.", "example": 100},
    )
    type = EnumList(TYPES, metadata={"description": "Only events of these types, separated by commas."})
    client_id = Identifier(metadata={"description": "Only events that concern this client."})
