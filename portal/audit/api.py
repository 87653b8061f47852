"""Routes of the access log and of the event feed."""

from __future__ import annotations

from typing import Any

from portal.audit import schemas, service
from portal.core.errors import Forbidden
from portal.http.blueprint import Blueprint
from portal.http.paging import list_request
from portal.http.request import viewer

client = Blueprint("audit_client", __name__, tag="Me")
staff = Blueprint("audit_staff", __name__, tag="Events")


@client.route("/me/access-log")
@client.arguments(schemas.AccessQuerySchema(), location="query")
@client.lists(schemas.AccessLogEntrySchema())
def list_my_accesses(query: dict[str, Any]) -> Any:
    """List access to your answers

    Who opened your answers, scores or alerts, and when.
    """
    return service.list_accesses(viewer(), list_request(viewer(), query))


@staff.route("/events", scope="events:read")
@staff.arguments(schemas.FeedQuerySchema(), location="query")
@staff.response(200, schemas.FeedSchema(), refuses=[Forbidden])
def list_events(query: dict[str, Any]) -> Any:
    """List events

    What happened, in order, in ids and counts. Continue with `next_after` as `after`; begin with `after=latest`
    to skip the past. New events appear about a second after they happen, while the worker runs.
    """
    return service.list_events(viewer(), **query)
