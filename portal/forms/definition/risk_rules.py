"""Risk rules: the answers to a block that raise a safety alert, as its author names them.

Nothing here knows a response: which of its answers raise an alert is decided in evaluation/risk_flags.py.
"""

from __future__ import annotations

from typing import Any

from portal.core.errors import Fault, Faults
from portal.forms.definition.blocks import Block

CALCULATED = Fault("calculated", "Nobody answers what is calculated, so it cannot raise an alert.")
PRIVATE = Fault("private", "An answer that can raise an alert cannot be private.")
TAKES_NO_ANSWER = Fault("takes_no_answer", "This block takes no answer, so it cannot raise an alert.")


def check_risk(block: Block, faults: Faults) -> None:
    """Add a fault for every risk rule that no answer can match."""
    rules = block.spec.get("risk", ())
    if not rules:
        return
    if "calculated" in block.spec:
        faults.add(CALCULATED.at(f"{block.pointer}/risk", block.id))
    elif block.spec.get("share") == "only_me":
        faults.add(PRIVATE.at(f"{block.pointer}/share", block.id))
    elif not block.accepts_answer:
        faults.add(TAKES_NO_ANSWER.at(f"{block.pointer}/risk", block.id))
    else:
        for index, rule in enumerate(rules):
            if problem := block.kind.risk_error(block.spec, rule["op"], rule["value"]):
                member, fault = problem
                faults.add(fault.at(f"{block.pointer}/risk/{index}/{member}", block.id))


def matches_risk_rule(block: Block, answer: Any) -> bool:
    """Whether any value of an answer matches any of the block's risk rules."""
    return any(
        block.kind.matches_rule(value, rule["op"], rule["value"])
        for value in block.kind.values_of(answer)
        for rule in block.spec["risk"]
    )
