"""Between FHIRPath and declared scores: the usual shapes of a sum are recognised, and a declared score is written out.

Recognising reads the text of an expression against its questionnaire and gives up on whatever it does not know; then
the expression stays as it came and is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from portal.forms.definition.blocks import Block
from portal.forms.fhirpath.questionnaires import VARIABLE, expressions_of

LONGEST = 10_000
DEEPEST = 12
MOST_LOOKS = 2_000
MOST_ITEMS = 5_000
LONGEST_NAME = 50
"""Of what a score is called in its variables, so that these keep to the 64 characters FHIR gives a name."""
_BLANKS = re.compile(r"('(?:[^'\\]|\\.)*')|\s+")
_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'")
_STEP = re.compile(r"\.?([A-Za-z]+)(\()?")
_VARIABLE = re.compile(r"%([A-Za-z_]\w*)")
_THERE = (".exists()", ".empty().not()")
ENDINGS = {".sum()": "sum", ".avg()": "mean", ".aggregate($this+$total,0)": "sum"}
_READS = re.compile(
    r"\.answer(?:\.first\(\))?\.value(?:Coding|Decimal|Integer)?(?:"
    r"\.ordinal\(\)|\.weight\(\)"
    r"|\.extension\('[^']*(?:ordinalValue|itemWeight)'\)\.value(?:Decimal)?"
    r"|\.extension\.where\(url='[^']*(?:ordinalValue|itemWeight)'\)\.value(?:Decimal)?"
    r"|\.extension\.value(?:Decimal)?"
    r")?"
)
Element = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecognizedSum:
    """A recognised sum: the items by linkId, and how many may be missing (a sum over a collection leaves them out)."""

    method: str
    items: Sequence[str]
    missing: int

    def as_score(self, name: str, label: str) -> dict[str, Any]:
        score: dict[str, Any] = {"id": name, "label": label, "method": self.method, "items": list(self.items)}
        return score | ({"missing": {"max": self.missing, "prorate": False}} if self.missing else {})


class _Unknown(Exception):
    """The expression has another shape."""


def recognize_sum(expression: str, questionnaire: Mapping[str, Any]) -> RecognizedSum | None:
    """The declared score an expression amounts to, or None where its shape is not one of the usual ones."""
    if len(expression) > LONGEST:
        return None
    variables = {
        str(one.get("name")): _squeezed(one["expression"])
        for element in [questionnaire, *_all(questionnaire)]
        for one in expressions_of(element, VARIABLE)
    }
    try:
        found = _total(_squeezed(expression), _Reader(questionnaire, variables), 0)
    except (_Unknown, RecursionError):
        return None
    count = len(found.items)
    if count < 2 or len(set(found.items)) < count:  # noqa: PLR2004 -- one number is no sum, and no item counts twice
        return None
    return RecognizedSum(found.method, found.items, count - 1 if found.lenient else 0)


def _squeezed(expression: str) -> str:
    return _BLANKS.sub(lambda found: found.group(1) or "", expression)


def _all(element: Element) -> Iterator[Element]:
    for item in element.get("item") or ():
        if isinstance(item, Mapping):
            yield item
            yield from _all(item)


@dataclass(slots=True)
class _Reader:
    """What is read against, and how often it has been looked at: variables of variables multiply."""

    questionnaire: Element
    variables: Mapping[str, str]
    looks: int = 0

    def look(self, depth: int) -> None:
        self.looks += 1
        if depth > DEEPEST or self.looks > MOST_LOOKS:
            raise _Unknown


def _bracketed(text: str) -> bool:
    """Whether one pair of brackets holds the whole text."""
    if not (text.startswith("(") and text.endswith(")")):
        return False
    try:
        return len(list(_parts(text[1:-1], ""))) == 1
    except _Unknown:
        return False


def _parts(text: str, separator: str) -> Iterator[str]:
    """The text, cut at a separator outside brackets and quotes. Raises _Unknown where brackets do not match."""
    depth, start, quoted = 0, 0, False
    for index, letter in enumerate(text):
        quoted ^= letter == "'" and text[index - 1 : index] != "\\"
        if quoted:
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            raise _Unknown
        if letter == separator and not depth:
            yield text[start:index]
            start = index + 1
    yield text[start:]


@dataclass(frozen=True, slots=True)
class _Found:
    """Items added up (or averaged); `lenient` where a missing one is left out, strict where it takes all away."""

    items: list[str]
    lenient: bool
    method: str = "sum"


def _total(text: str, reader: _Reader, depth: int) -> _Found:
    """A number: a sum of parts, a guarded number, or a collection added up."""
    reader.look(depth)
    if _bracketed(text):
        return _total(text[1:-1], reader, depth + 1)
    parts = list(_parts(text, "+"))
    if len(parts) > 1:
        return _together([_total(part, reader, depth + 1) for part in parts])
    if text.startswith("iif(") and text.endswith(")"):
        return _guarded(text[4:-1], reader, depth)
    for ending, method in ENDINGS.items():
        if text.endswith(ending):
            return _Found(_collection(text.removesuffix(ending), reader, depth), lenient=True, method=method)
    if text.startswith("%") and text[1:] in reader.variables:
        return _total(reader.variables[text[1:]], reader, depth + 1)
    items = _collection(text, reader, depth)
    if len(items) != 1:
        raise _Unknown
    return _Found(items, lenient=False)


def _together(parts: Sequence[_Found]) -> _Found:
    if any(part.method != "sum" or part.lenient is not parts[0].lenient for part in parts):
        raise _Unknown
    return _Found([name for part in parts for name in part.items], parts[0].lenient)


def _guarded(inside: str, reader: _Reader, depth: int) -> _Found:
    """`iif(something is there, the number, 0 or nothing)`; without it the item may be missing."""
    condition, then, *otherwise = _parts(inside, ",")
    if otherwise not in ([], ["0"], ["{}"]):
        raise _Unknown
    found = _total(then, reader, depth + 1)
    if not _asks_for(condition, found.items, reader, depth):
        raise _Unknown
    return _Found(found.items, lenient=True) if otherwise == ["0"] and len(found.items) == 1 else found


def _asks_for(condition: str, items: Sequence[str], reader: _Reader, depth: int) -> bool:
    """Whether a condition is no more than that one of these items is answered."""
    reader.look(depth)
    if _bracketed(condition):
        return _asks_for(condition[1:-1], items, reader, depth + 1)
    if condition.startswith("%") and condition[1:] in reader.variables:
        return _asks_for(reader.variables[condition[1:]], items, reader, depth + 1)
    asked: set[str] = set()
    for part in re.split(r"(?<=\))or(?=[%(])", condition):
        ending = next((end for end in _THERE if part.endswith(end)), None)
        if ending is None:
            return False
        asked.update(_collection(part.removesuffix(ending), reader, depth + 1))
    return asked == set(items)


def _collection(text: str, reader: _Reader, depth: int) -> list[str]:
    """The linkIds of the items whose numbers a path gathers, one after another."""
    reader.look(depth)
    if _bracketed(text):
        return _collection(text[1:-1], reader, depth + 1)
    if text.startswith("%") and text[1:] in reader.variables:
        return _collection(reader.variables[text[1:]], reader, depth + 1)
    path, read = _read(text)
    if not read:
        raise _Unknown
    path = path.removeprefix("%resource").removeprefix("%context").removeprefix("QuestionnaireResponse")
    chosen: list[Element] = [reader.questionnaire]
    while path:
        chosen, path = _stepped(chosen, path)
        if len(chosen) > MOST_ITEMS:
            raise _Unknown
    wants_scores = any(word in read for word in ("ordinal", "weight", "extension"))
    names = [str(item.get("linkId")) for item in chosen if _counts(item, scored=wants_scores)]
    if not names:
        raise _Unknown
    return names


def _read(text: str) -> tuple[str, str]:
    """A path to items, and how the number is read from their answers."""
    start = text.rfind(".answer")
    while start >= 0:
        if _READS.fullmatch(text[start:]):
            return text[:start], text[start:]
        start = text.rfind(".answer", 0, start)
    return text, ""


def _stepped(chosen: list[Element], path: str) -> tuple[list[Element], str]:
    """One step of the path, taken through the questionnaire's items in place of the response's."""
    step = _STEP.match(path)
    if step is None:
        raise _Unknown
    name, rest = step.group(1), path[step.end() :]
    if not step.group(2):
        if name == "item":
            return [item for element in chosen for item in element.get("item") or ()], rest
        if name == "answer":
            return chosen, rest
        raise _Unknown
    inside = next(_parts_until_closed(rest))
    rest = rest[len(inside) + 1 :]
    if (name, inside) in {("descendants", ""), ("repeat", "item")}:
        return list(islice((item for element in chosen for item in _all(element)), MOST_ITEMS + 1)), rest
    if name == "where":
        wanted = _wanted(inside)
        return [item for item in chosen if wanted(str(item.get("linkId")))], rest
    raise _Unknown


def _parts_until_closed(text: str) -> Iterator[str]:
    depth, quoted = 0, False
    for index, letter in enumerate(text):
        quoted ^= letter == "'" and text[index - 1 : index] != "\\"
        if not quoted:
            depth += (letter == "(") - (letter == ")")
        if depth < 0:
            yield text[:index]
    raise _Unknown


def _wanted(criterion: str) -> Callable[[str], bool]:
    """A criterion on the linkId: one of several, or a beginning."""
    names = [name.replace("\\'", "'").replace("\\\\", "\\") for name in _TEXT.findall(criterion)]
    bare = _TEXT.sub("''", criterion)
    if re.fullmatch(r"linkId=''(?:orlinkId='')*|linkIdin\(''(?:\|'')*\)", bare):
        return lambda link_id: link_id in names
    if bare == "linkId.startsWith('')":
        return lambda link_id: link_id.startswith(names[0])
    raise _Unknown


def _counts(item: Element, *, scored: bool) -> bool:
    """Whether an answer to this item can have the number that is read."""
    if scored:
        return item.get("type") in {"choice", "open-choice"}
    return item.get("type") in {"integer", "decimal"}


# Writing out --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A declared score as FHIRPath: the variables to declare in this order, and the expression that is the score."""

    id: str
    variables: Sequence[tuple[str, str]]
    expression: str


def as_fhirpath(scores: Sequence[Mapping[str, Any]], blocks: Mapping[str, Block]) -> list[Written]:
    """Every declared score written out. Whether a missing item was hidden cannot be said in FHIRPath: it counts."""
    names = variable_names(scores)
    written = []
    for score in scores:
        name = names[score["id"]]
        first, *others = _numbers(score, blocks, names)
        numbers = first + "".join(f".combine({path})" for path in others)
        written.append(
            Written(score["id"], [(f"{name}Items", numbers), (name, _calculated(score, f"%{name}Items"))], f"%{name}")
        )
    return written


def variable_names(scores: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the variable of each score is called."""
    names: dict[str, str] = {}
    for score in scores:
        taken = {*names.values(), *(f"{name}Items" for name in names.values())}
        names[score["id"]] = _name(score["id"], taken)
    return names


def _name(score_id: str, taken: set[str]) -> str:
    """Letters and digits alone: FHIR takes no underscore in the name of an expression, and FHIRPath no dash."""
    words = re.findall(r"[A-Za-z0-9]+", score_id)
    base = "score" + "".join(word[0].upper() + word[1:] for word in words)[:LONGEST_NAME]
    number, name = 2, base
    while name in taken or f"{name}Items" in taken:
        name, number = f"{base}N{number}", number + 1
    return name


def _numbers(score: Mapping[str, Any], blocks: Mapping[str, Block], names: Mapping[str, str]) -> Iterator[str]:
    """The paths to the numbers of a score's items; those read the same way are gathered in one."""
    together: dict[str, list[str]] = {}
    for item in score["items"]:
        if item in names:
            yield f"%{names[item]}"
        else:
            together.setdefault(_reading(blocks[item], reverse=item in score.get("reverse", ())), []).append(item)
    for reading, items in together.items():
        wanted = "|".join("'" + item.replace("\\", "\\\\").replace("'", "\\'") + "'" for item in items)
        yield f"%resource.descendants().where(linkId in ({wanted})).{reading}"


def _reading(block: Block, *, reverse: bool) -> str:
    """How the number is read from a response item; as one number where there may be several answers."""
    read = {
        "choice": "answer.value.ordinal()",
        "yes_no": "answer.value.select(iif($this, 1, 0))",
        "quantity": "answer.value.value",
    }.get(block.type, "answer.value")
    if block.spec.get("multiple"):
        return f"select({read}.sum())"
    if reverse:
        low, high = _ends(block)
        return f"{read}.select({_literal(low + high)} - $this)"
    return read


def _ends(block: Block) -> tuple[Decimal, Decimal]:
    if block.type == "yes_no":
        return Decimal(0), Decimal(1)
    if block.type == "choice":
        scores = [Decimal(str(option["score"])) for option in block.spec["options"] if "score" in option]
        return min(scores), max(scores)
    return Decimal(str(block.spec["min"])), Decimal(str(block.spec["max"]))


def _literal(value: Any) -> str:
    text = format(Decimal(str(value)), "f")
    return f"({text})" if text.startswith("-") else text


def _calculated(score: Mapping[str, Any], numbers: str) -> str:
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
