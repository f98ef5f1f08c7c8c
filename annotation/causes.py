"""Reads: which rule of the guideline causes which disagreement, how far two adjudicators agree, how often agreement was wrong."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet

from annotation.agreement.kinds import AGREEMENTS
from annotation.agreement.shares import wilson
from annotation.kinds import KINDS
from annotation.models import Case, Gold, Project, SecondOpinion
from annotation.reading import neutralise

DRAWS = 1000
SEED = 20260514
# How a rule begins that is the definition of a label.
LABEL = "label:"
# What decisions are counted by, and what each is called in the CSV.
COLUMNS = ("question", "guideline_version", "rule", "reason", "label", "other_label", "why", "decisions")


@dataclass(frozen=True)
class Asked:
    """Which decisions: by question, reason, rule ("-": none was named), pair of labels, guideline version and why."""

    question: str = ""
    reason: str = ""
    rule: str = ""
    pair: str = ""
    version: str = ""
    why: str = ""
    overturned: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "Asked":
        """From the query of an address; what is unknown asks for nothing."""
        found = {name: given.get(name, "")[:400] for name in asdict(cls())}
        found["version"] = found["version"] if found["version"].isdecimal() and len(found["version"]) < 9 else ""
        found["pair"] = found["pair"] if found["pair"].count("\t") == 1 else ""
        return cls(**found)

    def query(self, **more: Any) -> str:
        """For an address, with some of it set anew."""
        told = {name: value for name, value in {**asdict(self), **more}.items() if value not in ("", None)}
        return f"?{urlencode(told)}" if told else ""


def decided(*, project: Project, asked: Asked, user: Any) -> QuerySet[Gold]:
    """What people have decided, the newest first, as far as this person may see it, see `decisions`.

    user None: the site's own commands.
    """
    seen = Gold.objects.all() if user is None else Gold.objects.visible_to(user)
    rows = seen.decisions().filter(project=project)
    tests: dict[str, Any] = {
        "reason": asked.reason,
        "guideline_version__number": int(asked.version) if asked.version else "",
        "case__why": asked.why,
    }
    rows = rows.filter(**{name: value for name, value in tests.items() if value != ""})
    if asked.question or asked.rule or asked.pair:
        rows = rows.filter(_named(_renamed(project), asked))
    if asked.overturned:
        rows = rows.filter(pk__in=_overturned(project))
    return rows.order_by("-settled_at", "-pk")


# (guideline version, question) -> what the question is called now, and its labels that are called otherwise now.
Renamed = dict[tuple[int, str], tuple[str, dict[str, str]]]


def _renamed(project: Project) -> Renamed:
    """What publishing has renamed since, of every version and question of which it has renamed something; one query."""
    found: Renamed = {}
    since: dict[str, tuple[str, dict[str, str]]] = {}
    for number, plan in project.versions.order_by("-number").values_list("number", "plan"):
        found |= {(number, name): told for name, told in since.items() if told != (name, {})}
        step = {}
        for name, told in plan.items():
            now, labels = since.get(told.get("to", name), (told.get("to", name), {}))
            names = {old: labels.get(new, new) if new else old for old, new in told.get("labels", {}).items()}
            step[name] = now, {old: new for old, new in {**labels, **names}.items() if old != new}
        since |= step
    return found


def _named(renamed: Renamed, asked: Asked) -> Q:
    """Decisions of the question, rule and pair of labels that are asked for by their names of today."""
    rest, found = Q(), Q()
    for (version, question), (name, labels) in renamed.items():
        here = Q(guideline_version__number=version, question=question)
        rest &= ~here
        if asked.question in ("", name):
            found |= here & _labelled(asked, labels)
    if asked.question:
        rest &= Q(question=asked.question)
    return found | rest & _labelled(asked, {})


def _labelled(asked: Asked, labels: Mapping[str, str]) -> Q:
    def before(name: str) -> list[str]:
        return [*(old for old, new in labels.items() if new == name), *([] if name in labels else [name])]

    found = Q()
    if asked.rule.startswith(LABEL):
        found &= Q(rule__in=[LABEL + name for name in before(asked.rule.removeprefix(LABEL))])
    elif asked.rule:
        found &= Q(rule="" if asked.rule == "-" else asked.rule)
    if asked.pair:
        one, other = asked.pair.split("\t")
        pairs = Q(pk__in=[])
        for pair in {tuple(sorted(pair)) for pair in product(before(one), before(other))}:
            if (pair[0] == pair[1]) == (one == other):
                pairs |= Q(case__pairs__contains="\n{}\t{}\n".format(*pair))
        found &= pairs
    return found


def _pairs_now(pairs: str | None, labels: Mapping[str, str]) -> list[str]:
    """ONE\tOTHER of today, each once; what is one label now is confused no more."""
    told = [line.split("\t") for line in (pairs or "").split("\n") if line]
    now = [(sorted(labels.get(label, label) for label in pair), pair) for pair in told]
    return list(dict.fromkeys("\t".join(new) for new, old in now if (new[0] == new[1]) == (old[0] == old[1])))


def report(*, project: Project, asked: Asked, user: Any) -> dict[str, Any]:
    """Counts of decisions by reason, rule, pair of labels, question and version; a fixed number of queries.

    Questions and labels stand by their names of today, whatever the guideline called them when it was decided.

    total; by_reason, by_question, by_version, by_why: {value: n}; rules: [{rule, n, reasons {reason: n}}] and pairs:
    [{pair, one, other, n, rules {rule: n}}], the most frequent first.
    """
    found: dict[str, Counter[Any]] = {name: Counter() for name in ("reason", "question", "version", "why")}
    rules: dict[str, Counter[str]] = {}
    pairs: dict[str, Counter[str]] = {}
    total = 0
    for question, version, rule, reason, told, why, n in _grouped(project, asked, user):
        total += n
        for name, value in (("reason", reason), ("question", question), ("version", version), ("why", why)):
            found[name][value] += n
        rules.setdefault(rule, Counter())[reason] += n
        for pair in told:
            pairs.setdefault(pair, Counter())[rule] += n
    return {
        "total": total,
        **{f"by_{name}": dict(counter.most_common()) for name, counter in found.items()},
        "rules": _sorted({"rule": rule, "n": sum(counts.values()), "reasons": dict(counts.most_common())} for rule, counts in rules.items()),
        "pairs": _sorted(
            {"pair": pair, "one": pair.split("\t")[0], "other": pair.split("\t")[1], "n": sum(counts.values()), "rules": dict(counts.most_common())}
            for pair, counts in pairs.items()
        ),
    }  # fmt: skip


def _sorted(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: -row["n"])


def _grouped(project: Project, asked: Asked, user: Any) -> Iterator[tuple[str, int, str, str, list[str], str, int]]:
    """(question, version, rule, reason, pairs, why, decisions), questions and labels by their names of today."""
    names = ("question", "guideline_version__number", "rule", "reason", "case__pairs", "case__why")
    rows = decided(project=project, asked=asked, user=user).order_by().values_list(*names).annotate(n=Count("pk"))
    renamed = _renamed(project)
    for question, version, rule, reason, pairs, why, n in rows:
        now, labels = renamed.get((version, question), (question, {}))
        if rule.startswith(LABEL):
            label = rule.removeprefix(LABEL)
            rule = LABEL + labels.get(label, label)
        yield now, version, rule, reason, _pairs_now(pairs, labels), why, n


def as_csv(*, project: Project, asked: Asked, user: Any) -> str:
    """The counts as a table, a row for each combination that occurs; a pair of labels is a row of its own."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for question, version, rule, reason, told, why, n in _grouped(project, asked, user):
        for pair in told or ["\t"]:
            one, other = pair.split("\t")
            counts[question, version, rule, reason, one, other, why or ""] += n
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row, n in sorted(counts.items(), key=lambda one: (-one[1], str(one[0]))):
        writer.writerow([*(neutralise(str(cell)) for cell in row), n])
    return text.getvalue()


# -- Adjudication itself ------------------------------------------------------------------------------------------


def two_adjudicators(*, project: Project) -> list[dict[str, Any]]:
    """How far first and second decisions agree: of each question n, agree, and its figures with intervals.

    Where fewer than two decisions were made twice, or the question is gone, there are no figures.
    """
    if project.version is None:
        return []
    found = []
    for entry in project.version.schema["questions"]:
        rows = SecondOpinion.objects.filter(project=project, case__question=entry["name"]).select_related("gold")
        twice = [(str(row.pk), row.gold.value, row.value, row.distance) for row in rows.order_by("pk")]
        if not twice:
            continue
        triples = [(unit, who, value) for unit, first, second, _apart in twice for who, value in (("first", first), ("second", second))]  # fmt: skip
        agree = sum(not apart for _unit, _first, _second, apart in twice)
        found.append(
            {
                "question": entry["name"],
                "n": len(twice),
                "agree": agree,
                "share": agree / len(twice),
                "interval": wilson(agree, len(twice)),
                "figures": _figures(triples, entry),
            }
        )
    return found


def _figures(triples: list[tuple[str, str, Any]], entry: dict[str, Any]) -> dict[str, Any]:
    try:
        return AGREEMENTS[entry["kind"]].brief(triples, question=entry, draws=DRAWS, seed=SEED)
    except (KeyError, ValueError):  # decisions of an earlier form of the question
        return {}


def agreed_and_looked_at(*, project: Project) -> dict[str, Any]:
    """Of agreeing items that an adjudicator looked at: n, overturned, share with its interval, and how many wait."""
    n = _looked_at(project).count()
    overturned = len(_overturned(project))
    waiting = Case.objects.open().filter(project=project, why=Case.Why.AGREED).count()
    share = overturned / n if n else None
    return {
        "n": n,
        "overturned": overturned,
        "share": share,
        "interval": wilson(overturned, n) if n else None,
        "waiting": waiting,
    }


def _looked_at(project: Project) -> QuerySet[Gold]:
    made = Gold.objects.decisions().filter(project=project)
    return made.filter(case__why=Case.Why.AGREED)


def _overturned(project: Project) -> list[int]:
    """Decisions that say something else than the agreeing people did, both in the words of the guideline of that time."""
    schemas = project.versions.values_list("pk", "schema")
    entries = {(pk, entry["name"]): entry for pk, schema in schemas for entry in schema["questions"]}
    rows = _looked_at(project).values_list(
        "pk", "guideline_version", "question", "value", "distribution", "case__agreed"
    )
    return [
        pk
        for pk, version, question, value, spread, agreed in rows
        if spread or ((version, question) in entries and _differ(value, agreed, entries[version, question]))
    ]


def _differ(one: Any, other: Any, entry: dict[str, Any]) -> bool:
    try:
        return KINDS[entry["kind"]].distance(one, other, entry) > 0
    except (KeyError, TypeError):
        return bool(one != other)
