"""Routes of the crisis card and of alerts."""

from __future__ import annotations

from typing import Any

from portal.core.errors import Conflict, Forbidden
from portal.http.blueprint import Blueprint
from portal.http.paging import asked
from portal.http.preconditions import expected_version
from portal.http.request import viewer
from portal.safety import schemas
from portal.safety.service import alerts, crisis_card

TAG = "Safety"
staff = Blueprint("safety_staff", __name__, tag=TAG)
client = Blueprint("safety_client", __name__, tag=TAG)


@staff.route("/practice/crisis-card")
@staff.response(200, schemas.CrisisCardSchema())
def get_crisis_card() -> Any:
    """Get the crisis card

    The card your clients see. Until the practice saves its own numbers, those of its country.
    """
    return crisis_card.get_card(viewer())


@staff.route("/practice/crisis-card", methods=["PUT"])
@staff.changes_content
@staff.arguments(schemas.ChangeCrisisCardSchema())
@staff.response(200, schemas.CrisisCardSchema(), refuses=[Forbidden])
def set_crisis_card(sent: dict[str, Any]) -> Any:
    """Update the crisis card

    Replaces the numbers and the note. Owners only.
    """
    return crisis_card.put_card(viewer(), expected_version(), **sent)


@staff.route("/alerts")
@staff.arguments(schemas.AlertQuerySchema(), location="query")
@staff.lists(schemas.AlertItemSchema(), refuses=[Forbidden])
def list_alerts(query: dict[str, Any]) -> Any:
    """List alerts

    Alerts of clients in your care, and those that escalated to you.
    """
    return alerts.list_alerts(viewer(), asked(viewer(), query))


@staff.route("/alerts/<id:alert_id>")
@staff.response(200, schemas.AlertSchema())
def open_alert(alert_id: str) -> Any:
    """Open an alert

    Includes the questions that raised it, if you gave the assignment. The client sees in the access log that
    you opened them.
    """
    return alerts.open_alert(viewer(), alert_id)


@staff.route("/alerts/<id:alert_id>/acknowledge", methods=["POST"])
@staff.repeatable(alerts.require_in_sight)
@staff.arguments(schemas.AcknowledgeAlertSchema())
@staff.response(200, schemas.AlertItemSchema(), refuses=[Conflict])
def acknowledge_alert(sent: dict[str, Any], alert_id: str) -> Any:
    """Acknowledge an alert

    Says by name that you take it on. If a colleague was faster, 409 names who and when.
    """
    return alerts.acknowledge(viewer(), alert_id, **sent)


@client.route("/me/crisis-card")
@client.response(200, schemas.CrisisCardSchema())
def get_my_crisis_card() -> Any:
    """Get your crisis card

    Who to call. It is always there and depends on no answer.
    """
    return crisis_card.get_card(viewer())
