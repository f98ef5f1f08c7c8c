"""Private data in texts by program: the places (never what stands there), decisions, the policy, and searching."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import hits, scanning, screening
from annotation.api.base import MemberList, MemberView, errors
from annotation.api.duplicates import ScanSerializer
from annotation.models import PrivateHit, Scan
from annotation.text.privacy import KINDS


class HitSerializer(serializers.ModelSerializer[PrivateHit]):
    """A place: [start, end) in code points of a part of the document; the text itself is the document's."""

    document = serializers.CharField(source="document.external_id", read_only=True)
    by = serializers.CharField(source="by.username", read_only=True, default=None)

    class Meta:
        model = PrivateHit
        fields = ("id", "document", "part", "start", "end", "kind", "number", "state", "by", "at")
        read_only_fields = fields


class PrivateDecisionSerializer(serializers.Serializer[Any]):
    """state for these `hits`, all with the `value` of one, all of a `kind` that wait, or `all` that wait."""

    scope = serializers.ChoiceField(choices=["these", "value", "kind", "all"])
    hits = serializers.ListField(child=serializers.IntegerField(), required=False, default=list, max_length=1000)
    kind = serializers.CharField(required=False, allow_blank=True, default="")
    state = serializers.ChoiceField(choices=PrivateHit.State.choices)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=screening.REASON)


class PrivateHits(MemberList):
    """Places with private data."""

    right = "manager"
    serializer_class = HitSerializer
    queryset = PrivateHit.objects.none()

    def get_queryset(self) -> QuerySet[PrivateHit]:
        """Of this project, filtered."""
        rows = hits.filtered(self.project, self.request.query_params)
        return rows.select_related("document", "by").order_by("pk")

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", enum=list(KINDS)),
            OpenApiParameter("state", enum=PrivateHit.State.values),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Where private data stands, by kind and state."""
        return self.list(request, *args, **kwargs)

    @extend_schema(request=PrivateDecisionSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Decide; how many places of each kind changed."""
        sent = PrivateDecisionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        state, reason = data.pop("state"), data.pop("reason")
        counts = screening.decide(
            project=self.project, asked=data, state=state, reason=reason, user=self.membership.user
        )
        return Response({"changed": counts})


class PrivatePolicy(MemberView):
    """What becomes of each kind without a look."""

    right = "manager"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Per kind its policy and how many places wait, are masked and are kept; documents not looked through yet."""
        return Response(hits.summary(self.project))

    @extend_schema(request=OpenApiTypes.OBJECT, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def put(self, request: Request, slug: str) -> Response:
        """{kind: review, mask or allow}; kinds that are not named stay as they are. What waits is decided at once."""
        data = request.data
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            raise serializers.ValidationError('Send an object such as {"email": "mask"}.')
        screening.set_policy(project=self.project, policy=data, user=self.membership.user)
        return Response(hits.summary(self.project))


class PrivateScan(MemberView):
    """Searching."""

    right = "manager"

    @extend_schema(request=None, responses={202: ScanSerializer, **errors(403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Have a worker look through the documents that were not looked through yet."""
        row = scanning.ask(project=self.project, what=Scan.What.PRIVATE, user=self.membership.user)
        return Response(ScanSerializer(row).data, status=status.HTTP_202_ACCEPTED)
