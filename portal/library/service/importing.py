"""Forms and readings from elsewhere, as drafts of one's own; what was lost on the way is told, in its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select

from portal.core import access, decimal_json
from portal.core.audit_log.events import record
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.errors import Fault, Invalid, Malformed
from portal.core.viewer import Viewer
from portal.forms.imports import Imported, Remark, text_of
from portal.forms.redcap.reader import forms_in_csv, forms_in_json
from portal.library import facts, policy
from portal.library.importers.fhir import from_questionnaire
from portal.library.importers.markdown import read_reading, readings_in_zip
from portal.library.importers.native import from_native
from portal.library.models import Resource
from portal.library.service.resources import add

LARGEST = 2_000_000
"""Bytes of one file: three times the largest form we have met, and little enough to be looked at in a second."""
JSON, FHIR, CSV, MARKDOWN, ZIP = (
    "application/json",
    "application/fhir+json",
    "text/csv",
    "text/markdown",
    "application/zip",
)
KNOWN_BEFORE = "The same file was imported before."


def _from_json(content: bytes) -> list[Imported]:
    """FHIR, a form of our own, or a REDCap dictionary: told by what is in it."""
    try:
        said = decimal_json.loads(content)
    except RecursionError as error:
        raise Invalid(Fault("invalid", "This nests deeper than any form does.").at("#")) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        msg = "The file is not JSON."
        raise Malformed(msg) from error
    except ValueError as error:
        raise Invalid(Fault("invalid", "A number in it is beyond all measure.").at("#")) from error
    if isinstance(said, list):
        return forms_in_json(content)
    if isinstance(said, dict) and "resourceType" not in said:
        return [from_native(said)]
    return [from_questionnaire(said)]


def _from_markdown(content: bytes) -> list[Imported]:
    return [read_reading(text_of(content, "reading"), "reading")]


READERS: Mapping[str, Callable[[bytes], list[Imported]]] = {
    JSON: _from_json,
    FHIR: _from_json,
    CSV: forms_in_csv,
    MARKDOWN: _from_markdown,
    ZIP: readings_in_zip,
}


def read_file(content: bytes, media_type: str) -> list[Imported]:
    """What a file holds. Raises Invalid with places for what cannot be taken in, Malformed for what is not read."""
    if len(content) > LARGEST:
        raise Invalid(Fault("invalid", f"This is larger than {LARGEST} bytes. Send less at a time.").at("#"))
    return READERS[media_type](content)


def import_file(viewer: Viewer, content: bytes, media_type: str) -> dict[str, Any]:
    """Take a file in: a draft for each form or reading in it, with an outcome each.

    Raises as `read_file` does; then nothing of the file is kept.
    """
    access.require(policy.may_write(viewer), "Only a therapist writes for the library.")
    return keep(viewer, read_file(content, media_type), digest_of(content))


def digest_of(content: bytes) -> str:
    """By which a file is known again."""
    return hashlib.sha256(content).hexdigest()


@transactional
def keep(viewer: Viewer, found: Sequence[Imported], digest: str) -> dict[str, Any]:
    """Make each a draft. `digest` is the SHA-256 of the file they came in, which is kept with them."""
    before = db.session.scalars(
        select(Resource.id).where(Resource.practice_id == viewer.practice_id, Resource.import_digest == digest).limit(1)
    ).first()
    known = [Remark("#", KNOWN_BEFORE)] if before is not None else []
    return {"results": [_kept(viewer, one, digest, known) for one in found]}


def _kept(viewer: Viewer, one: Imported, digest: str, known: Iterable[Remark]) -> dict[str, Any]:
    resource = add(viewer, one.kind, one.document, one.description, import_digest=digest)
    record(viewer, facts.RESOURCE_IMPORTED, resource, degraded=bool(one.losses))
    return {
        "resource_id": resource.id,
        "title": resource.title,
        "kind": resource.kind,
        "outcome": "degraded" if one.losses else "full",
        "instrument": one.instrument,
        "losses": [_told(remark) for remark in one.losses],
        "notes": [_told(remark) for remark in (*known, *one.notes)],
    }


def _told(remark: Remark) -> dict[str, str]:
    return {"place": remark.place, "detail": remark.detail}
