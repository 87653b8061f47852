"""A form: a document's blocks, checked as a whole and laid out for answering.

A document is `{"schema": "portal.exercise/1", "blocks": [...]}`, with variables and scores where it counts something.
Parsing is strict about what authors write, so that answering can rely on it. A document that came from elsewhere
keeps under `fhir` what is not modelled here; its ids, words and conditions are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from marshmallow import fields, validate

from portal.core import decimal_json
from portal.core.errors import Fault, Faults
from portal.core.wire import Line, Text, WireSchema, faults_from
from portal.forms.answering import values
from portal.forms.definition.blocks import (
    BLOCK_ID,
    DEEPEST,
    MOST_BLOCKS,
    MOST_OPTIONS,
    TYPES,
    Block,
    Number,
    VariableSchema,
    has_rows,
)
from portal.forms.definition.fhir_limits import inexpressible_in_fhir
from portal.forms.definition.risk_rules import check_risk
from portal.forms.definition.scores import check_scores
from portal.forms.kinds.temporal import TEMPORAL_TYPES, temporal_error

SCHEMA = "portal.exercise/1"
EXPRESSING = frozenset({"show_if_expr", "calculated"})
LISTS = {"options": MOST_OPTIONS, "blocks": MOST_BLOCKS, "variables": 200}
LONGEST_LABEL, LONGEST_CODE = 500, 64
RESULTS = frozenset({"number", "quantity", "short_text", "scale"})
"""What is calculated and read-only is the same as a score in FHIR, so it is written in one way."""


class ImportOverlaySchema(WireSchema):
    """What a form from elsewhere was given when it arrived: scores, risk, and scores of options that had none.

    It is read as if it stood in the document, and is never written out: the form goes out as it came.
    """

    by = Line(64, metadata={"example": "phq-9", "description": "The recipe, where there was one."})
    notice = Text(50_000, least=1)
    scores = fields.List(fields.Dict())
    shows = fields.Dict(keys=Text(255), values=Text(255))
    risk = fields.Dict(keys=Text(255), values=fields.Raw())
    ordinals = fields.Dict(keys=Text(255), values=fields.Dict(keys=Text(1_000), values=Number()))


class DocumentSchema(WireSchema):
    """What a document says beside its blocks."""

    schema = fields.String(required=True, validate=validate.Equal(SCHEMA, error=f'Use "{SCHEMA}".'))
    title = Text(10_000)
    language = Line(35)
    license = Text(50_000)
    variables = fields.List(fields.Nested(VariableSchema()), validate=validate.Length(1, 200))
    blocks = fields.Raw(allow_none=True)
    scores = fields.Raw()
    given = fields.Nested(ImportOverlaySchema())
    instrument = Line(64)
    fhir = fields.Dict()


_document = DocumentSchema()


class Form:
    """The blocks of one document by id, in order."""

    def __init__(self, document: Mapping[str, Any], blocks: Mapping[str, Block]) -> None:
        self.document = document
        self.blocks = blocks
        self.items: Sequence[Block] = [block for block in blocks.values() if block.is_item]
        asked = {condition["block"] for block in blocks.values() for condition in block.conditions}
        self.depended_on: Sequence[Block] = [block for block in blocks.values() if block.id in asked]
        self.has_expressions = any(EXPRESSING & block.spec.keys() for block in blocks.values())
        self.risky: Sequence[Block] = [block for block in blocks.values() if "risk" in block.spec]
        scored = {item for score in document.get("scores", ()) for item in score["items"]}
        self.always_shared = frozenset(scored | {block.id for block in self.risky})
        """What nobody keeps to themself: items of a score, and answers that can raise an alert."""

    @cached_property
    def for_clients(self) -> Mapping[str, Any]:
        """The document as a client gets it: without a word on how much a score is, without which answer is a risk, and
        without what is kept of where it came from.

        What cannot be kept to oneself is marked `always_shared`, so that it can be said beside the question.
        """
        scores = [{name: part for name, part in score.items() if name != "bands"} for score in self._scores]
        blocks = [_for_client(block, self.always_shared) for block in self.document["blocks"]]
        kept = {name: part for name, part in self.document.items() if name not in {"fhir", "variables"}}
        return {**kept, "blocks": blocks, **({"scores": scores} if scores else {})}

    @property
    def _scores(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.document.get("scores", ())
        return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a list of blocks stands."""

    pointer: str
    logs: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


def parse(document: Mapping[str, Any], pointer: str = "#") -> Form:
    """The form a document describes. Raises Invalid with a pointer to everything that does not fit."""
    faults = Faults()
    faults.found += faults_from(_document.validate(dict(document)), pointer)
    raw = document.get("blocks")
    if not isinstance(raw, list) or not 0 < len(raw) <= MOST_BLOCKS:
        faults.add(Fault("invalid", f"Give a list of 1 to {MOST_BLOCKS} blocks.").at(f"{pointer}/blocks"))
        faults.raise_if_any()
    blocks: dict[str, Block] = {}
    faults.raise_if_any()
    written_here, document = "fhir" not in document, with_overlay(document)
    for block in _laid_out(document["blocks"], _Place(f"{pointer}/blocks"), faults):
        if written_here:
            _check_authored(block, faults)
        if block.id in blocks:
            faults.add(Fault("invalid", "Another block has this id.").at(f"{block.pointer}/id", block.id))
        blocks.setdefault(block.id, block)
        if len(blocks) > MOST_BLOCKS:
            faults.add(Fault("invalid", f"Use {MOST_BLOCKS} blocks at most.").at(f"{pointer}/blocks"))
            break
    faults.raise_if_any()
    _check_together(blocks, faults, written_here=written_here)
    if "scores" in document:
        check_scores(document["scores"], blocks, f"{pointer}/scores", faults)
        faults.raise_if_any()
        _check_sharing(document["scores"], blocks, faults)
    faults.raise_if_any()
    return Form(document, blocks)


def _check_sharing(scores: Sequence[Mapping[str, Any]], blocks: Mapping[str, Block], faults: Faults) -> None:
    """What is counted is shared: an item that begins private could never be answered."""
    for name in {item for score in scores for item in score["items"]} & blocks.keys():
        if blocks[name].spec.get("share") == "only_me":
            faults.add(
                Fault("invalid", "An item of a score is not kept private.").at(f"{blocks[name].pointer}/share", name)
            )


def with_overlay(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with what it was given in its places; a score of its own is not overruled."""
    given = document.get("given")
    if given is None:
        return document
    whole = {name: part for name, part in document.items() if name != "given"}
    whole["blocks"] = [_with_overlay(block, given) for block in document["blocks"]]
    if "by" in given:
        whole.setdefault("instrument", given["by"])
    if "notice" in given:
        whole.setdefault("license", given["notice"])
    own = document.get("scores", [])
    if isinstance(own, list):
        named = [score.get("id") for score in own if isinstance(score, dict)]
        whole["scores"] = [*(one for one in given.get("scores", ()) if one.get("id") not in named), *own]
    return whole


NOT_FOR_CLIENTS = frozenset({"risk", "fhir", "codes", "calculated", "variables"})
"""An expression may spell out the words on how much a score is."""


def _for_client(block: Mapping[str, Any], always_shared: AbstractSet[str]) -> Mapping[str, Any]:
    shown = {name: part for name, part in block.items() if name not in NOT_FOR_CLIENTS}
    if "options" in block:
        shown["options"] = [{name: part for name, part in one.items() if name != "fhir"} for one in block["options"]]
    if block["id"] in always_shared:
        shown["always_shared"] = True
    if "blocks" in block:
        shown["blocks"] = [_for_client(inner, always_shared) for inner in block["blocks"]]
    return shown


def _with_overlay(block: Any, given: Mapping[str, Any]) -> Any:
    if not isinstance(block, dict) or not isinstance(block.get("id"), str):
        return block
    whole, name = dict(block), block["id"]
    if isinstance(block.get("blocks"), list):
        whole["blocks"] = [_with_overlay(inner, given) for inner in block["blocks"]]
    if name in given.get("shows", {}) and whole.pop("calculated", None) is not None:
        whole["score"] = given["shows"][name]
    if name in given.get("risk", {}):
        whole.setdefault("risk", given["risk"][name])
    if name in given.get("ordinals", {}) and isinstance(block.get("options"), list):
        scores = given["ordinals"][name]
        whole["options"] = [
            {"score": scores[option["code"]], **option}
            if isinstance(option, dict) and isinstance(option.get("code"), str) and option["code"] in scores
            else option
            for option in block["options"]
        ]
    return whole


def _laid_out(raw: Sequence[Any], place: _Place, faults: Faults) -> Iterator[Block]:
    for index, spec in enumerate(raw):
        if faults.full:
            return
        pointer = f"{place.pointer}/{index}"
        if not _is_block(spec, pointer, faults):
            continue
        inner = (*place.logs, spec["id"]) if has_rows(spec) else place.logs
        block = Block(
            spec["id"], spec["type"], pointer, place.logs if spec["type"] == "log" else inner, place.parents, spec
        )
        yield block
        if "blocks" in spec:
            if len(place.parents) >= DEEPEST:
                faults.add(Fault("invalid", f"Nest blocks {DEEPEST} deep at most.").at(pointer, block.id))
                continue
            yield from _laid_out(spec["blocks"], _Place(f"{pointer}/blocks", inner, (*place.parents, block.id)), faults)


def _is_block(spec: Any, pointer: str, faults: Faults) -> bool:
    """Whether this reads as a block; says what does not."""
    if not isinstance(spec, dict) or not isinstance(spec.get("type"), str) or spec["type"] not in TYPES:
        faults.add(Fault("invalid", f"Use one of: {', '.join(TYPES)}.").at(f"{pointer}/type"))
        return False
    if too_many := [
        name for name, most in LISTS.items() if isinstance(spec.get(name), list) and len(spec[name]) > most
    ]:
        faults.add(Fault("invalid", f"Use {LISTS[too_many[0]]} at most.").at(f"{pointer}/{too_many[0]}"))
        return False
    messages = TYPES[spec["type"]].validate(spec)
    faults.found += faults_from(messages, pointer)
    return not messages


def _check_together(blocks: Mapping[str, Block], faults: Faults, *, written_here: bool) -> None:
    """Whether blocks fit one another, and what an author of our own has to say besides."""
    order = {block_id: place for place, block_id in enumerate(blocks)}
    for block in blocks.values():
        for index, condition in enumerate(block.conditions):
            pointer = f"{block.pointer}/show_if/conditions/{index}"
            if condition["block"] not in blocks:
                faults.add(Fault("invalid", "No block has this id.").at(f"{pointer}/block", block.id))
            elif written_here and (fault := _never_holds(condition, blocks, order, order[block.id])):
                faults.add(Fault("invalid", fault[1]).at(f"{pointer}/{fault[0]}", block.id))
        check_risk(block, faults)
        if written_here and "default" in block.spec and block.logs:
            faults.add(
                Fault("invalid", "A row begins empty. Leave default out.").at(f"{block.pointer}/default", block.id)
            )
        elif "default" in block.spec and (problem := values.answer_error(block, block.spec["default"])):
            faults.add(Fault("invalid", problem).at(f"{block.pointer}/default", block.id))


def _check_authored(block: Block, faults: Faults) -> None:
    if not BLOCK_ID.fullmatch(block.id):
        words = "Use 1 to 64 letters, digits, dots, dashes, underscores or slashes; a letter or digit at both ends."
        faults.add(Fault("invalid", words).at(f"{block.pointer}/id", block.id))
    if block.spec.get("read_only") and "calculated" in block.spec and block.type in RESULTS:
        faults.add(
            Fault("invalid", 'Nobody types this: use a block of type "score".').at(f"{block.pointer}/type", block.id)
        )
    label = block.spec.get("label")
    if label is None and (block.is_answered or block.type == "log"):
        faults.add(Fault("invalid", "Missing data for required field.").at(f"{block.pointer}/label", block.id))
    elif label is not None and block.type != "text" and not 0 < len(label.strip()) <= LONGEST_LABEL:
        faults.add(Fault("invalid", f"Use 1 to {LONGEST_LABEL} characters.").at(f"{block.pointer}/label", block.id))
    if "blocks" in block.spec and not block.spec["blocks"]:
        faults.add(Fault("invalid", "Put a block in it, or leave it out.").at(f"{block.pointer}/blocks", block.id))
    for place, words in inexpressible_in_fhir(block):
        faults.add(Fault("invalid", words).at(f"{block.pointer}/{place}", block.id))
    for index, option in enumerate(block.spec.get("options", ())):
        if "label" not in option:
            faults.add(
                Fault("invalid", "Missing data for required field.").at(
                    f"{block.pointer}/options/{index}/label", block.id
                )
            )
        if len(option["code"]) > LONGEST_CODE:
            faults.add(
                Fault("invalid", f"Use {LONGEST_CODE} characters at most.").at(
                    f"{block.pointer}/options/{index}/code", block.id
                )
            )


def _never_holds(
    condition: Mapping[str, Any], blocks: Mapping[str, Block], order: Mapping[str, int], place: int
) -> tuple[str, str] | None:
    """A condition looks at an earlier block that is answered, and compares with what it can be answered with."""
    other = blocks[condition["block"]]
    if not other.is_answered:
        return "block", "Nobody answers that block, so nothing can depend on it."
    if order[other.id] >= place:
        return "block", "Depend on a block that comes before this one."
    problem = comparison_error(other, condition["op"], condition["value"])
    return None if problem is None else ("value", problem)


def comparison_error(other: Block, op: str, value: Any) -> str | None:
    """Why no answer to a block can ever compare with this value, or None."""
    if op == "exists":
        return None
    if other.type in {"yes_no", "reading"} and not isinstance(value, bool):
        return "That block is answered yes or no: compare with true or false."
    if other.type in {"scale", "number", "quantity"} and (
        isinstance(value, bool) or not isinstance(value, int | float | Decimal)
    ):
        return "That block is answered with a number: compare with a number."
    if other.type == "choice" and "options" in other.spec and value not in other.codes:
        return "That block has no option with this code."
    if other.type in TEMPORAL_TYPES and (words := temporal_error(other.type, value)):
        return words.replace("Use", "Compare with", 1)
    is_no_text = other.type in {"short_text", "long_text", "url"} and not isinstance(value, str)
    return "That block is answered with text: compare with text." if is_no_text else None


def to_json_text(document: Mapping[str, Any]) -> str:
    """The document as stored: as it was written, key for key and digit for digit."""
    return decimal_json.dumps(document).decode()
