"""The API of training: recipes and runs."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import JobSerializer, MemberList, MemberView, errors
from config.api import Ended
from evaluation.models import DatasetVersion
from training import folder, running
from training.models import Run
from training.recipes import RECIPES

LOG, LOG_MOST = 64_000, 1_000_000


class RunSerializer(JobSerializer):
    """A run with its manifest and result."""

    system = serializers.CharField(source="system.name", read_only=True)
    version = serializers.IntegerField(source="version_id", read_only=True)
    question = serializers.CharField(read_only=True)
    recipe = serializers.CharField(read_only=True)
    options = serializers.JSONField(read_only=True)
    seed = serializers.IntegerField(read_only=True)
    phase = serializers.CharField(read_only=True)
    manifest = serializers.JSONField(read_only=True)
    result = serializers.JSONField(read_only=True)
    submission = serializers.IntegerField(source="submission_id", read_only=True, allow_null=True)
    parent = serializers.IntegerField(source="parent_id", read_only=True, allow_null=True)  # type: ignore[assignment]


class StartSerializer(serializers.Serializer[Any]):
    """What to run on what."""

    version = serializers.IntegerField(help_text="id of the frozen version")
    question = serializers.CharField()
    recipe = serializers.CharField()
    options = serializers.DictField(required=False, default=dict)
    seed = serializers.IntegerField(default=13, min_value=0, max_value=2**31 - 1)
    name = serializers.CharField(default="", allow_blank=True, max_length=120)


class Recipes(MemberView):
    """The recipes of this installation."""

    right = "boards"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Name -> title and description."""
        return Response(
            {
                name: {
                    "title": gettext(one.title),
                    "description": gettext(one.description),
                    "options": {
                        field.name: {"default": field.default, "help": gettext(field.help)} for field in one.fields
                    },
                }
                for name, one in RECIPES.items()
            }
        )


class Runs(MemberList):
    """The runs of a project; a new one."""

    right = "boards"
    rights = {"POST": "research"}
    serializer_class = RunSerializer
    queryset = Run.objects.none()

    def get_queryset(self) -> QuerySet[Run]:
        """Of this project."""
        return Run.objects.filter(version__dataset__project=self.project).select_related("system")

    @extend_schema(request=StartSerializer, responses={202: RunSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Start one."""
        sent = StartSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        rows = DatasetVersion.objects.select_related("dataset__project", "guideline_version")
        version = get_object_or_404(rows, pk=data.pop("version"), dataset__project=self.project)
        run = running.start(version=version, user=request.user, **data)
        return Response(RunSerializer(run).data, status=status.HTTP_202_ACCEPTED)


class OneRun(MemberView):
    """One run."""

    right = "boards"
    rights = {"DELETE": "research"}

    def _row(self, pk: int) -> Run:
        return get_object_or_404(Run.objects.select_related("system"), pk=pk, version__dataset__project=self.project)

    @extend_schema(responses={200: RunSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State, manifest, result."""
        return Response(RunSerializer(self._row(pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Cancel it; log and checkpoints stay."""
        if not running.cancel(self._row(pk), request.user):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)


class RunCurve(MemberView):
    """The points of a run's curves."""

    right = "boards"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Steps with loss and dev metrics."""
        return Response({"points": folder.curve(get_object_or_404(Run, pk=pk, version__dataset__project=self.project))})


class RunLog(MemberView):
    """What a run printed."""

    right = "boards"

    @extend_schema(
        parameters=[OpenApiParameter("bytes", int, description=f"how much of its end, 1 to {LOG_MOST}; {LOG} without")],
        responses={200: inline_serializer("Log", {"log": serializers.CharField()}), **errors(403, 404)},
    )
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The end of its log, from the start of a line on; empty before the run has printed anything."""
        run = get_object_or_404(Run, pk=pk, version__dataset__project=self.project)
        asked = request.query_params.get("bytes", "")
        size = min(LOG_MOST, max(1, int(asked))) if asked.isdecimal() and len(asked) < 9 else LOG
        return Response({"log": folder.log_tail(run, size)})


class RunAgain(MemberView):
    """The same again."""

    right = "research"

    @extend_schema(request=None, responses={202: RunSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """A child run with the same inputs."""
        rows = Run.objects.select_related("system", "version__dataset__project", "version__guideline_version")
        run = get_object_or_404(rows, pk=pk, version__dataset__project=self.project)
        return Response(RunSerializer(running.again(run, request.user)).data, status=status.HTTP_202_ACCEPTED)
