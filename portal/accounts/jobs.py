"""Mails about accounts, sent when nothing is open; and the tidying of what has expired."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from portal.accounts.models import Credential
from portal.accounts.service import invitations, resets, throttle
from portal.core import clock, jobs, mail, stored_responses
from portal.core.db.engines import db
from portal.core.db.transactions import NO_PRACTICE, transactional

KEPT = timedelta(days=30)


@jobs.handles(invitations.SEND)
def send_invitation(job: jobs.ClaimedJob) -> None:
    """Mail an invitation. Run twice, the later mail's link is the one that works."""
    letter = invitations.prepare_letter(job.practice_id, job.subject)
    if letter is not None:
        link = mail.public_url(f"/invitation#{letter.secret}")
        mail.send(letter.to, "invitation", link=link, practice=letter.practice_name, needs_code=letter.needs_code)


@jobs.handles(resets.SEND)
def send_reset(job: jobs.ClaimedJob) -> None:
    """Mail a reset link to whoever is behind the address, if anybody."""
    letter = resets.prepare_letter(job.practice_id, job.subject)
    if letter is not None:
        mail.send(letter.to, "reset", link=mail.public_url(f"/reset#{letter.secret}"))


@jobs.every(seconds=600)
def tidy() -> None:
    """Forget old tries at passwords, long-ended credentials, jobs and kept replies."""
    throttle.forget_old()
    jobs.delete_ended()
    stored_responses.delete_expired()
    _forget_credentials()


@transactional(practice=NO_PRACTICE)
def _forget_credentials() -> None:
    db.session.execute(delete(Credential).where(Credential.expires_at < clock.now() - KEPT))
