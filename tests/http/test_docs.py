"""The pages of the API documentation: Swagger UI and the guide, complete and offline under the content policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

pytestmark = pytest.mark.engines("sqlite")  # what the edge does before and after the database is asked

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"


def _get(app: Flask, path: str) -> TestResponse:
    with app.test_client() as client:
        return client.get(path)


def _policy(response: TestResponse) -> dict[str, str]:
    directives = response.headers["Content-Security-Policy"].split("; ")
    return {name: value for name, _, value in (directive.partition(" ") for directive in directives)}


def test_swagger_ui_loads_its_assets_and_the_description_from_here(app: Flask) -> None:
    page = _get(app, "/api/docs").get_data(as_text=True)
    loaded = re.findall(r'(?:src|href)="([^"]+)"|url: "([^"]+)"', page)
    paths = {path for pair in loaded for path in pair if path}
    assert paths == {
        "/api/docs/swagger-ui.css",
        "/api/docs/swagger-ui-bundle.js",
        "/api/guide",
        "/api/v1/openapi.json",
    }
    for path in paths:
        assert _get(app, path).status_code == 200, path
    assert b"SwaggerUIBundle" in _get(app, "/api/docs/swagger-ui-bundle.js").get_data()
    assert _get(app, "/api/docs/swagger-ui-bundle.js").mimetype == "text/javascript"
    assert _get(app, "/api/docs/swagger-ui.css").mimetype == "text/css"


def test_only_swagger_ui_may_draw_images_from_data_addresses_and_nothing_else_is_loosened(app: Flask) -> None:
    reference, plain = _policy(_get(app, "/api/docs")), _policy(_get(app, "/setup"))
    assert reference.pop("img-src") == "'self' data:"
    assert plain.pop("img-src") == "'self'"
    nonces = [re.sub(r"nonce-[\w-]+", "nonce", str(sorted(policy.items()))) for policy in (reference, plain)]
    assert nonces[0] == nonces[1]
    for path in ("/api/guide", "/api/docs/swagger-ui-bundle.js", "/api/docs/", "/api/v1/openapi.json", "/api/docsx"):
        assert "data:" not in _get(app, path).headers["Content-Security-Policy"], path


def test_every_script_and_style_of_swagger_ui_carries_the_nonce(app: Flask) -> None:
    response = _get(app, "/api/docs")
    nonce = re.findall(r"nonce-([\w-]+)", response.headers["Content-Security-Policy"])[0]
    tags = re.findall(r"<(?:script|style|link)\b[^>]*>", response.get_data(as_text=True))
    assert len(tags) == 4
    assert all(f'nonce="{nonce}"' in tag for tag in tags)


@pytest.mark.parametrize("name", ["", "index.html", "oauth2-redirect.html", "../requirements.txt", "no_such_operation"])
def test_no_other_file_is_served_beside_swagger_ui(name: str, app: Flask) -> None:
    assert _get(app, f"/api/docs/{name}").status_code == 404


def test_the_guide_has_every_section_with_an_anchor_and_every_block(app: Flask) -> None:
    page = _get(app, "/api/guide").get_data(as_text=True)
    source = re.sub(r"```.*?```", "", GUIDE.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^(#+) (.+)$", source, re.MULTILINE)
    assert headings
    for marks, words in headings:
        anchor = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
        assert f'<h{len(marks)} id="{anchor}">' in page, words
    assert page.count('<pre><code class="language-sh">') == GUIDE.read_text().count("```sh")
    assert "<table>" in page


def test_the_guide_leads_to_the_reference_and_every_link_of_it_somewhere(app: Flask) -> None:
    page = _get(app, "/api/guide").get_data(as_text=True)
    links = set(re.findall(r'href="([^"]+)"', page))
    assert {"/api/docs", "/api/v1/openapi.json"} <= links
    for link in links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in page, link
        elif link.startswith("/"):
            assert _get(app, link).status_code == 200, link
    assert not re.search(r'(?:src|action)="', page)
