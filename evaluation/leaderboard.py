"""The ranked view of a benchmark, computed from scores at every look; nothing of it is stored."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, cast

from django.utils.translation import gettext as _

from annotation import schema as schemas
from annotation.jobs import State
from evaluation.findings import DISCORDANCE
from evaluation.metrics import KINDS, Kind
from evaluation.metrics.values import Metric
from evaluation.models import Benchmark, Score, Submission
from evaluation.significance import minimum_detectable_difference

Entry = dict[str, Any]
STATES = {State.DONE: "done", State.FAILED: "failed", State.CANCELLED: "failed"}
# Where entries without a rank stand, after all that have one.
BELOW = {"done": 0, "waiting": 1, "failed": 2, "withdrawn": 3}
# Values that differ by less than rounding are the same.
DIGITS = 12


def question(benchmark: Benchmark) -> dict[str, Any]:
    """The frozen question that the board is about."""
    return benchmark.asked


def metrics(benchmark: Benchmark) -> dict[str, Metric]:
    """All metrics of the board's kind, by name, in the order a board shows them."""
    return dict(kind(benchmark).metrics)


def kind(benchmark: Benchmark) -> Kind:
    """How answers to the board's question are scored."""
    return KINDS[question(benchmark)["kind"]]


def sortable(benchmark: Benchmark) -> dict[str, str]:
    """name -> title of the metrics that a board can be sorted by: those over all labels."""
    return {name: metric.title for name, metric in metrics(benchmark).items() if not metric.per_label}


# -- Entries ------------------------------------------------------------------------------------------------------


def entries(
    benchmark: Benchmark, *, sort: str | None = None, descending: bool | None = None, every: bool = False
) -> list[Entry]:
    """The board, JSON-ready: the newest scored submission of each system, or `every` one, sorted by a metric over all labels.

    Each: rank, system, system_id, submission, state (done, waiting, failed, withdrawn), message, primary {metric,
    value, low, high, note}, metrics {name: the same with n and method}, labels {label: {precision, recall, f1,
    support}}, coverage, origin {run, recipe, file}, submissions (of the system), created, by. `sort` None: the primary
    metric; `descending` None: the better values first. The rank is always by the primary metric; equal values share
    one. Entries without the value are last in both directions; waiting, failed and (with `every`) withdrawn ones follow. Two queries, however many entries.
    Raises ValueError for a metric that the board does not have.
    """
    known = sortable(benchmark)
    sort = sort or benchmark.primary_metric
    if sort not in known:
        raise ValueError(
            _("The board cannot be sorted by “%(sort)s”. Metrics: %(known)s.")
            % {"sort": sort, "known": ", ".join(known)}
        )
    rows = Submission.objects.filter(benchmark=benchmark).select_related("system", "created_by").order_by("pk")
    submissions = cast(list[Submission], list(rows))
    scores = _scores(benchmark)
    looks = Counter(submission.system_id for submission in submissions)
    found = [_entry(benchmark, row, scores.get(row.pk, []), looks[row.system_id]) for row in submissions]
    if not every:
        found = _newest(found)
    _rank(found, higher=metrics(benchmark)[benchmark.primary_metric].higher_is_better)
    better_first = metrics(benchmark)[sort].higher_is_better
    return _sorted(found, sort, descending=better_first if descending is None else descending)


def _scores(benchmark: Benchmark) -> dict[int, list[Score]]:
    found: dict[int, list[Score]] = defaultdict(list)
    for score in Score.objects.filter(submission__benchmark=benchmark).order_by("pk"):
        found[score.submission_id].append(score)
    return found


def _entry(benchmark: Benchmark, row: Submission, scores: Sequence[Score], looks: int) -> Entry:
    overall = {score.metric: _figure(score) for score in scores if not score.label}
    # What figures are told of one by one: declared labels, or the criteria of a rubric.
    parts = dict.fromkeys([*benchmark.labels, *(score.label for score in scores if score.label)])
    labels: dict[str, dict[str, Any]] = {label: {} for label in parts} if scores else {}
    for score in scores:
        if score.label in labels:
            labels[score.label][score.metric] = _figure(score) if score.metric != "support" else score.n
    empty = {"value": None, "low": None, "high": None, "n": 0, "method": "", "note": ""}
    origin = row.origin
    return {
        "rank": None,
        "system": row.system.name,
        "system_id": row.system_id,
        "description": row.system.description,
        "submission": row.pk,
        "state": "withdrawn" if row.withdrawn_at else STATES.get(State(row.state), "waiting"),
        "message": row.message,
        "primary": {"metric": benchmark.primary_metric, **overall.get(benchmark.primary_metric, empty)},
        "accuracy": overall.get("accuracy", empty),
        "macro_f1": overall.get("macro_f1", empty),
        "metrics": overall,
        "labels": labels,
        "coverage": row.report.get("coverage"),
        "origin": {name: origin[name] for name in ("run", "recipe", "seed", "file") if name in origin},
        "submissions": looks,
        "created": row.created_at.isoformat(),
        "by": str(row.created_by) if row.created_by else None,
    }


def _figure(score: Score) -> dict[str, Any]:
    return {name: getattr(score, name) for name in ("value", "low", "high", "n", "method", "note")}


def _is_ranked(entry: Entry) -> bool:
    return entry["state"] == "done" and entry["primary"]["value"] is not None


def _primary(entry: Entry, *, higher: bool) -> float:
    """The primary value so that smaller is better; for ranked entries."""
    value = round(float(entry["primary"]["value"]), DIGITS)
    return -value if higher else value


def _newest(found: Iterable[Entry]) -> list[Entry]:
    """Of each system its newest scored submission, what waits, and a failure where it has nothing else.

    Not the best one: to pick the best of many looks at the test split would flatter the system.
    """
    of: dict[int, list[Entry]] = defaultdict(list)
    for entry in found:
        if entry["state"] != "withdrawn":
            of[entry["system_id"]].append(entry)
    kept: list[Entry] = []
    for mine in of.values():
        done = [entry for entry in mine if entry["state"] == "done"]
        waiting = [entry for entry in mine if entry["state"] == "waiting"]
        kept += done[-1:] + waiting or mine[-1:]
    return kept


def _rank(found: Iterable[Entry], *, higher: bool) -> None:
    """1, 2, 2, 4: the number of better entries, plus one."""
    ranked = sorted((entry for entry in found if _is_ranked(entry)), key=lambda entry: _primary(entry, higher=higher))
    for place, entry in enumerate(ranked, 1):
        before = ranked[place - 2] if place > 1 else None
        tied = before is not None and _primary(before, higher=higher) == _primary(entry, higher=higher)
        entry["rank"] = before["rank"] if before is not None and tied else place


def _sorted(found: Iterable[Entry], sort: str, *, descending: bool) -> list[Entry]:
    def order(entry: Entry) -> tuple[Any, ...]:
        value = entry["metrics"].get(sort, {}).get("value")
        signed = 0.0 if value is None else round(-value if descending else value, DIGITS)
        rank = entry["rank"] or 0
        return (BELOW[entry["state"]], value is None, signed, rank, entry["system"], entry["submission"])

    return sorted(found, key=order)


# -- The board itself ---------------------------------------------------------------------------------------------


def benchmark_facts(benchmark: Benchmark) -> dict[str, Any]:
    """What the board measures, JSON-ready; nothing in it tells the gold of an example."""
    version, entry = benchmark.version, question(benchmark)
    part = version.counts.get(benchmark.split, {"n": 0, "labels": {}})
    independent = benchmark.scored.values("component").distinct().count()
    return {
        "benchmark": benchmark.pk,
        "project": version.dataset.project.slug,
        "dataset": version.dataset.name,
        "version": version.number,
        "version_id": version.pk,
        "content_hash": version.content_hash,
        "split": benchmark.split,
        "split_hash": version.split_hashes.get(benchmark.split),
        "question": entry["name"],
        "title": entry["title"],
        "kind": entry["kind"],
        "labels": schemas.label_names(entry),
        "primary_metric": benchmark.primary_metric,
        "metrics": {name: metric.title for name, metric in metrics(benchmark).items()},
        "examples": part["n"],
        # Of ambiguous texts: they are predicted, and scored by no metric.
        "ambiguous": part.get("soft", {}).get(entry["name"], 0),
        "independent_examples": independent,
        "label_counts": part["labels"].get(entry["name"], {}),
        "detectable_difference": minimum_detectable_difference(independent, DISCORDANCE) if independent else None,
        "agreement": version.agreement.get(entry["name"], {}),
        "guideline_version": version.guideline_version.number,
        "opened_at": benchmark.opened_at.isoformat(),
    }


# -- One submission -----------------------------------------------------------------------------------------------


def per_label(submission: Submission, scores: Iterable[Score]) -> list[dict[str, Any]]:
    """For each declared label its name and its Score of precision, recall, f1 and support, by metric name."""
    rows = list(scores)
    parts = dict.fromkeys([*submission.benchmark.labels, *(score.label for score in rows if score.label)])
    found: dict[str, dict[str, Any]] = {label: {"label": label} for label in parts}
    for score in rows:
        if score.label in found:
            found[score.label][score.metric] = score
    return list(found.values())


def confusion_rows(submission: Submission) -> list[dict[str, Any]]:
    """For each gold label its total and cells {label (None: no answer), count, share of the total, right}.

    Where answers are marks, None is no mark, and a row of it tells the marks that gold does not have.
    """
    labels: list[str | None] = list(submission.benchmark.labels)
    if not labels or any(len(row) != len(labels) + 1 for row in submission.confusion):
        return []
    found = []
    for label, counts in zip([*labels, None], submission.confusion, strict=False):
        total = sum(counts)
        cells = [
            {
                "label": name,
                "count": count,
                "share": count / total if total else 0.0,
                "right": name == label is not None,
            }
            for name, count in zip([*labels, None], counts, strict=True)
        ]
        found.append({"label": label, "total": total, "cells": cells})
    return found
