"""Labelling by program: the same one request per item as the page."""

from datetime import UTC
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import (
    annotating,
    assigning,
    batches,
    choosing,
    progress,
    referring,
    suggesting,
    telling,
)
from annotation.api.base import MemberList, MemberView, errors
from annotation.api.items import asked_item
from annotation.models import (
    Annotation,
    Membership,
)
from config.api import Paging, Problem
from config.scopes import LABELLING

# Labelling

# What an answer can be, a draft aside.
SAID = ["submitted", "skipped", "undecided"]


class SentSerializer(serializers.Serializer[Any]):
    """An answer, a skip or “cannot decide”; `client_id` is a UUID made by the caller, a repeat of it changes nothing."""

    client_id = serializers.UUIDField()
    assignment = serializers.IntegerField()
    token = serializers.UUIDField(required=False, allow_null=True)
    version = serializers.IntegerField(help_text="id of the guideline version the answer was given under")
    status = serializers.ChoiceField(choices=SAID, default="submitted")
    answer = serializers.JSONField(default=dict)
    skip_reason = serializers.CharField(required=False, allow_blank=True, default="")
    confidence = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=3,
        help_text="1 unsure to 3 sure, where the project asks",
    )
    flagged = serializers.BooleanField(default=False)
    comment = serializers.CharField(required=False, allow_blank=True, default="")
    seconds = serializers.FloatField(required=False, allow_null=True)


class SaidSerializer(serializers.Serializer[Any]):
    """What somebody said of an item."""

    answer = serializers.JSONField(read_only=True)
    status = serializers.CharField(read_only=True)
    comment = serializers.CharField(read_only=True)
    flagged = serializers.BooleanField(read_only=True)
    skip_reason = serializers.CharField(read_only=True)
    confidence = serializers.IntegerField(read_only=True, allow_null=True)


class ConflictSerializer(Problem):
    """Why an answer was not taken, the answer that stands (or the draft that was kept), and whether to begin anew."""

    kept = SaidSerializer(allow_null=True, help_text="what is stored of yours; null where nothing is")
    reload = serializers.BooleanField(help_text="get items again: what you hold is out of date")


class Labelling(MemberView):
    """Items to label, and answers."""

    scopes = LABELLING
    right = "label"

    @extend_schema(
        parameters=[OpenApiParameter("count", int, description="how many, 1 to 10")],
        responses={200: OpenApiTypes.OBJECT, **errors(403, 404)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Lease the next items; `untold` is there where you have not read yet what the guideline changed, and where to."""
        raw = request.query_params.get("count", "1")
        count = min(10, max(1, int(raw))) if raw.isdecimal() and len(raw) < 4 else 1
        slots = assigning.with_items(assigning.take(membership=self.membership, count=count))
        version = self.project.version
        drafts = progress.given(self.membership, slots)
        proposed = suggesting.show(membership=self.membership, slots=slots)
        pushed = batches.of_slots(self.membership, slots)
        sent_back = referring.questions(slots)
        found = [
            {
                "assignment": slot.pk,
                "token": str(slot.token),
                "lease_until": slot.lease_until,
                "item": asked_item(slot.item, slot.annotator_id),
                "draft": annotating.told(drafts[slot.item_id]) if slot.item_id in drafts else None,
                **({"batch": pushed[slot.pk]} if slot.pk in pushed else {}),
                **({"suggestions": proposed[slot.item_id]} if slot.item_id in proposed else {}),
                **({"asked_again": sent_back[slot.pk]} if slot.pk in sent_back else {}),
            }
            for slot in slots
        ]
        # Who has not passed the qualification gets nothing before.
        told: dict[str, Any] = {} if slots or self.membership.is_qualified else {"unqualified": True}
        # Nor is an answer taken before what changed has been read.
        if version and not telling.is_told(self.membership):
            told["untold"] = reverse("api-guideline-told", args=[slug])
        return Response({"version": version.pk if version else None, "items": found, **told})

    @extend_schema(
        request=SentSerializer,
        responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404), 409: OpenApiResponse(ConflictSerializer)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Store one answer; one without a token corrects the answer that was given to this assignment before."""
        try:
            annotation, _following = annotating.submit(
                membership=self.membership, sent=annotating.read(request.data), more=False
            )
        except annotating.Conflict as conflict:
            kept = annotating.told(conflict.kept) if conflict.kept else None
            words = str(conflict)
            if isinstance(conflict, annotating.Untold):
                address = {"address": reverse("api-guideline-told", args=[slug]), "number": conflict.number}
                words += " " + _('GET %(address)s tells it, and a POST of {"number": %(number)d} there says that you have read it.') % address  # fmt: skip
            told = {"error": words, "kept": kept, "reload": conflict.reload}
            return Response(told, status=status.HTTP_409_CONFLICT)
        return Response({"saved": True, "annotation": annotation.pk})


class UnfinishedSerializer(serializers.Serializer[Any]):
    """An answer that is not given yet: as much of it as there is."""

    assignment = serializers.IntegerField()
    answer = serializers.JSONField(default=dict)
    flagged = serializers.BooleanField(default=False)
    comment = serializers.CharField(required=False, allow_blank=True, default="")


class LabelDraft(MemberView):
    """Unfinished answers."""

    scopes = LABELLING
    right = "label"

    @extend_schema(
        request=UnfinishedSerializer,
        responses={200: inline_serializer("Kept", {"saved": serializers.BooleanField()}), **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Keep one, to be given again with its item; `saved` is false where the item is not leased to you (any more)."""
        return Response({"saved": annotating.draft(membership=self.membership, data=request.data)})


class MineSerializer(serializers.ModelSerializer[Annotation]):
    """One's own answer, with the assignment that a correction of it names."""

    assignment = serializers.IntegerField(read_only=True, allow_null=True)
    text = serializers.CharField(source="item.text", read_only=True)
    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True)

    class Meta:
        model = Annotation
        fields = (
            "id", "assignment", "text", "guideline_version", "status", "answer", "skip_reason",
            "confidence", "flagged", "comment", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class ByTime(Paging):
    """The last changed first; of the same moment the newer row."""

    ordering = ("-updated_at", "-pk")

    def is_place(self, text: str) -> bool:
        """A place is a moment; one that is none, or lies beyond the calendar in UTC, is no place."""
        try:
            moment = parse_datetime(text)
            return moment is not None and moment.tzinfo is not None and bool(moment.astimezone(UTC))
        except (ValueError, OverflowError):
            return False


class Mine(MemberList):
    """One's own answers and skips that stand, the last given first."""

    scopes = LABELLING
    right = "label"
    serializer_class = MineSerializer
    pagination_class = ByTime
    queryset = Annotation.objects.none()

    def get_queryset(self) -> QuerySet[Annotation]:
        """The same as under "my last answers" on the page."""
        return progress.own(self.membership).select_related("guideline_version")


class DaySerializer(serializers.Serializer[Any]):
    """What one did on a day by the site's clock; `hours` of attention, idle time left out."""

    day = serializers.DateField(read_only=True)
    items = serializers.IntegerField(read_only=True)
    skipped = serializers.IntegerField(read_only=True)
    undecided = serializers.IntegerField(read_only=True)
    corrected = serializers.IntegerField(read_only=True)
    hours = serializers.FloatField(read_only=True)
    median_seconds = serializers.FloatField(read_only=True, allow_null=True)


class WorkSerializer(serializers.Serializer[Any]):
    """One's own work: the goal (null: none) and what was done on each of the last 30 days."""

    goal = serializers.IntegerField(min_value=1, max_value=choosing.MOST, allow_null=True, required=False)
    goal_per = serializers.ChoiceField(choices=Membership.GoalPer.choices, required=False)
    done_today = serializers.IntegerField(read_only=True, help_text="in the last 24 hours")
    days = DaySerializer(many=True, read_only=True)


class Work(MemberView):
    """One's own work, shown to nobody else."""

    scopes = LABELLING
    right = "label"

    def _told(self) -> dict[str, Any]:
        mine = self.membership
        told = {"goal": mine.goal, "goal_per": mine.goal_per, "done_today": progress.done_today(mine)}
        return WorkSerializer({**told, "days": progress.work(mine)}).data

    @extend_schema(responses={200: WorkSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """What one did, day by day."""
        return Response(self._told())

    @extend_schema(request=WorkSerializer, responses={200: WorkSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str) -> Response:
        """Set or take away one's goal."""
        sent = WorkSerializer(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        wanted = {"goal": self.membership.goal, "goal_per": self.membership.goal_per, **sent.validated_data}
        choosing.set_goal(membership=self.membership, goal=wanted["goal"], per=wanted["goal_per"])
        return Response(self._told())
