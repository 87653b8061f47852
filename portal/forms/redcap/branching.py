"""REDCap's branching logic as the conditions of a block.

A block's conditions are one list of which all or any must hold. Logic of another shape raises `Inexpressible`, which
says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

LONGEST, DEEPEST, MOST_CONDITIONS = 4_000, 40, 100
_TOKEN = re.compile(
    r"\s*(?:(?P<field>\[[A-Za-z0-9_]+(?:\([^\[\]()\s]+\))?\])|(?P<number>-?[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<op><>|!=|<=|>=|==|=|<|>)|(?P<word>(?:and|or|not)\b)|(?P<mark>[()]))",
    re.IGNORECASE,
)
_FIELD = re.compile(r"\[([A-Za-z0-9_]+)(?:\(([^)]+)\))?\]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
NEGATED = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
SAME = {"==": "=", "<>": "!="}
_COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda one, other: one < other,
    ">": lambda one, other: one > other,
    "<=": lambda one, other: one <= other,
    ">=": lambda one, other: one >= other,
}


class Inexpressible(Exception):
    """Logic that a form cannot express; the message ends a sentence that says why."""


def refuse_logic(why: str) -> NoReturn:
    raise Inexpressible(why)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field, or one box of a checkbox field, compared with a value as REDCap writes it."""

    field: str
    box: str | None
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts joined by `word`, which is "and" or "or"."""

    word: str
    parts: tuple[Node, ...]


Node = Comparison | Joined


# Reading --------------------------------------------------------------------------------------------------------


def parse_logic(logic: str) -> Node:
    """The tree of a piece of logic. Raises Inexpressible for all but comparisons, and, or and not."""
    if len(logic) > LONGEST:
        refuse_logic("it is too long")
    return _Parser(list(_tokens(logic))).parse()


def _tokens(logic: str) -> Iterator[tuple[str, str]]:
    place, end = 0, len(logic.rstrip())
    while place < end:
        match = _TOKEN.match(logic, place)
        if match is None:
            refuse_logic("it uses a function, an event, arithmetic or a smart variable")
        place = match.end()
        kind = str(match.lastgroup)
        yield kind, match[kind]


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._place = 0
        self._depth = 0

    def parse(self) -> Node:
        found = self._joined("or")
        if self._next()[0] != "end":
            refuse_logic("it does not read as comparisons")
        return found

    def _peek(self) -> tuple[str, str]:
        kind, text = self._tokens[self._place]
        return kind, text.lower() if kind == "word" else text

    def _next(self) -> tuple[str, str]:
        found = self._peek()
        self._place = min(self._place + 1, len(self._tokens) - 1)
        return found

    def _joined(self, word: str) -> Node:
        parts = [self._inner(word)]
        while self._peek() == ("word", word):
            self._next()
            parts.append(self._inner(word))
        if len(parts) == 1:
            return parts[0]
        return Joined(word, tuple(one for part in parts for one in _flatten(part, word)))

    def _inner(self, word: str) -> Node:
        return self._joined("and") if word == "or" else self._one()

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            refuse_logic("it is nested too deep")
        if self._peek() == ("word", "not"):
            self._next()
            found = _negated(self._one())
        elif self._peek() == ("mark", "("):
            self._next()
            found = self._joined("or")
            if self._next() != ("mark", ")"):
                refuse_logic("a bracket is not closed")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Comparison:
        left, op, right = self._next(), self._next(), self._next()
        if op[0] != "op" or {left[0], right[0]} - {"field", "number", "text"}:
            refuse_logic("it does not read as comparisons")
        sign = SAME.get(op[1], op[1])
        if right[0] == "field" and left[0] != "field":
            left, right, sign = right, left, FLIPPED.get(sign, sign)
        if left[0] != "field" or right[0] == "field":
            refuse_logic("it compares two fields, or none")
        match = _FIELD.fullmatch(left[1])
        assert match is not None
        value = right[1][1:-1] if right[0] == "text" else right[1]
        return Comparison(match[1], match[2], sign, value)


def _flatten(node: Node, word: str) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Joined) and node.word == word else (node,)


def _negated(node: Node) -> Node:
    """The opposite. An empty field is in no order with anything, so that "not less" is "greater, equal or empty"."""
    if isinstance(node, Joined):
        return Joined("and" if node.word == "or" else "or", tuple(_negated(part) for part in node.parts))
    opposite = Comparison(node.field, node.box, NEGATED[node.op], node.value)
    if node.op in {"=", "!="}:
        return opposite
    return Joined("or", (opposite, Comparison(node.field, node.box, "=", "")))


# Conditions ---------------------------------------------------------------------------------------------------------

Conditions = list[dict[str, Any]]


def shown_if(logic: str, blocks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The `show_if` of a block behind `blocks` (by id). Raises Inexpressible, with the end of a sentence."""
    node = parse_logic(logic)
    parts = node.parts if isinstance(node, Joined) else (node,)
    several = [_alternatives(part, blocks) for part in parts if isinstance(part, Comparison)]
    if len(several) < len(parts):
        refuse_logic("it mixes and with or")
    if isinstance(node, Joined) and node.word == "and":
        if any(len(alternatives) > 1 for alternatives in several):
            refuse_logic("it mixes and with or, once spelled out")
        match = "all"
    else:
        match = "all" if len(several) == len(several[0]) == 1 else "any"
    conditions = [condition for alternatives in several for condition in alternatives]
    if len(conditions) > MOST_CONDITIONS:
        refuse_logic("it has too many conditions")
    return {"match": match, "conditions": conditions}


def _alternatives(one: Comparison, blocks: Mapping[str, Mapping[str, Any]]) -> Conditions:
    """The conditions, any of which expresses a comparison."""
    block = blocks.get(one.field)
    if block is None:
        refuse_logic("it looks at a field that does not come before it in the same form")
    if one.box is not None:
        return _of_box(one, block)
    if one.value == "" and one.op in {"=", "!="}:
        return [{"block": one.field, "op": "exists", "value": one.op == "!="}]
    if block["type"] == "choice":
        return _of_choice(one, block)
    condition = {"block": one.field, "op": one.op, "value": _value(one, block["type"])}
    return [condition, _unanswered(one.field)] if one.op == "!=" else [condition]


def _unanswered(name: str) -> dict[str, Any]:
    """In REDCap an empty field differs from every value."""
    return {"block": name, "op": "exists", "value": False}


def _codes(block: Mapping[str, Any]) -> list[str]:
    return [option["code"] for option in block.get("options", ())]


def _of_box(one: Comparison, block: Mapping[str, Any]) -> Conditions:
    ticked = (one.op, one.value) in {("=", "1"), ("!=", "0"), (">", "0")}
    if not block.get("multiple") or one.box not in _codes(block):
        refuse_logic("it looks at a box that is not there")
    if not ticked:
        refuse_logic("it asks for a box that is not ticked")
    return [{"block": one.field, "op": "=", "value": one.box}]


def _of_choice(one: Comparison, block: Mapping[str, Any]) -> Conditions:
    if block.get("multiple"):
        refuse_logic("it compares a checkbox field as a whole")
    codes = _codes(block)
    if one.op in {"=", "!="}:
        wanted = [code for code in codes if _equal(code, one.value) == (one.op == "=")]
    else:
        wanted = [code for code in codes if _is_number(code) and _is_number(one.value)]
        wanted = [code for code in wanted if _COMPARES[one.op](float(code), float(one.value))]
    if not wanted or (one.op == "!=" and len(wanted) == len(codes)):
        refuse_logic("it compares with a choice that is not there")
    found = [{"block": one.field, "op": "=", "value": code} for code in wanted]
    return [*found, _unanswered(one.field)] if one.op == "!=" else found


def _equal(code: str, value: str) -> bool:
    return code == value or (_is_number(code) and _is_number(value) and float(code) == float(value))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?", text) is not None


def _value(one: Comparison, kind: str) -> Any:
    """A value as the block it is compared with is answered."""
    if kind == "yes_no":
        if one.value not in {"0", "1"} or one.op not in {"=", "!="}:
            refuse_logic("it compares yes or no with something else")
        return one.value == "1"
    if kind in {"scale", "number"}:
        if not _is_number(one.value):
            refuse_logic("it compares a number with something else")
        return float(one.value) if "." in one.value else int(one.value)
    if kind in {"text", "section", "grid", "log", "score", "file", "reading"}:
        refuse_logic("it looks at a field that nobody answers here")
    if kind == "date" and not _DAY.fullmatch(one.value):
        refuse_logic("it compares a day with something else")
    if kind != "date" and one.op not in {"=", "!="}:
        refuse_logic("it asks which of two texts is greater")
    return one.value
