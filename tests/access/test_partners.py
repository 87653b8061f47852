"""Bar 3: nothing one partner does, or has done to them, changes a byte of what the other sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from portal.core import clock, jobs
from portal.core.audit_log import sealing
from portal.core.ids import new_id
from tests.cast import API, PASSWORD, Actor, Cast

OF_ONE_REQUEST = frozenset({"Date", "X-Request-Id"})
AREAS_OF_A_CLIENT = frozenset({"client", "person"})
NUMBER = re.compile(r"<int[^>]*:number>")
Shown = dict[str, tuple[int, bytes, list[tuple[str, str]]]]


@contextmanager
def _still(moment: datetime) -> Iterator[None]:
    """The clock stands at `moment`, so that only acts can change what is shown."""
    with clock.time_shifted(moment.replace(microsecond=500_000) - datetime.now(UTC)):
        yield


class Story:
    """What a client and their therapist do between themselves, each act checked and counted."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.clients_acts, self.therapists_acts = cast, 0, 0

    def _did(self, response: TestResponse) -> Any:
        assert response.status_code < 300, response.get_data(as_text=True)
        return response.get_json(silent=True)

    def client(self, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        self.clients_acts += 1
        return self._did(_asked(self.cast.client, method, path, body, version))

    def therapist(self, method: str, path: str, body: Any = None, version: int | None = None) -> Any:
        self.therapists_acts += 1
        return self._did(_asked(self.cast.therapist, method, path, body, version))

    def chapter(self, number: int) -> None:
        """One assignment from being given to being withdrawn from sight, with everything in between."""
        resource = self.cast.things["linden.exercise"]
        given = {
            "client_id": self.cast.client.id,
            "resource_id": resource,
            "why": "x",
            "due_on": f"2098-01-{number:02}",
        }
        thing = self.therapist("POST", "/assignments", given)["id"]
        mine, row = f"/me/assignments/{thing}", new_id()
        self.client("POST", f"{mine}/open")
        self.client("PUT", f"{mine}/plan", {"when": "w", "then": "t"}, self.client("GET", mine)["version"])
        rows, answers = [{"log": "triggers", "id": row}], [{"block": "cue", "row": [row], "value": f"c {number}"}]
        saved = self._save(mine, {"rows": rows, "answers": answers})
        saved = self._save(mine, {"answers": [{"block": "before", "value": number % 10}]}, saved)
        for act in ("pause", "resume", "decline", "undo-decline"):
            self.client("POST", f"{mine}/{act}", {} if act == "decline" else None)
        saved = self._save(mine, {"answers": [{"block": "need", "value": "n", "share": "only_me"}]}, saved)
        self._send_in(mine, saved)
        self.client("POST", f"{mine}/comments", {"body": "Here it is."})
        self.client("POST", f"{mine}/recall")
        self._send_in(mine, self.client("GET", f"{mine}/response")["version"])
        theirs = f"/assignments/{thing}"
        self.therapist("GET", f"{theirs}/attempts/1")
        self.therapist("POST", f"{theirs}/return", {"attempt": 1, "comment": "Once more?"})
        said = self.client("GET", f"{mine}/comments")["data"][-1]["id"]
        self.client("POST", f"{mine}/comments/{said}/mark-read")
        saved = self._save(mine, {"answers": [{"block": "hours", "value": 7.5}]})
        self._send_in(mine, saved)
        self.therapist("GET", f"{theirs}/attempts/2")
        self.therapist("POST", f"{theirs}/review", {"attempt": 2, "comment": "Thank you."})

    def _save(self, mine: str, patch: Any, version: int | None = None) -> int:
        version = version or self.client("GET", f"{mine}/response")["version"]
        return int(self.client("PATCH", f"{mine}/response", patch, version)["version"])

    def _send_in(self, mine: str, version: int) -> None:
        self.client("POST", f"{mine}/submit", {"response_version": version, "helpfulness": 3, "learned": "much"})

    def between_chapters(self, number: int) -> None:
        """Sessions, settings, the access log; the therapist's notes; and the worker's rounds."""
        sent = {"practice": "linden", "email": self.cast.client.email, "password": PASSWORD}
        token = self.client("POST", "/sessions", sent)["token"]
        elsewhere = Actor("elsewhere", self.cast.app, self.cast.client.viewer, token)
        assert elsewhere.delete("/sessions/current").status_code == 204
        zone = "Europe/Paris" if number % 2 else "Asia/Tokyo"
        self.client("PATCH", "/me", {"name": f"C {number}", "time_zone": zone}, self.client("GET", "/me")["version"])
        for path in ("/me/progress", "/me/access-log", "/me/assignments", "/sessions"):
            self.client("GET", path)
        self.therapist("POST", f"/clients/{self.cast.client.id}/notes", {"body": f"Note {number}"})
        with self.cast.app.app_context():
            while sealing.seal():
                pass
            jobs.run_due_jobs()

    def the_end(self) -> None:
        """Everything a therapist does to a client's place in the practice."""
        client = f"/clients/{self.cast.client.id}"
        self.therapist("POST", f"/assignments/{self.cast.things['client.reading']}/withdraw", {"reason": "Later."})
        self.therapist("PATCH", client, {"name": "Renamed"}, self.therapist("GET", client)["version"])
        self.therapist("POST", f"{client}/archive")
        self.therapist("POST", f"{client}/restore")
        self.therapist("POST", f"{client}/care", {"therapist_id": self.cast.former_therapist.id})
        self.therapist("POST", f"{client}/hand-over", {"therapist_id": self.cast.colleague.id})
        new = {"current_password": PASSWORD, "new_password": "quartz-heron-ladder-monday"}
        self.client("PUT", "/me/password", new)


def _asked(actor: Actor, method: str, path: str, body: Any = None, version: int | None = None) -> TestResponse:
    headers = {} if version is None else {"If-Match": f'"{version}-0000000000000000"'}
    return actor.ask(method, path, headers=headers, **({} if body is None else {"json": body}))


def _views(cast: Cast, of: str) -> list[str]:
    """Every address a client can GET, with the things of `of` in it, in each order and page by page."""
    found = []
    for rule in cast.app.url_map.iter_rules():
        area = cast.app.extensions["areas"].get(rule.endpoint.split(".")[0])
        if area is None or area.name not in AREAS_OF_A_CLIENT or "GET" not in (rule.methods or ()):
            continue
        path = NUMBER.sub("1", rule.rule.removeprefix(API))
        things = [cast.things[f"{of}.{thing}"] for thing in ("reading", "draft", "submitted")]
        found += [path.replace("<id:assignment_id>", thing) for thing in (things if "<id:" in path else things[:1])]
    assert all("<" not in path for path in found)
    return found


def _whole_view(cast: Cast) -> Shown:
    """All that the partner sees: every answer with its headers, every list in every order, to its end."""
    shown: Shown = {}
    for path in _views(cast, "partner"):
        _note(cast.partner, path, shown)
        answer = cast.partner.get(path).get_json()
        if "next_cursor" in answer:
            _walk(cast.partner, path, shown)
    for order in ("assigned_at", "-assigned_at", "due_on", "-due_on"):
        _note(cast.partner, f"/me/assignments?sort={order}&include_total=true", shown)
    for path in ("/staff", "/clients", "/assignments", *_views(cast, "client")):
        _note(cast.partner, path, shown)
    return shown


def _walk(actor: Actor, path: str, shown: Shown) -> None:
    following: str | None = f"{path}?limit=1&include_total=true"
    while following is not None:
        page = _note(actor, following, shown).get_json()
        cursor = page["next_cursor"]
        following = None if cursor is None else f"{path}?limit=1&include_total=true&cursor={cursor}"


def _note(actor: Actor, path: str, shown: Shown) -> TestResponse:
    response = actor.get(path)
    body = re.sub(rb"urn:uuid:[0-9a-f-]{36}", b"", response.get_data())
    headers = [(name, value) for name, value in response.headers.items() if name not in OF_ONE_REQUEST]
    shown[path] = (response.status_code, body, headers)
    return response


@pytest.mark.bar
def test_two_hundred_private_acts_of_one_partner_change_nothing_the_other_sees(cast: Cast) -> None:
    with _still(clock.now()):
        _partners_answers_were_opened(cast)
        before = _whole_view(cast)
        story = Story(cast)
        for number in range(1, 9):
            story.chapter(number)
            story.between_chapters(number)
        story.the_end()
        after = _whole_view(cast)
    assert story.clients_acts >= 200
    assert story.therapists_acts >= 40
    assert len(before) > 40
    assert {path: after[path] for path in before if after[path] != before[path]} == {}
    assert set(after) == set(before)


def test_the_view_that_is_compared_would_show_a_change(cast: Cast) -> None:
    """The comparison is worth something: one act of the partner's own is seen in it."""
    with _still(clock.now()):
        before = _whole_view(cast)
        path = f"/me/assignments/{cast.things['partner.reading']}"
        assert cast.partner.post(f"{path}/open").status_code == 200
        after = _whole_view(cast)
    changed = {path for path in before if after[path] != before[path]}
    assert {path, "/me/assignments"} <= changed


def _partners_answers_were_opened(cast: Cast) -> None:
    """So that the partner's own access log has something to be changed."""
    assert cast.therapist.get(f"/assignments/{cast.things['partner.submitted']}/attempts/1").status_code == 200
    with cast.app.app_context():
        sealing.seal()
