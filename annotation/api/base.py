"""What the endpoints of annotation share: the gate of a project, lists, jobs, errors."""

from typing import Any

from drf_spectacular.utils import (
    OpenApiResponse,
)
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from annotation.access import membership_of
from annotation.models import (
    Membership,
    Project,
)
from config.api import Problem


def errors(*codes: int) -> dict[int, Any]:
    """The error answers of an endpoint, for the schema."""
    return {code: OpenApiResponse(Problem) for code in codes}


class MemberView(APIView):
    """An endpoint of one project; `right` is what its caller needs."""

    right = "member"
    rights: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """404 for strangers, 403 for members without the right, before anything else happens."""
        super().initial(request, *args, **kwargs)
        right = self.rights.get(request.method or "", self.right)
        self.membership: Membership = membership_of(request.user, kwargs["slug"], right)
        self.project: Project = self.membership.project


class MemberList(MemberView, generics.ListAPIView[Any]):
    """A paged list of a project's rows."""

    right = "adjudicate"


class JobSerializer(serializers.Serializer[Any]):
    """The life of a long job."""

    id = serializers.IntegerField(source="pk", read_only=True)
    state = serializers.CharField(read_only=True)
    percent = serializers.IntegerField(read_only=True)
    note = serializers.CharField(read_only=True)
    attempt = serializers.IntegerField(read_only=True)
    reason = serializers.CharField(read_only=True)
    message = serializers.CharField(read_only=True)
    queued_at = serializers.DateTimeField(read_only=True)
    started_at = serializers.DateTimeField(read_only=True, allow_null=True)
    ended_at = serializers.DateTimeField(read_only=True, allow_null=True)
