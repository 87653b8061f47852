"""Routes of the crisis card and of alerts."""

from __future__ import annotations

from typing import Any

from portal.core.errors import Conflict, Forbidden
from portal.http.openapi import Blueprint
from portal.http.paging import asked
from portal.http.request import expected_version, viewer
from portal.safety import schemas
from portal.safety.service import alerts, crisis_card

TAG = "Safety"
staff = Blueprint("safety_staff", __name__, tag=TAG)
client = Blueprint("safety_client", __name__, tag=TAG)


@staff.route("/practice/crisis-card")
@staff.response(200, schemas.CrisisCardSchema())
def get_crisis_card() -> Any:
    """Read the practice's crisis card"""
    return crisis_card.get_card(viewer())


@staff.route("/practice/crisis-card", methods=["PUT"])
@staff.changes_content
@staff.arguments(schemas.ChangeCrisisCardSchema())
@staff.response(200, schemas.CrisisCardSchema(), refuses=[Forbidden])
def set_crisis_card(sent: dict[str, Any]) -> Any:
    """Put the practice's own numbers on its crisis card"""
    return crisis_card.put_card(viewer(), expected_version(), **sent)


@staff.route("/alerts")
@staff.arguments(schemas.AlertQuerySchema(), location="query")
@staff.lists(schemas.AlertItemSchema(), refuses=[Forbidden])
def list_alerts(query: dict[str, Any]) -> Any:
    """List the alerts of the clients in one's care, and those one covers"""
    return alerts.list_alerts(viewer(), asked(viewer(), query))


@staff.route("/alerts/<id:alert_id>")
@staff.response(200, schemas.AlertSchema())
def open_alert(alert_id: str) -> Any:
    """Open an alert, with the blocks concerned where it came through one's own care"""
    return alerts.open_alert(viewer(), alert_id)


@staff.route("/alerts/<id:alert_id>/acknowledgement", methods=["POST"])
@staff.repeatable(alerts.require_visible)
@staff.arguments(schemas.AcknowledgeSchema())
@staff.response(200, schemas.AlertItemSchema(), refuses=[Conflict])
def acknowledge_alert(sent: dict[str, Any], alert_id: str) -> Any:
    """Say by name that one takes care of it; the second one is told who has, and when"""
    return alerts.acknowledge(viewer(), alert_id, **sent)


@client.route("/me/crisis-card")
@client.response(200, schemas.CrisisCardSchema())
def get_my_crisis_card() -> Any:
    """Read whom to call; it depends on nothing one has answered"""
    return crisis_card.get_card(viewer())
