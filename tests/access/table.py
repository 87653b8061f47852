"""The access table: a row per route and whose thing it concerns, with the status everyone in the cast gets.

`<client.draft>` in a path or a body is the id of that thing of the cast, `<client>` that person's own. A row's body
is valid, so what is refused is refused for who asks and nothing else. Read a row's cells as "staff get 404, but the
therapist 200"; who is no staff gets what the area's door gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal.accounts.service import practices, resets
from portal.core.crypto import blind_index
from portal.core.ids import new_id
from portal.safety.service import alerts
from tests.cast import API, CARD, PASSWORD, Cast, exercise_document
from tests.described import check_described

NO_IDENTITY = ("nobody", "outsider", "leaver", "revoked")
STAFF = ("owner", "therapist", "co_therapist", "former_therapist", "colleague", "other_owner")
CLIENTS = ("client", "partner", "former_client", "stranger", "unattended", "other_client")
SYSTEMS = ("integration", "narrow", "uninvited", "foreign")
PRINCIPALS = NO_IDENTITY + STAFF + CLIENTS + SYSTEMS

Cells = Mapping[str, int]
Given = Callable[[Cast], None]
PLACE = re.compile(r"<([a-z_.]+)>")
NEW_PASSWORD = "quartz-heron-ladder-monday"
LATER = "2099-01-01"


@dataclass(frozen=True)
class Row:
    """A request and, per principal, its status. `version` is sent as If-Match, `form` as a page's own form."""

    method: str
    path: str
    cells: Cells
    body: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    version: int | None = None
    given: Given | None = None
    headers: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def reads(self) -> bool:
        return self.method == "GET"


# Cells ---------------------------------------------------------------------------------------------------------


def _cells(nobody: int, staff: int, clients: int, systems: int, but: Mapping[str, int]) -> Cells:
    cells = {
        **dict.fromkeys(NO_IDENTITY, nobody),
        **dict.fromkeys(STAFF, staff),
        **dict.fromkeys(CLIENTS, clients),
        **dict.fromkeys(SYSTEMS, systems),
    }
    assert set(but) <= set(cells), "a cell names somebody of the cast"
    return {**cells, **but}


def staff(status: int, **but: int) -> Cells:
    """The staff's area: no identity 401, clients and integrations 404, staff `status` but for those named."""
    return _cells(401, status, 404, 404, but)


def scoped(cells: Cells, status: int, **but: int) -> Cells:
    """The same for people; the integration therapists let see gets `status`, one without the scope 403."""
    return {**cells, "integration": status, "narrow": 403, "uninvited": 404, "foreign": 404, **but}


def everywhere(cells: Cells, status: int) -> Cells:
    """The same for people; every integration with the scope gets `status`, of whatever it sees."""
    return scoped(cells, status, uninvited=status, foreign=status)


def clients(status: int, **but: int) -> Cells:
    """The client's area: no identity 401, staff 404, clients `status` but for those named."""
    return _cells(401, 404, status, 404, but)


def signed_in(status: int, **but: int) -> Cells:
    """Every person's own: no identity 401, integrations 404, all others `status` but for those named."""
    return _cells(401, status, status, 404, but)


def anyone(status: int) -> Cells:
    """Before any account: the same for everybody."""
    return _cells(status, status, status, status, {})


# Rows ----------------------------------------------------------------------------------------------------------


def api(method: str, path: str, cells: Cells, **more: Any) -> Row:
    return Row(method, API + path, cells, **more)


def page(method: str, path: str, cells: Cells, **more: Any) -> Row:
    return Row(method, path, cells, **more)


# What has to be so before ----------------------------------------------------------------------------------------


def _done(response: TestResponse) -> Any:
    assert response.status_code < 300, response.get_data(as_text=True)
    return response.get_json(silent=True)


def a_setup_link(cast: Cast) -> None:
    with cast.app.app_context():
        cast.things["the.secret"] = practices.mint_setup_link()


def a_reset_link(cast: Cast) -> None:
    practice_id = cast.things["linden.practice"]
    with cast.app.app_context():
        letter = resets.prepare_letter(practice_id, blind_index(practice_id, cast.client.email))
    assert letter is not None
    cast.things["the.secret"] = letter.secret


def an_invitation_link(cast: Cast) -> None:
    path = f"/clients/{cast.newcomer.id}/invitation"
    cast.things["the.secret"] = _done(cast.therapist.post(path, {"delivery": "in_person"}))["link"].split("#")[1]


def a_declined_reading(cast: Cast) -> None:
    _done(cast.client.post(f"/me/assignments/{cast.things['client.reading']}/decline", {}))


def a_paused_draft(cast: Cast) -> None:
    _done(cast.client.post(f"/me/assignments/{cast.things['client.draft']}/pause"))


def a_reply(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.submitted']}/comments"
    cast.things["client.reply"] = _done(cast.client.post(path, {"body": "Thank you too."}))["id"]


def an_alert(cast: Cast) -> None:
    """What the client sent in through the therapist's care link needs somebody."""
    cast.things["client.alert"] = raised(cast, "client")


def raised(cast: Cast, name: str) -> str:
    """The id of a new alert about what somebody has sent in."""
    client = cast.everyone()[name].viewer
    with cast.app.app_context():
        alerts.raise_alert(
            client,
            client_id=client.id or "",
            care_id=cast.things[f"{name}.care"],
            assignment_id=cast.things[f"{name}.submitted"],
            attempt=1,
            items=[{"block": "safe", "row": [], "label": "Are you safe?"}],
        )
    by = {"stranger": cast.colleague, "other_client": cast.other_owner}.get(name, cast.therapist)
    return str(_done(by.get(f"/alerts?client_id={client.id}&open=true"))["data"][0]["id"])


# The table -----------------------------------------------------------------------------------------------------

PRACTICE = {"slug": "maple", "name": "Maple Practice", "country": "DE", "time_zone": "Europe/Berlin"}
PERSON = {"name": "Mia Maple", "email": "mia@maple.example", "password": NEW_PASSWORD, "therapist": True}
SETUP_FORM = {
    **{name: PRACTICE[name] for name in ("slug", "country", "time_zone")},
    **{name: str(PERSON[name]) for name in ("name", "email", "password")},
    "practice_name": PRACTICE["name"],
    "token": "<the.secret>",
}
SOMEONE = {"name": "Nora New", "email": "nora@somewhere.example"}
SAVED = {"answers": [{"block": "before", "value": 3}], "rows": []}
PLAN = {"when": "When it is quiet", "then": "I sit down", "obstacle": None}
SETUP = {"token": "<the.secret>", "practice": PRACTICE, "person": PERSON}
LINDENS_CLIENT = {"practice": "linden", "email": "client@clients.example"}
CAPABLE = {"capabilities": ["therapist"]}
TO_COLLEAGUE = {"therapist_id": "<colleague>"}
WRITTEN = {**CARD, "kind": "exercise", "document": exercise_document()}
PUBLISHED = {"resourceType": "Questionnaire", "item": [{"linkId": "1", "type": "string", "text": "How are you?"}]}
TRIED = {"kind": "exercise", "document": exercise_document(), "answers": [{"block": "before", "value": 3}]}
A_SYSTEM = {"name": "Record system", "scopes": ["assignments:read", "events:read"]}
SECRET = {"token": "<the.secret>", "password": NEW_PASSWORD}

GUEST = (
    api("POST", "/setup", anyone(201), body=SETUP, given=a_setup_link),
    api("POST", "/sessions", anyone(201), body={**LINDENS_CLIENT, "password": PASSWORD}),
    api("POST", "/password-resets", anyone(202), body=LINDENS_CLIENT),
    api("POST", "/password-resets/complete", anyone(204), body=SECRET, given=a_reset_link),
    api("POST", "/invitations/accept", anyone(201), body=SECRET, given=an_invitation_link),
    api("GET", "/openapi.json", anyone(200)),
)

PAGES = (
    page("GET", "/health/live", anyone(200)),
    page("GET", "/health/ready", anyone(200)),
    page("GET", "/", anyone(200)),
    page("GET", "/favicon.ico", anyone(204)),
    page("GET", "/problems/not-found", anyone(200)),
    page("GET", "/done/setup", anyone(200)),
    page("GET", "/api/docs", anyone(200)),
    page("GET", "/api/docs/swagger-ui.css", anyone(200)),
    page("GET", "/api/guide", anyone(200)),
    page("GET", "/setup", anyone(200)),
    page("POST", "/setup", anyone(303), form=SETUP_FORM, given=a_setup_link),
    page("GET", "/invitation", anyone(200)),
    page("POST", "/invitation", anyone(303), form=SECRET, given=an_invitation_link),
    page("GET", "/reset", anyone(200)),
    page("POST", "/reset", anyone(303), form=SECRET, given=a_reset_link),
)

ONESELF = (
    api("GET", "/me", signed_in(200)),
    api("PATCH", "/me", signed_in(200), body={"name": "A New Name"}, version=1),
    api("PUT", "/me/password", signed_in(204), body={"current_password": PASSWORD, "new_password": NEW_PASSWORD}),
    api("GET", "/sessions", signed_in(200)),
    api("DELETE", "/sessions/current", signed_in(204)),
    api("DELETE", "/sessions/<therapist.session>", signed_in(404, therapist=204)),
    api("DELETE", "/sessions/<client.session>", signed_in(404, client=204)),
)

AN_OWNERS = staff(403, owner=200, other_owner=404)
"""Everyone of the practice sees it, an owner may."""

PRACTICES = (
    api("GET", "/practice", staff(200)),
    api("PATCH", "/practice", staff(403, owner=200, other_owner=200), body={"quiet_days": 21}, version=1),
    api("GET", "/staff", staff(200)),
    api("GET", "/staff/<therapist>", staff(200, other_owner=404)),
    api("GET", "/staff/<leaver>", staff(200, other_owner=404)),
    api("GET", "/staff/<client>", staff(404)),
    api("PATCH", "/staff/<colleague>", AN_OWNERS, body=CAPABLE, version=1),
    api("POST", "/staff/<colleague>/deactivate", AN_OWNERS),
    api("POST", "/staff/<therapist>/hand-over", AN_OWNERS, body=TO_COLLEAGUE),
    api("POST", "/invitations", staff(403, owner=201, other_owner=201), body={**SOMEONE, **CAPABLE}),
    api("POST", "/invitations/<staff.invitation>/resend", staff(404, owner=201)),
    api("POST", "/invitations/<newcomer.invitation>/resend", staff(404, therapist=201)),
    api("DELETE", "/invitations/<staff.invitation>", staff(404, owner=204)),
    api("DELETE", "/invitations/<newcomer.invitation>", staff(404, therapist=204)),
)

INTEGRATIONS = (
    api("GET", "/integrations", staff(200)),
    api("POST", "/integrations", staff(403, owner=201, other_owner=201), body=A_SYSTEM),
    api("GET", "/integrations/current", _cells(401, 404, 404, 200, {})),
    api("GET", "/integrations/<linden.integration>", staff(200, other_owner=404)),
    api("POST", "/integrations/<linden.integration>/rotate", staff(403, owner=201, other_owner=404), body={}),
    api("DELETE", "/integrations/<linden.integration>", staff(403, owner=204, other_owner=404)),
    api("GET", "/integrations/<linden.integration>/caseload", staff(200, owner=403, other_owner=404)),
    api("PUT", "/integrations/<linden.integration>/caseload", staff(200, owner=403, other_owner=404)),
    api("DELETE", "/integrations/<linden.integration>/caseload", staff(204, owner=403, other_owner=404)),
    api("GET", "/events", {**everywhere(staff(403, owner=200, other_owner=200), 200), "narrow": 200}),
)

IN_CARE = staff(404, therapist=200, co_therapist=200)
"""What goes by the client: everyone whose care link has not ended."""

CARERS_MAKE = staff(404, therapist=201, co_therapist=201)

CASELOAD = (
    api("GET", "/clients", everywhere(staff(200), 200)),
    api("POST", "/clients", staff(201, owner=403), body=SOMEONE),
    api("GET", "/clients/<client>", scoped(IN_CARE, 200)),
    api("GET", "/clients/<former_client>", scoped(staff(404, therapist=200), 200)),
    api("GET", "/clients/<stranger>", scoped(staff(404, colleague=200), 404)),
    api("GET", "/clients/<unattended>", scoped(staff(404, owner=200), 404)),
    api("GET", "/clients/<other_client>", scoped(staff(404, other_owner=200), 404, foreign=200)),
    api("PATCH", "/clients/<client>", scoped(IN_CARE, 200), body={"name": "Another Name"}, version=1),
    api("PATCH", "/clients/<unattended>", scoped(staff(404), 404), body={"name": "Another Name"}, version=1),
    api("POST", "/clients/<newcomer>/invitation", staff(404, therapist=201), body={"delivery": "mail"}),
    api("POST", "/clients/<client>/archive", scoped(IN_CARE, 200)),
    api("POST", "/clients/<former_client>/restore", scoped(staff(404, therapist=200), 200)),
    api("GET", "/clients/<client>/care", scoped(IN_CARE, 200)),
    api("GET", "/clients/<unattended>/care", scoped(staff(404, owner=200), 404)),
    api("POST", "/clients/<client>/care", CARERS_MAKE, body=TO_COLLEAGUE),
    api("POST", "/clients/<unattended>/care", staff(404, owner=201), body=TO_COLLEAGUE),
    api("POST", "/clients/<client>/care/<client.care>/end", staff(404, therapist=204)),
    api("POST", "/clients/<client>/care/<former_therapist.care>/end", staff(404)),
    api("POST", "/clients/<client>/hand-over", staff(404, therapist=204, co_therapist=204), body=TO_COLLEAGUE),
    api("POST", "/clients/<unattended>/hand-over", staff(404), body=TO_COLLEAGUE),
    api("GET", "/clients/<client>/notes", IN_CARE),
    api("GET", "/clients/<unattended>/notes", staff(404)),
    api("POST", "/clients/<client>/notes", CARERS_MAKE, body={"body": "A thought."}),
    api("GET", "/clients/<client>/progress", scoped(IN_CARE, 200)),
    api("GET", "/clients/<unattended>/progress", scoped(staff(404), 404)),
    api("GET", "/clients/<client>/measures", scoped(IN_CARE, 200)),
    api("GET", "/clients/<unattended>/measures", scoped(staff(404), 404)),
)

THE_PRACTICES = staff(200, other_owner=404)
A_THERAPISTS = staff(200, owner=403, other_owner=404)

LIBRARY = (
    api("GET", "/resources", everywhere(staff(200), 200)),
    api("POST", "/resources", everywhere(staff(201, owner=403), 201), body=WRITTEN),
    api("POST", "/resources/validate", everywhere(staff(200, owner=403), 200), body=WRITTEN),
    api(
        "POST",
        "/resources/import",
        everywhere(staff(201, owner=403), 201),
        body=PUBLISHED,
        headers={"Idempotency-Key": "a-key-of-the-table"},
    ),
    api("POST", "/resources/preview", everywhere(staff(200, owner=403), 200), body=TRIED),
    api("GET", "/resources/<linden.exercise>/comparison?from=1&to=draft", scoped(THE_PRACTICES, 200, uninvited=200)),
    api("GET", "/resources/<linden.exercise>", scoped(THE_PRACTICES, 200, uninvited=200)),
    api("GET", "/resources/<linden.draft_resource>", scoped(THE_PRACTICES, 200, uninvited=200)),
    api(
        "PATCH",
        "/resources/<linden.exercise>",
        scoped(A_THERAPISTS, 200, uninvited=200),
        body={"minutes": 9},
        version=2,
    ),
    api("GET", "/resources/<linden.exercise>/versions", scoped(THE_PRACTICES, 200, uninvited=200)),
    api(
        "POST",
        "/resources/<linden.draft_resource>/versions",
        scoped(staff(201, owner=403, other_owner=404), 201, uninvited=201),
    ),
    api("GET", "/resources/<linden.exercise>/versions/1", scoped(THE_PRACTICES, 200, uninvited=200)),
    api(
        "POST", "/resources/<linden.exercise>/copy", scoped(staff(201, owner=403, other_owner=404), 201, uninvited=201)
    ),
    api("POST", "/resources/<linden.exercise>/archive", scoped(A_THERAPISTS, 200, uninvited=200)),
    api("POST", "/resources/<linden.exercise>/restore", scoped(A_THERAPISTS, 200, uninvited=200)),
)

GIVEN = {"client_id": "<client>", "resource_id": "<linden.exercise>", "why": "This may help.", "due_on": LATER}
GIVERS = staff(404, therapist=200)
"""What goes by the assignment: only who gave it, through a care link that has not ended."""

ASSIGNMENTS = (
    api("GET", "/assignments", everywhere(staff(200), 200)),
    api("POST", "/assignments", scoped(staff(404, owner=403, therapist=201, co_therapist=201), 201), body=GIVEN),
    api(
        "POST",
        "/assignments/bulk",
        everywhere(staff(200, owner=403), 200),
        body={"assignments": [GIVEN]},
        headers={"Idempotency-Key": "a-key-of-the-table"},
    ),
    api("GET", "/caseload", staff(200, owner=403)),
    api("GET", "/exports/assignments", everywhere(staff(200, owner=403), 200)),
    api("GET", "/assignments/<client.submitted>", scoped(GIVERS, 200)),
    api("GET", "/assignments/<co_therapist.assignment>", scoped(staff(404, co_therapist=200), 404)),
    api("GET", "/assignments/<stranger.submitted>", scoped(staff(404, colleague=200), 404)),
    api("PATCH", "/assignments/<client.draft>", scoped(GIVERS, 200), body={"note": "No hurry."}, version=1),
    api("POST", "/assignments/<client.draft>/withdraw", scoped(GIVERS, 200), body={"reason": "Let us wait."}),
    api("POST", "/assignments/<client.reading>/reopen", scoped(GIVERS, 200), given=a_declined_reading),
    api("POST", "/assignments/<client.submitted>/review", GIVERS, body={"attempt": 1}),
    api("POST", "/assignments/<client.submitted>/return", GIVERS, body={"attempt": 1, "comment": "Once more?"}),
    api("GET", "/assignments/<client.submitted>/attempts", scoped(GIVERS, 200)),
    api("GET", "/assignments/<client.submitted>/attempts/1", scoped(GIVERS, 200)),
    api("GET", "/assignments/<client.submitted>/attempts/1?format=fhir", scoped(GIVERS, 200)),
    api("GET", "/assignments/<client.draft>/attempts/1", scoped(staff(404), 404)),
    api("GET", "/assignments/<client.submitted>/comments", scoped(GIVERS, 200)),
    api("POST", "/assignments/<client.submitted>/comments", staff(404, therapist=201), body={"body": "Well done."}),
    api("POST", "/assignments/<client.submitted>/comments/<client.reply>/mark-read", GIVERS, given=a_reply),
)

CARD_OF_OURS = {"numbers": [{"kind": "other", "label": "Our own line", "number": "+49 30 123", "note": "Mondays"}]}

SAFETY = (
    api("GET", "/practice/crisis-card", staff(200)),
    api("PUT", "/practice/crisis-card", staff(403, owner=200, other_owner=200), body=CARD_OF_OURS, version=1),
    api("GET", "/alerts", staff(200, owner=403)),
    api("GET", "/alerts/<client.alert>", IN_CARE, given=an_alert),
    api("GET", "/alerts/<partner.alert>", staff(404, therapist=200, colleague=200)),
    api("POST", "/alerts/<client.alert>/acknowledge", IN_CARE, body={"note": "I call."}, given=an_alert),
    api("GET", "/me/crisis-card", clients(200)),
)

OWN = clients(404, client=200)

MINE = (
    api("GET", "/me/progress", clients(200)),
    api("GET", "/me/measures", clients(200)),
    api("GET", "/me/access-log", clients(200)),
    api("GET", "/me/assignments", clients(200)),
    api("GET", "/me/assignments/<client.submitted>", OWN),
    api("GET", "/me/assignments/<co_therapist.assignment>", OWN),
    api("GET", "/me/assignments/<partner.reading>", clients(404, partner=200)),
    api("POST", "/me/assignments/<client.reading>/open", OWN),
    api("PUT", "/me/assignments/<client.draft>/plan", OWN, body=PLAN, version=1),
    api("GET", "/me/assignments/<client.draft>/response", OWN),
    api("PATCH", "/me/assignments/<client.draft>/response", OWN, body=SAVED, version=2),
    api("POST", "/me/assignments/<client.draft>/submit", OWN, body={"response_version": 2}),
    api("POST", "/me/assignments/<client.submitted>/recall", OWN),
    api("POST", "/me/assignments/<client.draft>/pause", OWN),
    api("POST", "/me/assignments/<client.draft>/resume", OWN, given=a_paused_draft),
    api("POST", "/me/assignments/<client.draft>/decline", OWN, body={"reason": "Not now."}),
    api("POST", "/me/assignments/<client.reading>/undo-decline", OWN, given=a_declined_reading),
    api("GET", "/me/assignments/<client.submitted>/attempts", OWN),
    api("GET", "/me/assignments/<client.submitted>/attempts/1", OWN),
    api("GET", "/me/assignments/<client.submitted>/attempts/1?format=fhir", OWN),
    api("GET", "/me/assignments/<client.submitted>/comments", OWN),
    api("POST", "/me/assignments/<client.submitted>/comments", clients(404, client=201), body={"body": "Thank you."}),
    api("POST", "/me/assignments/<client.submitted>/comments/<client.comment>/mark-read", OWN),
)

TABLE: tuple[Row, ...] = (
    *GUEST,
    *PAGES,
    *ONESELF,
    *PRACTICES,
    *INTEGRATIONS,
    *CASELOAD,
    *LIBRARY,
    *SAFETY,
    *ASSIGNMENTS,
    *MINE,
)


# Asking --------------------------------------------------------------------------------------------------------

IdOf = Callable[[str], str]


def ids_of(cast: Cast) -> IdOf:
    """The ids the placeholders of a row stand for."""

    def id_of(name: str) -> str:
        known = cast.things if name in cast.things else {who: actor.id for who, actor in cast.everyone().items()}
        assert name in known, f"tests/cast.py: nobody owns <{name}>; make one and put its id into things[{name!r}]"
        return known[name]

    return id_of


def filled(value: Any, id_of: IdOf) -> Any:
    """`value` with its placeholders replaced, at every depth."""
    if isinstance(value, str):
        return PLACE.sub(lambda found: id_of(found[1]), value)
    if isinstance(value, Mapping):
        return {name: filled(inner, id_of) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, id_of) for inner in value]
    return value


def send(row: Row, cast: Cast, principal: str, id_of: IdOf | None = None, method: str = "") -> TestResponse:
    """The request of a row by somebody of the cast; `id_of` can put other ids in."""
    id_of = ids_of(cast) if id_of is None else id_of
    token = cast.everyone()[principal].token
    headers = dict(row.headers or {}) | ({} if token is None else {"Authorization": f"Bearer {token}"})
    if row.version is not None:
        headers["If-Match"] = f'"{row.version}-0000000000000000"'
    sent: dict[str, Any] = {}
    if row.body is not None:
        sent["json"] = filled(row.body, id_of)
    if row.form is not None:
        sent["data"], headers["Origin"] = filled(row.form, id_of), "http://localhost"
    with cast.app.test_client(use_cookies=False) as asking:
        response = asking.open(filled(row.path, id_of), method=method or row.method, headers=headers, **sent)
    check_described(response, cast.app)
    return response


def prepared(row: Row, cast: Cast) -> Cast:
    """The cast with what the row needs to be so; its things are its own."""
    cast.things = dict(cast.things)
    if row.given is not None:
        row.given(cast)
    return cast


OF_ONE_REQUEST = frozenset({"Date", "X-Request-Id", "Content-Security-Policy"})


def seen(response: TestResponse) -> tuple[int, object, dict[str, str]]:
    """All a caller sees of an answer, but for what names the request itself."""
    body = response.get_json(silent=True)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name != "instance"}
    headers = {name: value for name, value in response.headers.items() if name not in OF_ONE_REQUEST}
    return response.status_code, body if body is not None else response.get_data(), headers


def rule_of(row: Row, app: Flask) -> Rule:
    """The route a row is about."""
    path = filled(row.path.split("?")[0], lambda _name: new_id())
    try:
        rule, _ = app.url_map.bind("localhost").match(path, row.method, return_rule=True)
    except HTTPException:
        pytest.fail(f"tests/access/table.py: no route answers to the row {row}")
    return rule
