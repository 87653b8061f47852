"""The demo practice: what practice.yaml says, made through the services with the clock set back.

So it is as real as a demo can be. It is made once; `demo.json` in the data directory remembers how to sign in.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from config import Config
from portal.accounts.models import Invitation
from portal.accounts.service import invitations, practices
from portal.assignments.service import assigning, attempts, client_acts, comments, drafts, queries, reviews, submissions
from portal.caseload.service import clients
from portal.core import clock
from portal.core.db.transactions import transaction
from portal.core.ids import new_id
from portal.core.listing import ListRequest
from portal.core.viewer import ANYONE, PrincipalKind, Viewer
from portal.library.service import resources

FOLDER = Path(__file__).parent


@cache
def script() -> Mapping[str, Any]:
    """The content of practice.yaml."""
    content: Mapping[str, Any] = yaml.safe_load((FOLDER / "practice.yaml").read_text(encoding="utf-8"))
    return content


@dataclass(frozen=True, slots=True)
class Person:
    """A person to sign in as."""

    name: str
    kind: str
    email: str
    password: str


def load_demo(config: Config) -> Sequence[Person]:
    """Make the demo practice unless it is there, and return its people.

    Exits where the database holds another practice.
    """
    path = config.data_dir / "demo.json"
    if path.exists():
        people: Sequence[Person] = [Person(**person) for person in json.loads(path.read_text())["people"]]
    elif practices.any_practice_exists():
        msg = f"{config.data_dir} holds a practice that is not the demo. Choose another PORTAL_DATA_DIR."
        raise SystemExit(msg)
    else:
        people = _Story().play()
    content = {
        "base_url": config.base_url,
        "practice": script()["practice"]["slug"],
        "people": [asdict(person) for person in people],
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    return people


def walk_through(config: Config, people: Sequence[Person]) -> str:
    """The text to print: the address, the sign-ins, and lines to paste into a second shell."""
    width = max(len(person.email) for person in people)
    sign_ins = [f"  {person.kind:<10} {person.email:<{width}}  {person.password}" for person in people]
    therapist, client = people[0], next(person for person in people if person.kind == "client")
    text = (FOLDER / "walk_through.txt").read_text(encoding="utf-8")
    for placeholder, value in {
        "{base}": config.base_url,
        "{practice}": script()["practice"]["slug"],
        "{people}": "\n".join(sign_ins),
        "{therapist.email}": therapist.email,
        "{therapist.password}": therapist.password,
        "{client.email}": client.email,
        "{client.password}": client.password,
    }.items():
        text = text.replace(placeholder, value)
    return text


def _password() -> str:
    return "-".join(secrets.choice(script()["password_words"]) for _ in range(5))


class _Story:
    """Plays the script once. People are called by their first names, assignments by the names the script gives them."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.viewers: dict[str, Viewer] = {}
        self.resources: dict[str, str] = {}
        self.assignments: dict[str, str] = {}

    def play(self) -> Sequence[Person]:
        with clock.time_shifted(-timedelta(days=script()["days_ago"])):
            for person in script()["people"]:
                self._bring_in(**person)
        rows = resources.list_resources(self._owner(), ListRequest(limit=100)).as_dicts()
        self.resources = {row["origin_key"]: row["id"] for row in rows}
        for day in script()["story"]:
            with clock.time_shifted(-timedelta(days=day["days_ago"])):
                for step in day["acts"]:
                    self._act(**step)
        return self.people

    def _owner(self) -> Viewer:
        return next(iter(self.viewers.values()))

    def _bring_in(self, *, name: str, kind: str, therapist: str | None = None) -> None:
        """Set up the practice for its owner, who comes first, and invite everybody else."""
        first_name = name.split(maxsplit=1)[0]
        person = Person(name, kind, f"{first_name.lower()}@{script()['mail_domain']}", _password())
        self.people.append(person)
        if kind == "owner":
            self.viewers[first_name] = _set_up(person)
        elif kind == "client":
            clients.create_client(self.viewers[therapist or ""], name=name, email=person.email)
            self._accept(person, first_name, PrincipalKind.CLIENT)
        else:
            invitations.invite_staff(self._owner(), name=name, email=person.email, capabilities=[kind])
            self._accept(person, first_name, PrincipalKind.STAFF)

    def _accept(self, person: Person, first_name: str, kind: PrincipalKind) -> None:
        """Accept the newest invitation, whose secret has not been mailed."""
        with transaction(self._owner().practice_id) as session:
            invitation = session.scalars(select(Invitation).where(Invitation.accepted_at.is_(None))).one()
            invitation.code_hash = None
            practice_id, invitation_id = invitation.practice_id, invitation.id
        message = invitations.prepare_mail(practice_id, invitation_id)
        if message is None:
            msg = "the demo's own invitation is not open"
            raise RuntimeError(msg)
        accepted = invitations.accept(ANYONE, "demo", token=message.secret, password=person.password)
        therapist = "therapist" in accepted["capabilities"]
        self.viewers[first_name] = Viewer(accepted["id"], practice_id, kind, therapist=therapist)

    def _act(self, *, act: str, by: str, assignment: str, **details: Any) -> None:
        """Play one act of the script; `assign` names a new assignment, every other act an earlier one."""
        viewer = self.viewers[by]
        if act == "assign":
            self.assignments[assignment] = self._assign(viewer, **details)
        else:
            ACTS[act](viewer, self.assignments[assignment], **details)

    def _assign(
        self,
        viewer: Viewer,
        *,
        to: str,
        resource: str,
        why: str,
        due_in: int | None = None,
        opens_in: int | None = None,
    ) -> str:
        today = clock.today(script()["practice"]["time_zone"])
        assigned = assigning.assign(
            viewer,
            client_id=self.viewers[to].id or "",
            resource_id=self.resources[resource],
            why=why,
            due_on=None if due_in is None else today + timedelta(days=due_in),
            opens_on=None if opens_in is None else today + timedelta(days=opens_in),
        )
        return str(assigned["id"])


def _set_up(owner: Person) -> Viewer:
    created = practices.set_up(
        ANYONE,
        token=practices.create_setup_link(),
        practice=script()["practice"],
        person={"name": owner.name, "email": owner.email, "password": owner.password, "therapist": True},
    )
    return Viewer(created["person"]["id"], created["practice"]["id"], PrincipalKind.STAFF, owner=True, therapist=True)


# Acts ----------------------------------------------------------------------------------------------------------


def _save(viewer: Viewer, assignment_id: str, **patch: Any) -> None:
    version = drafts.get_my_response(viewer, assignment_id)["version"]
    drafts.save(viewer, assignment_id, version, {"answers": [], "rows": [], **patch})


def _answer(viewer: Viewer, assignment_id: str, *, answers: Mapping[str, Any]) -> None:
    _save(viewer, assignment_id, answers=[{"block": block, "value": value} for block, value in answers.items()])


def _add_row(viewer: Viewer, assignment_id: str, *, log: str, answers: Mapping[str, Any]) -> None:
    row = new_id()
    _save(
        viewer,
        assignment_id,
        rows=[{"log": log, "id": row}],
        answers=[{"block": block, "row": [row], "value": value} for block, value in answers.items()],
    )


def _read(viewer: Viewer, assignment_id: str, *, check: str) -> None:
    """Open a reading, tick every section and answer the check question."""
    blocks = client_acts.open_assignment(viewer, assignment_id)["document"]["blocks"]
    sections: dict[str, Any] = {block["id"]: True for block in blocks if block["type"] == "reading"}
    _answer(viewer, assignment_id, answers={**sections, "check": [{"code": check}]})


def _plan(viewer: Viewer, assignment_id: str, **plan: str) -> None:
    version = queries.get_my_assignment(viewer, assignment_id)["version"]
    client_acts.plan(viewer, assignment_id, version, **plan)


def _submit(viewer: Viewer, assignment_id: str, **feedback: Any) -> None:
    version = drafts.get_my_response(viewer, assignment_id)["version"]
    feedback = {"helpfulness": None, "difficulty": None, "learned": None, **feedback}
    submissions.submit(viewer, assignment_id, response_version=version, **feedback)


ACTS: Mapping[str, Callable[..., Any]] = {
    "open": client_acts.open_assignment,
    "read": _read,
    "plan": _plan,
    "answer": _answer,
    "add_row": _add_row,
    "submit": _submit,
    "pause": client_acts.pause,
    "decline": client_acts.decline,
    "open_attempt": attempts.open_attempt,
    "review": reviews.review,
    "return": reviews.return_attempt,
    "withdraw": assigning.withdraw,
    "comment": comments.comment,
}
"""The acts that the script may name besides `assign`; each takes the viewer and the assignment's id."""
