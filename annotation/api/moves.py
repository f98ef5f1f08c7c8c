"""Moving a project here from another tool."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import moving
from annotation.api.base import errors
from annotation.api.imports import ImportSerializer
from annotation.models import Move, User


class MoveSerializer(serializers.ModelSerializer[Move]):
    """An export that was looked at: what was found, and the project that came of it."""

    project: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    found = serializers.JSONField(read_only=True)

    class Meta:
        model = Move
        fields = ("id", "filename", "found", "project", "created_at")
        read_only_fields = fields


class MoveFilesSerializer(serializers.Serializer[Any]):
    """One export: a file or several."""

    files = serializers.ListField(child=serializers.FileField(), allow_empty=False)


class MoveStartSerializer(serializers.Serializer[Any]):
    """What the project is called, how many label each item, and what annotators of the file are called here."""

    name = serializers.CharField(max_length=200)
    slug = serializers.SlugField(max_length=60, required=False, default="")
    overlap = serializers.IntegerField(
        min_value=1, max_value=moving.OVERLAP, required=False, allow_null=True, default=None
    )
    people = serializers.DictField(child=serializers.CharField(max_length=150), required=False, default=dict)


class Moves(APIView):
    """Exports of the caller that were looked at; a new one."""

    parser_classes = (MultiPartParser, FormParser)

    @extend_schema(responses={200: MoveSerializer(many=True)})
    def get(self, request: Request) -> Response:
        """Those that were not brought in yet."""
        return Response(MoveSerializer(_mine(request).filter(project=None)[:100], many=True).data)

    @extend_schema(request=MoveFilesSerializer, responses={201: MoveSerializer, **errors(400, 403)})
    def post(self, request: Request) -> Response:
        """Send what was exported; nothing is written but the answer, which says what was found."""
        _may_create(request)
        sent = MoveFilesSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        files = [(file.name, file) for file in sent.validated_data["files"]]
        row = moving.prepare(files=files, user=request.user)
        return Response(MoveSerializer(row).data, status=status.HTTP_201_CREATED)


class OneMove(APIView):
    """One export that was looked at."""

    parser_classes = (JSONParser, FormParser, MultiPartParser)

    @extend_schema(responses={200: MoveSerializer, **errors(404)})
    def get(self, request: Request, pk: int) -> Response:
        """What was found in it."""
        return Response(MoveSerializer(get_object_or_404(_mine(request), pk=pk)).data)

    @extend_schema(
        operation_id="moves_start",
        request=MoveStartSerializer,
        responses={202: ImportSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make the project and bring the export in; the worker does it, the import tells how far it is."""
        _may_create(request)
        row = get_object_or_404(_mine(request), pk=pk)
        sent = MoveStartSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        found = moving.start(move=row, user=request.user, **sent.validated_data)
        return Response(
            {"project": found.project.slug, **ImportSerializer(found).data}, status=status.HTTP_202_ACCEPTED
        )

    @extend_schema(responses={204: None, **errors(404)})
    def delete(self, request: Request, pk: int) -> Response:
        """Forget it."""
        moving.discard(get_object_or_404(_mine(request).filter(project=None), pk=pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _mine(request: Request) -> QuerySet[Move]:
    return Move.objects.filter(created_by=request.user).select_related("project")


def _may_create(request: Request) -> None:
    if not User.objects.can_create_projects(request.user):
        raise PermissionDenied
