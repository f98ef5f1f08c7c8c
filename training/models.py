"""A Run: one training or benchmark job on a frozen version, with its manifest; its folder is the contract."""

from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils import timezone

from annotation.jobs import Job, JobQuerySet
from evaluation.models import DatasetVersion, Submission, System, readable


class RunQuerySet(JobQuerySet["Run"]):
    """Who may see a run."""

    def visible_to(self, user: Any) -> Self:
        """Runs on versions that the user may see."""
        return self.filter(version__dataset__project__in=readable(user))


class Run(Job):
    """queued -> running -> scoring -> done; `phase` tells the part of running that it is in."""

    TASK = "training.execute"

    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="runs")
    question = models.CharField(max_length=60)
    system = models.ForeignKey(System, on_delete=models.PROTECT, related_name="runs")
    recipe = models.CharField(max_length=40)
    options = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=13)
    # Everything that made the result, written before the start.
    manifest = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    phase = models.CharField(max_length=12, blank=True)
    submission = models.ForeignKey(Submission, on_delete=models.SET_NULL, null=True, related_name="runs")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.system} · #{self.pk}"

    @property
    def folder(self) -> Path:
        """The job folder: job.json and data in, progress, log, predictions and checkpoint out."""
        return Path(settings.RUNS_ROOT) / f"{self.pk:08d}"
