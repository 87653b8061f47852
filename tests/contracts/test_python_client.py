"""A client that openapi-python-client makes of the description does the whole main job against the real server."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from portal.core.ids import new_id
from tests.server import PASSWORD, Server, loopback, until

pytestmark = [loopback, pytest.mark.bar]

NAME = "generated_portal_client"
PRIVATE = "What nobody but Robin reads."


@pytest.fixture
def generated(description: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The package as the generator writes it, imported; anything it could not make is a failure."""
    folder, config = tmp_path / "generated", tmp_path / "config.yaml"
    folder.mkdir()
    config.write_text("post_hooks: []\n")
    made = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"),
            *("--path", str(description), "--config", str(config), "--output-path", str(folder / NAME)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    yield importlib.import_module(NAME)
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


class Program:
    """A program of somebody's that calls the portal through the generated functions alone."""

    def __init__(self, generated: ModuleType, server: Server, opened: ExitStack, token: str | None = None) -> None:
        self.generated, self.server, self.opened = generated, server, opened
        settings = {
            "base_url": server.base_url,
            "raise_on_unexpected_status": True,
            "httpx_args": {"trust_env": False},
        }
        make = generated.Client if token is None else generated.AuthenticatedClient
        self.client: Any = make(**settings) if token is None else make(**settings, token=token)
        opened.enter_context(self.client)
        self.heard: list[str] = []
        self.etag = ""

    def do(self, operation: str, *ids: Any, expect: int = 200, **named: Any) -> Any:
        """Call an operation by its name; the parsed answer, which must be of this status."""
        answer = _function(operation).sync_detailed(*ids, client=self.client, **named)
        assert answer.status_code == HTTPStatus(expect), f"{operation}: {answer.status_code} {answer.content!r}"
        self.heard.append(answer.content.decode())
        self.etag = answer.headers.get("ETag", "")
        return answer.parsed

    def signed_in(self, email: str) -> Program:
        signed = self.do("sign_in", body=model("SignIn")(email=email, password=PASSWORD), expect=201)
        return Program(self.generated, self.server, self.opened, signed.token)


def _function(operation: str) -> Any:
    root = Path(importlib.import_module(f"{NAME}.api").__file__ or "").parent
    (found,) = root.glob(f"*/{operation}.py")
    return importlib.import_module(f"{NAME}.api.{found.parent.name}.{operation}")


def model(name: str) -> Any:
    return getattr(importlib.import_module(f"{NAME}.models"), name)


def test_a_generated_client_does_the_whole_job(server: Server, generated: ModuleType) -> None:
    with ExitStack() as opened:
        _the_whole_job(Program(generated, server, opened))


def _the_whole_job(nobody: Program) -> None:
    owner = _set_up(nobody)
    therapist = _invite_a_therapist(nobody, owner)
    client, client_id = _invite_a_client(nobody, therapist)
    log = _assign(therapist, client, client_id)
    _work(client, log)
    _read_and_review(therapist, client, log)
    _return_and_do_again(therapist, client, log)
    _see_who_read_it(client)
    assert not [words for who in (owner, therapist) for words in who.heard if PRIVATE in words]
    client.do("sign_out", expect=204)
    assert client.do("get_me", expect=401).type_ == "/problems/unauthenticated"


def _set_up(nobody: Program) -> Program:
    practice = model("NewPractice")(slug="linden", name="Linden", country="DE", time_zone="Europe/Berlin")
    person = model("NewOwner")(name="Olive Owner", email="olive@linden.example", password=PASSWORD, therapist=False)
    link = nobody.server.set_up_link()
    done = nobody.do(
        "set_up_practice", body=model("SetUpPractice")(token=link, practice=practice, person=person), expect=201
    )
    assert done.practice.slug == "linden"
    owner = nobody.signed_in("olive@linden.example")
    me = owner.do("get_me")
    assert [str(one) for one in me.capabilities] == ["owner"]
    renamed = owner.do("change_me", body=model("ChangeMe")(name="Olive O."), if_match=owner.etag)
    assert (renamed.name, renamed.version) == ("Olive O.", me.version + 1)
    return owner


def _secret(server: Server, address: str) -> str:
    words: str = server.letter_to(address).get_content()
    return words.partition("/invitation#")[2].split()[0]


def _invite_a_therapist(nobody: Program, owner: Program) -> Program:
    email = "tessa@linden.example"
    invite = model("InviteStaffMember")(name="Tessa", email=email, capabilities=[model("Capability").THERAPIST])
    invitation = owner.do("invite_staff", body=invite, expect=201)
    assert (invitation.code, invitation.link) == (None, None)
    secret = _secret(nobody.server, email)
    nobody.do("accept_invitation", body=model("AcceptInvitation")(token=secret, password=PASSWORD), expect=201)
    active = [str(one.status) for one in owner.do("list_staff").data]
    assert active == ["active", "active"]
    return nobody.signed_in(email)


def _invite_a_client(nobody: Program, therapist: Program) -> tuple[Program, UUID]:
    email = "robin@clients.example"
    made = therapist.do("create_client", body=model("CreateClient")(name="Robin Aster", email=email), expect=201)
    accept = model("AcceptInvitation")(
        token=_secret(nobody.server, email), password=PASSWORD, code=made.invitation.code
    )
    nobody.do("accept_invitation", body=accept, expect=201)
    assert therapist.do("get_client", made.id).status == model("ClientRecordStatus").ACTIVE
    return nobody.signed_in(email), made.id


def _assign(therapist: Program, client: Program, client_id: UUID) -> UUID:
    library = therapist.do("list_resources", limit=100)
    assert library.has_more is False
    (log,) = [one for one in library.data if one.origin_key == "trigger-log"]
    body = model("CreateAssignment")(client_id=client_id, resource_id=log.id, why="To see it come.")
    given = therapist.do("create_assignment", body=body, expect=201)
    again = therapist.do("create_assignment", body=body, expect=409)
    assert (again.type_, again.assignment_id) == ("/problems/duplicate", given.id)
    (listed,) = therapist.do("list_assignments", expand="client", status="assigned").data
    assert (listed.client.name, listed.resource.title) == ("Robin Aster", log.title)
    client.do("get_assignment", given.id, expect=404)
    assert client.do("get_my_assignment", given.id).why == "To see it come."
    return UUID(str(given.id))


def _changes(row: UUID) -> Any:
    answer = model("Answer")
    return model("SaveResponse")(
        rows=[model("LogRow")(log="triggers", id=row)],
        answers=[
            answer(block="cue", row=[row], value="The phone buzzed."),
            answer(block="before", row=[row], value=8),
            answer(block="feelings", row=[row], value=[{"code": "afraid"}, {"other": "far away"}]),
            answer(block="thought", row=[row], value=PRIVATE, share=model("Share").ONLY_ME),
        ],
    )


def _work(client: Program, log: UUID) -> None:
    opened = client.do("open_my_assignment", log)
    assert {block["type"] for block in opened.document.to_dict()["blocks"]} >= {"log"}
    plan = model("SetPlan")(when="When I am back", then="I write one row", obstacle=None)
    client.do("get_my_assignment", log)
    assert client.do("set_my_plan", log, body=plan, if_match=client.etag).plan.then == "I write one row"
    client.do("get_my_response", log)
    client.do("get_my_response", log, expect=304, if_none_match=client.etag)
    before, row = client.etag, UUID(new_id())
    saved = client.do("save_response", log, body=_changes(row), if_match=before)
    assert (saved.progress.answered, saved.version) == (1, 2)
    assert {one.block: one.value for one in saved.answers}["before"] == 8
    stale = client.do("save_response", log, body=_changes(row), if_match=before, expect=412)
    assert stale.current.to_dict() == saved.to_dict()
    wrong = model("SaveResponse")(answers=[model("Answer")(block="before", row=[row], value=99)])
    (fault,) = client.do("save_response", log, body=wrong, if_match=client.etag, expect=422).errors
    assert (fault.pointer, fault.block) == ("#/answers/0/value", "before")
    _submit(client, log)


def _submit(client: Program, log: UUID) -> None:
    version = client.do("get_my_response", log).version
    sent = model("SubmitResponse")(response_version=version, helpfulness=4, learned="It passes.")
    assert client.do("submit_response", log, body=sent).status == model("AssignmentStatus").SUBMITTED
    refused = client.do("pause_assignment", log, expect=409)
    assert (refused.state, "recall" in refused.allowed) == ("submitted", True)


def _read_and_review(therapist: Program, client: Program, log: UUID) -> None:
    attempt = therapist.do("open_attempt", log, 1)
    assert {one.block for one in attempt.answers} >= {"cue", "before"}
    assert "thought" not in {one.block for one in attempt.answers}
    assert (attempt.private_count, attempt.feedback.helpfulness, attempt.feedback.difficulty) == (1, 4, None)
    said = model("ReviewAttempt")(attempt=1, response_version=attempt.version, comment="Thank you.")
    assert therapist.do("review_attempt", log, body=said).status == model("AssignmentStatus").REVIEWED
    (comment,) = client.do("list_my_comments", log).data
    assert (comment.body, comment.read_at) == ("Thank you.", None)
    assert client.do("mark_my_comment_read", log, comment.id).read_at is not None


def _return_and_do_again(therapist: Program, client: Program, log: UUID) -> None:
    back = model("ReturnAttempt")(attempt=1, comment="Would you add what helped?")
    assert therapist.do("return_attempt", log, body=back).attempt == 2
    _submit(client, log)
    therapist.do("review_attempt", log, body=model("ReviewAttempt")(attempt=1), expect=409)
    therapist.do("open_attempt", log, 2)
    therapist.do("review_attempt", log, body=model("ReviewAttempt")(attempt=2))
    assert client.do("get_my_progress").summary == "1 of 1 done"


def _see_who_read_it(client: Program) -> None:
    until(lambda: len(client.do("list_my_accesses").data) == 2, "the worker does not seal what happened")
    opened = client.do("list_my_accesses").data
    assert {(one.opened_by.name, one.attempt) for one in opened} == {("Tessa", 1), ("Tessa", 2)}
