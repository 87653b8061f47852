"""Every list of the API, with somebody who sees it and a way to make it longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from portal.accounts.models import Credential, CredentialKind
from portal.accounts.service.sessions import LONGEST
from portal.caseload.service import care
from portal.core import clock
from portal.core.audit_log import sealing
from portal.core.ids import new_id
from tests.access.table import raised
from tests.cast import CARD, Actor, Cast, exercise_document
from tests.owner import as_owner


@dataclass(frozen=True)
class List:
    """`more` adds one row to what `principal` gets at `path`."""

    path: str
    principal: str
    sorts: tuple[str, ...]
    more: Callable[[Cast, int], None]

    def __str__(self) -> str:
        return self.path

    def actor(self, cast: Cast) -> Actor:
        return cast.everyone()[self.principal]

    def address(self, cast: Cast) -> str:
        filled = self.path
        for name, thing in {**cast.things, "client": cast.client.id}.items():
            filled = filled.replace(f"<{name}>", thing)
        return filled

    def orders(self) -> list[str]:
        return [sign + sort for sort in self.sorts for sign in ("", "-")]


def _made(response: Any) -> Any:
    assert response.status_code in {200, 201}, response.get_data(as_text=True)
    return response.get_json()


def a_session(cast: Cast, _number: int) -> None:
    """Without the cost of signing in; many begin in the same second."""
    known, now = cast.client.viewer, clock.now()
    with cast.app.app_context(), as_owner() as session:
        session.add(
            Credential(
                practice_id=known.practice_id,
                kind=CredentialKind.SESSION,
                person_id=known.id,
                secret_hash=new_id(),
                created_at=now,
                last_used_at=now,
                expires_at=now + LONGEST,
            )
        )


def a_colleague(cast: Cast, number: int) -> None:
    sent = {"name": f"Staff {number}", "email": f"s{number}@linden.example", "capabilities": ["therapist"]}
    _made(cast.owner.post("/invitations", sent))


def a_system(cast: Cast, number: int) -> None:
    _made(cast.owner.post("/integrations", {"name": f"System {number}", "scopes": ["events:read"]}))


def a_client(cast: Cast, number: int) -> None:
    _made(cast.therapist.post("/clients", {"name": f"Client {number % 7}", "email": f"c{number}@x.example"}))


def a_care_link(cast: Cast, _number: int) -> None:
    link = _made(cast.therapist.post(f"/clients/{cast.client.id}/care", {"therapist_id": cast.colleague.id}))["id"]
    with cast.app.app_context():
        care.end_care(cast.colleague.viewer, cast.client.id, link)


def a_note(cast: Cast, number: int) -> None:
    _made(cast.therapist.post(f"/clients/{cast.client.id}/notes", {"body": f"Note {number}"}))


def a_resource(cast: Cast, number: int) -> None:
    card = {**CARD, "title": f"Title {number % 5}", "kind": "exercise", "document": exercise_document()}
    _made(cast.therapist.post("/resources", card))


def a_version(cast: Cast, number: int) -> None:
    path = f"/resources/{cast.things['linden.exercise']}"
    _made(cast.therapist.patch(path, {"minutes": 1 + number % 200}, cast.therapist.etag(path)))
    _made(cast.therapist.post(f"{path}/versions"))


def an_assignment(cast: Cast, number: int) -> None:
    due = None if number % 3 == 0 else f"2098-{1 + number % 12:02}-{1 + number % 28:02}"
    opens = f"2097-{1 + number % 12:02}-{1 + number % 28:02}"
    given = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "x"}
    _made(cast.therapist.post("/assignments", {**given, "due_on": due, "opens_on": opens}))


def an_attempt(cast: Cast, number: int) -> None:
    mine = f"/me/assignments/{cast.things['client.submitted']}"
    attempt = _made(cast.client.get(f"{mine}/response"))["attempt"]
    returned = {"attempt": attempt, "comment": "Once more?"}
    _made(cast.therapist.post(f"/assignments/{cast.things['client.submitted']}/return", returned))
    sent = {"answers": [{"block": "before", "value": number % 10}]}
    saved = _made(cast.client.patch(f"{mine}/response", sent, cast.client.etag(f"{mine}/response")))
    _made(cast.client.post(f"{mine}/submit", {"response_version": saved["version"]}))


def a_comment(cast: Cast, number: int) -> None:
    path = f"/assignments/{cast.things['client.submitted']}/comments"
    _made(cast.therapist.post(path, {"body": f"Word {number}"}))


def an_opening(cast: Cast, _number: int) -> None:
    _made(cast.therapist.get(f"/assignments/{cast.things['client.submitted']}/attempts/1"))
    with cast.app.app_context():
        sealing.seal()


def an_alert(cast: Cast, _number: int) -> None:
    raised(cast, "client")


LISTS = (
    List("/sessions", "client", ("created_at",), a_session),
    List("/staff", "therapist", ("created_at",), a_colleague),
    List("/integrations", "owner", ("created_at",), a_system),
    List("/clients", "therapist", ("created_at", "name"), a_client),
    List("/clients?q=c", "therapist", ("created_at", "name"), a_client),
    List("/clients/<client>/care", "therapist", ("started_at",), a_care_link),
    List("/clients/<client>/notes", "therapist", ("created_at",), a_note),
    List("/resources", "therapist", ("title", "updated_at", "created_at"), a_resource),
    List("/resources?q=titl", "therapist", ("title", "updated_at", "created_at"), a_resource),
    List("/resources/<linden.exercise>/versions", "therapist", ("number",), a_version),
    List("/assignments", "therapist", ("assigned_at", "due_on", "submitted_at"), an_assignment),
    List("/assignments?expand=client", "therapist", ("assigned_at",), an_assignment),
    List("/assignments/<client.submitted>/attempts", "therapist", (), an_attempt),
    List("/assignments/<client.submitted>/comments", "therapist", ("created_at",), a_comment),
    List("/alerts", "therapist", ("raised_at",), an_alert),
    List("/me/assignments", "client", ("assigned_at", "due_on"), an_assignment),
    List("/me/assignments/<client.submitted>/attempts", "client", (), an_attempt),
    List("/me/assignments/<client.submitted>/comments", "client", ("created_at",), a_comment),
    List("/me/access-log", "client", ("occurred_at",), an_opening),
)


def with_query(address: str, **values: Any) -> str:
    joined = "&".join(f"{name}={value}" for name, value in values.items() if value not in {None, ""})
    return address + (("&" if "?" in address else "?") + joined if joined else "")


def pages(actor: Actor, address: str, **values: Any) -> Iterator[dict[str, Any]]:
    """Every page of a list, one after the other."""
    cursor = None
    while True:
        response = actor.get(with_query(address, **values, cursor=cursor))
        assert response.status_code == 200, response.get_data(as_text=True)
        page: dict[str, Any] = response.get_json()
        yield page
        cursor = page["next_cursor"]
        if cursor is None:
            return
