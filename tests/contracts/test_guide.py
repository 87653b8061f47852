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
    run = subprocess.run(
        ["bash"],
        input="".join(f"{block}\necho '{MARK}'\n" for block in rest),
        env={"PATH": os.environ["PATH"], "HOME": str(demo.folder), **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.stderr == "", run.stdout
    outputs = [part.strip().splitlines() for part in run.stdout.split(MARK)][: len(rest)]
    _assert_outputs([lines for lines in outputs if lines])


def _assert_outputs(outputs: list[list[str]]) -> None:
    """Every block that prints something, in the order of the guide."""
    capabilities, page, invited, accepted, reset, assigned, replayed, errors, saved, submitted, reviewed, *rest = (
        outputs
    )
    bulk, imported, form, measures, scopes, opted_in, given, worked, followed, feed, file = rest
    assert json.loads(capabilities[0]) == ["owner", "therapist"]
    assert '"data"' in page[1]
    assert page[-1] == "true"
    assert invited == ["invited"]
    assert accepted == ["Kim Larch", "active"]
    assert reset == ["202"]
    assert re.fullmatch("[0-9a-f-]{36}", assigned[0])
    assert replayed[0].casefold() == "idempotency-replayed: true"
    assert json.loads("".join(errors[:-1]))["type"] == "/problems/duplicate"
    assert json.loads(errors[-1])[0]["pointer"] == "#/resource_id"
    assert saved == ["What is the thought?", '{"answered": 1, "total": 9}', "2"]
    assert submitted == ["submitted"]
    assert "He came home late." in reviewed[0]
    assert reviewed[1:3] == ["reviewed", "Ada Linden"]
    assert "done" in reviewed[3]
    assert [one["outcome"] for one in json.loads(bulk[0])] == ["created", "created"]
    assert imported == ["full"]
    assert json.loads(form[0])["item"] == [{"linkId": "n/1", "type": "integer", "text": "How many quiet nights?"}]
    assert measures[0].startswith("[")
    assert "events:read" in json.loads(scopes[0])
    assert opted_in[0] == "[]"
    assert opted_in[1].endswith("Z")
    assert given == ["assigned"]
    assert worked == ["seen", "submitted"]
    assert followed == ["assignment.submitted", "Nobody can be trusted.", "QuestionnaireResponse"]
    assert json.loads("".join(feed))["data"][0]["type"] == "assignment.reviewed"
    assert file[0].startswith("assignment_id,client_id,client_name,")


def test_the_guide_knows_every_kind_of_problem_and_every_scope() -> None:
    words = GUIDE.read_text()
    kept = json.loads((GUIDE.parent / "openapi.json").read_text())
    told = {slug for slug in KINDS if f"`/problems/{slug}`" in words}
    assert told == set(KINDS) - {"method-not-allowed"}
    assert {scope for scope in kept["components"]["schemas"]["Scope"]["enum"] if f"`{scope}`" not in words} == set()
    assert "problem+json" in words
    assert PROBLEM_JSON.endswith("problem+json")


def test_the_guide_lists_the_posts_that_take_no_key() -> None:
    paths = json.loads((GUIDE.parent / "openapi.json").read_text())["paths"]
    posts = {path.removeprefix("/api/v1"): item["post"] for path, item in paths.items() if "post" in item}
    without = {
        path
        for path, post in posts.items()
        if not any(parameter["name"] == "Idempotency-Key" for parameter in post.get("parameters", ()))
    }
    table = GUIDE.read_text().partition("| why it takes no key |")[2].partition("\n## ")[0]
    assert set(re.findall(r"`POST (/[^`]*)`", table)) == without


def test_every_path_the_guide_names_exists() -> None:
    paths = json.loads((GUIDE.parent / "openapi.json").read_text())["paths"]
    known = {path.removeprefix("/api/v1") for path in paths}
    named = re.findall(r"`(?:GET|POST|PUT|PATCH|DELETE) (/[^`?]*)(?:\?[^`]*)?`", GUIDE.read_text())
    assert named
    assert [path for path in named if path not in known] == []
