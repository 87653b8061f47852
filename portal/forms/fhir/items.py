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
"""Members of a block that are a member of an item with the same value."""


# Reading -----------------------------------------------------------------------------------------------------------


def read(item: Json, source: Source) -> dict[str, Any]:
    """The block an item is; what a block does not model is kept under `fhir`."""
    block, expressed = _read_block(item, source)
    children, members = _children(item, block), KINDS[block["type"]].schema.fields
    if children or ("item" in item and not item["item"]) or members["blocks"].required:
        block["blocks"] = [read(child, source) for child in children]
    if "default" in members and (default := initial.read(item.get("initial", ()), block)) is not None:
        block["default"] = default
    if residual := _residual(item, block, expressed, source):
        block["fhir"] = residual
    return block


def _children(item: Json, block: Json) -> Sequence[Json]:
    """The child items that are blocks: without the help and the items of the block's type."""
    children = item.get("item", [])
    own = own_children(block)
    return list(children[len(own) :]) if own and list(children[: len(own)]) == own else list(children)


def _read_block(item: Json, source: Source) -> tuple[dict[str, Any], dict[int, extensions.PropertyExtension]]:
    """The members that are modelled; and, by its index, the property each extension was read as.

    A member that would not validate (a refused pattern, an impossible length) is left in the item as it came.
    """
    omitted: set[str] = set()
    while True:
        block, expressed = _read_members(item, source, omitted)
        invalid = KINDS[block["type"]].schema.validate(block)
        wrong = {name for name in invalid if name in block and name not in {"id", "type"}}
        if not wrong - omitted:
            source.unused.extend((block["id"], name) for name in sorted(omitted))
            return block, expressed
        omitted |= wrong


def _read_members(
    item: Json, source: Source, omitted: set[str]
) -> tuple[dict[str, Any], dict[int, extensions.PropertyExtension]]:
    kind = kind_of_item(item)
    block: dict[str, Any] = {"id": item["linkId"], "type": kind.name}
    known = frozenset(kind.schema.fields) - omitted - {"id", "type", "blocks", "fhir", "help"}
    for ours, theirs in MEMBERS.items():
        if ours in known and theirs in item:
            block[ours] = item[theirs]
    if "multiple" in known and isinstance(item.get("repeats"), bool):
        block["multiple"] = item["repeats"]
    if "codes" in known and item.get("code"):
        block["codes"] = item["code"]
    expressed = _read_extensions(item, kind, block, known)
    kind.read_item(item, block, known, source)
    if "show_if" in known and item.get("enableWhen"):
        block["show_if"] = conditions.read(item, source.types)
    if "help" not in omitted and (text := help_of(item, block)) is not None:
        block["help"] = text
    return block, expressed


def _read_extensions(
    item: Json, kind: Kind, block: dict[str, Any], known: Collection[str]
) -> dict[int, extensions.PropertyExtension]:
    expressed: dict[int, extensions.PropertyExtension] = {}
    for index, extension in enumerate(item.get("extension", ())):
        if kind.is_marker(item, extension):
            expressed[index] = extensions.PropertyExtension(MARKER, None, extension)
            continue
        for one, value in extensions.values_in(extension, known.__contains__):
            if one.name == "widget" and kind.item_controls and value == kind.item_controls[0]:
                expressed[index] = extensions.PropertyExtension(CONTROL, value, extension)
            elif one.listed:
                block.setdefault(one.name, []).append(value)
            elif one.name in block:
                continue
            else:
                block[one.name] = value
            expressed.setdefault(index, extensions.PropertyExtension(one.name, value, extension))
            break
    return expressed


CONTROL, MARKER = "type", "reading"


# Writing -------------------------------------------------------------------------------------------------------


def write(block: Json, source: Source) -> dict[str, Any]:
    """The item a block is, with what was kept of where it came from, as long as it still says the same."""
    plain, kept = _plain_item(block, source), block.get("fhir", {})
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
        elif key not in RESTORED_SEPARATELY and (key not in plain or _is_same_initial(key, value, block)):
            item[key] = value
    if "extension" in kept:
        item["extension"] = extensions.restore_order(
            kept["extension"], _extensions(block, plain, source), extension_reader(block)
        )
    if children := [*own_children(block), *(write(child, source) for child in block.get("blocks", ()))]:
        item["item"] = children
    return item


RESTORED_SEPARATELY = frozenset({"absent", "extension", "_text"})
ABSENT_MEANS = {"enableBehavior": "any"}


def extension_reader(block: Json) -> Any:
    """What an extension that was kept says to this block."""

    def read_extension(name: str, extension: Json) -> Any:
        if name == CONTROL:
            controls, code = KINDS[block["type"]].item_controls, code_in(extension)
            return code if controls and code == controls[0] else None
        return extensions.value_of(name, extension)

    return read_extension


def _is_same_initial(key: str, value: Any, block: Json) -> bool:
    return key == "initial" and bool(initial.read(value, block) == block.get("default"))


def _plain_item(block: Json, source: Source) -> dict[str, Any]:
    """The item a block is by itself, without the blocks in it."""
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


def _extensions(block: Json, item: Json, source: Source) -> list[extensions.PropertyExtension]:
    kind = KINDS[block["type"]]
    found = []
    if kind.item_controls and block.get("widget") not in kind.item_controls:
        control = kind.item_controls[0]
        extension = item_control_extension(control, kind.item_control_system)
        found.append(extensions.PropertyExtension(CONTROL, control, extension))
    found += [extensions.PropertyExtension(MARKER, None, marker) for marker in kind.markers(block)]
    return [*found, *extensions.write_all(kind.expressed(block, source), item)]


def _residual(
    item: Json, block: Json, expressed: Mapping[int, extensions.PropertyExtension], source: Source
) -> dict[str, Any]:
    """What writing the block plainly would not say again, in the place where it stood."""
    plain = _plain_item(block, source)
    skipped = {"item", "extension"}
    left = {key: value for key, value in item.items() if key not in skipped and plain.get(key, _NOTHING) != value}
    if "_text" in left:
        left["_text"] = {"of": item.get("text"), "is": item["_text"]}
    if absent := [key for key in plain if key not in item and key not in skipped]:
        left["absent"] = absent
    if "extension" in item:
        order = extensions.remembered_order(
            item["extension"], _extensions(block, plain, source), _still_expressed(expressed, block)
        )
        if order is not None or not item["extension"]:
            left["extension"] = order or []
    if "item" in item and not item["item"]:
        left["item"] = []
    return left


_NOTHING = object()


def _still_expressed(
    expressed: Mapping[int, extensions.PropertyExtension], block: Json
) -> Mapping[int, extensions.PropertyExtension]:
    """The properties read from extensions that the block still has: an omitted one counts as not read."""
    own = {CONTROL, MARKER, *(["calculated"] if "score" in block else [])}
    return {index: one for index, one in expressed.items() if one.name in own or one.name in block}
