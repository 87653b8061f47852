"""Forms for the scoring tests, laid out as `parse` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from portal.forms.answering.responses import Answer, Response
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import SCHEMA, Form


def _blocks(
    raw: Sequence[dict[str, Any]], pointer: str, logs: tuple[str, ...], parents: tuple[str, ...]
) -> Iterator[Block]:
    for index, spec in enumerate(raw):
        place = f"{pointer}/{index}"
        yield Block(spec["id"], spec["type"], place, logs, parents, spec)
        inner = (*logs, spec["id"]) if spec["type"] == "log" else logs
        yield from _blocks(spec.get("blocks", ()), f"{place}/blocks", inner, (*parents, spec["id"]))


def form_of(document: dict[str, Any]) -> Form:
    blocks = {block.id: block for block in _blocks(document["blocks"], "#/blocks", (), ())}
    return Form(document, blocks)


def form(*blocks: dict[str, Any], scores: Sequence[dict[str, Any]] = ()) -> Form:
    return form_of({"schema": SCHEMA, "blocks": list(blocks), "scores": list(scores)})


def choice(name: str, *scores: Any, **more: Any) -> dict[str, Any]:
    """A choice with one option for each score, coded a, b, c ..."""
    options = [
        {"code": chr(97 + index), "label": f"Option {index}", **({} if score is None else {"score": score})}
        for index, score in enumerate(scores)
    ]
    return {"id": name, "type": "choice", "label": name, "options": options, **more}


def scale(name: str, low: int, high: int, **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "scale", "label": name, "min": low, "max": high, **more}


def answered(**values: Any) -> Response:
    return Response({(name, ()): Answer(value) for name, value in values.items()})
