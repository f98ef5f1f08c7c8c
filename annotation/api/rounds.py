"""Calibration rounds by program."""

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import batching, calibrating
from annotation import schema as schemas
from annotation.api.base import MemberView, errors
from annotation.models import Membership, Round


def told(round: Round, membership: Membership) -> dict[str, Any]:
    """A round as JSON; who is how far only for those who adjudicate."""
    rows = calibrating.progress(round) if membership.can_adjudicate else []
    return {
        "id": round.pk,
        "number": round.number,
        "guideline_version": round.guideline_version.number,
        "items": len(round.items),
        "opened_at": round.opened_at,
        "figures": round.figures if round.opened_at else {},
        "progress": [{"username": row["person"].username, "done": row["done"], "of": row["of"]} for row in rows],
    }


class RoundStartSerializer(serializers.Serializer[Any]):
    """A round: the people by user name, and how many items are drawn, or the ids of chosen ones."""

    people = serializers.ListField(child=serializers.CharField(max_length=150), min_length=2, max_length=500)
    count = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=2)
    ids = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, default=list, max_length=calibrating.MOST_ITEMS
    )
    names_shown = serializers.BooleanField(default=False)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class Rounds(MemberView):
    """Calibration rounds."""

    right = "calibrate"
    rights = {"POST": "manager"}

    @extend_schema(operation_id="projects_rounds_all", responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Those that one may read of, with agreement as it was when each discussion opened: the curve over rounds."""
        found = calibrating.of_project(self.project, self.membership.user)
        return Response({"rounds": [told(row, self.membership) for row in found]})

    @extend_schema(request=RoundStartSerializer, responses={201: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Start one."""
        sent = RoundStartSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        people = batching.labellers(project=self.project, names=given.pop("people"))
        row = calibrating.start(project=self.project, people=people, by=self.membership.user, **given)
        return Response(told(row, self.membership), status=status.HTTP_201_CREATED)


class RoundView(MemberView):
    """What the addresses of one round share."""

    right = "calibrate"

    def round(self, pk: int) -> Round:
        """One that the caller may read of; Http404 else."""
        rows = Round.objects.visible_to(self.membership.user).filter(batch__project=self.project, pk=pk)
        found = rows.select_related("batch__project", "guideline_version").first()
        if found is None:
            raise Http404
        return found


class WordSerializer(serializers.Serializer[Any]):
    """A word about an item (its number) of the round."""

    item = serializers.IntegerField(min_value=1)
    text = serializers.CharField(max_length=calibrating.COMMENT)


class OneRound(RoundView):
    """One round and its discussion."""

    @extend_schema(
        parameters=[OpenApiParameter("question", str)],
        responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)},
    )
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """How far it is, and once the discussion is open what is contested among the items that one has answered."""
        found = self.round(pk)
        schema = found.guideline_version.schema
        asked = request.query_params.get("question") or schema["questions"][0]["name"]
        schemas.question(schema, asked)
        rows = calibrating.discussion(found, self.membership, asked) if found.opened_at else []
        contested = [{**row, "item": row["item"].pk} for row in rows]
        return Response({**told(found, self.membership), "question": asked, "contested": contested})

    @extend_schema(
        operation_id="projects_rounds_say",
        request=WordSerializer,
        responses={201: OpenApiTypes.OBJECT, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Say something about an item."""
        found = self.round(pk)
        sent = WordSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = calibrating.say(round=found, membership=self.membership, **sent.validated_data)
        return Response({"id": row.pk, "item": row.item_id, "text": row.text}, status=status.HTTP_201_CREATED)


class OpenRound(RoundView):
    """The discussion of a round."""

    right = "manager"

    @extend_schema(request=None, responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Close the round and open its discussion to those who took part."""
        row = calibrating.open_discussion(round=self.round(pk), by=self.membership.user)
        return Response(told(row, self.membership))
