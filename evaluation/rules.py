"""What a freeze may be asked for: questions, shares, seed, mode of splitting, groups and the metric of its boards."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from annotation import schema as schemas
from annotation.models import Document, Membership, Project
from evaluation.metrics import KINDS
from evaluation.models import SPLITS, readable
from evaluation.windows import ByTime, day_of

SHARES = {"train": 0.7, "dev": 0.1, "test": 0.2}
MODES = ("auto", "given", "random", "time", "column")
# What can be kept in one split: passages of a document, texts of an issuer, texts that are nearly the same, and texts
# that are so once their numbers are masked; beside them any column of the metadata, as meta.NAME.
GROUPS = ("document", "issuer", "near", "template")
META = "meta."
# What of a test example may be told without its gold: columns of its file may hold the label.
OPEN_FIELDS = ("title", "source_type", "language", "published_at", "issuer", "url")
# What becomes of texts in the gap before a window, and of texts without a date, where the splits go by time.
SIDES = ("leave", "train")
LONGEST_GAP = 3650


def check(
    schema: dict[str, Any],
    *,
    questions: Sequence[str] | None = None,
    shares: Mapping[str, float] | None = None,
    counts: Mapping[str, int] | None = None,
    seed: int = 13,
    splits: str = "auto",
    group_by: Sequence[str] = ("near",),
    divide_documents: bool = False,
    split_column: str = "",
    test_from: str = "",
    dev_from: str = "",
    gap_days: int = 0,
    gap_to: str = "leave",
    undated: str = "leave",
    primary_metric: str = "",
    allow_leaks: str = "",
    windows: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The options in stored form, with defaults filled in; raises ValueError with a sentence.

    counts: split -> how many examples, in place of a share; the rest is train. divide_documents: passages of one
    document may stand in different splits. split_column: meta.NAME, for splits 'column'. test_from, dev_from: the first
    day of test and dev, for splits 'time'; without them the windows follow from shares or counts. windows: what an
    earlier version kept of that, which is found there again and not here.
    """
    names = _questions(schema, questions)
    found: dict[str, Any] = {
        "questions": names,
        "shares": _shares(shares or SHARES),
        "counts": _counts(counts or {}),
        "seed": _seed(seed),
        "splits": _one_of(_("splits"), splits, MODES),
        "group_by": sorted({_group(name) for name in group_by}),
        "divide_documents": bool(divide_documents),
        "primary_metric": _primary(schema, names, primary_metric),
        "allow_leaks": allow_leaks.strip()[:500],
    }
    if splits == "column":
        found["split_column"] = _column(split_column)
    if splits == "time":
        found |= _time(test_from, dev_from, gap_days, gap_to, undated)
    return found


def _group(name: str) -> str:
    return _column(name) if name.startswith(META) else _one_of(_("group by"), name, GROUPS)


def _column(name: str) -> str:
    name = name.strip()
    if not name.startswith(META) or not 0 < len(name) - len(META) <= 150:
        raise ValueError(
            _("“%(name)s” is no column of the metadata; write it as meta.NAME, such as meta.event.") % {"name": name}
        )
    return name


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    """How many examples dev and test get, where that was said."""
    found = {name: int(count) for name, count in counts.items() if count is not None}
    if strange := sorted(set(found) - {"dev", "test"}):
        raise ValueError(_("Give a number for dev or test; “%(name)s” gets what is left.") % {"name": strange[0]})
    if low := [name for name, count in found.items() if not 0 <= count <= 10_000_000]:
        raise ValueError(_("The number of examples in %(name)s must be 0 or more.") % {"name": low[0]})
    return found


def _time(test_from: str, dev_from: str, gap_days: int, gap_to: str, undated: str) -> dict[str, Any]:
    days = {name: text.strip() for name, text in (("test_from", test_from), ("dev_from", dev_from)) if text.strip()}
    for text in days.values():
        if len(text) != 10 or day_of(text) is None:
            raise ValueError(_("“%(text)s” is no date; write it as 2026-05-31.") % {"text": text})
    if isinstance(gap_days, bool) or not isinstance(gap_days, int) or not 0 <= gap_days <= LONGEST_GAP:
        raise ValueError(_("The gap must be a whole number of days from 0 to %(most)d.") % {"most": LONGEST_GAP})
    return {
        **days,
        "gap_days": gap_days,
        "gap_to": _one_of(_("gap"), gap_to, SIDES),
        "undated": _one_of(_("undated"), undated, SIDES),
    }


def by_time(options: Mapping[str, Any], before: Mapping[str, str]) -> ByTime | None:
    """How to cut by time; None where the splits do not go by time. before: the windows of the version before.

    What is new goes by the windows of the version before, so that nothing in train is later than what stood in the test.
    """
    if options["splits"] != "time":
        return None
    said = {"dev": options.get("dev_from", ""), "test": options.get("test_from", "")}
    starts = {name: day for name in said if (day := day_of(said[name] or before.get(name, "")))}
    return ByTime(starts, options["gap_days"], options["gap_to"], options["undated"])


def sizes(options: Mapping[str, Any], total: int) -> dict[str, float]:
    """The shares to place `total` examples by; raises ValueError where more were asked for than there are."""
    counts: dict[str, int] = options.get("counts") or {}
    if not counts:
        return dict(options["shares"])
    if sum(counts.values()) > total:
        raise ValueError(
            _("Dev and test shall have %(asked)d examples together, but there are %(total)d with gold.")
            % {"asked": sum(counts.values()), "total": total}
        )
    found = {name: counts.get(name, 0) / total for name in ("dev", "test")}
    return {"train": max(0.0, 1 - sum(found.values())), **found}


def columns(project: Project) -> list[str]:
    """The columns of the metadata that documents came with, as far as the newest thousand tell."""
    rows = Document.objects.filter(project=project).order_by("-pk").values_list("metadata", flat=True)
    return sorted({str(name) for metadata in rows[:1000] for name in metadata})


def need_columns(project: Project, options: Mapping[str, Any]) -> None:
    """Raise ValueError for a column of the metadata that no document has."""
    for name in (*options["group_by"], options.get("split_column", "")):
        column = name.removeprefix(META)
        if name.startswith(META) and not Document.objects.filter(project=project, metadata__has_key=column).exists():
            known = ", ".join(columns(project)[:20]) or _("none")
            raise ValueError(
                _("No document has the column “%(name)s”. There are: %(known)s.") % {"name": column, "known": known}
            )


def _questions(schema: dict[str, Any], names: Sequence[str] | None) -> list[str]:
    """The asked questions in the order of the schema."""
    known = [entry["name"] for entry in schema["questions"]]
    if names is None:
        return known
    if not names:
        raise ValueError(_("Choose at least one question to freeze."))
    asked = {schemas.question(schema, name)["name"] for name in names}
    return [name for name in known if name in asked]


def _shares(shares: Mapping[str, float]) -> dict[str, float]:
    """All three splits with their shares; raises ValueError."""
    if strange := sorted(set(shares) - set(SPLITS)):
        raise ValueError(_("“%(name)s” is no split; they are train, dev and test.") % {"name": strange[0]})
    found = {name: float(shares.get(name, 0)) for name in SPLITS}
    for name, share in found.items():
        if not (math.isfinite(share) and 0 <= share <= 1):
            raise ValueError(
                _("The share of %(name)s is %(share)s; it must lie between 0 and 1.") % {"name": name, "share": share}
            )
    total = sum(found.values())
    if abs(total - 1) > 1e-6:
        raise ValueError(
            _("The shares of train, dev and test add up to %(total)g; they must add up to 1 (100 %%).")
            % {"total": total}
        )
    return found


def _seed(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise ValueError(_("The seed must be a whole number from 0 to 2147483647."))
    return seed


def _one_of(what: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ValueError(
            _("%(what)s: “%(value)s” is unknown. Choose one of: %(allowed)s.")
            % {"what": what, "value": value, "allowed": ", ".join(allowed)}
        )
    return value


def _primary(schema: dict[str, Any], names: Sequence[str], metric: str) -> str:
    """The metric that boards rank by, '' for each kind's own; raises ValueError where no question has it.

    A board whose kind has no such metric ranks by its kind's own.
    """
    kinds = [KINDS[schemas.question(schema, name)["kind"]] for name in names]
    allowed = list(dict.fromkeys(each for kind in kinds for each in kind.may_be_primary))
    return _one_of(_("primary metric"), metric, allowed) if metric else ""


def primary(kind: str, asked: str) -> str:
    """The metric that ranks the board of a question of this kind, where `asked` was asked for at the freeze."""
    return asked if asked in KINDS[kind].may_be_primary else KINDS[kind].primary


def may_have_test_gold(user: Any, project: Project) -> bool:
    """Managers and adjudicators; researchers must not see what their systems are tested on."""
    roles = (Membership.Role.MANAGER, Membership.Role.ADJUDICATOR)
    return Project.objects.with_role(user, *roles).filter(pk=project.pk).exists()


def may_export(user: Any, project: Project, *, with_test_gold: bool, annotations: bool) -> bool:
    """Whether this person may take a version out so; asked again at every download.

    Whoever reads versions may, but for test gold, and for the answers of the annotators, which are the managers'.
    """
    if annotations:
        return Project.objects.with_role(user, Membership.Role.MANAGER).filter(pk=project.pk).exists()
    if with_test_gold:
        return may_have_test_gold(user, project)
    return readable(user).filter(pk=project.pk).exists()  # type: ignore[no-any-return]


def shown(sides: Sequence[dict[str, Any] | None], may: bool) -> list[dict[str, Any] | None]:
    """Examples as somebody may see them: test gold, and metadata that may hold it, only with the right."""
    return [
        side
        if side is None or may or side.get("split") != "test"
        else {
            **{name: value for name, value in side.items() if name not in ("gold", "soft", "fields")},
            "gold": None,
            "fields": {name: value for name, value in (side.get("fields") or {}).items() if name in OPEN_FIELDS},
        }
        for side in sides
    ]
