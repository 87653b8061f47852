"""A form as the client would see it with some answers: the blocks that are shown, in order, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portal.core.errors import Fault, Invalid
from portal.forms.answering.responses import Response, RowPath
from portal.forms.definition.document import Form
from portal.forms.evaluation.evaluate import Evaluation
from portal.forms.text.markdown import safe_html

MAX_RENDERED = 50_000
"""Characters of Markdown; the worst of it takes half a second."""
NEW_ROW = ""
"""The id of the row that a client could add."""


def preview_blocks(form: Form, response: Response, evaluation: Evaluation) -> list[dict[str, Any]]:
    """The blocks that are shown, nested as written, Markdown as safe HTML, answers and rows in their places.

    A log holds its `rows` and, in `blocks`, what a new row would ask. Raises Invalid for too much Markdown.
    """
    return _Preview(form, response, evaluation).blocks(form.document["blocks"], ())


class _Preview:
    def __init__(self, form: Form, response: Response, evaluation: Evaluation) -> None:
        self._form, self._response = form, response
        self._visible, self._values = evaluation.visibility, evaluation.values
        self._room = MAX_RENDERED

    def blocks(self, specs: Sequence[Mapping[str, Any]], row: RowPath) -> list[dict[str, Any]]:
        return list(self._visible_blocks(specs, row))

    def _visible_blocks(self, specs: Sequence[Mapping[str, Any]], row: RowPath) -> Iterator[dict[str, Any]]:
        for spec in specs:
            if not spec.get("hidden") and self._visible(spec["id"], row):
                yield self._block(spec, row)

    def _block(self, spec: Mapping[str, Any], row: RowPath) -> dict[str, Any]:
        block = self._form.blocks[spec["id"]]
        members = block.kind.preview(spec)
        if "markdown" in spec:
            members["html"] = self._html(spec)
        inner = spec.get("blocks", ())
        if block.has_rows:
            rows = [one.path for one in self._response.rows_of(spec["id"], row)]
            members["rows"] = [
                {"id": path[-1], **self._answer(spec["id"], path), "blocks": self.blocks(inner, path)} for path in rows
            ]
            members["blocks"] = self.blocks(inner, (*row, NEW_ROW))
            return members
        if inner:
            members["blocks"] = self.blocks(inner, row)
        return members | self._answer(spec["id"], row)

    def _answer(self, block_id: str, row: RowPath) -> dict[str, Any]:
        if (block_id, row) in self._values:
            return {"value": self._values[block_id, row]}
        answer = self._response.answers.get((block_id, row))
        return {} if answer is None else {"value": answer.value, "share": answer.share}

    def _html(self, spec: Mapping[str, Any]) -> str:
        self._room -= len(spec["markdown"])
        if self._room < 0:
            fault = Fault("too_long", "A preview shows {max} characters of Markdown at most.", max=MAX_RENDERED)
            raise Invalid(fault.at(self._form.blocks[spec["id"]].pointer, spec["id"]))
        return safe_html(spec["markdown"])
