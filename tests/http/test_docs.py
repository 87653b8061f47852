"""The pages of the API description: everything of it is there to read, and nothing but HTML is sent."""

from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.described import Spec, description, resolved_answer

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def spec(app: Flask) -> Spec:
    return description(app)


def _get(app: Flask, path: str) -> TestResponse:
    with app.test_client() as asking:
        return asking.get(path)


def _text(page: TestResponse) -> str:
    words = re.sub(r"</?code>", "`", page.get_data(as_text=True))
    words = re.sub(r"<style.*?</style>|<[^>]+>", " ", words, flags=re.DOTALL)
    return " ".join(html.unescape(words).split())


def test_the_index_leads_to_every_operation_and_its_page_tells_all_of_it(app: Flask, spec: Spec) -> None:
    index = _get(app, "/api/docs").get_data(as_text=True)
    for path, item in spec["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            link = f"/api/docs/{operation['operationId']}"
            assert f'href="{link}"' in index, link
            shown = _text(_get(app, link))
            for word in (path, operation["summary"], operation["description"]):
                assert " ".join(word.split()) in shown, (link, word)
            for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
                assert parameter["name"] in shown, (link, parameter["name"])
            for status, answer in operation["responses"].items():
                assert f" {status} " in shown, (link, status)
                assert " ".join(resolved_answer(spec, answer)["description"].split()) in shown, (link, status)


def test_a_body_is_told_member_by_member_to_its_depths(app: Flask) -> None:
    shown = _text(_get(app, "/api/docs/save_response"))
    for member in ("answers", "answers[].block", "answers[].row", "rows[].removed", "current.progress.total"):
        assert f"` {member} `" in shown, member
    assert "If-Match" in shown
    assert "curl -X PATCH http://localhost/api/v1/me/assignments/01980c5e-7d2a-7c3b-9f10-0a1b2c3d4e5f/response" in shown


def test_the_pages_need_no_script_and_nothing_from_elsewhere(app: Flask) -> None:
    for path in ("/api/docs", "/api/docs/save_response"):
        page = _get(app, path)
        text = page.get_data(as_text=True)
        assert page.mimetype == "text/html"
        assert "<script" not in text
        assert " style=" not in text
        assert not re.search(r'(src|href)="(https?:)?//', text)
        nonce = re.search(r'<style nonce="([^"]+)"', text)
        assert nonce
        assert f"'nonce-{nonce[1]}'" in page.headers["Content-Security-Policy"]


def test_an_operation_that_does_not_exist_has_no_page(app: Flask) -> None:
    assert _get(app, "/api/docs/no_such_operation").status_code == 404
    assert _get(app, "/api/docs/").status_code == 404
