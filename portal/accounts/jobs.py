"""Jobs of accounts: mail invitations and resets, delete what has expired."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from portal.accounts.models import Credential
from portal.accounts.service import invitations, resets, throttle
from portal.core import clock, jobs, mail, stored_responses
from portal.core.db.engines import db
from portal.core.db.transactions import NO_PRACTICE, transactional

RETENTION = timedelta(days=30)


@jobs.handles(invitations.SEND_INVITATION)
def send_invitation(job: jobs.ClaimedJob) -> None:
    """Mail an invitation. If this runs twice, only the link of the later mail works."""
    message = invitations.prepare_mail(job.practice_id, job.subject)
    if message is not None:
        link = mail.public_url(f"/invitation#{message.secret}")
        mail.send(message.to, "invitation", link=link, practice=message.practice_name, needs_code=message.needs_code)


@jobs.handles(resets.SEND_RESET)
def send_reset(job: jobs.ClaimedJob) -> None:
    """Mail a reset link to the person with this address, if there is one."""
    message = resets.prepare_mail(job.practice_id, job.subject)
    if message is not None:
        mail.send(message.to, "reset", link=mail.public_url(f"/reset#{message.secret}"))


@jobs.every(seconds=600)
def delete_expired() -> None:
    """Delete old tries at secrets, old credentials, ended jobs and expired stored responses."""
    throttle.delete_old_tries()
    jobs.delete_ended()
    stored_responses.delete_expired()
    _delete_old_credentials()


@transactional(practice=NO_PRACTICE)
def _delete_old_credentials() -> None:
    db.session.execute(delete(Credential).where(Credential.expires_at < clock.now() - RETENTION))
