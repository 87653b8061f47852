"""Sums of items in FHIRPath, recognized as declared scores; and declared scores written as FHIRPath.

Recognized are the shapes that SDC documents: the ordinals or numbers of items chosen by linkId, added up with `+` or
with `sum()`, inline or through variables. Any other expression stays as it came and is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.forms.definition.blocks import Block
from portal.forms.fhirpath.questionnaire_expressions import VARIABLE, expressions_of

MAX_LENGTH = 10_000
MAX_DEPTH = 12
MAX_LOOKS = 2_000
MAX_NAME = 50
"""Letters of a score's id in the names of its variables, so that these keep to the 64 characters of a FHIR name."""
_QUOTED = r"'(?:[^'\\]|\\.)*'"
_BLANKS = re.compile(rf"({_QUOTED})|\s+")
_TOKEN = re.compile(rf"{_QUOTED}|[()+]")
_ROOT = re.compile(r"(?:%resource|%context|QuestionnaireResponse)(?=\.)")
_STEP = re.compile(
    r"\.(?:(?P<member>item|answer)(?![\w(])|(?P<tree>descendants\(\)|repeat\(item\))"
    rf"|where\((?P<ids>linkId={_QUOTED}(?:orlinkId={_QUOTED})*|linkIdin\({_QUOTED}(?:\|{_QUOTED})*\))\))"
)
_VALUE = re.compile(
    r"\.answer(?:\.first\(\))?\.value(?:Coding|Decimal|Integer)?(?P<ordinal>"
    r"\.ordinal\(\)|\.weight\(\)"
    r"|\.extension\('[^']*(?:ordinalValue|itemWeight)'\)\.value(?:Decimal)?"
    r"|\.extension\.where\(url='[^']*(?:ordinalValue|itemWeight)'\)\.value(?:Decimal)?"
    r")?$"
)
Element = Mapping[str, Any]


# Recognizing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecognizedSum:
    """The linkIds of the items that are added up, and how many of them may be missing."""

    items: Sequence[str]
    missing: int

    def as_score(self, name: str, label: str) -> dict[str, Any]:
        score: dict[str, Any] = {"id": name, "label": label, "method": "sum", "items": list(self.items)}
        return score | ({"missing": {"max": self.missing, "prorate": False}} if self.missing else {})


class _Unrecognized(Exception):
    """The expression has another shape."""


def recognize_sum(expression: str, questionnaire: Element) -> RecognizedSum | None:
    """The sum an expression amounts to, or None where its shape is not a documented one."""
    if len(expression) > MAX_LENGTH:
        return None
    try:
        items, skips_missing = _Reader(questionnaire).total(_without_blanks(expression), 0)
    except _Unrecognized:
        return None
    if len(items) < 2 or len(set(items)) < len(items):  # noqa: PLR2004 -- one number is no sum, and no item counts twice
        return None
    return RecognizedSum(items, len(items) - 1 if skips_missing else 0)


class _Reader:
    """Reads expressions against a questionnaire; counts its looks, because variables of variables multiply."""

    def __init__(self, questionnaire: Element) -> None:
        self._questionnaire = questionnaire
        self._variables = {
            str(variable.get("name")): _without_blanks(variable["expression"])
            for element in [questionnaire, *_items_below(questionnaire)]
            for variable in expressions_of(element, VARIABLE)
        }
        self._looks = 0

    def total(self, text: str, depth: int) -> tuple[list[str], bool]:
        """The items of a total, and whether it skips those without an answer, as `sum()` does and `+` does not."""
        text, depth = self._resolve(text, depth)
        parts = _split_at_plus(text)
        if len(parts) > 1:
            totals = [self.total(part, depth) for part in parts]
            if len({skips_missing for _, skips_missing in totals}) > 1:
                raise _Unrecognized
            return [name for items, _ in totals for name in items], totals[0][1]
        if text.endswith(".sum()"):
            return self._items(self._resolve(text.removesuffix(".sum()"), depth)[0]), True
        items = self._items(text)
        if len(items) > 1:
            raise _Unrecognized
        return items, False

    def _resolve(self, text: str, depth: int) -> tuple[str, int]:
        """The text without brackets around it, and with a variable's expression in place of its name."""
        while True:
            depth += 1
            self._looks += 1
            if depth > MAX_DEPTH or self._looks > MAX_LOOKS:
                raise _Unrecognized
            if _is_bracketed(text):
                text = text[1:-1]
            elif text.startswith("%") and text[1:] in self._variables:
                text = self._variables[text[1:]]
            else:
                return text, depth

    def _items(self, text: str) -> list[str]:
        """The linkIds of the items whose numbers a path reads."""
        value = _VALUE.search(text)
        if value is None:
            raise _Unrecognized
        path, wanted = text[: value.start()], SCORED_TYPES if value["ordinal"] else NUMBER_TYPES
        names = [str(item.get("linkId")) for item in self._chosen(_ROOT.sub("", path, 1)) if item.get("type") in wanted]
        if not names:
            raise _Unrecognized
        return names

    def _chosen(self, path: str) -> Sequence[Element]:
        """The questionnaire's items in place of the response's that a path leads to. The whole tree is walked once."""
        chosen: Sequence[Element] = [self._questionnaire]
        walked = False
        while path:
            step = _STEP.match(path)
            if step is None or (walked and step["tree"]):
                raise _Unrecognized
            path = path[step.end() :]
            if step["tree"]:
                chosen, walked = [item for element in chosen for item in _items_below(element)], True
            elif step["member"] == "item":
                chosen = [item for element in chosen for item in element.get("item") or ()]
            elif step["ids"]:
                names = {_unquoted(name) for name in re.findall(_QUOTED, step["ids"])}
                chosen = [item for item in chosen if str(item.get("linkId")) in names]
        return chosen


SCORED_TYPES = frozenset({"choice", "open-choice"})
NUMBER_TYPES = frozenset({"integer", "decimal"})


def _without_blanks(expression: str) -> str:
    return _BLANKS.sub(lambda found: found.group(1) or "", expression)


def _unquoted(text: str) -> str:
    return text[1:-1].replace("\\'", "'").replace("\\\\", "\\")


def _items_below(element: Element) -> Iterator[Element]:
    for item in element.get("item") or ():
        if isinstance(item, Mapping):
            yield item
            yield from _items_below(item)


def _is_bracketed(text: str) -> bool:
    """Whether one pair of brackets holds the whole text."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    try:
        _split_at_plus(text[1:-1])
    except _Unrecognized:
        return False
    return True


def _split_at_plus(text: str) -> list[str]:
    """The text, cut at each + outside brackets and quotes. Raises _Unrecognized where brackets do not match."""
    parts, depth, start = [], 0, 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] == "(") - (token[0] == ")")
        if depth < 0:
            raise _Unrecognized
        if token[0] == "+" and not depth:
            parts.append(text[start : token.start()])
            start = token.end()
    if depth:
        raise _Unrecognized
    return [*parts, text[start:]]


# Writing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScoreExpression:
    """A declared score in FHIRPath: the variables to declare in this order, and the expression that is the score."""

    id: str
    variables: Sequence[tuple[str, str]]
    expression: str


def score_expressions(scores: Sequence[Mapping[str, Any]], blocks: Mapping[str, Block]) -> list[ScoreExpression]:
    """Every declared score. A missing item counts as missing even if it was hidden: FHIRPath cannot tell."""
    names = variable_names(scores)
    expressions = []
    for score in scores:
        name = names[score["id"]]
        first, *others = _number_paths(score, blocks, names)
        numbers = first + "".join(f".combine({path})" for path in others)
        expressions.append(
            ScoreExpression(
                score["id"], [(f"{name}Items", numbers), (name, _calculation(score, f"%{name}Items"))], f"%{name}"
            )
        )
    return expressions


def variable_names(scores: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The name of each score's variable, by the id of the score."""
    names: dict[str, str] = {}
    for score in scores:
        taken = {*names.values(), *(f"{name}Items" for name in names.values())}
        names[score["id"]] = _free_name(score["id"], taken)
    return names


def _free_name(score_id: str, taken: set[str]) -> str:
    """Letters and digits alone: FHIR takes no underscore in the name of an expression, and FHIRPath no dash."""
    words = re.findall(r"[A-Za-z0-9]+", score_id)
    base = "score" + "".join(word[0].upper() + word[1:] for word in words)[:MAX_NAME]
    number, name = 2, base
    while name in taken or f"{name}Items" in taken:
        name, number = f"{base}N{number}", number + 1
    return name


def _number_paths(score: Mapping[str, Any], blocks: Mapping[str, Block], names: Mapping[str, str]) -> Iterator[str]:
    """The paths to the numbers of a score's items; items with the same value path share one."""
    together: dict[str, list[str]] = {}
    for item in score["items"]:
        if item in names:
            yield f"%{names[item]}"
        else:
            together.setdefault(_value_path(blocks[item], reverse=item in score.get("reverse", ())), []).append(item)
    for reading, items in together.items():
        wanted = "|".join("'" + item.replace("\\", "\\\\").replace("'", "\\'") + "'" for item in items)
        yield f"%resource.descendants().where(linkId in ({wanted})).{reading}"


def _value_path(block: Block, *, reverse: bool) -> str:
    """The path from a response item to its number; the sum where there may be several answers."""
    read = {
        "choice": "answer.value.ordinal()",
        "yes_no": "answer.value.select(iif($this, 1, 0))",
        "quantity": "answer.value.value",
    }.get(block.type, "answer.value")
    if block.spec.get("multiple"):
        return f"select({read}.sum())"
    if reverse:
        low, high = _range_of(block)
        return f"{read}.select({_literal(low + high)} - $this)"
    return read


def _range_of(block: Block) -> tuple[Decimal, Decimal]:
    if block.type == "yes_no":
        return Decimal(0), Decimal(1)
    if block.type == "choice":
        scores = [Decimal(str(option["score"])) for option in block.spec["options"] if "score" in option]
        return min(scores), max(scores)
    return Decimal(str(block.spec["min"])), Decimal(str(block.spec["max"]))


def _literal(value: Any) -> str:
    text = format(Decimal(str(value)), "f")
    return f"({text})" if text.startswith("-") else text


def _calculation(score: Mapping[str, Any], numbers: str) -> str:
    of, missing = len(score["items"]), score.get("missing", {})
    total = {
        "sum": f"{numbers}.sum()",
        "mean": f"{numbers}.sum() / {numbers}.count()",
        "count": f"{numbers}.where($this > 0).count()",
        "max": f"{numbers}.max()",
        "min": f"{numbers}.min()",
    }[score["method"]]
    if score["method"] == "sum" and missing.get("prorate"):
        total = f"{numbers}.sum() / {numbers}.count() * {of}"
    if score.get("multiply", 1) != 1:
        total = f"({total}) * {_literal(score['multiply'])}"
    return f"iif({numbers}.count() >= {max(1, of - missing.get('max', 0))}, {total})"
