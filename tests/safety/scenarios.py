"""Steps that tests of safety begin with: a form with risk items, assigned, answered and submitted over HTTP."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from portal.core.audit_log.events import Event
from portal.safety.models import Alert
from portal.safety.service import escalation
from tests.accounts import database, mailbox
from tests.assignments.service.scenarios import assign, publish, save, submit
from tests.cast import Actor, Cast

RISKY = {"block": "hurt", "value": [{"code": "often"}]}
FINE = {"block": "hurt", "value": [{"code": "never"}]}
LABEL = "Thoughts of being better off elsewhere?"
SUBJECT = "Something in the portal needs you"
FORM = {
    "schema": "portal.exercise/1",
    "blocks": [
        {"id": "word", "type": "short_text", "label": "A word"},
        {
            "id": "hurt",
            "type": "choice",
            "label": LABEL,
            "options": [{"code": "never", "label": "Never"}, {"code": "often", "label": "Often"}],
            "risk": [{"op": "!=", "value": "never"}],
        },
        {"id": "show", "type": "yes_no", "label": "More?"},
        {
            "id": "unsafe",
            "type": "scale",
            "label": "How unsafe?",
            "min": 0,
            "max": 10,
            "risk": [{"op": ">=", "value": 7}],
            "show_if": {"match": "all", "conditions": [{"block": "show", "op": "=", "value": True}]},
        },
    ],
}


def assign_risky_form(cast: Cast) -> str:
    """A new assignment of the form, from the therapist to the client."""
    return assign(cast, publish(cast, FORM))


def raise_alert(cast: Cast, *answers: dict[str, Any]) -> str:
    """Raise an alert as the client, through the therapist's care link; returns its id."""
    thing = assign_risky_form(cast)
    save(cast.client, thing, *(answers or (RISKY,)))
    submit(cast.client, thing)
    return str(list_alerts(cast.therapist, "open=true")[0]["id"])


def list_alerts(actor: Actor, query: str = "") -> list[dict[str, Any]]:
    answer = actor.get(f"/alerts?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    rows: list[dict[str, Any]] = answer.get_json()["data"]
    return rows


def alert_ids(actor: Actor, query: str = "open=true") -> list[str]:
    return [row["id"] for row in list_alerts(actor, query)]


def acknowledge(actor: Actor, alert: str, **said: Any) -> Any:
    answer = actor.post(f"/alerts/{alert}/acknowledge", said)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def run_escalation(cast: Cast) -> int:
    """Run the worker's escalation; returns how many alerts escalated."""
    with cast.app.app_context():
        return escalation.escalate_waiting()


def set_practice(cast: Cast, **settings: Any) -> Any:
    answer = cast.owner.patch("/practice", settings, cast.owner.etag("/practice"))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def alert_mails(cast: Cast) -> list[mailbox.Mail]:
    """The mails that an alert sent, without the invitations of the cast."""
    return [mail for mail in mailbox.sent(cast.app) if mail.subject == SUBJECT]


def count_alerts(cast: Cast) -> int:
    return int(database.value(cast.app, select(func.count()).select_from(Alert)))


def facts_about_alert(cast: Cast, fact: str, alert: str) -> list[Any]:
    return database.rows(cast.app, select(Event).where(Event.fact == fact, Event.subject_id == alert))


def fail(*_: Any, **__: Any) -> Any:
    msg = "broken on purpose"
    raise RuntimeError(msg)
