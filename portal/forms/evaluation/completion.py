"""Whether a response is complete, how much of it is answered, and which part of it is submitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portal.core.errors import Fault, Faults
from portal.forms.answering.responses import ONLY_ME, Response, RowPath, row_paths
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.evaluation.evaluate import visibility_of


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the visible questions are answered; a log counts as one."""

    answered: int
    total: int


def progress(form: Form, response: Response, visibility: Visibility | None = None) -> Progress:
    visibility = visibility or visibility_of(form, response)
    items = [block for block in form.progress_blocks if visibility(block.id, ())]
    return Progress(sum(_is_answered(block, response) for block in items), len(items))


def _is_answered(block: Block, response: Response) -> bool:
    if block.has_rows:
        least: int = block.spec.get("min_rows", 0)
        return len(response.rows_of(block.id, ())) >= max(1, least)
    return response.value(block.id) is not None


def require_complete(form: Form, response: Response, visibility: Visibility | None = None) -> Response:
    """The response to submit: everything that is visible. Raises Invalid with a pointer to each incomplete block."""
    visibility, faults = visibility or visibility_of(form, response), Faults()
    for block in form.blocks.values():
        if block.has_rows:
            _check_rows(block, response, visibility, faults)
        for row in row_paths(response, block) if block.is_editable else ():
            if visibility(block.id, row):
                _check_complete(block, row, response, faults)
    faults.raise_if_any()
    return visible_part(response, visibility)


def visible_part(response: Response, visibility: Visibility) -> Response:
    """The response without what is hidden."""
    rows = [row for row in response.rows if visibility(row.log, row.path[:-1])]
    answers = {key: answer for key, answer in response.answers.items() if answer.value is not None and visibility(*key)}
    return Response(answers, rows)


def shared_part(response: Response) -> Response:
    """The part a therapist may read."""
    answers = {key: answer for key, answer in response.answers.items() if answer.share != ONLY_ME}
    return Response(answers, list(response.rows))


def _check_rows(block: Block, response: Response, visibility: Visibility, faults: Faults) -> None:
    required = max(block.spec.get("min_rows", 0), 1 if block.spec.get("required") else 0)
    enclosing = block.enclosing_logs
    outer_rows = [row.path for row in response.rows if row.log == enclosing[-1]] if enclosing else [()]
    for outer in outer_rows:
        count = len(response.rows_of(block.id, outer))
        if count < required and visibility(block.id, outer):
            fault = Fault("too_few_rows", "This needs {min} rows at least; it has {count}.", min=required, count=count)
            faults.add(fault.at(block.pointer, block.id, outer))


def _check_complete(block: Block, row: RowPath, response: Response, faults: Faults) -> None:
    answer = response.value(block.id, row)
    for fault in _incomplete(block, answer):
        faults.add(fault.at(block.pointer, block.id, row))


def _incomplete(block: Block, answer: Any) -> Iterator[Fault]:
    """What keeps an answer from being submitted."""
    if answer is None:
        if block.spec.get("required"):
            yield Fault("required", "This one is needed before you submit.")
        return
    if block.is_multiple:
        low, high, count = block.spec.get("min_rows", 0), block.spec.get("max_rows"), len(answer)
        if count < low:
            yield Fault("too_few", "Give {min} answers at least; this has {count}.", min=low, count=count)
        if high is not None and count > high:
            yield Fault("too_many", "Give {max} answers at most; this has {count}.", max=high, count=count)
    for value in block.kind.values_of(answer):
        if (fault := block.kind.completion_error(block.spec, value)) is not None:
            yield fault
