"""Celery tasks of training: fetch, call, done."""

from celery import shared_task

from annotation import jobs
from evaluation.models import DatasetVersion, System
from training import running
from training.models import Run


@shared_task(name="training.execute")
def execute(pk: int) -> bool:
    """Do one run."""
    return jobs.run(Run, pk, running.execute)


@shared_task(name="training.rerun_owed")
def rerun_owed() -> int:
    """Every two minutes: systems that a refresh asked to run again in vain."""
    return running.rerun_owed()


@shared_task(name="training.rerun")
def rerun(system_id: int, version_id: int) -> int | None:
    """Run a system again on a version; what it names may have been deleted since."""
    system = System.objects.filter(pk=system_id).first()
    version = DatasetVersion.objects.filter(pk=version_id).first()
    run = running.rerun(system, version) if system and version else None
    return run.pk if run else None
