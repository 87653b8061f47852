"""Bar 22: schemathesis with every check and every phase, as each role, against the running portal: nothing to find."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server import Caller, Server, accept, loopback, set_up_practice, sign_in, take_on

pytestmark = [loopback, pytest.mark.bar]

FOLDER = Path(__file__).parent
EXAMPLES = 8
"""For each operation, so that every one has its turn: a bound in seconds would leave the last ones untried."""
STATEFUL_SECONDS = 8
"""Chains of requests, each using what the one before answered."""
SEED = "20260101"
ENDS_ITSELF = ("sign_out", "end_session")
"""Tried last and by themselves: they end the very token the role goes by."""


@dataclass
class Practice:
    """People with something to do, and a token for every role."""

    owner: Caller
    therapist: Caller
    client: Caller
    integration: str


ROLES: dict[str, Callable[[Practice], str | None]] = {
    "anonymous": lambda _practice: None,
    "owner": lambda practice: practice.owner.token,
    "therapist": lambda practice: practice.therapist.token,
    "client": lambda practice: practice.client.token,
    "integration": lambda practice: practice.integration,
}


@pytest.fixture
def practice(server: Server) -> Practice:
    owner = set_up_practice(server, therapist=False)
    therapist = _a_therapist(server, owner)
    client = take_on(server, therapist, "Robin Aster", "robin@clients.example")
    for one in therapist.rows("/resources?limit=100")[:3]:
        given = {"client_id": client.id, "resource_id": one["id"], "why": "To try."}
        therapist.post("/assignments", given, status=201)
    scopes = owner.get("/openapi.json")["components"]["schemas"]["Scope"]["enum"]
    made = owner.post("/integrations", {"name": "Fuzzer", "scopes": scopes}, status=201)
    therapist.ask("PUT", f"/integrations/{made['id']}/caseload")
    return Practice(owner, therapist, client, made["token"])


def _a_therapist(server: Server, owner: Caller) -> Caller:
    email = "tessa@linden.example"
    owner.post("/invitations", {"name": "Tessa", "email": email, "capabilities": ["therapist"]}, status=201)
    accept(server, server.letter_to(email).get_content().partition("/invitation#")[2].split()[0])
    return sign_in(server, email)


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_found_by_trying_everything(role: str, server: Server, practice: Practice, tmp_path: Path) -> None:
    token = ROLES[role](practice)
    held_back = [word for name in ENDS_ITSELF for word in ("--exclude-operation-id", name)]
    _try(server, token, tmp_path, "examples,coverage,fuzzing", *held_back, "--max-examples", str(EXAMPLES))
    _try(server, token, tmp_path, "stateful", *held_back, "--max-time", str(STATEFUL_SECONDS))
    if token is not None:
        path = "/integrations/current" if role == "integration" else "/me"
        assert server.caller(token).send("GET", path).status_code == 200, "the token ended on the way"
    alone = [word for name in ENDS_ITSELF for word in ("--include-operation-id", name)]
    _try(server, token, tmp_path, "examples,coverage", *alone)
    assert '"status": 5' not in server.log.replace('"status":5', '"status": 5')


def _try(server: Server, token: str | None, folder: Path, phases: str, *more: str) -> None:
    credential = [] if token is None else ["--header", f"Authorization: Bearer {token}"]
    for name in ("schemathesis.toml", "fuzzing_hooks.py"):
        shutil.copy(FOLDER / name, folder)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
            *("--no-color", "run", f"{server.base_url}/api/v1/openapi.json", "--phases", phases),
            *("--checks", "all", "--seed", SEED, "--continue-on-failure", "--warnings", "off", *credential, *more),
        ],
        cwd=folder,
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert re.search(r"\d+ generated, \d+ passed", done.stdout), done.stdout
