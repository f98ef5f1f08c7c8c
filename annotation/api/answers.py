"""Answers and gold, as lists."""

from django.db.models import Exists, OuterRef, QuerySet
from rest_framework import serializers

from annotation.api.base import MemberList
from annotation.models import (
    Annotation,
    Case,
    Gold,
)


class AnnotationSerializer(serializers.ModelSerializer[Annotation]):
    """One person's answer."""

    item = serializers.SerializerMethodField(help_text="null for who does not adjudicate")
    external_id = serializers.SerializerMethodField(help_text="null for who does not adjudicate")
    annotator = serializers.SerializerMethodField()
    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True)

    def get_item(self, annotation: Annotation) -> int | None:
        """Whoever labels knows an item by the number of their assignment alone."""
        return annotation.item_id if self.context["view"].membership.can_adjudicate else None

    def get_external_id(self, annotation: Annotation) -> str | None:
        """The id that the document came with, which may tell when."""
        known = self.context["view"].membership.can_adjudicate
        return annotation.item.document.external_id if known else None

    def get_annotator(self, annotation: Annotation) -> str | None:
        """The name once the item is settled; before that only the writer sees their own."""
        known = getattr(annotation, "settled", False) or annotation.annotator_id == self.context["request"].user.pk
        return str(annotation.annotator) if known else None

    class Meta:
        model = Annotation
        fields = (
            "id", "item", "external_id", "annotator", "guideline_version", "status", "answer", "skip_reason",
            "confidence", "flagged", "comment", "seconds", "independent", "suggested", "updated_at",
            "superseded_at", "mapped",
        )  # fmt: skip
        read_only_fields = fields


class Annotations(MemberList):
    """All answers of a project (one's own only, for an annotator)."""

    right = "member"
    serializer_class = AnnotationSerializer
    queryset = Annotation.objects.none()

    def get_queryset(self) -> QuerySet[Annotation]:
        """Drafts stay with their writers."""
        rows = Annotation.objects.visible_to(self.request.user).filter(project=self.membership.project)
        rows = rows.exclude(status=Annotation.Status.DRAFT)
        here = OuterRef("item")
        settled = Exists(Gold.objects.current().filter(item=here)) & ~Exists(Case.objects.open().filter(item=here))
        return rows.annotate(settled=settled).select_related("item__document", "annotator", "guideline_version")


class GoldSerializer(serializers.ModelSerializer[Gold]):
    """A settled answer."""

    external_id = serializers.CharField(source="item.document.external_id", read_only=True)
    settled_by = serializers.CharField(source="settled_by.__str__", read_only=True, default=None)
    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True)

    class Meta:
        model = Gold
        fields = (
            "id", "item", "external_id", "question", "value", "distribution", "method", "reason", "rule", "note", "settled_by", "settled_at",
            "guideline_version", "mapped",
        )  # fmt: skip
        read_only_fields = fields

    mapped = serializers.SerializerMethodField()

    def get_mapped(self, gold: Gold) -> bool:
        """Whether publishing a guideline has made it of earlier gold by renaming labels."""
        return gold.earlier_id is not None


class GoldList(MemberList):
    """The gold of a project as it stands."""

    serializer_class = GoldSerializer
    queryset = Gold.objects.none()

    def get_queryset(self) -> QuerySet[Gold]:
        """Current gold only."""
        rows = Gold.objects.current().visible_to(self.request.user).filter(project=self.membership.project)
        return rows.select_related("item__document", "settled_by", "guideline_version")
