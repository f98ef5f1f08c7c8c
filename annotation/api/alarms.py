"""Alarms about people's work by program."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import watching
from annotation.api.base import JobSerializer, MemberList, MemberView, errors
from annotation.models import Alarm


class AlarmSerializer(serializers.ModelSerializer[Alarm]):
    """An alarm: what was seen in words and numbers, and the numbers of the answers behind it."""

    person = serializers.CharField(source="person.username", read_only=True)
    words = serializers.SerializerMethodField()

    def get_words(self, alarm: Alarm) -> str:
        """What was seen and what to do."""
        return " ".join(watching.words(alarm))

    class Meta:
        model = Alarm
        fields = ("id", "person", "kind", "question", "words", "seen", "rows", "since", "until", "dismissed_at", "note")
        read_only_fields = fields


class Alarms(MemberList):
    """Alarms."""

    right = "manager"
    serializer_class = AlarmSerializer
    queryset = Alarm.objects.none()

    def get_queryset(self) -> QuerySet[Alarm]:
        """Those that are open."""
        return watching.open_alarms(self.project)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Those that are open, the newest first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(request=None, responses={202: JobSerializer, 200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Have the worker look now; 200 where no answer has come in since the last look."""
        job = watching.ask(self.project)
        if job is None:
            return Response({"new": False})
        return Response(JobSerializer(job).data, status=status.HTTP_202_ACCEPTED)


class DismissSerializer(serializers.Serializer[Any]):
    """What the alarm was."""

    note = serializers.CharField(max_length=watching.NOTE)


class OneAlarm(MemberView):
    """One alarm."""

    right = "manager"

    @extend_schema(request=DismissSerializer, responses={200: AlarmSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Dismiss it with a note."""
        alarm = get_object_or_404(Alarm.objects.select_related("person"), pk=pk, project=self.project)
        sent = DismissSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = watching.dismiss(alarm=alarm, user=self.membership.user, note=sent.validated_data["note"])
        return Response(AlarmSerializer(row).data)
