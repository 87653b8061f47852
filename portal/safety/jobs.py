"""Mails that say only that somebody is needed, and the escalation of alerts that have waited too long."""

from __future__ import annotations

from portal.core import jobs, mail
from portal.safety.service import alerts, escalation


@jobs.handles(alerts.NOTIFY_THERAPIST)
def notify_therapist(job: jobs.ClaimedJob) -> None:
    """Mail a therapist in care, or the cover. Running it twice sends two mails, each of them true."""
    _send(escalation.find_therapist_to_mail(job.practice_id, job.subject), nobody_covers=False)


@jobs.handles(escalation.NOTIFY_OWNER)
def notify_owner(job: jobs.ClaimedJob) -> None:
    """Mail an owner that an alert waits and the practice has no cover."""
    _send(escalation.find_owner_to_mail(job.practice_id, job.subject), nobody_covers=True)


def _send(address: str | None, *, nobody_covers: bool) -> None:
    if address is not None:
        mail.send(address, "needed", link=mail.public_url("/"), nobody_covers=nobody_covers)


@jobs.every(seconds=60)
def escalate() -> None:
    """Escalate the alerts that have waited too long."""
    escalation.escalate_waiting()
