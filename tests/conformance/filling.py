"""Made-up answers to any form, decided by a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from portal.forms.answering.responses import Answer, Response, Row, RowPath
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.kinds.choice import allows_free_text, options_by_code

SHARE = 0.8
"""Of the questions that are answered."""
PLAIN: Mapping[str, Sequence[Any]] = {
    "short_text": ("a", "two words", "ü · 你好"),
    "long_text": ("a", "one\ntwo"),
    "yes_no": (True, False),
    "reading": (True,),
    "date": ("2026-03-02", "1999-12-31"),
    "time": ("10:20", "10:20:30"),
    "datetime": ("2026-03-02T09:30:00Z", "2026-03-02", "2026-03-02T09:30+01:00"),
    "url": ("https://example.org/a",),
    "file": ("scan.pdf",),
    "reference": ("Somebody",),
}


def filled(form: Form, seed: str) -> Response:
    """A response to the whole form, with two rows wherever there are rows."""
    response = Response()
    _fill(form, form.document["blocks"], (), response, random.Random(seed))
    return response


def _fill(form: Form, specs: Sequence[Any], row: RowPath, response: Response, chance: random.Random) -> None:
    for spec in specs:
        block = form.blocks[spec["id"]]
        paths: list[RowPath] = [row]
        if block.has_rows:
            paths = [(*row, str(UUID(int=chance.getrandbits(128)))) for _ in range(2)]
            response.rows += [Row(block.id, path) for path in paths]
        for path in paths:
            if block.is_editable and chance.random() < SHARE:
                value = _several(block, chance)
                if block.kind.answer_error(block.spec, value) is None:
                    response.answers[block.id, path] = Answer(value)
            _fill(form, spec.get("blocks", ()), path, response, chance)


def _several(block: Block, chance: random.Random) -> Any:
    if block.type == "choice":
        return _chosen(block, chance)
    return [_one(block, chance) for _ in range(2)] if block.is_multiple else _one(block, chance)


def _chosen(block: Block, chance: random.Random) -> list[dict[str, str]]:
    codes = sorted(options_by_code(block.spec))
    if not codes or (allows_free_text(block.spec) and chance.random() < 1 / 4):
        return [{"other": "something else"}]
    return [{"code": code} for code in chance.sample(codes, min(len(codes), 2 if block.is_multiple else 1))]


def _one(block: Block, chance: random.Random) -> Any:
    spec = block.spec
    if block.type == "scale":
        return chance.randrange(spec["min"], spec["max"] + 1, spec.get("step", 1))
    if block.type in {"number", "quantity"}:
        low = Decimal(str(spec.get("min", spec.get("max", 100) - 1)))
        value = low if "max" in spec and chance.random() < 1 / 2 else low + 1
        if block.type == "number":
            return value if "decimals" in spec else int(value)
        units = [unit.get("code", unit.get("label")) for unit in spec.get("unit_options", ())]
        return {"value": value} | ({"unit": chance.choice(units)} if units else {})
    given = chance.choice(PLAIN[block.type])
    return spec.get("min", spec.get("max", given)) if block.type in {"date", "time", "datetime"} else given
