"""One item of a FHIR R4 Questionnaire as one block, and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portal.forms.fhir import conditions, extensions, initial
from portal.forms.fhir.help_items import help_of, own_children
from portal.forms.fhir_elements.controls import code_in, item_control_extension
from portal.forms.fhir_elements.rendered_markdown import markdown_of
from portal.forms.fhir_elements.source import Source
from portal.forms.kinds import KINDS, kind_of_item
from portal.forms.kinds.base import Kind

Json = Mapping[str, Any]
MEMBERS = {
    "label": "text",
    "number": "prefix",
    "required": "required",
    "read_only": "readOnly",
    "max_length": "maxLength",
}
"""Properties that are a member of an item, as they stand."""


# Reading -----------------------------------------------------------------------------------------------------------


def read(item: Json, source: Source) -> dict[str, Any]:
    """The block an item is, with all it says that a block does not model kept under `fhir`."""
    block, said = _read_modelled(item, source)
    children, members = _children(item, block), KINDS[block["type"]].schema.fields
    if children or ("item" in item and not item["item"]) or members["blocks"].required:
        block["blocks"] = [read(child, source) for child in children]
    if "default" in members and (default := initial.read(item.get("initial", ()), block)) is not None:
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
        invalid = KINDS[block["type"]].schema.validate(block)
        wrong = {name for name in invalid if name in block and name not in {"id", "type"}}
        if not wrong - without:
            source.unused.extend((block["id"], name) for name in sorted(without))
            return block, said
        without |= wrong


def _read_with(item: Json, source: Source, without: set[str]) -> tuple[dict[str, Any], dict[int, extensions.Written]]:
    kind = kind_of_item(item)
    block: dict[str, Any] = {"id": item["linkId"], "type": kind.name}
    known = frozenset(kind.schema.fields) - without - {"id", "type", "blocks", "fhir", "help"}
    for ours, theirs in MEMBERS.items():
        if ours in known and theirs in item:
            block[ours] = item[theirs]
    if "multiple" in known and isinstance(item.get("repeats"), bool):
        block["multiple"] = item["repeats"]
    if "codes" in known and item.get("code"):
        block["codes"] = item["code"]
    said = _read_extensions(item, kind, block, known)
    kind.read_item(item, block, known, source)
    if "show_if" in known and item.get("enableWhen"):
        block["show_if"] = conditions.read(item, source.types)
    if "help" not in without and (text := help_of(item, block)) is not None:
        block["help"] = text
    return block, said


def _read_extensions(
    item: Json, kind: Kind, block: dict[str, Any], known: Collection[str]
) -> dict[int, extensions.Written]:
    said: dict[int, extensions.Written] = {}
    for index, extension in enumerate(item.get("extension", ())):
        if kind.is_marker(item, extension):
            said[index] = extensions.Written(MARKER, None, extension)
            continue
        for one, value in extensions.readings(extension, known.__contains__):
            if one.name == "widget" and kind.item_controls and value == kind.item_controls[0]:
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


CONTROL, MARKER = "type", "reading"


# Writing -------------------------------------------------------------------------------------------------------


def write(block: Json, source: Source) -> dict[str, Any]:
    """The item a block is, with what was kept of where it came from, as long as it still says the same."""
    plain, kept = _written(block, source), block.get("fhir", {})
    item = dict(plain)
    for key in kept.get("absent", ()):
        if key in item and item[key] == ABSENT_MEANS.get(key, item[key]):
            del item[key]
    for key, value in kept.items():
        if (
            key == "_text"
            and value["of"] == plain.get("text")
            and markdown_of({key: value["is"]}) == markdown_of(plain)
        ):
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
            controls, code = KINDS[block["type"]].item_controls, code_in(extension)
            return code if controls and code == controls[0] else None
        return extensions.reading_of(name, extension)

    return read_again


def _says_same(key: str, value: Any, block: Json) -> bool:
    return key == "initial" and bool(initial.read(value, block) == block.get("default"))


def _written(block: Json, source: Source) -> dict[str, Any]:
    """The plainest item that says what the block says; without the blocks in it."""
    kind = KINDS[block["type"]]
    item: dict[str, Any] = {"linkId": block["id"], "type": kind.item_type(block)}
    item |= {theirs: block[ours] for ours, theirs in MEMBERS.items() if ours in block}
    if "multiple" in block:
        item["repeats"] = block["multiple"]
    if "codes" in block:
        item["code"] = block["codes"]
    if "show_if" in block:
        item |= conditions.write(block["show_if"], source.types)
    if "default" in block:
        item["initial"] = initial.write(block["default"], block)
    item |= kind.item_members(block, source)
    if found := _extensions(block, item, source):
        item["extension"] = [one.extension for one in found]
    return item


def _extensions(block: Json, item: Json, source: Source) -> list[extensions.Written]:
    kind = KINDS[block["type"]]
    found = []
    if kind.item_controls and block.get("widget") not in kind.item_controls:
        control = kind.item_controls[0]
        extension = item_control_extension(control, kind.item_control_system)
        found.append(extensions.Written(CONTROL, control, extension))
    found += [extensions.Written(MARKER, None, marker) for marker in kind.markers(block)]
    return [*found, *extensions.written(kind.expressed(block, source), item)]


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
    own = {CONTROL, MARKER, *(["calculated"] if "score" in block else [])}
    return {index: one for index, one in said.items() if one.name in own or one.name in block}
