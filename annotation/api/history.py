"""The history of a project, and one's own."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import history
from annotation.api.base import MemberView, errors


class EntrySerializer(serializers.Serializer[Any]):
    """Something that happened; what is not told before the item is settled is null, and `hidden` says so."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    person = serializers.CharField(allow_null=True, help_text="who did it; null: the site by itself")
    about = serializers.CharField(allow_null=True, help_text="to whom it was done")
    item = serializers.IntegerField(allow_null=True, help_text="null in one's own history")
    assignment = serializers.IntegerField(allow_null=True, help_text="in one's own history")
    external_id = serializers.CharField(allow_null=True)
    question = serializers.CharField(allow_null=True)
    guideline_version = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    status = serializers.CharField(allow_null=True, help_text="of an answer, or the method of gold")
    answer = serializers.JSONField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    comment = serializers.CharField(allow_null=True)
    flagged = serializers.BooleanField(allow_null=True)
    confidence = serializers.IntegerField(allow_null=True)
    details = serializers.JSONField(allow_null=True)
    hidden = serializers.BooleanField()


Answer = inline_serializer(
    "History",
    {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "left_out": serializers.IntegerField(help_text="entries of this page that you may not read yet"),
        "results": EntrySerializer(many=True),
    },
)
PAGING = [
    OpenApiParameter("after", str, description="the place that `next` names"),
    OpenApiParameter("page_size", int, description="1 to 1000; 100 without"),
]
FILTERS = [
    OpenApiParameter("person", int, description="id of a person"),
    OpenApiParameter("item", int, description="id of an item"),
    OpenApiParameter("question", str),
    OpenApiParameter("kind", str, description="such as answered, skipped, corrected, gold, case_opened, role_changed"),
    OpenApiParameter("version", int, description="number of a guideline version"),
    OpenApiParameter("since", str, description="a day, 2026-05-14"),
    OpenApiParameter("until", str, description="a day, which is within"),
]


class History(MemberView):
    """Who did what, the newest first."""

    right = "adjudicate"

    @extend_schema(parameters=[*FILTERS, *PAGING], responses={200: Answer, **errors(400, 403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """The entries that fit the filters; a page costs the same wherever it stands."""
        given = {name: request.query_params.get(name, "").strip()[:100] for name in history.FILTERS}
        asked = history.read(self.project, given)
        size, after = _paging(request)
        return _told(request, history.page(asked=asked, user=request.user, after=after, size=size))


class MyHistory(MemberView):
    """What one did oneself."""

    @extend_schema(parameters=PAGING, responses={200: Answer, **errors(400, 403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """One's own answers, corrections, skips and questions, the newest first."""
        size, after = _paging(request)
        return _told(request, history.own(membership=self.membership, after=after, size=size))


def _paging(request: Request) -> tuple[int, history.Place | None]:
    raw = request.query_params.get("page_size", "100")
    size = min(1000, max(1, int(raw))) if raw.isascii() and raw.isdecimal() and len(raw) < 6 else 100
    return size, history.place_of(request.query_params.get("after", ""))


def _told(request: Request, found: history.Page) -> Response:
    following = None
    if found.after:
        query = request.query_params.copy()
        query["after"] = found.after
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    rows = [history.row(entry) for entry in found.entries]
    return Response({"next": following, "previous": None, "left_out": found.left_out, "results": rows})
