"""The API of checks: previews of a freeze, leak reports, the hash again, comparisons, retirement of examples."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotation import jobs
from annotation.api.base import JobSerializer, MemberView, errors
from config.scopes import BRINGING_IN
from evaluation import checking, findings, retiring, rules
from evaluation.api import SplitSerializer, VersionView
from evaluation.models import SPLITS, Check, Dataset, DatasetVersion, Pair
from evaluation.retirements import retired


class CheckSerializer(JobSerializer):
    """A check on its way, or its result."""

    what = serializers.CharField(read_only=True)
    version = serializers.IntegerField(source="version_id", read_only=True, allow_null=True)
    other = serializers.IntegerField(source="other_id", read_only=True, allow_null=True)
    result = serializers.SerializerMethodField()

    def get_result(self, check: Check) -> dict[str, Any]:
        """What was found; its findings in the language of who asks."""
        told = dict(check.result)
        for name in ("findings", "leaks"):
            if name in told:
                told[name] = [{**entry, "text": findings.in_words(entry)} for entry in told[name]]
        return told


class PairSerializer(serializers.ModelSerializer[Pair]):
    """Two examples that show a finding, or one in two versions; test gold only for those who may have it."""

    left = serializers.SerializerMethodField()
    right = serializers.SerializerMethodField()

    class Meta:
        model = Pair
        fields = ("kind", "number", "left", "right", "shared", "similarity")
        read_only_fields = fields

    def get_left(self, pair: Pair) -> dict[str, Any] | None:
        """What is trained on, or the version before."""
        return rules.shown((pair.left,), self.context["may"])[0]

    def get_right(self, pair: Pair) -> dict[str, Any] | None:
        """What is tested, or the version after."""
        return rules.shown((pair.right,), self.context["may"])[0]


PAIRS = [OpenApiParameter("kind", str, description="of a finding (its code), or of a change: added, moved …")]


class PreviewSerializer(SplitSerializer):
    """What would be frozen, and how."""

    dataset = serializers.CharField(max_length=120)


class Preview(MemberView):
    """What a freeze would give."""

    right = "manager"

    @extend_schema(request=PreviewSerializer, responses={202: CheckSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Try it out; the worker does it, and nothing is frozen."""
        sent = PreviewSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        row = checking.ask_preview(project=self.project, dataset_name=data.pop("dataset"), user=request.user, **data)
        return Response(CheckSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class CheckView(MemberView):
    """An endpoint of one check."""

    right = "boards"

    def check(self, pk: int) -> Check:
        """The check, if it belongs to the project; previews are for managers."""
        row = get_object_or_404(Check, pk=pk, project=self.project)
        if row.what == Check.What.PREVIEW and not self.membership.is_manager:
            raise PermissionDenied
        return row


class OneCheck(CheckView):
    """One check."""

    @extend_schema(responses={200: CheckSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State and result."""
        return Response(CheckSerializer(self.check(pk)).data)


class CheckPairs(CheckView, generics.ListAPIView[Any]):
    """The pairs of a check."""

    serializer_class = PairSerializer
    queryset = Pair.objects.none()

    @extend_schema(parameters=PAIRS, responses={200: PairSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Of one finding, or of all."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Pair]:
        """In their order."""
        rows = Pair.objects.filter(check_of=self.check(self.kwargs["pk"])).order_by("pk")
        kind = self.request.query_params.get("kind", "").replace("\x00", "")
        return rows.filter(kind=kind) if kind else rows

    def get_serializer_context(self) -> dict[str, Any]:
        """Whether the caller may see test gold."""
        user = self.request.user
        may = user.is_authenticated and rules.may_have_test_gold(user, self.membership.project)
        return {**super().get_serializer_context(), "may": may}


class VersionLeaks(VersionView):
    """The leak report of a version."""

    @extend_schema(request=None, responses={202: CheckSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Look for leaks; the worker does it."""
        row = checking.ask_leaks(version=self.version(pk), user=request.user)
        return Response(CheckSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class CompareSerializer(serializers.Serializer[Any]):
    """The other version, by its id."""

    other = serializers.IntegerField(min_value=1, max_value=2**62)


class VersionDiff(VersionView):
    """What changed between two versions."""

    @extend_schema(request=CompareSerializer, responses={202: CheckSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Compare; what was found once is found again."""
        version = self.version(pk)
        sent = CompareSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        rows = DatasetVersion.objects.select_related("dataset__project")
        other = get_object_or_404(rows, pk=sent.validated_data["other"], dataset__project=self.project)
        before, after = sorted((version, other), key=lambda each: each.pk)
        row = checking.ask_compare(before=before, after=after, user=request.user)
        return Response(CheckSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class RetireSerializer(serializers.Serializer[Any]):
    """Which examples, and why; `back`: they come back."""

    keys = serializers.ListField(child=serializers.CharField(max_length=200), max_length=retiring.MOST)
    reason = serializers.CharField(max_length=500)
    back = serializers.BooleanField(default=False)


class RetiredSerializer(serializers.Serializer[Any]):
    """What is retired for the next version: id -> why; `said`: how many by this call."""

    said = serializers.IntegerField(required=False)
    retired = serializers.DictField(child=serializers.CharField())


class Retirements(MemberView):
    """Retired examples of a dataset."""

    right = "boards"
    rights = {"POST": "manager"}

    def dataset(self, pk: int) -> Dataset:
        """The dataset, if it belongs to the project."""
        return get_object_or_404(Dataset, pk=pk, project=self.project)

    @extend_schema(responses={200: RetiredSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """What the next version leaves out, and why."""
        return Response({"retired": retired(self.dataset(pk))})

    @extend_schema(request=RetireSerializer, responses={200: RetiredSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Retire examples, or bring them back."""
        dataset = self.dataset(pk)
        sent = RetireSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        act = retiring.bring_back if data.pop("back") else retiring.retire
        said = act(dataset=dataset, user=request.user, **data)
        return Response({"said": said, "retired": retired(dataset)})


# -- Of uploaded data, without a project --------------------------------------------------------------------------


class CheckedFilesSerializer(serializers.Serializer[Any]):
    """Files of a dataset: `file` with all splits or a zip, or `train`, `dev` and `test`."""

    file = serializers.FileField(required=False)
    train = serializers.FileField(required=False)
    dev = serializers.FileField(required=False)
    test = serializers.FileField(required=False)
    split_column = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    group_by = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)


class Uploads(generics.ListAPIView[Any]):
    """One's own checks of uploaded data."""

    scopes = BRINGING_IN

    serializer_class = CheckSerializer
    queryset = Check.objects.none()
    parser_classes = (MultiPartParser, FormParser)

    def get_queryset(self) -> QuerySet[Check]:
        """Nobody else's."""
        return Check.objects.filter(what=Check.What.UPLOAD, created_by=self.request.user)

    @extend_schema(request=CheckedFilesSerializer, responses={202: CheckSerializer, **errors(400, 403)})
    def post(self, request: Request) -> Response:
        """Look for leaks in files; the worker does it."""
        sent = CheckedFilesSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = sent.validated_data
        files = [
            (data[name], data[name].name or "", name if name in SPLITS else "")
            for name in ("file", *SPLITS)
            if name in data
        ]
        row = checking.ask_upload(
            files=files,
            user=request.user,
            split_column=data["split_column"],
            group_by=data["group_by"].split(","),
        )
        return Response(CheckSerializer(row).data, status=status.HTTP_202_ACCEPTED)


def own(request: Request, pk: int) -> Check:
    """One's own check of uploaded data."""
    return get_object_or_404(Check, pk=pk, what=Check.What.UPLOAD, created_by=request.user)


class OneUpload(APIView):
    """One check of uploaded data."""

    scopes = BRINGING_IN

    @extend_schema(responses={200: CheckSerializer, **errors(403, 404)})
    def get(self, request: Request, pk: int) -> Response:
        """State and result."""
        return Response(CheckSerializer(own(request, pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, pk: int) -> Response:
        """Stop one that runs, or delete one that has ended."""
        row = own(request, pk)
        if not jobs.cancel(row):
            checking.forget(row)
        return Response(status=status.HTTP_204_NO_CONTENT)


class UploadPairs(generics.ListAPIView[Any]):
    """The pairs of a check of uploaded data."""

    scopes = BRINGING_IN

    serializer_class = PairSerializer
    queryset = Pair.objects.none()

    @extend_schema(parameters=PAIRS, responses={200: PairSerializer(many=True), **errors(403, 404)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Of one finding, or of all."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Pair]:
        """In their order."""
        rows = Pair.objects.filter(check_of=own(self.request, self.kwargs["pk"])).order_by("pk")
        kind = self.request.query_params.get("kind", "").replace("\x00", "")
        return rows.filter(kind=kind) if kind else rows

    def get_serializer_context(self) -> dict[str, Any]:
        """All that was uploaded is one's own."""
        return {**super().get_serializer_context(), "may": True}
