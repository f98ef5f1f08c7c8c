"""Items and the order in which they are given out."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import (
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import (
    assigning,
    candidates,
)
from annotation.api.base import MemberList, MemberView, errors
from annotation.models import (
    Item,
    blind,
)

# Items, answers, gold


class ItemSerializer(serializers.ModelSerializer[Item]):
    """An item with its document's fields."""

    external_id = serializers.CharField(source="document.external_id", read_only=True)
    text = serializers.CharField(read_only=True)
    title = serializers.CharField(source="document.title", read_only=True)
    source_type = serializers.CharField(source="document.source_type", read_only=True)
    language = serializers.CharField(source="document.language", read_only=True)
    published_at = serializers.CharField(source="document.published_at", read_only=True)
    issuer = serializers.CharField(source="document.issuer", read_only=True)
    url = serializers.CharField(source="document.url", read_only=True)
    metadata = serializers.SerializerMethodField()
    candidates = serializers.SerializerMethodField()
    reference = serializers.CharField(source="document.reference", read_only=True)

    def get_candidates(self, item: Item) -> list[dict[str, str]]:
        """The responses to compare, name and text; in an order of their own for the person who labels."""
        person = self.context.get("person")
        return candidates.shuffled(item.document.candidates, item=item.pk, person=person)

    def get_metadata(self, item: Item) -> dict[str, Any] | None:
        """What else the file had; it may hold labels or hints, so null where the caller may still label the item."""
        return None if getattr(item, "hidden", False) else item.document.metadata

    class Meta:
        model = Item
        fields = (
            "id", "external_id", "text", "title", "source_type", "language", "published_at", "issuer", "url", "metadata",
            "candidates", "reference",
        )  # fmt: skip
        read_only_fields = fields


# What whoever labels is not told of an item: metadata may hold labels or hints, and ids tell how old it is.
HIDDEN = ("id", "external_id", "metadata")


def asked_item(item: Item, person: int | None) -> dict[str, Any]:
    """An item as whoever is to answer it sees it, candidates in an order of their own."""
    told = ItemSerializer(item, context={"person": person}).data
    before, after = item.around
    shown = {name: value for name, value in told.items() if name not in HIDDEN}
    return {**shown, "before": before, "after": after}


class Items(MemberList):
    """The items of a project."""

    serializer_class = ItemSerializer
    queryset = Item.objects.none()

    def get_queryset(self) -> QuerySet[Item]:
        """With their documents."""
        rows = Item.objects.filter(project=self.membership.project).annotate(hidden=blind(self.request.user, "pk"))
        return rows.select_related("document")


class PrioritySerializer(serializers.Serializer[Any]):
    """Items by the ids that they came in with, and when they are given out: first, usual or last."""

    ids = serializers.ListField(child=serializers.CharField(max_length=200), min_length=1, max_length=5000)
    priority = serializers.ChoiceField(choices=list(assigning.PRIORITIES))


class Priority(MemberView):
    """The order in which items are given out."""

    right = "manager"

    @extend_schema(
        request=PrioritySerializer,
        responses={
            200: inline_serializer("Prioritised", {"slots": serializers.IntegerField()}),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Have these items given out first, in the usual order or last; says how many open slots they have."""
        sent = PrioritySerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        items = Item.objects.filter(project=self.project, document__external_id__in=sent.validated_data["ids"])
        count = assigning.prioritise(
            project=self.project, items=items, priority=sent.validated_data["priority"], by=request.user
        )
        return Response({"slots": count})
