"""The figures of a project's quality."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import quality, surveying
from annotation.api.base import JobSerializer, MemberView, errors

Asked = inline_serializer("QualityAsked", {"full": serializers.BooleanField(required=False, default=False)})


class Quality(MemberView):
    """Agreement and its trend, confused labels, people, backlog, forecast, cost: as of a moment."""

    right = "adjudicate"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 202: JobSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """The figures as the worker last made them (`as_of`); 202 with the job while the first ones are being made."""
        found = quality.told(self.project)
        if found is None:
            return Response(JobSerializer(surveying.refresh(self.project)).data, status=status.HTTP_202_ACCEPTED)
        return Response(found)

    @extend_schema(request=Asked, responses={202: JobSerializer, **errors(403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Ask for new figures; with `full` everything is counted anew, else what changed."""
        full = bool(request.data.get("full")) if isinstance(request.data, dict) else False
        return Response(JobSerializer(surveying.refresh(self.project, full=full)).data, status=status.HTTP_202_ACCEPTED)
