"""Control items, how right people are on them, and work that is set aside."""

from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import competence, controlling, delegating, setting_aside
from annotation.agreement.accuracy import Accuracy
from annotation.api.base import MemberList, MemberView, errors
from annotation.api.errands import ErrandSerializer, accepted
from annotation.models import Errand, GuidelineVersion, Item, SetAside, User


class RoleSerializer(serializers.Serializer[Any]):
    """Items by the ids that they came in with, and what they are for: work, control or training."""

    ids = serializers.ListField(child=serializers.CharField(max_length=200), min_length=1, max_length=5000)
    role = serializers.ChoiceField(choices=Item.Role.choices)


class ItemsRole(MemberView):
    """What items are for."""

    right = "manager"

    @extend_schema(request=RoleSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Make items control or training items, or items of work again; how many, and how many not by reason."""
        sent = RoleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        items = Item.objects.filter(project=self.project, document__external_id__in=sent.validated_data["ids"])
        role = sent.validated_data["role"]
        return Response(controlling.mark(project=self.project, items=items, role=role, user=self.membership.user))


def accuracy_told(figures: Accuracy) -> dict[str, Any]:
    """An accuracy as JSON; `judged` is false where there are too few answers, and then no interval is given."""
    told = {"n": figures.n, "right": figures.right, "share": figures.share, "score": figures.score}
    interval = {"low": figures.low, "high": figures.high} if figures.judged else {"low": None, "high": None}
    return {**told, **interval, "judged": figures.judged}


class Controls(MemberView):
    """Control items."""

    right = "manager"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """How many there are, and everybody's accuracy by question and guideline version."""
        found = competence.checks(self.project)
        figures = competence.by(found, "person", "question", "version")
        names = User.objects.in_bulk({person for person, _question, _version in figures})
        versions = GuidelineVersion.objects.in_bulk({version for _person, _question, version in figures})
        people = [
            {
                "person": person,
                "username": names[person].username,
                "question": question,
                "guideline_version": versions[version].number,
                **accuracy_told(told),
            }
            for (person, question, version), told in figures.items()
        ]
        told = controlling.of_project(self.project)
        return Response({**told, "share": self.project.control_share, "people": people})

    @extend_schema(
        request=inline_serializer("Draw", {"count": serializers.IntegerField(min_value=1)}),
        responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Make so many settled items, drawn at random, control items."""
        count = serializers.IntegerField(min_value=1, max_value=controlling.MOST).run_validation(
            request.data.get("count") if isinstance(request.data, dict) else None
        )
        return Response(controlling.draw(project=self.project, count=count, user=self.membership.user))


class AsideSerializer(serializers.ModelSerializer[SetAside]):
    """An act of setting a person's work aside."""

    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True, default=None)
    made_by = serializers.CharField(source="made_by.username", read_only=True, default=None)
    reverted_by = serializers.CharField(source="reverted_by.username", read_only=True, default=None)
    person = serializers.CharField(source="person.username", read_only=True)

    class Meta:
        model = SetAside
        fields = (
            "id", "person", "question", "guideline_version", "since", "until", "reason", "effect", "made_by", "made_at",
            "reverted_by", "reverted_at",
        )  # fmt: skip
        read_only_fields = fields


class WorkAsideSerializer(serializers.Serializer[Any]):
    """Whose work, of which time; `dry_run` says what would change and changes nothing."""

    person = serializers.CharField(max_length=150, help_text="user name")
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="left out: now")
    question = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    guideline_version = serializers.IntegerField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(default=False)


class WorkAside(MemberList):
    """Work that is set aside."""

    right = "manager"
    serializer_class = AsideSerializer
    queryset = SetAside.objects.none()

    def get_queryset(self) -> QuerySet[SetAside]:
        """All acts."""
        return self.project.set_aside.select_related("person", "made_by", "reverted_by", "guideline_version")

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """All acts, the last first."""
        return self.list(request, *args, **kwargs)

    @extend_schema(request=WorkAsideSerializer, responses={200: OpenApiTypes.OBJECT, 201: AsideSerializer, 202: ErrandSerializer, **errors(400, 403, 404)})  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        """Set a person's work of a time aside; with `dry_run` what that would change, agreement included.

        Where there is much of it a worker does it (202): ask the errand.
        """
        sent = WorkAsideSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        given_here = User.objects.filter(Q(memberships__project=self.project) | Q(annotations__project=self.project))
        person = get_object_or_404(given_here.distinct(), username=given["person"])
        asked = setting_aside.wanted(
            project=self.project,
            person=person,
            since=given["since"],
            until=given.get("until"),
            question=given["question"],
            version=given["guideline_version"],
        )
        if given["dry_run"]:
            found = delegating.look(asked, user=self.membership.user)
            return accepted(found) if isinstance(found, Errand) else Response(found)
        act = delegating.set_aside(asked, reason=given["reason"], user=self.membership.user)
        if isinstance(act, Errand):
            return accepted(act)
        return Response(AsideSerializer(act).data, status=status.HTTP_201_CREATED)


class OneWorkAside(MemberView):
    """One act."""

    right = "manager"

    @extend_schema(responses={200: AsideSerializer, 202: ErrandSerializer, **errors(400, 403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take it back: the answers count again; what others answered meanwhile stays beside."""
        act = get_object_or_404(SetAside.objects.select_related("project", "person"), pk=pk, project=self.project)
        done = delegating.revert(act=act, user=self.membership.user)
        return accepted(done) if isinstance(done, Errand) else Response(AsideSerializer(done).data)
