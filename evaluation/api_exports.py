"""The API of exports: ask for one, see who took what and why, fetch the file, or have a small one at once."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import JobSerializer, MemberList, MemberView, errors
from config import downloads
from config.api import Ended
from config.scopes import BRINGING_IN, TAKING_OUT
from evaluation import datasheet, describing, exporting, formats
from evaluation.models import SPLITS, Dataset, DatasetVersion, Export


class ExportSerializer(JobSerializer):
    """One export: what, by whom, why; size and SHA-256 of its file, and `kept_until` while it is there to be fetched."""

    version = serializers.IntegerField(source="version_id", read_only=True)
    dataset = serializers.CharField(source="version.dataset.name", read_only=True)
    number = serializers.CharField(source="version.number", read_only=True)
    format = serializers.CharField(read_only=True)
    with_test_gold = serializers.BooleanField(read_only=True)
    options = serializers.JSONField(read_only=True)
    why = serializers.CharField(read_only=True)
    by = serializers.CharField(source="by.username", read_only=True, default=None, allow_null=True)
    at = serializers.DateTimeField(read_only=True)
    size = serializers.IntegerField(read_only=True, allow_null=True)
    checksum = serializers.CharField(read_only=True)
    losses = serializers.JSONField(read_only=True)
    kept_until = serializers.DateTimeField(read_only=True, allow_null=True)


class WantedSerializer(serializers.Serializer[Any]):
    """How a version goes out. `why` is needed for test gold and for annotators' answers."""

    format = serializers.ChoiceField(choices=list(formats.FORMATS), default="jsonl")
    with_test_gold = serializers.BooleanField(default=False)  # type: ignore[assignment]
    splits = serializers.ListField(child=serializers.ChoiceField(choices=SPLITS), default=list)
    scheme = serializers.ChoiceField(choices=formats.SCHEMES, default="BIO")
    question = serializers.CharField(default="", allow_blank=True, max_length=60)
    annotations = serializers.BooleanField(default=False)
    comments = serializers.BooleanField(default=False)
    why = serializers.CharField(default="", allow_blank=True, max_length=exporting.LONGEST_REASON)


class ExportView(MemberView):
    """An endpoint of versions that go out."""

    right = "boards"

    def version(self, pk: int) -> DatasetVersion:
        """The frozen version, if it belongs to the project."""
        rows = DatasetVersion.objects.select_related("dataset__project", "guideline_version", "previous")
        return get_object_or_404(rows, pk=pk, dataset__project=self.project)

    def export(self, pk: int) -> Export:
        """The export, if it belongs to the project and the caller may know of it."""
        rows = Export.objects.visible_to(self.request.user).select_related("version__dataset__project", "by")
        return get_object_or_404(rows, pk=pk, version__dataset__project=self.project)


class Exports(MemberList):
    """Who exported what, when and why."""

    scopes = BRINGING_IN

    right = "boards"
    serializer_class = ExportSerializer
    queryset = Export.objects.none()

    def get_queryset(self) -> QuerySet[Export]:
        """Everybody's for managers, one's own for others."""
        rows = Export.objects.visible_to(self.request.user).filter(version__dataset__project=self.membership.project)
        return rows.select_related("version__dataset", "by")


class ExportsOfVersion(ExportView):
    """One more export."""

    scopes = BRINGING_IN

    @extend_schema(request=WantedSerializer, responses={202: ExportSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Have the worker write it."""
        sent = WantedSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = exporting.ask(version=self.version(pk), user=request.user, **sent.validated_data)
        return Response(ExportSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class OneExport(ExportView):
    """One export."""

    scopes = BRINGING_IN

    @extend_schema(responses={200: ExportSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State, size, checksum, losses."""
        return Response(ExportSerializer(self.export(pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop it, or remove its file; that somebody took it stays on record."""
        row = self.export(pk)
        if not (exporting.cancel(row) or exporting.remove(row)):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)


class AboutSerializer(serializers.ModelSerializer[Dataset]):
    """What people say of a data set. `datasheet`: question → answer; `unanswered` lists the questions without one."""

    datasheet = serializers.DictField(child=serializers.CharField(allow_blank=True), required=False)
    unanswered = serializers.SerializerMethodField()

    class Meta:
        model = Dataset
        fields = ("id", "name", "slug", "description", "licence", "creators", "contact", "citation", "datasheet", "unanswered")  # fmt: skip
        read_only_fields = ("id", "name", "slug")

    def get_unanswered(self, dataset: Dataset) -> dict[str, str]:
        """Name → question."""
        return {entry.name: entry.words for entry in datasheet.missing(dataset.datasheet)}


class OneDataset(MemberView):
    """One data set."""

    right = "boards"
    rights = {"PATCH": "manager"}

    @extend_schema(responses={200: AboutSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Licence, makers, citation, datasheet."""
        return Response(AboutSerializer(get_object_or_404(Dataset, pk=pk, project=self.project)).data)

    @extend_schema(request=AboutSerializer, responses={200: AboutSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Change what is given; an empty answer takes an earlier one away."""
        row = get_object_or_404(Dataset, pk=pk, project=self.project)
        sent = AboutSerializer(row, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        row = describing.describe(dataset=row, user=request.user, answers=data.pop("datasheet", None), **data)
        return Response(AboutSerializer(row).data)


class Gone(exceptions.APIException):
    """The file is not kept any more."""

    status_code = status.HTTP_410_GONE
    default_code = "gone"


class ExportFile(ExportView):
    """The file of an export."""

    scopes = TAKING_OUT

    @extend_schema(
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
            **errors(403, 404, 410),
        }
    )
    def get(self, request: Request, slug: str, pk: int) -> HttpResponseBase:
        """A zip; `Range` with `If-Range` (the ETag, its SHA-256) goes on where a download broke off. HEAD as well."""
        row = self.export(pk)
        try:
            file = exporting.fetch(row, user=request.user)
        except ValueError as error:
            raise Gone(str(error)) from None
        plain = request._request
        if plain.method == "GET":
            exporting.fetched(row, user=request.user)
        named = {"filename": row.filename, "content_type": "application/zip"}
        return downloads.serve(plain, file, size=row.size or 0, checksum=row.checksum, **named)

    head = get


class ExportNow(ExportView):
    """A small version as files, at once."""

    scopes = TAKING_OUT

    @extend_schema(
        parameters=[
            OpenApiParameter("format_", str, enum=list(formats.FORMATS), description="jsonl without"),
            OpenApiParameter("test_gold", bool, description="with the gold of the test split; needs the right"),
            OpenApiParameter("why", str, description="the reason, needed for test gold"),
            OpenApiParameter("question", str, description="which one, for formats that carry one"),
        ],
        responses={(200, "application/zip"): OpenApiTypes.BINARY, **errors(400, 403, 404)},
    )
    def get(self, request: Request, slug: str, pk: int) -> FileResponse:
        """A zip with data, card, manifest and checksums; who takes it is recorded. Large versions go by the worker."""
        version = self.version(pk)
        if not exporting.is_small(version):
            sentence = _("This version has more than %(most)d examples: POST to exports/, and fetch the file when it is there.")  # fmt: skip
            raise serializers.ValidationError(sentence % {"most": exporting.AT_ONCE})
        asked = request.query_params
        file, row = exporting.at_once(
            version=version,
            user=request.user,
            format=asked.get("format_", "jsonl"),
            with_test_gold=asked.get("test_gold", "").lower() in {"1", "true"},
            why=asked.get("why", ""),
            question=asked.get("question", ""),
        )
        return FileResponse(file, as_attachment=True, filename=row.filename, content_type="application/zip")
