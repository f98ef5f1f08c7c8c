"""The API of evaluation: versions, boards, submissions, refreshes."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import covering, jobs
from annotation.api.base import JobSerializer, MemberList, MemberView, errors
from annotation.models import Project
from config.api import Ended
from config.parsers import StrictJSON
from config.scopes import BRINGING_IN, DATA, READ
from evaluation import covered, freezing, leaderboard, proof, refreshing, rules, submitting
from evaluation.models import SPLITS, Benchmark, Dataset, DatasetVersion, Example, Refresh, Submission


class VersionSerializer(JobSerializer):
    """A frozen version, or one on its way."""

    dataset = serializers.CharField(source="dataset.name", read_only=True)
    number = serializers.CharField(read_only=True)
    guideline_version = serializers.IntegerField(source="guideline_version.number", read_only=True)
    options = serializers.JSONField(read_only=True)
    counts = serializers.JSONField(read_only=True)
    agreement = serializers.JSONField(read_only=True)
    findings = serializers.JSONField(read_only=True)
    content_hash = serializers.CharField(read_only=True)
    split_hashes = serializers.JSONField(read_only=True)
    change_note = serializers.CharField(read_only=True)
    frozen_at = serializers.DateTimeField(read_only=True, allow_null=True)


class SplitSerializer(serializers.Serializer[Any]):
    """How to split; `shares` in parts of one, `counts` of dev and test in place of them."""

    questions = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True, default=None)
    shares = serializers.DictField(child=serializers.FloatField(), required=False, allow_null=True, default=None)
    counts = serializers.DictField(
        child=serializers.IntegerField(min_value=0), required=False, allow_null=True, default=None
    )
    seed = serializers.IntegerField(default=13, min_value=0, max_value=2**31 - 1)
    splits = serializers.ChoiceField(choices=rules.MODES, default="auto")
    group_by = serializers.ListField(
        child=serializers.CharField(max_length=160),
        default=["near"],
        help_text="document, issuer, near, template, or meta.NAME for a column of the metadata",
    )
    divide_documents = serializers.BooleanField(
        default=False, help_text="passages of one document may stand in different splits"
    )
    split_column = serializers.CharField(
        default="", allow_blank=True, max_length=160, help_text="meta.NAME, for splits: column"
    )
    test_from = serializers.CharField(default="", allow_blank=True, max_length=10, help_text="for splits: time")
    dev_from = serializers.CharField(default="", allow_blank=True, max_length=10)
    gap_days = serializers.IntegerField(default=0, min_value=0, max_value=rules.LONGEST_GAP)
    gap_to = serializers.ChoiceField(choices=rules.SIDES, default="leave")
    undated = serializers.ChoiceField(choices=rules.SIDES, default="leave")
    primary_metric = serializers.CharField(default="macro_f1")
    allow_leaks = serializers.CharField(default="", allow_blank=True, help_text="why leaks are allowed")


class FreezeSerializer(SplitSerializer):
    """How to freeze."""

    dataset = serializers.CharField(max_length=120)
    change_note = serializers.CharField(default="", allow_blank=True)


class Versions(MemberList):
    """The versions of a project's datasets; a new one."""

    scopes = {"GET": (READ, DATA)}
    right = "boards"
    rights = {"POST": "manager"}
    serializer_class = VersionSerializer
    queryset = DatasetVersion.objects.none()

    def get_queryset(self) -> QuerySet[DatasetVersion]:
        """Of this project, those on their way among them."""
        rows = DatasetVersion.objects.filter(dataset__project=self.project)
        return rows.select_related("dataset", "guideline_version")

    @extend_schema(request=FreezeSerializer, responses={202: VersionSerializer, **errors(400, 403, 404)})
    def post(self, request: Request, slug: str) -> Response:
        """Freeze the gold as the next version; the worker does it."""
        sent = FreezeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = dict(sent.validated_data)
        version = freezing.ask(project=self.project, dataset_name=data.pop("dataset"), user=request.user, **data)
        return Response(VersionSerializer(version).data, status=status.HTTP_202_ACCEPTED)


class VersionView(MemberView):
    """An endpoint of one version."""

    right = "boards"

    def version(self, pk: int) -> DatasetVersion:
        """The version, if it belongs to the project."""
        rows = DatasetVersion.objects.select_related("dataset__project", "guideline_version")
        return get_object_or_404(rows, pk=pk, dataset__project=self.project)


class OneVersion(VersionView):
    """One version."""

    scopes = {"GET": (READ, DATA)}
    rights = {"DELETE": "manager"}

    @extend_schema(responses={200: VersionSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State, counts, hash."""
        return Response(VersionSerializer(self.version(pk)).data)

    @extend_schema(responses={204: None, **errors(400, 403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop a freeze that runs; a frozen version cannot be deleted."""
        version = self.version(pk)
        if version.frozen_at:
            raise serializers.ValidationError(_("A frozen version is never deleted."))
        if not jobs.cancel(version):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)


class VerifyVersion(VersionView):
    """The hash again."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Recompute the hashes from the rows and compare."""
        return Response(proof.verify(self.version(pk)))


class AimSerializer(serializers.Serializer[Any]):
    """What is wanted: `targets` cell by cell, or a `total` that is spread by each cell's share of the items."""

    by = serializers.ChoiceField(choices=Project.Period.choices, default=Project.Period.YEAR)
    targets = serializers.ListField(child=serializers.DictField(), required=False, max_length=covering.MOST_CELLS)
    total = serializers.IntegerField(required=False, min_value=1, max_value=covering.LARGEST)


def _period(request: Request) -> str:
    by = request.query_params.get("by", "")
    return by if by in Project.Period.values else ""


BY = OpenApiParameter("by", str, enum=Project.Period.values, description="how long a period is")


class Coverage(MemberView):
    """What a project covers."""

    right = "adjudicate"
    rights = {"PUT": "manager"}

    @extend_schema(parameters=[BY], responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str) -> Response:
        """Each cell of text type, language and period: wanted, in the pool, asked, labelled, in the latest version."""
        return Response(covered.of_project(self.project, by=_period(request)))

    @extend_schema(request=AimSerializer, responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)})
    def put(self, request: Request, slug: str) -> Response:
        """Set the targets, in place of all that stood."""
        sent = AimSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given, who = sent.validated_data, request.user
        if ("total" in given) == ("targets" in given):
            raise serializers.ValidationError({"targets": _("Send targets or a total.")})
        if "total" in given:
            covering.aim_by_share(project=self.project, by=given["by"], total=given["total"], user=who)
        else:
            covering.aim(project=self.project, by=given["by"], targets=given["targets"], user=who)
        return Response(covered.of_project(self.project))


class VersionCoverage(VersionView):
    """What a version covers."""

    @extend_schema(parameters=[BY], responses={200: OpenApiTypes.OBJECT, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Its examples by text type, language and period, in each split."""
        return Response(covered.of_version(self.version(pk), by=_period(request)))


class ExampleSerializer(serializers.ModelSerializer[Example]):
    """A frozen example; `gold` is null where the caller may not see it."""

    gold = serializers.SerializerMethodField()
    soft = serializers.SerializerMethodField()
    digest = serializers.SerializerMethodField()

    class Meta:
        model = Example
        fields = ("key", "split", "text", "gold", "soft", "fields", "digest", "added_in")
        read_only_fields = fields

    def _open(self, example: Example) -> bool:
        return bool(example.split != "test" or self.context["may"])

    def get_gold(self, example: Example) -> dict[str, Any] | None:
        """Test gold only for those who have the right."""
        return example.gold if self._open(example) else None

    def get_soft(self, example: Example) -> dict[str, Any] | None:
        """How the answers to an ambiguous text spread, as its gold is shown; null where it is not ambiguous."""
        return example.soft if self._open(example) else None

    def get_digest(self, example: Example) -> str | None:
        """The digest covers the gold, so a few guesses would tell it: only with the right to the gold."""
        return example.digest if self._open(example) else None

    def to_representation(self, example: Example) -> dict[str, Any]:
        """Metadata may hold the labels that came with the file: only with the right to the gold."""
        shown = super().to_representation(example)
        if not self._open(example):
            shown["fields"] = {name: value for name, value in example.fields.items() if name != "metadata"}
        return shown


class Examples(MemberList):
    """The examples of a version."""

    right = "boards"
    serializer_class = ExampleSerializer
    queryset = Example.objects.none()

    def get_queryset(self) -> QuerySet[Example]:
        """Of one split with ?split=."""
        version = get_object_or_404(DatasetVersion, pk=self.kwargs["pk"], dataset__project=self.membership.project)
        rows = Example.objects.filter(version=version)
        split = self.request.query_params.get("split")
        return rows.filter(split=split) if split in SPLITS else rows

    def get_serializer_context(self) -> dict[str, Any]:
        """Whether the caller may see test gold."""
        may = self.request.user.is_authenticated and rules.may_have_test_gold(
            self.request.user, self.membership.project
        )
        return {**super().get_serializer_context(), "may": may}


# Boards and submissions


class BenchmarkSerializer(serializers.ModelSerializer[Benchmark]):
    """A board."""

    dataset = serializers.CharField(source="version.dataset.name", read_only=True)
    version = serializers.CharField(source="version.number", read_only=True)
    version_id = serializers.IntegerField(read_only=True)

    class Meta:
        model = Benchmark
        fields = ("id", "dataset", "version", "version_id", "question", "split", "primary_metric", "opened_at")
        read_only_fields = fields


class Benchmarks(MemberList):
    """The boards of a project."""

    right = "boards"
    serializer_class = BenchmarkSerializer
    queryset = Benchmark.objects.none()

    def get_queryset(self) -> QuerySet[Benchmark]:
        """With their versions."""
        rows = Benchmark.objects.filter(version__dataset__project=self.membership.project)
        return rows.select_related("version__dataset")


class BoardView(MemberView):
    """An endpoint of one board."""

    right = "boards"

    def benchmark(self, pk: int) -> Benchmark:
        """The board, if it belongs to the project."""
        rows = Benchmark.objects.select_related("version__dataset__project", "version__guideline_version")
        return get_object_or_404(rows, pk=pk, version__dataset__project=self.project)


class Leaderboard(BoardView):
    """The ranked view of a board."""

    @extend_schema(
        parameters=[
            OpenApiParameter("sort", str, description="a metric; the primary one without"),
            OpenApiParameter("dir", str, enum=["asc", "desc"]),
            OpenApiParameter("all", bool, description="every submission, not one per system"),
        ],
        responses={200: OpenApiTypes.OBJECT, **errors(400, 403, 404)},
    )
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Entries with scores and intervals."""
        benchmark = self.benchmark(pk)
        asked = request.query_params
        entries = leaderboard.entries(
            benchmark,
            sort=asked.get("sort") or None,
            descending={"asc": False, "desc": True}.get(asked.get("dir", "")),
            every=asked.get("all", "").lower() in {"1", "true"},
        )
        return Response({"benchmark": leaderboard.benchmark_facts(benchmark), "entries": entries})


class SubmissionSerializer(JobSerializer):
    """A submission with its report and scores."""

    system = serializers.CharField(source="system.name", read_only=True)
    benchmark = serializers.IntegerField(source="benchmark_id", read_only=True)
    report = serializers.JSONField(read_only=True)
    origin = serializers.JSONField(read_only=True)
    confusion = serializers.JSONField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    withdrawn_at = serializers.DateTimeField(read_only=True, allow_null=True)
    scores = serializers.SerializerMethodField()

    def get_scores(self, submission: Submission) -> list[dict[str, Any]]:
        """Every metric with its interval."""
        names = ("metric", "label", "value", "low", "high", "n", "method", "note")
        return [{name: getattr(score, name) for name in names} for score in submission.scores.all()]


class PredictionsSerializer(serializers.Serializer[Any]):
    """Predictions, either as `file` (JSONL or CSV) or as `rows` of {id, label, scores, status}."""

    system = serializers.CharField(max_length=120)
    description = serializers.CharField(default="", allow_blank=True, max_length=4000)
    file = serializers.FileField(required=False)
    rows = serializers.ListField(child=serializers.DictField(), required=False)
    partial = serializers.BooleanField(default=False)  # type: ignore[assignment]


class Submissions(BoardView, MemberList):
    """What was submitted to a board; one more."""

    scopes = BRINGING_IN
    rights = {"POST": "research"}
    serializer_class = SubmissionSerializer
    queryset = Submission.objects.none()
    parser_classes = (StrictJSON, MultiPartParser, FormParser)

    def get_queryset(self) -> QuerySet[Submission]:
        """Of this board, withdrawn ones among them."""
        rows = Submission.objects.filter(benchmark=self.benchmark(self.kwargs["pk"]))
        return rows.select_related("system").prefetch_related("scores")

    @extend_schema(
        request=PredictionsSerializer,
        responses={200: SubmissionSerializer, 202: SubmissionSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Submit predictions; the same content twice is one submission (200 instead of 202)."""
        benchmark = self.benchmark(pk)
        sent = PredictionsSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        data = sent.validated_data
        common = {
            "benchmark": benchmark,
            "system_name": data["system"],
            "description": data["description"],
            "partial": data["partial"],
            "user": request.user,
        }
        if "file" in data:
            submission, created = submitting.submit_file(file=data["file"], filename=data["file"].name, **common)
        else:
            submission, created = submitting.submit(rows=data.get("rows", []), origin={"api": True}, **common)
        code = status.HTTP_202_ACCEPTED if created else status.HTTP_200_OK
        return Response(SubmissionSerializer(submission).data, status=code)


class WithdrawnSerializer(serializers.Serializer[Any]):
    """Whether a submission is off the board."""

    withdrawn = serializers.BooleanField()


class SubmissionView(MemberView):
    """An endpoint of one submission."""

    right = "boards"

    def submission(self, pk: int) -> Submission:
        """The submission, if it belongs to the project."""
        rows = Submission.objects.select_related("system", "benchmark__version__dataset").prefetch_related("scores")
        return get_object_or_404(rows, pk=pk, benchmark__version__dataset__project=self.project)


class OneSubmission(SubmissionView):
    """One submission."""

    scopes = {"GET": (READ, DATA)}
    rights = {"DELETE": "research", "PATCH": "research"}

    @extend_schema(responses={200: SubmissionSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State, report, scores."""
        return Response(SubmissionSerializer(self.submission(pk)).data)

    @extend_schema(request=WithdrawnSerializer, responses={200: SubmissionSerializer, **errors(400, 403, 404)})
    def patch(self, request: Request, slug: str, pk: int) -> Response:
        """Put it back on the board, or take it off."""
        row = self.submission(pk)
        sent = WithdrawnSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        submitting.withdraw(submission=row, user=self.membership.user, withdrawn=sent.validated_data["withdrawn"])
        return Response(SubmissionSerializer(row).data)

    @extend_schema(responses={204: None, **errors(403, 404)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Withdraw it: off the board, never deleted."""
        submitting.withdraw(submission=self.submission(pk), user=self.membership.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Scored(exceptions.APIException):
    """What is to be scored again is scored already, or about to be."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = gettext_lazy("It is scored, or about to be.")
    default_code = "scored"


class ScoreAgain(SubmissionView):
    """The scoring of a submission."""

    right = "research"

    @extend_schema(request=None, responses={202: SubmissionSerializer, **errors(403, 404, 409)})
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """Once more, where it failed or was cancelled."""
        row = self.submission(pk)
        if not submitting.score_again(row):
            raise Scored
        return Response(SubmissionSerializer(row).data, status=status.HTTP_202_ACCEPTED)


# Refreshes


class ScheduleSerializer(serializers.Serializer[Any]):
    """When a dataset is refreshed."""

    cron = serializers.CharField(max_length=100)
    timezone = serializers.CharField(max_length=60, default="UTC")
    enabled = serializers.BooleanField()
    minimum = serializers.IntegerField(min_value=1, max_value=10_000_000)
    rerun = serializers.BooleanField(default=True)


class RefreshSerializer(JobSerializer):
    """One turn of the refresh."""

    dataset = serializers.CharField(source="dataset.name", read_only=True)
    new_gold = serializers.IntegerField(read_only=True)
    needed = serializers.IntegerField(read_only=True)
    outcome = serializers.CharField(read_only=True)
    version = serializers.IntegerField(source="version_id", read_only=True, allow_null=True)
    events = serializers.JSONField(read_only=True)


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """A dataset."""

    class Meta:
        model = Dataset
        fields = ("id", "name", "slug", "created_at")
        read_only_fields = fields


class Datasets(MemberList):
    """The datasets of a project."""

    right = "boards"
    serializer_class = DatasetSerializer
    queryset = Dataset.objects.none()

    def get_queryset(self) -> QuerySet[Dataset]:
        """Of this project."""
        return Dataset.objects.filter(project=self.membership.project)


class ScheduleView(MemberView):
    """The schedule of a dataset."""

    right = "boards"
    rights = {"PUT": "manager"}

    def _dataset(self, pk: int) -> Dataset:
        return get_object_or_404(Dataset, pk=pk, project=self.project)

    @extend_schema(responses={200: ScheduleSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """As it stands."""
        return Response(ScheduleSerializer(refreshing.schedule_of(self._dataset(pk))).data)

    @extend_schema(request=ScheduleSerializer, responses={200: ScheduleSerializer, **errors(400, 403, 404)})
    def put(self, request: Request, slug: str, pk: int) -> Response:
        """Replace it."""
        dataset = self._dataset(pk)
        sent = ScheduleSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        row = refreshing.set_schedule(dataset=dataset, user=request.user, **sent.validated_data)
        return Response(ScheduleSerializer(row).data)


class Refreshes(MemberList):
    """The turns of the refresh of a dataset; one more."""

    right = "boards"
    rights = {"POST": "manager"}
    serializer_class = RefreshSerializer
    queryset = Refresh.objects.none()

    def get_queryset(self) -> QuerySet[Refresh]:
        """Of this dataset."""
        dataset = get_object_or_404(Dataset, pk=self.kwargs["pk"], project=self.project)
        return Refresh.objects.filter(dataset=dataset).select_related("dataset")

    @extend_schema(
        request=None,
        parameters=[OpenApiParameter("forced", bool, description="also where too little new gold has come in")],
        responses={202: RefreshSerializer, **errors(400, 403, 404)},
    )
    def post(self, request: Request, slug: str, pk: int) -> Response:
        """One turn now."""
        dataset = get_object_or_404(Dataset, pk=pk, project=self.project)
        forced = request.query_params.get("forced", "").lower() in {"1", "true"}
        row = refreshing.ask(dataset=dataset, user=request.user, forced=forced)
        return Response(RefreshSerializer(row).data, status=status.HTTP_202_ACCEPTED)


class OneRefresh(MemberView):
    """One turn of a refresh."""

    right = "boards"
    rights = {"DELETE": "manager"}

    def _row(self, pk: int) -> Refresh:
        return get_object_or_404(Refresh.objects.select_related("dataset"), pk=pk, dataset__project=self.project)

    @extend_schema(responses={200: RefreshSerializer, **errors(403, 404)})
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """State, and what happened."""
        return Response(RefreshSerializer(self._row(pk)).data)

    @extend_schema(responses={204: None, **errors(403, 404, 409)})
    def delete(self, request: Request, slug: str, pk: int) -> Response:
        """Stop it."""
        if not jobs.cancel(self._row(pk)):
            raise Ended
        return Response(status=status.HTTP_204_NO_CONTENT)
