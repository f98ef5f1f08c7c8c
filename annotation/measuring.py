"""Agreement from the rows: gathers the independent answers to one question and hands them to the maths.

Figures are of one guideline version, and of all answers that stand under it: publishing carries over what it does not ask
again, so an answer given under an earlier version counts as long as its meaning holds. How many those are is told.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Length
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from annotation import believing, cuts, jobs
from annotation import schema as schemas
from annotation.agreement.aggregation import METHODS
from annotation.agreement.kinds import AGREEMENTS
from annotation.jobs import LIVE, Grip, State
from annotation.models import AgreementReport, Annotation, Gold, GuidelineVersion, Item, Project, User, was_swayed

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
    """(item id, annotator id, value) of every independent answer that counts; see `answers`."""
    return (one.triple for one in answers(project=project, question=question, without=without, version=version))


def answers(
    *,
    project: Project,
    question: str,
    without: frozenset[str] = frozenset(),
    version: GuidelineVersion | None = None,
) -> Iterator[cuts.Answer]:
    """Every independent answer that counts; labels in `without` are left out.

    With `version` those that stand, or stood to its end, under that version. An answer given with a model's proposal in
    sight is left out. Training and control items are left out: who is measured by them knows the answer, or is chosen
    for it, so that they say nothing of how far people agree on the work.
    """
    rows = Annotation.objects.standing_under(version) if version else Annotation.objects.submitted()
    rows = rows.filter(project=project, independent=True, item__role=Item.Role.WORK)
    # Read where a model has proposed anything: to take JSON apart costs as much as the answer itself.
    proposed = rows.exclude(suggested={}).exists()
    reigns = Reigns(project)
    since = reigns.asked_since(question, version) if version else 0
    columns = ("item_id", "annotator_id", "answer", "updated_at", "guideline_version_id", "mapped", *(["suggested"] if proposed else []))  # fmt: skip
    for item, annotator, answer, at, of, mapped, *suggested in rows.values_list(*columns).iterator(chunk_size=5000):
        value = None if suggested and was_swayed(suggested[0], question) else answer.get(question)
        if value is None or (without and value in without) or reigns.numbers[of] < since:
            continue
        under = reigns.at(at) if mapped else reigns.numbers[of]
        yield cuts.Answer(str(item), str(annotator), value, at, under)


class Reigns:
    """From when to when each version of a project's guideline was in force; one query."""

    def __init__(self, project: Project) -> None:
        rows = project.versions.order_by("number").values_list("pk", "number", "published_at", "schema")
        found: list[tuple[int, int, datetime, dict[str, Any]]] = list(rows)
        self.numbers: Mapping[int, int] = {pk: number for pk, number, _at, _schema in found}
        self.keys: Mapping[int, int] = {number: pk for pk, number in self.numbers.items()}
        self._begins = [at for _pk, _number, at, _schema in found]
        self._in_order = [number for _pk, number, _at, _schema in found]
        self._asked = [{entry["name"] for entry in schema["questions"]} for _pk, _number, _at, schema in found]

    def at(self, moment: datetime) -> int:
        """The number of the version that was in force at a moment, the first before all of them."""
        return self._in_order[max(0, bisect_right(self._begins, moment) - 1)]

    def asked_since(self, question: str, version: GuidelineVersion) -> int:
        """Since which version a question is in the guideline, as seen from this one: one that went and came is new."""
        since = version.number
        for number, asked in zip(reversed(self._in_order), reversed(self._asked), strict=True):
            if number <= version.number:
                if question not in asked:
                    break
                since = number
        return since


def versions(project: Project) -> list[GuidelineVersion]:
    """The guideline versions under which answers stand, or stood to their end, the newest first; one query.

    Where there is none yet, the one in force.
    """
    later = GuidelineVersion.objects.filter(project=OuterRef("project"), number__gt=OuterRef("number"))
    rows: QuerySet[Any] = GuidelineVersion.objects.filter(project=project).order_by("-number")
    rows = rows.annotate(ended=Subquery(later.order_by("number").values("published_at")[:1]))
    # As `standing_under`, of every version at once.
    given = Annotation.objects.filter(
        Q(superseded_at=None) | Q(superseded_at__gte=OuterRef("ended")),
        project=OuterRef("project"),
        guideline_version__number__lte=OuterRef("number"),
        status=Annotation.Status.SUBMITTED,
        set_aside=None,
    )
    found: list[GuidelineVersion] = list(rows.filter(Exists(given)))
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
    given: cuts.Given | None = None,
) -> dict[str, Any]:
    """The agreement of one question among the answers that stand under one guideline version (None: the newest with any).

    given: its answers, where they are known already. `given_under` of the figures counts the answers by the number of the
    version that they were given under. Items of one document are resampled together. Raises ValueError where there is no
    such question.
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
    more: dict[str, Any] = {"models": models(project, question)} if agreement.models else {}
    more |= {"sizes": sizes(project)} if agreement.sizes else {}
    told = given.answers if given else answers(project=project, question=question, without=without, version=version)
    under: Counter[int] = Counter()
    if given and agreement.codes and given.ratings is not None:
        # Coded once for all figures; nothing walks over the answers any more.
        more |= {"ratings": given.ratings}
        under.update(one.under for one in given.answers)
    figures = agreement.report(
        _counted(told, under),
        question=entry,
        groups=given.groups if given else _groups(project),
        draws=draws,
        seed=seed,
        **more,
    )
    people = dict(User.objects.filter(annotations__project=project).distinct().values_list("pk", "name"))
    usernames = dict(User.objects.filter(pk__in=people).values_list("pk", "username"))
    figures["guideline_version"] = version.number
    figures["given_under"] = {str(number): count for number, count in sorted(under.items())}
    figures["raters"] = {str(pk): name or usernames[pk] for pk, name in people.items()}
    for table in figures.get("tables", []):
        for row, place in product(table["rows"], table.get("people", [])):
            row[place] = figures["raters"].get(row[place], row[place])
    for pair in figures.get("cohen", []):
        pair["names"] = [figures["raters"].get(pair[side], pair[side]) for side in ("a", "b")]
    return figures


def _counted(told: Iterable[cuts.Answer], under: Counter[int]) -> Iterator[tuple[str, str, Any]]:
    """The answers as the maths takes them, counted by the version that they were given under."""
    for one in told:
        under[one.under] += 1
        yield one.triple


def cut(
    by: str,
    *,
    version: GuidelineVersion,
    question: str,
    figures: dict[str, Any] | None = None,
    given: cuts.Given | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> dict[str, Any]:
    """One cut of the agreement of a question, see `cuts.table`; raises ValueError where there is no such cut.

    figures: of the whole question, of which the labels are taken; given: see `given_to`, where it is known already.
    """
    if by not in cuts.BY:
        raise ValueError(_("There is no cut by “%(by)s”. Use one of: %(all)s.") % {"by": by, "all": ", ".join(cuts.BY)})
    project = version.project
    entry = schemas.question(version.schema, question)
    options: dict[str, Any] = {"draws": draws, "seed": seed}
    if by == "label":
        whole = figures or measure(project=project, question=question, version=version, given=given, **options)
        return cuts.of_labels(whole, entry)
    if by == "guideline_version":
        known = {version.pk: given} if given else {}
        return cuts.of_versions(_by_version(project, question, str(entry["kind"]), known), **options)
    return cuts.table(by, given or given_to(version=version, question=question), **options)


def given_to(*, version: GuidelineVersion, question: str) -> cuts.Given:
    """All answers to a question that stand under one guideline version, read once for every figure of them."""
    project = version.project
    rows = answers(project=project, question=question, version=version)
    entry = schemas.question(version.schema, question)
    return cuts.Given.of(rows, project=project, question=entry, groups=_groups(project))


def _by_version(
    project: Project, question: str, kind: str, known: dict[int, cuts.Given]
) -> Iterator[tuple[GuidelineVersion, cuts.Given]]:
    """Each version with answers to the question, where it is of the same kind; known: what is read already."""
    for version in versions(project):
        entry = next((one for one in version.schema["questions"] if one["name"] == question), None)
        if entry is not None and entry["kind"] == kind:
            yield version, known.get(version.pk) or given_to(version=version, question=question)


def right(
    *,
    version: GuidelineVersion,
    question: str,
    method: str = believing.USED,
    store: bool = False,
    given: cuts.Given | None = None,
) -> dict[str, Any] | None:
    """Who is right, see `believing.figures`; None where the question takes neither one of a short list nor a set of labels.

    store: keep what is believed of each item; given: the answers, where they are known already. Raises ValueError for an unknown method.
    """
    if method not in METHODS:
        raise ValueError(
            _("There is no method “%(method)s”. Use one of: %(all)s.") % {"method": method, "all": ", ".join(METHODS)}
        )
    entry = schemas.question(version.schema, question)
    told = given.triples() if given else triples(project=version.project, question=question, version=version)
    found = believing.aggregate(told, entry, given.ratings if given else None)
    if found is None:
        return None
    if store:
        believing.store(found, version=version, question=entry, method=method)
    return believing.figures(found, entry, gold=believing.gold_of(version, entry), method=method)


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


def sizes(project: Project) -> dict[str, int]:
    """item -> the characters of its text; one query."""
    whole = Coalesce(F("end"), Length("document__text")) - Coalesce(F("start"), 0)
    return {str(item): size for item, size in project.items.values_list("pk").annotate(size=whole)}


def _groups(project: Project) -> dict[str, str] | None:
    """item -> document, where some document has more than one item."""
    items = project.items
    if not items.exclude(start=None).exists():
        return None
    return {str(item): str(document) for item, document in items.values_list("pk", "document_id")}


def newest(version: GuidelineVersion) -> datetime | None:
    """When an answer that stands under this version, or what counts, last changed; drafts count nowhere.

    What becomes of answers once a later version is in force changes nothing of this one.
    """
    known = GuidelineVersion.objects.filter(project=version.project_id)
    ended = known.filter(number__gt=version.number).order_by("number").values_list("published_at", flat=True).first()
    given = Annotation.objects.filter(project=version.project_id).exclude(status=Annotation.Status.DRAFT)
    given = given.filter(guideline_version__in=known.filter(number__lte=version.number)) if ended else given
    # What was asked again since is a change, too.
    gone = Max("superseded_at", filter=Q(superseded_at__lt=ended)) if ended else Max("superseded_at")
    found = given.aggregate(at=Max("updated_at"), gone=gone)
    recounted = Project.objects.values_list("recounted_at", flat=True).get(pk=version.project_id)
    return max((at for at in (*found.values(), recounted) if at), default=None)


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
    steps = len(cuts.BY) + 2
    grip.tick(0, steps, gettext_lazy("measuring agreement"))
    given = given_to(version=version, question=row.question)
    figures = measure(project=version.project, question=row.question, version=version, given=given)
    figures["cuts"] = []
    for place, by in enumerate(cuts.BY, 1):
        grip.tick(place, steps, cuts.BY[by])
        figures["cuts"].append(cut(by, version=version, question=row.question, figures=figures, given=given))
    grip.tick(steps - 1, steps, gettext_lazy("finding out who is right"))
    # Items are believed what the newest answers say; figures of an older guideline version change nothing.
    newest_version = version == chosen(version.project)
    figures["right"] = right(version=version, question=row.question, store=newest_version, given=given)
    grip.check()
    earlier = AgreementReport.objects.filter(guideline_version=version, question=row.question, pk__lt=row.pk)
    earlier.exclude(state__in=LIVE).delete()
    return {"figures": figures, "as_of": as_of}
