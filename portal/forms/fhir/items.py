"""One item of a FHIR R4 Questionnaire as one block, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.forms.definition.blocks import TYPES
from portal.forms.fhir import conditions, extensions, initial
from portal.forms.fhir.help_items import READ_ONCE, help_of, own_children, with_words, words_of
from portal.forms.fhir.item_types import GRIDS, PAGES, PLAINLY, item_type, type_of
from portal.forms.fhir_elements import options
from portal.forms.fhir_elements.plain_text import as_plain

Json = Mapping[str, Any]
MEMBERS = {
    "label": "text",
    "number": "prefix",
    "required": "required",
    "read_only": "readOnly",
    "max_length": "maxLength",
}
"""Properties that are a member of an item, as they stand."""


@dataclass(frozen=True, slots=True)
class Source:
    """What an item can refer to: the resources contained in its questionnaire, and each item's type by linkId."""

    contained: Sequence[Json]
    types: Mapping[str, Json]
    totals: Mapping[str, str] = field(default_factory=dict)
    """The variable that counts each declared score, by its id."""
    unused: list[tuple[str, str]] = field(default_factory=list)
    """What was read but cannot be used as it is: the linkId and the property."""


# Reading -----------------------------------------------------------------------------------------------------------


def read(item: Json, source: Source) -> dict[str, Any]:
    """The block an item is, with all it says that a block does not model kept under `fhir`."""
    block, said = _read_modelled(item, source)
    children = _children(item, block)
    if children or ("item" in item and not item["item"]) or block["type"] in {"section", "page", "grid", "log"}:
        block["blocks"] = [read(child, source) for child in children]
    takes_default = "default" in TYPES[block["type"]].fields
    if takes_default and (default := initial.read(item.get("initial", ()), block)) is not None:
        block["default"] = default
    if residual := _left_over(item, block, said, source):
        block["fhir"] = residual
    return block


def _children(item: Json, block: Json) -> Sequence[Json]:
    """The items that are blocks of their own: without the help, and without what makes a reading one."""
    children = item.get("item", [])
    own = own_children(block)
    return list(children[len(own) :]) if own and list(children[: len(own)]) == own else list(children)


def _read_modelled(item: Json, source: Source) -> tuple[dict[str, Any], dict[int, extensions.Written]]:
    """The properties that are modelled; and, by its index, what each extension said.

    What would not be a block of ours (a pattern too costly to try, a length nobody can have) is left as it came.
    """
    without: set[str] = set()
    while True:
        block, said = _read_with(item, source, without)
        wrong = {name for name in TYPES[block["type"]].validate(block) if name in block and name not in {"id", "type"}}
        if not wrong - without:
            source.unused.extend((block["id"], name) for name in sorted(without))
            return block, said
        without |= wrong


def _read_with(item: Json, source: Source, without: set[str]) -> tuple[dict[str, Any], dict[int, extensions.Written]]:
    kind = type_of(item)
    block: dict[str, Any] = {"id": item["linkId"], "type": kind}
    known = TYPES[kind].fields.keys() - without - {"id", "type", "blocks", "fhir", "help"}
    for ours, theirs in MEMBERS.items():
        if ours in known and theirs in item and not (kind == "score" and ours == "read_only"):
            block[ours] = item[theirs]
    if "multiple" in known and isinstance(item.get("repeats"), bool):
        block["multiple"] = item["repeats"]
    if "codes" in known and item.get("code"):
        block["codes"] = item["code"]
    said = _read_extensions(item, block, known)
    _read_number(item, block, source)
    if kind == "choice":
        _read_options(item, block, known, source)
    if "show_if" in known and item.get("enableWhen"):
        block["show_if"] = conditions.read(item, source.types)
    _read_words(item, block, without)
    return block, said


def _read_words(item: Json, block: dict[str, Any], without: set[str]) -> None:
    words = words_of(item["item"][0] if block["type"] == "reading" else item)
    if block["type"] in {"text", "reading"} and words is not None:
        block["markdown"] = words
    if block["type"] == "text" and words is not None and block.get("label") == as_plain(words):
        del block["label"]
    if (text := help_of(item)) is not None and "help" not in without:
        block["help"] = text


def _read_extensions(item: Json, block: dict[str, Any], known: Collection[str]) -> dict[int, extensions.Written]:
    said: dict[int, extensions.Written] = {}
    for index, extension in enumerate(item.get("extension", ())):
        if block["type"] == "reading" and extension == READ_ONCE:
            said[index] = extensions.Written(READING, None, extension)
            continue
        for one, value in extensions.readings(extension, known.__contains__):
            if one.name == "widget" and value == PLAINLY.get(block["type"]):
                said[index] = extensions.Written(CONTROL, value, extension)
            elif one.listed:
                block.setdefault(one.name, []).append(value)
            elif one.name in block:
                continue
            else:
                block[one.name] = value
            said.setdefault(index, extensions.Written(one.name, value, extension))
            break
    return said


CONTROL, READING = "type", "reading"


def _read_number(item: Json, block: dict[str, Any], source: Source) -> None:
    """Decimals of a number, and what a result is a result in."""
    kind = block["type"]
    if kind == "number" and item["type"] == "decimal":
        block.setdefault("decimals", None)
    elif kind == "number":
        block.pop("decimals", None)
    if kind == "score" and item["type"] != "decimal":
        block["answer"] = item["type"]
    if kind == "score" and "score" in block:
        total = _total(block["score"], source)
        block.pop("calculated" if block.setdefault("calculated", total) == total else "score")


def _read_options(item: Json, block: dict[str, Any], known: Collection[str], source: Source) -> None:
    if item["type"] == "open-choice":
        block["other"] = True
    if item.get("answerValueSet"):
        block["options_from"] = item["answerValueSet"]
    if "options" not in known:
        return
    taken: dict[str, int] = {}
    found = [option for one in item.get("answerOption", ()) if (option := options.read(one, taken)) is not None]
    if not found and "options_from" in block:
        found = options.of_value_set(block["options_from"], source.contained) or []
    if found:
        block["options"] = found


# Writing -------------------------------------------------------------------------------------------------------


def write(block: Json, source: Source) -> dict[str, Any]:
    """The item a block is, with what was kept of where it came from, as long as it still says the same."""
    plain, kept = _written(block, source), block.get("fhir", {})
    item = dict(plain)
    for key in kept.get("absent", ()):
        if key in item and item[key] == ABSENT_MEANS.get(key, item[key]):
            del item[key]
    for key, value in kept.items():
        if key == "_text" and value["of"] == plain.get("text") and words_of({key: value["is"]}) == words_of(plain):
            item[key] = value["is"]
        elif key not in WEIGHED and (key not in plain or _says_same(key, value, block)):
            item[key] = value
    if "extension" in kept:
        item["extension"] = extensions.restored(
            kept["extension"], _extensions(block, plain, source), extensions_reading(block)
        )
    if children := [*own_children(block), *(write(child, source) for child in block.get("blocks", ()))]:
        item["item"] = children
    return item


WEIGHED = frozenset({"absent", "extension", "_text"})
ABSENT_MEANS = {"enableBehavior": "any"}


def extensions_reading(block: Json) -> Any:
    """What an extension that was kept says to this block."""

    def read_again(name: str, extension: Json) -> Any:
        if name == CONTROL:
            control = extensions.code_in(extension)
            return PLAINLY[block["type"]] if PLAINLY.get(block["type"]) == control else None
        return extensions.reading_of(name, extension)

    return read_again


def _says_same(key: str, value: Any, block: Json) -> bool:
    return key == "initial" and bool(initial.read(value, block) == block.get("default"))


def _written(block: Json, source: Source) -> dict[str, Any]:
    """The plainest item that says what the block says; without the blocks in it."""
    item: dict[str, Any] = {"linkId": block["id"], "type": item_type(block)}
    item |= {theirs: block[ours] for ours, theirs in MEMBERS.items() if ours in block}
    if block["type"] == "log" or "multiple" in block:
        item["repeats"] = block["type"] == "log" or block["multiple"]
    if block["type"] == "score":
        item["readOnly"] = True
    if "codes" in block:
        item["code"] = block["codes"]
    if block["type"] == "text" and "markdown" in block:
        item = {"text": as_plain(block["markdown"]), **item, **with_words(block["markdown"])}
    if "show_if" in block:
        item |= conditions.write(block["show_if"], source.types)
    if "default" in block:
        item["initial"] = initial.write(block["default"], block)
    item |= _answer_options(block, source)
    if found := _extensions(block, item, source):
        item["extension"] = [one.extension for one in found]
    return item


def _extensions(block: Json, item: Json, source: Source) -> list[extensions.Written]:
    kind = block["type"]
    found = []
    if kind in PLAINLY and block.get("widget") not in PAGES | GRIDS:
        control = PLAINLY[kind]
        found.append(extensions.Written(CONTROL, control, extensions.WIDGET.write(control, item)))
    if kind == "reading":
        found.append(extensions.Written(READING, None, READ_ONCE))
    shows = block.get("score") if kind == "score" else None
    said = block if shows is None else {**block, "calculated": _total(shows, source)}
    return [*found, *extensions.written(said, item)]


def _total(score: str, source: Source) -> str:
    """The expression that shows a declared score."""
    return f"%{source.totals.get(score, score)}"


def _answer_options(block: Json, source: Source) -> Json:
    if block["type"] != "choice":
        return {}
    from_elsewhere = block.get("options_from")
    if from_elsewhere is not None and (
        "options" not in block or options.of_value_set(from_elsewhere, source.contained) == block["options"]
    ):
        return {"answerValueSet": from_elsewhere}
    return {"answerOption": [options.put_back(option) for option in block.get("options", ())]}


def _left_over(item: Json, block: Json, said: Mapping[int, extensions.Written], source: Source) -> dict[str, Any]:
    """What writing the block plainly would not say again, in the place where it stood."""
    plain = _written(block, source)
    skipped = {"item", "extension"}
    left = {key: value for key, value in item.items() if key not in skipped and plain.get(key, _NOTHING) != value}
    if "_text" in left:
        left["_text"] = {"of": item.get("text"), "is": item["_text"]}
    if absent := [key for key in plain if key not in item and key not in skipped]:
        left["absent"] = absent
    if "extension" in item:
        order = extensions.kept_order(item["extension"], _extensions(block, plain, source), _by_name(said, block))
        if order is not None or not item["extension"]:
            left["extension"] = order or []
    if "item" in item and not item["item"]:
        left["item"] = []
    return left


_NOTHING = object()


def _by_name(said: Mapping[int, extensions.Written], block: Json) -> Mapping[int, extensions.Written]:
    """What the extensions said that the block still has: a property that was left out is as if it had not been read."""
    own = {CONTROL, READING, *(["calculated"] if "score" in block else [])}
    return {index: one for index, one in said.items() if one.name in own or one.name in block}
