"""A form: the blocks of a document, checked as a whole and ready for answers.

A document is `{"schema": "portal.exercise/1", "blocks": [...]}`, with variables and scores where it computes something.
Parsing is strict about what authors write, so that answering can rely on it. An imported document keeps under `fhir`
what is not modelled here; its ids, texts and conditions are accepted as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from marshmallow import fields

from portal.core import decimal_json
from portal.core.errors import Fault, Faults
from portal.core.wire import Equal, Length, Line, Text, WireSchema, faults_from
from portal.forms.definition.blocks import Block
from portal.forms.definition.risk_rules import check_risk
from portal.forms.definition.scores import check_scores
from portal.forms.kinds import KINDS
from portal.forms.kinds.base import Problem, holds_rows
from portal.forms.kinds.choice import MAX_OPTIONS
from portal.forms.kinds.schemas import MAX_BLOCKS, Number, VariableSchema

SCHEMA = "portal.exercise/1"
EXPRESSION_MEMBERS = frozenset({"show_if_expr", "calculated"})
MAX_LIST_LENGTHS = {"options": MAX_OPTIONS, "blocks": MAX_BLOCKS, "variables": 200}
MAX_DEPTH = 16
BLOCK_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_./-]{0,62}[A-Za-z0-9])?")


class ImportOverlaySchema(WireSchema):
    """Scores, risk rules and option scores added to an imported form.

    They are read as if they were in the document, and never exported: the form goes out as it came.
    """

    by = Line(
        64,
        metadata={
            "example": "phq-9",
            "description": "The key of the recipe that recognized the form; absent for none.",
        },
    )
    notice = Text(50_000, least=1, metadata={"description": "The copyright notice that the recipe's source asks for."})
    scores = fields.List(
        fields.Dict(), metadata={"description": "Scores read from the form's expressions or added by its recipe."}
    )
    shows = fields.Dict(
        keys=Text(255),
        values=Text(255),
        metadata={"description": "The id of the score that a calculated block shows, by the id of the block."},
    )
    risk = fields.Dict(
        keys=Text(255), values=fields.Raw(), metadata={"description": "Risk rules by the id of their block."}
    )
    ordinals = fields.Dict(
        keys=Text(255),
        values=fields.Dict(keys=Text(1_000), values=Number()),
        metadata={"description": "The score of each option by its code, by the id of the block."},
    )


class DocumentSchema(WireSchema):
    """The members of a document."""

    schema = fields.String(
        required=True,
        validate=Equal(SCHEMA),
        metadata={"description": "The format of this document.", "example": SCHEMA},
    )
    title = Text(10_000, metadata={"description": "The title of an imported form, as it was published."})
    language = Line(35, metadata={"description": "The language of the text, as a BCP 47 tag.", "example": "en"})
    license = Text(50_000, metadata={"description": "Copyright and terms of use, as the source states them."})
    variables = fields.List(
        fields.Nested(VariableSchema()),
        validate=Length(1, 200),
        metadata={"description": "Expressions that later ones use by name."},
    )
    blocks = fields.Raw(allow_none=True, metadata={"description": "The blocks in their order."})
    scores = fields.Raw(metadata={"description": "What is computed from the answers."})
    given = fields.Nested(
        ImportOverlaySchema(),
        metadata={"description": "What an import added to the form; absent in a document written here."},
    )
    instrument = Line(
        64, metadata={"description": "The published instrument this form is, if it was recognized.", "example": "phq-9"}
    )
    fhir = fields.Dict(
        metadata={"description": "What an import kept of the questionnaire, to export it unchanged.", "example": {}}
    )


_document = DocumentSchema()


class Form:
    """The blocks of one document by id, in order."""

    def __init__(self, document: Mapping[str, Any], blocks: Mapping[str, Block]) -> None:
        self.document = document
        self.blocks = blocks
        self.progress_blocks: Sequence[Block] = [block for block in blocks.values() if block.counts_in_progress]
        compared = {condition["block"] for block in blocks.values() for condition in block.conditions}
        self.condition_blocks: Sequence[Block] = [block for block in blocks.values() if block.id in compared]
        """The blocks whose answers a condition compares."""
        self.has_expressions = any(EXPRESSION_MEMBERS & block.spec.keys() for block in blocks.values())
        self.risk_blocks: Sequence[Block] = [block for block in blocks.values() if "risk" in block.spec]
        scored = {item for score in document.get("scores", ()) for item in score["items"]}
        self.always_shared = frozenset(scored | {block.id for block in self.risk_blocks})
        """Blocks whose answers cannot be private: items of a score, and answers that can raise an alert."""

    @cached_property
    def for_clients(self) -> Mapping[str, Any]:
        """The document as a client gets it: without the bands of scores, risk rules and parts of an imported form.

        Questions whose answers cannot be private are marked `always_shared`, so that a page can say so.
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
    row_logs: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()


def parse(document: Mapping[str, Any], pointer: str = "#") -> Form:
    """The form a document describes. Raises Invalid with a pointer to everything that does not fit."""
    faults = Faults()
    faults.found += faults_from(_document.validate(dict(document)), pointer)
    raw = document.get("blocks")
    if not isinstance(raw, list) or not 0 < len(raw) <= MAX_BLOCKS:
        faults.add(_too_many_blocks("Give a list of 1 to {max} blocks.").at(f"{pointer}/blocks"))
    faults.raise_if_any()
    is_imported, document = "fhir" in document, with_overlay(document)
    blocks = _parse_blocks(document["blocks"], pointer, faults, is_imported=is_imported)
    faults.raise_if_any()
    _check_references(blocks, faults, is_imported=is_imported)
    if "scores" in document:
        check_scores(document["scores"], blocks, f"{pointer}/scores", faults)
        faults.raise_if_any()
        _check_scores_are_shared(document["scores"], blocks, faults)
    faults.raise_if_any()
    return Form(document, blocks)


def _too_many_blocks(sentence: str) -> Fault:
    return Fault("block_count", sentence, max=MAX_BLOCKS)


def _parse_blocks(raw: Sequence[Any], pointer: str, faults: Faults, *, is_imported: bool) -> dict[str, Block]:
    blocks: dict[str, Block] = {}
    for block in _walk_blocks(raw, _Place(f"{pointer}/blocks"), faults):
        if not is_imported:
            _check_authored(block, faults)
        if block.id in blocks:
            faults.add(Fault("duplicate_id", "Another block has this id.").at(f"{block.pointer}/id", block.id))
        blocks.setdefault(block.id, block)
        if len(blocks) > MAX_BLOCKS:
            faults.add(_too_many_blocks("Use {max} blocks at most.").at(f"{pointer}/blocks"))
            break
    return blocks


def _check_scores_are_shared(scores: Sequence[Mapping[str, Any]], blocks: Mapping[str, Block], faults: Faults) -> None:
    """What a score counts is shared: an item that begins private could never be answered."""
    for name in {item for score in scores for item in score["items"]} & blocks.keys():
        if blocks[name].spec.get("share") == "only_me":
            fault = Fault("private_score_item", "An item of a score cannot be private.")
            faults.add(fault.at(f"{blocks[name].pointer}/share", name))


def with_overlay(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with its import overlay applied; a score of its own is not replaced."""
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
"""Members left out for clients; an expression may spell out what a score means."""


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


def _walk_blocks(raw: Sequence[Any], place: _Place, faults: Faults) -> Iterator[Block]:
    """Every well-formed block in its place, outermost first."""
    for index, spec in enumerate(raw):
        if faults.full:
            return
        pointer = f"{place.pointer}/{index}"
        if not _is_well_formed(spec, pointer, faults):
            continue
        kind = KINDS[spec["type"]]
        inside = (*place.row_logs, spec["id"]) if holds_rows(kind, spec) else place.row_logs
        block = Block(
            spec["id"], kind.name, pointer, place.row_logs if kind.has_rows else inside, place.ancestors, spec
        )
        yield block
        if "blocks" in spec:
            if len(place.ancestors) >= MAX_DEPTH:
                fault = Fault("too_deep", "Nest blocks {max} deep at most.", max=MAX_DEPTH)
                faults.add(fault.at(pointer, block.id))
                continue
            inner = _Place(f"{pointer}/blocks", inside, (*place.ancestors, block.id))
            yield from _walk_blocks(spec["blocks"], inner, faults)


def _is_well_formed(spec: Any, pointer: str, faults: Faults) -> bool:
    """Whether this reads as a block; adds a fault for what does not."""
    if not isinstance(spec, dict) or not isinstance(spec.get("type"), str) or spec["type"] not in KINDS:
        faults.add(Fault("unknown_type", "Use one of: {types}.", types=", ".join(KINDS)).at(f"{pointer}/type"))
        return False
    for name, limit in MAX_LIST_LENGTHS.items():
        if isinstance(spec.get(name), list) and len(spec[name]) > limit:
            faults.add(Fault("too_many", "Use {max} at most.", max=limit).at(f"{pointer}/{name}"))
            return False
    messages = KINDS[spec["type"]].schema.validate(spec)
    faults.found += faults_from(messages, pointer)
    return not messages


def _check_references(blocks: Mapping[str, Block], faults: Faults, *, is_imported: bool) -> None:
    """Check what depends on other blocks, and the default of each block."""
    order = {block_id: position for position, block_id in enumerate(blocks)}
    for block in blocks.values():
        for index, condition in enumerate(block.conditions):
            pointer = f"{block.pointer}/show_if/conditions/{index}"
            if condition["block"] not in blocks:
                faults.add(Fault("unknown_block", "No block has this id.").at(f"{pointer}/block", block.id))
            elif not is_imported and (problem := _condition_problem(condition, blocks, order, order[block.id])):
                faults.add(problem[1].at(f"{pointer}/{problem[0]}", block.id))
        check_risk(block, faults)
        if "default" not in block.spec:
            continue
        default_pointer = f"{block.pointer}/default"
        if not is_imported and block.row_logs:
            faults.add(Fault("default_in_row", "A row begins empty. Leave default out.").at(default_pointer, block.id))
        elif fault := block.kind.answer_error(block.spec, block.spec["default"]):
            faults.add(fault.at(default_pointer, block.id))


def _check_authored(block: Block, faults: Faults) -> None:
    """Check what an author must say and an imported form need not."""
    if not BLOCK_ID.fullmatch(block.id):
        sentence = "Use 1 to 64 letters, digits, dots, dashes, underscores or slashes; a letter or digit at both ends."
        faults.add(Fault("malformed_id", sentence).at(f"{block.pointer}/id", block.id))
    for member, fault in block.kind.authoring_problems(block.spec):
        faults.add(fault.at(f"{block.pointer}/{member}", block.id))


def _condition_problem(
    condition: Mapping[str, Any], blocks: Mapping[str, Block], order: Mapping[str, int], position: int
) -> Problem | None:
    """Why a condition can never hold: it has to compare an earlier answer with something that can be answered."""
    source = blocks[condition["block"]]
    if not source.accepts_answer:
        return "block", Fault("takes_no_answer", "That block takes no answer, so nothing can depend on it.")
    if order[source.id] >= position:
        return "block", Fault("later_block", "Depend on a block that comes before this one.")
    if condition["op"] == "exists":
        return None
    fault = source.kind.comparison_error(source.spec, condition["value"])
    return None if fault is None else ("value", fault)


def to_json_text(document: Mapping[str, Any]) -> str:
    """The document as stored: as it was written, key for key and digit for digit."""
    return decimal_json.dumps(document).decode()
