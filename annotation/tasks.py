"""Celery tasks of annotation: fetch, call, done."""

from celery import shared_task

from annotation import importing, jobs, measuring
from annotation.models import AgreementReport, Import


@shared_task(name="annotation.reap")
def reap() -> dict[str, int]:
    """Every minute: what lost its worker, and what was never woken."""
    return jobs.reap()


@shared_task(name="annotation.import")
def run_import(pk: int) -> bool:
    """Bring a file in."""
    return jobs.run(Import, pk, importing.work)


@shared_task(name="annotation.agreement")
def run_agreement(pk: int) -> bool:
    """Compute one agreement report."""
    return jobs.run(AgreementReport, pk, measuring.work)
