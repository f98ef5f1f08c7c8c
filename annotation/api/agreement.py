"""Agreement as the worker last measured it, its cuts, and what the answers make likely of each item."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import believing, cuts, measuring, quality
from annotation import schema as schemas
from annotation.access import refuse_blind
from annotation.api.base import JobSerializer, MemberList, MemberView, errors
from annotation.models import Belief, Case, Item

# Agreement and adjudication


class AgreementView(MemberView):
    """Agreement of one question."""

    right = "adjudicate"

    @extend_schema(
        parameters=[OpenApiParameter("question", str, required=True), OpenApiParameter("guideline_version", int)],
        responses={200: OpenApiTypes.OBJECT, 202: JobSerializer, **errors(400, 403, 404, 409)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """The newest figures of a guideline version (default: the newest with answers).

        202 with the job while the first ones are being made; the failed job where they could not be made.
        """
        question = request.query_params.get("question", "")
        version = measuring.chosen(self.project, _number(request.query_params.get("guideline_version")))
        schemas.question(version.schema, question)
        now = measuring.standing(version=version, question=question)
        if now.done is None:
            code = status.HTTP_202_ACCEPTED if now.at_work else status.HTTP_200_OK
            return Response(JobSerializer(now.at_work or now.failed).data, status=code)
        told = {"as_of": now.done.as_of, "refreshing": now.at_work is not None}
        return Response({**told, "figures": measuring.shown_to(request.user, now.done.figures)})


class SelfAgreement(MemberView):
    """How often people say the same of items that came back to them."""

    right = "member"

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Everybody's for those who adjudicate; one's own for who labels: by person and question, with intervals."""
        mine = None if self.membership.can_adjudicate else self.membership.user_id
        rows = quality.self_agreement(self.project, mine)
        names = ("n", "questions")
        return Response([{"user": row["user"].username, **{name: row[name] for name in names}} for row in rows])


class CutSerializer(serializers.Serializer[Any]):
    """One item of a part of a cut."""

    item = serializers.IntegerField(source="pk", read_only=True)
    external_id = serializers.CharField(source="document.external_id", read_only=True)
    disagreement = serializers.FloatField(source="apart", read_only=True)


class CutItems(MemberList):
    """The items of one part of a cut, the most contested first."""

    serializer_class = CutSerializer
    queryset = Item.objects.none()

    @extend_schema(
        parameters=[
            OpenApiParameter("question", str, required=True),
            OpenApiParameter("by", str, required=True, enum=list(cuts.BY)),
            OpenApiParameter("value", str, required=True),
            OpenApiParameter("guideline_version", int),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Items with two or more answers; without those that the caller may still be asked to label."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Item]:
        """Of this project."""
        asked = self.request.query_params
        version = measuring.chosen(self.project, _number(asked.get("guideline_version")))
        entry = schemas.question(version.schema, asked.get("question", ""))
        since = measuring.Reigns(self.project).asked_since(entry["name"], version)
        by, value = asked.get("by", ""), asked.get("value", "")
        rows = cuts.items_of(version=version, question=entry, by=by, value=value, since=since)
        return rows.exclude(pk__in=Item.objects.blind_for(self.request.user).values("pk")).select_related("document")


def _number(given: str | None) -> int | None:
    number = serializers.IntegerField(required=False, allow_null=True, default=None, max_value=2**31 - 1)
    found: int | None = number.run_validation(given)
    return found


class BeliefSerializer(serializers.ModelSerializer[Belief]):
    """What the answers make likely of an item; without the proposal while a case of it is open."""

    value = serializers.SerializerMethodField()
    posterior = serializers.SerializerMethodField()
    case = serializers.IntegerField(read_only=True, allow_null=True)

    class Meta:
        model = Belief
        fields = ("item", "question", "error", "value", "posterior", "case")
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_value(self, row: Any) -> Any:
        """The likeliest answer."""
        return None if row.case else row.value

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_posterior(self, row: Any) -> Any:
        """The probability of each label."""
        return None if row.case else row.chances


class Beliefs(MemberList):
    """What the answers make likely, the least certain items first."""

    serializer_class = BeliefSerializer
    queryset = Belief.objects.none()

    @extend_schema(parameters=[OpenApiParameter("question", str)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Of items that the caller may not still be asked to label; `value` is hidden while a case is open."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Belief]:
        """Of this project."""
        cases = Case.objects.open().filter(item=OuterRef("item"), question=OuterRef("question"))
        rows = Belief.objects.visible_to(self.request.user).filter(project=self.project)
        if question := self.request.query_params.get("question", ""):
            rows = rows.filter(question=question)
        return rows.annotate(case=Subquery(cases.values("pk")[:1])).order_by("-error", "item")


class Proposal(MemberView):
    """The proposal of an open case, on demand."""

    right = "adjudicate"

    @extend_schema(request=None, responses={200: BeliefSerializer, **errors(403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """What the answers make likely; the case keeps that it was told before the decision."""
        case = get_object_or_404(Case.objects.open(), pk=pk, project=self.project)
        refuse_blind(self.membership, case.item_id)
        belief = believing.reveal(case=case)
        if belief is None:
            raise Http404
        return Response(
            {
                "item": belief.item_id,
                "question": belief.question,
                "error": belief.error,
                "value": belief.value,
                "posterior": belief.chances,
                "case": case.pk,
            }
        )
