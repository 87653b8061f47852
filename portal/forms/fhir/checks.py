"""Why a Questionnaire cannot be imported, and what an import loses: each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portal.core.errors import Fault
from portal.core.wire import escape_pointer
from portal.forms.definition.document import MAX_DEPTH
from portal.forms.fhir_elements import options, urls
from portal.forms.fhir_elements.rendered_markdown import markdown_of
from portal.forms.kinds import ITEM_TYPES, patterns
from portal.forms.kinds.choice import MAX_OPTIONS
from portal.forms.kinds.schemas import MAX_BLOCKS, OPERATORS

Json = Mapping[str, Any]
MAX_JSON_DEPTH = 64
_UNPAIRED = re.compile("[\ud800-\udfff]")
MAX_NODES = 400_000
MAX_OPTIONS_IN_ALL = 20_000
MAX_CONDITIONS_IN_ALL = 5_000
MAX_MARKDOWN = 200_000
MAX_EXTENSIONS = 500
"""Of one item, or of the questionnaire itself."""
_STU3 = frozenset({"option", "options"})
_R5 = frozenset({"answerConstraint", "disabledDisplay"})


def size_problem(content: Any) -> Fault | None:
    """Why this is too deep or too large to look at, or None; found without recursion."""
    waiting: list[tuple[Any, int]] = [(content, 0)]
    nodes = 0
    while waiting:
        node, depth = waiting.pop()
        nodes += 1
        if depth > MAX_JSON_DEPTH:
            return Fault("too_deep", "This nests more than {max} deep. No form needs that.", max=MAX_JSON_DEPTH).at("#")
        if nodes > MAX_NODES:
            return Fault("too_large", "This holds more parts than any form does.").at("#")
        if isinstance(node, str) and _UNPAIRED.search(node):
            sentence = "A text here holds half a character (an unpaired surrogate). Export the file again."
            return Fault("unpaired_surrogate", sentence).at("#")
        inner = [*node, *node.values()] if isinstance(node, dict) else node if isinstance(node, list) else ()
        waiting.extend((one, depth + 1) for one in inner)
    return None


def walk_items(nested: Any, pointer: str = "#/item", depth: int = 1) -> Iterator[tuple[Json, str, int]]:
    """Every item with its pointer and depth, outermost first."""
    for index, item in enumerate(nested if isinstance(nested, list) else ()):
        place = f"{pointer}/{index}"
        yield item, place, depth
        if isinstance(item, dict) and depth <= MAX_DEPTH + 1:
            yield from walk_items(item.get("item"), f"{place}/item", depth + 1)


def version_of(questionnaire: Json) -> str:
    """STU3, R4 or R5, judged by the members it uses."""
    found = [item for item, _, _ in walk_items(questionnaire.get("item")) if isinstance(item, dict)]
    names_used = {name for item in found for name in item}
    if _STU3 & names_used or any(_is_of_stu3(condition) for item in found for condition in _list(item, "enableWhen")):
        return "STU3"
    of_r5 = _R5 & names_used or questionnaire.keys() & {"copyrightLabel", "versionAlgorithmString"}
    return "R5" if of_r5 or any(item.get("type") in ("coding", "question") for item in found) else "R4"


def _is_of_stu3(condition: Any) -> bool:
    return (
        isinstance(condition, dict)
        and "operator" not in condition
        and ("hasAnswer" in condition or bool(_answers(condition)))
    )


def _answers(condition: Json) -> list[str]:
    return [name for name in condition if name.startswith("answer")]


# Refusals ---------------------------------------------------------------------------------------------------------


MODIFIER = Fault("modifier_extension", "A modifier extension changes what the form means. It cannot be imported.")


def problems(questionnaire: Any) -> Iterator[Fault]:
    """Every reason to refuse a Questionnaire, each with its place."""
    if not isinstance(questionnaire, dict) or questionnaire.get("resourceType") != "Questionnaire":
        sentence = "This is not a FHIR Questionnaire. Send one, or a form of our own."
        yield Fault("not_a_questionnaire", sentence).at("#/resourceType")
        return
    if questionnaire.get("modifierExtension"):
        yield MODIFIER.at("#/modifierExtension")
    if not isinstance(questionnaire.get("item"), list) or not questionnaire["item"]:
        yield Fault("no_items", "This questionnaire has no items.").at("#/item")
        return
    if wrong := [*shape_problems(questionnaire, "#")] or [*_quantity_problems(questionnaire)]:
        yield from wrong
        return
    yield from _problems_of_items(questionnaire["item"])


def _problems_of_items(items: Any) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    conditions: list[tuple[str, Any]] = []
    for item, place, depth in walk_items(items):
        if depth > MAX_DEPTH:
            yield Fault("too_deep", "Items nest more than {max} deep here.", max=MAX_DEPTH).at(place)
            return
        yield from _problems_of(item, place, seen)
        conditions += [(f"{place}/enableWhen/{index}", one) for index, one in enumerate(_list(item, "enableWhen"))]
    for place, condition in conditions:
        yield from _problems_of_condition(condition, place, seen)


_OBJECTS = frozenset(
    {"compose", "expansion", "_text"}
    | {f"value{kind}" for kind in ("Coding", "CodeableConcept", "Expression", "Quantity", "Reference", "Attachment")}
    | {f"answer{kind}" for kind in ("Coding", "Quantity", "Reference")}
)
_LISTS = frozenset(
    {
        "answerOption",
        "coding",
        "concept",
        "contained",
        "contains",
        "enableWhen",
        "extension",
        "include",
        "initial",
        "item",
    }
)
_TEXTS = frozenset(
    {
        "linkId",
        "url",
        "system",
        "display",
        "language",
        "expression",
        "question",
        "operator",
        "unit",
        "definition",
        "prefix",
    }
    | {"answerValueSet", "answerString", "valueString", "valueCode", "valueMarkdown", "valueUri", "title", "copyright"}
)
_CODINGS = frozenset({"valueCoding", "answerCoding", "coding", "concept", "contains"})
_LOOKED_INTO = frozenset({"ValueSet", "CodeSystem"})


def shape_problems(node: Any, place: str, within: str = "") -> Iterator[Fault]:
    """The members whose JSON type is not FHIR's, wherever a form is read; `within` is the member that holds `node`."""
    if isinstance(node, list):
        for index, one in enumerate(node):
            yield from shape_problems(one, f"{place}/{index}", within)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        there = f"{place}/{escape_pointer(name)}"
        if name in _OBJECTS and not isinstance(value, dict):
            yield Fault("not_an_object", "This must be an object.").at(there)
        elif (name in _TEXTS or (name == "code" and within in _CODINGS)) and not isinstance(value, str):
            yield Fault("not_text", "This must be a text.").at(there)
        elif name in _LISTS and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
            yield Fault("not_a_list", "This must be a list of objects.").at(there)
        elif name == "contained":
            known = [one if one.get("resourceType") in _LOOKED_INTO else {} for one in value]
            yield from shape_problems(known, there, name)
        else:
            yield from shape_problems(value, there, name)


def _quantity_problems(questionnaire: Json) -> Iterator[Fault]:
    items = [item for item, _, _ in walk_items(questionnaire["item"])]
    counts = (
        ("#/item", "This has more than {max} items.", len(items), MAX_BLOCKS),
        ("#/item", "This has more than {max} options in all.", _total(items, "answerOption"), MAX_OPTIONS_IN_ALL),
        (
            "#/item",
            "This has more than {max} conditions in all. Use fewer enableWhen.",
            _total(items, "enableWhen"),
            MAX_CONDITIONS_IN_ALL,
        ),
        (
            "#/item",
            "This has more than {max} characters of Markdown in all.",
            sum(len(markdown_of(item) or "") for item in items),
            MAX_MARKDOWN,
        ),
        ("#/extension", TOO_MANY_EXTENSIONS, len(_list(questionnaire, "extension")), MAX_EXTENSIONS),
    )
    for pointer, sentence, count, limit in counts:
        if count > limit:
            yield Fault("too_many", sentence, max=limit).at(pointer)


TOO_MANY_EXTENSIONS = "This has more than {max} extensions."


def _total(items: Iterable[Json], name: str) -> int:
    return sum(len(_list(item, name)) for item in items)


def _list(holder: Json, name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _problems_of(item: Any, place: str, seen: dict[str, str]) -> Iterator[Fault]:
    link_id = item.get("linkId")
    if not isinstance(link_id, str) or not link_id.strip():
        yield Fault("no_link_id", "This item has no linkId.").at(f"{place}/linkId")
    elif link_id in seen:
        fault = Fault("duplicate_link_id", "Another item ({other}) has this linkId.", other=seen[link_id])
        yield fault.at(f"{place}/linkId")
    else:
        seen[link_id] = place
    if not isinstance(item.get("type"), str) or item["type"] not in ITEM_TYPES:
        types = ", ".join(sorted(ITEM_TYPES))
        yield Fault("unknown_type", "This is not an item type. Use one of: {types}.", types=types).at(f"{place}/type")
    if item.get("modifierExtension"):
        yield MODIFIER.at(f"{place}/modifierExtension")
    if len(_list(item, "extension")) > MAX_EXTENSIONS:
        yield Fault("too_many", TOO_MANY_EXTENSIONS, max=MAX_EXTENSIONS).at(f"{place}/extension")
    if not isinstance(item.get("text", ""), str):
        yield Fault("not_text", "This must be a text.").at(f"{place}/text")
    if not isinstance(item.get("code", []), list) or any(not isinstance(one, dict) for one in item.get("code", ())):
        yield Fault("not_a_list", "This must be a list of objects.").at(f"{place}/code")
    if len(_list(item, "answerOption")) > MAX_OPTIONS:
        fault = Fault("too_many", "This has more than {max} options.", max=MAX_OPTIONS)
        yield fault.at(f"{place}/answerOption")


def _problems_of_condition(condition: Any, place: str, seen: Json) -> Iterator[Fault]:
    if condition.get("question") not in seen:
        sentence = "No item has this linkId, so the condition can never be decided."
        yield Fault("unknown_link_id", sentence).at(f"{place}/question")
    if condition.get("operator") not in OPERATORS:
        fault = Fault("unknown_operator", "Use one of: {operators}.", operators=", ".join(OPERATORS))
        yield fault.at(f"{place}/operator")
    if len(_answers(condition)) != 1:
        yield Fault("answer_count", "A condition compares with exactly one answer.").at(place)


# Losses and notes ---------------------------------------------------------------------------------------------------


def losses(questionnaire: Json) -> Iterator[tuple[str, str]]:
    """What the form asks for and the portal does not do, as (place, sentence)."""
    contained = questionnaire.get("contained", ())
    yield from _losses_of_extensions(questionnaire, "#")
    for item, place, _ in walk_items(questionnaire["item"]):
        address = item.get("answerValueSet")
        if isinstance(address, str) and options.of_value_set(address, contained) is None:
            yield f"{place}/answerValueSet", "The external value set is not read: people answer in their own words."
        if item["type"] == "reference":
            yield f"{place}/type", "A reference item is answered in words: there are no records here to refer to."
        yield from _losses_of_extensions(item, place)
        yield from _losses_of_extensions(item.get("_text", {}), f"{place}/_text")


_LOST: Mapping[Any, str] = {
    urls.CORE + "cqf-expression": "The cqf-expression that would fill in these words is not evaluated.",
    urls.SDC + "answerExpression": "The answerExpression is not evaluated: the options are those that are listed.",
    urls.SDC + "candidateExpression": "The candidateExpression is not evaluated: nothing is proposed.",
    urls.CORE + "questionnaire-referenceResource": "There are no records here to refer to: this is answered in words.",
    urls.CORE + "questionnaire-unitValueSet": "The external value set of units is not read: the unit is written.",
    "gps-coordinate": "The position of a device is not read: gps-coordinate is left to be typed.",
}


def _losses_of_extensions(holder: Any, place: str) -> Iterator[tuple[str, str]]:
    for index, extension in enumerate(_list(holder, "extension") if isinstance(holder, dict) else ()):
        if not isinstance(extension, dict):
            continue
        where, url = f"{place}/extension/{index}", extension.get("url")
        if url in _LOST:
            yield where, _LOST[url]
        expression = extension.get("valueExpression")
        language = expression.get("language") if isinstance(expression, dict) else None
        if language == "application/x-fhir-query" and url != urls.SDC + "itemExtractionContext":
            yield where, "The x-fhir-query is not asked: there is no record of the patient here to ask."
        elif language in {"text/cql", "text/cql-identifier", "text/cql.identifier", "text/cql-expression"}:
            yield where, "The CQL expression is not evaluated."


def notes(questionnaire: Json) -> Iterator[tuple[str, str]]:
    """What is worth knowing although clients lose nothing, as (place, sentence)."""
    if "status" not in questionnaire:
        yield "#/status", "It had no status, so it is imported as a draft."
    repeated: list[str] = []
    for item, place, _ in walk_items(questionnaire["item"]):
        if item.get("repeats") is True and item.get("item"):
            repeated.append(f"{place}/")
        if "initial" in item and (f"{place}/" in repeated or place.startswith(tuple(repeated))):
            yield f"{place}/initial", "A row begins empty here, whatever it begins with elsewhere."
        if _costly_pattern(item):
            yield (
                place,
                "The pattern for this answer is kept, but not tried: it is not of the kind that can be tried safely.",
            )
        found = {extension.get("url") for extension in item.get("extension", ())}
        if urls.SDC + "initialExpression" in found:
            yield place, "What would be filled in from a record begins empty here."
        if urls.CORE + "questionnaire-constraint" in found:
            yield place, "The constraint is kept, but not checked when the form is sent in."
        if len(_list(item, "enableWhen")) > 1 and "enableBehavior" not in item:
            yield f"{place}/enableWhen", "It does not say whether all conditions are needed: one is taken to be enough."


def _costly_pattern(item: Json) -> bool:
    """Whether an item has a pattern that is refused here."""
    found = [one.get("valueString") for one in item.get("extension", ()) if one.get("url") == urls.REGEX]
    return any(isinstance(pattern, str) and patterns.pattern_error(pattern) for pattern in found)
