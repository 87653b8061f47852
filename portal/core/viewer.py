"""The viewer: who makes a request or runs a job. Services know no other identity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PrincipalKind(StrEnum):
    """The kind of a principal; only staff have capabilities, only integrations have scopes."""

    STAFF = "staff"
    CLIENT = "client"
    INTEGRATION = "integration"
    ANYONE = "anyone"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A frozen value that a door or the worker makes; the first argument of every service.

    `practice_id` is empty only for a guest whose practice is not known yet.
    """

    id: str | None
    practice_id: str
    kind: PrincipalKind
    owner: bool = False
    therapist: bool = False
    credential_id: str | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def shape(self) -> tuple[str, bool, bool]:
        """The part of a viewer that changes the text of a statement; ids are bind parameters."""
        return (self.kind, self.owner, self.therapist)

    @property
    def is_client(self) -> bool:
        return self.kind is PrincipalKind.CLIENT

    @property
    def is_staff(self) -> bool:
        return self.kind is PrincipalKind.STAFF

    @property
    def is_integration(self) -> bool:
        return self.kind is PrincipalKind.INTEGRATION

    def holds(self, scope: str) -> bool:
        """Whether this is an integration whose token covers `scope`; people have no scopes."""
        return scope in self.scopes


def system(practice_id: str) -> Viewer:
    """The viewer of jobs and of setting up: the portal itself, in one practice."""
    return Viewer(None, practice_id, PrincipalKind.SYSTEM)


ANYONE = Viewer(None, "", PrincipalKind.ANYONE)
