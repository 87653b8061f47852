"""Routes of the trail."""

from __future__ import annotations

from typing import Any

from portal.audit import schemas, service
from portal.http.openapi import Blueprint
from portal.http.paging import asked
from portal.http.request import viewer

client = Blueprint("audit_client", __name__, tag="Me")


@client.route("/me/access-log")
@client.arguments(schemas.AccessQuerySchema(), location="query")
@client.lists(schemas.AccessSchema())
def list_my_accesses(query: dict[str, Any]) -> Any:
    """List who opened one's answers"""
    return service.list_accesses(viewer(), asked(viewer(), query))
