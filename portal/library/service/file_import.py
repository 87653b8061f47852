"""Import files from disk into a practice's library, for the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.core.db.transactions import enter_practice, transactional
from portal.core.errors import Invalid, Malformed
from portal.core.viewer import system
from portal.library.service.importing import CSV, JSON, MARKDOWN, ZIP, add_imported, digest_of, read_file

TYPES = {".json": JSON, ".csv": CSV, ".md": MARKDOWN, ".markdown": MARKDOWN, ".zip": ZIP}
MAX_REMARKS = 10
"""Remarks shown for one form; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of importing one file."""

    path: Path
    results: Sequence[Mapping[str, Any]] = ()
    refused: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        if self.refused:
            return [f"{self.path}: refused", *(f"  {sentence}" for sentence in self.refused)]
        return [line for result in self.results for line in _lines(self.path, result)]


def _lines(path: Path, result: Mapping[str, Any]) -> Iterator[str]:
    instrument = f", recognized as {result['instrument']}" if result["instrument"] else ""
    yield f"{path}: {result['outcome']} - {result['title']} ({result['kind']}{instrument})"
    remarks = [("lost", remark) for remark in result["losses"]] + [("note", remark) for remark in result["notes"]]
    for word, remark in remarks[:MAX_REMARKS]:
        yield f"  {word}: {remark['place']}: {remark['detail']}"
    if len(remarks) > MAX_REMARKS:
        yield f"  and {len(remarks) - MAX_REMARKS} more"


def files_at(places: Iterable[Path]) -> Iterator[Path]:
    """The named files, and the importable files below the named folders in the order of their paths."""
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.suffix.lower() in TYPES and path.is_file())
        else:
            yield place


def import_path(practice_id: str, path: Path) -> Outcome:
    """Import one file, whole or not at all."""
    media_type = TYPES.get(path.suffix.lower())
    if media_type is None:
        return Outcome(path, refused=[f"Files of this type cannot be imported. Use one of: {', '.join(TYPES)}."])
    try:
        content = path.read_bytes()
        resources = read_file(content, media_type)
        return Outcome(path, _add(practice_id, resources, digest_of(content))["results"])
    except Invalid as error:
        return Outcome(path, refused=[f"{fault.pointer}: {fault.detail}" for fault in error.faults[:MAX_REMARKS]])
    except (Malformed, OSError) as error:
        return Outcome(path, refused=[str(error)])


@transactional
def _add(practice_id: str, resources: Sequence[Any], digest: str) -> dict[str, Any]:
    enter_practice(practice_id)
    return add_imported(system(practice_id), resources, digest)


def summary(outcomes: Sequence[Outcome]) -> str:
    """How many were imported in full, how many with losses, how many were refused."""
    imported = [result["outcome"] for outcome in outcomes for result in outcome.results]
    refused = sum(bool(outcome.refused) for outcome in outcomes)
    return (
        f"{len(outcomes)} files: {imported.count('full')} forms and readings in full, "
        f"{imported.count('degraded')} with losses, {refused} files refused."
    )
