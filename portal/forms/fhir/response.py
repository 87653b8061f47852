"""A response as a FHIR R4 QuestionnaireResponse: the tree of the form with the answers in their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from portal.forms.answering.responses import Key, Response, RowPath
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.fhir_elements import urls
from portal.forms.fhir_elements.scalars import as_integer, keyed

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """A form with what to write of it: the visible answers, and its own results by block and row.

    With `counted`, for expressions, each chosen option carries its score and each row is written, empty or not.
    """

    form: Form
    response: Response
    results: Mapping[Key, Any] = field(default_factory=dict)
    counted: bool = False


def write(answered: Answered, **members: Any) -> dict[str, Any]:
    """The resource, with `members` (id, status, authored ...) before its items; those that are None are left out."""
    resource = {"resourceType": "QuestionnaireResponse"}
    resource |= {name: value for name, value in members.items() if value is not None}
    found = list(_items(answered, answered.form.document["blocks"], ()))
    return {**resource, "item": found} if found else resource


def _items(answered: Answered, blocks: Sequence[Json], row: RowPath) -> Iterator[Json]:
    for spec in blocks:
        yield from _of_block(answered, answered.form.blocks[spec["id"]], row)


def _of_block(answered: Answered, block: Block, row: RowPath) -> Iterator[Json]:
    if block.kind.has_rows:
        for one in answered.response.rows_of(block.id, row):
            columns = list(_items(answered, block.spec["blocks"], one.path))
            if columns or not answered.counted:
                yield from _nonempty(block, item=columns)
            else:
                yield {"linkId": block.id}
    elif block.kind.item_type(block.spec) in {"group", "display"}:
        own = block.kind.own_answers(block.spec, answered.response.value(block.id, row))
        yield from _nonempty(block, item=[*own, *_items(answered, block.spec.get("blocks", ()), row)])
    else:
        yield from _nonempty(block, answer=list(_answers(answered, block, row)))


def _nonempty(block: Block, **inner: Any) -> Iterator[Json]:
    (name, found), *_ = inner.items()
    if found:
        label = block.spec.get("label")
        yield {"linkId": block.id, **({"text": label} if label else {}), name: found}


def _answers(answered: Answered, block: Block, row: RowPath) -> Iterator[Json]:
    """The answers to one question, each with the answers to the questions in it."""
    rows = [one.path for one in answered.response.rows_of(block.id, row)] if block.has_rows else [row]
    for path in rows:
        written = _values(answered, block, path)
        inner = list(_items(answered, block.spec.get("blocks", ()), path))
        if inner:
            written = [*written[:-1], {**(written[-1] if written else {}), "item": inner}]
        yield from written or ([{}] if answered.counted and block.has_rows else [])


def _values(answered: Answered, block: Block, row: RowPath) -> list[Json]:
    answer = answered.response.value(block.id, row) if block.accepts_answer else None
    if answer is None:
        return _result(answered, block, row) if "calculated" in block.spec or not block.accepts_answer else []
    return [_value(answered, value, block) for value in block.kind.values_of(answer) if not _is_blank(value)]


def _is_blank(value: Any) -> bool:
    """Whether this is a text of nothing but spaces, which FHIR takes for no answer."""
    text = value.get("other") if isinstance(value, Mapping) else value
    return isinstance(text, str) and not text.strip()


def _value(answered: Answered, value: Any, block: Block) -> Json:
    written = block.kind.write_value(block.spec, value)
    score = block.kind.ordinal(block.spec, value) if answered.counted else None
    if score is None or "valueCoding" not in written:
        return written
    return {"valueCoding": {**written["valueCoding"], "extension": [{"url": urls.ORDINAL, "valueDecimal": score}]}}


def _result(answered: Answered, block: Block, row: RowPath) -> list[Json]:
    """The form's own result there; nothing where it does not fit the item's type."""
    result = answered.results.get((block.id, row))
    if result is None:
        return []
    kind = block.kind.item_type(block.spec)
    if kind in {"choice", "open-choice"}:
        return [{"valueCoding": result}] if isinstance(result, Mapping) else []
    if kind == "quantity" and isinstance(result, Mapping):
        return [{"valueQuantity": result}]
    if not _IS_OF.get(kind, _is_text)(result):
        return []
    if kind == "integer":
        return [{"valueInteger": as_integer(result)}]
    return [
        {"valueQuantity": {"value": result}} if kind == "quantity" else keyed("value", _CALLED.get(kind, kind), result)
    ]


def _is_number(result: Any) -> bool:
    return isinstance(result, int | float | Decimal) and not isinstance(result, bool)


def _is_text(result: Any) -> bool:
    return isinstance(result, str) and bool(result.strip())


_IS_OF: Mapping[str, Callable[[Any], bool]] = {
    "boolean": lambda result: isinstance(result, bool),
    "integer": lambda result: as_integer(result) is not None,
    "decimal": _is_number,
    "quantity": _is_number,
}
_CALLED = {"text": "string", "url": "uri"}
