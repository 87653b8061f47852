"""The fields of one REDCap form as blocks, with what is lost of each type."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from typing import Any

from portal.forms.imports import UNPRINTABLE, Remark
from portal.forms.kinds.choice import OptionSchema
from portal.forms.redcap.branching import Inexpressible, shown_if
from portal.forms.redcap.calculation import score_of

LONGEST_LABEL, LONGEST_HELP, LONGEST_OPTION, LONGEST_CODE = 500, 1_000, 300, 64
FURTHEST = 1_000
"""The largest number of a scale."""
YES = {"y", "yes", "1", "true"}
DECIMALS = {"integer": 0, "number_1dp": 1, "number_2dp": 2, "number_3dp": 3, "number_4dp": 4}
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")
_BREAK = re.compile(r"<(?:br|p|/p|div|/div|li)\b[^<>]{0,200}>", re.IGNORECASE)
_PIPED = re.compile(r"\[[a-z][a-z0-9_:()-]{0,200}\]")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~])")
_NUMBER = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?")
_DAY = re.compile(r"(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_ACTION = re.compile(r"@[A-Z][A-Z0-9_-]{0,60}")
_NONE_OF = re.compile(r"@NONEOFTHEABOVE\s{0,5}=\s{0,5}['\"]?([^'\"\s]{1,200})")

Row = Mapping[str, str]
Block = dict[str, Any]


class RedcapForm:
    """Collects the blocks of a form field by field, with what is lost of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.losses: list[Remark] = []
        self.notes: list[Remark] = []
        self.scores: list[dict[str, Any]] = []
        self._blocks: list[Block] = []
        self._into = self._blocks
        self._matrix: tuple[str, Block] | None = None
        self._by_id: dict[str, Block] = {}
        self._taken: set[str] = set()

    @property
    def questions(self) -> int:
        return len(self._by_id)

    def lose(self, field: str, detail: str) -> None:
        self.losses.append(Remark(f"{self.name}.{field}", detail))

    def note(self, field: str, detail: str) -> None:
        self.notes.append(Remark(f"{self.name}.{field}", detail))

    def add(self, row: Row) -> None:
        """Put a field behind the others, in its section and matrix."""
        name, group = row["field_name"], row.get("matrix_group_name", "")
        if row.get("section_header") and not (group and self._is_matrix(group)):
            self._begin_section(name, row["section_header"])
        block = self._block(row)
        if block is None:
            return
        block |= self._shown_if(row)
        self._by_id[name] = block
        self._place(block, name, group)

    def finished_blocks(self) -> list[Block]:
        """The blocks. If nothing is left of a form, a text says so, because a form cannot be empty."""
        full = [block for block in self._blocks if block.get("blocks") != []]
        return full or [{"id": "empty", "type": "text", "markdown": "Nothing of this form could be imported."}]

    # Places ----------------------------------------------------------------------------------------------------

    def _is_matrix(self, group: str) -> bool:
        return self._matrix is not None and self._matrix[0] == group

    def _unused(self, wanted: str) -> str:
        """An id that no field can have: field ids have no dot."""
        found, number = wanted, 2
        while found in self._taken:
            found, number = f"{wanted}.{number}", number + 1
        self._taken.add(found)
        return found

    def _begin_section(self, name: str, header: str) -> None:
        self._matrix = None
        section: Block = {"id": self._unused(f"section.{name}"[:64].rstrip("._")), "type": "section", "blocks": []}
        section["label"] = self.line(name, "section header", header, LONGEST_LABEL) or "Section"
        self._blocks.append(section)
        self._into = section["blocks"]

    def _place(self, block: Block, name: str, group: str) -> None:
        if not group:
            self._matrix = None
        elif not self._is_matrix(group):
            grid: Block = {"id": self._unused(f"matrix.{group}"[:64].rstrip("._")), "type": "grid", "blocks": []}
            self._into.append(grid)
            self._matrix = (group, grid)
        inner = self._into if self._matrix is None else self._matrix[1]["blocks"]
        inner.append(block)

    # Members -----------------------------------------------------------------------------------------------------

    def line(self, name: str, what: str, text: str, most: int) -> str:
        """Text on one line, without markup; a cut is noted as a loss."""
        plain = self.plain(name, what, text)
        line = " ".join(plain.split())
        if len(line) > most:
            self.lose(name, f"The {what} is cut after {most} characters.")
            line = line[:most].rstrip()
        return line

    def plain(self, name: str, what: str, text: str) -> str:
        bare = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
        if bare != html.unescape(text):
            self.note(name, f"The HTML of the {what} is removed. Its text is kept.")
        if _PIPED.search(bare):
            self.lose(name, f"The {what} pipes in another answer; the reference stays as text.")
        return "\n".join(UNPRINTABLE.sub(" ", line) for line in bare.split("\n"))

    def _shown_if(self, row: Row) -> Block:
        logic = row.get("branching_logic", "")
        if not logic:
            return {}
        try:
            return {"show_if": shown_if(logic, self._by_id)}
        except Inexpressible as why:
            self.lose(row["field_name"], f"The branching logic is left out and the field always shown: {why}.")
            return {}

    def _block(self, row: Row) -> Block | None:
        name, kind = row["field_name"], row.get("field_type", "").lower()
        made = _MAKERS.get(kind)
        if made is None:
            self.lose(name, "This type of field is not known here; it becomes a line of text.")
            made = _text_field
        said = made(self, row)
        if said is None:
            return None
        block: Block = {"id": name, **said}
        if block["type"] != "text":
            block["label"] = self._label(row, block["type"])
            self._add_common_members(block, row)
        self._note_losses(block, row)
        return block

    def _label(self, row: Row, kind: str) -> str:
        name = row["field_name"]
        label = self.line(name, "label", row.get("field_label", ""), LONGEST_LABEL)
        if not label:
            self.note(name, "The field has no label. Its name is used instead.")
        return label or name

    def _add_common_members(self, block: Block, row: Row) -> None:
        """Add the members that every question may have."""
        name = row["field_name"]
        if note := self.line(name, "field note", row.get("field_note", ""), LONGEST_HELP):
            block["help"] = note
        if row.get("required_field", "").lower() in YES:
            block["required"] = True
        if number := row.get("question_number", ""):
            block["number"] = self.line(name, "question number", number, 20)

    def _note_losses(self, block: Block, row: Row) -> None:
        """Note what a form has no place for."""
        name = row["field_name"]
        if row.get("identifier", "").lower() in YES:
            self.lose(name, "The identifier mark is left out. Every answer is encrypted.")
        if row.get("matrix_ranking", "").lower() in YES:
            self.lose(name, "The ranking of the matrix is left out.")
        if row.get("custom_alignment", ""):
            self.note(name, "The alignment is left to the page.")
        annotation = row.get("field_annotation", "")
        for tag in sorted(set(_ACTION.findall(annotation))):
            if not self._apply_action_tag(block, tag, annotation):
                self.lose(name, f"The action tag {tag} is left out.")
        if annotation and not _ACTION.search(annotation):
            self.lose(name, "The annotation is left out.")

    def _apply_action_tag(self, block: Block, tag: str, annotation: str) -> bool:
        if tag == "@HIDDEN":
            block["hidden"] = True
            return True
        if tag == "@READONLY" and block["type"] != "text":
            block["read_only"] = True
            return True
        if tag == "@NONEOFTHEABOVE" and block.get("multiple") and (found := _NONE_OF.search(annotation)):
            alone = [option for option in block["options"] if option["code"] in found[1].split(",")]
            for option in alone:
                option["exclusive"] = True
            return bool(alone)
        return False

    def block(self, name: str) -> Block | None:
        return self._by_id.get(name)


# Types ----------------------------------------------------------------------------------------------------------


def _text_field(form: RedcapForm, row: Row) -> Block:
    name = row["field_name"]
    kind = row.get("text_validation_type_or_show_slider_number", "").lower()
    if kind in {*DECIMALS, "number"}:
        return {"type": "number", "decimals": DECIMALS.get(kind), **_bounds(form, row, _number)}
    if kind.startswith("date_"):
        return {"type": "date", **_bounds(form, row, _day)}
    if kind.startswith("datetime_"):
        return _without_bounds(form, row, "datetime")
    if kind == "time" or kind.startswith("time_"):
        return _without_bounds(form, row, "time")
    if kind:
        form.lose(name, "The validation of the text is left out.")
    if row.get("select_choices_or_calculations", ""):
        form.lose(name, "The lookup of the text field is left out.")
    return {"type": "short_text"}


def _without_bounds(form: RedcapForm, row: Row, kind: str) -> Block:
    if row.get("text_validation_min") or row.get("text_validation_max"):
        form.lose(row["field_name"], f"The bounds of the {kind} are left out.")
    return {"type": kind}


def _number(text: str) -> Any:
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _day(text: str) -> Any:
    return text if _DAY.fullmatch(text) and "-00" not in text[4:] and text[8:] <= "28" else None


def _bounds(form: RedcapForm, row: Row, read: Callable[[str], Any]) -> Block:
    found: Block = {}
    for name in ("min", "max"):
        written = row.get(f"text_validation_{name}", "")
        value = read(written) if written else None
        if value is not None:
            found[name] = value
        elif written:
            form.lose(row["field_name"], f"The {name}imum is left out: it is no plain value.")
    if len(found) > 1 and found["min"] > found["max"]:
        form.lose(row["field_name"], "The bounds are left out: the minimum is greater than the maximum.")
        return {}
    return found


def _long(_form: RedcapForm, _row: Row) -> Block:
    return {"type": "long_text"}


def _options(form: RedcapForm, row: Row) -> list[Block]:
    name = row["field_name"]
    found: dict[str, Block] = {}
    for part in row.get("select_choices_or_calculations", "").split("|"):
        code, _, label = (one.strip() for one in part.partition(","))
        if not code and not label:
            continue
        code = form.line(name, "code of a choice", code, LONGEST_CODE) or str(len(found) + 1)
        label = form.line(name, "label of a choice", label, LONGEST_OPTION) or code
        if code in found:
            form.lose(name, "A choice is left out: another one has its code.")
            continue
        found[code] = {"code": code, "label": label}
        if "score" in OptionSchema().fields and (value := _number(code)) is not None:
            found[code]["score"] = value
    return list(found.values())


def _chosen(form: RedcapForm, row: Row) -> Block:
    options = _options(form, row)
    if not options:
        form.lose(row["field_name"], "There are no choices to choose from; it becomes a line of text.")
        return {"type": "short_text"}
    return {"type": "choice", "options": options}


def _ticked(form: RedcapForm, row: Row) -> Block:
    chosen = _chosen(form, row)
    return {**chosen, "multiple": True} if chosen["type"] == "choice" else chosen


def _yes_no(_form: RedcapForm, _row: Row) -> Block:
    return {"type": "yes_no"}


def _true_false(form: RedcapForm, row: Row) -> Block:
    form.note(row["field_name"], "True and false are asked for as yes and no.")
    return {"type": "yes_no"}


def _slider(form: RedcapForm, row: Row) -> Block:
    name = row["field_name"]
    bounds = _bounds(form, row, _number)
    low, high = bounds.get("min", 0), bounds.get("max", 100)
    if not (isinstance(low, int) and isinstance(high, int) and -FURTHEST <= low < high <= FURTHEST):
        form.lose(name, "The bounds of the slider are left out; it runs from 0 to 100.")
        low, high = 0, 100
    block: Block = {"type": "scale", "min": low, "max": high}
    labels = [one.strip() for one in row.get("select_choices_or_calculations", "").split("|")]
    for member, label in (("min_label", labels[0]), ("max_label", labels[-1] if len(labels) > 1 else "")):
        if line := form.line(name, "label of an end", label, 100):
            block[member] = line
    if any(labels[1:-1]):
        form.lose(name, "The label in the middle of the slider is left out.")
    return block


def _display(form: RedcapForm, row: Row) -> Block | None:
    name = row["field_name"]
    plain = form.plain(name, "text", row.get("field_label", "")).strip()[:9_000]
    if not plain:
        form.lose(name, "A display without text, perhaps an attached file, is left out.")
        return None
    lines = (_SPECIAL.sub(r"\\\1", line.strip()) for line in plain.split("\n"))
    return {"type": "text", "markdown": "\n\n".join(line for line in lines if line)}


def _file(form: RedcapForm, row: Row) -> Block | None:
    return {"type": "file"}


def _looked_up(form: RedcapForm, row: Row) -> Block:
    form.lose(row["field_name"], "The choices come from a query; it becomes a line of text.")
    return {"type": "short_text"}


def _calculated(form: RedcapForm, row: Row) -> Block | None:
    name = row["field_name"]
    score = score_of(row.get("select_choices_or_calculations", ""), form.block)
    if isinstance(score, str):
        form.lose(name, f"The calculation is left out: {score}.")
        return None
    label = form.line(name, "label", row.get("field_label", ""), LONGEST_LABEL) or name
    form.scores.append({"id": name, "label": label, **score})
    return {"type": "score", "score": name}


_MAKERS: Mapping[str, Callable[[RedcapForm, Row], Block | None]] = {
    "text": _text_field,
    "notes": _long,
    "textarea": _long,
    "radio": _chosen,
    "dropdown": _chosen,
    "select": _chosen,
    "checkbox": _ticked,
    "yesno": _yes_no,
    "truefalse": _true_false,
    "slider": _slider,
    "descriptive": _display,
    "file": _file,
    "sql": _looked_up,
    "calc": _calculated,
}
