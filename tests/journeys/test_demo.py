"""The demo: one command gives a practice to look around in, and lines to paste that work."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from portal import demo
from portal.assignments.models import Status
from tests.cast import Cast
from tests.server import Caller, Server, loopback, sign_in, until

MARK = "=== next ==="


@pytest.fixture
def demonstration(empty_install: Server) -> Server:
    _begin(empty_install)
    return empty_install


def _begin(server: Server) -> None:
    runs = server.printed.count("Stop with Ctrl-C")
    server.start("demo")
    until(lambda: server.printed.count("Stop with Ctrl-C") > runs, "the demo does not say how to go on")


def _kept(server: Server) -> Any:
    return json.loads((server.data_dir / "demo.json").read_text())


def _everyone(server: Server) -> dict[str, Caller]:
    return {person["name"]: sign_in(server, person["email"], person["password"]) for person in _kept(server)["people"]}


@loopback
@pytest.mark.bar
def test_the_demo_leaves_its_people_in_a_file_only_its_owner_reads(demonstration: Server) -> None:
    path = demonstration.data_dir / "demo.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = _kept(demonstration)
    assert set(kept) == {"base_url", "practice", "people"}
    assert (kept["base_url"], kept["practice"]) == (demonstration.base_url, "linden")
    assert [person["kind"] for person in kept["people"]] == ["owner", "therapist", *["client"] * 5]
    for person in kept["people"]:
        assert set(person) == {"name", "kind", "email", "password"}
        assert person["email"] in demonstration.printed
        assert person["password"] in demonstration.printed


@loopback
@pytest.mark.bar
def test_everybody_in_the_demo_signs_in_and_every_state_is_there(demonstration: Server) -> None:
    people = _everyone(demonstration)
    staff = [caller for caller in people.values() if caller.get("/me")["kind"] == "staff"]
    assert len(people) == 7
    given = [row for caller in staff for row in caller.rows("/assignments?limit=100")]
    assert {row["status"] for row in given} == {status.value for status in Status}
    assert any(row["scheduled"] for row in given)
    assert any(row["overdue"] for row in given)
    assert any(0 < row["progress"]["answered"] < row["progress"]["total"] for row in given)
    clients = [caller for caller in people.values() if caller not in staff]
    assert all(caller.rows("/me/assignments?limit=100") for caller in clients)
    assert "Traceback" not in demonstration.log


@loopback
@pytest.mark.bar
def test_a_second_run_starts_where_the_first_left_off(demonstration: Server) -> None:
    first = _kept(demonstration)
    robin = next(person for person in first["people"] if person["name"] == "Robin Aster")
    caller = sign_in(demonstration, robin["email"], robin["password"])
    before = caller.rows("/me/assignments?limit=100")
    unseen = next(row["id"] for row in before if row["status"] == "assigned")
    caller.post(f"/me/assignments/{unseen}/open")
    demonstration.stop()
    _begin(demonstration)
    assert _kept(demonstration) == first
    after = _everyone(demonstration)["Robin Aster"].rows("/me/assignments?limit=100")
    assert [row["id"] for row in after] == [row["id"] for row in before]
    assert next(row["status"] for row in after if row["id"] == unseen) == "seen"


@loopback
@pytest.mark.bar
def test_the_printed_lines_work_when_they_are_pasted(demonstration: Server) -> None:
    lines = _pasted_lines(demonstration.printed)
    marked = "\n".join(f"{line}\necho '{MARK}'" for line in lines)
    run = subprocess.run(
        ["bash"],
        input=marked,
        env={"PATH": os.environ["PATH"], "HOME": str(demonstration.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stderr == ""
    said = [part.strip() for part in run.stdout.split(MARK)][: len(lines)]
    answers = [words for line, words in zip(lines, said, strict=True) if not _only_remembers(line)]
    assert all(answers), f"some of these said nothing: {run.stdout}"
    _make_sense(answers)


def _pasted_lines(printed: str) -> list[str]:
    _, _, rest = printed.partition("Paste these lines")
    block = rest.partition("Stop with")[0].partition("\n")[2]
    return [line.strip() for line in block.splitlines() if line.strip()]


def _only_remembers(line: str) -> bool:
    """Whether a line sets a variable or defines a function, which says nothing."""
    return re.match(r"\w+(=|\(\))", line) is not None


def _make_sense(answers: list[str]) -> None:
    """What came back is what the story says: a queue, a document, progress, an attempt, a review, an opening."""
    assert not [words for words in answers if "/problems/" in words], answers
    queue, block, progress, submitted, attempt, reviewed, counts, opened = answers
    waiting = json.loads(queue)["data"]
    assert [row["status"] for row in waiting] == ["submitted"]
    assert waiting[0]["client"]["name"] == "Robin Aster"
    assert "'type'" in block
    assert "'answered': 1" in progress
    assert submitted == "submitted"
    assert "sections/1" in attempt
    assert reviewed == "reviewed"
    assert json.loads(counts)["summary"] == "3 of 4 done"
    latest = json.loads(opened)["data"][0]
    assert latest["opened_by"]["name"] == "Ada Linden"


def test_the_demo_refuses_a_directory_that_holds_another_practice(cast: Cast) -> None:
    config = cast.app.config["PORTAL"]
    with cast.app.app_context(), pytest.raises(SystemExit, match="PORTAL_DATA_DIR"):
        demo.load(config)
    assert not (config.data_dir / "demo.json").exists()


@loopback
@pytest.mark.bar
def test_the_demo_sends_no_mail(demonstration: Server, tmp_path: Path) -> None:
    """Its invitations are accepted before the worker comes to send them."""
    people = _everyone(demonstration)
    ada = people["Ada Linden"]
    ready = f"{demonstration.base_url}/health/ready"
    until(lambda: '"worker":"ok"' in _text(ready), "the worker does not start")
    robin = next(row["id"] for row in ada.rows("/clients") if row["name"] == "Robin Aster")
    ada.get(f"/clients/{robin}")
    assert demonstration.letters() == []


def _text(address: str) -> str:
    import httpx  # noqa: PLC0415 -- only this test asks outside the API

    return httpx.get(address, trust_env=False).text
