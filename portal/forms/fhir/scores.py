"""A declared score as an extension of ours, which keeps every part of it, beside the FHIRPath others can count with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.core import decimal_json
from portal.forms.definition.scores import ScoreSchema
from portal.forms.fhir_elements import urls

Json = Mapping[str, Any]
_score = ScoreSchema()


def read(extension: Json) -> dict[str, Any] | None:
    """The score an extension says, or None."""
    if extension.get("url") != urls.SCORE or not isinstance(extension.get("valueString"), str):
        return None
    try:
        score = decimal_json.loads(extension["valueString"])
    except (ValueError, RecursionError):
        return None
    return score if isinstance(score, dict) and not _score.validate(score) and write(score) == extension else None


def write(score: Json) -> Json:
    return {"url": urls.SCORE, "valueString": decimal_json.dumps(score).decode()}
