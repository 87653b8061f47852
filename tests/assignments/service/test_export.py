"""Assignments as CSV: what the list shows, to those it shows it to; each export is recorded."""

from __future__ import annotations

import csv
import io

from sqlalchemy import select

from portal.assignments.service import export
from portal.core.audit_log.events import Event
from tests.cast import Actor, Cast
from tests.owner import as_owner


def _export(actor: Actor, query: str = "") -> list[dict[str, str]]:
    answer = actor.get(f"/exports/assignments{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


def test_an_export_holds_what_the_list_shows_and_no_more(cast: Cast) -> None:
    rows = _export(cast.therapist)
    listed = cast.therapist.get("/assignments?limit=100").get_json()["data"]
    assert [row["assignment_id"] for row in rows] == [one["id"] for one in listed]
    for row, one in zip(rows, listed, strict=True):
        assert (row["status"], row["client_id"], row["due_on"]) == (
            one["status"],
            one["client_id"],
            one["due_on"] or "",
        )
        assert row["overdue"] == str(one["overdue"]).lower()
        assert row["assigned_at"] == one["assigned_at"]
        assert (row["answered"], row["total"]) == (str(one["progress"]["answered"]), str(one["progress"]["total"]))
    assert {row["client_name"] for row in rows} == {"Client", "Partner", "Former Client"}


def test_an_export_takes_the_filters_of_the_list_and_no_others(cast: Cast) -> None:
    rows = _export(cast.therapist, f"?status=submitted&client_id={cast.partner.id}")
    assert [row["assignment_id"] for row in rows] == [cast.things["partner.submitted"]]
    for query in ("?limit=1", "?cursor=x", "?sort=due_on", "?state=open"):
        assert cast.therapist.get(f"/exports/assignments{query}").status_code == 400


def test_each_therapist_exports_their_own_assignments(cast: Cast) -> None:
    assert {row["client_id"] for row in _export(cast.colleague)} == {cast.stranger.id}
    assert _export(cast.former_therapist) == []
    own = {cast.client.id, cast.partner.id, cast.former_client.id}
    assert {row["client_id"] for row in _export(cast.integration)} == own
    assert _export(cast.uninvited) == []


def test_an_export_contains_no_answer(cast: Cast) -> None:
    said = cast.therapist.get("/exports/assignments").get_data(as_text=True)
    for word in ("what client needs", "learned", "Why draft", "Thank you"):
        assert word not in said


def test_each_export_is_recorded_once(cast: Cast) -> None:
    _export(cast.therapist, "?status=submitted")
    with cast.app.app_context(), as_owner() as session:
        [fact] = session.scalars(select(Event).where(Event.fact == "export.made")).all()
    assert (fact.actor_id, fact.client_id, fact.details) == (cast.therapist.id, None, '{"filtered_by":["status"]}')


def test_a_name_that_looks_like_a_formula_is_escaped(cast: Cast) -> None:
    path = f"/clients/{cast.client.id}"
    assert cast.therapist.patch(path, {"name": "=1+1"}, cast.therapist.etag(path)).status_code == 200
    names = {row["client_name"] for row in _export(cast.therapist, f"?client_id={cast.client.id}")}
    assert names == {"'=1+1"}


def test_a_long_export_is_complete(cast: Cast) -> None:
    everything = _export(cast.therapist)
    before, export.ROWS_PER_READ = export.ROWS_PER_READ, 2
    try:
        assert _export(cast.therapist) == everything
    finally:
        export.ROWS_PER_READ = before


def test_an_integration_without_clients_read_exports_no_names(cast: Cast) -> None:
    made = cast.owner.post("/integrations", {"name": "Figures", "scopes": ["exports:create"]}).get_json()
    assert cast.therapist.put(f"/integrations/{made['id']}/caseload", {}).status_code == 200
    rows = _export(Actor("figures", cast.app, cast.integration.viewer, made["token"]))
    assert rows
    assert {row["client_name"] for row in rows} == {""}
    assert {row["client_name"] for row in _export(cast.integration)} == {"Client", "Partner", "Former Client"}
