"""Models' proposals."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import (
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import (
    suggesting,
)
from annotation.api.base import MemberList, errors
from annotation.models import (
    Suggestion,
)
from config.scopes import BRINGING_IN


class SuggestionSerializer(serializers.ModelSerializer[Suggestion]):
    """What a model, named by `source`, proposes for one question about an item."""

    external_id = serializers.CharField(source="item.document.external_id", read_only=True)

    class Meta:
        model = Suggestion
        fields = ("id", "item", "external_id", "question", "value", "source", "score", "created_at")
        read_only_fields = fields


class ProposalSerializer(serializers.Serializer[Any]):
    """A suggestion to store; `id` is the id that the item came in with."""

    id = serializers.CharField()
    question = serializers.CharField(required=False, help_text="may be left out where there is one question")
    value = serializers.JSONField(help_text="an answer in stored form")
    source = serializers.CharField(max_length=150, help_text="the model and its version")  # type: ignore[assignment]
    score = serializers.FloatField(required=False, allow_null=True)


class Suggestions(MemberList):
    """What models propose; only managers read it all."""

    scopes = BRINGING_IN
    right = "manager"
    serializer_class = SuggestionSerializer
    queryset = Suggestion.objects.none()

    def get_queryset(self) -> QuerySet[Suggestion]:
        """Without those of items that the caller labels and has not answered."""
        rows = Suggestion.objects.visible_to(self.request.user).filter(project=self.membership.project)
        return rows.select_related("item__document").order_by("pk")

    @extend_schema(
        request=ProposalSerializer(many=True),
        responses={
            201: inline_serializer(
                "Suggested",
                {name: serializers.IntegerField() for name in ("new", "here", "differing")},
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Store up to 1,000, all or none; what a source has said of an item before stands."""
        made = suggesting.suggest(project=self.project, entries=request.data)
        return Response(made, status=status.HTTP_201_CREATED)
