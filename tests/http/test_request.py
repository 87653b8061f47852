"""What a route needs of a request: the version it is meant for, and what the caller already has."""

from __future__ import annotations

import pytest

from portal.core.ids import new_id
from tests.cast import Cast

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked


def test_a_current_representation_is_not_sent_again(cast: Cast) -> None:
    for actor, path in (
        (cast.therapist, f"/clients/{cast.client.id}"),
        (cast.therapist, "/assignments?limit=2"),
        (cast.therapist, f"/resources/{cast.things['linden.exercise']}"),
        (cast.client, f"/me/assignments/{cast.things['client.draft']}/response"),
        (cast.client, "/me/progress"),
    ):
        first = actor.get(path)
        tag = first.headers["ETag"]
        again = actor.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.get_data(), again.headers["ETag"]) == (304, b"", tag), path


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", '"other", {tag}', '{tag} , "other"', "*"])
def test_every_form_of_if_none_match_is_understood(form: str, cast: Cast) -> None:
    tag = cast.therapist.etag("/practice")
    assert cast.therapist.get("/practice", headers={"If-None-Match": form.format(tag=tag)}).status_code == 304


@pytest.mark.parametrize("tag", ['"0-0000000000000000"', "", "junk", '"1-"', "x" * 5000])
def test_another_tag_in_if_none_match_gets_the_whole_representation(tag: str, cast: Cast) -> None:
    assert cast.therapist.get("/practice", headers={"If-None-Match": tag}).status_code == 200


def test_a_tag_changes_with_what_is_shown_and_not_otherwise(cast: Cast) -> None:
    path = f"/assignments/{cast.things['client.draft']}"
    tag = cast.therapist.etag(path)
    assert cast.therapist.etag(path) == tag
    assert cast.therapist.etag(f"{path}?expand=client") != tag
    assert cast.therapist.patch(path, {"note": "New."}, tag).status_code == 200
    assert cast.therapist.etag(path) != tag


def test_a_tag_begins_with_the_version(cast: Cast) -> None:
    for path in ("/practice", f"/clients/{cast.client.id}", f"/resources/{cast.things['linden.exercise']}"):
        response = cast.therapist.get(path)
        assert response.headers["ETag"].startswith(f'"{response.get_json()["version"]}-'), path


def test_two_people_who_see_the_same_get_the_same_tag(cast: Cast) -> None:
    assert cast.therapist.etag("/practice") == cast.colleague.etag("/practice")


@pytest.mark.parametrize("form", ["{tag}", "W/{tag}", " {tag} "])
def test_a_change_is_accepted_with_the_etag_of_the_response(form: str, cast: Cast) -> None:
    tag = cast.owner.etag("/practice")
    assert cast.owner.patch("/practice", {"quiet_days": 20}, form.format(tag=tag)).status_code == 200


def test_only_the_version_part_of_the_tag_is_compared(cast: Cast) -> None:
    """Lateness, expansion and area change a representation without a version: they never block a change."""
    path = f"/assignments/{cast.things['client.draft']}"
    assert cast.therapist.patch(path, {"note": "New."}, cast.therapist.etag(f"{path}?expand=client")).status_code == 200


@pytest.mark.parametrize("form", ["*", '"other", {tag}', '{tag} , "other"', '"1-0000000000000000", W/{tag}'])
def test_a_change_is_made_where_any_of_the_tags_is_current(form: str, cast: Cast) -> None:
    """RFC 9110, section 13.1.1: `*` stands for whatever is current, a list for any of its tags."""
    assert cast.owner.patch("/practice", {"quiet_days": 20}, cast.owner.etag("/practice")).status_code == 200
    tag = cast.owner.etag("/practice")
    assert cast.owner.patch("/practice", {"quiet_days": 21}, form.format(tag=tag)).status_code == 200
    assert cast.owner.get("/practice").get_json()["quiet_days"] == 21


@pytest.mark.parametrize("tag", ['"1"', '"other"', '"x-0000000000000000"', 'W/"-1-0000000000000000"', '"a", "b"', '""'])
def test_a_tag_we_never_made_is_not_current(tag: str, cast: Cast) -> None:
    response = cast.owner.patch("/practice", {"quiet_days": 20}, tag)
    assert (response.status_code, response.get_json()["current"]["quiet_days"]) == (412, 14)
    assert response.headers["ETag"].startswith(f'"{response.get_json()["current"]["version"]}-')
    assert cast.owner.get("/practice").get_json()["quiet_days"] == 14


@pytest.mark.parametrize("sent", ["1", "", "3-0123456789abcdef", '"1" "2"', '"1",', "*, *", '* , "1"', 'w/"1"'])
def test_an_if_match_with_wrong_syntax_cannot_be_read(sent: str, cast: Cast) -> None:
    assert cast.owner.patch("/practice", {"quiet_days": 20}, sent).status_code == 400
    assert cast.owner.get("/practice").get_json()["quiet_days"] == 14


def test_an_asterisk_saves_answers_whatever_their_version(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.draft']}/response"
    for value in (1, 2):
        assert cast.client.patch(path, {"answers": [{"block": "before", "value": value}]}, "*").status_code == 200


def test_an_asterisk_opens_nothing_that_is_hidden(cast: Cast) -> None:
    assert cast.therapist.patch(f"/assignments/{cast.things['stranger.draft']}", {"note": "x"}, "*").status_code == 404


def test_a_change_goes_through_once_per_version(cast: Cast) -> None:
    tag = cast.owner.etag("/practice")
    assert cast.owner.patch("/practice", {"quiet_days": 20}, tag).status_code == 200
    assert cast.owner.patch("/practice", {"quiet_days": 30}, tag).status_code == 412
    assert cast.owner.get("/practice").get_json()["quiet_days"] == 20


def test_if_match_is_required_before_visibility_is_checked(cast: Cast) -> None:
    """A missing If-Match is the same for what is there, hidden and absent."""
    for thing in (cast.things["client.draft"], cast.things["stranger.draft"], new_id()):
        assert cast.therapist.patch(f"/assignments/{thing}", {"note": "x"}).status_code == 428


def test_acts_need_no_version(cast: Cast) -> None:
    assert cast.client.post(f"/me/assignments/{cast.things['client.draft']}/pause").status_code == 200
    assert cast.client.delete(f"/sessions/{cast.things['client.session']}").status_code == 204


def test_the_answer_to_a_change_carries_the_tag_of_what_stands_then(cast: Cast) -> None:
    changed = cast.owner.patch("/practice", {"quiet_days": 20}, cast.owner.etag("/practice"))
    assert changed.headers["ETag"] == cast.owner.etag("/practice")


def test_staffs_own_acts_never_move_a_version_the_client_works_on(cast: Cast) -> None:
    path = f"/me/assignments/{cast.things['client.draft']}/response"
    tag = cast.client.etag(path)
    theirs = f"/assignments/{cast.things['client.draft']}"
    assert cast.therapist.patch(theirs, {"note": "x"}, cast.therapist.etag(theirs)).status_code == 200
    assert cast.therapist.post(f"{theirs}/comments", {"body": "x"}).status_code == 201
    assert cast.client.patch(path, {"answers": [{"block": "before", "value": 1}]}, tag).status_code == 200
