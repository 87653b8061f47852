"""Answers to a form, and what is saved of them: `answers` (block, row path, value, sharing) and `rows` in order.

This module knows no database, no key and no person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.core.errors import Fault, Faults
from portal.core.ids import is_id
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form
from portal.forms.kinds.base import Problem

RowPath = tuple[str, ...]
Key = tuple[str, RowPath]
MY_THERAPIST, ONLY_ME = "my_therapist", "only_me"
MAX_ROWS = 1_000
ALWAYS_SHARED = Fault(
    "always_shared",
    "This answer goes to your therapist when you submit. It cannot be private; you can leave it empty.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a log; `path` is its own id behind those of the rows around it."""

    log: str
    path: RowPath


@dataclass(slots=True)
class Answer:
    """A value and who may read it; a cleared answer stays (as None) while it is shared in another way than at first."""

    value: Any
    share: str = MY_THERAPIST


@dataclass(slots=True)
class Response:
    """Every answer, in the order they were first saved, and the rows of logs in order."""

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
        """The answer to a block in a row, or None."""
        answer = self.answers.get((block, row))
        return None if answer is None else answer.value

    def rows_of(self, log: str, outer: RowPath) -> list[Row]:
        return [row for row in self.rows if row.log == log and row.path[:-1] == outer]


def _answer_as_json(key: Key, answer: Answer) -> dict[str, Any]:
    content: dict[str, Any] = {"block": key[0], "value": answer.value}
    if key[1]:
        content["row"] = list(key[1])
    if answer.share != MY_THERAPIST:
        content["share"] = answer.share
    return content


def _row_as_json(row: Row) -> dict[str, Any]:
    content: dict[str, Any] = {"log": row.log, "id": row.path[-1]}
    if row.path[:-1]:
        content["row"] = list(row.path[:-1])
    return content


# Saving --------------------------------------------------------------------------------------------------------


def apply_patch(form: Form, response: Response, patch: Mapping[str, Any]) -> Response:
    """The response with a patch applied: rows first (added, moved, removed by id), then answers (null clears).

    Raises Invalid with a pointer into the patch for everything that does not fit; the response is left as it was.
    """
    faults = Faults()
    merged = Response(dict(response.answers), list(response.rows))
    for index, row in enumerate(patch.get("rows", [])):
        _merge_row(form, merged, row, f"#/rows/{index}", faults)
    known = set(merged.rows)
    for index, sent in enumerate(patch.get("answers", [])):
        if problem := _merge_answer(form, merged, known, sent):
            member, fault = problem
            faults.add(fault.at(f"#/answers/{index}/{member}", sent["block"], tuple(sent.get("row", ()))))
    faults.raise_if_any()
    return merged


def _merge_row(form: Form, merged: Response, sent: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    log, outer = form.blocks.get(sent["log"]), tuple(sent.get("row", ()))
    row = Row(sent["log"], (*outer, sent["id"]))
    if log is None or not log.has_rows:
        faults.add(Fault("unknown_log", "This form has no log with this id.").at(f"{pointer}/log", sent["log"]))
        return
    limit = log.spec.get("max_rows", MAX_ROWS)
    if problem := _row_problem(log, row, merged):
        faults.add(problem[1].at(f"{pointer}/{problem[0]}", log.id))
    elif sent.get("removed"):
        _remove_row(merged, row)
    elif row not in merged.rows and len(merged.rows_of(log.id, outer)) >= limit:
        faults.add(Fault("too_many_rows", "This log takes {max} rows at most.", max=limit).at(pointer, log.id))
    elif row not in merged.rows or "after" in sent:
        _place_row(merged, row, sent)


def _row_problem(log: Block, row: Row, merged: Response) -> Problem | None:
    """The member of a sent row that does not fit, and why; or None."""
    outer = row.path[:-1]
    if not is_id(row.path[-1]) or len(outer) != len(log.enclosing_logs):
        return "id", Fault("malformed_row_id", "A row has a UUID of its own, behind the ids of the rows around it.")
    if any(other.path == row.path and other.log != row.log for other in merged.rows):
        return "id", Fault("duplicate_id", "Another log has a row with this id.")
    enclosing = [Row(name, outer[: depth + 1]) for depth, name in enumerate(log.enclosing_logs)]
    if any(enclosing_row not in merged.rows for enclosing_row in enclosing):
        return "row", Fault("unknown_row", "The row around this one is not there. Send it first.")
    return None


def _remove_row(merged: Response, row: Row) -> None:
    """Remove a row with everything in it."""
    depth = len(row.path)
    merged.rows = [other for other in merged.rows if other.path[:depth] != row.path]
    merged.answers = {key: answer for key, answer in merged.answers.items() if key[1][:depth] != row.path}


def _place_row(merged: Response, row: Row, sent: Mapping[str, Any]) -> None:
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


def _merge_answer(form: Form, merged: Response, known: set[Row], sent: Mapping[str, Any]) -> Problem | None:
    """Merge one answer; or the member of it that does not fit, and why."""
    block, row = form.blocks.get(sent["block"]), tuple(sent.get("row", ()))
    if block is None or not block.accepts_answer:
        return "block", Fault("unknown_question", "This form asks no question with this id.")
    if problem := _place_problem(block, row, known):
        return problem
    key = (block.id, row)
    earlier = merged.answers.get(key)
    initial_share = block.spec.get("share", MY_THERAPIST)
    share = sent.get("share") or (earlier.share if earlier else initial_share)
    if share == ONLY_ME and block.id in form.always_shared:
        return "share", ALWAYS_SHARED
    value = None if sent["value"] == "" else sent["value"]
    if value is not None and (fault := block.kind.answer_error(block.spec, value)):
        return "value", fault
    if value is None and share == initial_share:
        merged.answers.pop(key, None)
    else:
        merged.answers[key] = Answer(value, share)
    return None


def _place_problem(block: Block, row: RowPath, known: set[Row]) -> Problem | None:
    """Why a client cannot answer this block in this row, or None."""
    if not block.is_editable:
        return "block", Fault("read_only", "The form fills this one in by itself.")
    if not block.row_logs:
        return ("row", Fault("not_in_a_log", "This question is in no log: leave row out.")) if row else None
    if len(row) != len(block.row_logs) or Row(block.row_logs[-1], row) not in known:
        return "row", Fault("unknown_row", "Name the row, and send the row itself first.")
    return None


def initial_response(form: Form) -> Response:
    """A new response: the answers the form begins with."""
    answers: dict[Key, Answer] = {}
    for block in form.blocks.values():
        initial = None if block.row_logs else block.kind.initial_answer(block.spec)
        if initial is not None:
            answers[block.id, ()] = Answer(initial, block.spec.get("share", MY_THERAPIST))
    return Response(answers, [])


def row_paths(response: Response, block: Block) -> Iterable[RowPath]:
    """Every row path at which a block stands."""
    if not block.row_logs:
        return [()]
    return [row.path for row in response.rows if row.log == block.row_logs[-1]]
