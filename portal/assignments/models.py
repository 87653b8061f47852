"""Assignments and their states, how many stand where, the attempts at them, and comments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.core.db.tables import Base, Id, PracticeRow, belongs_to
from portal.core.errors import Conflict


class Status(StrEnum):
    """Where an assignment stands. Overdue, scheduled and frozen are derived, never stored."""

    ASSIGNED = "assigned"
    SEEN = "seen"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    DECLINED = "declined"
    SUBMITTED = "submitted"
    REVIEWED = "reviewed"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What can be done to an assignment."""

    CHANGE = "change"
    REOPEN = "reopen"
    REVIEW = "review"
    RETURN = "return"
    WITHDRAW = "withdraw"
    OPEN = "open"
    PLAN = "plan"
    SAVE = "save"
    PAUSE = "pause"
    RESUME = "resume"
    DECLINE = "decline"
    UNDO_DECLINE = "undo_decline"
    SUBMIT = "submit"
    RECALL = "recall"


_UNSENT = frozenset({Status.ASSIGNED, Status.SEEN, Status.IN_PROGRESS, Status.PAUSED})
WORKABLE = frozenset({Status.ASSIGNED, Status.SEEN, Status.IN_PROGRESS})
COMPLETED = frozenset({Status.SUBMITTED, Status.REVIEWED})
OPEN = _UNSENT | {Status.DECLINED}

FROM: Mapping[Act, frozenset[Status]] = {
    Act.CHANGE: _UNSENT | {Status.DECLINED},
    Act.REOPEN: frozenset({Status.DECLINED}),
    Act.REVIEW: frozenset({Status.SUBMITTED}),
    Act.RETURN: COMPLETED,
    Act.WITHDRAW: _UNSENT | {Status.DECLINED},
    Act.OPEN: frozenset({Status.ASSIGNED}),
    Act.PLAN: _UNSENT,
    Act.SAVE: _UNSENT,
    Act.PAUSE: WORKABLE,
    Act.RESUME: frozenset({Status.PAUSED}),
    Act.DECLINE: _UNSENT,
    Act.UNDO_DECLINE: frozenset({Status.DECLINED}),
    Act.SUBMIT: frozenset({Status.SEEN, Status.IN_PROGRESS}),
    Act.RECALL: frozenset({Status.SUBMITTED}),
}
THERAPISTS_ACTS = frozenset({Act.CHANGE, Act.REOPEN, Act.REVIEW, Act.RETURN, Act.WITHDRAW})
BEFORE_IT_OPENS = frozenset({Act.PLAN, Act.DECLINE, Act.UNDO_DECLINE})
"""What a client can do while an assignment is still scheduled."""


def allowed_acts(status: str, *, therapists: bool) -> list[str]:
    """The acts one side has in a state."""
    return [act.value for act, states in FROM.items() if status in states and (act in THERAPISTS_ACTS) is therapists]


def require_state(act: Act, status: str, *, frozen: bool, scheduled: bool = False) -> None:
    """Raise Conflict, with the state and the acts that are allowed, where `act` is not one of them."""
    therapists = act in THERAPISTS_ACTS
    allowed = allowed_acts(status, therapists=therapists)
    if scheduled and not therapists:
        allowed = [act for act in allowed if act in BEFORE_IT_OPENS]
    if frozen and status in OPEN:
        msg = "This client is archived, so everything rests."
        raise Conflict(msg, state="frozen", allowed=[])
    if scheduled and not therapists and act not in BEFORE_IT_OPENS:
        msg = "This opens on a later day."
        raise Conflict(msg, state="scheduled", allowed=allowed)
    if status not in FROM[act]:
        msg = f"This is {status.replace('_', ' ')}, which does not allow that."
        raise Conflict(msg, state=status, allowed=allowed)


class Assignment(PracticeRow, Base):
    """One resource version given to one client through one care link.

    `opens_at` and `due_at` are the instants the days begin and end at for the client; `therapist_id` is the care
    link's, kept here so that a caseload's newest hundred is one walk along an index.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        belongs_to("clients", "client_id"),
        belongs_to("care_links", "care_id"),
        belongs_to("people", "therapist_id"),
        belongs_to("resources", "resource_id"),
        belongs_to("resource_versions", "version_id"),
        CheckConstraint("answered >= 0 AND answered <= total", name="progress"),
        Index("ix_assignments_client", "practice_id", "client_id", "assigned_at", "id"),
        Index("ix_assignments_therapist", "practice_id", "therapist_id", "assigned_at", "id"),
        Index("ix_assignments_practice", "practice_id", "assigned_at", "id"),
        Index("ix_assignments_care", "practice_id", "care_id", "status"),
    )

    client_id: Mapped[str] = mapped_column(Id)
    care_id: Mapped[str] = mapped_column(Id)
    therapist_id: Mapped[str] = mapped_column(Id)
    resource_id: Mapped[str] = mapped_column(Id)
    version_id: Mapped[str] = mapped_column(Id)
    status: Mapped[str] = mapped_column(String(16), default=Status.ASSIGNED)
    status_before: Mapped[str | None] = mapped_column(String(40))
    why: Mapped[bytes]
    note: Mapped[bytes | None]
    plan: Mapped[bytes | None]
    reason: Mapped[bytes | None]
    did_something_else: Mapped[bool] = mapped_column(default=False)
    opens_on: Mapped[date | None] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    opens_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    answered: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column(default=1)
    assigned_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    last_act_at: Mapped[datetime | None]

    def move(self, status: Status) -> None:
        """Take a new state; the version says that what people read has changed."""
        self.status = status
        self.version += 1

    def step_aside(self, status: Status) -> None:
        """Pause or decline, remembering where to go on; a pause that is then declined is two steps."""
        self.status_before = f"{self.status_before or ''} {self.status}".strip()
        self.move(status)

    def step_back(self) -> None:
        """Go on where things stood."""
        *earlier, last = (self.status_before or Status.ASSIGNED).split()
        self.status_before = " ".join(earlier) or None
        self.move(Status(last))


class CareCount(Base):
    """How things stand in one care link: what a caseload shows without walking through its assignments.

    Written anew whenever a fact about one of them is recorded; `last_act_at` may lag an hour behind while somebody
    writes. Instants are the earliest that matter: since when something waits for review, and when something is due.
    """

    __tablename__ = "care_counts"
    __table_args__ = (belongs_to("care_links", "care_id"),)

    practice_id: Mapped[str] = mapped_column(Id, ForeignKey("practices.id"), primary_key=True)
    care_id: Mapped[str] = mapped_column(Id, primary_key=True)
    assigned: Mapped[int]
    done: Mapped[int]
    waiting: Mapped[int]
    open: Mapped[int]
    paused: Mapped[int]
    declined: Mapped[int]
    waiting_since: Mapped[datetime | None]
    next_due_at: Mapped[datetime | None]
    last_assigned_at: Mapped[datetime | None]
    last_act_at: Mapped[datetime | None]


class Attempt(PracticeRow, Base):
    """An attempt: the client's draft, whole and theirs alone, and once sent in, the part a therapist may read."""

    __tablename__ = "responses"
    __table_args__ = (
        belongs_to("assignments", "assignment_id"),
        belongs_to("clients", "client_id"),
        UniqueConstraint("practice_id", "assignment_id", "attempt"),
    )

    assignment_id: Mapped[str] = mapped_column(Id)
    client_id: Mapped[str] = mapped_column(Id)
    attempt: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    draft: Mapped[bytes | None]
    submission: Mapped[bytes | None]
    feedback: Mapped[bytes | None]
    scores: Mapped[bytes | None]
    private_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    reviewed_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]


class Comment(PracticeRow, Base):
    """A word between therapist and client on an attempt, or on one answer in it."""

    __tablename__ = "comments"
    __table_args__ = (
        belongs_to("assignments", "assignment_id"),
        belongs_to("clients", "client_id"),
        belongs_to("people", "author_id"),
        Index("ix_comments_assignment", "practice_id", "assignment_id", "created_at", "id"),
    )

    assignment_id: Mapped[str] = mapped_column(Id)
    client_id: Mapped[str] = mapped_column(Id)
    attempt: Mapped[int]
    block: Mapped[str | None] = mapped_column(String(255))
    author_id: Mapped[str] = mapped_column(Id)
    author_kind: Mapped[str] = mapped_column(String(8))
    body: Mapped[bytes]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
