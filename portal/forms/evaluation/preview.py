"""A form as the client would see it with some answers: the blocks that are shown, in order, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portal.core.errors import Fault, Invalid
from portal.forms.answering.responses import Response, RowPath
from portal.forms.definition.document import Form
from portal.forms.evaluation.evaluate import Evaluation
from portal.forms.text.markdown import safe_html

NOT_SHOWN = frozenset(
    {"blocks", "calculated", "codes", "fhir", "markdown", "risk", "show_if", "show_if_expr", "variables"}
)
"""What of a block is its author's and the program's business."""
OF_AN_OPTION = ("code", "label", "prefix", "exclusive", "selected")
MOST_RENDERED = 50_000
"""Characters of Markdown; the worst of it takes half a second."""
NEW = ""
"""The row that is not there yet."""


def preview_blocks(form: Form, response: Response, worked_out: Evaluation) -> list[dict[str, Any]]:
    """The blocks that are shown, nested as written, Markdown as safe HTML, answers and rows in their places.

    A log holds its `rows` and, in `blocks`, what a new row would ask. Raises Invalid for too much Markdown.
    """
    return _Preview(form, response, worked_out).blocks(form.document["blocks"], ())


class _Preview:
    def __init__(self, form: Form, response: Response, worked_out: Evaluation) -> None:
        self._form, self._response = form, response
        self._shown, self._values = worked_out.shown, worked_out.values
        self._room = MOST_RENDERED

    def blocks(self, specs: Sequence[Mapping[str, Any]], row: RowPath) -> list[dict[str, Any]]:
        return list(self._each(specs, row))

    def _each(self, specs: Sequence[Mapping[str, Any]], row: RowPath) -> Iterator[dict[str, Any]]:
        for spec in specs:
            if not spec.get("hidden") and self._shown(spec["id"], row):
                yield self._block(spec, row)

    def _block(self, spec: Mapping[str, Any], row: RowPath) -> dict[str, Any]:
        seen = {name: value for name, value in spec.items() if name not in NOT_SHOWN}
        if "options" in spec:
            seen["options"] = [
                {name: option[name] for name in OF_AN_OPTION if name in option} for option in spec["options"]
            ]
        if "markdown" in spec:
            seen["html"] = self._html(spec)
        inner = spec.get("blocks", ())
        if self._form.blocks[spec["id"]].has_rows:
            rows = [one.path for one in self._response.rows_of(spec["id"], row)]
            seen["rows"] = [
                {"id": path[-1], **self._answer(spec["id"], path), "blocks": self.blocks(inner, path)} for path in rows
            ]
            seen["blocks"] = self.blocks(inner, (*row, NEW))
            return seen
        if inner:
            seen["blocks"] = self.blocks(inner, row)
        return seen | self._answer(spec["id"], row)

    def _answer(self, block_id: str, row: RowPath) -> dict[str, Any]:
        if (block_id, row) in self._values:
            return {"value": self._values[block_id, row]}
        answer = self._response.answers.get((block_id, row))
        return {} if answer is None else {"value": answer.value, "share": answer.share}

    def _html(self, spec: Mapping[str, Any]) -> str:
        self._room -= len(spec["markdown"])
        if self._room < 0:
            said = f"A preview shows {MOST_RENDERED} characters of Markdown at most."
            raise Invalid(Fault("invalid", said).at(self._form.blocks[spec["id"]].pointer, spec["id"]))
        return safe_html(spec["markdown"])
