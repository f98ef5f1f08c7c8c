"""What a worker does for a manager: its state and its result."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import jobs
from annotation.api.base import JobSerializer, MemberView, errors
from annotation.models import Errand
from config.api import Ended


class ErrandSerializer(JobSerializer):
    """A look or an act that takes too long for one call; `result` is there once it is done."""

    what = serializers.ChoiceField(choices=Errand.What.choices, read_only=True)
    result = serializers.JSONField(read_only=True)


def accepted(row: Errand) -> Response:
    """202: a worker does it; where to ask is the errand's address."""
    return Response(ErrandSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class OneErrand(MemberView):
    """One errand."""

    right = "manager"

    @extend_schema(responses={200: ErrandSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """How it goes: of a look the numbers that the call would have given, of an act the `act` that it made."""
        return Response(ErrandSerializer(get_object_or_404(Errand, project=self.project, pk=pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop it; nothing of it is left."""
        if not jobs.cancel(get_object_or_404(Errand, project=self.project, pk=pk)):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)
