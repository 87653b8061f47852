"""A few named people who each own one of everything, across two practices.

A rule is tested by breaking it once and watching something fail; when nothing fails, someone here owns too little.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from portal.accounts.models import Credential, CredentialKind, Delivery, Invitation, Person, Practice
from portal.accounts.secrets import mint
from portal.accounts.service import integrations, invitations, people, practices, sessions
from portal.assignments.service import assigning, comments, queries, responses
from portal.caseload.service import care, notes, opt_ins
from portal.caseload.service.clients import archive, create_client
from portal.core import clock, stored_responses
from portal.core.crypto import blind_index
from portal.core.db.transactions import transaction
from portal.core.ids import new_id
from portal.core.listing import ListRequest
from portal.core.viewer import ANYONE, PrincipalKind, Viewer, system
from portal.library.service import resources, versions
from portal.safety.service import alerts, crisis_card, escalation
from tests.described import check_described

API = "/api/v1"
PASSWORD = "maple-otter-violin-sunday"


@dataclass
class Actor:
    """Somebody with a token, who can ask the API. Every request gets a context of its own."""

    name: str
    app: Flask
    viewer: Viewer
    token: str | None
    email: str = ""
    slug: str = ""

    @property
    def id(self) -> str:
        return self.viewer.id or ""

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any) -> TestResponse:
        """A request to the API (a path that begins with /api is taken as it is)."""
        full = path if path.startswith(("/api", "/health")) else API + path
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        with self.app.test_client(use_cookies=False) as client:
            response = client.open(full, method=method, headers=sent, **kwargs)
        check_described(response, self.app)
        return response

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        return self.ask("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        return self.ask("POST", path, **({"json": body} if body is not None else {}), **kwargs)

    def put(self, path: str, body: Any = None, **kwargs: Any) -> TestResponse:
        return self.ask("PUT", path, json=body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        return self.ask("DELETE", path, **kwargs)

    def patch(self, path: str, body: Any, etag: str | None = None, **kwargs: Any) -> TestResponse:
        headers = dict(kwargs.pop("headers", {}))
        if etag is not None:
            headers["If-Match"] = etag
        return self.ask("PATCH", path, json=body, headers=headers, **kwargs)

    def etag(self, path: str) -> str:
        return str(self.get(path).headers["ETag"])


@dataclass
class Cast:
    """Everybody. In the practice *linden*:

    - `owner` runs it and sees no clients of others; `therapist` cares for `client`, `partner`, `former_client`
      (archived) and the invited `newcomer`; `co_therapist` has a care link of their own with `client`;
      `former_therapist` had one that has ended; `colleague` cares for `stranger` and covers when an alert waits;
      `leaver` is deactivated
    - `unattended` is a client without a therapist
    In the practice *birch*: `other_owner` (owner and therapist) and `other_client`.
    `nobody` has no token, `outsider` a made-up one.

    `integration` has every scope and sees the therapist's caseload, who opted in; `narrow` has only events:read and
    the same opt-in; `uninvited` has every scope and nobody opted in; `foreign` is birch's, with everything;
    `revoked` was shut out.

    `things` holds ids by "<owner>.<thing>", for example `client.draft` (an exercise in progress),
    `client.submitted` (sent in), `client.reading` (not opened), `client.comment`, `client.care`,
    `partner.alert` (acknowledged), `therapist.note`, `therapist.session`, `newcomer.invitation`, `linden.exercise`,
    `linden.draft_resource`.
    """

    app: Flask
    owner: Actor
    therapist: Actor
    co_therapist: Actor
    former_therapist: Actor
    colleague: Actor
    leaver: Actor
    client: Actor
    partner: Actor
    former_client: Actor
    newcomer: Actor
    stranger: Actor
    unattended: Actor
    other_owner: Actor
    other_client: Actor
    integration: Actor
    narrow: Actor
    uninvited: Actor
    foreign: Actor
    revoked: Actor
    nobody: Actor
    outsider: Actor
    things: dict[str, str] = field(default_factory=dict)

    def everyone(self) -> dict[str, Actor]:
        return {name: value for name, value in vars(self).items() if isinstance(value, Actor)}

    def fresh(self) -> Cast:
        """A copy a test can change without the next one noticing."""
        return replace(self, things=dict(self.things))


def exercise_document() -> dict[str, Any]:
    """Blocks of every common kind, with a condition inside and outside a log, and a score."""
    return {
        "schema": "portal.exercise/1",
        "blocks": [
            {"id": "intro", "type": "text", "markdown": "Take your time."},
            {"id": "before", "type": "scale", "label": "How strong?", "min": 0, "max": 10, "required": True},
            {"id": "safe", "type": "yes_no", "label": "Are you safe?"},
            {
                "id": "more",
                "type": "section",
                "label": "More",
                "show_if": {"match": "all", "conditions": [{"block": "safe", "op": "=", "value": True}]},
                "blocks": [
                    {"id": "need", "type": "short_text", "label": "What do you need?"},
                    {"id": "story", "type": "long_text", "label": "What happened?", "min_length": 3},
                ],
            },
            {
                "id": "triggers",
                "type": "log",
                "label": "Triggers",
                "row_label": "Trigger",
                "max_rows": 5,
                "blocks": [
                    {"id": "cue", "type": "short_text", "label": "Cue"},
                    {"id": "strength", "type": "scale", "label": "Strength", "min": 0, "max": 10},
                    {
                        "id": "helped",
                        "type": "choice",
                        "label": "What helped?",
                        "multiple": True,
                        "other": True,
                        "options": [{"code": "walk", "label": "A walk"}, {"code": "talk", "label": "Talking"}],
                        "show_if": {"match": "all", "conditions": [{"block": "strength", "op": ">=", "value": 5}]},
                    },
                ],
            },
            {
                "id": "one",
                "type": "choice",
                "label": "Which one?",
                "options": [{"code": "a", "label": "A"}, {"code": "b", "label": "B"}],
            },
            {"id": "hours", "type": "number", "label": "Hours", "min": 0, "max": 24, "decimals": 1},
            {"id": "day", "type": "date", "label": "Which day?"},
        ],
        "scores": [{"id": "whole", "label": "All in all", "method": "sum", "items": ["before"]}],
    }


CARD = {
    "title": "A made-up exercise",
    "summary": "For the tests.",
    "language": "en",
    "topics": ["testing"],
    "minutes": 5,
    "intensity": "gentle",
    "content_note": "Nothing hard.",
    "audience": "anyone",
    "licence": "ours",
    "sources": [],
}


def build(app: Flask) -> Cast:
    """Tell the story of both practices through the services. Needs an application context."""
    return _Builder(app).build()


class _Builder:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.things: dict[str, str] = {}

    def build(self) -> Cast:
        owner = self._set_up("linden", "Olive Owner", therapist=False)
        other_owner = self._set_up("birch", "Otto Other", therapist=True)
        staff = {
            name: self._staff(owner, name.replace("_", " ").title(), name)
            for name in ("therapist", "co_therapist", "former_therapist", "colleague", "leaver")
        }
        therapist = staff["therapist"]
        clients = {
            name: self._client(by, name)
            for name, by in (
                ("client", therapist),
                ("partner", therapist),
                ("former_client", therapist),
                ("stranger", staff["colleague"]),
                ("unattended", staff["leaver"]),
                ("other_client", other_owner),
            )
        }
        newcomer = self._client(therapist, "newcomer", accept=False)
        self._care(staff, clients, therapist)
        self._work(therapist, clients, ("client", "partner", "former_client"))
        self._work(staff["colleague"], clients, ("stranger",))
        self._work(other_owner, clients, ("other_client",))
        archive(therapist.viewer, clients["former_client"].id)
        people.deactivate(owner.viewer, staff["leaver"].id)
        self._own_things(owner, therapist)
        systems = self._systems(owner, therapist, other_owner)
        self._safety(owner, other_owner, staff, clients)
        self._sent_again(therapist, clients["client"], clients["partner"])
        return Cast(
            app=self.app,
            owner=owner,
            other_owner=other_owner,
            newcomer=newcomer,
            nobody=Actor("nobody", self.app, ANYONE, None),
            outsider=Actor("outsider", self.app, ANYONE, mint("ses")[0]),
            things=self.things,
            **staff,
            **clients,
            **systems,
        )

    def _set_up(self, slug: str, name: str, *, therapist: bool) -> Actor:
        email = f"{name.split(maxsplit=1)[0].lower()}@{slug}.example"
        made = practices.set_up(
            ANYONE,
            token=practices.mint_setup_link(),
            practice={"slug": slug, "name": f"{slug.title()} Practice", "country": "DE", "time_zone": "Europe/Berlin"},
            person={"name": name, "email": email, "password": PASSWORD, "therapist": therapist},
        )
        practice_id = made["practice"]["id"]
        viewer = Viewer(made["person"]["id"], practice_id, PrincipalKind.STAFF, owner=True, therapist=therapist)
        self.things[f"{slug}.practice"] = practice_id
        rows = resources.list_resources(viewer, ListRequest(limit=100)).as_dicts()
        self.things[f"{slug}.reading"] = next(row["id"] for row in rows if row["kind"] == "reading")
        if therapist:
            self._exercise(viewer, slug)
        return self._actor(name, viewer, email, slug)

    def _exercise(self, viewer: Viewer, slug: str) -> None:
        made = resources.create_resource(viewer, kind="exercise", document=exercise_document(), **CARD)
        versions.publish(viewer, made["id"])
        self.things[f"{slug}.exercise"] = made["id"]
        draft = resources.create_resource(
            viewer, kind="exercise", document=exercise_document(), **{**CARD, "title": "A draft"}
        )
        self.things[f"{slug}.draft_resource"] = draft["id"]

    def _actor(self, name: str, viewer: Viewer, email: str, slug: str) -> Actor:
        """Somebody with a session, without the cost of signing in."""
        token, secret_hash = mint(sessions.PREFIX)
        now, credential_id = clock.now(), new_id()
        with transaction(viewer.practice_id) as session:
            session.add(
                Credential(
                    practice_id=viewer.practice_id,
                    id=credential_id,
                    kind=CredentialKind.SESSION,
                    person_id=viewer.id,
                    secret_hash=secret_hash,
                    created_at=now,
                    last_used_at=now,
                    expires_at=now + sessions.LONGEST,
                )
            )
        known = Viewer(viewer.id, viewer.practice_id, viewer.kind, viewer.owner, viewer.therapist, credential_id)
        return Actor(name, self.app, known, token, email, slug)

    def _activate(self, practice_id: str, person_id: str, email: str) -> None:
        """What accepting an invitation does, without its mail."""
        with transaction(practice_id) as session:
            session.execute(
                update(Person)
                .where(Person.practice_id == practice_id, Person.id == person_id)
                .values(
                    activated_at=clock.now(),
                    mail_index=blind_index(practice_id, email),
                    password_hash=_HASHED.setdefault(PASSWORD, _hash()),
                )
            )
            session.execute(update(Invitation).where(Invitation.person_id == person_id).values(accepted_at=clock.now()))

    def _staff(self, owner: Actor, title: str, name: str) -> Actor:
        email = f"{name}@{owner.slug}.example"
        shown = invitations.invite_staff(owner.viewer, name=title, email=email, capabilities=["therapist"])
        self._activate(owner.viewer.practice_id, shown["person_id"], email)
        viewer = Viewer(shown["person_id"], owner.viewer.practice_id, PrincipalKind.STAFF, therapist=True)
        actor = self._actor(title, viewer, email, owner.slug)
        self.things[f"{name}.session"] = actor.viewer.credential_id or ""
        if name == "therapist":
            self._exercise(viewer, owner.slug)
        return actor

    def _client(self, by: Actor, name: str, *, accept: bool = True) -> Actor:
        title, email = name.replace("_", " ").title(), f"{name}@clients.example"
        made = create_client(by.viewer, name=title, email=email, delivery=Delivery.MAIL)
        self.things[f"{name}.invitation"] = made["invitation"]["id"]
        with self.app.app_context():
            links = care.list_care(by.viewer, made["id"], ListRequest()).as_dicts()
        self.things[f"{name}.care"] = links[0]["id"]
        viewer = Viewer(made["id"], by.viewer.practice_id, PrincipalKind.CLIENT)
        if not accept:
            return Actor(title, self.app, viewer, None, email, by.slug)
        self._activate(by.viewer.practice_id, made["id"], email)
        actor = self._actor(title, viewer, email, by.slug)
        self.things[f"{name}.session"] = actor.viewer.credential_id or ""
        return actor

    def _care(self, staff: dict[str, Actor], clients: dict[str, Actor], therapist: Actor) -> None:
        for name in ("co_therapist", "former_therapist"):
            link = care.start_care(therapist.viewer, clients["client"].id, therapist_id=staff[name].id)
            self.things[f"{name}.care"] = link["id"]
        care.end_care(staff["former_therapist"].viewer, clients["client"].id, self.things["former_therapist.care"])
        given = assigning.assign(
            staff["co_therapist"].viewer,
            client_id=clients["client"].id,
            resource_id=self.things["linden.exercise"],
            why="From the co-therapist.",
        )
        self.things["co_therapist.assignment"] = given["id"]

    def _work(self, by: Actor, clients: dict[str, Actor], names: tuple[str, ...]) -> None:
        for name in names:
            self._work_of(by, clients[name], name)

    def _work_of(self, by: Actor, client: Actor, name: str) -> None:
        """One not opened, one in progress, one sent in and commented on."""
        for thing, resource in (("reading", "reading"), ("draft", "exercise"), ("submitted", "exercise")):
            given = assigning.assign(
                by.viewer,
                client_id=client.id,
                resource_id=self.things[f"{by.slug}.{resource}"],
                why=f"Why {thing}, for {name}.",
                due_on=None if thing != "submitted" else clock.today("Europe/Berlin"),
            )
            self.things[f"{name}.{thing}"] = given["id"]
        for thing in ("draft", "submitted"):
            responses.save(client.viewer, self.things[f"{name}.{thing}"], 1, _answers(name))
        responses.submit(
            client.viewer,
            self.things[f"{name}.submitted"],
            response_version=2,
            helpfulness=4,
            difficulty=2,
            learned=f"{name} learned",
        )
        said = comments.comment(by.viewer, self.things[f"{name}.submitted"], body=f"Thank you, {name}.")
        self.things[f"{name}.comment"] = said["id"]

    def _own_things(self, owner: Actor, therapist: Actor) -> None:
        note = notes.add_note(therapist.viewer, self._id_of_client(therapist), body="A private note.")
        self.things["therapist.note"] = note["id"]
        self.things["owner.session"] = owner.viewer.credential_id or ""
        invited = invitations.invite_staff(
            owner.viewer, name="Ina Invited", email="ina@linden.example", capabilities=["therapist"]
        )
        self.things["staff.invitation"] = invited["id"]

    def _systems(self, owner: Actor, therapist: Actor, other_owner: Actor) -> dict[str, Actor]:
        """Other systems, with and without scopes and opt-ins."""
        every = list(integrations.SCOPES)
        systems = {
            "integration": self._system(owner, "integration", every),
            "narrow": self._system(owner, "narrow", ["events:read"]),
            "uninvited": self._system(owner, "uninvited", every),
            "foreign": self._system(other_owner, "foreign", every),
            "revoked": self._system(owner, "revoked", every),
        }
        for name in ("integration", "narrow", "revoked"):
            opt_ins.opt_in(therapist.viewer, systems[name].id)
        opt_ins.opt_in(other_owner.viewer, systems["foreign"].id)
        integrations.revoke(owner.viewer, systems["revoked"].id)
        return systems

    def _system(self, owner: Actor, name: str, scopes: list[str]) -> Actor:
        made = integrations.create_integration(owner.viewer, name=f"System {name}", scopes=scopes)
        self.things[f"{owner.slug}.{name}"] = made["id"]
        viewer = Viewer(made["id"], owner.viewer.practice_id, PrincipalKind.INTEGRATION, scopes=frozenset(scopes))
        return Actor(f"System {name}", self.app, viewer, made["token"], "", owner.slug)

    def _safety(self, owner: Actor, other_owner: Actor, staff: dict[str, Actor], clients: dict[str, Actor]) -> None:
        """Each practice has a card of its own; an alert of the partner's waited, was passed on and is taken care of."""
        for one in (owner, other_owner):
            card = [{"kind": "emergency", "label": f"Emergency of {one.slug}", "number": "112"}]
            crisis_card.put_card(one.viewer, 0, numbers=card)
        with transaction(owner.viewer.practice_id) as session:
            practice = session.get_one(Practice, owner.viewer.practice_id)
            practice.cover_id = staff["colleague"].id
        partner, therapist = clients["partner"].viewer, staff["therapist"].viewer
        alerts.raise_alert(
            partner,
            client_id=partner.id or "",
            care_id=self.things["partner.care"],
            assignment_id=self.things["partner.submitted"],
            attempt=1,
            items=[{"block": "safe", "row": [], "label": "Are you safe?"}],
        )
        alert = alerts.list_alerts(therapist, ListRequest()).as_dicts()[0]["id"]
        escalation.escalate(system(owner.viewer.practice_id), alert)
        alerts.acknowledge(therapist, alert, note="We spoke.")
        self.things["partner.alert"] = alert

    def _sent_again(self, *actors: Actor) -> None:
        """Each has sent something with a key, and its reply is kept."""
        for actor in actors:
            request = stored_responses.KeyedRequest("POST", "/somewhere", new_id(), b"{}")
            stored_responses.respond_once(
                actor.viewer, request, lambda: stored_responses.CapturedResponse(200, {}, b'{"word": "kept"}')
            )

    def _id_of_client(self, therapist: Actor) -> str:
        given = queries.get_assignment(therapist.viewer, self.things["client.submitted"])
        return str(given["client_id"])


_HASHED: dict[str, str] = {}


def _hash() -> str:
    from portal.accounts.passwords import hasher  # noqa: PLC0415 -- ready once an application is

    return hasher().hash(PASSWORD)


def _answers(name: str) -> dict[str, Any]:
    row = new_id()
    return {
        "rows": [{"log": "triggers", "id": row}],
        "answers": [
            {"block": "before", "value": 7},
            {"block": "safe", "value": True},
            {"block": "need", "value": f"what {name} needs"},
            {"block": "story", "value": f"what happened to {name}", "share": "only_me"},
            {"block": "cue", "row": [row], "value": f"the cue of {name}"},
            {"block": "strength", "row": [row], "value": 8},
        ],
    }
