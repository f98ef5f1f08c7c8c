"""Cases, decisions and gold decided anew."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    extend_schema,
    inline_serializer,
)
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import adjudicating, caseload, causes, referring, settling
from annotation import schema as schemas
from annotation.access import refuse_blind, refuse_second
from annotation.alignment import letter
from annotation.api.answers import GoldSerializer
from annotation.api.base import MemberList, MemberView, errors
from annotation.models import (
    Case,
    Gold,
    Project,
)


class CaseSerializer(serializers.ModelSerializer[Case]):
    """A case of the adjudicator's queue."""

    external_id = serializers.CharField(source="item.document.external_id", read_only=True)

    class Meta:
        model = Case
        fields = ("id", "item", "external_id", "question", "why", "disagreement", "opened_at")
        read_only_fields = fields


class Cases(MemberList):
    """Open cases."""

    serializer_class = CaseSerializer
    queryset = Case.objects.none()

    def get_queryset(self) -> QuerySet[Case]:
        """Of this project, filtered and sorted as the page is."""
        given: dict[str, str] = self.request.query_params.dict()
        labels = self.request.query_params.get("pair", "").split(",")
        pair = "\t".join(sorted(labels)) if len(labels) == 2 else ""
        wanted = caseload.Wanted.read({**given, "pair": pair})
        return caseload.queue(project=self.project, wanted=wanted, user=self.membership.user)


class DecisionSerializer(serializers.Serializer[Any]):
    """The adjudicator's decision."""

    value = serializers.JSONField(required=False, allow_null=True, default=None)
    reason = serializers.ChoiceField(
        choices=list(adjudicating.REASONS), required=False, allow_blank=True, default="",
        help_text="why people differed; left out only where the answers agree",
    )  # fmt: skip
    rule = serializers.CharField(required=False, allow_blank=True, default="", max_length=adjudicating.RULE)
    note = serializers.CharField(required=False, allow_blank=True, default="")
    ambiguous = serializers.BooleanField(required=False, default=False)


def said(case: Case, *, named: bool = False) -> list[dict[str, Any]]:
    """The answers to a case; with `named` who gave them."""
    names = ("value", "status", "skip_reason", "confidence", "comment", "flagged", "independent")
    return [
        {
            "letter": letter(place),
            **{name: entry[name] for name in names},
            **({"annotator": str(entry["annotator"])} if named else {}),
        }
        for place, entry in enumerate(adjudicating.answers(case))
    ]


def side_by_side(case: Case) -> dict[str, Any]:
    """The answers compared: rows with a cell for each letter and how they differ, and the labels that are confused."""
    entry = schemas.question(settling.version_of(case.project).schema, case.question)
    _answers, aligned = caseload.lettered(case, entry)
    rows = [
        {
            "title": row.title,
            "place": row.place,
            "part": bool(row.depth),
            "differs": row.what,
            "cells": [[bit._asdict() for bit in cell.bits] if cell.asked else None for cell in row.cells],
        }
        for row in aligned.rows
    ]
    return {"rows": rows, "pairs": aligned.pairs, "words": aligned.words}


class OneCase(MemberView):
    """One case, with the answers but without names."""

    right = "adjudicate"

    def _row(self, pk: int) -> Case:
        rows = Case.objects.open().select_related("item__document", "project__version", "first", "sent_back")
        row = get_object_or_404(rows, pk=pk, project=self.project)
        refuse_blind(self.membership, row.item_id)
        return row

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The text and what was said about it."""
        row = self._row(pk)
        shown = {"text": row.item.text, "answers": said(row), "side_by_side": side_by_side(row)}
        entry = schemas.question(settling.version_of(self.project).schema, row.question)
        spread = adjudicating.distribution_of(row, entry)
        return Response(
            {
                **CaseSerializer(row).data,
                **shown,
                "distribution": spread,
                "decisions": caseload.decisions(row),
                "sent_back": referring.standing(row),
            }
        )

    @extend_schema(request=DecisionSerializer, responses={201: GoldSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Settle it."""
        row = self._row(pk)
        sent = DecisionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        gold = adjudicating.decide(case=row, user=request.user, **sent.validated_data)
        return Response(GoldSerializer(gold).data, status=status.HTTP_201_CREATED)


class SendBackSerializer(serializers.Serializer[Any]):
    """A question to the people of a case; without letters all of them are asked."""

    question = serializers.CharField(max_length=referring.LONGEST)
    letters = serializers.ListField(child=serializers.CharField(max_length=4), required=False, default=list)
    days = serializers.IntegerField(required=False, default=referring.DAYS)


class SentBackSerializer(serializers.Serializer[Any]):
    """How far a case has come that was sent back."""

    question = serializers.CharField()
    at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    overdue = serializers.BooleanField()
    asked = serializers.IntegerField()
    answered = serializers.IntegerField()
    waiting = serializers.BooleanField()


class SendBack(MemberView):
    """A case that is with its people again."""

    right = "adjudicate"

    def _row(self, pk: int) -> Case:
        row = get_object_or_404(Case.objects.open().select_related("sent_back"), pk=pk, project=self.project)
        refuse_blind(self.membership, row.item_id)
        return row

    @extend_schema(request=SendBackSerializer, responses={201: SentBackSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Ask its people again; it waits until they have answered or are overdue."""
        row = self._row(pk)
        sent = SendBackSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        referring.send_back(case=row, by=self.membership.user, **sent.validated_data)
        return Response(referring.standing(self._row(pk)), status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Ask nobody any more; answers that were not revised stand."""
        referring.take_back(case=self._row(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class Causes(MemberView):
    """Which rule of the guideline causes which disagreement."""

    right = "adjudicate"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Counts of decisions by rule, pair of labels, reason, question and version; how far two adjudicators agree."""
        given: dict[str, str] = request.query_params.dict()
        labels = request.query_params.get("pair", "").split(",")
        asked = causes.Asked.read({**given, "pair": "\t".join(sorted(labels)) if len(labels) == 2 else ""})
        found = causes.report(project=self.project, asked=asked, user=self.membership.user)
        found["pairs"] = [{**row, "pair": [row["one"], row["other"]]} for row in found["pairs"]]
        twice = causes.two_adjudicators(project=self.project)
        return Response({**found, "decided_twice": twice, "agreed": causes.agreed_and_looked_at(project=self.project)})


class OneGold(MemberView):
    """One settled answer; it can be settled anew."""

    right = "adjudicate"

    def _row(self, pk: int) -> Gold:
        rows = Gold.objects.select_related("item__document", "project__version", "settled_by", "guideline_version")
        row = get_object_or_404(rows, pk=pk, project=self.project)
        refuse_blind(self.membership, row.item_id)
        refuse_second(self.membership, row)
        return row

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The text and who said what about it; without names while a case of the item is open."""
        row = self._row(pk)
        named = not Case.objects.open().filter(item=row.item_id).exists()
        given = said(adjudicating.case_of(row), named=named)
        return Response({**GoldSerializer(row).data, "text": row.item.text, "answers": given})

    @extend_schema(request=DecisionSerializer, responses={201: GoldSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Settle it anew; the earlier decision stays as history."""
        row = self._row(pk)
        sent = DecisionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        gold = adjudicating.redecide(gold=row, user=request.user, **sent.validated_data)
        return Response(GoldSerializer(gold).data, status=status.HTTP_201_CREATED)


class RuleSerializer(serializers.Serializer[Any]):
    """What to settle by which rule: without them every question, by the project's own rule."""

    rule = serializers.ChoiceField(choices=Project.Settle.choices, required=False)
    question = serializers.CharField(required=False)


class Settle(MemberView):
    """Items that have all their answers and lack gold."""

    right = "manager"

    @extend_schema(
        request=RuleSerializer,
        responses={
            200: inline_serializer(
                "Settled", {name: serializers.IntegerField() for name in ("gold", "cases", "closed")}
            ),
            **errors(400, 403, 404),
        },
    )
    def post(self, request: Request, slug: str) -> Response:
        """Gold where the rule gives an answer, cases for the rest; how many of each, and how many cases that closed."""
        sent = RuleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        made = settling.settle_all(project=self.project, **sent.validated_data)
        return Response({name: made[name] for name in ("gold", "cases", "closed")})
