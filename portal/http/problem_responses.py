"""Problem responses in the API description: their schemas, headers and examples, and which an operation can give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import Schema, fields

from portal.core import errors, wire
from portal.http.blueprint import Operation, schema_name
from portal.http.header_descriptions import EXAMPLE_REQUEST_ID, HEADERS_OF_STATUS, header_references
from portal.http.problems import KIND_OF_ERROR, KINDS, Kind

PROBLEM_JSON = "application/problem+json"
ProblemMembers = Iterable[tuple[type[errors.PortalError], Schema]]
"""The members that a domain adds to the problems of its errors."""


class FaultSchema(wire.WireSchema):
    """One thing to change in what was sent."""

    pointer = fields.String(
        required=True,
        metadata={"description": "A JSON pointer (RFC 6901) to the place.", "example": "#/answers/0/value"},
    )
    code = fields.String(
        required=True,
        metadata={
            "description": "The name of the broken rule: stable, for programs and translations.",
            "example": "out_of_range",
        },
    )
    detail = fields.String(
        required=True,
        metadata={"description": "What to change.", "example": "Answer with a whole number from 0 to 10."},
    )
    params = fields.Dict(
        metadata={
            "description": "The values in that sentence by name; absent where it has none.",
            "example": {"min": 0, "max": 10},
        }
    )
    block = fields.String(metadata={"description": "The id of the form block it concerns.", "example": "before"})
    row = fields.List(wire.Identifier(), metadata={"description": "The log rows around that block, outermost first."})


class ProblemSchema(wire.WireSchema):
    """An error (RFC 9457)."""

    type = fields.String(
        required=True,
        metadata={
            "format": "uri-reference",
            "description": "The page that explains this kind of problem.",
            "example": "/problems/not-found",
        },
    )
    title = fields.String(
        required=True,
        metadata={"description": "The kind of problem in a few words.", "example": "Not found"},
    )
    status = fields.Integer(
        required=True, metadata={"description": "The HTTP status of this response.", "example": 404}
    )
    detail = fields.String(
        required=True,
        metadata={
            "description": "What happened and what to do about it.",
            "example": "Either nothing is here, or you may not see it.",
        },
    )
    instance = fields.String(
        required=True,
        metadata={
            "format": "uri",
            "description": "The X-Request-Id of this response as a URN.",
            "example": f"urn:uuid:{EXAMPLE_REQUEST_ID}",
        },
    )


class MalformedProblemSchema(ProblemSchema):
    """The request cannot be read (400)."""

    errors = fields.List(
        fields.Nested(FaultSchema()),
        metadata={"description": "The query parameters to change, where they are at fault."},
    )


class InvalidProblemSchema(ProblemSchema):
    """The request can be read but breaks a rule (422)."""

    errors = fields.List(
        fields.Nested(FaultSchema()),
        required=True,
        metadata={
            "description": "Every fault, up to 100.",
            "example": [
                {
                    "pointer": "#/due_on",
                    "code": "day_has_passed",
                    "detail": "This day has passed. Choose today or later.",
                }
            ],
        },
    )


class ConflictProblemSchema(ProblemSchema):
    """The state of things does not allow it (409)."""

    state = fields.String(metadata={"description": "The state that stands in the way.", "example": "submitted"})
    allowed = fields.List(
        fields.String(metadata={"example": "recall"}),
        metadata={"description": "What this state allows the caller to do."},
    )


SCHEMAS: Mapping[int, type[ProblemSchema]] = {
    400: MalformedProblemSchema,
    409: ConflictProblemSchema,
    422: InvalidProblemSchema,
}
EXAMPLE_MEMBERS: Mapping[str, Mapping[str, Any]] = {
    "conflict": {"state": "submitted", "allowed": ["recall"]},
    "invalid": {
        "errors": [
            {"pointer": "#/due_on", "code": "day_has_passed", "detail": "This day has passed. Choose today or later."}
        ]
    },
}


def component_name(kind: Kind) -> str:
    return "".join(word.capitalize() for word in kind.slug.split("-"))


class ProblemResponses:
    """Problem responses with the members that the domains add to theirs."""

    def __init__(self, domain_members: ProblemMembers) -> None:
        self.domain_members = [(KIND_OF_ERROR[error], schema) for error, schema in domain_members]
        self.schemas = {status: self._schema_of_status(status, schema) for status, schema in SCHEMAS.items()}
        self.other = ProblemSchema()
        self.stale: dict[str, Schema] = {}

    def _schema_of_status(self, status: int, schema: type[ProblemSchema]) -> Schema:
        added = [type(members) for slug, members in self.domain_members if KINDS[slug].status == status]
        with_members: Schema = type(schema.__name__, (schema, *added), {"__doc__": schema.__doc__})()
        return with_members

    def of_operation(self, operation: Operation, slugs: Iterable[str]) -> dict[str, Any]:
        """The responses by status; by reference where a status has one kind of problem and one shape everywhere."""
        kinds: dict[int, list[Kind]] = {}
        for kind in KINDS.values():
            if kind.slug in slugs:
                kinds.setdefault(kind.status, []).append(kind)
        return {str(status): self._of_status(operation, same_status) for status, same_status in kinds.items()}

    def _of_status(self, operation: Operation, kinds: list[Kind]) -> dict[str, Any] | str:
        kind = kinds[0]
        if kind.slug == "stale":
            return _response(kind, {"schema": self._stale_schema(operation)})
        if len(kinds) == 1:
            return component_name(kind)
        examples = {kind.slug: {"summary": kind.title, "value": self._example(kind)} for kind in kinds}
        response = _response(kind, {"schema": self._schema(kind), "examples": examples})
        return response | {"description": " ".join(kind.meaning for kind in kinds)}

    def component(self, kind: Kind) -> dict[str, Any]:
        """The response of a kind of problem that has one shape everywhere."""
        return _response(kind, {"schema": self._schema(kind), "example": self._example(kind)})

    def _schema(self, kind: Kind) -> Schema:
        return self.schemas.get(kind.status, self.other)

    def _stale_schema(self, operation: Operation) -> Schema:
        """The schema of a 412, whose `current` has the shape of the operation's response."""
        shape = operation.declaration.stale or operation.declaration.result
        assert shape is not None, operation.name
        name = f"Stale{schema_name(shape)}Schema"
        if name not in self.stale:
            current = fields.Nested(
                shape, required=True, metadata={"description": "What is there now; the ETag header names its version."}
            )
            members = {"current": current, "__doc__": "It has changed since you read it (412)."}
            self.stale[name] = type(name, (ProblemSchema,), members)()
        return self.stale[name]

    def _example(self, kind: Kind) -> dict[str, Any]:
        added = [schema.fields for slug, schema in self.domain_members if slug == kind.slug]
        examples = {
            name: member.metadata["example"]
            for members in added
            for name, member in members.items()
            if "example" in member.metadata
        }
        return {
            "type": f"/problems/{kind.slug}",
            "title": kind.title,
            "status": kind.status,
            "detail": kind.meaning,
            "instance": f"urn:uuid:{EXAMPLE_REQUEST_ID}",
            **EXAMPLE_MEMBERS.get(kind.slug, examples),
        }


def _response(kind: Kind, media: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "description": kind.meaning,
        "headers": header_references(*HEADERS_OF_STATUS.get(kind.status, ()), "X-Request-Id"),
        "content": {PROBLEM_JSON: media},
    }
