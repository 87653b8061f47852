"""A FHIR Questionnaire as a document, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portal.core.errors import Invalid
from portal.forms.definition.document import SCHEMA, parse
from portal.forms.fhir import extensions, item_types, items, options, scores
from portal.forms.fhir.items import Source
from portal.forms.fhirpath import sums

Json = Mapping[str, Any]
MEMBERS = {"title": "title", "language": "language", "license": "copyright"}
ACTIVE: Json = {"resourceType": "Questionnaire", "status": "active", "subjectType": ["Patient"]}
"""What every questionnaire of our own says of itself."""


def read(questionnaire: Json) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The document a questionnaire is; and what of it is kept but cannot be used: linkIds and properties.

    `checks.problems` has nothing to say against it, and it is R4.
    """
    document: dict[str, Any] = {"schema": SCHEMA}
    for ours, theirs in MEMBERS.items():
        if isinstance(questionnaire.get(theirs), str) and questionnaire[theirs].strip():
            document[ours] = questionnaire[theirs]
    said = _read_extensions(questionnaire, document)
    totals = sums.variable_names(document.get("scores", ()))
    source = Source(questionnaire.get("contained", ()), types_of_items(questionnaire["item"]), totals)
    document["blocks"] = [items.read(item, source) for item in questionnaire["item"]]
    if "scores" in document:
        _leave_out_counted(document)
        said = {index: one for index, one in said.items() if one.name in document or one.name != "scores"}
    plain = _written(document)
    kept = {
        key: value
        for key, value in questionnaire.items()
        if key not in {"item", "extension"} and plain.get(key, _NOTHING) != value
    }
    if absent := [key for key in plain if key not in questionnaire and key != "extension"]:
        kept["absent"] = absent
    if "extension" in questionnaire:
        order = extensions.kept_order(questionnaire["extension"], _extensions(document), said)
        if order is not None or not questionnaire["extension"]:
            kept["extension"] = order or []
    document["fhir"] = kept
    return document, source.unused


_NOTHING = object()


def _read_extensions(questionnaire: Json, document: dict[str, Any]) -> dict[int, extensions.Written]:
    said: dict[int, extensions.Written] = {}
    for index, extension in enumerate(questionnaire.get("extension", ())):
        for name, value in _said(extension):
            document.setdefault(name, []).append(value)
            said[index] = extensions.Written(name, value, extension)
    return said


def _leave_out_counted(document: dict[str, Any]) -> None:
    """Take away the variables that only count the scores: they are written anew with them."""
    try:
        counted = [{"name": name, "expression": said} for one in _counted(document) for name, said in one.variables]
    except Invalid:
        del document["scores"]
        return
    document["variables"] = [one for one in document.get("variables", ()) if one not in counted]
    if not document["variables"]:
        del document["variables"]


def _said(extension: Json) -> Iterator[tuple[str, Any]]:
    if (variable := extensions.reading_of("variables", extension)) is not None:
        yield "variables", variable
    elif (score := scores.read(extension)) is not None:
        yield "scores", score


def write(document: Json) -> dict[str, Any]:
    """The questionnaire a document is: what was kept of where it came from, as long as it still says the same."""
    plain, kept = _written(document), document.get("fhir", {})
    written = {key: value for key, value in plain.items() if key not in kept.get("absent", ())}
    written |= {key: value for key, value in kept.items() if key not in {"absent", "extension"} and not _is_ours(key)}
    said = _extensions(document)
    if "extension" in kept:
        found = extensions.restored(kept["extension"], said, _said_again)
    else:
        found = [one.extension for one in said]
    if found or kept.get("extension") == []:
        written["extension"] = found
    totals = sums.variable_names(document.get("scores", ()))
    source = Source(kept.get("contained", ()), types_of_blocks(document["blocks"]), totals)
    written["item"] = [items.write(block, source) for block in document["blocks"]]
    return written


def _is_ours(key: str) -> bool:
    """Whether the document itself says this member; one that was kept is an older word for it."""
    return key in MEMBERS.values()


def _written(document: Json) -> dict[str, Any]:
    plain = dict(ACTIVE)
    for ours, theirs in MEMBERS.items():
        if ours in document:
            plain[theirs] = document[ours]
    return plain


def _extensions(document: Json) -> list[extensions.Written]:
    """Variables and scores; a score is written as variables too, so that others can count it."""
    said = extensions.written({"variables": document.get("variables")}, {})
    if not document.get("scores"):
        return said
    for score, counted in zip(document["scores"], _counted(document), strict=True):
        variables = [{"name": name, "expression": expression} for name, expression in counted.variables]
        said += extensions.written({"variables": variables}, {})
        said.append(extensions.Written("scores", score, scores.write(score)))
    return said


def _counted(document: Json) -> list[sums.ScoreExpression]:
    return sums.score_expressions(document["scores"], parse({**document, "fhir": {}}).blocks)


def _said_again(name: str, extension: Json) -> Any:
    return next((value for known, value in _said(extension) if known == name), None)


# What can be referred to ------------------------------------------------------------------------------------------


def types_of_items(nested: Any) -> dict[str, Json]:
    """Each item's type and, of a choice, the values of its options by code."""
    found: dict[str, Json] = {}
    for item in nested:
        taken: dict[str, int] = {}
        read = [option for one in item.get("answerOption", ()) if (option := options.read(one, taken)) is not None]
        found[item["linkId"]] = _asked(item["type"], read)
        found |= types_of_items(item.get("item", ()))
    return found


def types_of_blocks(nested: Any) -> dict[str, Json]:
    """The same of blocks."""
    found: dict[str, Json] = {}
    for block in nested:
        found[block["id"]] = _asked(item_types.item_type(block), block.get("options", ()))
        found |= types_of_blocks(block.get("blocks", ()))
    return found


def _asked(kind: str, found: Any) -> Json:
    return {"type": kind, "values": {option["code"]: options.value_of(option) for option in found}}
