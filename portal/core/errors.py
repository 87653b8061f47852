"""Errors, as one tree; `portal.http.problems` gives each its HTTP shape.

PortalError
├── Unauthenticated     no credential, or one that has ended
├── NotVisible          absent or not visible to this viewer, which look the same
├── Forbidden           visible, but this viewer may not do this
├── Conflict            allowed, but not in this state
│   └── Duplicate       the same thing exists already
├── Stale               the version sent is not the current one
├── PreconditionMissing a change came without the version it applies to
├── Malformed           the request cannot be parsed
├── UnsupportedMedia    the body has a media type this route does not accept
├── Invalid             the request is well-formed but breaks a rule
├── TooManyRequests     try again later
└── Unavailable         the database cannot be reached right now
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what was sent, by the code of the broken rule.

    `template` is the English sentence with the remedy; its {placeholders} are filled from `params`, so that another
    language replaces the template and nothing else. `pointer` is a JSON pointer (RFC 6901) to the place; `block` and
    `row` name the block of a form, where one is concerned.
    """

    code: str
    template: str
    params: Mapping[str, Any]
    pointer: str
    block: str | None
    row: tuple[str, ...]

    def __init__(self, code: str, detail: str, **params: Any) -> None:
        self._set(code=code, template=detail, params=params, pointer="#", block=None, row=())

    def _set(self, **members: Any) -> None:
        for name, value in members.items():
            object.__setattr__(self, name, value)

    def at(self, pointer: str, block: str | None = None, row: tuple[str, ...] = ()) -> Fault:
        """Return the same fault at a place."""
        located = Fault(self.code, self.template, **self.params)
        located._set(pointer=pointer, block=block, row=row)
        return located

    @property
    def detail(self) -> str:
        """The sentence a person reads."""
        return self.template.format_map(self.params) if self.params else self.template

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"pointer": self.pointer, "code": self.code, "detail": self.detail}
        if self.params:
            shown["params"] = dict(self.params)
        if self.block is not None:
            shown |= {"block": self.block, "row": list(self.row)}
        return shown


class PortalError(Exception):
    """The root; `detail` is a sentence for people, which never repeats an id or anything that was sent."""

    def __init__(self, detail: str = "", **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members: Mapping[str, Any] = members


class Unauthenticated(PortalError): ...


class NotVisible(PortalError): ...


class Forbidden(PortalError): ...


class Conflict(PortalError): ...


class PreconditionMissing(PortalError): ...


class Malformed(PortalError): ...


class UnsupportedMedia(PortalError): ...


class Duplicate(Conflict):
    """The same thing exists already; `members` say which."""


class Stale(PortalError):
    """`current` is the current state as the service returns it; the route serializes it."""

    def __init__(self, current: Mapping[str, Any]) -> None:
        super().__init__("This has changed since you read it. Take the current version, apply your change, send again.")
        self.current = current


class Invalid(PortalError):
    def __init__(self, *faults: Fault) -> None:
        super().__init__(
            "Some of what was sent needs a change.", errors=[fault.as_json() for fault in faults[:MAX_FAULTS]]
        )
        self.faults: Sequence[Fault] = faults[:MAX_FAULTS]


class TooManyRequests(PortalError):
    """`retry_after` in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Wait {retry_after} seconds, then try again.")
        self.retry_after = retry_after


class Unavailable(PortalError): ...


@dataclass
class Faults:
    """Collects faults, so that a person sees up to a hundred of them at once."""

    found: list[Fault] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return len(self.found) >= MAX_FAULTS

    def add(self, fault: Fault) -> None:
        self.found.append(fault)

    def raise_if_any(self) -> None:
        if self.found:
            raise Invalid(*self.found)
