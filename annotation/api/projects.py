"""Me, projects and how far they are."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    extend_schema,
)
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import choosing, inviting, pace, progress, quality
from annotation.api.base import MemberView, errors
from annotation.models import (
    Project,
    User,
)
from config.scopes import OPEN

# People and projects


class MeSerializer(serializers.ModelSerializer[User]):
    """The caller; `keys` are the keys of the labelling page that the caller has changed, {action: key}."""

    keys = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=1), required=False)

    class Meta:
        model = User
        fields = ("id", "username", "name", "email", "language", "keys")
        read_only_fields = ("id", "username", "name", "email", "language")


class Me(APIView):
    """Who the token belongs to."""

    scopes = OPEN
    of_account = True

    @extend_schema(responses={200: MeSerializer})
    def get(self, request: Request) -> Response:
        """The caller's account."""
        return Response(MeSerializer(request.user).data)

    @extend_schema(request=MeSerializer, responses={200: MeSerializer, **errors(400)})
    def patch(self, request: Request) -> Response:
        """Change the keys of one's labelling page: all that are other than they come."""
        sent = MeSerializer(request.user, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        if "keys" in sent.validated_data:
            choosing.choose_keys(user=request.user, chosen=sent.validated_data["keys"])
        return Response(MeSerializer(request.user).data)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project; `overlap` is how many people label each item."""

    guideline_version = serializers.IntegerField(source="version.number", read_only=True, allow_null=True, default=None)
    slug = serializers.SlugField(max_length=60, required=False)

    class Meta:
        model = Project
        fields = (
            "id", "slug", "name", "description", "overlap", "overlap_rules", "overlap_most", "settle", "agreed_percent", "second_percent", "discussion_names", "lease_minutes", "control_share", "qualification", "pass_mark", "pass_least", "attempts", "undecided", "confidence",
            "suggestions", "suggest_undivided", "suggestion_control", "again_share", "again_days", "guideline_version", "created_at",
        )  # fmt: skip
        read_only_fields = ("id", "created_at")


class Projects(generics.ListCreateAPIView[Project]):
    """The caller's projects; a new one."""

    scopes = OPEN
    serializer_class = ProjectSerializer
    queryset = Project.objects.none()

    def get_queryset(self) -> QuerySet[Project]:
        """Those that the caller is a member of."""
        return Project.objects.visible_to(self.request.user).select_related("version")

    def perform_create(self, serializer: serializers.BaseSerializer[Project]) -> None:
        """The maker becomes manager."""
        if not User.objects.can_create_projects(self.request.user):
            self.permission_denied(self.request)
        serializer.instance = inviting.create_project(user=self.request.user, **serializer.validated_data)


class OneProject(MemberView):
    """One project."""

    scopes = OPEN
    rights = {"PATCH": "manager"}

    @extend_schema(responses={200: ProjectSerializer, **errors(404)})
    def get(self, request: Request, slug: str) -> Response:
        """The project."""
        return Response(ProjectSerializer(self.project).data)

    @extend_schema(request=ProjectSerializer, responses={200: ProjectSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str) -> Response:
        """Change settings; the address stays."""
        sent = ProjectSerializer(self.project, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        changes = {name: value for name, value in sent.validated_data.items() if name in inviting.SETTINGS}
        return Response(ProjectSerializer(inviting.configure(project=self.project, by=request.user, **changes)).data)


class ProgressView(MemberView):
    """How far a project is."""

    right = "adjudicate"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Counts of items, answers, gold and cases; `pace` in answers a day of work, and `days_left`, days of work at it."""
        overview, found = progress.overview(self.project), pace.pace(self.project)
        days = pace.ends(found, overview["left"])["days"]
        return Response({**overview, "pace": found.per_day, "days_left": days})


class PersonSerializer(serializers.Serializer[Any]):
    """What one person gave; `imported` where the answers came in a file."""

    annotator = serializers.CharField(source="user.__str__", read_only=True)
    imported = serializers.BooleanField(read_only=True)
    submitted = serializers.IntegerField(read_only=True)
    skipped = serializers.IntegerField(read_only=True)
    undecided = serializers.IntegerField(read_only=True)
    flagged = serializers.IntegerField(read_only=True)
    controls = serializers.IntegerField(read_only=True)
    seconds_each = serializers.FloatField(read_only=True, allow_null=True)
    last = serializers.DateTimeField(read_only=True)
    as_of = serializers.DateTimeField(read_only=True, allow_null=True)


class People(MemberView):
    """How far each person is."""

    right = "adjudicate"

    @extend_schema(responses={200: PersonSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Everybody who has answered, the most answers first, as the worker last counted (`as_of`; null: counted now)."""
        return Response(PersonSerializer(quality.people(self.project), many=True).data)
