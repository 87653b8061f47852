"""JavaScript programs can use every pattern and every name of the description as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal.http.examples import example_of
from tests.contracts.node import run_node
from tests.described import Spec, description

pytestmark = pytest.mark.engines("sqlite")

CHECK_PATTERNS = """
const patterns = JSON.parse(require("fs").readFileSync(0));
const wrong = patterns.filter(({ pattern, example }) => {
  try {
    return !new RegExp(pattern, "u").test(example);
  } catch {
    return true;
  }
});
console.log(JSON.stringify(wrong));
"""
GLOBALS = "console.log(JSON.stringify(Object.getOwnPropertyNames(globalThis)))"


def _patterns(spec: Spec, part: Any) -> Iterator[dict[str, Any]]:
    """Every schema of a text with a pattern, with its own example."""
    if isinstance(part, list):
        for each in part:
            yield from _patterns(spec, each)
    elif isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            example = example_of(part, spec)
            if example is not None or "null" not in part.get("type", ()):  # a pattern says nothing about null
                yield {"pattern": part["pattern"], "example": example}
        elif isinstance(part.get("schema"), dict) and "pattern" in part["schema"]:
            yield {
                "pattern": part["schema"]["pattern"],
                "example": part.get("example", example_of(part["schema"], spec)),
            }
            return
        for each in part.values():
            yield from _patterns(spec, each)


def test_every_pattern_compiles_in_unicode_mode_and_accepts_its_example(app: Flask, tmp_path: Path) -> None:
    spec = description(app)
    patterns = [*_patterns(spec, spec)]
    unique = [json.loads(text) for text in sorted({json.dumps(pattern) for pattern in patterns})]
    assert len(unique) > 10
    assert json.loads(run_node(tmp_path, "-e", CHECK_PATTERNS, stdin=json.dumps(unique))) == []


def test_a_pattern_of_pythons_own_is_noticed(tmp_path: Path) -> None:
    wrong = [{"pattern": r"^[A-Z]{2}\Z", "example": "DE"}, {"pattern": "^[a-z]+$", "example": "DE"}]
    assert json.loads(run_node(tmp_path, "-e", CHECK_PATTERNS, stdin=json.dumps(wrong))) == wrong


def test_no_component_has_the_name_of_a_javascript_global(app: Flask, tmp_path: Path) -> None:
    names = set(json.loads(run_node(tmp_path, "-e", GLOBALS)))
    assert {"Number", "Map", "Date", "Error", "Object", "Event", "Response"} <= names
    assert sorted(names & description(app)["components"]["schemas"].keys()) == []
