"""What the API description says of every no: its schema, its headers and its example, per kind of problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import fields

from portal.core import wire
from portal.http.openapi import schema_name
from portal.http.problems import KINDS, Kind

PROBLEM = "application/problem+json"
IF_NONE_MATCH: Mapping[str, Any] = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag of what one has already; 304 where it is still the same.",
    "schema": {"type": "string", "example": '"3-0123456789abcdef"'},
}
HEADERS: Mapping[str, Any] = {
    "ETag": {
        "description": "Version and digest of this representation; goes back in If-Match or If-None-Match.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]{1,15}-[0-9a-f]{16}"$'},
        "example": '"3-0123456789abcdef"',
    },
    "Idempotency-Replayed": {
        "description": "`true` where this is the kept answer to a request sent before.",
        "schema": {"const": "true"},
        "example": "true",
    },
    "Link": {
        "description": "The next page (RFC 8288, rel=next), where there is one.",
        "schema": {"type": "string"},
        "example": '</api/v1/assignments?cursor=b3BhcXVl>; rel="next"',
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "example": 30,
    },
    "WWW-Authenticate": {
        "description": "How to authenticate (RFC 6750).",
        "required": True,
        "schema": {"type": "string"},
        "example": 'Bearer realm="portal"',
    },
    "X-Request-Id": {
        "description": "What this request is called in the portal's log; name it when you ask about it.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
        "example": "5f0b2d5e-0d0c-4a51-8a4e-1f6f1c2f7a10",
    },
}
HEADERS_OF: Mapping[int, tuple[str, ...]] = {
    401: ("WWW-Authenticate",),
    412: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}


class FaultSchema(wire.WireSchema):
    """One thing wrong with what was sent."""

    pointer = fields.String(
        required=True, metadata={"description": "A JSON pointer (RFC 6901) to it.", "example": "#/answers/0/value"}
    )
    detail = fields.String(
        required=True,
        metadata={"description": "What to change.", "example": "Answer with a whole number from 0 to 10."},
    )
    block = fields.String(metadata={"description": "The block of a form it concerns.", "example": "before"})
    row = fields.List(wire.Identifier(), metadata={"description": "And the row of a log."})


class ProblemSchema(wire.WireSchema):
    """An error (RFC 9457)."""

    type = fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "description": "The page that says what this kind of problem means.",
            "example": "/problems/not-found",
        },
    )
    title = fields.String(required=True, metadata={"example": "Nothing here for you"})
    status = fields.Integer(required=True, metadata={"example": 404})
    detail = fields.String(
        required=True,
        metadata={"description": "What to do about it.", "example": "Either nothing is here, or it is not for you."},
    )
    instance = fields.String(
        required=True,
        metadata={
            "format": "uri",
            "description": "The X-Request-Id as a URN.",
            "example": "urn:uuid:5f0b2d5e-0d0c-4a51-8a4e-1f6f1c2f7a10",
        },
    )


class MalformedProblemSchema(ProblemSchema):
    """400: it cannot be read; `errors` where parameters are at fault."""

    errors = fields.List(fields.Nested(FaultSchema()))


class InvalidProblemSchema(ProblemSchema):
    """422: it reads well but breaks a rule; `errors` lists every fault."""

    errors = fields.List(fields.Nested(FaultSchema()), required=True)


class AcknowledgedBySchema(wire.WireSchema):
    """Who was first."""

    id = wire.Identifier(required=True)
    name = wire.Line(120, required=True, metadata={"example": "Noor Haddad"})


class ConflictProblemSchema(ProblemSchema):
    """409: allowed, but not as things stand."""

    state = fields.String(metadata={"description": "Where the thing stands.", "example": "submitted"})
    allowed = fields.List(
        fields.String(metadata={"example": "recall"}),
        metadata={"description": "The acts it allows the caller now."},
    )
    assignment_id = wire.Identifier(metadata={"description": "On /problems/duplicate: the one that is there."})
    attempt = fields.Integer(metadata={"description": "On a review: the current attempt.", "example": 2})
    response_version = fields.Integer(metadata={"description": "On a review: its version.", "example": 5})
    acknowledged_by = fields.Nested(
        AcknowledgedBySchema(), metadata={"description": "On an alert: who takes care of it."}
    )
    acknowledged_at = wire.Instant(metadata={"description": "On an alert: since when."})


PROBLEMS: Mapping[int, type[ProblemSchema]] = {
    0: ProblemSchema,
    400: MalformedProblemSchema,
    409: ConflictProblemSchema,
    422: InvalidProblemSchema,
}
"""The schema of a status; 0 stands for all others."""

EXTENSIONS: Mapping[str, Mapping[str, Any]] = {
    "conflict": {"state": "submitted", "allowed": ["recall"]},
    "duplicate": {"assignment_id": wire.EXAMPLE_ID},
    "invalid": {"errors": [{"pointer": "#/due_on", "detail": "This day has passed. Choose today or later."}]},
}


def problem_schema(kind: Kind) -> dict[str, Any]:
    """A reference to the schema of a kind of problem."""
    return {"$ref": f"#/components/schemas/{schema_name(PROBLEMS.get(kind.status, PROBLEMS[0]))}"}


def name_of(kind: Kind) -> str:
    """What its answer is called among the components."""
    return "".join(word.capitalize() for word in kind.slug.split("-"))


def example_of_kind(kind: Kind) -> dict[str, Any]:
    """A problem of this kind as it leaves."""
    return {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.meaning,
        "instance": "urn:uuid:5f0b2d5e-0d0c-4a51-8a4e-1f6f1c2f7a10",
        **EXTENSIONS.get(kind.slug, {}),
    }


assert set(EXTENSIONS) <= set(KINDS)
