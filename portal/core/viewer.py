"""Who asks: the only identity below the edge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PrincipalKind(StrEnum):
    """What sort of principal a viewer is; staff combine capabilities, clients and integrations stand alone."""

    STAFF = "staff"
    CLIENT = "client"
    INTEGRATION = "integration"
    ANYONE = "anyone"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Viewer:
    """A frozen value made by a door (or by the worker) and handed to every service first.

    `practice_id` is empty only for someone who has not said yet which practice they belong to.
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
        """What of a viewer changes the text of a query: the values themselves are bind parameters."""
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
    """The portal itself at work for one practice: jobs and set-up."""
    return Viewer(None, practice_id, PrincipalKind.SYSTEM)


ANYONE = Viewer(None, "", PrincipalKind.ANYONE)
