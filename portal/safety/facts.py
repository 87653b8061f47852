"""What happens to alerts and to the crisis card."""

from portal.core.facts import Fact

FLAGGED = Fact("safety.flagged", subject="alert", when="A submitted answer raised an alert.")
OPENED = Fact("safety.opened", subject="alert", when="A therapist opened an alert with the questions behind it.")
ACKNOWLEDGED = Fact("safety.acknowledged", subject="alert", when="A therapist acknowledged an alert.")
ESCALATED = Fact(
    "safety.escalated",
    subject="alert",
    when="Nobody acknowledged an alert in time, so it went to the practice's cover or its owners.",
)
CARD_CHANGED = Fact("crisis_card.changed", subject="practice", when="An owner changed the practice's crisis card.")
