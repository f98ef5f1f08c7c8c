"""Predictions from a file, from rows or from a run become a checked Submission; the same content is never scored twice."""

import contextlib
import hashlib
import itertools
import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from annotation import jobs, reading
from annotation.jobs import State
from annotation.kinds import KINDS, About
from annotation.models import Membership, Project, User
from annotation.settling import batches
from annotation.text.normal import normalised
from evaluation import rules
from evaluation.models import Benchmark, Prediction, Submission, System

STATUSES = ("ok", "refused", "unparsable", "timeout")
FORMATS = ("csv", "tsv", "json", "jsonl")
GOLD = frozenset({"gold", "gold_label", "true_label", "y_true", "target"})
SCORE = "score."
SHOWN = 20
BATCH = 2000
# Who may not have the test gold answers at least this share: scores of a few rows would tell their labels.
LEAST_COVERAGE = 0.5
# Scores are probabilities; models round.
SLACK = 1e-6

Report = dict[str, Any]


class Refused(ValueError):
    """The predictions cannot be taken as they are; `report` says what is wrong, row by row."""

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


class Answer(NamedTuple):
    """A system's answer to one example in stored form; None is no answer, and `status` says why."""

    value: Any
    status: str
    scores: dict[str, float] | None


# -- Reading ------------------------------------------------------------------------------------------------------


def read(path: Path, *, filename: str = "") -> Iterator[reading.Row]:
    """The rows of a file of predictions; raises ValueError for one that is too large or of no known format."""
    size = path.stat().st_size
    if size > settings.UPLOAD_LIMIT:
        raise ValueError(
            _("The file has %(size)d MB; at most %(most)d MB are taken.")
            % {"size": size // 2**20, "most": settings.UPLOAD_LIMIT // 2**20}
        )
    found = reading.sniff(path, filename=filename or path.name)
    if found.format not in FORMATS:
        raise ValueError(
            _("Predictions come as JSONL, JSON, CSV or TSV; this file is %(format)s.") % {"format": found.format}
        )
    return reading.rows(path, format=found.format, encoding=found.encoding, delimiter=found.delimiter)


def _numbered(rows: Iterable[Any]) -> Iterator[reading.Row]:
    """Rows that come without numbers (from the API), counted from 1."""
    for number, row in enumerate(rows, 1):
        if isinstance(row, reading.Row):
            yield row
        elif isinstance(row, Mapping):
            yield reading.Row(number, dict(row), None)
        else:
            problem = _("Row %(row)d is no object with id and label.") % {"row": number}
            yield reading.Row(number, None, problem)


# -- Checking -----------------------------------------------------------------------------------------------------


def check(benchmark: Benchmark, rows: Iterable[Any]) -> Report:
    """What is wrong with these predictions, without storing anything. See `_Check.report` for the keys.

    rows: mappings with id, label and perhaps status, scores or score.<label>; or what `read` gives. Says nothing about
    the gold.
    """
    return _collect(benchmark, rows).report()


def _collect(benchmark: Benchmark, rows: Iterable[Any]) -> "_Check":
    checked = _Check(benchmark, dict(benchmark.examples.values_list("key", "pk")))
    # One row more than may be tells that there are too many.
    for batch in batches(itertools.islice(_numbered(rows), checked.most + 1), BATCH):
        checked.take_texts(batch)
        for row in batch:
            checked.take(row)
    return checked


@dataclass
class _Problems:
    """How many rows have a problem, and the first of them."""

    count: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def add(self, **told: Any) -> None:
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append({name: value[:200] if isinstance(value, str) else value for name, value in told.items()})

    def as_dict(self) -> dict[str, Any]:
        return {"count": self.count, "first": self.first}


class _Check:
    """One pass over predictions: the answers that can be taken, and what is wrong with the others."""

    def __init__(self, benchmark: Benchmark, examples: dict[str, int]) -> None:
        self.benchmark = benchmark
        self.examples = examples
        # The words that a batch of answers is about, by id, where answers are places in them.
        self.texts: dict[str, str] = {}
        self.question = benchmark.asked
        self.kind = KINDS[self.question["kind"]]
        # What the column of answers may be called.
        self.columns = tuple(dict.fromkeys((self.kind.column, "label", "value", "prediction", self.question["name"])))
        self.labels = set(benchmark.labels)
        self.most = 2 * len(examples)
        self.rows = 0
        self.answers: dict[str, Answer] = {}
        self.unknown, self.double, self.bad_labels, self.bad_rows = _Problems(), _Problems(), _Problems(), _Problems()
        self.empty = 0
        self.ignored: set[str] = set()

    def take_texts(self, batch: Sequence[reading.Row]) -> None:
        """Fetch the words that these rows are about, where answers are held against them; one query."""
        if self.kind.move is None:
            return
        keys = {_key(row.values) for row in batch if row.values is not None}
        self.texts = dict(self.benchmark.examples.filter(key__in=keys).values_list("key", "text"))

    def take(self, row: reading.Row) -> None:
        """Look at one row."""
        self.rows += 1
        if row.values is None:
            self.bad_rows.add(row=row.number, problem=row.problem or "")
            return
        values = row.values
        self.ignored.update(name for name in values if name.casefold() in GOLD or name.casefold().startswith("gold."))
        key = _key(values)
        if not key:
            self.bad_rows.add(row=row.number, problem=_("Row %(row)d has no id.") % {"row": row.number})
        elif key not in self.examples:
            self.unknown.add(row=row.number, id=key)
        elif key in self.answers:
            self.double.add(row=row.number, id=key)
        else:
            self.answers[key] = self._answer(row.number, key, values)

    def _answer(self, number: int, key: str, values: dict[str, Any]) -> Answer:
        """The answer of a row; where it is none, the problem is noted and the example counts as not answered."""
        try:
            status, scores = _status(values, number), self._scores(values, number)
        except ValueError as error:
            self.bad_rows.add(row=number, problem=str(error))
            return Answer(None, "unparsable", None)
        given = next((values[name] for name in self.columns if values.get(name) not in (None, "")), None)
        if status != "ok":
            return Answer(None, status, scores)
        if given is None:
            self.empty += 1
            return Answer(None, "unparsable", scores)
        try:
            about = About(text=self.texts[key]) if key in self.texts else None
            return Answer(self.kind.clean(self.kind.read(given, self.question), self.question, about), status, scores)
        except ValueError as error:
            self.bad_labels.add(row=number, id=key, label=str(given), problem=str(error))
            return Answer(None, "unparsable", scores)

    def _scores(self, values: dict[str, Any], number: int) -> dict[str, float] | None:
        """label -> probability, from `scores` or from columns score.<label>; raises ValueError."""
        given = values.get("scores")
        if isinstance(given, str) and given.strip():
            with contextlib.suppress(ValueError):  # a text that is no JSON is refused below
                given = json.loads(given)
        if given in (None, ""):
            columns = {name[len(SCORE) :]: value for name, value in values.items() if name.startswith(SCORE)}
            given = {label: value for label, value in columns.items() if value not in (None, "")}
        if not isinstance(given, dict):
            raise ValueError(_("Row %(row)d: scores must be an object of labels and numbers.") % {"row": number})
        if strange := next((label for label in given if label not in self.labels), None):
            raise ValueError(
                _("Row %(row)d: the scores name “%(label)s”, which is no label.") % {"row": number, "label": strange}
            )
        return {label: _probability(value, number, label) for label, value in given.items()} or None

    @property
    def refused(self) -> bool:
        """Whether anything in the rows is not as it should be; missing examples are no fault, they count as wrong."""
        faults = (self.unknown, self.double, self.bad_labels, self.bad_rows)
        return any(problems.count for problems in faults) or self.rows > self.most

    def report(self) -> Report:
        """JSON-ready: rows; examples; answered; coverage; statuses {status: rows}; empty_labels; ignored_columns.

        unknown {count, first [{row, id}]}, double (the same), bad_labels (and label), bad_rows (row, problem),
        missing {count, first [ids]}; too_many: whether there were more than twice as many rows as examples.
        """
        missing = [key for key in self.examples if key not in self.answers]
        answered = sum(1 for answer in self.answers.values() if answer.value is not None)
        statuses = {name: sum(1 for a in self.answers.values() if a.status == name) for name in STATUSES}
        return {
            "rows": min(self.rows, self.most),
            "too_many": self.rows > self.most,
            "examples": len(self.examples),
            "answered": answered,
            "coverage": answered / len(self.examples) if self.examples else None,
            "statuses": {name: count for name, count in statuses.items() if count},
            "empty_labels": self.empty,
            "ignored_columns": sorted(self.ignored),
            "unknown": self.unknown.as_dict(),
            "double": self.double.as_dict(),
            "bad_labels": self.bad_labels.as_dict(),
            "bad_rows": self.bad_rows.as_dict(),
            "missing": {"count": len(missing), "first": missing[:SHOWN]},
            "warnings": self._warnings(len(missing)),
        }

    def _warnings(self, missing: int) -> list[str]:
        told = []
        if self.ignored:
            told.append(
                _("Ignored: %(columns)s. The board has its own gold.") % {"columns": ", ".join(sorted(self.ignored))}
            )
        if missing:
            text = ngettext(
                "%(count)d example has no prediction; it counts as wrong.",
                "%(count)d examples have no prediction; they count as wrong.",
                missing,
            )
            told.append(text % {"count": missing})
        if self.empty:
            text = ngettext(
                "%(count)d row has no label; it counts as wrong.",
                "%(count)d rows have no label; they count as wrong.",
                self.empty,
            )
            told.append(text % {"count": self.empty})
        return told


def _key(values: Mapping[str, Any]) -> str:
    """The id of a row, '' where it has none."""
    given = values.get("id")
    return "" if given is None or isinstance(given, bool) else str(given).strip()


def _status(values: dict[str, Any], number: int) -> str:
    status = str(values.get("status") or "ok").strip()
    if status not in STATUSES:
        raise ValueError(
            _("Row %(row)d: the status “%(status)s” is unknown; use %(all)s.")
            % {"row": number, "status": status[:60], "all": ", ".join(STATUSES)}
        )
    return status


def _probability(value: Any, number: int, label: str) -> float:
    """A number in [0, 1]; raises ValueError, also for NaN."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or not -SLACK <= found <= 1 + SLACK:
        raise ValueError(
            _(
                "Row %(row)d: the score of “%(label)s” must be a probability from 0 to 1. Leave scores out if there are none."
            )
            % {"row": number, "label": label}
        )
    return min(1.0, max(0.0, found))


def sentence(report: Report) -> str:
    """What is wrong, in words; empty where nothing is."""
    told = []
    if report["too_many"]:
        told.append(
            _("There are more than twice as many rows as examples (%(count)d).") % {"count": report["examples"]}
        )
    if report["bad_rows"]["count"]:
        text = ngettext("%(count)d row cannot be read. %(first)s", "%(count)d rows cannot be read. %(first)s", report["bad_rows"]["count"])  # fmt: skip
        told.append(text % {"count": report["bad_rows"]["count"], "first": report["bad_rows"]["first"][0]["problem"]})
    faults = {
        "unknown": _("Ids that are not in the test split: %(count)d (row %(row)d: “%(id)s”)."),
        "double": _("Ids that occurred before: %(count)d (row %(row)d: “%(id)s”)."),
        "bad_labels": _("Answers that the question does not take: %(count)d (row %(row)d: %(problem)s)."),
    }
    for name, text in faults.items():
        if report[name]["count"]:
            told.append(text % {"count": report[name]["count"], **report[name]["first"][0]})
    return " ".join(told)


# -- Submitting ---------------------------------------------------------------------------------------------------


def submit(
    *,
    benchmark: Benchmark,
    system_name: str,
    rows: Iterable[Any] | None = None,
    path: Path | None = None,
    filename: str = "",
    user: User | None,
    origin: dict[str, Any] | None = None,
    description: str = "",
    rerun: dict[str, Any] | None = None,
    partial: bool = False,
    wake: bool = True,
) -> tuple[Submission, bool]:
    """Check and store predictions and put their scoring into the queue; (submission, whether it is new).

    With `partial`, rows with faults count as not answered (of an id that occurs twice the first row counts) instead of
    refusing the whole. Raises Refused with the report, ValueError for a name that cannot be or a file that cannot be
    read. wake=False leaves the scoring to the caller.
    """
    if (rows is None) == (path is None):
        raise ValueError(_("Give the predictions either as rows or as a file."))
    given = read(path, filename=filename) if path is not None else rows
    checked = _collect(benchmark, given or ())
    report = checked.report()
    if not checked.answers:
        raise Refused(sentence(report) or _("There are no predictions."), report)
    if checked.refused and not partial:
        raise Refused(
            _(
                "%(problems)s Correct the file, or have it taken with its faults (“partial”): such rows then count as not answered."
            )
            % {"problems": sentence(report)},
            report,
        )
    _need_coverage(benchmark, report, origin or {}, user)
    origin = origin if origin is not None else {"file": filename or (path.name if path else "")}
    with transaction.atomic():
        system = _system(benchmark, system_name, origin, description=description, rerun=rerun, user=user)
        submission, created = _store(benchmark, system, checked, report, origin=origin, user=user)
    if submission.is_live and wake:
        jobs.enqueue(submission)
    return submission, created


def _need_coverage(benchmark: Benchmark, report: Report, origin: dict[str, Any], user: User | None) -> None:
    """Who may not have the test gold could read it off the scores of a few rows at a time."""
    if user is None or "run" in origin or (report["coverage"] or 0) >= LEAST_COVERAGE:
        return
    if not rules.may_have_test_gold(user, benchmark.version.dataset.project):
        raise Refused(
            _("Only %(answered)d of %(all)d examples are answered. A submission answers at least half of them.")
            % {"answered": report["answered"], "all": report["examples"]},
            report,
        )


def submit_file(*, file: IO[bytes], filename: str, **options: Any) -> tuple[Submission, bool]:
    """`submit` for an upload, whatever it is held in; at most UPLOAD_LIMIT and a bit are read of it."""
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        # One chunk over the limit is enough for `read` to refuse it.
        while copy.tell() <= settings.UPLOAD_LIMIT and (chunk := file.read(2**20)):
            copy.write(chunk)
        copy.flush()
        name = Path(filename.replace("\\", "/")).name[:255]
        return submit(path=Path(copy.name), filename=name, origin={"file": name}, **options)


def system_name(name: str) -> str:
    """A name in one spelling, without signs that nobody sees; raises ValueError where none is left or it is too long."""
    plain = normalised("NFKC", name)
    name = " ".join(
        "".join(" " if sign.isspace() else sign for sign in plain if sign.isprintable() or sign.isspace()).split()
    )
    if not name or len(name) > 120:
        raise ValueError(_("A system needs a name of 1 to 120 characters."))
    return name


def _system(
    benchmark: Benchmark,
    name: str,
    origin: dict[str, Any],
    *,
    description: str,
    rerun: dict[str, Any] | None,
    user: User | None,
) -> System:
    name = system_name(name)
    project = benchmark.version.dataset.project
    system = System.objects.filter(project=project, name__iexact=name).first()
    if system is None:
        made = {"description": description[:4000], "rerun": rerun or {}, "created_by": user}
        system, created = System.objects.get_or_create(project=project, name=name, defaults=made)
        if created:
            return system
    if system.rerun and "run" not in origin:
        raise ValueError(
            _("“%(name)s” is a system that runs here. Give predictions from elsewhere a name of their own.")
            % {"name": name}
        )
    mine = user is None or system.created_by_id in (None, user.pk)
    manages = Membership.Role.MANAGER
    if not mine and "run" not in origin and not Project.objects.with_role(user, manages).filter(pk=project.pk).exists():
        raise ValueError(
            _("“%(name)s” is a system of somebody else. Give your predictions a name of their own.") % {"name": system}
        )
    words = description[:4000] if mine else ""
    changes = {"description": words or system.description, "rerun": rerun or system.rerun}
    if changes != {"description": system.description, "rerun": system.rerun}:
        System.objects.filter(pk=system.pk).update(**changes)
    return system


def _store(
    benchmark: Benchmark,
    system: System,
    checked: _Check,
    report: Report,
    *,
    origin: dict[str, Any],
    user: User | None,
) -> tuple[Submission, bool]:
    submission, created = Submission.objects.get_or_create(
        benchmark=benchmark,
        system=system,
        content_hash=_content_hash(checked.answers),
        defaults={"report": report, "origin": origin, "created_by": user, "language": get_language() or ""},
    )
    if not created:
        if submission.withdrawn_at is not None:
            try:
                withdraw(submission=submission, user=user, withdrawn=False)
            except PermissionDenied:
                raise ValueError(
                    _(
                        "These predictions were withdrawn; only who sent them or a manager can put them back on the board."
                    )
                ) from None
        score_again(submission, wake=False)
        return submission, False
    answers = checked.answers.items()
    for batch in batches(answers, BATCH):
        Prediction.objects.bulk_create(
            Prediction(submission=submission, example_id=checked.examples[key], **answer._asdict())
            for key, answer in batch
        )
    return submission, True


def _content_hash(answers: Mapping[str, Answer]) -> str:
    digest = hashlib.sha256()
    for key in sorted(answers):
        value, status, scores = answers[key]
        line = [key, value, status, sorted(scores.items()) if scores else None]
        digest.update(json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return f"sha256:{digest.hexdigest()}"


# -- Afterwards ---------------------------------------------------------------------------------------------------


def may_withdraw(submission: Submission, user: User | None) -> bool:
    """Whether this person may take it off the board or put it back: its sender, managers, and the command line."""
    if user is None or submission.created_by_id == user.pk:
        return True
    project = submission.benchmark.version.dataset.project_id
    return Membership.objects.filter(project=project, user=user, role=Membership.Role.MANAGER).exists()


def withdraw(*, submission: Submission, user: User | None, withdrawn: bool = True) -> None:
    """Take a submission off the board, or put it back; it is never deleted.

    Raises PermissionDenied for everybody but its sender, a manager and the command line (no user).
    """
    if not may_withdraw(submission, user):
        raise PermissionDenied(
            _("Only who sent these predictions or a manager can take them off the board or put them back.")
        )
    submission.withdrawn_at = timezone.now() if withdrawn else None
    submission.save(update_fields=["withdrawn_at"])


def score_again(submission: Submission, *, wake: bool = True) -> bool:
    """Queue the scoring of a submission whose scoring failed or was cancelled; False for any other."""
    ended = Submission.objects.filter(pk=submission.pk, state__in=(State.FAILED, State.CANCELLED))
    again = ended.update(
        state=State.QUEUED,
        attempt=0,
        cancel_requested=False,
        ended_at=None,
        queued_at=timezone.now(),
        woken_at=None,
        reason="",
        message="",
        language=get_language() or "",
    )
    if not again:
        return False
    submission.refresh_from_db()
    if wake:
        jobs.enqueue(submission)
    return True
