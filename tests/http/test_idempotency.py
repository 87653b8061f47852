"""Bar 24: a request that is sent again is answered again and done once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from portal.assignments.models import Assignment
from portal.core import clock, stored_responses
from portal.core.db.engines import OWNER, db
from portal.core.ids import new_id
from tests.access.table import TABLE, prepared, rule_of, send
from tests.cast import Actor, Cast
from tests.owner import as_owner


def _given(cast: Cast, **more: Any) -> dict[str, Any]:
    given = {"client_id": cast.client.id, "resource_id": cast.things["linden.exercise"], "why": "Once."}
    return {**given, "due_on": "2099-05-01", **more}


def _assign(actor: Actor, cast: Cast, key: str, **more: Any) -> TestResponse:
    return actor.post("/assignments", _given(cast, **more), headers={"Idempotency-Key": key})


def _count(cast: Cast) -> int:
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        return connection.execute(select(func.count()).select_from(Assignment)).scalar_one()


def test_the_same_request_is_done_once_and_answered_alike(cast: Cast) -> None:
    before = _count(cast)
    first, again = (_assign(cast.therapist, cast, "key") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_data() == again.get_data()
    assert first.headers["ETag"] == again.headers["ETag"]
    assert first.content_type == again.content_type
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["X-Request-Id"] != again.headers["X-Request-Id"]
    assert _count(cast) == before + 1


def test_twenty_at_once_are_one(cast: Cast) -> None:
    before = _count(cast)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _n: _assign(cast.therapist, cast, "at-once"), range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.get_data() for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert _count(cast) == before + 1


def test_the_same_key_for_another_body_is_422_and_does_nothing(cast: Cast) -> None:
    _assign(cast.therapist, cast, "key")
    before = _count(cast)
    refused = _assign(cast.therapist, cast, "key", due_on="2099-05-02")
    assert refused.status_code == 422
    assert "Idempotency-Key" in refused.get_json()["errors"][0]["detail"]
    assert _count(cast) == before


def test_the_order_of_members_makes_no_other_body(cast: Cast) -> None:
    first = _assign(cast.therapist, cast, "key")
    turned = dict(reversed(list(_given(cast).items())))
    again = cast.therapist.post("/assignments", turned, headers={"Idempotency-Key": "key"})
    assert again.get_data() == first.get_data()


def test_a_key_belongs_to_who_sends_it_and_where(cast: Cast) -> None:
    before = _count(cast)
    assert _assign(cast.therapist, cast, "key").status_code == 201
    assert _assign(cast.co_therapist, cast, "key").status_code == 201
    assert _count(cast) == before + 2
    path = f"/assignments/{cast.things['client.submitted']}/comments"
    said = cast.therapist.post(path, {"body": "A word."}, headers={"Idempotency-Key": "key"})
    assert said.status_code == 201
    assert "Idempotency-Replayed" not in said.headers


def test_a_refusal_is_not_kept(cast: Cast) -> None:
    refused = _assign(cast.therapist, cast, "key", due_on="2000-01-01")
    assert refused.status_code == 422
    assert _assign(cast.therapist, cast, "key").status_code == 201


def test_a_key_lasts_a_day(cast: Cast) -> None:
    path, headers = f"/assignments/{cast.things['client.submitted']}/comments", {"Idempotency-Key": "key"}
    with cast.app.app_context(), as_owner() as session:
        session.execute(update(stored_responses.StoredResponse).values(created_at=clock.now()))
    cast.therapist.post(path, {"body": "A word."}, headers=headers)
    with cast.app.app_context(), as_owner() as session:
        session.execute(
            update(stored_responses.StoredResponse).values(
                created_at=clock.now() - stored_responses.LIFETIME - timedelta(seconds=1)
            )
        )
    again = cast.therapist.post(path, {"body": "A word."}, headers=headers)
    assert "Idempotency-Replayed" not in again.headers
    with cast.app.app_context(), as_owner() as session:
        session.execute(
            update(stored_responses.StoredResponse).values(
                created_at=clock.now() - stored_responses.LIFETIME - timedelta(seconds=1)
            )
        )
    with cast.app.app_context():
        stored_responses.delete_expired()
        with db.engines[OWNER].connect() as connection:
            assert (
                connection.execute(select(func.count()).select_from(stored_responses.StoredResponse)).scalar_one() == 0
            )


def test_what_is_kept_is_sealed(cast: Cast) -> None:
    with cast.app.app_context():
        _ = db.engine
    _assign(cast.therapist, cast, "key", why="A very private reason.")
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        rows = connection.execute(select(stored_responses.StoredResponse.__table__)).all()
    assert "private reason" not in str(rows)
    assert b"private reason" not in b"".join(bytes(row.reply) for row in rows)


def test_a_repeated_answer_passes_the_door_again(cast: Cast) -> None:
    _assign(cast.therapist, cast, "key")
    cast.therapist.delete("/sessions/current")
    assert _assign(cast.therapist, cast, "key").status_code == 401


def test_a_repeated_answer_is_404_once_its_subject_is_out_of_sight(cast: Cast) -> None:
    first = _assign(cast.therapist, cast, "key")
    ending = f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end"
    assert cast.therapist.post(ending).status_code == 204
    again = _assign(cast.therapist, cast, "key")
    assert again.status_code == 404
    assert first.get_json()["id"] not in again.get_data(as_text=True)


def test_what_many_were_assigned_is_looked_for_again(cast: Cast) -> None:
    sent, headers = {"assignments": [_given(cast)]}, {"Idempotency-Key": "key"}
    first, again = (cast.therapist.post("/assignments/bulk", sent, headers=headers) for _ in range(2))
    assert first.get_data() == again.get_data()
    cast.therapist.post(f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end")
    assert cast.therapist.post("/assignments/bulk", sent, headers=headers).status_code == 404


def test_what_was_already_there_for_many_is_looked_for_again_too(cast: Cast) -> None:
    """A repeated answer that names only what was open before names it no longer to who lost sight of it."""
    _assign(cast.therapist, cast, "first")
    sent, headers = {"assignments": [_given(cast)]}, {"Idempotency-Key": "key"}
    done = cast.therapist.post("/assignments/bulk", sent, headers=headers).get_json()
    assert [result["outcome"] for result in done["results"]] == ["duplicate"]
    cast.therapist.post(f"/clients/{cast.client.id}/care/{cast.things['client.care']}/end")
    assert cast.therapist.post("/assignments/bulk", sent, headers=headers).status_code == 404


def test_a_client_can_repeat_too_and_their_reply_dies_with_their_key(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.draft']}/pause"
    first, again = (cast.client.post(path, headers={"Idempotency-Key": "key"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    with cast.app.app_context(), db.engines[OWNER].connect() as connection:
        kept = select(stored_responses.StoredResponse.subject_id).where(
            stored_responses.StoredResponse.subject_id == cast.client.id
        )
        assert connection.execute(kept).first() is not None


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "tab\tbed", "ü"])
def test_a_key_that_is_none_is_400(cast: Cast, key: str) -> None:
    assert _assign(cast.therapist, cast, key).status_code == 400


def test_quotes_around_a_key_are_not_part_of_it(cast: Cast) -> None:
    """The draft standard writes it as a quoted string, most clients without."""
    first, again = _assign(cast.therapist, cast, '"key"'), _assign(cast.therapist, cast, "key")
    assert first.get_data() == again.get_data()


def test_every_post_takes_a_key_or_refuses_it_and_says_which(cast: Cast) -> None:
    """What holds a secret is never kept; nothing is taken silently."""
    spec = cast.nobody.get("/openapi.json").get_json()["paths"]
    for row in TABLE:
        principal = next((name for name, status in row.cells.items() if status < 300), None)
        if row.method != "POST" or row.form is not None or principal is None:
            continue
        rule = rule_of(row, cast.app)
        path = "".join(
            f"{{{part[1:-1].rsplit(':', 1)[-1]}}}" if part.startswith("<") else part
            for part in rule.rule.replace("/", "\0/\0").split("\0")
        )
        said = {each["name"] for each in spec[path]["post"].get("parameters", ())}
        takes = vars(cast.app.view_functions[rule.endpoint])["declaration"].key != "refused"
        assert ("Idempotency-Key" in said) == takes, str(row)
        if not takes:
            prepared(row, cast)
            keyed = type(row)(**{**vars(row), "headers": {"Idempotency-Key": new_id()}})
            assert send(keyed, cast, principal).status_code == 400, str(row)


def test_what_answers_with_a_secret_takes_no_key(cast: Cast) -> None:
    for path, view in ((rule.rule, cast.app.view_functions[rule.endpoint]) for rule in cast.app.url_map.iter_rules()):
        if path.endswith(("/sessions", "/integrations", "/rotate", "/invitation", "/clients", "/resend")):
            declaration = vars(view).get("declaration")
            assert declaration is None or declaration.key == "refused", path
