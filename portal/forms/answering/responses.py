"""Answers to a form, and what is saved of them: `answers` (block, row path, value, sharing) and `rows` in order.

This module knows no database, no key and no person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.core.errors import Fault, Faults
from portal.core.ids import is_id
from portal.forms.answering import values
from portal.forms.definition.blocks import Block
from portal.forms.definition.document import Form

RowPath = tuple[str, ...]
Key = tuple[str, RowPath]
MY_THERAPIST, ONLY_ME = "my_therapist", "only_me"
MOST_ROWS = 1_000
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
    """A value and with whom it is shared; a cleared one stays (as None) while it is not shared as its block begins."""

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
        if fault := _merge_answer(form, merged, known, sent):
            faults.add(
                Fault("invalid", fault[1]).at(
                    f"#/answers/{index}/{fault[0]}", sent["block"], tuple(sent.get("row", ()))
                )
            )
    faults.raise_if_any()
    return merged


def _merge_row(form: Form, merged: Response, sent: Mapping[str, Any], pointer: str, faults: Faults) -> None:
    log, within = form.blocks.get(sent["log"]), tuple(sent.get("row", ()))
    row = Row(sent["log"], (*within, sent["id"]))
    if log is None or not log.has_rows:
        faults.add(Fault("invalid", "This form has no log with this id.").at(f"{pointer}/log", sent["log"]))
    elif fault := _misplaced(log, row, merged):
        faults.add(Fault("invalid", fault[1]).at(f"{pointer}/{fault[0]}", log.id))
    elif sent.get("removed"):
        _remove(merged, row)
    elif row not in merged.rows and len(merged.rows_of(log.id, within)) >= log.spec.get("max_rows", MOST_ROWS):
        faults.add(
            Fault("invalid", f"This log takes {log.spec.get('max_rows', MOST_ROWS)} rows at most.").at(pointer, log.id)
        )
    elif row not in merged.rows or "after" in sent:
        _place(merged, row, sent)


def _misplaced(log: Block, row: Row, merged: Response) -> tuple[str, str] | None:
    """What of a sent row does not fit, and why; or None."""
    within = row.path[:-1]
    if not is_id(row.path[-1]) or len(within) != len(log.around):
        return "id", "A row has a UUID of its own, behind the ids of the rows around it."
    if any(other.path == row.path and other.log != row.log for other in merged.rows):
        return "id", "Another log has a row with this id."
    around = [Row(name, within[: depth + 1]) for depth, name in enumerate(log.around)]
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
    if fault := _not_there(block, row, known):
        return fault
    key = (block.id, row)
    earlier = merged.answers.get(key)
    usual = block.spec.get("share", MY_THERAPIST)
    share = sent.get("share") or (earlier.share if earlier else usual)
    if share == ONLY_ME and block.id in form.always_shared:
        return "share", NOT_PRIVATE
    value = None if sent["value"] == "" else sent["value"]
    if value is not None and (problem := values.answer_error(block, value)):
        return "value", problem
    if value is None and share == usual:
        merged.answers.pop(key, None)
    else:
        merged.answers[key] = Answer(value, share)
    return None


def _not_there(block: Block, row: RowPath, known: set[Row]) -> tuple[str, str] | None:
    """Why nobody answers this block in this row, or None."""
    if not block.is_asked:
        return "block", "The form fills this one in by itself."
    if not block.logs:
        return ("row", "This question stands in no log: leave row out.") if row else None
    if len(row) != len(block.logs) or Row(block.logs[-1], row) not in known:
        return "row", "Say the row, and send the row itself first."
    return None


def initial_response(form: Form) -> Response:
    """What stands there before anybody has answered: the values a form begins with."""
    begun: dict[Key, Answer] = {
        (block.id, ()): Answer(block.spec["default"], block.spec.get("share", MY_THERAPIST))
        for block in form.blocks.values()
        if not block.logs and "default" in block.spec
    }
    for block in form.blocks.values():
        selected = [{"code": code} for code, option in block.codes.items() if option.get("selected")]
        if selected and not block.logs:
            begun.setdefault((block.id, ()), Answer(selected if block.takes_several else selected[:1]))
    return Response(begun, [])


def row_paths(response: Response, block: Block) -> Iterable[RowPath]:
    """Every row path at which a block stands."""
    if not block.logs:
        return [()]
    return [row.path for row in response.rows if row.log == block.logs[-1]]
