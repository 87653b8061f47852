"""Import files as drafts, with a list of what was lost and where."""

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
from portal.forms.imports import Imported, Remark, decode_text
from portal.forms.redcap.reader import forms_in_csv, forms_in_json
from portal.library import facts, policy
from portal.library.importers.fhir import from_questionnaire
from portal.library.importers.markdown import read_reading, readings_in_zip
from portal.library.importers.native import from_native
from portal.library.models import Resource
from portal.library.service.resources import add_resource

LARGEST = 2_000_000
"""Bytes of one file: three times the largest form we know, and read within a second."""
JSON, FHIR, CSV, MARKDOWN, ZIP = (
    "application/json",
    "application/fhir+json",
    "text/csv",
    "text/markdown",
    "application/zip",
)
IMPORTED_BEFORE = "The same file was imported before."


def _from_json(content: bytes) -> list[Imported]:
    """FHIR, a form of the portal or a REDCap dictionary, recognized by its content."""
    try:
        parsed = decimal_json.loads(content)
    except RecursionError as error:
        raise Invalid(Fault("too_deep", "This is nested too deeply.").at("#")) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        msg = "The file is not JSON."
        raise Malformed(msg) from error
    except ValueError as error:
        raise Invalid(
            Fault("number_out_of_range", "A number is outside the supported range (±1e308).").at("#")
        ) from error
    if isinstance(parsed, list):
        return forms_in_json(content)
    if isinstance(parsed, dict) and "resourceType" not in parsed:
        return [from_native(parsed)]
    return [from_questionnaire(parsed)]


def _from_markdown(content: bytes) -> list[Imported]:
    return [read_reading(decode_text(content, "reading"), "reading")]


READERS: Mapping[str, Callable[[bytes], list[Imported]]] = {
    JSON: _from_json,
    FHIR: _from_json,
    CSV: forms_in_csv,
    MARKDOWN: _from_markdown,
    ZIP: readings_in_zip,
}


def read_file(content: bytes, media_type: str) -> list[Imported]:
    """The resources in a file. Raises Invalid with places for what cannot be imported, Malformed if it is not JSON."""
    if len(content) > LARGEST:
        raise Invalid(Fault("file_too_large", "This is too large. Send {max} bytes at most.", max=LARGEST).at("#"))
    return READERS[media_type](content)


def import_file(viewer: Viewer, content: bytes, media_type: str) -> dict[str, Any]:
    """Create a draft for each form or reading in a file, with an outcome each.

    Raises as `read_file` does; then nothing of the file is imported.
    """
    access.require(policy.may_write(viewer), "Only a therapist can write for the library.")
    return add_imported(viewer, read_file(content, media_type), digest_of(content))


def digest_of(content: bytes) -> str:
    """The SHA-256 of a file, by which it is recognized."""
    return hashlib.sha256(content).hexdigest()


@transactional
def add_imported(viewer: Viewer, resources: Sequence[Imported], digest: str) -> dict[str, Any]:
    """Create a draft of each. `digest` is the SHA-256 of their file, stored with them."""
    before = db.session.scalars(
        select(Resource.id).where(Resource.practice_id == viewer.practice_id, Resource.import_digest == digest).limit(1)
    ).first()
    repeated = [Remark("#", IMPORTED_BEFORE)] if before is not None else []
    return {"results": [_add_one(viewer, one, digest, repeated) for one in resources]}


def _add_one(viewer: Viewer, one: Imported, digest: str, repeated: Iterable[Remark]) -> dict[str, Any]:
    resource = add_resource(viewer, one.kind, one.document, one.description, import_digest=digest)
    record(viewer, facts.RESOURCE_IMPORTED, resource, degraded=bool(one.losses))
    return {
        "resource_id": resource.id,
        "title": resource.title,
        "kind": resource.kind,
        "outcome": "degraded" if one.losses else "full",
        "instrument": one.instrument,
        "losses": [_remark_as_dict(remark) for remark in one.losses],
        "notes": [_remark_as_dict(remark) for remark in (*repeated, *one.notes)],
    }


def _remark_as_dict(remark: Remark) -> dict[str, str]:
    return {"place": remark.place, "detail": remark.detail}
