"""Agreement from the rows: gathers the independent answers to one question and hands them to the maths."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotation import jobs
from annotation import schema as schemas
from annotation.agreement.report import report
from annotation.jobs import LIVE, Grip
from annotation.models import AgreementReport, Annotation, Project, User

DRAWS = 2000
MOST_DRAWS = 100_000
SEED = 20260514


def triples(
    *, project: Project, question: str, without: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str, str]]:
    """(item id, annotator id, value) of every independent answer that counts; answers in `without` are left out."""
    rows = Annotation.objects.submitted().filter(project=project, independent=True)
    for item, annotator, answer in rows.values_list("item_id", "annotator_id", "answer").iterator(chunk_size=5000):
        value = answer.get(question)
        if value is not None and value not in without:
            yield str(item), str(annotator), value


def measure(
    *, project: Project, question: str, without: frozenset[str] = frozenset(), draws: int = DRAWS, seed: int = SEED
) -> dict[str, Any]:
    """The agreement of one question as it is now; raises ValueError where there is no such question.

    Items of one document are resampled together.
    """
    if not 1 <= draws <= MOST_DRAWS:
        raise ValueError(_("A bootstrap takes between 1 and %(most)d draws.") % {"most": MOST_DRAWS})
    entry = _question(project, question)
    names = schemas.label_names(entry)
    if strange := without - set(names):
        raise ValueError(
            _("“%(label)s” is no label of “%(question)s”.") % {"label": sorted(strange)[0], "question": question}
        )
    figures = report(
        triples(project=project, question=question, without=without),
        categories=[name for name in names if name not in without],
        groups=_groups(project),
        draws=draws,
        seed=seed,
    )
    people = dict(User.objects.filter(annotations__project=project).distinct().values_list("pk", "name"))
    usernames = dict(User.objects.filter(pk__in=people).values_list("pk", "username"))
    figures["raters"] = {str(pk): name or usernames[pk] for pk, name in people.items()}
    for pair in figures["cohen"]:
        pair["names"] = [figures["raters"].get(pair[side], pair[side]) for side in ("a", "b")]
    return figures


def _groups(project: Project) -> dict[str, str] | None:
    """item -> document, where some document has more than one item."""
    items = project.items
    if not items.exclude(start=None).exists():
        return None
    return {str(item): str(document) for item, document in items.values_list("pk", "document_id")}


def _question(project: Project, name: str) -> dict[str, Any]:
    if project.version is None:
        raise ValueError(_("This project has no published guideline yet."))
    return schemas.question(project.version.schema, name)


def newest(project: Project) -> datetime | None:
    """When an answer of the project last changed; drafts count nowhere."""
    given = Annotation.objects.filter(project=project).exclude(status=Annotation.Status.DRAFT)
    moment: datetime | None = given.aggregate(at=Max("updated_at"))["at"]
    return moment


def latest(*, project: Project, question: str) -> tuple[AgreementReport | None, AgreementReport | None]:
    """(the newest finished figures, the computation that waits or runs now)."""
    rows = AgreementReport.objects.filter(project=project, question=question)
    done = rows.filter(state="done").first()
    return done, rows.filter(state__in=LIVE).first()


def refresh(*, project: Project, question: str) -> AgreementReport:
    """Ask the worker for new figures; where that is under way already, the same job is returned."""
    _question(project, question)
    try:
        with transaction.atomic():
            row = AgreementReport.objects.create(
                project=project,
                question=question,
                guideline_version=project.version,
                language=get_language() or "",
            )
    except IntegrityError:
        at_work = AgreementReport.objects.filter(project=project, question=question, state__in=LIVE).first()
        return at_work or refresh(project=project, question=question)
    jobs.enqueue(row)
    return row


def is_stale(row: AgreementReport | None, project: Project) -> bool:
    """Whether answers or the guideline changed since the figures were made."""
    if row is None:
        return True
    return row.guideline_version_id != project.version_id or row.as_of != newest(project)


def work(row: AgreementReport, grip: Grip) -> dict[str, Any]:
    """Compute one report; older finished ones of the same question are dropped."""
    project = Project.objects.select_related("version").get(pk=row.project_id)
    as_of = newest(project)
    figures = measure(project=project, question=row.question)
    AgreementReport.objects.filter(project=project, question=row.question, pk__lt=row.pk).exclude(
        state__in=LIVE
    ).delete()
    return {"figures": figures, "as_of": as_of}
