"""The starter library: plain files a clinician can read and edit, turned into resources of a practice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from portal.library.forms.document import SCHEMA as EXERCISE
from portal.library.forms.reading import SCHEMA as READING
from portal.library.models import DESCRIBED

FOLDER = Path(__file__).parent / "starter"
READING_PARTS = ("key_points", "check", "reflection", "talk")


@dataclass(frozen=True, slots=True)
class Starter:
    """One file: its stable key, a digest of what it says, and what it makes."""

    key: str
    digest: str
    kind: str
    description: Mapping[str, Any]
    document: Mapping[str, Any]


@cache
def starters() -> Sequence[Starter]:
    """Every file of the starter library, readings first, in the order of their names."""
    readings = [_reading(path) for path in sorted(FOLDER.glob("readings/*.md"))]
    exercises = [_exercise(path) for path in sorted(FOLDER.glob("exercises/*.yaml"))]
    return [*readings, *exercises]


def _reading(path: Path) -> Starter:
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    front = yaml.safe_load(head)
    document = {
        "schema": READING,
        "markdown": body.strip(),
        **{name: front[name] for name in READING_PARTS if name in front},
    }
    return _starter("reading", front, document)


def _exercise(path: Path) -> Starter:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return _starter("exercise", content, {"schema": EXERCISE, "blocks": content["blocks"]})


def _starter(kind: str, front: Mapping[str, Any], document: Mapping[str, Any]) -> Starter:
    description = {name: front[name] for name in DESCRIBED}
    said = orjson.dumps([kind, description, document], option=orjson.OPT_SORT_KEYS)
    return Starter(front["key"], hashlib.sha256(said).hexdigest(), kind, description, document)
