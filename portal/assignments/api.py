"""Routes of assignments: the therapist's under /assignments, the client's under /me."""

from __future__ import annotations

from typing import Any

from portal.assignments import schemas
from portal.assignments.service import comments, giving, progress, responses, reviewing, shown, working
from portal.core.errors import Conflict, Duplicate, Forbidden
from portal.http.openapi import Blueprint
from portal.http.paging import asked
from portal.http.request import expected_version, viewer

staff = Blueprint("assignments_staff", __name__, tag="Assignments")
client = Blueprint("assignments_client", __name__, tag="My assignments")

ATTEMPT = "<int(min=1,max=1000000):number>"


# The therapist's -----------------------------------------------------------------------------------------------


@staff.route("/assignments")
@staff.arguments(schemas.AssignmentQuerySchema(), location="query")
@staff.lists(schemas.AssignmentItemSchema())
def list_assignments(query: dict[str, Any]) -> Any:
    """List the assignments one has given"""
    return shown.list_assignments(viewer(), asked(viewer(), query), frozenset(query.get("expand", ())))


@staff.route("/assignments", methods=["POST"])
@staff.arguments(schemas.AssignSchema())
@staff.response(201, schemas.AssignmentSchema(), refuses=[Conflict, Duplicate, Forbidden])
def assign(sent: dict[str, Any]) -> Any:
    """Assign a reading or an exercise"""
    return giving.assign(viewer(), **sent)


@staff.route("/assignments/<id:assignment_id>")
@staff.arguments(schemas.AssignmentExpandSchema(), location="query")
@staff.response(200, schemas.AssignmentSchema())
def get_assignment(query: dict[str, Any], assignment_id: str) -> Any:
    """Read an assignment: everything but the answers"""
    return shown.get_assignment(viewer(), assignment_id, frozenset(query.get("expand", ())))


@staff.route("/assignments/<id:assignment_id>", methods=["PATCH"])
@staff.changes_content
@staff.arguments(schemas.ChangeAssignmentSchema())
@staff.response(200, schemas.AssignmentSchema(), refuses=[Conflict])
def change_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Change why, note and days"""
    return giving.change(viewer(), assignment_id, expected_version(), **sent)


@staff.route("/assignments/<id:assignment_id>/withdrawal", methods=["POST"])
@staff.arguments(schemas.WithdrawSchema())
@staff.response(200, schemas.AssignmentSchema(), refuses=[Conflict])
def withdraw_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Withdraw an assignment, with a reason the client reads"""
    return giving.withdraw(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/reopening", methods=["POST"])
@staff.response(200, schemas.AssignmentSchema(), refuses=[Conflict])
def reopen_assignment(assignment_id: str) -> Any:
    """Offer a declined assignment again"""
    return giving.reopen(viewer(), assignment_id)


@staff.route("/assignments/<id:assignment_id>/review", methods=["POST"])
@staff.arguments(schemas.ReviewSchema())
@staff.response(200, schemas.AssignmentSchema(), refuses=[Conflict])
def review_attempt(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say that an attempt has been read"""
    return reviewing.review(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/return", methods=["POST"])
@staff.arguments(schemas.ReturnSchema())
@staff.response(200, schemas.AssignmentSchema(), refuses=[Conflict])
def return_attempt(sent: dict[str, Any], assignment_id: str) -> Any:
    """Return an attempt for another go"""
    return reviewing.return_it(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/attempts")
@staff.arguments(schemas.AttemptQuerySchema(), location="query")
@staff.lists(schemas.AttemptItemSchema())
def list_attempts(query: dict[str, Any], assignment_id: str) -> Any:
    """List the attempts at an assignment: times, never a word"""
    return responses.list_attempts(viewer(), assignment_id, asked(viewer(), query))


@staff.route(f"/assignments/<id:assignment_id>/attempts/{ATTEMPT}")
@staff.response(200, schemas.AttemptSchema())
def open_attempt(assignment_id: str, number: int) -> Any:
    """Open the answers of an attempt; the client sees that you did"""
    return responses.open_attempt(viewer(), assignment_id, number)


@staff.route("/assignments/<id:assignment_id>/comments")
@staff.arguments(schemas.CommentQuerySchema(), location="query")
@staff.lists(schemas.CommentSchema())
def list_comments(query: dict[str, Any], assignment_id: str) -> Any:
    """List what was said about an assignment"""
    return comments.list_comments(viewer(), assignment_id, asked(viewer(), query))


@staff.route("/assignments/<id:assignment_id>/comments", methods=["POST"])
@staff.arguments(schemas.WriteCommentSchema())
@staff.response(201, schemas.CommentSchema())
def write_comment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say something about an attempt or an answer"""
    return comments.comment(viewer(), assignment_id, **sent)


@staff.route("/assignments/<id:assignment_id>/comments/<id:comment_id>/reading", methods=["POST"])
@staff.response(200, schemas.CommentSchema(), refuses=[Conflict])
def mark_comment_read(assignment_id: str, comment_id: str) -> Any:
    """Say that one has read a client's comment"""
    return comments.mark_read(viewer(), assignment_id, comment_id)


@staff.route("/clients/<id:client_id>/progress")
@staff.response(200, schemas.ClientProgressSchema())
def get_client_progress(client_id: str) -> Any:
    """Read how a client gets on"""
    return progress.progress_of_client(viewer(), client_id)


# The client's --------------------------------------------------------------------------------------------------


@client.route("/me/assignments")
@client.arguments(schemas.MyAssignmentQuerySchema(), location="query")
@client.lists(schemas.MyAssignmentItemSchema())
def list_my_assignments(query: dict[str, Any]) -> Any:
    """List one's own assignments"""
    return shown.list_assignments(viewer(), asked(viewer(), query))


@client.route("/me/assignments/<id:assignment_id>")
@client.response(200, schemas.MyAssignmentSchema())
def get_my_assignment(assignment_id: str) -> Any:
    """Read one of one's own assignments, with what there is to do"""
    return shown.get_mine(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/opening", methods=["POST"])
@client.response(200, schemas.MyAssignmentSchema(), refuses=[Conflict])
def open_my_assignment(assignment_id: str) -> Any:
    """Say that one has seen it"""
    return working.open_it(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/plan", methods=["PUT"])
@client.changes_content
@client.arguments(schemas.SetPlanSchema())
@client.response(200, schemas.MyAssignmentSchema(), refuses=[Conflict])
def set_my_plan(sent: dict[str, Any], assignment_id: str) -> Any:
    """Set one's plan"""
    return working.plan(viewer(), assignment_id, expected_version(), **sent)


@client.route("/me/assignments/<id:assignment_id>/response")
@client.response(200, schemas.ResponseSchema())
def get_response(assignment_id: str) -> Any:
    """Read one's own answers"""
    return responses.get_response(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/response", methods=["PATCH"])
@client.changes_content
@client.arguments(schemas.SaveSchema())
@client.response(200, schemas.ResponseSchema(), refuses=[Conflict])
def save_response(sent: dict[str, Any], assignment_id: str) -> Any:
    """Save what changed; 412 carries the current response"""
    return responses.save(viewer(), assignment_id, expected_version(), sent)


@client.route("/me/assignments/<id:assignment_id>/submission", methods=["POST"])
@client.arguments(schemas.SubmitSchema())
@client.response(200, schemas.MyAssignmentSchema(), stale=schemas.ResponseSchema(), refuses=[Conflict])
def submit_response(sent: dict[str, Any], assignment_id: str) -> Any:
    """Send one's answers in"""
    return responses.submit(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/taking-back", methods=["POST"])
@client.response(200, schemas.MyAssignmentSchema(), refuses=[Conflict])
def take_response_back(assignment_id: str) -> Any:
    """Take back what one has sent in"""
    return responses.take_back(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/pause", methods=["POST"])
@client.response(200, schemas.MyAssignmentSchema(), refuses=[Conflict])
def pause_assignment(assignment_id: str) -> Any:
    """Too much right now"""
    return working.pause(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/resumption", methods=["POST"])
@client.response(200, schemas.MyAssignmentSchema(), refuses=[Conflict])
def resume_assignment(assignment_id: str) -> Any:
    """Go on where one paused"""
    return working.resume(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/decline", methods=["POST"])
@client.arguments(schemas.DeclineSchema())
@client.response(200, schemas.MyAssignmentSchema(), refuses=[Conflict])
def decline_assignment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say no, or that one did something else"""
    return working.decline(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/decline-undo", methods=["POST"])
@client.response(200, schemas.MyAssignmentSchema(), refuses=[Conflict])
def undo_decline(assignment_id: str) -> Any:
    """Take a no back"""
    return working.undo_decline(viewer(), assignment_id)


@client.route("/me/assignments/<id:assignment_id>/attempts")
@client.arguments(schemas.AttemptQuerySchema(), location="query")
@client.lists(schemas.AttemptItemSchema())
def list_my_attempts(query: dict[str, Any], assignment_id: str) -> Any:
    """List one's own attempts"""
    return responses.list_attempts(viewer(), assignment_id, asked(viewer(), query))


@client.route(f"/me/assignments/<id:assignment_id>/attempts/{ATTEMPT}")
@client.response(200, schemas.MyAttemptSchema())
def get_my_attempt(assignment_id: str, number: int) -> Any:
    """Read one of one's own attempts"""
    return responses.get_my_attempt(viewer(), assignment_id, number)


@client.route("/me/assignments/<id:assignment_id>/comments")
@client.arguments(schemas.CommentQuerySchema(), location="query")
@client.lists(schemas.CommentSchema())
def list_my_comments(query: dict[str, Any], assignment_id: str) -> Any:
    """List what was said about one's assignment"""
    return comments.list_comments(viewer(), assignment_id, asked(viewer(), query))


@client.route("/me/assignments/<id:assignment_id>/comments", methods=["POST"])
@client.arguments(schemas.WriteCommentSchema())
@client.response(201, schemas.CommentSchema())
def write_my_comment(sent: dict[str, Any], assignment_id: str) -> Any:
    """Say something to one's therapist"""
    return comments.comment(viewer(), assignment_id, **sent)


@client.route("/me/assignments/<id:assignment_id>/comments/<id:comment_id>/reading", methods=["POST"])
@client.response(200, schemas.CommentSchema(), refuses=[Conflict])
def mark_my_comment_read(assignment_id: str, comment_id: str) -> Any:
    """Say that one has read a therapist's comment"""
    return comments.mark_read(viewer(), assignment_id, comment_id)


@client.route("/me/progress")
@client.response(200, schemas.MyProgressSchema())
def get_my_progress() -> Any:
    """Read how one gets on"""
    return progress.my_progress(viewer())
