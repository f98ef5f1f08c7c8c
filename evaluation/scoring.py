"""A submission's predictions against the gold of its board: every metric with its interval, and the confusion."""

from typing import Any

from django.db import transaction
from django.utils.translation import override

from annotation.jobs import Grip
from evaluation.metrics import KINDS
from evaluation.metrics.choice import confusion, encode
from evaluation.metrics.values import MetricValue
from evaluation.models import Benchmark, Example, Prediction, Score, Submission

DRAWS = 2000
# One seed for every submission of every board: systems are compared on the same resamples.
SEED = 20260514


def score(submission: Submission, grip: Grip) -> dict[str, Any]:
    """Compute and store the scores of a submission; they replace those of an earlier attempt, in one transaction."""
    benchmark = Benchmark.objects.select_related("version__guideline_version").get(pk=submission.benchmark_id)
    labels = benchmark.labels
    gold, predicted, groups = _codes(benchmark, submission, labels)
    grip.tick(1, 2)
    kind = next(entry["kind"] for entry in benchmark.version.questions if entry["name"] == benchmark.question)
    # The notes are stored in English; the pages translate them for whoever reads.
    with override("en"):
        found = KINDS[kind].report(gold, predicted, labels=labels, groups=groups, draws=DRAWS, seed=SEED)
    table = confusion(gold, predicted, len(labels)).tolist()
    grip.tick(2, 2)
    with transaction.atomic():
        grip.hold()
        Score.objects.filter(submission=submission).delete()
        Score.objects.bulk_create(_row(submission, value) for value in found)
        Submission.objects.filter(pk=submission.pk).update(confusion=table)
    return {}


def _codes(
    benchmark: Benchmark, submission: Submission, labels: list[str]
) -> tuple[list[int], list[int], list[int] | None]:
    """Gold, predictions (-1: no answer) and, where some examples depend on each other, the group of each."""
    given = dict(Prediction.objects.filter(submission=submission).values_list("example_id", "label"))
    examples = Example.objects.filter(version=benchmark.version_id, split=benchmark.split).order_by("pk")
    rows = list(examples.values_list("pk", "gold", "component"))
    gold = encode([row[1][benchmark.question] for row in rows], labels)
    predicted = encode([given.get(row[0]) or None for row in rows], labels)
    names = {component: place for place, component in enumerate(dict.fromkeys(row[2] for row in rows))}
    groups = [names[row[2]] for row in rows] if len(names) < len(rows) else None
    return gold.tolist(), predicted.tolist(), groups


def _row(submission: Submission, value: MetricValue) -> Score:
    return Score(
        submission=submission,
        metric=value.metric,
        label=value.label or "",
        value=value.value,
        low=value.low,
        high=value.high,
        n=value.n,
        method=value.method,
        note=value.note[:300],
    )
