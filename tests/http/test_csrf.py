"""Bar 12: a form that did not come from a page of ours is refused, and what it named is untouched."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.access.table import TABLE, Row, filled, ids_of, prepared
from tests.cast import Cast
from tests.http.client import ask

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked

FORMS = [row for row in TABLE if row.form is not None]
HOST = "localhost"
FORGERIES: Mapping[str, Mapping[str, str]] = {
    "nothing says where it comes from": {},
    "another site": {"Origin": "https://evil.example"},
    "another site that looks alike": {"Origin": f"http://{HOST}.evil.example"},
    "another site with our name before its own": {"Origin": f"http://{HOST}@evil.example"},
    "another port": {"Origin": f"http://{HOST}:8080"},
    "a sandboxed or local page": {"Origin": "null"},
    "the browser says cross-site": {"Sec-Fetch-Site": "cross-site"},
    "the browser says cross-site and the origin is ours": {"Sec-Fetch-Site": "cross-site", "Origin": f"http://{HOST}"},
    "the browser says same-site": {"Sec-Fetch-Site": "same-site", "Origin": f"http://sub.{HOST}"},
    "the browser says none and nothing else": {"Sec-Fetch-Site": "none"},
    "only a referrer": {"Referer": f"http://{HOST}/setup"},
    "an empty origin": {"Origin": ""},
}
HONEST: Mapping[str, Mapping[str, str]] = {
    "origin": {"Origin": f"http://{HOST}"},
    "browser's word": {"Sec-Fetch-Site": "same-origin"},
    "both": {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{HOST}"},
}


def _send(row: Row, cast: Cast, headers: Mapping[str, str]) -> int:
    sent = filled(row.form, ids_of(cast))
    return ask(cast, row.method, row.path, data=sent, headers=dict(headers)).status_code


def test_every_form_of_every_page_is_tried(cast: Cast) -> None:
    unsafe = {
        (rule.rule, method)
        for rule in cast.app.url_map.iter_rules()
        if (area := cast.app.extensions["areas"].get(rule.endpoint.split(".")[0])) is not None and area.prefix is None
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    }
    assert unsafe == {(row.path, row.method) for row in FORMS}


@pytest.mark.parametrize("row", FORMS, ids=str)
def test_a_forged_form_is_refused_and_uses_nothing_up(row: Row, cast: Cast) -> None:
    prepared(row, cast)
    for forgery, headers in FORGERIES.items():
        assert _send(row, cast, headers) == 403, forgery
    assert _send(row, cast, HONEST["origin"]) == 303


@pytest.mark.parametrize("row", FORMS, ids=str)
@pytest.mark.parametrize("honest", HONEST)
def test_our_own_form_is_taken(row: Row, honest: str, cast: Cast) -> None:
    prepared(row, cast)
    assert _send(row, cast, HONEST[honest]) == 303


@pytest.mark.parametrize("row", FORMS, ids=str)
def test_a_page_of_ours_read_without_tls_cannot_send_to_the_one_with(row: Row, cast: Cast) -> None:
    """Whoever sits on the wire can write the http page; to the https one it is another site."""
    prepared(row, cast)
    sent = filled(row.form, ids_of(cast))
    response = ask(
        cast, row.method, row.path, data=sent, base_url=f"https://{HOST}", headers={"Origin": f"http://{HOST}"}
    )
    assert response.status_code == 403


@pytest.mark.parametrize("row", FORMS, ids=str)
def test_opening_a_page_ten_times_changes_nothing(row: Row, cast: Cast) -> None:
    prepared(row, cast)
    for _ in range(10):
        assert ask(cast, "GET", row.path, query_string={"token": cast.things["the.secret"]}).status_code == 200
        assert ask(cast, "HEAD", row.path).status_code == 200
    assert _send(row, cast, HONEST["origin"]) == 303


def test_a_secret_in_the_address_of_a_form_is_not_read(cast: Cast) -> None:
    """Addresses are logged by every proxy on the way."""
    row = FORMS[1]
    prepared(row, cast)
    sent = {**filled(row.form, ids_of(cast))}
    token = sent.pop("token")
    response = ask(cast, row.method, row.path, data=sent, query_string={"token": token}, headers=dict(HONEST["origin"]))
    assert response.status_code == 422


def test_json_is_no_way_around_a_form(cast: Cast) -> None:
    """What a page on another site can send without asking first: text, forms, parts."""
    row = FORMS[1]
    prepared(row, cast)
    sent = filled(row.form, ids_of(cast))
    for kind in ("application/json", "text/plain"):
        response = ask(
            cast, row.method, row.path, data=str(sent), content_type=kind, headers={"Origin": "https://evil.example"}
        )
        assert response.status_code == 403, kind
    assert _send(row, cast, HONEST["origin"]) == 303
