"""The one story everything else serves: from the set-up link to a reviewed exercise, and what each side sees of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from portal.core.ids import new_id
from tests.server import Caller, Server, accept, loopback, set_up_practice, sign_in, take_on, until

pytestmark = [loopback, pytest.mark.bar]

SECRET = "What nobody but Robin reads: the blue suitcase."
SHARED = "The phone buzzed late in the evening."
OWNER, THERAPIST, CLIENT = "olive@linden.example", "tessa@linden.example", "robin@clients.example"


@dataclass
class Stage:
    """Who plays, and the two things that are assigned."""

    server: Server
    owner: Caller
    therapist: Caller
    client: Caller
    bystander: Caller
    reading: str = ""
    log: str = ""

    @property
    def mine(self) -> str:
        """The log as its client sees it."""
        return f"/me/assignments/{self.log}"

    @property
    def theirs(self) -> str:
        """The log as its therapist sees it."""
        return f"/assignments/{self.log}"

    def status_for_both(self) -> str:
        seen = self.therapist.get(self.theirs)["status"]
        assert self.client.get(self.mine)["status"] == seen
        return str(seen)


def test_from_the_set_up_link_to_a_reviewed_exercise(server: Server) -> None:
    owner = _a_practice_is_set_up(server)
    therapist = _a_therapist_comes_in(server, owner)
    client = _a_client_comes_in(server, owner, therapist)
    bystander = take_on(server, therapist, "Billie Bystander", "billie@clients.example")
    stage = Stage(server, owner, therapist, client, bystander)
    _something_is_assigned(stage)
    _it_is_opened_and_planned(stage)
    _two_devices_write(stage)
    _it_is_sent_in_and_taken_back(stage)
    _it_is_read_and_reviewed(stage)
    _it_is_returned_and_done_again(stage)
    _progress_is_honest(stage)
    _the_client_sees_who_read_it(stage)
    _nobody_else_heard_a_word(stage)
    _signing_out_ends_it(stage)
    assert '"level": "error"' not in server.log


def _a_practice_is_set_up(server: Server) -> Caller:
    owner = set_up_practice(server, email=OWNER, therapist=False)
    again = server.caller().send(
        "POST",
        "/setup",
        {
            "token": server.set_up_link(),
            "practice": {"slug": "birch", "name": "Birch", "country": "DE", "time_zone": "Europe/Berlin"},
            "person": {"name": "Somebody", "email": "else@birch.example", "password": "another-long-password"},
        },
    )
    assert again.status_code == 404, "the link works once"
    assert owner.get("/me")["capabilities"] == ["owner"]
    assert owner.get("/practice")["slug"] == "linden"
    return owner


def _a_therapist_comes_in(server: Server, owner: Caller) -> Caller:
    sent = {"name": "Tessa Therapist", "email": THERAPIST, "capabilities": ["therapist"]}
    invitation = owner.post("/invitations", sent, status=201)
    assert (invitation["code"], invitation["link"]) == (None, None), "the secret travels by mail alone"
    assert [one["status"] for one in owner.rows("/staff")] == ["active", "invited"]
    secret = _secret_in_the_mail_to(server, THERAPIST)
    accept(server, secret)
    accept(server, secret, status=404)
    assert [one["status"] for one in owner.rows("/staff")] == ["active", "active"]
    return sign_in(server, THERAPIST)


def _secret_in_the_mail_to(server: Server, address: str) -> str:
    letter = server.letter_to(address)
    words = letter.get_content()
    found = re.search(rf"{re.escape(server.base_url)}/invitation#(\S+)", words)
    assert found, words
    said = f"{letter['Subject']} {words}".casefold()
    assert not any(word in said for word in ("therap", "robin", "tessa", "exercise", "client")), said
    return found[1]


def _a_client_comes_in(server: Server, owner: Caller, therapist: Caller) -> Caller:
    made = therapist.post("/clients", {"name": "Robin Aster", "email": CLIENT}, status=201)
    code = made["invitation"]["code"]
    assert made["status"] == "invited"
    secret = _secret_in_the_mail_to(server, CLIENT)
    assert code not in server.letter_to(CLIENT).get_content(), "the mailbox alone does not let anybody in"
    accept(server, secret, status=404)
    accept(server, secret, code="0000-0000", status=404)
    accept(server, secret, code=code)
    assert therapist.get(f"/clients/{made['id']}")["status"] == "active"
    assert owner.rows("/clients") == [], "being the owner gives no sight of a client"
    client = sign_in(server, CLIENT)
    assert client.id == made["id"]
    assert client.get("/me")["name"] == "Robin Aster"
    client.get("/clients", status=404)
    therapist.get("/me/assignments", status=404)
    return client


def _something_is_assigned(stage: Stage) -> None:
    library = stage.therapist.rows("/resources?limit=100")
    ids = {row["origin_key"]: row["id"] for row in library}
    given = []
    for key, why in (("reactions-make-sense", "You asked whether this is normal."), ("trigger-log", "To see it come.")):
        sent = {"client_id": stage.client.id, "resource_id": ids[key], "why": why}
        given.append(stage.therapist.post("/assignments", sent, status=201))
        again = stage.therapist.post("/assignments", sent, status=409)
        assert again["assignment_id"] == given[-1]["id"], "the same is not assigned twice"
    stage.reading, stage.log = given[0]["id"], given[1]["id"]
    waiting = stage.client.rows("/me/assignments")
    assert {row["id"]: row["status"] for row in waiting} == {stage.reading: "assigned", stage.log: "assigned"}
    assert stage.client.get(stage.mine)["why"] == "To see it come."
    stage.owner.get(stage.theirs, status=404)
    stage.bystander.get(stage.mine, status=404)


def _it_is_opened_and_planned(stage: Stage) -> None:
    opened = stage.client.post(f"{stage.mine}/open")
    assert [block["id"] for block in opened["document"]["blocks"] if block["type"] == "log"] == ["triggers"]
    assert stage.status_for_both() == "seen"
    plan = {"when": "When I am back from work", "then": "I write one row", "obstacle": "I may be too tired"}
    before = stage.client.etag(stage.mine)
    stage.client.ask("PUT", f"{stage.mine}/plan", plan, status=428)
    planned = stage.client.ask("PUT", f"{stage.mine}/plan", plan, etag=before)
    assert (planned["plan"], planned["status"]) == (plan, "seen")
    stale = stage.client.ask("PUT", f"{stage.mine}/plan", {**plan, "then": "nothing"}, etag=before, status=412)
    assert stale["current"]["plan"] == stage.client.get(stage.mine)["plan"] == plan


def _row(strength: int, cue: str) -> dict[str, Any]:
    row = new_id()
    return {
        "rows": [{"log": "triggers", "id": row}],
        "answers": [
            {"block": "cue", "row": [row], "value": cue},
            {"block": "before", "row": [row], "value": strength},
            {"block": "feelings", "row": [row], "value": [{"code": "afraid"}, {"other": "far away"}]},
            {"block": "thought", "row": [row], "value": f"Again. {SECRET}", "share": "only_me"},
        ],
    }


def _two_devices_write(stage: Stage) -> None:
    path = f"{stage.mine}/response"
    phone, laptop = stage.client, sign_in(stage.server, CLIENT)
    on_both = laptop.etag(path)
    first, second = _row(8, SHARED), _row(3, "A song on the radio.")
    phone.ask("PATCH", path, first, etag=on_both)
    refused = laptop.send("PATCH", path, second, etag=on_both)
    assert refused.status_code == 412
    current = refused.json()["current"]
    assert current == phone.get(path), "the refusal brings what stands now, in the shape of the response"
    merged = laptop.ask("PATCH", path, second, etag=refused.headers["ETag"])
    assert [row["id"] for row in merged["rows"]] == [first["rows"][0]["id"], second["rows"][0]["id"]]
    assert {answer["value"] for answer in merged["answers"] if answer["block"] == "cue"} == {
        SHARED,
        "A song on the radio.",
    }
    noticed = {"answers": [{"block": "notice", "value": SECRET, "share": "only_me"}]}
    laptop.ask("PATCH", path, noticed, etag=laptop.etag(path))
    assert SECRET in phone.send("GET", path).text
    assert stage.status_for_both() == "in_progress"
    assert stage.therapist.get(stage.theirs)["progress"] == {"answered": 2, "total": 3}
    stage.therapist.get(f"{stage.theirs}/attempts/1", status=404)
    assert [one["readable"] for one in stage.therapist.rows(f"{stage.theirs}/attempts")] == [False]
    laptop.ask("DELETE", "/sessions/current", status=204)


def _submit(stage: Stage, **feedback: Any) -> None:
    version = stage.client.get(f"{stage.mine}/response")["version"]
    stage.client.post(f"{stage.mine}/submit", {"response_version": version - 1}, status=412)
    done = stage.client.post(f"{stage.mine}/submit", {"response_version": version, **feedback})
    assert done["status"] == "submitted"


def _it_is_sent_in_and_taken_back(stage: Stage) -> None:
    _submit(stage)
    assert [row["id"] for row in stage.therapist.rows("/assignments?status=submitted")] == [stage.log]
    stage.client.post(f"{stage.mine}/recall")
    assert stage.status_for_both() == "in_progress"
    stage.therapist.get(f"{stage.theirs}/attempts/1", status=404)
    assert stage.therapist.rows("/assignments?status=submitted") == []
    assert SECRET in stage.client.send("GET", f"{stage.mine}/response").text, "taking back loses nothing"
    _submit(stage, helpfulness=4, difficulty=3, learned="It passes faster when I name it.")


def _read(stage: Stage, number: int) -> Any:
    attempt = stage.therapist.get(f"{stage.theirs}/attempts/{number}")
    assert {answer["block"] for answer in attempt["answers"]}.isdisjoint({"thought", "notice"})
    assert attempt["private_count"] == 3, "that something is kept private is no secret"
    return attempt


def _it_is_read_and_reviewed(stage: Stage) -> None:
    attempt = _read(stage, 1)
    assert SHARED in {answer["value"] for answer in attempt["answers"] if answer["block"] == "cue"}
    assert attempt["feedback"] == {"helpfulness": 4, "difficulty": 3, "learned": "It passes faster when I name it."}
    stage.owner.get(f"{stage.theirs}/attempts/1", status=404)
    said = {"attempt": 1, "response_version": attempt["version"], "comment": "Thank you. Two evenings stand out."}
    assert stage.therapist.post(f"{stage.theirs}/review", said)["status"] == "reviewed"
    assert stage.status_for_both() == "reviewed"
    heard = stage.client.rows(f"{stage.mine}/comments")
    assert [(one["body"], one["read_at"]) for one in heard] == [(said["comment"], None)]
    stage.client.post(f"{stage.mine}/comments/{heard[0]['id']}/mark-read")
    assert stage.therapist.rows(f"{stage.theirs}/comments")[0]["read_at"] is not None
    stage.client.post(f"{stage.mine}/recall", status=409)


def _it_is_returned_and_done_again(stage: Stage) -> None:
    stage.therapist.post(f"{stage.theirs}/return", {"attempt": 1}, status=422)
    stage.therapist.post(f"{stage.theirs}/return", {"attempt": 1, "comment": "Would you add what helped?"})
    assert stage.status_for_both() == "in_progress"
    path = f"{stage.mine}/response"
    begun = stage.client.get(path)
    assert (begun["attempt"], len(begun["rows"])) == (2, 2), "the new attempt begins with the earlier answers"
    private = [answer for answer in begun["answers"] if SECRET in str(answer["value"])]
    assert [answer["share"] for answer in private] == ["only_me"] * 3, "and keeps private what was private"
    stage.therapist.get(f"{stage.theirs}/attempts/2", status=404)
    helped = {"block": "helped", "row": [begun["rows"][0]["id"]], "value": [{"code": "named-it"}]}
    stage.client.ask("PATCH", path, {"answers": [helped]}, etag=stage.client.etag(path))
    assert "named-it" not in str(_read(stage, 1)["answers"]), "the earlier attempt stays as it was"
    _submit(stage)
    stage.therapist.post(f"{stage.theirs}/review", {"attempt": 1}, status=409)
    assert "named-it" in str(_read(stage, 2)["answers"])
    stage.therapist.post(f"{stage.theirs}/review", {"attempt": 2})
    assert stage.status_for_both() == "reviewed"
    assert [one["attempt"] for one in stage.client.rows(f"{stage.mine}/attempts")] == [2, 1]


def _progress_is_honest(stage: Stage) -> None:
    mine = stage.client.get("/me/progress")
    theirs = stage.therapist.get(f"/clients/{stage.client.id}/progress")
    for progress in (mine, theirs):
        assert progress["summary"] == "1 of 2 done"
        assert (progress["assigned"], progress["done"], progress["open"], progress["declined"]) == (2, 1, 1, 0)
    assert theirs["waiting_for_review"] == 0
    stage.owner.get(f"/clients/{stage.client.id}/progress", status=404)


def _the_client_sees_who_read_it(stage: Stage) -> None:
    def opened() -> list[tuple[str, str, int]]:
        rows = stage.client.rows("/me/access-log?sort=occurred_at")
        return [(row["opened_by"]["name"], row["title"], row["attempt"]) for row in rows]

    expected = [("Tessa Therapist", "Trigger log", number) for number in (1, 1, 2)]
    until(lambda: len(opened()) >= len(expected), "the worker does not seal what happened")
    assert sorted(opened()) == expected
    assert stage.bystander.rows("/me/access-log") == []
    stage.therapist.get("/me/access-log", status=404)


def _nobody_else_heard_a_word(stage: Stage) -> None:
    for who in (stage.therapist, stage.owner, stage.bystander):
        assert not [words for words in who.heard if SECRET in words or "suitcase" in words]
    for who in (stage.owner, stage.bystander):
        assert not [words for words in who.heard if SHARED in words or "Robin Aster" in words]
    assert not [words for words in stage.owner.heard if stage.log in words]
    assert "suitcase" not in stage.server.log


def _signing_out_ends_it(stage: Stage) -> None:
    for who in (stage.client, stage.therapist, stage.owner):
        who.ask("DELETE", "/sessions/current", status=204)
        who.get("/me", status=401)
    assert len(stage.bystander.rows("/sessions")) == 1, "others stay signed in"
