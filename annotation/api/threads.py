"""Questions about items."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import (
    asking,
)
from annotation.api.base import MemberList, MemberView, errors
from annotation.models import (
    Thread,
)
from config.scopes import LABEL, READ

# Questions to those who keep the guideline


class RemarkSerializer(serializers.Serializer[Any]):
    """One thing said; `by` is null while the name of who asked is hidden."""

    by = serializers.CharField(read_only=True, allow_null=True)
    mine = serializers.BooleanField(read_only=True)
    asked = serializers.BooleanField(read_only=True, help_text="said by whoever asked")
    text = serializers.CharField(read_only=True)
    guideline_version = serializers.IntegerField(read_only=True)
    at = serializers.DateTimeField(read_only=True)


class ThreadSerializer(serializers.Serializer[Thread]):
    """A question about an item and what was said to it."""

    id = serializers.IntegerField(source="pk", read_only=True)
    item = serializers.SerializerMethodField(help_text="null for who does not adjudicate")
    assignment = serializers.IntegerField(read_only=True, allow_null=True, help_text="the caller's own of the item")
    opened_at = serializers.DateTimeField(read_only=True)
    answered_at = serializers.DateTimeField(read_only=True, allow_null=True, help_text="null while it waits")
    remarks = serializers.SerializerMethodField()

    def get_item(self, thread: Thread) -> int | None:
        """Whoever labels knows an item by the number of their assignment alone."""
        return thread.item_id if self.context["view"].membership.can_adjudicate else None

    @extend_schema_field(RemarkSerializer(many=True))
    def get_remarks(self, thread: Thread) -> Any:
        """As the caller may read them."""
        return RemarkSerializer(asking.told(thread, self.context["request"].user), many=True).data


class AskSerializer(serializers.Serializer[Any]):
    """A question about an item that one holds or has answered; `client_id` makes a repeat harmless."""

    assignment = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    text = serializers.CharField(max_length=asking.LONGEST)
    client_id = serializers.UUIDField(required=False)


class SaySerializer(serializers.Serializer[Any]):
    """What to add to a thread."""

    text = serializers.CharField(max_length=asking.LONGEST)
    client_id = serializers.UUIDField(required=False)


class Threads(MemberList):
    """Questions about items: one's own; everybody's for those who adjudicate, and once an item is settled."""

    scopes = {"GET": (READ, LABEL), "POST": (LABEL,)}
    right = "member"
    rights = {"POST": "label"}
    serializer_class = ThreadSerializer
    queryset = Thread.objects.none()

    def get_queryset(self) -> QuerySet[Thread]:
        """Those that the caller may read; ?waiting=true: without an answer."""
        rows = asking.threads(project=self.project, user=self.request.user)
        return rows.waiting() if self.request.query_params.get("waiting") == "true" else rows

    @extend_schema(parameters=[OpenApiParameter("waiting", bool, description="true: only those without an answer")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The newest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(request=AskSerializer, responses={201: ThreadSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Ask."""
        sent = AskSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = asking.ask(membership=self.membership, **sent.validated_data)
        return Response(_thread(self, made.pk), status=status.HTTP_201_CREATED)


def _thread(view: MemberView, pk: int) -> Any:
    row = get_object_or_404(asking.threads(project=view.project, user=view.request.user), pk=pk)
    return ThreadSerializer(row, context={"request": view.request, "view": view}).data


class OneThread(MemberView):
    """One question and what was said to it."""

    scopes = {"GET": (READ, LABEL), "POST": (LABEL,)}

    @extend_schema(responses={200: ThreadSerializer, **errors(404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """All that was said."""
        return Response(_thread(self, pk))

    @extend_schema(
        operation_id="projects_threads_reply",
        request=SaySerializer,
        responses={201: ThreadSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Answer, or ask on."""
        row = get_object_or_404(asking.threads(project=self.project, user=request.user), pk=pk)
        sent = SaySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asking.reply(membership=self.membership, thread=row, **sent.validated_data)
        return Response(_thread(self, pk), status=status.HTTP_201_CREATED)
