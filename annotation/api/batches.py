"""Batches: items assigned to people."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import batches, batching
from annotation.api.base import MemberList, MemberView, errors
from annotation.models import Batch, Item


class PartSerializer(serializers.Serializer[Any]):
    """One person's part of a batch; `pace` in answers a day of work."""

    username = serializers.CharField(source="user.username", read_only=True)
    all = serializers.IntegerField(read_only=True)
    done = serializers.IntegerField(read_only=True)
    left = serializers.IntegerField(read_only=True)
    in_hand = serializers.IntegerField(read_only=True)
    pace = serializers.FloatField(read_only=True)


class BatchSerializer(serializers.ModelSerializer[Batch]):
    """A batch and how far it is."""

    name = serializers.CharField(source="title", max_length=120)
    people = serializers.SerializerMethodField()
    late = serializers.SerializerMethodField()
    ready_at = serializers.SerializerMethodField()

    def _standing(self, batch: Batch) -> batches.Standing:
        found: batches.Standing = self.context["standings"][batch.pk]
        return found

    def get_people(self, batch: Batch) -> list[dict[str, Any]]:
        """Each person's part."""
        return list(PartSerializer(self._standing(batch).parts, many=True).data)

    def get_late(self, batch: Batch) -> bool:
        """Whether answers are missing after the due date."""
        return self._standing(batch).is_late

    def get_ready_at(self, batch: Batch) -> str | None:
        """When all will be in, at the pace of each."""
        ready = self._standing(batch).ready_at
        return ready.isoformat() if ready else None

    class Meta:
        model = Batch
        fields = ("id", "name", "purpose", "note", "due_at", "created_at", "closed_at", "late", "ready_at", "people")
        read_only_fields = ("id", "purpose", "created_at", "closed_at")


def _told(batch: Batch) -> dict[str, Any]:
    [standing] = batches.standings(batch.project, [batch])
    return dict(BatchSerializer(batch, context={"standings": {batch.pk: standing}}).data)


class SetAsideSerializer(serializers.Serializer[Any]):
    """Which items for whom: `ids` as they came in, or `draw` open ones at random (of a language or source type)."""

    name = serializers.CharField(max_length=120)
    people = serializers.ListField(child=serializers.CharField(max_length=150), min_length=1, max_length=200)
    ids = serializers.ListField(child=serializers.CharField(max_length=200), required=False, max_length=batching.MOST)
    draw = serializers.IntegerField(required=False, min_value=1, max_value=batching.MOST)
    language = serializers.CharField(required=False, allow_blank=True, default="", max_length=20)
    source_type = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)
    divided = serializers.BooleanField(default=False, help_text="one person an item, instead of each of them")
    extra = serializers.BooleanField(default=False, help_text="more answers where an item has no place left")
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)
    due_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class Batches(MemberList):
    """The batches of a project."""

    right = "manager"
    serializer_class = BatchSerializer
    queryset = Batch.objects.none()

    def get_queryset(self) -> QuerySet[Batch]:
        """The newest first."""
        return Batch.objects.filter(project=self.project).select_related("project")

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        """With how far each is, counted once for the page."""
        rows = list(args[0]) if args and kwargs.get("many") else []
        found = {standing.batch.pk: standing for standing in batches.standings(self.project, rows)} if rows else {}
        kwargs["context"] = {**self.get_serializer_context(), "standings": found}
        return BatchSerializer(*args, **kwargs)

    @extend_schema(
        request=SetAsideSerializer,
        responses={
            201: inline_serializer(
                "SetAside",
                {
                    "batch": BatchSerializer(),
                    "places": serializers.IntegerField(),
                    "there": serializers.IntegerField(help_text="left out: the person is on the item already"),
                    "full": serializers.IntegerField(help_text="left out: the item has no place left"),
                    "unable": serializers.IntegerField(help_text="left out: language or kind of text"),
                },
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Assign items."""
        sent = SetAsideSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        ids, draw = given.pop("ids", None), given.pop("draw", None)
        kept = {name: given.pop(name) for name in ("language", "source_type")}
        if (ids is None) == (draw is None):
            raise serializers.ValidationError({"ids": "Name items by `ids`, or say how many to `draw`."})
        if ids is not None:
            items = batching.named(project=self.project, ids=ids)
        else:
            rows = Item.objects.filter(project=self.project)
            rows = rows.filter(**{f"document__{name}": value for name, value in kept.items() if value})
            items = batching.drawn(items=rows, count=draw)
        people = batching.labellers(project=self.project, names=given.pop("people"))
        outcome = batching.assign(project=self.project, items=items, people=people, by=request.user, **given)
        counts = {name: getattr(outcome, name) for name in ("places", "there", "full", "unable")}
        return Response({"batch": _told(outcome.batch), **counts}, status=status.HTTP_201_CREATED)


class BatchView(MemberView):
    """Something about one batch."""

    right = "manager"

    def batch(self, pk: int) -> Batch:
        """The batch, or 404."""
        found: Batch = get_object_or_404(batches.listed(self.project), pk=pk)
        return found


class OneBatch(BatchView):
    """One batch."""

    @extend_schema(responses={200: BatchSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """How far it is, person by person."""
        return Response(_told(self.batch(pk)))

    @extend_schema(request=BatchSerializer, responses={200: BatchSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Another name, note or due date."""
        row = self.batch(pk)
        sent = BatchSerializer(row, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        wanted = {"title": row.title, "note": row.note, "due_at": row.due_at, **sent.validated_data}
        batching.change(batch=row, name=wanted["title"], note=wanted["note"], due_at=wanted["due_at"])
        return Response(_told(self.batch(pk)))


class PersonSerializer(serializers.Serializer[Any]):
    """Whose part of the batch; everybody's where left out."""

    person = serializers.CharField(required=False, allow_blank=True, default="", max_length=150)

    def slots(self, batch: Batch) -> Any:
        """What waits of that part."""
        name = self.validated_data["person"]
        rows = batching.rest(project=batch.project, batch=batch)
        return rows.filter(annotator__username=name) if name else rows


class ReassignSerializer(PersonSerializer):
    """From whom, and to whom."""

    to = serializers.CharField(max_length=150)


class Reassign(BatchView):
    """The rest of a batch, for somebody else."""

    @extend_schema(
        request=ReassignSerializer,
        responses={
            200: inline_serializer("HandedOn", {"moved": serializers.IntegerField(), "left": serializers.IntegerField()}),
            **errors(400, 403, 404),
        },
    )  # fmt: skip
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Hand it on, what is in hand too; `left` are items that are not for this person."""
        row = self.batch(pk)
        sent = ReassignSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        [to] = batching.labellers(project=self.project, names=[sent.validated_data["to"]])
        moved, left = batching.reassign(project=self.project, slots=sent.slots(row), to=to, by=request.user)
        return Response({"moved": moved, "left": left})


GIVEN_BACK = inline_serializer("GivenBack", {"given_back": serializers.IntegerField()})


class GiveBack(BatchView):
    """The rest of a batch, for everybody."""

    @extend_schema(request=PersonSerializer, responses={200: GIVEN_BACK, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Give it back, what is in hand too."""
        row = self.batch(pk)
        sent = PersonSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        return Response(
            {"given_back": batching.give_back(project=self.project, slots=sent.slots(row), by=request.user)}
        )


class Close(BatchView):
    """The end of a batch."""

    @extend_schema(request=None, responses={200: GIVEN_BACK, **errors(403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Close it; what waits goes back to everybody, answers stay."""
        return Response({"given_back": batching.close(batch=self.batch(pk), by=request.user)})
