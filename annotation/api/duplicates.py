"""Duplicates by program: searching, the clusters, decisions one by one and by rule."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import clusters, deciding_duplicates, delegating, jobs, scanning
from annotation.api.base import JobSerializer, MemberList, MemberView, errors
from annotation.api.errands import ErrandSerializer, accepted
from annotation.models import Cluster, Errand, Scan, Verdict
from config.api import Ended

MEMBERS = 100


class ScanSerializer(JobSerializer):
    """A search of a project's texts; `figures` once it is done."""

    what = serializers.ChoiceField(choices=Scan.What.choices, read_only=True)
    figures = serializers.JSONField(read_only=True)


class AcrossSerializer(serializers.Serializer[Any]):
    """Other projects to compare with, by address; the caller manages them."""

    across = serializers.ListField(child=serializers.SlugField(), required=False, default=list)


class VerdictSerializer(serializers.ModelSerializer[Verdict]):
    """A decision about duplicates."""

    made_by = serializers.CharField(source="made_by.username", read_only=True, default=None)

    class Meta:
        model = Verdict
        fields = ("id", "what", "kept", "items", "rule", "act", "reason", "made_by", "made_at")
        read_only_fields = fields


class ClusterSerializer(serializers.ModelSerializer[Cluster]):
    """Items that are alike: how, how many, and what was decided."""

    verdict = VerdictSerializer(read_only=True)

    class Meta:
        model = Cluster
        fields = ("id", "kind", "size", "similarity", "verdict")
        read_only_fields = fields


class ClusterDecisionSerializer(serializers.Serializer[Any]):
    """keep, group or apart; kept: the item that stays; before: the decision that the caller saw, null for none."""

    what = serializers.ChoiceField(choices=Verdict.What.choices)
    kept = serializers.IntegerField(required=False, allow_null=True, default=None)
    before = serializers.IntegerField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=deciding_duplicates.REASON)


class ClusterRuleSerializer(serializers.Serializer[Any]):
    """A rule for all clusters that wait; without `apply` it is only told what it would do."""

    rule = serializers.ChoiceField(choices=list(deciding_duplicates.RULES))
    source_type = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)
    kinds = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=deciding_duplicates.REASON)
    apply = serializers.BooleanField(required=False, default=False)


class ActSerializer(serializers.Serializer[Any]):
    """An act by rule."""

    act = serializers.UUIDField()


class Duplicates(MemberList):
    """Clusters of duplicates."""

    right = "manager"
    serializer_class = ClusterSerializer
    queryset = Cluster.objects.none()

    def get_queryset(self) -> QuerySet[Cluster]:
        """Of this project, filtered."""
        return clusters.filtered(self.project, self.request.query_params).order_by("pk")

    @extend_schema(
        parameters=[
            OpenApiParameter("kind", enum=Cluster.Kind.values),
            OpenApiParameter("state", enum=list(clusters.STATES)),
            OpenApiParameter("having", enum=list(clusters.HAVING)),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Those that the last search found."""
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="projects_duplicates_search",
        request=AcrossSerializer,
        responses={202: ScanSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Have a worker search; what was decided stays."""
        sent = AcrossSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = scanning.ask(
            project=self.project,
            what=Scan.What.DUPLICATES,
            across=sent.validated_data["across"],
            user=self.membership.user,
        )
        return Response(ScanSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class OneCluster(MemberView):
    """One cluster."""

    right = "manager"

    @extend_schema(
        parameters=[OpenApiParameter("start", int, description="the place of the first member wanted; 100 are told")],
        responses={200: OpenApiTypes.OBJECT, **errors(403, 404)},
    )
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """The cluster with 100 of its members: item, id, project, kind, similarity, answers, gold, text in pieces."""
        row = get_object_or_404(Cluster.objects.select_related("verdict__made_by"), pk=pk, project=self.project)
        given = request.query_params.get("start", "0")
        start = int(given) if given.isdecimal() and len(given) < 10 else 0
        found = clusters.members([row], self.membership.user, start=start, most=MEMBERS)
        return Response({**ClusterSerializer(row).data, "members": [_told(entry) for entry in found.get(row.pk, [])]})

    @extend_schema(request=ClusterDecisionSerializer, responses={200: VerdictSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Decide about it."""
        row = get_object_or_404(Cluster, pk=pk, project=self.project)
        sent = ClusterDecisionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        verdict = deciding_duplicates.decide(cluster=row, user=self.membership.user, **sent.validated_data)
        return Response(VerdictSerializer(verdict).data)

    @extend_schema(responses={204: None, **errors(400, 403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Take back what was decided about it."""
        row = get_object_or_404(Cluster, pk=pk, project=self.project)
        verdicts = Verdict.objects.filter(pk=row.verdict_id or 0)
        deciding_duplicates.undo(project=self.project, verdicts=verdicts, user=self.membership.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _told(entry: dict[str, Any]) -> dict[str, Any]:
    member, item = entry["member"], entry["item"]
    if not entry["own"]:
        return {"place": member.place, "kind": member.kind, "similarity": member.similarity, "item": None}
    return {
        "place": member.place,
        "kind": member.kind,
        "similarity": member.similarity,
        "fresh": member.fresh,
        "item": item.pk,
        "external_id": item.document.external_id,
        "project": item.project.slug,
        "left_out": item.left_out_id is not None,
        "answers": entry["answers"],
        "gold": {row.question: row.value for row in entry["gold"]},
        "pieces": [list(piece) for piece in entry["pieces"]],
    }


class DuplicatesByRule(MemberView):
    """Many clusters at once."""

    right = "manager"

    @extend_schema(
        request=ClusterRuleSerializer,
        responses={200: OpenApiTypes.OBJECT, 202: ErrandSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str) -> Response:
        """What a rule would do, in numbers; with `apply` and a reason, do it (202: a worker does)."""
        sent = ClusterRuleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        rule = deciding_duplicates.Rule.read({**sent.validated_data, "source": sent.validated_data["source_type"]})
        if not sent.validated_data["apply"]:
            return Response(deciding_duplicates.preview(project=self.project, rule=rule))
        reason = sent.validated_data["reason"]
        outcome = delegating.decide_by_rule(project=self.project, rule=rule, reason=reason, user=self.membership.user)
        return accepted(outcome) if isinstance(outcome, Errand) else Response(outcome)


class UndoDuplicates(MemberView):
    """Back."""

    right = "manager"

    @extend_schema(
        request=ActSerializer, responses={200: OpenApiTypes.OBJECT, 202: ErrandSerializer, **errors(400, 403, 404)}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Take back all that one act by rule decided (202: a worker does)."""
        sent = ActSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        act = str(sent.validated_data["act"])
        outcome = delegating.undo_act(project=self.project, act=act, user=self.membership.user)
        return accepted(outcome) if isinstance(outcome, Errand) else Response(outcome)


class OneScan(MemberView):
    """A search."""

    right = "manager"

    @extend_schema(responses={200: ScanSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """How it goes."""
        return Response(ScanSerializer(get_object_or_404(Scan, project=self.project, pk=pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop it; what an earlier one found stays."""
        if not jobs.cancel(get_object_or_404(Scan, project=self.project, pk=pk)):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)
