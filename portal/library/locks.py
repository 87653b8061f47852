"""What of the starter library must not be assigned yet, and why: a rule of the code, which no edit of a text undoes.

A lock goes with the resource a practice got (`origin_key`), through every edit and every new version of it; a copy
would shake it off, so what is locked cannot be copied. When a lock is lifted, nothing of a practice has to change.
"""

from __future__ import annotations

from collections.abc import Mapping

COUPLES_SCREENING, SAFETY_PLANS = "couples_screening", "safety_plans"

LOCKED: Mapping[str, str] = {"listening-turn": COUPLES_SCREENING, "my-safety-plan": SAFETY_PLANS}
"""Which lock is on which starter, by key."""

REASONS: Mapping[str, str] = {
    COUPLES_SCREENING: "This exercise is for two people together. It can be assigned once each of them can be asked "
    "alone about violence and control, which the portal does not offer yet.",
    SAFETY_PLANS: "A safety plan is made together, and must be at hand at any hour. It can be assigned once the portal "
    "keeps safety plans, which it does not do yet.",
}
"""What each lock says to whoever meets it."""
