"""A FHIR Questionnaire as a document, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portal.core.errors import Invalid
from portal.forms.definition.document import SCHEMA, parse
from portal.forms.fhir import extensions, items, scores
from portal.forms.fhir_elements import options
from portal.forms.fhir_elements.source import Source
from portal.forms.fhirpath import sums
from portal.forms.kinds import KINDS

Json = Mapping[str, Any]
MEMBERS = {"title": "title", "language": "language", "license": "copyright"}
ACTIVE: Json = {"resourceType": "Questionnaire", "status": "active", "subjectType": ["Patient"]}
"""Members of every questionnaire we write."""


def read(questionnaire: Json) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The document a questionnaire is; and the (linkId, member) pairs that are kept but cannot be used.

    `checks.problems` has nothing to say against it, and it is R4.
    """
    document: dict[str, Any] = {"schema": SCHEMA}
    for ours, theirs in MEMBERS.items():
        if isinstance(questionnaire.get(theirs), str) and questionnaire[theirs].strip():
            document[ours] = questionnaire[theirs]
    expressed = _read_extensions(questionnaire, document)
    totals = sums.variable_names(document.get("scores", ()))
    source = Source(questionnaire.get("contained", ()), types_of_items(questionnaire["item"]), totals)
    document["blocks"] = [items.read(item, source) for item in questionnaire["item"]]
    if "scores" in document:
        _drop_score_variables(document)
        expressed = {index: one for index, one in expressed.items() if one.name in document or one.name != "scores"}
    plain = _plain_resource(document)
    kept = {
        key: value
        for key, value in questionnaire.items()
        if key not in {"item", "extension"} and plain.get(key, _NOTHING) != value
    }
    if absent := [key for key in plain if key not in questionnaire and key != "extension"]:
        kept["absent"] = absent
    if "extension" in questionnaire:
        order = extensions.remembered_order(questionnaire["extension"], _extensions(document), expressed)
        if order is not None or not questionnaire["extension"]:
            kept["extension"] = order or []
    document["fhir"] = kept
    return document, source.unused


_NOTHING = object()


def _read_extensions(questionnaire: Json, document: dict[str, Any]) -> dict[int, extensions.PropertyExtension]:
    expressed: dict[int, extensions.PropertyExtension] = {}
    for index, extension in enumerate(questionnaire.get("extension", ())):
        for name, value in _read_extension(extension):
            document.setdefault(name, []).append(value)
            expressed[index] = extensions.PropertyExtension(name, value, extension)
    return expressed


def _drop_score_variables(document: dict[str, Any]) -> None:
    """Remove the variables that only compute the scores: they are written again with the scores."""
    try:
        score_variables = [
            {"name": name, "expression": expression}
            for one in _score_variables(document)
            for name, expression in one.variables
        ]
    except Invalid:
        del document["scores"]
        return
    document["variables"] = [one for one in document.get("variables", ()) if one not in score_variables]
    if not document["variables"]:
        del document["variables"]


def _read_extension(extension: Json) -> Iterator[tuple[str, Any]]:
    if (variable := extensions.value_of("variables", extension)) is not None:
        yield "variables", variable
    elif (score := scores.read(extension)) is not None:
        yield "scores", score


def write(document: Json) -> dict[str, Any]:
    """The questionnaire a document is; parts kept from an import are restored where they still apply."""
    plain, kept = _plain_resource(document), document.get("fhir", {})
    written = {key: value for key, value in plain.items() if key not in kept.get("absent", ())}
    written |= {
        key: value for key, value in kept.items() if key not in {"absent", "extension"} and not _is_modelled(key)
    }
    expressed = _extensions(document)
    if "extension" in kept:
        found = extensions.restore_order(kept["extension"], expressed, _reread_extension)
    else:
        found = [one.extension for one in expressed]
    if found or kept.get("extension") == []:
        written["extension"] = found
    totals = sums.variable_names(document.get("scores", ()))
    source = Source(kept.get("contained", ()), types_of_blocks(document["blocks"]), totals)
    written["item"] = [items.write(block, source) for block in document["blocks"]]
    return written


def _is_modelled(key: str) -> bool:
    """Whether the document has a member for it, which replaces what an import kept."""
    return key in MEMBERS.values()


def _plain_resource(document: Json) -> dict[str, Any]:
    plain = dict(ACTIVE)
    for ours, theirs in MEMBERS.items():
        if ours in document:
            plain[theirs] = document[ours]
    return plain


def _extensions(document: Json) -> list[extensions.PropertyExtension]:
    """Variables and scores; a score is written as variables too, so that other systems can compute it."""
    expressed = extensions.write_all({"variables": document.get("variables")}, {})
    if not document.get("scores"):
        return expressed
    for score, score_variables in zip(document["scores"], _score_variables(document), strict=True):
        variables = [{"name": name, "expression": expression} for name, expression in score_variables.variables]
        expressed += extensions.write_all({"variables": variables}, {})
        expressed.append(extensions.PropertyExtension("scores", score, scores.write(score)))
    return expressed


def _score_variables(document: Json) -> list[sums.ScoreExpression]:
    return sums.score_expressions(document["scores"], parse({**document, "fhir": {}}).blocks)


def _reread_extension(name: str, extension: Json) -> Any:
    return next((value for known, value in _read_extension(extension) if known == name), None)


# What can be referred to ------------------------------------------------------------------------------------------


def types_of_items(nested: Any) -> dict[str, Json]:
    """The type of each item and the values of its options, by linkId and by code."""
    found: dict[str, Json] = {}
    for item in nested:
        taken: dict[str, int] = {}
        read = [option for one in item.get("answerOption", ()) if (option := options.read(one, taken)) is not None]
        values = {option["code"]: options.value_of(option) for option in read}
        found[item["linkId"]] = {"type": item["type"], "values": values}
        found |= types_of_items(item.get("item", ()))
    return found


def types_of_blocks(nested: Any) -> dict[str, Json]:
    """The same for blocks."""
    found: dict[str, Json] = {}
    for block in nested:
        kind = KINDS[block["type"]]
        found[block["id"]] = {"type": kind.item_type(block), "values": kind.option_values(block)}
        found |= types_of_blocks(block.get("blocks", ()))
    return found
