"""Agreement from the rows: gathers the independent answers to one question and hands them to the maths.

Figures are of one guideline version: answers given under other rules are other answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotation import jobs
from annotation import schema as schemas
from annotation.agreement.kinds import AGREEMENTS
from annotation.jobs import LIVE, Grip, State
from annotation.models import AgreementReport, Annotation, Gold, GuidelineVersion, Item, Project, User

DRAWS = 2000
MOST_DRAWS = 100_000
SEED = 20260514


def triples(
    *,
    project: Project,
    question: str,
    without: frozenset[str] = frozenset(),
    version: GuidelineVersion | None = None,
) -> Iterator[tuple[str, str, Any]]:
    """(item id, annotator id, value) of every independent answer that counts; labels in `without` are left out.

    With `version` only those given under it.
    """
    rows = Annotation.objects.submitted().filter(project=project, independent=True)
    rows = rows.filter(guideline_version=version) if version else rows
    for item, annotator, answer in rows.values_list("item_id", "annotator_id", "answer").iterator(chunk_size=5000):
        value = answer.get(question)
        if value is not None and not (without and value in without):
            yield str(item), str(annotator), value


def versions(project: Project) -> list[GuidelineVersion]:
    """The guideline versions under which answers were given that still count, the newest first; one query.

    Where there is none yet, the one in force.
    """
    given = Annotation.objects.submitted().filter(guideline_version=OuterRef("pk"))
    found = list(GuidelineVersion.objects.filter(Exists(given), project=project).order_by("-number"))
    return found or ([project.version] if project.version else [])


def chosen(project: Project, number: int | None = None) -> GuidelineVersion:
    """The guideline version of that number, or the newest with answers; raises ValueError."""
    known = versions(project)
    if not known:
        raise ValueError(_("This project has no published guideline yet."))
    found = next((version for version in known if number in (None, version.number)), None)
    if found is None:
        listed = ", ".join(str(version.number) for version in known)
        raise ValueError(
            _("No answers stand under guideline version %(number)s. There are answers under: %(all)s.")
            % {"number": number, "all": listed}
        )
    return found


def measure(
    *,
    project: Project,
    question: str,
    version: GuidelineVersion | None = None,
    without: frozenset[str] = frozenset(),
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Any]:
    """The agreement of one question among the answers given under one guideline version (None: the newest with any).

    Raises ValueError where there is no such question. Items of one document are resampled together.
    """
    version = version or chosen(project)
    if not 1 <= draws <= MOST_DRAWS:
        raise ValueError(_("A bootstrap takes between 1 and %(most)d draws.") % {"most": MOST_DRAWS})
    entry = schemas.question(version.schema, question)
    names = schemas.label_names(entry) if entry["kind"] == "choice" else []
    if strange := without - set(names):
        raise ValueError(
            _("“%(label)s” is no label of “%(question)s”.") % {"label": sorted(strange)[0], "question": question}
        )
    if without:
        entry = {**entry, "labels": [label for label in entry["labels"] if label["name"] not in without]}
    agreement = AGREEMENTS[entry["kind"]]
    more = {"models": models(project, question)} if agreement.models else {}
    figures = agreement.report(
        triples(project=project, question=question, without=without, version=version),
        question=entry,
        groups=_groups(project),
        draws=draws,
        seed=seed,
        **more,
    )
    people = dict(User.objects.filter(annotations__project=project).distinct().values_list("pk", "name"))
    usernames = dict(User.objects.filter(pk__in=people).values_list("pk", "username"))
    figures["guideline_version"] = version.number
    figures["raters"] = {str(pk): name or usernames[pk] for pk, name in people.items()}
    for table in figures.get("tables", []):
        for row, place in product(table["rows"], table.get("people", [])):
            row[place] = figures["raters"].get(row[place], row[place])
    for pair in figures.get("cohen", []):
        pair["names"] = [figures["raters"].get(pair[side], pair[side]) for side in ("a", "b")]
    return figures


def models(project: Project, question: str) -> dict[str, dict[str, str]]:
    """item -> {name of a response: the model that wrote it} of items that are settled: before, nobody is told."""
    items = project.items.filter(
        pk__in=Gold.objects.current().filter(project=project, question=question).values("item")
    )
    found = {}
    for item, candidates in items.exclude(document__candidates=[]).values_list("pk", "document__candidates"):
        if known := {entry["name"]: entry["model"] for entry in candidates if entry.get("model")}:
            found[str(item)] = known
    return found


def _groups(project: Project) -> dict[str, str] | None:
    """item -> document, where some document has more than one item."""
    items = project.items
    if not items.exclude(start=None).exists():
        return None
    return {str(item): str(document) for item, document in items.values_list("pk", "document_id")}


def newest(version: GuidelineVersion) -> datetime | None:
    """When an answer under this version last changed; drafts count nowhere."""
    given = Annotation.objects.filter(project=version.project_id, guideline_version=version)
    given = given.exclude(status=Annotation.Status.DRAFT)
    moment: datetime | None = given.aggregate(at=Max("updated_at"))["at"]
    return moment


@dataclass(frozen=True)
class Standing:
    """What there is of the figures: the newest finished ones, a computation under way, the last one where it failed."""

    done: AgreementReport | None
    at_work: AgreementReport | None = None
    failed: AgreementReport | None = None


def standing(*, version: GuidelineVersion, question: str) -> Standing:
    """What there is; asks for new figures where answers came since.

    A computation that failed is not started again by looking: only a new answer or `refresh` does that.
    """
    rows = AgreementReport.objects.filter(guideline_version=version, question=question)
    done, at_work = rows.filter(state=State.DONE).first(), rows.filter(state__in=LIVE).first()
    if at_work is not None or not is_stale(done, version):
        return Standing(done, at_work)
    last, changed = rows.first(), newest(version)
    nothing_new = last is not None and (changed is None or last.queued_at >= changed)
    if last is not None and nothing_new and last.state in (State.FAILED, State.CANCELLED):
        return Standing(done, failed=last)
    return Standing(done, refresh(version=version, question=question))


def shown_to(user: Any, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures without the contested items that this person may still be asked to label; one query."""
    rows = figures.get("contested") or []
    units = [int(row["unit"]) for row in rows]
    hidden = set(Item.objects.blind_for(user).filter(pk__in=units).values_list("pk", flat=True)) if units else set()
    return {**figures, "contested": [row for row in rows if int(row["unit"]) not in hidden]}


def refresh(*, version: GuidelineVersion, question: str) -> AgreementReport:
    """Ask the worker for new figures; where that is under way already, the same job is returned."""
    schemas.question(version.schema, question)
    try:
        with transaction.atomic():
            row = AgreementReport.objects.create(
                project_id=version.project_id,
                question=question,
                guideline_version=version,
                language=get_language() or "",
            )
    except IntegrityError:
        live = AgreementReport.objects.filter(guideline_version=version, question=question, state__in=LIVE)
        return live.first() or refresh(version=version, question=question)
    jobs.enqueue(row)
    return row


def is_stale(row: AgreementReport | None, version: GuidelineVersion) -> bool:
    """Whether answers under the version changed since the figures were made."""
    return row is None or row.as_of != newest(version)


def work(row: AgreementReport, grip: Grip) -> dict[str, Any]:
    """Compute one report; older finished ones of the same question and version are dropped."""
    version = GuidelineVersion.objects.select_related("project").get(pk=row.guideline_version_id)
    as_of = newest(version)
    figures = measure(project=version.project, question=row.question, version=version)
    earlier = AgreementReport.objects.filter(guideline_version=version, question=row.question, pk__lt=row.pk)
    earlier.exclude(state__in=LIVE).delete()
    return {"figures": figures, "as_of": as_of}
