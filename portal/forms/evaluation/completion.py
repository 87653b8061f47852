"""Whether a response is complete, how much of it is answered, and what of it is sent in."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.errors import Fault, Faults
from portal.forms.answering.responses import ONLY_ME, Response, RowPath, row_paths
from portal.forms.answering.visibility import Visibility
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.evaluation.evaluate import visibility_of
from portal.forms.kinds import patterns


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the questions shown are answered; a log counts as one."""

    answered: int
    total: int


def progress(form: Form, response: Response, shown: Visibility | None = None) -> Progress:
    shown = shown or visibility_of(form, response)
    items = [block for block in form.items if shown(block.id, ())]
    return Progress(sum(_is_done(block, response) for block in items), len(items))


def _is_done(block: Block, response: Response) -> bool:
    if block.has_rows:
        least: int = block.spec.get("min_rows", 0)
        return len(response.rows_of(block.id, ())) >= max(1, least)
    return response.value(block.id) is not None


def require_complete(form: Form, response: Response, shown: Visibility | None = None) -> Response:
    """What is submitted: all that is shown. Raises Invalid with a pointer to each block that is not complete."""
    shown, faults = shown or visibility_of(form, response), Faults()
    for block in form.blocks.values():
        if block.has_rows:
            _check_rows(block, response, shown, faults)
        for row in row_paths(response, block) if block.is_asked else ():
            if shown(block.id, row):
                _check_complete(block, row, response, faults)
    faults.raise_if_any()
    return visible_part(response, shown)


def visible_part(response: Response, shown: Visibility) -> Response:
    """The response without what its conditions hide."""
    rows = [row for row in response.rows if shown(row.log, row.path[:-1])]
    answers = {key: answer for key, answer in response.answers.items() if answer.value is not None and shown(*key)}
    return Response(answers, rows)


def shared_part(response: Response) -> Response:
    """The part a therapist may read."""
    answers = {key: answer for key, answer in response.answers.items() if answer.share != ONLY_ME}
    return Response(answers, list(response.rows))


def _check_rows(block: Block, response: Response, shown: Visibility, faults: Faults) -> None:
    least = max(block.spec.get("min_rows", 0), 1 if block.spec.get("required") else 0)
    outside = [()] if not block.around else [row.path for row in response.rows if row.log == block.around[-1]]
    for within in outside:
        have = len(response.rows_of(block.id, within))
        if have < least and shown(block.id, within):
            faults.add(
                Fault("invalid", f"This needs {least} rows at least; it has {have}.").at(
                    block.pointer, block.id, within
                )
            )


def _check_complete(block: Block, row: RowPath, response: Response, faults: Faults) -> None:
    value = response.value(block.id, row)
    if value is None:
        if block.spec.get("required"):
            faults.add(Fault("invalid", "This one is needed before you send it in.").at(block.pointer, block.id, row))
        return
    least = block.spec.get("min_rows", 0)
    if block.takes_several and len(value) < least:
        faults.add(
            Fault("invalid", f"Give {least} answers at least; this has {len(value)}.").at(block.pointer, block.id, row)
        )
    if block.takes_several and len(value) > block.spec.get("max_rows", len(value)):
        most = block.spec["max_rows"]
        faults.add(
            Fault("invalid", f"Give {most} answers at most; this has {len(value)}.").at(block.pointer, block.id, row)
        )
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str) and (problem := _problem_with_text(block, text)):
            faults.add(Fault("invalid", problem).at(block.pointer, block.id, row))


def _problem_with_text(block: Block, text: str) -> str | None:
    """What only a finished text can be held to."""
    least = block.spec.get("min_length", 0)
    if len(text) < least:
        return f"Use {least} characters at least; this has {len(text)}."
    if "pattern" in block.spec and not patterns.matches(block.spec["pattern"], text):
        example = block.spec.get("placeholder")
        return "This is not in the form the question asks for" + (f": {example}." if example else ".")
    return None
