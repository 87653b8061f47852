"""After an upgrade the worker brings every practice's untouched starter texts up to date, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.exc import OperationalError

from portal.assignments.service import assigning, queries
from portal.core import jobs
from portal.core.audit_log.events import Event
from portal.core.viewer import Viewer, system
from portal.library import jobs as library_jobs
from portal.library.models import Resource, ResourceWords, Version
from portal.library.service import resources, starter_library
from portal.library.starter_files import Starter
from portal.library.starter_files import starters as files
from tests.cast import Cast
from tests.conftest import Queries
from tests.owner import as_owner

KEY, NEW = "trust-ladder", "letter-i-will-not-send"


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    """A worker that has just been started."""
    starter_library._up_to_date.clear()
    yield
    starter_library._up_to_date.clear()


@pytest.fixture
def upgraded(monkeypatch: pytest.MonkeyPatch) -> Starter:
    """A release that says something new in one text."""
    older = {starter.key: starter for starter in files()}
    blocks = [*older[KEY].document["blocks"], {"id": "new", "type": "yes_no", "label": "A new question?"}]
    newer = replace(
        older[KEY],
        digest="1" * 64,
        document={**older[KEY].document, "blocks": blocks},
        description={**older[KEY].description, "title": "The newer ladder"},
    )
    monkeypatch.setattr(starter_library, "starters", lambda: [*(older | {KEY: newer}).values()])
    return newer


def _copies() -> dict[str, Resource]:
    """The copies of the text, by practice."""
    with as_owner() as session:
        return {row.practice_id: row for row in session.scalars(select(Resource).where(Resource.origin_key == KEY))}


def _there(viewer: Viewer) -> str:
    return _copies()[viewer.practice_id].id


def _take_away(key: str) -> None:
    """As if no practice had ever had this text."""
    with as_owner() as session:
        gone = select(Resource.id).where(Resource.origin_key == key)
        session.execute(delete(ResourceWords).where(ResourceWords.resource_id.in_(gone)))
        session.execute(delete(Version).where(Version.resource_id.in_(gone)))
        session.execute(delete(Resource).where(Resource.origin_key == key))


def _published() -> int:
    with as_owner() as session:
        return session.scalar(select(func.count()).where(Event.fact == "resource.published")) or 0


def test_the_worker_knows_the_tick() -> None:
    assert library_jobs.renew_starter_libraries in [tick.call for tick in jobs.TICKS]


def test_every_practice_gets_the_newer_text_as_a_new_version(cast: Cast, context: None, upgraded: Starter) -> None:
    before = _published()
    library_jobs.renew_starter_libraries()
    copies = _copies()
    assert set(copies) == {cast.things["linden.practice"], cast.things["birch.practice"]}
    assert {(row.latest_number, row.title, row.origin_digest) for row in copies.values()} == {
        (2, "The newer ladder", upgraded.digest)
    }
    assert _published() == before + 2  # and no other text was published anew
    with as_owner() as session:
        numbers = session.scalars(select(Version.number).where(Version.resource_id == _there(cast.owner.viewer)))
        assert sorted(numbers) == [1, 2]


def test_a_running_assignment_keeps_the_text_it_was_given(cast: Cast, context: None, upgraded: Starter) -> None:
    ladder = _there(cast.therapist.viewer)
    given = assigning.assign(cast.therapist.viewer, client_id=cast.client.id, resource_id=ladder, why="To go slowly.")
    before = queries.get_my_assignment(cast.client.viewer, given["id"])
    library_jobs.renew_starter_libraries()
    assert queries.get_my_assignment(cast.client.viewer, given["id"]) == before
    assert before["resource"]["number"] == 1
    assert "A new question?" not in str(before["document"])


def test_what_a_practice_has_edited_is_never_overwritten(cast: Cast, context: None, upgraded: Starter) -> None:
    ladder = _there(cast.therapist.viewer)
    version = resources.get_resource(cast.therapist.viewer, ladder)["version"]
    resources.change_resource(cast.therapist.viewer, ladder, version, summary="In our own words.")
    before = resources.get_resource(cast.therapist.viewer, ladder)
    assert starter_library.renew_starter_libraries() == 1  # the other practice's: here there is nothing to write
    assert resources.get_resource(cast.therapist.viewer, ladder) == before
    assert _copies()[cast.things["birch.practice"]].latest_number == 2


def test_what_a_practice_has_archived_stays_archived(cast: Cast, context: None, upgraded: Starter) -> None:
    ladder = _there(cast.therapist.viewer)
    resources.archive(cast.therapist.viewer, ladder)
    library_jobs.renew_starter_libraries()
    assert resources.get_resource(cast.therapist.viewer, ladder)["status"] == "archived"
    assert resources.restore(cast.therapist.viewer, ladder)["title"] == "The newer ladder"


def test_a_text_that_is_new_in_this_release_comes_to_every_practice(cast: Cast, context: None) -> None:
    _take_away(NEW)
    library_jobs.renew_starter_libraries()
    with as_owner() as session:
        there = session.scalars(select(Resource.latest_number).where(Resource.origin_key == NEW)).all()
    assert there == [1, 1]


def test_when_nothing_is_new_a_look_at_each_practice_is_all_it_costs_and_that_once(
    cast: Cast, context: None, queries: Queries
) -> None:
    library_jobs.renew_starter_libraries()
    assert len([one for one in queries.statements if "resources" in one]) == 2  # one for each practice
    assert not [one for one in queries.statements if one.lstrip().upper().startswith(("UPDATE", "INSERT"))]
    queries.statements.clear()
    library_jobs.renew_starter_libraries()
    assert len(queries) == 1


def test_an_older_worker_that_still_runs_does_not_bring_the_older_text_back(
    cast: Cast, context: None, upgraded: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    library_jobs.renew_starter_libraries()
    monkeypatch.setattr(starter_library, "starters", files)  # what the older one has on its disk
    library_jobs.renew_starter_libraries()
    assert {row.title for row in _copies().values()} == {"The newer ladder"}


def test_one_practice_that_cannot_be_renewed_holds_up_no_other_and_is_tried_again(
    cast: Cast, context: None, upgraded: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    install, linden = starter_library.install_starter_library, cast.things["linden.practice"]

    def fails_once(viewer: Viewer, practice: object) -> None:
        if viewer.practice_id == linden:
            monkeypatch.setattr(starter_library, "install_starter_library", install)
            raise OperationalError(select(1).compile().string, {}, TimeoutError())
        install(viewer, practice)

    monkeypatch.setattr(starter_library, "install_starter_library", fails_once)
    assert starter_library.renew_starter_libraries() == 1
    assert _copies()[linden].latest_number == 1
    assert starter_library.renew_starter_libraries() == 1
    assert _copies()[linden].latest_number == 2


@pytest.mark.engines("postgresql")
def test_two_workers_at_once_publish_one_new_version_and_add_one_new_text(
    cast: Cast, context: None, upgraded: Starter
) -> None:
    _take_away(NEW)
    both, faults = threading.Barrier(2), list[BaseException]()

    def works() -> None:
        try:
            with cast.app.app_context():
                both.wait(10)
                starter_library.install_starter_library(system(cast.things["linden.practice"]), None)
        except BaseException as fault:  # noqa: BLE001 -- told by the test
            faults.append(fault)

    workers = [threading.Thread(target=works) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert faults == []
    assert _copies()[cast.things["linden.practice"]].latest_number == 2
    with as_owner() as session:
        assert session.scalar(select(func.count()).where(Resource.origin_key == NEW)) == 1


def test_an_edit_that_arrives_while_a_library_is_renewed_is_not_lost(
    cast: Cast, context: None, upgraded: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy was untouched when the worker looked, and is edited before it writes."""
    ladder, viewer, looks = _there(cast.therapist.viewer), cast.therapist.viewer, starter_library._is_behind

    def edited_meanwhile(practice_id: str) -> bool:
        behind = looks(practice_id)
        if practice_id == viewer.practice_id:
            version = resources.get_resource(viewer, ladder)["version"]
            resources.change_resource(viewer, ladder, version, title="Ours")
        return behind

    monkeypatch.setattr(starter_library, "_is_behind", edited_meanwhile)
    assert starter_library.renew_starter_libraries() == 2
    assert resources.get_resource(viewer, ladder)["title"] == "Ours"
