"""Drafts change and versions never do; the starter library is renewed where untouched and left where edited."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, update

from portal.accounts.service import practices
from portal.assignments.service import assigning, queries
from portal.core.audit_log.events import Event
from portal.core.errors import Conflict, Forbidden, Invalid, NotVisible, Stale
from portal.core.listing import ListRequest
from portal.core.viewer import ANYONE, PrincipalKind, Viewer
from portal.library.models import Resource
from portal.library.service import resources, starter_library, versions
from portal.library.starter_files import starters as files
from tests.cast import CARD, Cast, exercise_document
from tests.owner import as_owner


def _facts(fact: str) -> int:
    with as_owner() as session:
        return session.scalar(select(func.count()).where(Event.fact == fact)) or 0


def _draft(cast: Cast, **change: Any) -> dict[str, Any]:
    return resources.create_resource(
        cast.therapist.viewer, kind="exercise", document=exercise_document(), **{**CARD, **change}
    )


def test_a_new_resource_is_a_draft_that_cannot_be_assigned(cast: Cast, context: None) -> None:
    made = _draft(cast)
    assert (made["status"], made["latest_number"]) == ("draft", None)
    with pytest.raises(Conflict) as refused:
        assigning.assign(cast.therapist.viewer, client_id=cast.client.id, resource_id=made["id"], why="Because.")
    assert refused.value.members["state"] == "draft"


def test_publishing_makes_a_version_that_later_changes_do_not_reach(cast: Cast, context: None) -> None:
    made = _draft(cast)
    first = versions.publish(cast.therapist.viewer, made["id"])
    now = resources.get_resource(cast.therapist.viewer, made["id"])
    changed = resources.change_resource(
        cast.therapist.viewer,
        made["id"],
        now["version"],
        title="Another title",
        document={"schema": "portal.exercise/1", "blocks": [{"id": "only", "type": "yes_no", "label": "?"}]},
    )
    assert changed["unpublished_changes"]
    assert versions.get_version(cast.therapist.viewer, made["id"], 1) == first
    second = versions.publish(cast.therapist.viewer, made["id"])
    assert (second["number"], second["title"]) == (2, "Another title")
    assert not resources.get_resource(cast.therapist.viewer, made["id"])["unpublished_changes"]


def test_publishing_twice_without_a_change_is_refused(cast: Cast, context: None) -> None:
    with pytest.raises(Conflict):
        versions.publish(cast.therapist.viewer, cast.things["linden.exercise"])


def test_a_form_kept_in_memory_is_never_another_versions(cast: Cast, context: None) -> None:
    made = _draft(cast)
    first = versions.publish(cast.therapist.viewer, made["id"])
    form = versions.form_of_version(cast.therapist.viewer.practice_id, first["id"])
    now = resources.get_resource(cast.therapist.viewer, made["id"])
    document = {"schema": "portal.exercise/1", "blocks": [{"id": "only", "type": "yes_no", "label": "?"}]}
    resources.change_resource(cast.therapist.viewer, made["id"], now["version"], document=document)
    second = versions.publish(cast.therapist.viewer, made["id"])
    assert list(versions.form_of_version(cast.therapist.viewer.practice_id, second["id"]).blocks) == ["only"]
    assert versions.form_of_version(cast.therapist.viewer.practice_id, first["id"]) is form


def test_a_version_of_another_practice_has_no_form_here_until_it_was_read_there(cast: Cast, context: None) -> None:
    theirs = versions.get_version(cast.other_owner.viewer, cast.things["birch.exercise"], 1)
    versions._forms.clear()
    with pytest.raises(NotVisible):
        versions.form_of_version(cast.therapist.viewer.practice_id, theirs["id"])


def test_a_stale_change_brings_what_stands_now_and_changes_nothing(cast: Cast, context: None) -> None:
    made = _draft(cast)
    resources.change_resource(cast.therapist.viewer, made["id"], made["version"], title="First")
    with pytest.raises(Stale) as refused:
        resources.change_resource(cast.therapist.viewer, made["id"], made["version"], title="Second")
    assert refused.value.current == resources.get_resource(cast.therapist.viewer, made["id"])
    assert refused.value.current["title"] == "First"


def test_a_document_that_is_no_form_is_not_saved(cast: Cast, context: None) -> None:
    made = _draft(cast)
    with pytest.raises(Invalid) as refused:
        resources.change_resource(
            cast.therapist.viewer, made["id"], made["version"], title="New", document={"schema": "x", "blocks": []}
        )
    assert all(fault.pointer.startswith("#/document/") for fault in refused.value.faults)
    assert resources.get_resource(cast.therapist.viewer, made["id"]) == made


def test_an_archived_resource_is_neither_assigned_nor_published_and_comes_back(cast: Cast, context: None) -> None:
    exercise = cast.things["linden.exercise"]
    before = queries.get_assignment(cast.therapist.viewer, cast.things["client.draft"])
    assert resources.archive(cast.therapist.viewer, exercise)["status"] == "archived"
    with pytest.raises(Conflict):
        assigning.assign(cast.therapist.viewer, client_id=cast.client.id, resource_id=exercise, why="Because.")
    with pytest.raises(Conflict):
        versions.publish(cast.therapist.viewer, exercise)
    assert queries.get_assignment(cast.therapist.viewer, cast.things["client.draft"]) == before
    assert resources.restore(cast.therapist.viewer, exercise)["status"] == "published"


def test_archiving_twice_is_one_fact(cast: Cast, context: None) -> None:
    for _ in range(2):
        resources.archive(cast.therapist.viewer, cast.things["linden.exercise"])
    assert _facts("resource.archived") == 1


def test_a_copy_is_a_draft_of_ones_own(cast: Cast, context: None) -> None:
    copied = resources.copy(cast.therapist.viewer, cast.things["linden.reading"])
    original = resources.get_resource(cast.therapist.viewer, cast.things["linden.reading"])
    assert copied["draft"] == original["draft"]
    assert (copied["status"], copied["origin_key"], copied["id"] != original["id"]) == ("draft", None, True)
    assert len(resources.copy(cast.therapist.viewer, _draft(cast, title="x" * 200)["id"])["title"]) <= 200


def test_an_owner_who_is_no_therapist_reads_and_does_not_write(cast: Cast, context: None) -> None:
    exercise = cast.things["linden.exercise"]
    version = resources.get_resource(cast.owner.viewer, exercise)["version"]
    with pytest.raises(Forbidden):
        resources.change_resource(cast.owner.viewer, exercise, version, title="Mine")
    for act in (versions.publish, resources.archive, resources.restore, resources.copy):
        with pytest.raises(Forbidden):
            act(cast.owner.viewer, exercise)
    with pytest.raises(Forbidden):
        resources.create_resource(cast.owner.viewer, kind="exercise", document=exercise_document(), **CARD)


# The starter library ---------------------------------------------------------------------------------------------


def _library(viewer: Viewer) -> dict[str, tuple[Any, ...]]:
    with as_owner() as session:
        rows = session.scalars(
            select(Resource).where(Resource.practice_id == viewer.practice_id, Resource.origin_key.is_not(None))
        ).all()
        return {
            str(row.origin_key): (row.id, row.version, row.latest_number, row.title, row.origin_digest, row.edited)
            for row in rows
        }


@pytest.fixture
def older_texts(cast: Cast, context: None) -> None:
    """Both practices hold the starter texts of an earlier release."""
    with as_owner() as session:
        session.execute(
            update(Resource)
            .where(Resource.origin_key.is_not(None))
            .values(origin_digest="0" * 64, title=Resource.title + " (older)")
        )


def test_a_new_practice_has_the_whole_starter_library_published(cast: Cast, context: None) -> None:
    there = _library(cast.owner.viewer)
    assert set(there) == {starter.key for starter in files()}
    assert {row[2] for row in there.values()} == {1}


def test_the_starter_library_of_a_new_practice_is_a_copy_of_its_own(cast: Cast, context: None) -> None:
    made = practices.set_up(
        ANYONE,
        token=practices.mint_setup_link(),
        practice={"slug": "third", "name": "Third", "country": "DE", "time_zone": "Europe/Berlin"},
        person={"name": "T", "email": "t@third.example", "password": "maple-otter-violin-sunday"},
    )
    third = Viewer(made["person"]["id"], made["practice"]["id"], PrincipalKind.STAFF, owner=True, therapist=True)
    ids = [{row[0] for row in _library(viewer).values()} for viewer in (third, cast.owner.viewer)]
    assert len(ids[0]) == len(files())
    assert not ids[0] & ids[1]


def test_installing_again_changes_nothing(cast: Cast, context: None) -> None:
    before, published = _library(cast.owner.viewer), _facts("resource.published")
    starter_library.install_starter_library(cast.owner.viewer, None)
    assert _library(cast.owner.viewer) == before
    assert _facts("resource.published") == published


def test_an_untouched_text_gets_the_newer_one_as_a_new_version(cast: Cast, context: None, older_texts: None) -> None:
    first = versions.get_version(cast.therapist.viewer, cast.things["linden.reading"], 1)
    assigned = queries.get_assignment(cast.therapist.viewer, cast.things["client.reading"])
    starter_library.install_starter_library(cast.owner.viewer, None)
    after = _library(cast.owner.viewer)
    assert {row[2] for row in after.values()} == {2}
    assert not any(row[3].endswith("(older)") for row in after.values())
    assert {key: row[4] for key, row in after.items()} == {starter.key: starter.digest for starter in files()}
    assert queries.get_assignment(cast.therapist.viewer, cast.things["client.reading"]) == assigned
    assert assigned["resource"]["number"] == 1
    assert versions.get_version(cast.therapist.viewer, cast.things["linden.reading"], 1) == first
    starter_library.install_starter_library(cast.owner.viewer, None)
    assert _library(cast.owner.viewer) == after


def test_an_edited_text_is_never_overwritten(cast: Cast, context: None, older_texts: None) -> None:
    reading = cast.things["linden.reading"]
    version = resources.get_resource(cast.therapist.viewer, reading)["version"]
    resources.change_resource(cast.therapist.viewer, reading, version, title="Our own words")
    before = resources.get_resource(cast.therapist.viewer, reading)
    starter_library.install_starter_library(cast.owner.viewer, None)
    assert resources.get_resource(cast.therapist.viewer, reading) == before
    versions.publish(cast.therapist.viewer, reading)
    starter_library.install_starter_library(cast.owner.viewer, None)
    assert resources.get_resource(cast.therapist.viewer, reading)["title"] == "Our own words"


def test_renewing_one_practices_library_leaves_the_others(cast: Cast, context: None, older_texts: None) -> None:
    before = _library(cast.other_owner.viewer)
    starter_library.install_starter_library(cast.owner.viewer, None)
    assert _library(cast.other_owner.viewer) == before


def test_an_archived_starter_text_stays_archived(cast: Cast, context: None, older_texts: None) -> None:
    resources.archive(cast.therapist.viewer, cast.things["linden.reading"])
    starter_library.install_starter_library(cast.owner.viewer, None)
    assert resources.get_resource(cast.therapist.viewer, cast.things["linden.reading"])["status"] == "archived"


def test_a_topic_is_found_as_it_is_spelt_and_no_wider(cast: Cast, context: None) -> None:
    def found(topic: str) -> int:
        return len(
            resources.list_resources(cast.therapist.viewer, ListRequest(filters={"topic": topic}, limit=100)).rows
        )

    assert found("testing") == 2
    assert [found(topic) for topic in ("test", "%", "t_sting", "testin%", 'testing","x')] == [0, 0, 0, 0, 0]
