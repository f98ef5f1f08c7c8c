"""Members and invitations."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import (
    assigning,
    batching,
    inviting,
    pooling,
    withdrawing,
)
from annotation.api.base import MemberView, errors
from annotation.api.labelling import SAID
from annotation.models import (
    Membership,
)


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A member and their role; `held` is how many items they have in hand without an answer."""

    held = serializers.IntegerField(read_only=True)
    languages = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=30)
    skills = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=30)
    username = serializers.CharField(source="user.username", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Membership
        fields = (
            "id",
            "username",
            "name",
            "role",
            "labels",
            "daily_limit",
            "languages",
            "skills",
            "held",
            "created_at",
        )
        read_only_fields = ("id", "created_at")


class Members(MemberView):
    """The members of a project."""

    right = "manager"

    @extend_schema(responses={200: MemberSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """All members."""
        return Response(MemberSerializer(inviting.people(self.project), many=True).data)


class OneMember(MemberView):
    """One member."""

    right = "manager"

    def _row(self, pk: int) -> Membership:
        row: Membership = get_object_or_404(inviting.people(self.project), pk=pk)
        return row

    @extend_schema(request=MemberSerializer, responses={200: MemberSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Give another role."""
        row = self._row(pk)
        sent = MemberSerializer(row, data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        wanted = {"role": row.role, "labels": row.labels, "daily_limit": row.daily_limit, **sent.validated_data}
        inviting.change_role(
            membership=row,
            role=wanted["role"],
            labels=wanted["labels"],
            daily_limit=wanted["daily_limit"],
            by=request.user,
        )
        if {"languages", "skills"} & set(sent.validated_data):
            wanted = {"languages": row.languages, "skills": row.skills, **sent.validated_data}
            pooling.restrict(membership=row, languages=wanted["languages"], skills=wanted["skills"], by=request.user)
        return Response(MemberSerializer(self._row(pk)).data)

    @extend_schema(responses={204: None, **errors(400, 403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take the member out; their answers stay."""
        inviting.remove(membership=self._row(pk), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ReleaseMember(MemberView):
    """What a member holds."""

    right = "manager"

    @extend_schema(
        request=None,
        responses={
            200: inline_serializer("Released", {"released": serializers.IntegerField()}),
            **errors(403, 404),
        },
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Take the items back that they have not answered."""
        row = get_object_or_404(self.project.memberships, pk=pk)
        return Response({"released": assigning.release(project=self.project, annotator=row.user_id, by=request.user)})


class HandOn(MemberView):
    """All that a member holds, for somebody else."""

    right = "manager"

    @extend_schema(
        request=inline_serializer("HandOnTo", {"to": serializers.CharField()}),
        responses={
            200: inline_serializer(
                "HandedOnAll", {"moved": serializers.IntegerField(), "left": serializers.IntegerField()}
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Hand on what the member has in hand and is assigned; `left` are items that are not for that person."""
        row = get_object_or_404(self.project.memberships, pk=pk)
        to = serializers.CharField(max_length=150).run_validation(
            (request.data if isinstance(request.data, dict) else {}).get("to", "")
        )
        [target] = batching.labellers(project=self.project, names=[to])
        slots = batching.rest(project=self.project, person=row.user_id)
        moved, left = batching.reassign(project=self.project, slots=slots, to=target, by=request.user)
        return Response({"moved": moved, "left": left})


class AskAgainSerializer(serializers.Serializer[Any]):
    """Which answers of the member, of whom, and whether only to say what that would do."""

    only = serializers.ChoiceField(choices=["", *SAID], default="", allow_blank=True)
    same = serializers.BooleanField(default=False, help_text="ask the same person instead of others")
    preview = serializers.BooleanField(default=False, help_text="change nothing")


class AskAgain(MemberView):
    """What a member has said, asked again."""

    right = "manager"

    @extend_schema(
        request=AskAgainSerializer,
        responses={
            200: inline_serializer(
                "AskedAgain",
                {
                    "answers": serializers.IntegerField(),
                    "gold": serializers.IntegerField(),
                    "cases": serializers.IntegerField(),
                },
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Make answers history and open their places; says how many, and what gold falls and which cases close."""
        row = get_object_or_404(self.project.memberships, pk=pk)
        sent = AskAgainSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        answers = withdrawing.given(project=self.project, person=row.user_id, status=given["only"])
        if given["preview"]:
            return Response(withdrawing.preview(answers=answers))
        counts = withdrawing.ask_again(project=self.project, answers=answers, by=request.user, same=given["same"])
        return Response(counts)


class Reach(MemberView):
    """Who can label what."""

    right = "manager"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Items and people by language and source type; `unreachable` items wait and nobody labels such."""
        return Response(pooling.reach(self.project))


class InvitationSerializer(serializers.Serializer[Any]):
    """Whom to invite, as what."""

    id = serializers.IntegerField(read_only=True)
    email = serializers.EmailField(required=False, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=Membership.Role.choices)
    labels = serializers.BooleanField(default=False)
    invited_by = serializers.CharField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True)


class Invitations(MemberView):
    """Secret links that make members."""

    right = "manager"

    @extend_schema(responses={200: InvitationSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Those that can still be accepted; their links are not told again."""
        return Response(InvitationSerializer(inviting.waiting(self.project), many=True).data)

    @extend_schema(
        request=InvitationSerializer,
        responses={
            201: inline_serializer(
                "InvitationLink",
                {
                    "id": serializers.IntegerField(),
                    "link": serializers.URLField(),
                    "mailed": serializers.BooleanField(),
                },
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """A new link, told this once."""
        sent = InvitationSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        invitation, token = inviting.invite(project=self.project, by=request.user, **sent.validated_data)
        link = request.build_absolute_uri(f"/join/{token}/")
        mailed = inviting.send(invitation, link=link)
        return Response({"id": invitation.pk, "link": link, "mailed": mailed}, status=status.HTTP_201_CREATED)


class OneInvitation(MemberView):
    """One invitation."""

    right = "manager"

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Withdraw it: its link opens nothing any more."""
        inviting.withdraw(get_object_or_404(inviting.waiting(self.project), pk=pk), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
