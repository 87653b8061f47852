"""A therapist's private notes about a client."""

from __future__ import annotations

from typing import Any

from portal.caseload import policy
from portal.caseload.models import Client, Note
from portal.caseload.service.clients import require_in_care
from portal.core import access, clock
from portal.core.access import THING
from portal.core.crypto import vault
from portal.core.db.engines import db
from portal.core.db.transactions import transactional
from portal.core.listing import Listing, ListRequest, Page
from portal.core.viewer import Viewer

NOTES = Listing(
    base=lambda viewer: policy.notes_visible_to(viewer).where(Note.client_id == THING),
    columns=(Note.id, Note.body, Note.created_at),
    filters={},
    sorts={"created_at": Note.created_at},
    default_sort="-created_at",
    identity=Note.id,
    raw=False,
)


def list_notes(viewer: Viewer, client_id: str, asked: ListRequest) -> Page:
    """One's own private notes about a client."""
    require_in_care(viewer, client_id)
    opened = vault(viewer.practice_id, client_id)
    page = NOTES.page(viewer, asked, thing_id=client_id)
    return page.map(lambda row: {**row, "body": opened.open_text(Note.body, row["id"], row["body"])})


@transactional
def add_note(viewer: Viewer, client_id: str, *, body: str) -> dict[str, Any]:
    """Write a private note; nobody but its author will read it."""
    client = access.get_for_update(viewer, Client, policy.in_care, client_id)
    note = Note(
        practice_id=viewer.practice_id, client_id=client.id, author_id=viewer.id, created_at=clock.now(), body=b""
    )
    db.session.add(note)
    db.session.flush()
    note.body = vault(viewer.practice_id, client_id).seal(Note.body, note.id, body)
    return {"id": note.id, "body": body, "created_at": note.created_at}
