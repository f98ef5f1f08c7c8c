"""Discussions of cases: those that concern the caller, and what is said to one."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import discussing
from annotation.api.base import MemberList, MemberView, errors
from annotation.models import Case


class DiscussedSerializer(serializers.ModelSerializer[Case]):
    """A case under discussion; the item is known by the assignment that was the caller's."""

    assignment = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Case
        fields = ("id", "assignment", "question", "discussed_at", "closed_at")
        read_only_fields = fields


class Discussions(MemberList):
    """Cases under discussion on whose items the caller has said something."""

    right = "label"
    serializer_class = DiscussedSerializer
    queryset = Case.objects.none()

    def get_queryset(self) -> QuerySet[Case]:
        """The caller's."""
        return discussing.about_me(self.membership)


class RemarkSerializer(serializers.Serializer[Any]):
    """One thing said to a case; `open` lets its people read and write (those who adjudicate alone)."""

    text = serializers.CharField(required=False, allow_blank=True, default="", max_length=discussing.LONGEST)
    client_id = serializers.UUIDField(required=False)
    open = serializers.BooleanField(required=False, default=False)


class SaidToCaseSerializer(serializers.Serializer[Any]):
    """What was said to a case: by a name where the project shows names, else by the letter of an answer or a role."""

    mine = serializers.BooleanField()
    by = serializers.CharField()
    text = serializers.CharField()
    guideline_version = serializers.IntegerField()
    at = serializers.DateTimeField()


class Discussion(MemberView):
    """The discussion of one case."""

    right = "member"

    def _row(self, pk: int) -> Case:
        row = get_object_or_404(Case.objects.select_related("project", "item"), pk=pk, project=self.project)
        if not discussing.may_read(row, self.membership):
            raise PermissionDenied
        return row

    @extend_schema(responses={200: SaidToCaseSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """What was said, the first thing first."""
        return Response(discussing.told(self._row(pk), request.user))

    @extend_schema(request=RemarkSerializer, responses={201: SaidToCaseSerializer(many=True), **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Say something; those who adjudicate may open the case to its people."""
        row = self._row(pk)
        sent = RemarkSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        if given["open"]:
            discussing.open_to_its_people(case=row, membership=self.membership)
        if given["text"] or not given["open"]:
            discussing.say(case=row, membership=self.membership, text=given["text"], client_id=given.get("client_id"))
        return Response(discussing.told(row, request.user), status=status.HTTP_201_CREATED)
