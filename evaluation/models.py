"""Datasets, frozen versions and examples, benchmarks, systems, submissions, predictions, scores, refreshes."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from annotation.jobs import Job, JobQuerySet
from annotation.kinds import KINDS
from annotation.models import GuidelineVersion, Item, Membership, Project

READERS = (Membership.Role.MANAGER, Membership.Role.ADJUDICATOR, Membership.Role.RESEARCHER)
SPLITS = ("train", "dev", "test")


def readable(user: Any) -> Any:
    """Projects whose frozen versions and boards the user may read."""
    return Project.objects.with_role(user, *READERS)


class DatasetQuerySet(models.QuerySet["Dataset"]):
    """Who may see a dataset."""

    def visible_to(self, user: Any) -> Self:
        """Datasets of projects where the user manages, adjudicates or researches."""
        return self.filter(project__in=readable(user))


class Dataset(models.Model):
    """A named evaluation set; its versions are frozen states of it."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="datasets")
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(max_length=60)
    # What people say of it; part of its exports, not of its hash.
    description = models.TextField(_("description"), blank=True)
    licence = models.CharField(_("licence"), max_length=200, blank=True)
    creators = models.TextField(_("made by"), blank=True)
    contact = models.CharField(_("contact"), max_length=200, blank=True)
    citation = models.TextField(_("citation"), blank=True)
    # Answers to the questions of datasheet.ASKED: name -> words.
    datasheet = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="one_dataset_per_slug")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def about(self) -> dict[str, Any]:
        """What people say of it, as files of an export tell it."""
        names = ("description", "licence", "creators", "contact", "citation")
        return {name: getattr(self, name) for name in names} | {"datasheet": self.datasheet}

    @property
    def latest(self) -> "DatasetVersion | None":
        """The newest frozen version, by number."""
        versions = DatasetVersion.objects.frozen().filter(dataset=self)
        return versions.order_by("-major", "-minor", "-patch").first()


class VersionQuerySet(JobQuerySet["DatasetVersion"]):
    """Who may see a version."""

    def visible_to(self, user: Any) -> Self:
        """Versions of datasets that the user may see."""
        return self.filter(dataset__project__in=readable(user))

    def frozen(self) -> Self:
        """Complete versions only."""
        return self.filter(frozen_at__isnull=False)


class DatasetVersion(Job):
    """One frozen, hashed state of a dataset. Until `frozen_at` is set it is a job; from then on nothing changes it."""

    TASK = "evaluation.freeze"

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    # Numbers are given when the freeze succeeds, so that a failed attempt uses none up.
    major = models.PositiveIntegerField(null=True)
    minor = models.PositiveIntegerField(null=True)
    patch = models.PositiveIntegerField(null=True)
    previous = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="next_versions")
    guideline_version = models.ForeignKey(GuidelineVersion, on_delete=models.PROTECT, related_name="+")
    options = models.JSONField(default=dict)
    content_hash = models.CharField(max_length=80, blank=True)
    split_hashes = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    agreement = models.JSONField(default=dict)
    findings = models.JSONField(default=list)
    change_note = models.TextField(_("what changed"), blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # Gold settled before this moment is in the version (or was left out of it): later gold counts as new.
    gold_until = models.DateTimeField(null=True)
    frozen_at = models.DateTimeField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "major", "minor", "patch"],
                condition=Q(major__isnull=False),
                name="one_version_per_number",
            ),
            # A freeze keeps the splits of the one before, so two of a dataset cannot go on at once.
            models.UniqueConstraint(
                fields=["dataset"], condition=Q(state__in=["queued", "running"]), name="one_freeze_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} {self.number}"

    @property
    def number(self) -> str:
        """Semantic version: MAJOR changed or removed, MINOR added, PATCH same content."""
        return "–" if self.major is None else f"{self.major}.{self.minor}.{self.patch}"

    @property
    def project(self) -> Project:
        """The project that the dataset belongs to."""
        return self.dataset.project

    @property
    def questions(self) -> list[dict[str, Any]]:
        """The frozen questions, from the guideline version; one without the question that opens it stands alone."""
        names = self.options.get("questions") or []
        asked = [entry for entry in self.guideline_version.schema["questions"] if entry["name"] in names]
        return [
            {key: value for key, value in entry.items() if key != "when" or value["question"] in names}
            for entry in asked
        ]

    def asked(self, question: str) -> models.QuerySet["Example"]:
        """The examples that have gold for this question: all, but for one that depends on another."""
        rows = Example.objects.filter(version=self)
        entry = next(entry for entry in self.questions if entry["name"] == question)
        return rows.filter(gold__has_key=question) if entry.get("when") else rows


class Example(models.Model):
    """A frozen item with gold; a database trigger refuses every change once its version is frozen."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="examples")
    # The item it came from; the frozen content does not depend on it.
    item = models.ForeignKey(Item, on_delete=models.SET_NULL, null=True, related_name="+", db_constraint=False)
    key = models.CharField(max_length=200)
    split = models.CharField(max_length=5)
    text = models.TextField()
    gold = models.JSONField()
    # question -> [{"value", "n"}] of its people's answers, where the text is ambiguous; None where none of it is.
    soft = models.JSONField(null=True)
    # How many annotators gave the gold's label, of how many: the agreement tier on the board.
    votes = models.JSONField(default=dict)
    methods = models.JSONField(default=dict)
    fields = models.JSONField(default=dict)
    component = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)
    added_in = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="one_example_per_key")]
        indexes = [models.Index(fields=["version", "split"])]

    def __str__(self) -> str:
        return self.key


class Retirement(models.Model):
    """Somebody said that the next versions leave an example out, or that it comes back; never changed, never deleted."""

    class Act(models.TextChoices):
        """What was said."""

        RETIRED = "retired", _("retired")
        BACK = "back", _("back again")

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="retirements")
    key = models.CharField(max_length=200)
    act = models.CharField(max_length=7, choices=Act)
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["dataset", "key"])]

    def __str__(self) -> str:
        return f"{self.key} · {self.act}"


class Tombstone(models.Model):
    """An id that stood in a version and is left out from another one on; it never stands for another text."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="tombstones")
    key = models.CharField(max_length=200)
    # The first version without it, the last with it, and when it came.
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="tombstones")
    last = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    added_in = models.CharField(max_length=20, blank=True)
    split = models.CharField(max_length=5)
    # Empty where nobody retired it: its gold or its item went.
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["version", "key"], name="one_tombstone_per_version")]
        indexes = [models.Index(fields=["dataset", "key"])]

    def __str__(self) -> str:
        return self.key


class CheckQuerySet(JobQuerySet["Check"]):
    """Who may see a check."""

    def visible_to(self, user: Any) -> Self:
        """One's own of uploaded data, and those of projects whose versions the user may read."""
        own = Q(project=None, created_by=user.pk) if user.pk else Q(pk=None)
        return self.filter(own | Q(project__in=readable(user)))


class Check(Job):
    """A look that is too long for a page: what a freeze would give, leaks, the hash again, two versions compared."""

    TASK = "evaluation.check"

    class What(models.TextChoices):
        """What is looked at."""

        PREVIEW = "preview", _("what a freeze would give")
        LEAKS = "leaks", _("leaks in a version")
        UPLOAD = "upload", _("leaks in uploaded data")
        VERIFY = "verify", _("the hash again")
        COMPARE = "compare", _("two versions compared")

    what = models.CharField(max_length=7, choices=What)
    # None for uploaded data, which belongs to whoever uploaded it.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, related_name="checks")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, null=True, related_name="checks")
    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, null=True, related_name="checks")
    # The later version of a comparison.
    other = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, null=True, related_name="+")
    asked = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = CheckQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.what} · {self.pk}"


def check_path(instance: "CheckFile", filename: str) -> str:
    """Uploads are stored under a random name; the name they came with is only shown."""
    return f"checks/{uuid.uuid4().hex}"


class CheckFile(models.Model):
    """A file whose leaks are looked for; it goes when the check is done."""

    check_of = models.ForeignKey(Check, on_delete=models.CASCADE, related_name="files")
    file = models.FileField(upload_to=check_path, max_length=200)
    name = models.CharField(max_length=255)
    # The split of all its rows; empty where a column says it.
    split = models.CharField(max_length=5, blank=True)

    def __str__(self) -> str:
        return self.name


class Pair(models.Model):
    """Two examples that show a finding, or one example in two versions; sides hold key, split, text, gold, fields."""

    check_of = models.ForeignKey(Check, on_delete=models.CASCADE, related_name="pairs")
    kind = models.CharField(max_length=20)
    number = models.PositiveIntegerField()
    left = models.JSONField(null=True)
    right = models.JSONField(null=True)
    shared = models.CharField(max_length=300, blank=True)
    similarity = models.FloatField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["check_of", "kind", "number"], name="one_pair_per_place")]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


def export_path(instance: "Export", filename: str) -> str:
    """A folder for each version; the name holds nothing of the project, and no address leads there."""
    return f"exports/{instance.version_id}/{instance.pk}-{instance.attempt}.zip"


class ExportQuerySet(JobQuerySet["Export"]):
    """Who may see an export."""

    def visible_to(self, user: Any) -> Self:
        """Everybody's for managers; one's own where one may still read the version."""
        managed = Project.objects.with_role(user, Membership.Role.MANAGER)
        mine = Q(by=user.pk or 0, version__dataset__project__in=readable(user))
        return self.filter(Q(version__dataset__project__in=managed) | mine)


class Export(Job):
    """Who took which version out, when, why and how; the file that the worker made of it, as long as it is kept."""

    TASK = "evaluation.export"

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="exports")
    format = models.CharField(max_length=20)
    with_test_gold = models.BooleanField()
    # The other arguments of wanted.want: splits, scheme, question, annotations, comments.
    options = models.JSONField(default=dict)
    why = models.TextField(_("reason"), blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    # Empty where the file went straight to whoever asked, and once it is removed; size and checksum stay.
    file = models.FileField(upload_to=export_path, max_length=200, blank=True)
    size = models.PositiveBigIntegerField(null=True)
    # SHA-256 of the file, in hexadecimal.
    checksum = models.CharField(max_length=64, blank=True)
    # What the format could not carry: code -> how often.
    losses = models.JSONField(default=dict)
    kept_until = models.DateTimeField(null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version} · {self.format}"

    @property
    def with_annotations(self) -> bool:
        """Whether the annotators' answers go along."""
        return bool(self.options.get("annotations"))

    @property
    def filename(self) -> str:
        """What the file is called where it is saved."""
        gold = "" if self.with_test_gold else "-without-test-gold"
        return f"{self.version.dataset.slug}-{self.version.number}-{self.format}{gold}.zip"


class BenchmarkQuerySet(models.QuerySet["Benchmark"]):
    """Who may see a board."""

    def visible_to(self, user: Any) -> Self:
        """Boards of projects where the user manages, adjudicates or researches."""
        return self.filter(version__dataset__project__in=readable(user))


class Benchmark(models.Model):
    """A frozen version's test split, one question, metrics and rules; it opens when the version is frozen."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="benchmarks")
    question = models.CharField(max_length=60)
    split = models.CharField(max_length=5, default="test")
    # Fixed when the board opens, before anyone has looked at the test split.
    primary_metric = models.CharField(max_length=40, default="macro_f1")
    opened_at = models.DateTimeField(default=timezone.now)

    objects = BenchmarkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "question", "split"], name="one_board_per_question"),
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version} · {self.question}"

    @property
    def asked(self) -> dict[str, Any]:
        """The frozen question."""
        return next(entry for entry in self.version.questions if entry["name"] == self.question)

    @property
    def labels(self) -> list[str]:
        """What an answer may be, in order: the declared labels, or the sides of a comparison; [] where it is no list."""
        return KINDS[self.asked["kind"]].classes(self.asked)

    @property
    def examples(self) -> models.QuerySet["Example"]:
        """What is predicted: the examples of the split that the question is asked of."""
        return self.version.asked(self.question).filter(split=self.split)

    @property
    def scored(self) -> models.QuerySet["Example"]:
        """What the metrics are computed on: the examples whose text is not ambiguous; a single right answer is needed."""
        return self.examples.exclude(soft__has_key=self.question)


class System(models.Model):
    """What competes: a recipe run here, or an outside model; `rerun` says how to run it again (empty: it cannot)."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="systems")
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True)
    # {"recipe": ..., "options": ..., "seed": ...} for systems that Assay can run again on a new version.
    rerun = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_system_per_name")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SubmissionQuerySet(JobQuerySet["Submission"]):
    """Who may see a submission."""

    def visible_to(self, user: Any) -> Self:
        """Submissions to boards that the user may see."""
        return self.filter(benchmark__version__dataset__project__in=readable(user))


class Submission(Job):
    """A system's full answer to a benchmark; scored by the worker."""

    TASK = "evaluation.score"

    benchmark = models.ForeignKey(Benchmark, on_delete=models.PROTECT, related_name="submissions")
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="submissions")
    # SHA-256 over the canonical predictions: the same content is never scored twice.
    content_hash = models.CharField(max_length=80)
    report = models.JSONField(default=dict)
    # Where it came from: {"run": id, "manifest": {...}} or {"file": name}; an upward link as plain data.
    origin = models.JSONField(default=dict)
    confusion = models.JSONField(default=list)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["benchmark", "system", "content_hash"], name="same_predictions_are_one_submission"
            ),
        ]
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.system} → {self.benchmark}"


class Prediction(models.Model):
    """A system's answer to one example in stored form; None with a status is an answer that counts as wrong."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="predictions")
    example = models.ForeignKey(Example, on_delete=models.PROTECT, related_name="+")
    value = models.JSONField(null=True)
    status = models.CharField(max_length=12, default="ok")
    scores = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["submission", "example"], name="one_prediction_per_example")]

    def __str__(self) -> str:
        return f"{self.example_id}: {self.value}"


class Score(models.Model):
    """One metric's value with its interval; `label` is set for per-label metrics."""

    submission = models.ForeignKey(Submission, on_delete=models.CASCADE, related_name="scores")
    metric = models.CharField(max_length=40)
    label = models.CharField(max_length=60, blank=True)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    method = models.CharField(max_length=40, blank=True)
    # In words, why the value or its interval is missing.
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["submission", "metric", "label"], name="one_score_per_metric_and_label"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.label} = {self.value}"


class Schedule(models.Model):
    """When a project's dataset is refreshed, and how much new gold it takes."""

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, related_name="schedule")
    cron = models.CharField(_("schedule"), max_length=100, default="0 6 * * 1")
    timezone = models.CharField(_("time zone"), max_length=60, default="UTC")
    enabled = models.BooleanField(_("enabled"), default=False)
    minimum = models.PositiveIntegerField(_("new gold items needed"), default=50, validators=[MinValueValidator(1)])
    rerun = models.BooleanField(_("run the systems again"), default=True)
    # related_name: the accessor would be called "schedule" and hide the property of that name that beat reads.
    periodic = models.OneToOneField(
        PeriodicTask, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.dataset} · {self.cron}"


class RefreshQuerySet(JobQuerySet["Refresh"]):
    """Who may see a refresh."""

    def visible_to(self, user: Any) -> Self:
        """Refreshes of datasets that the user may see."""
        return self.filter(dataset__project__in=readable(user))


class Refresh(Job):
    """One turn of the cycle: what was found, which version came out, which systems were asked to run again."""

    TASK = "evaluation.refresh"

    class Outcome(models.TextChoices):
        """What came of it."""

        NONE = "", "–"
        TOO_LITTLE = "too_little", _("not enough new gold")
        FROZEN = "frozen", _("a new version was frozen")
        UNCHANGED = "unchanged", _("nothing changed")

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="refreshes")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    forced = models.BooleanField(default=False)
    new_gold = models.PositiveIntegerField(default=0)
    needed = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=12, choices=Outcome, default="", blank=True)
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, null=True, related_name="refreshes")
    # What happened, step by step: {"at", "text"}.
    events = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)

    objects = RefreshQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset"], condition=Q(state__in=["queued", "running"]), name="one_refresh_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} · {self.created_at:%F %T}"
