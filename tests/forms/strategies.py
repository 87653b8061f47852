"""Any form the model can express, and any answers to it, for Hypothesis."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from portal.core.ids import new_id
from portal.forms.answering.responses import Answer, Response, Row, RowPath
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import SCHEMA, Form
from portal.forms.kinds import KINDS
from portal.forms.kinds.choice import OPTION_TYPES, options_by_code
from portal.forms.kinds.text import NOT_IN_A_TEXT, STYLES

METHODS = ("sum", "mean", "max", "min", "count")
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"])
WORDS = st.text(LETTERS, min_size=1, max_size=12)
DECIMALS = st.decimals(-1000, 1000, allow_nan=False, places=2)
NUMBERS = st.integers(-1000, 1000) | DECIMALS
DAYS = st.dates().map(lambda day: day.isoformat())
TIMES = st.times().map(lambda time: time.replace(microsecond=0).isoformat())
INSTANTS = st.datetimes().map(lambda at: at.replace(microsecond=0).isoformat() + "Z")
FLAGS = st.booleans()
EXPRESSIONS = st.sampled_from(["1 + 1", "%resource.item.count()", "true"])
CODINGS = st.fixed_dictionaries({"code": WORDS}, optional={"system": WORDS, "display": WORDS})
OURS = {"id", "type"}


def _options() -> st.SearchStrategy[list[dict[str, Any]]]:
    coded = st.fixed_dictionaries(
        {"code": WORDS, "label": WORDS},
        optional={"system": WORDS, "score": NUMBERS, "prefix": WORDS, "exclusive": FLAGS, "selected": FLAGS},
    )
    valued = st.sampled_from(sorted(OPTION_TYPES)).flatmap(
        lambda kind: st.fixed_dictionaries(
            {
                "code": {"integer": st.integers(-99, 99).map(str), "date": DAYS, "time": TIMES}.get(kind, WORDS),
                "as": st.just(kind),
                "label": WORDS,
            },
            optional={"score": NUMBERS, "prefix": WORDS},
        )
    )
    return st.lists(coded | valued, min_size=1, max_size=4, unique_by=lambda option: option["code"])


def _bounds(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(values, values).map(lambda ends: {"min": min(ends), "max": max(ends)}) | st.just({})


_EVERY = {
    "help": WORDS,
    "number": WORDS,
    "hidden": FLAGS,
    "codes": st.lists(CODINGS, min_size=1, max_size=2),
    "show_if_expr": EXPRESSIONS,
    "variables": st.lists(
        st.fixed_dictionaries({"name": st.just("a"), "expression": EXPRESSIONS}), min_size=1, max_size=2
    ),
}
_STANDING = {name: part for name, part in _EVERY.items() if name not in NOT_IN_A_TEXT}
_QUESTION = {**_EVERY, "required": FLAGS, "read_only": FLAGS, "multiple": FLAGS, "calculated": EXPRESSIONS}
_WRITTEN = {"max_length": st.integers(50, 99), "min_length": st.integers(0, 9), "placeholder": WORDS}
_OWN: dict[str, tuple[dict[str, Any], dict[str, Any], st.SearchStrategy[dict[str, Any]]]] = {
    "text": ({"markdown": WORDS}, {**_STANDING, "label": WORDS, "style": st.sampled_from(sorted(STYLES))}, st.just({})),
    "reading": ({"label": WORDS, "markdown": WORDS}, _EVERY, st.just({})),
    "section": ({}, {**_EVERY, "label": WORDS}, st.just({})),
    "page": ({}, {**_EVERY, "label": WORDS, "widget": st.just("tab")}, st.just({})),
    "grid": ({}, {**_EVERY, "label": WORDS, "widget": st.sampled_from(["gtable", "htable"])}, st.just({})),
    "log": (
        {"label": WORDS},
        {**_EVERY, "required": FLAGS, "row_label": WORDS, "min_rows": st.integers(0, 2), "max_rows": st.integers(3, 9)},
        st.just({}),
    ),
    "short_text": ({"label": WORDS}, {**_QUESTION, **_WRITTEN, "pattern": st.just("[a-z]+")}, st.just({})),
    "long_text": ({"label": WORDS}, {**_QUESTION, **_WRITTEN, "share": st.just("only_me")}, st.just({})),
    "yes_no": ({"label": WORDS}, {**_QUESTION, "default": FLAGS}, st.just({})),
    "choice": (
        {"label": WORDS, "options": _options()},
        {
            **_QUESTION,
            "other": st.sampled_from([True]),
            "other_label": WORDS,
            "orientation": st.just("vertical"),
            "widget": WORDS,
        },
        st.just({}),
    ),
    "scale": (
        {"label": WORDS},
        {**_QUESTION, "min_label": WORDS, "max_label": WORDS},
        st.integers(-9, 0).flatmap(lambda low: st.just({"min": low, "max": low + 10, "step": 2})),
    ),
    "number": (
        {"label": WORDS},
        {**_QUESTION, "decimals": st.none() | st.integers(0, 6), "unit": WORDS},
        _bounds(NUMBERS),
    ),
    "quantity": (
        {"label": WORDS},
        {
            **_QUESTION,
            "unit": WORDS,
            "unit_options": st.lists(
                st.fixed_dictionaries({"code": WORDS}, optional={"system": WORDS, "label": WORDS}),
                min_size=1,
                max_size=2,
            ),
        },
        _bounds(DECIMALS),
    ),
    "date": ({"label": WORDS}, _QUESTION, _bounds(DAYS)),
    "time": ({"label": WORDS}, _QUESTION, _bounds(TIMES)),
    "datetime": ({"label": WORDS}, _QUESTION, _bounds(INSTANTS)),
    "url": ({"label": WORDS}, _QUESTION, st.just({})),
    "file": ({"label": WORDS}, _QUESTION, st.just({})),
    "reference": ({"label": WORDS}, _QUESTION, st.just({})),
    "score": (
        {"calculated": EXPRESSIONS},
        {**_EVERY, "label": WORDS, "answer": st.sampled_from(["integer", "quantity", "string"]), "unit": WORDS},
        st.just({}),
    ),
}
for _kind in KINDS.values():
    _fitting_members = {name: part for name, part in _QUESTION.items() if name in _kind.schema.fields}
    _example = {name: st.just(part) for name, part in _kind.example.items() if name not in {"id", "type", "label"}}
    _OWN.setdefault(_kind.name, ({"label": WORDS}, {**_fitting_members, **_example}, st.just({})))
KIND_NAMES = tuple(_OWN)
_NESTS = frozenset({"section", "page", "grid", "log"})


def _block(kind: str, inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    needed, optional, bounds = _OWN[kind]
    blocks = {"blocks": st.lists(inner, min_size=1, max_size=3)}
    whole = st.fixed_dictionaries(
        {"id": st.just("?"), "type": st.just(kind), **needed, **(blocks if kind in _NESTS else {})},
        optional=optional | ({} if kind in _NESTS or kind == "text" else blocks),
    )
    return st.builds(lambda block, ends: _fitting({**block, **ends}), whole, bounds)


def _fitting(block: dict[str, Any]) -> dict[str, Any]:
    """A question answered several times begins with no single answer; what is read-only and calculated is a score."""
    if block.get("multiple"):
        block.pop("default", None)
    if block.get("read_only"):
        block.pop("calculated", None)
    return block


_leaves = st.sampled_from([kind for kind in KIND_NAMES if kind not in _NESTS]).flatmap(
    lambda kind: _block(kind, st.nothing())
)
_blocks = st.recursive(
    st.sampled_from(["yes_no", "short_text", "choice", "scale", "text"]).flatmap(
        lambda kind: st.fixed_dictionaries(
            {"id": st.just("?"), "type": st.just(kind), **_OWN[kind][0]},
            optional={"number": WORDS} if kind == "text" else {"help": WORDS},
        ).map(lambda block: {**block, **({"min": 0, "max": 10} if block["type"] == "scale" else {})})
    ),
    lambda inner: st.sampled_from(KIND_NAMES).flatmap(lambda kind: _block(kind, inner)),
    max_leaves=8,
)


def _numbered(blocks: list[dict[str, Any]], start: int = 1) -> int:
    for block in blocks:
        block["id"] = f"b{start}"
        start = _numbered(block.get("blocks", []), start + 1)
    return start


@st.composite
def documents(draw: Any) -> dict[str, Any]:
    """A document of any kinds of blocks, with conditions on what comes before."""
    document = {"schema": SCHEMA, "blocks": draw(st.lists(_blocks, min_size=1, max_size=4))}
    document |= draw(st.fixed_dictionaries({}, optional={"title": WORDS, "language": st.just("en"), "license": WORDS}))
    _numbered(document["blocks"])
    asked: list[dict[str, Any]] = []
    _condition(draw, document["blocks"], asked)
    counted = [block["id"] for block in asked if block["type"] in {"yes_no", "scale", "number"}]
    if counted and draw(FLAGS):
        document["scores"] = draw(_scores(counted))
        document["blocks"].append({"id": "shown", "type": "score", "score": "first", "label": "All in all"})
    return document


def _scores(counted: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    items = st.lists(st.sampled_from(counted), min_size=1, max_size=3, unique=True)
    first = st.fixed_dictionaries(
        {
            "id": st.just("first"),
            "label": WORDS,
            "method": st.sampled_from(METHODS),
            "items": items,
        },
        optional={
            "missing": st.fixed_dictionaries({"max": st.integers(0, 3)}),
            "multiply": st.integers(1, 4) | st.just(Decimal("0.5")),
            "bands": st.just([{"max": 4, "label": "low"}, {"min": 5, "label": "high"}]),
        },
    )
    second = {"id": "second score!", "label": "Again", "method": "max", "items": ["first"]}
    return first.map(lambda one: [one]) | first.map(lambda one: [one, second])


def _condition(draw: Any, blocks: list[dict[str, Any]], asked: list[dict[str, Any]]) -> None:
    for block in blocks:
        if asked and draw(st.integers(0, 3)) == 0:
            block["show_if"] = draw(_show_if(asked))
        if block["type"] in _VALUES or block["type"] == "choice":
            asked.append(block)
        _condition(draw, block.get("blocks", []), asked)


_VALUES = {
    "yes_no": FLAGS,
    "short_text": WORDS,
    "scale": st.integers(0, 9),
    "number": NUMBERS,
    "date": DAYS,
    "quantity": NUMBERS,
}


def _show_if(asked: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def of(block: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        codes = [option["code"] for option in block.get("options", [])]
        values = st.sampled_from(codes) if codes else _VALUES[block["type"]]
        compared = st.fixed_dictionaries(
            {"block": st.just(block["id"]), "op": st.sampled_from(["=", "!="]), "value": values}
        )
        there = st.fixed_dictionaries({"block": st.just(block["id"]), "op": st.just("exists"), "value": FLAGS})
        return compared | there

    conditions = st.lists(st.sampled_from(asked).flatmap(of), min_size=1, max_size=3)
    return st.fixed_dictionaries({"match": st.sampled_from(["all", "any"]), "conditions": conditions})


# Answers -----------------------------------------------------------------------------------------------------------

_ANSWERS: dict[str, st.SearchStrategy[Any]] = {
    "short_text": WORDS,
    "long_text": WORDS,
    "yes_no": FLAGS,
    "reading": st.sampled_from([True]),
    "date": DAYS,
    "time": TIMES,
    "datetime": INSTANTS,
    "url": st.just("https://example.org/a"),
    "file": WORDS,
    "reference": WORDS,
}


def _value(block: Block) -> st.SearchStrategy[Any]:
    spec = block.spec
    if block.type == "choice":
        chosen = st.sampled_from(sorted(options_by_code(block.spec))).map(lambda code: {"code": code})
        return st.lists(chosen, min_size=1, max_size=3 if block.is_multiple else 1, unique_by=lambda one: one["code"])
    if block.type == "scale":
        one: Any = st.integers(0, 5).map(lambda step: spec["min"] + step * spec.get("step", 1))
    elif block.type == "number":
        one = st.integers(-99, 99)
    elif block.type == "quantity":
        units = [unit["code"] for unit in spec.get("unit_options", [])]
        named = st.sampled_from(units) if units else WORDS
        one = st.builds(lambda value, unit: {"value": value, "unit": unit}, DECIMALS, named)
    elif block.type in _ANSWERS:
        one = _ANSWERS[block.type]
    else:
        return st.just(block.kind.example_answer)
    return st.lists(one, min_size=1, max_size=3) if block.is_multiple else one


@st.composite
def responses(draw: Any, form: Form) -> Response:
    """Answers that fit the form, in rows where there are rows; some are missing."""
    response = Response()
    _answer(draw, form, form.document["blocks"], (), response)
    return response


def _answer(draw: Any, form: Form, specs: list[dict[str, Any]], row: RowPath, response: Response) -> None:
    for spec in specs:
        block = form.blocks[spec["id"]]
        rows: list[RowPath] = [row]
        if block.has_rows:
            rows = [(*row, new_id()) for _ in range(draw(st.integers(0, 2)))]
            response.rows += [Row(block.id, path) for path in rows]
        for path in rows:
            if block.is_editable and draw(st.integers(0, 4)):
                value = draw(_value(block))
                if block.kind.answer_error(block.spec, value) is None:
                    response.answers[block.id, path] = Answer(value)
            _answer(draw, form, spec.get("blocks", []), path, response)


def exactly(value: Any) -> Any:
    """A value as its digits say it, for comparing what stood in JSON."""
    if isinstance(value, dict):
        return {name: exactly(one) for name, one in value.items()}
    if isinstance(value, list):
        return [exactly(one) for one in value]
    return str(value) if isinstance(value, Decimal) else value
