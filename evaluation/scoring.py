"""A submission's predictions against the gold of its board: every metric with its interval, and its kind's detail."""

from typing import Any

from django.db import transaction
from django.utils.translation import override

from annotation import spreads
from annotation.jobs import Grip
from annotation.kinds import KINDS as ANSWERS
from evaluation.metrics import KINDS
from evaluation.metrics.values import MetricValue
from evaluation.models import Benchmark, Prediction, Score, Submission

DRAWS = 2000
# One seed for every submission of every board: systems are compared on the same resamples.
SEED = 20260514


def score(submission: Submission, grip: Grip) -> dict[str, Any]:
    """Compute and store the scores of a submission; they replace those of an earlier attempt, in one transaction."""
    benchmark = Benchmark.objects.select_related("version__guideline_version").get(pk=submission.benchmark_id)
    question = benchmark.asked
    gold, predicted, groups = _answers(benchmark, submission)
    grip.tick(1, 2)
    kind = KINDS[question["kind"]]
    # The notes are stored in English; the pages translate them for whoever reads.
    with override("en"):
        found = kind.measure(gold, predicted, question=question, groups=groups, draws=DRAWS, seed=SEED)
    detail = kind.detail(gold, predicted, question)
    soft = _closeness(benchmark, submission)
    grip.tick(2, 2)
    with transaction.atomic():
        grip.hold()
        Score.objects.filter(submission=submission).delete()
        Score.objects.bulk_create(_row(submission, value) for value in found)
        told = {**submission.report, "soft": soft} if soft else submission.report
        Submission.objects.filter(pk=submission.pk).update(confusion=detail, report=told)
    return {}


def _answers(benchmark: Benchmark, submission: Submission) -> tuple[list[Any], list[Any], list[int] | None]:
    """Gold, predictions (None: no answer) and, where some examples depend on each other, the group of each."""
    given = dict(Prediction.objects.filter(submission=submission).values_list("example_id", "value"))
    rows = list(benchmark.scored.order_by("pk").values_list("pk", "gold", "component"))
    gold = [row[1][benchmark.question] for row in rows]
    predicted = [given.get(row[0]) for row in rows]
    names = {component: place for place, component in enumerate(dict.fromkeys(row[2] for row in rows))}
    groups = [names[row[2]] for row in rows] if len(names) < len(rows) else None
    return gold, predicted, groups


def _closeness(benchmark: Benchmark, submission: Submission) -> dict[str, Any]:
    """{"n", "closeness"}: how near the predictions for ambiguous texts are to what people said; {} where there are none."""
    name, question = benchmark.question, benchmark.asked
    soft = dict(benchmark.examples.filter(soft__has_key=name).values_list("pk", "soft"))
    if not soft:
        return {}
    rows = Prediction.objects.filter(submission=submission, example__in=soft)
    given = dict(rows.values_list("example_id", "value"))
    kind = ANSWERS[question["kind"]]
    near = [
        spreads.closeness(given.get(pk), spread[name], lambda one, other: kind.distance(one, other, question))
        for pk, spread in soft.items()
        if spread
    ]
    return {"n": len(near), "closeness": sum(near) / len(near)}


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
