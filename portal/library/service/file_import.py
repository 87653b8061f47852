"""Files of the machine taken into a practice's library, by its operator: what became of each, in a line or more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.core.db.transactions import enter_practice, transactional
from portal.core.errors import Invalid, Malformed
from portal.core.viewer import system
from portal.library.service.importing import CSV, JSON, MARKDOWN, ZIP, digest_of, keep, read_file

TYPES = {".json": JSON, ".csv": CSV, ".md": MARKDOWN, ".markdown": MARKDOWN, ".zip": ZIP}
MOST_TOLD = 10
"""Losses told of one form; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    path: Path
    results: Sequence[Mapping[str, Any]] = ()
    refused: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        if self.refused:
            return [f"{self.path}: refused", *(f"  {said}" for said in self.refused)]
        return [line for one in self.results for line in _told(self.path, one)]


def _told(path: Path, one: Mapping[str, Any]) -> Iterator[str]:
    instrument = f", recognised as {one['instrument']}" if one["instrument"] else ""
    yield f"{path}: {one['outcome']} - {one['title']} ({one['kind']}{instrument})"
    remarks = [("lost", remark) for remark in one["losses"]] + [("note", remark) for remark in one["notes"]]
    for word, remark in remarks[:MOST_TOLD]:
        yield f"  {word}: {remark['place']}: {remark['detail']}"
    if len(remarks) > MOST_TOLD:
        yield f"  and {len(remarks) - MOST_TOLD} more"


def found_in(places: Iterable[Path]) -> Iterator[Path]:
    """The files named, and those of a kind that is read in the folders named, in the order of their names."""
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.suffix.lower() in TYPES and path.is_file())
        else:
            yield place


def take_in(practice_id: str, path: Path) -> Outcome:
    """One file, whole or not at all."""
    media_type = TYPES.get(path.suffix.lower())
    if media_type is None:
        return Outcome(path, refused=[f"Files of this kind are not read. Send one of: {', '.join(TYPES)}."])
    try:
        content = path.read_bytes()
        found = read_file(content, media_type)
        return Outcome(path, _keep(practice_id, found, digest_of(content))["results"])
    except Invalid as error:
        return Outcome(path, refused=[f"{fault.pointer}: {fault.detail}" for fault in error.faults[:MOST_TOLD]])
    except (Malformed, OSError) as error:
        return Outcome(path, refused=[str(error)])


@transactional
def _keep(practice_id: str, found: Sequence[Any], digest: str) -> dict[str, Any]:
    enter_practice(practice_id)
    return keep(system(practice_id), found, digest)


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many came in whole, how many with losses, how many not at all."""
    kept = [one["outcome"] for outcome in outcomes for one in outcome.results]
    refused = sum(bool(outcome.refused) for outcome in outcomes)
    return (
        f"{len(outcomes)} files: {kept.count('full')} forms and readings in full, "
        f"{kept.count('degraded')} with losses, {refused} files refused."
    )
