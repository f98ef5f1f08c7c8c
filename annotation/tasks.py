"""Celery tasks of annotation: fetch, call, done."""

from celery import shared_task

from annotation import calibrating, delegating, importing, jobs, measuring, publishing, scanning, surveying, watching
from annotation.models import AgreementReport, Errand, Import, Publication, QualityReport, Scan, Watch


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


@shared_task(name="annotation.quality")
def run_quality(pk: int) -> bool:
    """Make the figures of one quality page."""
    return jobs.run(QualityReport, pk, surveying.work)


@shared_task(name="annotation.survey")
def survey() -> int:
    """Every ten minutes: figures of the projects in which something was done."""
    return surveying.sweep()


@shared_task(name="annotation.watch")
def run_watch(pk: int) -> bool:
    """Look for alarms in one project."""
    return jobs.run(Watch, pk, watching.work)


@shared_task(name="annotation.watch_all")
def watch_all() -> int:
    """Every quarter of an hour: projects with new answers."""
    return watching.ask_all()


@shared_task(name="annotation.open_rounds")
def open_rounds() -> int:
    """Every minute: calibration rounds that everybody has answered."""
    return calibrating.open_finished()


@shared_task(name="annotation.publish")
def run_publication(pk: int) -> bool:
    """Publish a guideline and carry the earlier answers over."""
    return jobs.run(Publication, pk, publishing.work)


@shared_task(name="annotation.errand")
def run_errand(pk: int) -> bool:
    """Do what a manager did not wait for."""
    return jobs.run(Errand, pk, delegating.work)


@shared_task(name="annotation.scan")
def run_scan(pk: int) -> bool:
    """Search a project's texts."""
    return jobs.run(Scan, pk, scanning.work)
