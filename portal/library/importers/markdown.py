"""Readings in Markdown with front matter, one file each, as the starter library keeps its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml

from portal.core.errors import Invalid
from portal.forms.imports import DEFAULTS, Imported, Remark, decode_text, refuse
from portal.forms.text import readings
from portal.forms.text.readability import sentences_in
from portal.library.importers.archives import files_in_zip
from portal.library.models import DESCRIBED
from portal.library.schemas.resource import ChangeResourceSchema
from portal.library.starter_files import READING_PARTS

IGNORED = {"concepts", "key"}
"""Members that only the starter library needs."""
SUFFIXES = {".md", ".markdown"}
LONGEST_FRONT, DEEPEST_FRONT = 20_000, 10
WORDS_A_MINUTE = 200
LONGEST_SUMMARY = 300
_FRONT = re.compile(r"\A---[ \t]*\n(?P<front>.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"\A\s*#[ \t]+(?P<title>[^\n]*[^\s#][^\n]*)(?:\n|\Z)")
_SECTION = re.compile(r"^ {0,3}##[ \t]+\S", re.MULTILINE)
_IMAGE = re.compile(r"!\[")
_card = ChangeResourceSchema()
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader of libyaml where the wheel has it: ten times as fast."""


def readings_in_zip(content: bytes) -> list[Imported]:
    """Each Markdown file of an archive as a reading. Raises Invalid, with the path, where one is not."""
    files = files_in_zip(content)
    texts = [(path, content) for path, content in files if PurePosixPath(path).suffix.lower() in SUFFIXES]
    if not texts:
        refuse("archive", "no_markdown", "There is no Markdown here. Send files whose names end in .md.")
    found = [read_reading(decode_text(content, path), path) for path, content in texts]
    others = [path for path, _ in files if PurePosixPath(path).suffix.lower() not in SUFFIXES]
    found[0].losses.extend(Remark(path, "Only Markdown is imported. This file is left out.") for path in others)
    return found


def read_reading(text: str, place: str) -> Imported:
    """One file as a reading. Notes name what was filled in because its front matter lacks it."""
    front, body = _split_front_matter(text, place)
    losses, notes = _remarks(front, body, place)
    title, body = _titled(front, body, place, notes)
    if not _SECTION.search(body):
        body = f"## {title}\n\n{body}"
        notes.append(Remark(place, 'No heading begins with "## ", so the title heads the whole text.'))
    document = {"schema": readings.SCHEMA, "markdown": body.strip()}
    document |= {name: front[name] for name in READING_PARTS if front.get(name) is not None}
    description = {"title": title, **_description(front, body, place, losses, notes)}
    try:
        readings.form_for(document)
    except Invalid as error:
        raise Invalid(*(fault.at(place + fault.pointer) for fault in error.faults)) from error
    return Imported("reading", description, document, losses, notes)


def _split_front_matter(text: str, place: str) -> tuple[Mapping[str, Any], str]:
    """The front matter and the body of a file."""
    match = _FRONT.match(text)
    if match is None:
        if text.startswith("---\n"):
            refuse(place, "front_matter_unclosed", 'The front matter has no end. Close it with a line of "---".')
        return {}, text
    if len(match["front"]) > LONGEST_FRONT:
        refuse(place, "too_long", "The front matter is too long. Use {max} characters at most.", max=LONGEST_FRONT)
    front = _load_front_matter(match["front"], place)
    if front is None:
        front = {}
    if not isinstance(front, dict) or not all(isinstance(name, str) for name in front):
        refuse(
            place,
            "not_a_mapping",
            'The front matter is not a list of names and values. Write one "name: value" to a line.',
        )
    return front, text[match.end() :]


def _load_front_matter(front: str, place: str) -> Any:
    try:
        depth = 0
        for event in yaml.parse(front, Loader=_LOADER):
            if isinstance(event, yaml.AliasEvent):
                refuse(place, "yaml_alias", "The front matter refers to itself (with &name or *name). Write it out.")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST_FRONT:
                refuse(place, "too_deep", "The front matter is nested too deeply. Keep it flat.")
        return yaml.load(front, Loader=_LOADER)  # noqa: S506 -- a safe loader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        if mark is None:
            refuse(place, "not_yaml", "The front matter cannot be read. It is YAML: name: value.")
        sentence = "The front matter cannot be read in line {line}. It is YAML: name: value."
        refuse(place, "not_yaml", sentence, line=mark.line + 2)


def _remarks(front: Mapping[str, Any], body: str, place: str) -> tuple[list[Remark], list[Remark]]:
    known = {*DESCRIBED, *READING_PARTS, *IGNORED}
    losses = [
        Remark(f"{place}#/{name[:60]}", "A reading has no such member. It is left out.")
        for name in front
        if name not in known
    ]
    if _IMAGE.search(body):
        losses.append(Remark(place, "Images are not shown. Their descriptions are."))
    return losses, []


def _titled(front: Mapping[str, Any], body: str, place: str, notes: list[Remark]) -> tuple[str, str]:
    """The title, and the body without a first heading that only repeats it."""
    heading = _TITLE.match(body)
    said = heading["title"].strip(" \t#") if heading else ""
    written = str(front["title"]) if isinstance(front.get("title"), str | int | float) else ""
    if heading is not None and (not written.strip() or said == written.strip()):
        body = body[heading.end() :].lstrip("\n")
    if not written.strip():
        stem = re.sub(r"^[0-9]+[-_. ]*", "", PurePosixPath(place).stem)
        written = said or re.sub(r"[-_]+", " ", stem).strip().capitalize()
        source = "the first heading" if heading else "the name of the file"
        notes.append(Remark(f"{place}#/title", f"Taken from {source}."))
    title = " ".join(written.split())
    if _card.validate({"title": title}):
        refuse(f"{place}#/title", "invalid_title", "Give a title of 1 to 200 characters in the front matter.")
    return title, body


def _description(
    front: Mapping[str, Any], body: str, place: str, losses: list[Remark], notes: list[Remark]
) -> dict[str, Any]:
    """The rest of the card, with defaults for what is missing."""
    filled: dict[str, Any] = {}
    sentences = sentences_in(body)
    defaults = {
        **DEFAULTS,
        "minutes": min(240, max(1, round(sum(map(len, sentences)) / WORDS_A_MINUTE))),
        "summary": _first_paragraph(body),
    }
    for name, default in defaults.items():
        value = front.get(name)
        if value is not None and not _card.validate({name: value}):
            filled[name] = value
            continue
        filled[name] = default
        if value is None:
            notes.append(Remark(f"{place}#/{name}", f"Missing; filled in with {_default_in_words(name, default)}."))
        else:
            losses.append(
                Remark(
                    f"{place}#/{name}", f"This value does not fit. Filled in with {_default_in_words(name, default)}."
                )
            )
    return filled


def _default_in_words(name: str, default: Any) -> str:
    if name == "summary" and default:
        return "the beginning of the text"
    return f'"{default}"' if default not in ("", []) else "nothing"


def _first_paragraph(body: str) -> str:
    """The first paragraph that is not a heading, as plain text."""
    for paragraph in re.split(r"\n[ \t]*\n", body[:20_000]):
        plain = " ".join(re.sub(r"\]\([^()]{0,500}\)|[*_`>\[\]#|]", "", paragraph).split())
        if plain and not paragraph.lstrip().startswith("#") and plain.isprintable():
            return plain if len(plain) <= LONGEST_SUMMARY else plain[: LONGEST_SUMMARY - 1].rsplit(" ", 1)[0] + "…"
    return ""
