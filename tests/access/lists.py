"""What stands in the lists: per list and principal, the things of the cast whose rows are in it, and no others.

A status says who may ask. What they are shown is said here, by names of the cast; rows without a name (the starter
library, a session of a test) are of no interest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.core.audit_log import sealing
from tests.access.table import CLIENTS, STAFF, SYSTEMS, Given, filled, ids_of, raised
from tests.cast import Cast

OF_LINDEN = tuple(name for name in STAFF if name != "other_owner")


@dataclass(frozen=True)
class Listed:
    """A list, and per principal what it shows; whoever is not named is shown nothing. `by` is the member compared."""

    path: str
    shown: Mapping[str, tuple[str, ...]]
    by: str = "id"
    given: Given | None = None
    rows: Callable[[Any], list[Any]] = lambda page: list(page["data"])

    def __str__(self) -> str:
        return f"GET {self.path}"

    @property
    def asking(self) -> tuple[str, ...]:
        return CLIENTS if self.path.startswith("/me/") else (*STAFF, *SYSTEMS)


def openings(cast: Cast) -> None:
    """Two therapists have read what was sent to them."""
    for therapist, client in ((cast.therapist, "client"), (cast.therapist, "partner"), (cast.colleague, "stranger")):
        path = f"/assignments/{cast.things[f'{client}.submitted']}/attempts/1"
        assert therapist.get(path).status_code == 200
    with cast.app.app_context():
        while sealing.seal():
            pass


def alerts_of_everyone(cast: Cast) -> None:
    """Something of everybody's needs somebody."""
    for name in ("client", "stranger", "other_client"):
        cast.things[f"{name}.alert"] = raised(cast, name)


def _work(*clients: str) -> tuple[str, ...]:
    return tuple(f"{client}.{thing}" for client in clients for thing in ("reading", "draft", "submitted"))


CARE = ("client.care", "co_therapist.care", "former_therapist.care")
SHELF = ("linden.reading", "linden.exercise", "linden.draft_resource")
OTHER_SHELF = ("birch.reading", "birch.exercise", "birch.draft_resource")
CASELOAD = ("client", "partner", "former_client", "newcomer")
SYSTEMS_OF_LINDEN = tuple(f"linden.{name}" for name in ("integration", "narrow", "uninvited", "revoked"))

LISTS = (
    Listed("/staff", dict.fromkeys(OF_LINDEN, (*OF_LINDEN, "leaver")) | {"other_owner": ("other_owner",)}),
    Listed(
        "/clients",
        {
            "owner": ("unattended",),
            "therapist": CASELOAD,
            "integration": CASELOAD,
            "co_therapist": ("client",),
            "colleague": ("stranger",),
            "other_owner": ("other_client",),
            "foreign": ("other_client",),
        },
    ),
    Listed("/integrations", dict.fromkeys(OF_LINDEN, SYSTEMS_OF_LINDEN) | {"other_owner": ("birch.foreign",)}),
    Listed(
        "/integrations/<linden.integration>/caseload",
        {"therapist": ("linden.integration",)},
        by="integration_id",
        rows=lambda said: [said] if said["opted_in_at"] else [],
    ),
    Listed(
        "/events",
        dict.fromkeys(("integration", "narrow"), CASELOAD)
        | dict.fromkeys(("other_owner", "foreign"), ("other_client",)),
        by="client_id",
        given=openings,
    ),
    Listed("/clients/<client>/care", {"therapist": CARE, "co_therapist": CARE, "integration": CARE}),
    Listed("/clients/<stranger>/care", {"colleague": ("stranger.care",)}),
    Listed("/clients/<unattended>/care", {"owner": ("unattended.care",)}),
    Listed("/clients/<client>/notes", {"therapist": ("therapist.note",)}),
    Listed(
        "/resources",
        dict.fromkeys((*OF_LINDEN, "integration", "uninvited"), SHELF)
        | dict.fromkeys(("other_owner", "foreign"), OTHER_SHELF),
    ),
    Listed(
        "/assignments",
        {
            "therapist": _work("client", "partner", "former_client"),
            "integration": _work("client", "partner", "former_client"),
            "foreign": _work("other_client"),
            "co_therapist": ("co_therapist.assignment",),
            "colleague": _work("stranger"),
            "other_owner": _work("other_client"),
        },
    ),
    Listed(
        "/assignments/<client.submitted>/comments", dict.fromkeys(("therapist", "integration"), ("client.comment",))
    ),
    Listed(
        "/alerts",
        {
            "therapist": ("client.alert", "partner.alert"),
            "co_therapist": ("client.alert",),
            "colleague": ("stranger.alert", "partner.alert"),
            "other_owner": ("other_client.alert",),
        },
        given=alerts_of_everyone,
    ),
    Listed(
        "/alerts?sort=raised_at",
        {
            "therapist": ("client.submitted", "partner.submitted"),
            "colleague": ("stranger.submitted",),
            "other_owner": ("other_client.submitted",),
        },
        by="assignment_id",
        given=alerts_of_everyone,
    ),
    Listed(
        "/me/assignments",
        {name: _work(name) for name in CLIENTS if name not in {"unattended", "client"}}
        | {"client": (*_work("client"), "co_therapist.assignment")},
    ),
    Listed("/me/assignments/<client.submitted>/comments", {"client": ("client.comment",)}),
    Listed(
        "/me/access-log",
        {name: (f"{name}.submitted",) for name in ("client", "partner", "stranger")},
        by="assignment_id",
        given=openings,
    ),
)


def pattern_of(path: str) -> str:
    """A path with `<id>` in place of every id, however it is written."""
    parts = path.partition("?")[0].split("/")
    return "/".join("<id>" if part.startswith(("<", "{")) else part for part in parts)


def shown(listed: Listed, cast: Cast, principal: str) -> set[str]:
    """The names of what a list shows somebody; nothing where they are refused."""
    names = {actor.id: name for name, actor in cast.everyone().items() if actor.id}
    names |= {thing: name for name, thing in cast.things.items()}
    path, found, more = str(filled(listed.path, ids_of(cast))), set(), ""
    while True:
        answer = cast.everyone()[principal].get(f"{path}?{more}" if more else path)
        if answer.status_code != 200:
            return set()
        page = answer.get_json()
        found |= {names[row[listed.by]] for row in listed.rows(page) if row[listed.by] in names}
        if not page.get("has_more"):
            return found
        more = f"after={page['next_after']}" if "next_after" in page else f"cursor={page['next_cursor']}"
