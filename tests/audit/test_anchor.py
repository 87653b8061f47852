"""The anchor outside the database notices a tail that was cut, and says what it cannot know."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import delete, select, update

from portal import cli
from portal.audit import jobs as audit_jobs
from portal.audit import service
from portal.core import clock, crypto, facts, jobs
from portal.core.audit_log import anchor, sealing
from portal.core.audit_log import events as audit_events
from portal.core.audit_log.anchor import AnchorDamaged, Finding, Mark
from portal.core.audit_log.chain import link_of
from portal.core.audit_log.events import Event
from portal.core.crypto import Keyring
from portal.core.db.transactions import transaction
from portal.core.errors import Conflict
from portal.core.viewer import system
from tests.accounts import database
from tests.cast import Cast


def mark_ends(cast: Cast) -> None:
    with cast.app.app_context():
        while sealing.seal():
            pass
        service.mark_ends()


def happens(cast: Cast, times: int = 1) -> None:
    """Something is recorded and sealed."""
    for _ in range(times):
        path = f"/assignments/{cast.things['client.submitted']}/attempts/1"
        assert cast.therapist.get(path).status_code == 200
    with cast.app.app_context():
        while sealing.seal():
            pass


def verdict(cast: Cast) -> service.Verdict:
    """Of the practice *linden*."""
    with cast.app.app_context():
        return {found.practice_id: found for found in service.verify()}[cast.things["linden.practice"]]


def marks(cast: Cast) -> list[Mark]:
    with cast.app.app_context():
        return list(anchor.load()[cast.things["linden.practice"]])


def cut(cast: Cast, after: int) -> int:
    tail = (Event.practice_id == cast.things["linden.practice"]) & (Event.position > after)
    return database.change(cast.app, delete(Event).where(tail))


def said(cast: Cast, command: Any = cli.verify_audit) -> Result:
    with cast.app.app_context():
        return cast.app.test_cli_runner().invoke(command)


@pytest.fixture
def end(cast: Cast, anchor_file: Path) -> int:
    """Where the chain of the practice *linden* ended when the worker marked it."""
    mark_ends(cast)
    return marks(cast)[-1].position


def test_the_worker_marks_the_ends_every_ten_minutes() -> None:
    assert [tick.seconds for tick in jobs.TICKS if tick.call is audit_jobs.mark_ends] == [600]


def test_the_anchor_stands_beside_the_keyring_for_this_user_alone(cast: Cast, anchor_file: Path, end: int) -> None:
    assert anchor_file.parent == cast.app.config["PORTAL"].keyring.parent
    assert not anchor_file.is_relative_to(cast.app.config["PORTAL"].data_dir)
    assert anchor_file.stat().st_mode & 0o777 == 0o600
    assert not list(anchor_file.parent.glob("*.new")), "nothing half-written is left"


def test_the_anchor_holds_ids_times_positions_and_links_alone(cast: Cast, anchor_file: Path, end: int) -> None:
    held = json.loads(anchor_file.read_text())
    assert set(held["practices"]) == {cast.things["linden.practice"], cast.things["birch.practice"]}
    for of_practice in held["practices"].values():
        assert [set(mark) for mark in of_practice] == [{"at", "position", "link", "lost_up_to"}]


def test_a_chain_that_goes_on_agrees_with_its_mark(cast: Cast, end: int) -> None:
    happens(cast, 2)
    found = verdict(cast)
    assert (found.finding, found.holds, found.checked, found.mark) == (Finding.AGREES, True, end + 2, marks(cast)[-1])


def test_a_practice_without_a_mark_is_not_called_checked(cast: Cast, anchor_file: Path) -> None:
    happens(cast)
    assert (verdict(cast).finding, verdict(cast).holds) == (Finding.UNMARKED, True)
    assert said(cast).exit_code == 0
    assert said(cast).output.count("Not checked: whether its newest facts were cut off.") == 2


@pytest.mark.parametrize("left", [0, 1, 7])
def test_a_tail_cut_off_is_noticed(cast: Cast, end: int, left: int) -> None:
    assert cut(cast, after=left) == end - left
    found = verdict(cast)
    assert (found.checked, found.broken_at) == (left, None), "the chain alone does not notice"
    assert (found.finding, found.holds) == (Finding.AHEAD, False)


def test_a_single_newest_fact_cut_off_is_noticed(cast: Cast, end: int) -> None:
    cut(cast, after=end - 1)
    assert verdict(cast).finding is Finding.AHEAD


def test_a_tail_cut_off_is_noticed_although_new_facts_have_filled_the_gap(cast: Cast, end: int) -> None:
    cut(cast, after=end - 3)
    happens(cast, 5)
    assert verdict(cast).broken_at is None
    assert (verdict(cast).finding, verdict(cast).holds) == (Finding.DIFFERS, False)


def test_a_chain_written_anew_with_the_right_key_is_noticed(cast: Cast, end: int) -> None:
    _write_anew(cast, from_position=4, change={"actor_id": cast.colleague.id})
    assert verdict(cast).broken_at is None, "whoever has the keyring can make a chain that fits"
    assert verdict(cast).finding is Finding.DIFFERS


def _write_anew(cast: Cast, from_position: int, change: dict[str, Any]) -> None:
    practice = Event.practice_id == cast.things["linden.practice"]
    database.change(cast.app, update(Event).where(practice, Event.position == from_position).values(change))
    link = b""
    for event in database.rows(cast.app, select(Event.__table__).where(practice).order_by(Event.position)):
        link = link_of(link, event, event.position)
        database.change(cast.app, update(Event).where(practice, Event.position == event.position).values(link=link))


def test_an_older_mark_is_compared_too(cast: Cast, end: int) -> None:
    """The last mark may have been written after somebody wrote the chain anew."""
    happens(cast)
    with clock.time_shifted(timedelta(days=1)):
        mark_ends(cast)
    first, second = marks(cast)
    assert (first.position, second.position) == (end, end + 1)
    _write_anew(cast, from_position=end, change={"details": '{"was":1}'})
    practice = cast.things["linden.practice"]
    with cast.app.app_context():
        known = dict(anchor.load())
        known[practice] = [first, *anchor.marked([], end + 1, service._end_of(practice)[1])]
        anchor.save(known)
    assert (verdict(cast).finding, verdict(cast).mark) == (Finding.DIFFERS, first)


def test_the_worker_leaves_the_marks_of_a_cut_chain_as_they_are(cast: Cast, anchor_file: Path, end: int) -> None:
    """Else the next tick would hide what the anchor is there to show."""
    before = anchor_file.read_bytes()
    cut(cast, after=end - 2)
    mark_ends(cast)
    assert anchor_file.read_bytes() == before
    happens(cast, 4)
    mark_ends(cast)
    assert marks(cast)[-1].position == end
    assert verdict(cast).finding is Finding.DIFFERS


def test_what_is_wrong_in_one_practice_does_not_keep_another_from_being_marked(cast: Cast, end: int) -> None:
    birch = cast.things["birch.practice"]
    with cast.app.app_context():
        before = anchor.load()[birch][-1].position
    cut(cast, after=end - 2)
    answered = cast.other_owner.get(f"/assignments/{cast.things['other_client.submitted']}/attempts/1")
    assert answered.status_code == 200
    mark_ends(cast)
    with cast.app.app_context():
        assert anchor.load()[birch][-1].position == before + 1


def test_one_mark_a_day_is_kept_and_five_weeks_of_them(cast: Cast, anchor_file: Path) -> None:
    at_first = 0
    for day in range(anchor.MARKS_KEPT + 3):
        with clock.time_shifted(timedelta(days=day)):
            for _ in range(2):
                _record_one(cast)
                mark_ends(cast)
        at_first = at_first or marks(cast)[0].position
    found = marks(cast)
    assert len(found) == anchor.MARKS_KEPT
    assert [mark.position for mark in found] == list(range(at_first + 6, at_first + 6 + 2 * anchor.MARKS_KEPT, 2))
    assert verdict(cast).finding is Finding.AGREES


def _record_one(cast: Cast) -> None:
    practice_id = cast.things["linden.practice"]
    with cast.app.app_context(), transaction(practice_id):
        audit_events.record(system(practice_id), facts.Fact("test.told"), cast.client.viewer)


def test_a_day_without_a_fact_writes_nothing(cast: Cast, anchor_file: Path, end: int) -> None:
    before = anchor_file.stat().st_mtime_ns, anchor_file.read_bytes()
    with clock.time_shifted(timedelta(days=3)):
        mark_ends(cast)
    assert (anchor_file.stat().st_mtime_ns, anchor_file.read_bytes()) == before


# The file itself -----------------------------------------------------------------------------------------------


def _moved_back(held: dict[str, Any]) -> None:
    for of_practice in held["practices"].values():
        of_practice[-1]["position"] -= 1


def _forgotten(held: dict[str, Any]) -> None:
    held["practices"].popitem()


def _unsigned(held: dict[str, Any]) -> None:
    del held["signature"]


@pytest.mark.parametrize("change", [_moved_back, _forgotten, _unsigned])
def test_an_anchor_that_was_altered_is_not_believed(
    cast: Cast, anchor_file: Path, end: int, change: Callable[[dict[str, Any]], None]
) -> None:
    held = json.loads(anchor_file.read_text())
    change(held)
    anchor_file.write_text(json.dumps(held))
    with pytest.raises(AnchorDamaged):
        verdict(cast)
    done = said(cast)
    assert done.exit_code == 1
    assert str(anchor_file) in done.output


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'{"practices": 1, "signature": 2}'])
def test_a_damaged_anchor_is_said_in_words(cast: Cast, anchor_file: Path, raw: bytes) -> None:
    anchor_file.write_bytes(raw)
    done = said(cast)
    assert done.exit_code == 1
    assert "was altered, or written with another keyring" in done.output


def test_an_anchor_of_another_keyring_is_not_believed(cast: Cast, anchor_file: Path, end: int, tmp_path: Path) -> None:
    ours = crypto.keyring()
    other = Keyring.fresh(tmp_path / "keyring.json")
    anchor_file.rename(other.path.with_suffix(".anchor.json"))
    try:
        crypto.use_keyring(other)
        with pytest.raises(AnchorDamaged):
            anchor.load()
    finally:
        crypto.use_keyring(ours)


# What an operator reads -----------------------------------------------------------------------------------------


def test_an_operator_reads_how_far_the_chain_was_compared(cast: Cast, end: int) -> None:
    happens(cast)
    done = said(cast)
    assert done.exit_code == 0, done.output
    line = f"The anchor of {marks(cast)[-1].at} saw {end} facts, and they are these. Not checked: whether any after"
    assert line in done.output


def test_an_operator_is_told_that_a_restore_and_a_cut_look_alike(cast: Cast, end: int) -> None:
    cut(cast, after=end - 2)
    done = said(cast)
    assert done.exit_code == 1
    assert f"NEWEST FACTS MISSING: The anchor of {marks(cast)[-1].at} saw {end} facts, 2 more than" in done.output
    for words in ("put back from an older backup", "accept-restore", "cannot tell these two apart", "cut them off"):
        assert words in done.output


def test_a_restore_that_is_accepted_goes_on_from_there_and_is_remembered(cast: Cast, end: int) -> None:
    cut(cast, after=end - 2)
    done = said(cast, cli.accept_restore)
    assert done.exit_code == 0, done.output
    assert f"goes on after position {end - 2}; the anchor had seen it reach {end}" in done.output
    assert (verdict(cast).finding, verdict(cast).holds) == (Finding.AGREES, True)
    assert f"A restore had lost the facts up to {end} before." in said(cast).output
    happens(cast, 3)
    mark_ends(cast)
    assert [mark.lost_up_to for mark in marks(cast)] == [end, None], "the mark of a loss is kept beside a later one"
    assert verdict(cast).finding is Finding.AGREES
    cut(cast, after=end - 2)
    assert verdict(cast).finding is Finding.AHEAD, "from there on a cut is noticed again"


def test_a_restore_is_accepted_after_people_have_gone_on_working(cast: Cast, end: int) -> None:
    cut(cast, after=end - 3)
    happens(cast, 4)
    assert "ANOTHER CHAIN" in said(cast).output
    assert said(cast, cli.accept_restore).exit_code == 0
    assert verdict(cast).finding is Finding.AGREES


def test_a_practice_that_a_restore_has_emptied_can_be_accepted(cast: Cast, end: int) -> None:
    cut(cast, after=0)
    assert said(cast, cli.accept_restore).exit_code == 0
    assert verdict(cast).holds
    _record_one(cast)
    mark_ends(cast)
    assert verdict(cast).holds


def test_a_broken_chain_is_never_accepted_as_a_restore(cast: Cast, anchor_file: Path, end: int) -> None:
    before = anchor_file.read_bytes()
    cut(cast, after=end - 2)
    third = (Event.practice_id == cast.things["linden.practice"]) & (Event.position == 3)
    database.change(cast.app, update(Event).where(third).values(details="{}x"))
    with cast.app.app_context(), pytest.raises(Conflict):
        service.accept_restore()
    assert said(cast, cli.accept_restore).exit_code == 1
    assert anchor_file.read_bytes() == before


def test_accepting_where_nothing_was_lost_changes_nothing(cast: Cast, anchor_file: Path, end: int) -> None:
    before = anchor_file.read_bytes()
    assert "Nothing to accept" in said(cast, cli.accept_restore).output
    assert anchor_file.read_bytes() == before
