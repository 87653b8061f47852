"""Starter texts that cannot be assigned yet, and why: a rule of the code, which no edit of a text undoes.

A lock stays with a resource (by `origin_key`) through every edit and version. A copy would lose it, so a locked
resource cannot be copied. When a lock is removed here, no practice has to change anything.
"""

from __future__ import annotations

from collections.abc import Mapping

COUPLES_SCREENING, SAFETY_PLANS = "couples_screening", "safety_plans"

LOCKED: Mapping[str, str] = {"listening-turn": COUPLES_SCREENING, "my-safety-plan": SAFETY_PLANS}
"""The reason of each locked starter text, by its key."""

REASONS: Mapping[str, str] = {
    COUPLES_SCREENING: "This exercise is for two people together. It can be assigned once each of them can be asked "
    "alone about violence and control, which the portal does not offer yet.",
    SAFETY_PLANS: "A safety plan is made together, and must be available at any hour. It can be assigned once the "
    "portal keeps safety plans, which it does not do yet.",
}
"""The sentence of each reason."""
