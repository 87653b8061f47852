"""The demo practice: two therapists, five clients of whom two are partners, some weeks of work in every state.

Everything is made through the services, with the clock set back, so that it is as real as a demo can be.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from config import Config
from portal.accounts.models import Invitation
from portal.accounts.service import invitations, practices
from portal.assignments.service import assigning, attempts, client_acts, comments, queries, responses, reviews
from portal.caseload.service import clients
from portal.core import clock
from portal.core.db.transactions import transaction
from portal.core.ids import new_id
from portal.core.listing import ListRequest
from portal.core.viewer import ANYONE, PrincipalKind, Viewer
from portal.library.service import resources

SLUG = "linden"
ADDRESS = "demo"
WORDS = [
    "amber",
    "birch",
    "cedar",
    "clover",
    "copper",
    "coral",
    "daisy",
    "ember",
    "fern",
    "finch",
    "harbor",
    "hazel",
    "heron",
    "indigo",
    "ivory",
    "juniper",
    "lantern",
    "larch",
    "lilac",
    "linen",
    "maple",
    "marble",
    "meadow",
    "mint",
    "moss",
    "nutmeg",
    "olive",
    "opal",
    "orchid",
    "pebble",
    "pepper",
    "poppy",
    "quartz",
    "raven",
    "reed",
    "river",
    "saffron",
    "sage",
    "sparrow",
    "spruce",
    "swift",
    "thistle",
    "timber",
    "topaz",
    "velvet",
    "violet",
    "walnut",
    "willow",
    "wren",
]


@dataclass(frozen=True, slots=True)
class Person:
    """Someone to sign in as."""

    name: str
    kind: str
    email: str
    password: str


def load(config: Config) -> Sequence[Person]:
    """The people of the demo; made once, then read from `demo.json` in the data directory."""
    path = config.data_dir / "demo.json"
    if path.exists():
        kept = json.loads(path.read_text())
        people: Sequence[Person] = [Person(**person) for person in kept["people"]]
    elif practices.exists_any():
        msg = f"{config.data_dir} holds a practice that is not the demo. Choose another PORTAL_DATA_DIR."
        raise SystemExit(msg)
    else:
        people = _Story().tell()
    content = {"base_url": config.base_url, "practice": SLUG, "people": [vars_of(person) for person in people]}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    return people


def vars_of(person: Person) -> dict[str, str]:
    return {"name": person.name, "kind": person.kind, "email": person.email, "password": person.password}


def _password() -> str:
    return "-".join(secrets.choice(WORDS) for _ in range(5))


class _Story:
    """Tells the weeks before today, once."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.viewers: dict[str, Viewer] = {}
        self.resources: dict[str, str] = {}

    def tell(self) -> Sequence[Person]:
        with clock.time_shifted(-timedelta(days=35)):
            self._set_up()
            self._bring_in_clients()
        self._weeks()
        return self.people

    def _keep(self, name: str, kind: str) -> Person:
        person = Person(name, kind, f"{name.split(maxsplit=1)[0].lower()}@{ADDRESS}.example", _password())
        self.people.append(person)
        return person

    def _set_up(self) -> None:
        ada = self._keep("Ada Linden", "owner")
        token = practices.mint_setup_link()
        made = practices.set_up(
            ANYONE,
            token=token,
            practice={"slug": SLUG, "name": "Linden Practice", "country": "DE", "time_zone": "Europe/Berlin"},
            person={"name": ada.name, "email": ada.email, "password": ada.password, "therapist": True},
        )
        owner = made["person"]
        practice_id = made["practice"]["id"]
        self.viewers["Ada"] = Viewer(owner["id"], practice_id, PrincipalKind.STAFF, owner=True, therapist=True)
        noor = self._keep("Noor Haddad", "therapist")
        invitations.invite_staff(self.viewers["Ada"], name=noor.name, email=noor.email, capabilities=["therapist"])
        self._accept(noor, "Noor", PrincipalKind.STAFF)
        rows = resources.list_resources(self.viewers["Ada"], ListRequest(limit=100)).as_dicts()
        self.resources = {row["origin_key"]: row["id"] for row in rows}

    def _accept(self, person: Person, first: str, kind: PrincipalKind) -> None:
        """Accept the newest invitation, whose secret no mail has carried anywhere."""
        with transaction(self.viewers["Ada"].practice_id) as session:
            invitation = session.scalars(select(Invitation).where(Invitation.accepted_at.is_(None))).one()
            invitation.code_hash = None
            practice_id, invitation_id = invitation.practice_id, invitation.id
        letter = invitations.prepare_letter(practice_id, invitation_id)
        if letter is None:
            msg = "the demo's own invitation is not open"
            raise RuntimeError(msg)
        made = invitations.accept(ANYONE, "demo", token=letter.secret, password=person.password)
        therapist = "therapist" in made["capabilities"]
        self.viewers[first] = Viewer(made["id"], practice_id, kind, therapist=therapist)

    def _bring_in_clients(self) -> None:
        for name, therapist in (
            ("Robin Aster", "Ada"),
            ("Sam Aster", "Noor"),
            ("Mika Brandt", "Ada"),
            ("Lou Ferrante", "Ada"),
            ("Jona Weiss", "Noor"),
        ):
            person = self._keep(name, "client")
            clients.create_client(self.viewers[therapist], name=name, email=person.email)
            self._accept(person, name.split()[0], PrincipalKind.CLIENT)

    def _assign(
        self, by: str, to: str, key: str, why: str, *, due_in: int | None = None, opens_in: int | None = None
    ) -> str:
        today = clock.today("Europe/Berlin")
        given = assigning.assign(
            self.viewers[by],
            client_id=self.viewers[to].id or "",
            resource_id=self.resources[key],
            why=why,
            due_on=None if due_in is None else today + timedelta(days=due_in),
            opens_on=None if opens_in is None else today + timedelta(days=opens_in),
        )
        return str(given["id"])

    def _answer(self, who: str, assignment: str, patch: dict[str, Any]) -> int:
        viewer = self.viewers[who]
        version = responses.get_response(viewer, assignment)["version"]
        saved = responses.save(viewer, assignment, version, {"answers": [], "rows": [], **patch})
        return int(saved["version"])

    def _read_through(self, who: str, assignment: str) -> int:
        """Every section read, and the check question answered."""
        viewer = self.viewers[who]
        blocks = client_acts.open_assignment(viewer, assignment)["document"]["blocks"]
        sections = [{"block": block["id"], "value": True} for block in blocks if block["type"] == "reading"]
        return self._answer(who, assignment, {"answers": [*sections, {"block": "check", "value": [{"code": "b"}]}]})

    def _weeks(self) -> None:
        with clock.time_shifted(-timedelta(days=30)):
            first = self._assign(
                "Ada", "Robin", "reactions-make-sense", "You asked whether it is normal to feel this much.", due_in=7
            )
            self._assign("Noor", "Sam", "how-trust-is-rebuilt", "You want to know what you can do.", due_in=10)
        with clock.time_shifted(-timedelta(days=27)):
            version = self._read_through("Robin", first)
            responses.submit(
                self.viewers["Robin"],
                first,
                response_version=version,
                helpfulness=5,
                difficulty=2,
                learned="Waves pass.",
            )
        with clock.time_shifted(-timedelta(days=26)):
            attempts.open_attempt(self.viewers["Ada"], first, 1)
            reviews.review(
                self.viewers["Ada"],
                first,
                attempt=1,
                comment="Thank you for reading this. Shall we talk about the waves?",
            )
        self._trigger_log()
        self._other_states()

    def _trigger_log(self) -> None:
        with clock.time_shifted(-timedelta(days=14)):
            log = self._assign("Ada", "Robin", "trigger-log", "To see what sets the evenings off.", due_in=10)
            client_acts.open_assignment(self.viewers["Robin"], log)
            version = queries.get_assignment(self.viewers["Ada"], log)["version"]
            client_acts.plan(
                self.viewers["Robin"],
                log,
                version,
                when="When I am back from work",
                then="I write one row at the kitchen table",
                obstacle="I may be too tired",
            )
        for days, strength in ((12, 8), (10, 6), (7, 7)):
            with clock.time_shifted(-timedelta(days=days)):
                self._answer("Robin", log, _log_row(strength))
        with clock.time_shifted(-timedelta(days=3)):
            version = responses.get_response(self.viewers["Robin"], log)["version"]
            responses.submit(
                self.viewers["Robin"], log, response_version=version, helpfulness=4, difficulty=3, learned=None
            )

    def _other_states(self) -> None:
        ada, noor = self.viewers["Ada"], self.viewers["Noor"]
        with clock.time_shifted(-timedelta(days=12)):
            boundary = self._assign(
                "Ada", "Mika", "write-one-boundary", "You said you never know where to stop.", due_in=6
            )
            self._read_through(
                "Mika", self._assign("Ada", "Mika", "triggers-and-alarm", "To know your alarm better.", due_in=8)
            )
            declined = self._assign("Noor", "Jona", "trust-ladder", "One small step, if it is safe.", due_in=12)
            paused = self._assign("Ada", "Lou", "naming-the-wave", "Words may help.", due_in=14)
            withdrawn = self._assign("Ada", "Lou", "check-the-belief", "To look at one thought.", due_in=14)
        with clock.time_shifted(-timedelta(days=9)):
            client_acts.open_assignment(self.viewers["Mika"], boundary)
            client_acts.pause(self.viewers["Lou"], paused)
            client_acts.decline(self.viewers["Jona"], declined, reason="Not while we are still arguing.")
            assigning.withdraw(ada, withdrawn, reason="Let us do this one together.")
        with clock.time_shifted(-timedelta(days=4)):
            again = self._assign("Noor", "Sam", "coming-back-to-now", "For the moments when it is too much.", due_in=9)
            client_acts.open_assignment(self.viewers["Sam"], again)
            version = self._answer("Sam", again, {"answers": [{"block": "before", "value": 7}]})
            responses.submit(
                self.viewers["Sam"], again, response_version=version, helpfulness=None, difficulty=None, learned=None
            )
            attempts.open_attempt(noor, again, 1)
            reviews.return_attempt(noor, again, attempt=1, comment="Would you add how strong it was afterwards?")
        with clock.time_shifted(-timedelta(days=1)):
            fresh = self._assign(
                "Ada", "Robin", "write-one-boundary", "You named a limit last time. This gives it words.", due_in=8
            )
            comments.comment(ada, fresh, body="No hurry with this one.")
            self._assign("Noor", "Jona", "staying-safe", "To have it at hand.")
            self._assign("Ada", "Mika", "trust-ladder", "For after your holiday.", opens_in=7, due_in=21)


def _log_row(strength: int) -> dict[str, Any]:
    row = new_id()
    return {
        "rows": [{"log": "triggers", "id": row}],
        "answers": [
            {"block": "cue", "row": [row], "value": "The phone buzzed late in the evening"},
            {"block": "before", "row": [row], "value": strength},
        ],
    }


def walk_through(config: Config, people: Sequence[Person]) -> str:
    """What to print: the address, the sign-ins, and a few lines to paste into a second shell."""
    width = max(len(person.email) for person in people)
    lines = [f"  {person.kind:<10} {person.email:<{width}}  {person.password}" for person in people]
    therapist, client = people[0], next(person for person in people if person.kind == "client")
    return _TEXT.format(
        base=config.base_url, people="\n".join(lines), practice=SLUG, therapist=therapist, client=client
    )


_TEXT = r"""
The demo practice is ready at {base} (practice: {practice})

{people}

Paste these lines into a second shell, one after the other:

  base={base}/api/v1
  get() {{ curl -sS "$base$2" -H "Authorization: Bearer $1"; }}
  post() {{ curl -sS "$base$2" -H "Authorization: Bearer $1" -H "Content-Type: application/json" -d "$3"; }}
  pick() {{ python3 -c 'import json, sys; print(json.load(sys.stdin)'"$1"')'; }}
  ada=$(post "" /sessions '{{"email": "{therapist.email}", "password": "{therapist.password}"}}' | pick '["token"]')
  robin=$(post "" /sessions '{{"email": "{client.email}", "password": "{client.password}"}}' | pick '["token"]')
  get $ada '/assignments?status=submitted&expand=client' | python3 -m json.tool
  client=$(get $ada '/clients?q=robin' | pick '["data"][0]["id"]')
  reading=$(get $ada '/resources?kind=reading&limit=1' | pick '["data"][0]["id"]')
  item=$(post $ada /assignments '{{"client_id": "'$client'", "resource_id": "'$reading'", "why": "We spoke about this."}}' | pick '["id"]')
  post $robin /me/assignments/$item/open | pick '["document"]["blocks"][0]'
  etag=$(curl -sSi "$base/me/assignments/$item/response" -H "Authorization: Bearer $robin" | tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p')
  curl -sS -X PATCH "$base/me/assignments/$item/response" -H "Authorization: Bearer $robin" -H "If-Match: $etag" -H "Content-Type: application/json" -d '{{"answers": [{{"block": "sections/1", "value": true}}]}}' | pick '["progress"]'
  post $robin /me/assignments/$item/submit '{{"response_version": 2, "helpfulness": 4}}' | pick '["status"]'
  get $ada /assignments/$item/attempts/1 | pick '["answers"]'
  post $ada /assignments/$item/review '{{"attempt": 1, "comment": "Thank you."}}' | pick '["status"]'
  get $ada /clients/$client/progress | python3 -m json.tool
  sleep 2; get $robin /me/access-log | python3 -m json.tool

Stop with Ctrl-C; run again, it starts where it left off.
"""
