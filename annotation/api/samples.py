"""Samples of the pool."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import delegating, samples, sampling
from annotation.api.base import MemberList, MemberView, errors
from annotation.api.errands import accepted
from annotation.models import Errand, Sample
from config.parsers import ObjectField


class SampleSerializer(serializers.ModelSerializer[Sample]):
    """A sample with its frame, design and strata; `rate` is the share of a stratum that was drawn."""

    size = serializers.IntegerField(read_only=True)
    framed = serializers.IntegerField(read_only=True, help_text="how many items it was drawn from")
    labelled = serializers.IntegerField(read_only=True, default=0, help_text="how many of its items have gold")
    made_by = serializers.CharField(source="made_by.username", read_only=True, default=None)
    strata = serializers.SerializerMethodField()

    def get_strata(self, row: Sample) -> list[dict[str, Any]]:
        """Each with frame, available, wanted, got and rate."""
        return samples.rates(row)

    class Meta:
        model = Sample
        fields = ("id", "name", "frame", "design", "seed", "size", "framed", "labelled", "strata", "made_by", "made_at", "reverted_at")  # fmt: skip
        read_only_fields = fields


class SampleDrawSerializer(serializers.Serializer[Any]):
    """What to draw; `dry_run` says what it would be and draws nothing."""

    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    frame = ObjectField(required=False, default=dict, help_text="source_type, language, since, until, metadata, …")
    design = ObjectField(help_text="method, size, seed, by, counts, per, most")
    dry_run = serializers.BooleanField(default=False)


class Samples(MemberList):
    """The samples of a project; a new one."""

    right = "manager"
    serializer_class = SampleSerializer
    queryset = Sample.objects.none()

    def get_queryset(self) -> QuerySet[Sample]:
        """The newest first."""
        return samples.listed(self.project)

    @extend_schema(
        request=SampleDrawSerializer, responses={200: OpenApiTypes.OBJECT, 201: SampleSerializer, 202: OpenApiTypes.OBJECT, **errors(400, 403, 404)}
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        """Draw, or look; 202 with an errand where the pool is large."""
        sent = SampleDrawSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        asked = sampling.asked_for(sent.validated_data)
        if sent.validated_data["dry_run"]:
            told = delegating.look_at_sample(project=self.project, asked=asked, user=request.user)
            return accepted(told) if isinstance(told, Errand) else Response(told)
        done = delegating.draw_sample(project=self.project, asked=asked, user=request.user)
        if isinstance(done, Errand):
            return accepted(done)
        return Response(SampleSerializer(done).data, status=status.HTTP_201_CREATED)


class OneSample(MemberView):
    """One sample."""

    right = "manager"

    @extend_schema(responses={200: SampleSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Its frame, its strata and how far it is."""
        return Response(SampleSerializer(get_object_or_404(samples.listed(self.project), pk=pk)).data)

    @extend_schema(responses={204: None, **errors(400, 403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Put its items back into the pool, as long as nobody has begun."""
        sampling.take_back(sample=get_object_or_404(Sample, project=self.project, pk=pk), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
