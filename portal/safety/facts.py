"""What happens to alerts and to the crisis card."""

from portal.core.facts import Fact

FLAGGED = Fact("safety.flagged")
OPENED = Fact("safety.opened")
ACKNOWLEDGED = Fact("safety.acknowledged")
ESCALATED = Fact("safety.escalated")
CARD_CHANGED = Fact("crisis_card.changed")
