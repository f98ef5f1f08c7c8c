"""Celery tasks of evaluation: fetch, call, done."""

from celery import shared_task

from annotation import jobs
from evaluation import checking, exporting, freezing, refreshing, scoring
from evaluation.models import Check, DatasetVersion, Export, Refresh, Submission


@shared_task(name="evaluation.freeze")
def run_freeze(pk: int) -> bool:
    """Freeze one version."""
    return jobs.run(DatasetVersion, pk, freezing.freeze)


@shared_task(name="evaluation.score")
def run_score(pk: int) -> bool:
    """Score one submission."""
    return jobs.run(Submission, pk, scoring.score)


@shared_task(name="evaluation.refresh")
def run_refresh(pk: int) -> bool:
    """One turn of the cycle."""
    return jobs.run(Refresh, pk, refreshing.refresh)


@shared_task(name="evaluation.refresh_due")
def refresh_due(schedule_id: int) -> int | None:
    """A schedule has fired."""
    row = refreshing.due(schedule_id)
    return row.pk if row else None


@shared_task(name="evaluation.export")
def run_export(pk: int) -> bool:
    """Write one export."""
    return jobs.run(Export, pk, exporting.work)


@shared_task(name="evaluation.remove_exports")
def remove_exports() -> int:
    """Every hour: files whose time is over."""
    return exporting.remove_old()


@shared_task(name="evaluation.check")
def run_check(pk: int) -> bool:
    """Look at what is too long for a page."""
    return jobs.run(Check, pk, checking.work)


@shared_task(name="evaluation.forget_checks")
def forget_checks() -> int:
    """Every night: uploaded data and previews that are old."""
    return checking.forget_old()
