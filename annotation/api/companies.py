"""The list of companies."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import (
    extend_schema,
)
from rest_framework import serializers
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import (
    companies,
)
from annotation.api.base import MemberList, errors
from annotation.models import (
    Company,
)
from config.scopes import BRINGING_IN


class CompanySerializer(serializers.ModelSerializer[Company]):
    """An entry of the list that marks in the text may be linked with."""

    class Meta:
        model = Company
        fields = ("key", "name", "ticker", "lei", "aliases", "retired")
        read_only_fields = fields


class CompaniesFileSerializer(serializers.Serializer[Any]):
    """A table, JSON or JSON lines with the columns name, key, ticker, lei and aliases."""

    file = serializers.FileField()


class CompaniesOutcomeSerializer(serializers.Serializer[Any]):
    """What came of a file: counts, and the first problems in sentences."""

    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    same = serializers.IntegerField()
    refused = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.CharField())


class Companies(MemberList):
    """The project's companies; ?q= those that somebody may mean who types this."""

    scopes = BRINGING_IN
    rights = {"GET": "member", "HEAD": "member", "OPTIONS": "member"}
    right = "manager"
    serializer_class = CompanySerializer
    queryset = Company.objects.none()
    parser_classes = (MultiPartParser, FormParser)

    def get_queryset(self) -> QuerySet[Company]:
        """Of this project, by name."""
        if words := self.request.query_params.get("q", ""):
            return companies.matching(self.project, words)
        return Company.objects.filter(project=self.project).order_by("name", "pk")

    @extend_schema(
        request=CompaniesFileSerializer, responses={200: CompaniesOutcomeSerializer, **errors(400, 403, 404)}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Send a file: entries with a known key are changed, the others are new; nothing is removed."""
        sent = CompaniesFileSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        upload = sent.validated_data["file"]
        outcome = companies.bring(project=self.project, file=upload, filename=upload.name)
        return Response(asdict(outcome))
