"""The starter library: plain files that a clinician can read and edit.

docs/library.md says how to edit one and what that does to running assignments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import yaml

from portal.forms.definition.document import SCHEMA as EXERCISE
from portal.forms.text.readings import SCHEMA as READING
from portal.library.locks import LOCKED
from portal.library.models import DESCRIBED, ResourceKind

FOLDER = Path(__file__).parent / "starter"
FORMS = ("exercises", "templates", "measures")
"""The folders of forms, in the order of the library."""
READING_PARTS = ("key_points", "check", "reflection", "talk", "talk_help", "talk_alerts")
FORM_PARTS = ("blocks", "scores")


@dataclass(frozen=True, slots=True)
class Starter:
    """One file: its stable key, a digest of its content, and the resource it becomes.

    `concepts` names the ideas that the text covers, each with its passage; docs/library.md maps them.
    """

    key: str
    digest: str
    kind: str
    description: Mapping[str, Any]
    document: Mapping[str, Any]
    concepts: Mapping[str, str]

    @property
    def locked(self) -> str | None:
        """Why it cannot be assigned yet, as a key of locks.REASONS."""
        return LOCKED.get(self.key)


@cache
def starters() -> Sequence[Starter]:
    """Every file of the starter library, readings first, in the order of their names."""
    readings = [_reading(path) for path in sorted(FOLDER.glob("readings/*.md"))]
    return [*readings, *(_form(path) for folder in FORMS for path in sorted(FOLDER.glob(f"{folder}/*.yaml")))]


def _reading(path: Path) -> Starter:
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    front = yaml.safe_load(head)
    document = {
        "schema": READING,
        "markdown": body.strip(),
        **{name: front[name] for name in READING_PARTS if name in front},
    }
    return _starter(ResourceKind.READING, front, document)


def _form(path: Path) -> Starter:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    document = {"schema": EXERCISE, **{name: content[name] for name in FORM_PARTS if name in content}}
    return _starter(ResourceKind(content.get("kind", ResourceKind.EXERCISE)), content, document)


def _starter(kind: ResourceKind, front: Mapping[str, Any], document: Mapping[str, Any]) -> Starter:
    description = {name: front[name] for name in DESCRIBED}
    content = orjson.dumps([kind, description, document], option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(content).hexdigest()
    return Starter(front["key"], digest, kind.value, description, document, front.get("concepts", {}))
