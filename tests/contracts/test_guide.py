"""docs/api.md: whoever pastes its blocks into a shell gets what it says, against the demo."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from portal.http.problem_responses import PROBLEM_JSON
from portal.http.problems import KINDS
from tests.server import Server, loopback

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
MARK = "=== next ==="


def _blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def _settings(server: Server) -> dict[str, str]:
    """What the first block of the guide asks to be filled in."""
    people = {one["name"]: one for one in json.loads((server.data_dir / "demo.json").read_text())["people"]}
    ada, robin = people["Ada Linden"], people["Robin Aster"]
    return {
        "PORTAL": server.base_url,
        "THERAPIST": ada["email"],
        "THERAPIST_PASSWORD": ada["password"],
        "CLIENT": robin["email"],
        "CLIENT_PASSWORD": robin["password"],
    }


@loopback
@pytest.mark.bar
def test_the_blocks_do_what_the_guide_says_when_they_are_pasted(demo: Server) -> None:
    settings = _settings(demo)
    first, *rest = _blocks()
    assert set(re.findall(r"(\w+)=", first)) == set(settings)
    lines = [line for block in rest for line in block.splitlines()]
    run = subprocess.run(
        ["bash"],
        input="\n".join(f"{line}\necho '{MARK}'" for line in lines),
        env={"PATH": os.environ["PATH"], "HOME": str(demo.folder), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stderr == "", run.stdout
    said = [part.strip() for part in run.stdout.split(MARK)][: len(lines)]
    answers = [words for line, words in zip(lines, said, strict=True) if not re.match(r"\w+(=|\(\))", line)]
    assert all(answers), f"some of these said nothing: {answers}"
    _make_sense(answers)


def _make_sense(answers: list[str]) -> None:
    capabilities, page, further, replayed, duplicate, faults, *rest = answers
    saved, current, submitted, shared, reviewed, reader, progress, results, outcome, form, measures, feed, file = rest
    assert "therapist" in capabilities
    assert '"data"' in page
    assert further == "True"
    assert replayed.casefold() == "idempotency-replayed: true"
    assert json.loads(duplicate)["type"] == "/problems/duplicate"
    assert "#/resource_id" in faults
    assert "answered" in saved
    assert current == "2"
    assert submitted == "submitted"
    assert "I leave at nine." in shared
    assert reviewed == "reviewed"
    assert reader == "Ada Linden"
    assert "done" in progress
    assert "'created'" in results
    assert outcome == "full"
    assert json.loads(form)["item"] == [{"linkId": "n/1", "type": "integer", "text": "How many quiet nights?"}]
    assert measures.startswith("[")
    assert json.loads(feed)["data"][0]["type"] == "assignment.reviewed"
    assert file.startswith("assignment_id,client_id,client_name,")


def test_the_guide_knows_every_kind_of_problem_and_every_scope() -> None:
    words = GUIDE.read_text()
    kept = json.loads((GUIDE.parent / "openapi.json").read_text())
    told = {slug for slug in KINDS if f"`/problems/{slug}`" in words}
    assert told == set(KINDS) - {"method-not-allowed"}
    assert {scope for scope in kept["components"]["schemas"]["Scope"]["enum"] if f"`{scope}`" not in words} == set()
    assert "problem+json" in words
    assert PROBLEM_JSON.endswith("problem+json")


def test_every_path_the_guide_names_exists() -> None:
    paths = json.loads((GUIDE.parent / "openapi.json").read_text())["paths"]
    known = {re.sub(r"\{\w+\}", "{id}", path.removeprefix("/api/v1")) for path in paths}
    named = re.findall(r"`(?:GET|POST|PUT|PATCH|DELETE) (/[^`?]*)(?:\?[^`]*)?`", GUIDE.read_text())
    assert named
    assert [path for path in named if path not in known] == []
