"""Many cases settled at once: by a file of decisions with a report row by row, or by one annotator's answers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from annotation import adjudicating, reading, settling
from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.models import Annotation, Case, Gold, Project, User

COLUMNS = ("id", "label", "reason", "note")
MOST = 200_000


@dataclass
class Outcome:
    """What came of a set of decisions."""

    settled: int = 0
    # Decided so already: a file sent twice changes nothing.
    here: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Decision:
    """A row of a file, checked for form."""

    number: int
    external_id: str
    label: str
    reason: str
    note: str


def by_file(
    *, project: Project, question: str, path: Path, user: User | None, reason: str = "other", filename: str = ""
) -> Outcome:
    """Settle open cases by the rows (id, label, reason, note) of a CSV, TSV, XLSX, JSON or JSONL file.

    `reason` stands for rows without one. Raises ValueError where the file cannot be read or a column is missing; what
    is wrong with a row is told row by row, and the others are settled.
    """
    found = reading.sniff(path, filename=filename or path.name)
    if missing := [name for name in ("id", "label") if name not in found.columns]:
        raise ValueError(
            _("The file has no column “%(column)s”. It needs id and label; reason and note may be there too.")
            % {"column": missing[0]}
        )
    rows = reading.rows(path, format=found.format, encoding=found.encoding, delimiter=found.delimiter)
    outcome = Outcome()
    for decision in _once_each(_decisions(rows, outcome, reason), outcome):
        _decide(project, question, decision, user, outcome)
    outcome.problems.sort(key=lambda problem: problem["row"])
    return outcome


def _decisions(rows: Iterable[reading.Row], outcome: Outcome, reason: str) -> list[Decision]:
    """The rows that say which item gets which label."""
    found: list[Decision] = []
    for row in rows:
        values = row.values or {}
        cells = {name: str(values.get(name) if values.get(name) is not None else "").strip() for name in COLUMNS}
        if row.values is None:
            _refuse(outcome, row.number, row.problem or "")
        elif not cells["id"]:
            _refuse(outcome, row.number, _("the id is empty"))
        elif not cells["label"]:
            _refuse(outcome, row.number, _("the label is empty"))
        else:
            found.append(Decision(row.number, cells["id"], cells["label"], cells["reason"] or reason, cells["note"]))
        if len(found) > MOST:
            raise ValueError(_("A file takes at most %(most)d decisions; split it.") % {"most": MOST})
    return found


def _once_each(decisions: list[Decision], outcome: Outcome) -> list[Decision]:
    """Decisions about items that are named once; where an item is named twice, neither row counts."""
    rows: dict[str, list[int]] = {}
    for decision in decisions:
        rows.setdefault(decision.external_id, []).append(decision.number)
    for decision in decisions:
        if len(rows[decision.external_id]) > 1:
            where = ", ".join(map(str, rows[decision.external_id]))
            sentence = _("the id “%(id)s” is named more than once (rows %(rows)s); keep one")
            _refuse(outcome, decision.number, sentence % {"id": decision.external_id, "rows": where})
    return [decision for decision in decisions if len(rows[decision.external_id]) == 1]


def _decide(project: Project, question: str, decision: Decision, user: User | None, outcome: Outcome) -> None:
    cases = Case.objects.filter(project=project, question=question, item__document__external_id=decision.external_id)
    case = cases.filter(closed_at=None, first=None).select_related("project__version").first()
    try:
        if case is None:
            _refuse_without_case(project, question, decision, outcome)
            return
        adjudicating.decide(case=case, value=decision.label, user=user, reason=decision.reason, note=decision.note)
    except ValueError as error:
        _refuse(outcome, decision.number, str(error))
    else:
        outcome.settled += 1


def _refuse_without_case(project: Project, question: str, decision: Decision, outcome: Outcome) -> None:
    items = project.items.filter(document__external_id=decision.external_id)
    if not items.exists():
        raise ValueError(_("there is no item with the id “%(id)s” in this project") % {"id": decision.external_id})
    gold = Gold.objects.current().filter(item__in=items, question=question).first()
    if gold and gold.method == Gold.Method.ADJUDICATED and str(gold.value) == decision.label:
        outcome.here += 1
    elif gold:
        raise ValueError(
            _("“%(id)s” has no open case: it is settled already (%(method)s)")
            % {"id": decision.external_id, "method": gold.get_method_display()}
        )
    else:
        raise ValueError(_("“%(id)s” has no open case: answers are still missing") % {"id": decision.external_id})


def _refuse(outcome: Outcome, number: int, problem: str) -> None:
    outcome.problems.append(
        {"row": number, "problem": _("Row %(row)d: %(problem)s.") % {"row": number, "problem": problem.rstrip(".")}}
    )


def by_annotator(
    *, project: Project, question: str, annotator: str, user: User | None, reason: str = "other", note: str = ""
) -> Outcome:
    """Settle open cases by what one annotator (user name, or name in the file) said; raises ValueError for a stranger.

    Cases that this annotator skipped or has not answered stay open.
    """
    people = User.objects.filter(Q(username=annotator) | Q(name=annotator), annotations__project=project).distinct()
    if len(found := list(people)) != 1:
        names = sorted({str(user) for user in User.objects.filter(annotations__project=project)})
        raise ValueError(
            _("“%(name)s” names nobody or more than one of the annotators. They are: %(names)s.")
            % {"name": annotator, "names": ", ".join(names) or "–"}
        )
    entry = schemas.question(settling.version_of(project).schema, question)
    cases = Case.objects.open().filter(project=project, question=question, first=None)
    cases = cases.select_related("project__version", "item__document")
    answers = Annotation.objects.submitted().filter(annotator=found[0], item__in=cases.values("item"))
    said = {item: answer[question] for item, answer in answers.values_list("item_id", "answer") if question in answer}
    outcome = Outcome()
    for case in list(cases):
        if case.item_id not in said:
            continue
        try:
            value = KINDS[entry["kind"]].clean(said[case.item_id], entry, case.item.about)
            adjudicating.decide(case=case, value=value, user=user, reason=reason, note=note)
        except ValueError as error:  # a label that is gone since, a case that was settled meanwhile
            outcome.problems.append({"row": None, "problem": f"{case.item.document.external_id}: {error}"})
            continue
        outcome.settled += 1
    return outcome
