"""Answers to a form: merged, checked for shape at save, for completeness at submit, and counted.

A response is what api.md shows: `answers` (block, row path, value, sharing) and `rows` of logs in order. This
module knows no database, no key and no person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from portal.core.errors import Faults
from portal.core.ids import is_id
from portal.library.forms.document import TEXT_MOST, Block, Form

RowPath = tuple[str, ...]
Key = tuple[str, RowPath]
MY_THERAPIST, ONLY_ME = "my_therapist", "only_me"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOST_ROWS = 1_000
MOST_OTHER = 500
NOT_PRIVATE = (
    "This answer goes to your therapist when you send it in. It cannot be kept to yourself; you can leave it empty."
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a log; `path` is its own id behind those of the rows around it."""

    log: str
    path: RowPath


@dataclass(slots=True)
class Answer:
    """A value and with whom it is shared; a cleared answer stays (as None) while it is kept private."""

    value: Any
    share: str = MY_THERAPIST


@dataclass(slots=True)
class Response:
    """All that is answered, in the order it was given."""

    answers: dict[Key, Answer] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Response:
        rows = [Row(row["log"], (*row.get("row", ()), row["id"])) for row in stored["rows"]]
        answers = {
            (answer["block"], tuple(answer.get("row", ()))): Answer(answer["value"], answer.get("share", MY_THERAPIST))
            for answer in stored["answers"]
        }
        return cls(answers, rows)

    def as_json(self) -> dict[str, Any]:
        """The wire and storage shape."""
        return {
            "answers": [_answer_as_json(key, answer) for key, answer in self.answers.items()],
            "rows": [_row_as_json(row) for row in self.rows],
        }

    def value(self, block: str, row: RowPath = ()) -> Any:
        """What was answered, or None."""
        answer = self.answers.get((block, row))
        return None if answer is None else answer.value

    def rows_of(self, log: str, within: RowPath) -> list[Row]:
        return [row for row in self.rows if row.log == log and row.path[:-1] == within]


def _answer_as_json(key: Key, answer: Answer) -> dict[str, Any]:
    shown: dict[str, Any] = {"block": key[0], "value": answer.value}
    if key[1]:
        shown["row"] = list(key[1])
    if answer.share != MY_THERAPIST:
        shown["share"] = answer.share
    return shown


def _row_as_json(row: Row) -> dict[str, Any]:
    shown: dict[str, Any] = {"log": row.log, "id": row.path[-1]}
    if row.path[:-1]:
        shown["row"] = list(row.path[:-1])
    return shown


# Saving --------------------------------------------------------------------------------------------------------


def merge(form: Form, response: Response, patch: Mapping[str, Any]) -> Response:
    """The response with a patch applied: rows first (added, moved, removed by id), then answers (null clears).

    Raises Invalid with a pointer into the patch for everything that does not fit; the response is left as it was.
    """
    faults = Faults()
    merged = Response(dict(response.answers), list(response.rows))
    for index, row in enumerate(patch.get("rows", [])):
        _merge_row(form, merged, row, f"#/rows/{index}", faults)
    known = set(merged.rows)
    for index, sent in enumerate(patch.get("answers", [])):
        if fault := _merge_answer(form, merged, known, sent):
            faults.add(f"#/answers/{index}/{fault[0]}", fault[1], sent["block"], tuple(sent.get("row", ())))
    faults.raise_if_any()
    return merged


def _merge_row(form: Form, merged: Response, sent: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    log, within = form.blocks.get(sent["log"]), tuple(sent.get("row", ()))
    row = Row(sent["log"], (*within, sent["id"]))
    if log is None or log.type != "log":
        faults.add(f"{pointer}/log", "This form has no log with this id.", sent["log"])
    elif fault := _misplaced(log, row, merged):
        faults.add(f"{pointer}/{fault[0]}", fault[1], log.id)
    elif sent.get("removed"):
        _remove(merged, row)
    elif row not in merged.rows and len(merged.rows_of(log.id, within)) >= log.spec.get("max_rows", MOST_ROWS):
        faults.add(pointer, f"This log takes {log.spec.get('max_rows', MOST_ROWS)} rows at most.", log.id)
    elif row not in merged.rows or "after" in sent:
        _place(merged, row, sent)


def _misplaced(log: Block, row: Row, merged: Response) -> tuple[str, str] | None:
    """What of a sent row does not fit, and why; or None."""
    within = row.path[:-1]
    if not is_id(row.path[-1]) or len(within) != len(log.logs):
        return "id", "A row has a UUID of its own, behind the ids of the rows around it."
    if any(other.path == row.path and other.log != row.log for other in merged.rows):
        return "id", "Another log has a row with this id."
    around = [Row(name, within[: depth + 1]) for depth, name in enumerate(log.logs)]
    if any(outer not in merged.rows for outer in around):
        return "row", "The row around this one is not there. Send it first."
    return None


def _remove(merged: Response, row: Row) -> None:
    """Take a row away with all that is in it."""
    depth = len(row.path)
    merged.rows = [other for other in merged.rows if other.path[:depth] != row.path]
    merged.answers = {key: answer for key, answer in merged.answers.items() if key[1][:depth] != row.path}


def _place(merged: Response, row: Row, sent: Mapping[str, Any]) -> None:
    """Put a row behind the one named, at the beginning for null, else (or where that one is gone) at the end."""
    merged.rows = [other for other in merged.rows if other != row]
    siblings = merged.rows_of(row.log, row.path[:-1])
    position = len(merged.rows)
    if "after" in sent and sent["after"] is None and siblings:
        position = merged.rows.index(siblings[0])
    elif sent.get("after") is not None:
        before = [other for other in siblings if other.path[-1] == sent["after"]]
        position = merged.rows.index(before[0]) + 1 if before else position
    merged.rows.insert(position, row)


def _merge_answer(form: Form, merged: Response, known: set[Row], sent: Mapping[str, Any]) -> tuple[str, str] | None:
    """Take one answer in; or what of it does not fit, and why."""
    block, row = form.blocks.get(sent["block"]), tuple(sent.get("row", ()))
    if block is None or not block.is_answered:
        return "block", "This form asks no question with this id."
    if len(row) != len(block.logs) or (row and Row(block.logs[-1], row) not in known):
        if block.logs:
            return "row", "Say the row, and send the row itself first."
        return "row", "This question stands in no log: leave row out."
    key = (block.id, row)
    earlier = merged.answers.get(key)
    share = sent.get("share") or (earlier.share if earlier else MY_THERAPIST)
    if share == ONLY_ME and block.id in form.always_shared:
        return "share", NOT_PRIVATE
    value = None if sent["value"] == "" else sent["value"]
    if value is not None and (problem := CHECKS[block.type](block, value)):
        return "value", problem
    if value is None and share == MY_THERAPIST:
        merged.answers.pop(key, None)
    else:
        merged.answers[key] = Answer(value, share)
    return None


# Shape of a value ------------------------------------------------------------------------------------------------


def _check_text(block: Block, value: Any) -> str | None:
    most = min(block.spec.get("max_length", TEXT_MOST[block.type]), TEXT_MOST[block.type])
    if not isinstance(value, str):
        return "Answer with text."
    if len(value) > most:
        return f"Use {most} characters at most; this has {len(value)}."
    return None


def _check_yes_no(block: Block, value: Any) -> str | None:
    return None if isinstance(value, bool) else "Answer with true or false."


def _check_read(block: Block, value: Any) -> str | None:
    return None if value is True else "A section is answered with true once it is read; null takes that back."


def _check_scale(block: Block, value: Any) -> str | None:
    low, high, step = block.spec["min"], block.spec["max"], block.spec.get("step", 1)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high or (value - low) % step:
        return f"Answer with a whole number from {low} to {high}" + (f" in steps of {step}." if step > 1 else ".")
    return None


def _check_number(block: Block, value: Any) -> str | None:
    low, high, decimals = block.spec.get("min"), block.spec.get("max"), block.spec.get("decimals", 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "Answer with a number."
    exponent = Decimal(str(value)).normalize().as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > decimals:
        return f"Use {decimals} decimal places at most."
    if (low is not None and value < low) or (high is not None and value > high):
        return f"Answer with a number {_range(low, high)}."
    return None


def _range(low: Any, high: Any) -> str:
    if low is None:
        return f"of {high} at most"
    return f"of {low} at least" if high is None else f"from {low} to {high}"


def _check_date(block: Block, value: Any) -> str | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _DAY.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None:
        return "Answer with a day as YYYY-MM-DD."
    if value < block.spec.get("min", value) or value > block.spec.get("max", value):
        return f"Answer with a day {_range(block.spec.get('min'), block.spec.get('max'))}."
    return None


def _check_choice(block: Block, value: Any) -> str | None:
    if not isinstance(value, list) or not value:
        return 'Answer with a list such as [{"code": "..."}]; null clears.'
    problems = (problem for one in value if (problem := _check_chosen(block, one)))
    return next(problems, None) or _check_together(block, value)


def _check_chosen(block: Block, one: Any) -> str | None:
    if not isinstance(one, dict) or len(one) != 1 or not set(one) <= {"code", "other"}:
        return 'Each choice is {"code": "..."} or {"other": "own words"}.'
    if "code" in one:
        known = any(option["code"] == one["code"] for option in block.spec["options"])
        return None if known else "This is not one of the options."
    if not block.spec.get("other") or not isinstance(one["other"], str) or not 0 < len(one["other"]) <= MOST_OTHER:
        return f"Own words (1 to {MOST_OTHER} characters) are taken only where the question offers them."
    return None


def _check_together(block: Block, value: Sequence[Mapping[str, str]]) -> str | None:
    if len(value) == 1:
        return None
    if not block.spec.get("multiple"):
        return "Choose one."
    codes = [one.get("code") for one in value]
    if len(set(codes)) < len(codes):
        return "Choose each option once."
    alone = {option["code"] for option in block.spec["options"] if option.get("exclusive")}
    return "One of these stands alone: choose it by itself, or the others." if alone & set(codes) else None


CHECKS: Mapping[str, Callable[[Block, Any], str | None]] = {
    "short_text": _check_text,
    "long_text": _check_text,
    "yes_no": _check_yes_no,
    "reading": _check_read,
    "scale": _check_scale,
    "number": _check_number,
    "date": _check_date,
    "choice": _check_choice,
}


def places(response: Response, block: Block) -> Iterable[RowPath]:
    """Every row path at which a block stands."""
    if not block.logs:
        return [()]
    return [row.path for row in response.rows if row.log == block.logs[-1]]


# What is shown ---------------------------------------------------------------------------------------------------


class Shown:
    """Which blocks a response shows, row by row. A hidden block's answer counts for no condition."""

    def __init__(self, form: Form, response: Response) -> None:
        self._form, self._response = form, response
        self._known: dict[Key, bool] = {}
        for block in form.depended_on:
            for row in places(response, block):
                self(block.id, row)

    def __call__(self, block_id: str, row: RowPath) -> bool:
        key = (block_id, row)
        if key not in self._known:
            block = self._form.blocks[block_id]
            self._known[key] = all(self._holds(one, row) for one in (*block.parents, block_id))
        return self._known[key]

    def _holds(self, block_id: str, row: RowPath) -> bool:
        show_if = self._form.blocks[block_id].spec.get("show_if")
        if show_if is None:
            return True
        combine = any if show_if.get("match") == "any" else all
        return combine(self._met(condition, row) for condition in show_if["conditions"])

    def _met(self, condition: Mapping[str, Any], row: RowPath) -> bool:
        values = list(self._values(condition["block"], row))
        if condition["op"] == "exists":
            return bool(values) is condition["value"]
        return any(_compares(value, condition["op"], condition["value"]) for value in values)

    def _values(self, block_id: str, row: RowPath) -> Iterable[Any]:
        """The answers a condition looks at: of the same row first, else of every row."""
        depth = len(self._form.blocks[block_id].logs)
        near = row[:depth]
        for (answered, path), answer in self._response.answers.items():
            if answered != block_id or not (path == near or (len(near) < depth and path[: len(near)] == near)):
                continue
            if self(block_id, path):
                yield from _plain(answer.value)


def _plain(value: Any) -> list[Any]:
    """A value as what conditions compare: a choice as its codes."""
    if isinstance(value, list):
        return [one.get("code", one.get("other")) for one in value]
    return [value]


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    ">": lambda left, right: bool(left > right),
    "<": lambda left, right: bool(left < right),
    ">=": lambda left, right: bool(left >= right),
    "<=": lambda left, right: bool(left <= right),
}


def _compares(value: Any, op: str, wanted: Any) -> bool:
    if isinstance(value, bool) != isinstance(wanted, bool) or isinstance(value, str) != isinstance(wanted, str):
        return op == "!="
    return _COMPARISONS[op](value, wanted)


# Submitting and counting -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the questions shown are answered; a log counts as one."""

    answered: int
    total: int


def progress(form: Form, response: Response) -> Progress:
    shown = Shown(form, response)
    items = [block for block in form.items if shown(block.id, ())]
    return Progress(sum(_is_done(block, response) for block in items), len(items))


def _is_done(block: Block, response: Response) -> bool:
    if block.type == "log":
        least: int = block.spec.get("min_rows", 0)
        return len(response.rows_of(block.id, ())) >= max(1, least)
    return response.value(block.id) is not None


def complete(form: Form, response: Response) -> Response:
    """What is submitted: all that is shown. Raises Invalid with a pointer to each block that is not complete."""
    shown, faults = Shown(form, response), Faults()
    for block in form.blocks.values():
        for row in places(response, block):
            if shown(block.id, row):
                _check_complete(block, row, response, faults)
    faults.raise_if_any()
    return visible(form, response)


def visible(form: Form, response: Response) -> Response:
    """The response without what its conditions hide."""
    shown = Shown(form, response)
    rows = [row for row in response.rows if shown(row.log, row.path[:-1])]
    answers = {key: answer for key, answer in response.answers.items() if answer.value is not None and shown(*key)}
    return Response(answers, rows)


def shared(response: Response) -> Response:
    """The part a therapist may read."""
    answers = {key: answer for key, answer in response.answers.items() if answer.share != ONLY_ME}
    return Response(answers, list(response.rows))


def _check_complete(block: Block, row: RowPath, response: Response, faults: Faults) -> None:
    if block.type == "log":
        have, least = len(response.rows_of(block.id, row)), block.spec.get("min_rows", 0)
        if block.spec.get("required"):
            least = max(1, least)
        if have < least:
            faults.add(block.pointer, f"This needs {least} rows at least; it has {have}.", block.id, row)
        return
    value = response.value(block.id, row)
    if value is None:
        if block.spec.get("required"):
            faults.add(block.pointer, "This one is needed before you send it in.", block.id, row)
        return
    least = block.spec.get("min_length", 0)
    if isinstance(value, str) and len(value) < least:
        faults.add(block.pointer, f"Use {least} characters at least; this has {len(value)}.", block.id, row)
