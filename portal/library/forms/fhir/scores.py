"""A declared score as an extension of ours, which keeps every part of it, beside the FHIRPath others can count with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.core import exact
from portal.library.forms.fhir import names
from portal.library.forms.scores import ScoreSchema

Json = Mapping[str, Any]
_score = ScoreSchema()


def read(extension: Json) -> dict[str, Any] | None:
    """The score an extension says, or None."""
    if extension.get("url") != names.SCORE or not isinstance(extension.get("valueString"), str):
        return None
    try:
        score = exact.read(extension["valueString"])
    except (ValueError, RecursionError):
        return None
    return score if isinstance(score, dict) and not _score.validate(score) and write(score) == extension else None


def write(score: Json) -> Json:
    return {"url": names.SCORE, "valueString": exact.written(score).decode()}
