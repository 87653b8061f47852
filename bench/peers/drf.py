"""Django REST framework: models over the portal's tables, select_related, ModelSerializers, CursorPagination."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

from bench.peers.sealing import DATABASE, PRAGMAS, Client, merged, version_in


def _database() -> dict[str, Any]:
    if DATABASE.startswith("sqlite"):
        pragmas = "".join(f"PRAGMA {name}={value};" for name, value in PRAGMAS.items())
        options = {"init_command": pragmas, "transaction_mode": "IMMEDIATE"}
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATABASE.removeprefix("sqlite:///"),
            "OPTIONS": options,
            "CONN_MAX_AGE": None,
        }
    address = urlsplit(DATABASE)
    socket = parse_qs(address.query).get("host", [address.hostname or ""])[0]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": address.path.lstrip("/"),
        "USER": address.username,
        "PASSWORD": address.password or "",
        "HOST": socket,
        "PORT": address.port or "",
        "CONN_MAX_AGE": None,
    }


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": _database()},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="a made-up key",
    TIME_ZONE="UTC",
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 -- after the settings
from django.db import models, transaction  # noqa: E402 -- after the settings
from django.db.models import Exists, OuterRef  # noqa: E402 -- after the settings
from django.shortcuts import get_object_or_404  # noqa: E402 -- after the settings
from django.urls import path  # noqa: E402 -- after the settings
from rest_framework import generics, pagination, serializers, status  # noqa: E402 -- after the settings
from rest_framework.authentication import BaseAuthentication  # noqa: E402 -- after the settings
from rest_framework.exceptions import APIException, AuthenticationFailed  # noqa: E402 -- after the settings
from rest_framework.response import Response as Answer  # noqa: E402 -- after the settings
from rest_framework.views import APIView  # noqa: E402 -- after the settings

IDLE = timedelta(minutes=30)
WORKABLE = frozenset({"assigned", "seen", "in_progress"})
OPEN = WORKABLE | {"paused", "declined"}
UNSENT = WORKABLE | {"paused"}


# Models ----------------------------------------------------------------------------------------------------------


class Instant(models.DateTimeField):
    """An instant; on SQLite written as the RFC 3339 text the portal keeps."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT002 -- Django's signature
        if connection.vendor == "sqlite" and isinstance(value, datetime):
            return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return super().get_db_prep_value(value, connection, prepared)


class Row(models.Model):
    """A row of a practice."""

    id = models.CharField(max_length=36, primary_key=True)
    practice_id = models.CharField(max_length=36)

    class Meta:
        abstract = True


def _within(to: Any, column: str, **kwargs: Any) -> Any:
    """A reference within the practice, as the tables' keys are."""
    return models.ForeignObject(
        to, models.DO_NOTHING, from_fields=["practice_id", column], to_fields=["practice_id", "id"], **kwargs
    )


class Person(Row):
    """Who signs in."""

    kind = models.CharField(max_length=8)
    therapist = models.BooleanField()
    deactivated_at = Instant(null=True)
    is_authenticated = True

    class Meta:
        app_label, managed, db_table = "peers", False, "people"
        unique_together = (("practice_id", "id"),)


class Credential(Row):
    """What they sign in with."""

    kind = models.CharField(max_length=16)
    person_id = models.CharField(max_length=36)
    secret_hash = models.CharField(max_length=64)
    expires_at = Instant()
    last_used_at = Instant()
    ended_at = Instant(null=True)
    person = _within(Person, "person_id", related_name="+")

    class Meta:
        app_label, managed, db_table = "peers", False, "credentials"


class Version(Row):
    """What was assigned."""

    resource_id = models.CharField(max_length=36)
    number = models.IntegerField()
    kind = models.CharField(max_length=8)
    title = models.CharField(max_length=200)
    minutes = models.IntegerField()
    intensity = models.CharField(max_length=8)

    class Meta:
        app_label, managed, db_table = "peers", False, "resource_versions"
        unique_together = (("practice_id", "id"),)


class ClientRow(Row):
    """Who it was assigned to."""

    archived_at = Instant(null=True)

    class Meta:
        app_label, managed, db_table = "peers", False, "clients"
        unique_together = (("practice_id", "id"),)


class CareLink(Row):
    """Through which care."""

    therapist_id = models.CharField(max_length=36)
    ended_at = Instant(null=True)

    class Meta:
        app_label, managed, db_table = "peers", False, "care_links"


class DataKey(models.Model):
    """What opens a client's values."""

    practice_id = models.CharField(max_length=36)
    subject_id = models.CharField(max_length=36, primary_key=True)
    keyring_version = models.CharField(max_length=16)
    wrapped = models.BinaryField()

    class Meta:
        app_label, managed, db_table = "peers", False, "data_keys"


class Assignment(Row):
    """One resource version given to one client."""

    client_id = models.CharField(max_length=36)
    care_id = models.CharField(max_length=36)
    therapist_id = models.CharField(max_length=36)
    version_id = models.CharField(max_length=36)
    status = models.CharField(max_length=16)
    status_before = models.CharField(max_length=40, null=True)  # noqa: DJ001 -- the table's own null
    why = models.BinaryField()
    note = models.BinaryField(null=True)
    plan = models.BinaryField(null=True)
    reason = models.BinaryField(null=True)
    did_something_else = models.BooleanField()
    opens_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    opens_at = Instant(null=True)
    due_at = Instant(null=True)
    answered = models.IntegerField()
    total = models.IntegerField()
    attempt = models.IntegerField()
    version = models.IntegerField()
    assigned_at = Instant()
    seen_at = Instant(null=True)
    started_at = Instant(null=True)
    submitted_at = Instant(null=True)
    reviewed_at = Instant(null=True)
    last_act_at = Instant(null=True)
    resource = _within(Version, "version_id", related_name="+")
    client = _within(ClientRow, "client_id", related_name="+")

    class Meta:
        app_label, managed, db_table = "peers", False, "assignments"

    @property
    def scheduled(self) -> bool:
        return self.opens_at is not None and self.opens_at > datetime.now(UTC)

    @property
    def overdue(self) -> bool:
        return self.due_at is not None and self.due_at <= datetime.now(UTC) and self.status in WORKABLE

    @property
    def frozen(self) -> bool:
        return self.client.archived_at is not None and self.status in OPEN


class Response(Row):
    """An attempt at an assignment."""

    assignment_id = models.CharField(max_length=36)
    attempt = models.IntegerField()
    version = models.IntegerField()
    draft = models.BinaryField(null=True)
    saved_at = Instant(null=True)
    submitted_at = Instant(null=True)

    class Meta:
        app_label, managed, db_table = "peers", False, "responses"


def opened_by(practice_id: str, client_id: str) -> Client:
    key = DataKey.objects.get(practice_id=practice_id, subject_id=client_id)
    return Client(practice_id, client_id, key.keyring_version, key.wrapped)


# Who asks, and what they see ---------------------------------------------------------------------------------------


class BearerAuthentication(BaseAuthentication):
    """A session token, looked up by its hash together with its person."""

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"

    def authenticate(self, request: Any) -> tuple[Person, Credential] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = datetime.now(UTC)
        credential = (
            Credential.objects.select_related("person")
            .filter(
                secret_hash=hashlib.sha256(token.encode()).hexdigest(),
                kind="session",
                ended_at=None,
                expires_at__gt=now,
                last_used_at__gt=now - IDLE,
            )
            .first()
        )
        if credential is None or credential.person.deactivated_at is not None:
            raise AuthenticationFailed
        return credential.person, credential


def visible_to(person: Person) -> Any:
    """The assignments given through care links of theirs that have not ended."""
    own_care = CareLink.objects.filter(
        practice_id=OuterRef("practice_id"), id=OuterRef("care_id"), therapist_id=person.id, ended_at=None
    )
    return Assignment.objects.filter(
        Exists(own_care), practice_id=person.practice_id, therapist_id=person.id
    ).select_related("resource", "client")


# Shapes ----------------------------------------------------------------------------------------------------------


class ResourceSerializer(serializers.ModelSerializer):
    """The version that was assigned."""

    id = serializers.CharField(source="resource_id")

    class Meta:
        model = Version
        fields = ("id", "number", "kind", "title", "minutes", "intensity")


class ProgressSerializer(serializers.Serializer):
    """How far it has come."""

    answered = serializers.IntegerField()
    total = serializers.IntegerField()


class ItemSerializer(serializers.ModelSerializer):
    """One of a page."""

    resource = ResourceSerializer()
    scheduled = serializers.BooleanField()
    overdue = serializers.BooleanField()
    frozen = serializers.BooleanField()
    progress = ProgressSerializer(source="*")

    class Meta:
        model = Assignment
        fields = (
            *("id", "client_id", "resource", "status", "scheduled", "overdue", "frozen", "progress", "attempt"),
            *("opens_on", "due_on", "assigned_at", "seen_at", "started_at", "submitted_at", "reviewed_at"),
            *("last_act_at", "version"),
        )


class AssignmentSerializer(ItemSerializer):
    """One by itself: everything but the answers."""

    why = serializers.SerializerMethodField()
    note = serializers.SerializerMethodField()
    plan = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()

    class Meta(ItemSerializer.Meta):
        details = ("why", "note", "plan", "reason", "did_something_else", "opens_at", "due_at", "care_id")
        fields = (*ItemSerializer.Meta.fields, *details)

    def _open(self, one: Assignment, column: str) -> str | None:
        if "client" not in self.context:
            self.context["client"] = opened_by(one.practice_id, one.client_id)
        opened: str | None = self.context["client"].open(f"assignments|{column}", one.id, getattr(one, column))
        return opened

    def get_why(self, one: Assignment) -> str | None:
        return self._open(one, "why")

    def get_note(self, one: Assignment) -> str | None:
        return self._open(one, "note")

    def get_plan(self, one: Assignment) -> Any:
        plan = self._open(one, "plan")
        return None if plan is None else json.loads(plan)

    def get_reason(self, one: Assignment) -> str | None:
        return self._open(one, "reason")


class AnswerSerializer(serializers.Serializer):
    """One answer."""

    block = serializers.CharField(max_length=64)
    value = serializers.JSONField()


class SaveSerializer(serializers.Serializer):
    """What changed."""

    answers = AnswerSerializer(many=True)


class ResponseSerializer(serializers.ModelSerializer):
    """A response, whole."""

    class Meta:
        model = Response
        fields = ("assignment_id", "attempt", "saved_at", "submitted_at", "version")


# Views -------------------------------------------------------------------------------------------------------------


class Pages(pagination.CursorPagination):
    """Newest first, in the portal's envelope."""

    ordering = ("-assigned_at", "-id")
    page_size, page_size_query_param, max_page_size = 20, "limit", 100

    def get_paginated_response(self, data: Any) -> Answer:
        following = self.get_next_link()
        cursor = None if following is None else parse_qs(urlsplit(following).query)[self.cursor_query_param][0]
        return Answer({"data": data, "has_more": cursor is not None, "next_cursor": cursor})


class AssignmentsView(generics.ListAPIView):
    """The therapist's assignments."""

    authentication_classes = (BearerAuthentication,)
    serializer_class = ItemSerializer
    pagination_class = Pages

    def get_queryset(self) -> Any:
        return visible_to(self.request.user)


class AssignmentView(generics.RetrieveAPIView):
    """One of them."""

    authentication_classes = (BearerAuthentication,)
    serializer_class = AssignmentSerializer

    def get_queryset(self) -> Any:
        return visible_to(self.request.user)


class Stale(APIException):
    """Somebody else was faster."""

    status_code = status.HTTP_412_PRECONDITION_FAILED


class ResponseView(APIView):
    """The client's own answers."""

    authentication_classes = (BearerAuthentication,)

    def patch(self, request: Any, pk: str) -> Answer:
        sent = SaveSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        with transaction.atomic():
            assignment = get_object_or_404(
                Assignment.objects.select_for_update(of=("self",)).select_related("client"),
                practice_id=request.user.practice_id,
                client_id=request.user.id,
                id=pk,
            )
            response = Response.objects.select_for_update().get(
                practice_id=assignment.practice_id, assignment_id=assignment.id, attempt=assignment.attempt
            )
            resting = assignment.scheduled or assignment.frozen or assignment.status not in UNSENT
            if resting or response.version != version_in(request.headers["If-Match"]):
                raise Stale
            whole = self._save(assignment, response, sent.validated_data["answers"])
        progress = {"answered": assignment.answered, "total": assignment.total}
        more = {"status": assignment.status, "progress": progress, "scores": [], "notices": []}
        return Answer({**ResponseSerializer(response).data, **more, **whole})

    def _save(self, assignment: Assignment, response: Response, answers: list[dict[str, Any]]) -> dict[str, Any]:
        """By filter and update, since the tables' keys begin with the practice and save() would ask by id alone."""
        client = opened_by(assignment.practice_id, assignment.client_id)
        before = client.open("responses|draft", response.id, response.draft)
        whole = merged(json.loads(before or "{}"), answers)
        now = datetime.now(UTC).replace(microsecond=0)
        response.saved_at, response.version = now, response.version + 1
        Response.objects.filter(practice_id=response.practice_id, id=response.id).update(
            draft=client.seal("responses|draft", response.id, json.dumps(whole)),
            saved_at=response.saved_at,
            version=response.version,
        )
        assignment.status = "in_progress"
        Assignment.objects.filter(practice_id=assignment.practice_id, id=assignment.id).update(
            status=assignment.status,
            status_before=None,
            answered=assignment.answered,
            total=assignment.total,
            seen_at=assignment.seen_at or now,
            started_at=assignment.started_at or now,
            last_act_at=now,
        )
        return whole


urlpatterns = [
    path("api/v1/assignments", AssignmentsView.as_view()),
    path("api/v1/assignments/<uuid:pk>", AssignmentView.as_view()),
    path("api/v1/me/assignments/<uuid:pk>/response", ResponseView.as_view()),
]
app = get_wsgi_application()
