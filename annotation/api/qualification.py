"""The qualification by program: one's own attempts, and what managers set up and see."""

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import annotating, qualifying
from annotation.api.base import MemberView, errors
from annotation.api.items import asked_item
from annotation.models import Item, Membership
from config.scopes import LABELLING


class QualificationView(MemberView):
    """One's own qualification."""

    scopes = LABELLING
    right = "label"

    def _told(self) -> dict[str, Any]:
        now = qualifying.standing(self.membership)
        attempt = qualifying.current(self.membership)
        item = qualifying.following(attempt) if attempt else None
        return {
            "required": now.required,
            "qualified": now.qualified,
            "attempts_left": now.left,
            "done": now.done,
            "of": len(attempt.items) if attempt else 0,
            "version": attempt.guideline_version_id if attempt else None,
            "item": {"id": item.pk, **asked_item(item, self.membership.user_id)} if item else None,
        }

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Where one stands, and the item of the attempt under way."""
        return Response(self._told())

    @extend_schema(request=None, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Begin an attempt, or go on with the one under way."""
        qualifying.begin(membership=self.membership)
        return Response(self._told())


class TrainingAnswerSerializer(serializers.Serializer[Any]):
    """An answer to the training item that is next; `client_id` makes a repeat harmless."""

    item = serializers.IntegerField(min_value=1)
    answer = serializers.JSONField()
    client_id = serializers.UUIDField(required=False)
    seconds = serializers.FloatField(required=False, allow_null=True, default=None)


class QualificationAnswer(MemberView):
    """Answers of the attempt under way."""

    scopes = LABELLING
    right = "label"

    @extend_schema(request=TrainingAnswerSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Answer; says what is right, the explanation and the rule, and after the last item whether one has passed."""
        sent = TrainingAnswerSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        if not isinstance(given["answer"], dict):
            raise serializers.ValidationError({"answer": "an object of question names and values"})
        made = annotating.Sent(
            client_id=given.get("client_id") or uuid.uuid4(),
            assignment=given["item"],
            token=None,
            version=0,
            status="submitted",
            answer=given["answer"],
            seconds=given["seconds"],
        )
        _row, told = qualifying.answer(membership=self.membership, sent=made)
        return Response(told)


class ExplanationSerializer(serializers.Serializer[Any]):
    """What a training item teaches; the item by the id that it came in with."""

    id = serializers.CharField(max_length=200)
    explanation = serializers.CharField(allow_blank=True, default="", max_length=qualifying.LONGEST)
    rule = serializers.CharField(allow_blank=True, default="", max_length=qualifying.LONGEST)


class QualificationResults(MemberView):
    """Results and training items."""

    right = "manager"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Everybody's attempts, and how many were right on each training item."""
        items = list(qualifying.training_items(self.project))
        told = qualifying.by_item(self.project, [item.pk for item in items])
        people = [
            {
                "member": row["membership"].pk,
                "username": row["membership"].user.username,
                "qualified": row["qualified"],
                "attempts": [
                    {
                        "started_at": each["attempt"].started_at,
                        "passed": each["attempt"].passed,
                        "right": each["right"],
                        "of": each["of"],
                        "waived": each["attempt"].waived_by_id is not None,
                        "guideline_version": each["attempt"].guideline_version.number,
                    }
                    for each in row["attempts"]
                ],
            }
            for row in qualifying.results(self.project)
        ]
        return Response(
            {
                "people": people,
                "items": [
                    {
                        "id": item.document.external_id,
                        "explanation": getattr(getattr(item, "explanation", None), "text", ""),
                        "rule": getattr(getattr(item, "explanation", None), "rule", ""),
                        **told.get(item.pk, {"n": 0, "right": 0, "score": None}),
                    }
                    for item in items
                ],
            }
        )

    @extend_schema(request=ExplanationSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Say what a training item teaches."""
        sent = ExplanationSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        rows = Item.objects.filter(project=self.project, document__external_id=sent.validated_data["id"])
        item = get_object_or_404(rows, role=Item.Role.TRAINING)
        row = qualifying.explain(item=item, text=sent.validated_data["explanation"], rule=sent.validated_data["rule"])
        return Response({"id": sent.validated_data["id"], "explanation": row.text, "rule": row.rule})


class WaiveSerializer(serializers.Serializer[Any]):
    """waive: let the member label without; grant: another attempt."""

    what = serializers.ChoiceField(choices=["waive", "grant"])
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=qualifying.LONGEST)


class QualifyMember(MemberView):
    """A member's qualification."""

    right = "manager"

    @extend_schema(request=WaiveSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Let a member label without the qualification, or give them another attempt."""
        rows = Membership.objects.select_related("project__version", "user")
        row = get_object_or_404(rows, pk=pk, project=self.project)
        sent = WaiveSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        if sent.validated_data["what"] == "waive":
            qualifying.waive(membership=row, by=self.membership.user, note=sent.validated_data["note"])
        else:
            qualifying.grant(membership=row)
        row.refresh_from_db()
        return Response({"member": row.pk, "qualified": row.is_qualified})
