"""Files on their way in."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    extend_schema,
)
from rest_framework import serializers, status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import (
    delegating,
    importing,
    jobs,
    recleaning,
)
from annotation.api.base import JobSerializer, MemberList, MemberView, errors
from annotation.api.errands import ErrandSerializer, accepted
from annotation.jobs import State
from annotation.models import (
    Errand,
    Import,
)
from annotation.text.cleaning import STEPS
from config.api import Ended
from config.parsers import ObjectField
from config.scopes import BRINGING_IN, TAKING_OUT

# Import


class ImportSerializer(JobSerializer):
    """An import with its report."""

    what = serializers.CharField(read_only=True)
    filename = serializers.CharField(read_only=True)
    options = serializers.JSONField(read_only=True)
    report = serializers.JSONField(read_only=True)


class UploadSerializer(serializers.Serializer[Any]):
    """A file with what is known about it; everything else is guessed from its first rows."""

    file = serializers.FileField()
    what = serializers.ChoiceField(choices=Import.What.choices, default="items")
    options = ObjectField(required=False, default=dict, help_text="format, encoding, mapping, labels, …")


class Imports(MemberList):
    """The files of a project and what came of them; a new one."""

    scopes = BRINGING_IN
    right = "manager"
    serializer_class = ImportSerializer
    queryset = Import.objects.none()
    parser_classes = (MultiPartParser, FormParser)

    def get_queryset(self) -> QuerySet[Import]:
        """Of this project."""
        return Import.objects.filter(project=self.project)

    @extend_schema(request=UploadSerializer, responses={202: ImportSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Send a file; the worker brings it in."""
        sent = UploadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        importing.check_names(sent.validated_data["options"])
        upload = sent.validated_data["file"]
        row = importing.send(
            project=self.project,
            file=upload,
            filename=upload.name,
            user=request.user,
            what=sent.validated_data["what"],
            **sent.validated_data["options"],
        )
        return Response(ImportSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class OneImport(MemberView):
    """One import."""

    scopes = BRINGING_IN
    right = "manager"

    @extend_schema(responses={200: ImportSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State and report."""
        return Response(ImportSerializer(get_object_or_404(self.project.imports, pk=pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop it; what has come in stays. One that has not been started is thrown away."""
        row = get_object_or_404(self.project.imports, pk=pk)
        if row.state == State.PREPARED:
            importing.discard(row)
        elif not jobs.cancel(row):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)


class CleaningSerializer(serializers.Serializer[Any]):
    """Steps of cleaning; none takes a cleaning back to the normal form."""

    steps = serializers.ListField(child=serializers.ChoiceField(choices=list(STEPS)), allow_empty=True)


class Cleaning(MemberView):
    """How the texts of an import are cleaned."""

    right = "manager"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The steps, and how many documents there are, were changed by them, and may still be changed."""
        row = get_object_or_404(self.project.imports, pk=pk)
        return Response({"steps": row.options.get("clean", []), **recleaning.count(row)})

    @extend_schema(
        request=CleaningSerializer,
        responses={200: OpenApiTypes.OBJECT, 202: ErrandSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Clean the texts anew from what came; those that people have worked on stay (202: a worker does it)."""
        row = get_object_or_404(self.project.imports.select_related("project"), pk=pk)
        sent = CleaningSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        outcome = delegating.reclean(row=row, steps=sent.validated_data["steps"], user=self.membership.user)
        return accepted(outcome) if isinstance(outcome, Errand) else Response(outcome)


class RefusedRows(MemberView):
    """The refused rows of an import."""

    scopes = TAKING_OUT
    right = "manager"

    @extend_schema(responses={200: OpenApiTypes.BINARY, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> FileResponse:
        """As a file to mend and send again."""
        row = get_object_or_404(self.project.imports, pk=pk)
        if not row.refused:
            raise Http404
        return FileResponse(row.refused.open("rb"), as_attachment=True, filename=f"refused-{row.pk}")
