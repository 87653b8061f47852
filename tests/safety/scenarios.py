"""Short stories the safety tests begin with: a form with risk items, given, answered and sent in over HTTP."""

from __future__ import annotations

from typing import Any

from portal.safety.service import escalation
from tests.accounts import mailbox
from tests.assignments.service.scenarios import given, published, saved, submitted
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


def assigned(cast: Cast) -> str:
    """A new assignment of the form, from the therapist to the client."""
    return given(cast, published(cast, FORM))


def alerted(cast: Cast, *answers: dict[str, Any]) -> str:
    """The id of the alert that the client has just raised through the therapist's care."""
    thing = assigned(cast)
    saved(cast.client, thing, *(answers or (RISKY,)))
    submitted(cast.client, thing)
    return str(listed(cast.therapist, "open=true")[0]["id"])


def listed(actor: Actor, query: str = "") -> list[dict[str, Any]]:
    answer = actor.get(f"/alerts?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    rows: list[dict[str, Any]] = answer.get_json()["data"]
    return rows


def ids(actor: Actor, query: str = "open=true") -> list[str]:
    return [row["id"] for row in listed(actor, query)]


def acknowledged(actor: Actor, alert: str, **said: Any) -> Any:
    answer = actor.post(f"/alerts/{alert}/acknowledge", said)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def round_made(cast: Cast) -> int:
    """The worker looks for what has waited too long."""
    with cast.app.app_context():
        return escalation.escalate_waiting()


def set_practice(cast: Cast, **settings: Any) -> Any:
    answer = cast.owner.patch("/practice", settings, cast.owner.etag("/practice"))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def mails_of_need(cast: Cast) -> list[mailbox.Mail]:
    """The mails that say that something needs somebody; the cast's own invitations are not among them."""
    return [mail for mail in mailbox.sent(cast.app) if mail.subject == SUBJECT]
