"""What becomes of earlier answers, question by question: a plan is checked, and its effects are told before they are made.

A plan is {question of the version before, or of the draft: {"to", "labels", "ask"}}, each part optional:
to: the question's new name; labels: {old label: new label, or null to leave it out of answers that hold several};
ask: {"labels", "source_type", "language", "since", "until", "sample"}, all optional, the items that are asked again.
A question that is not named stands untouched. This knows and writes nothing.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from django.db.models import Q
from django.db.models.functions import Substr
from django.utils.translation import gettext as _

from annotation import assigning, controlling
from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.models import Annotation, Gold, Item, Membership, Project
from annotation.settling import batches

FIELDS = ("source_type", "language")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
SAMPLE = re.compile(r"([1-9]\d{0,6})|(100|[1-9]?\d(?:\.\d{1,2})?) ?%")
# After so many answers it is told how far the work is.
EVERY = 5000

Plan = dict[str, dict[str, Any]]


# -- Reading a plan -----------------------------------------------------------------------------------------------


def check(plan: Any, old: dict[str, Any], new: dict[str, Any]) -> Plan:
    """The plan without what says nothing; raises ValueError naming the question, the part and the fix."""
    if not isinstance(plan, dict):
        raise ValueError(_("A plan is an object: the name of a question and what becomes of its answers."))
    before = {entry["name"]: entry for entry in old["questions"]}
    after = {entry["name"]: entry for entry in new["questions"]}
    found: Plan = {}
    for name, told in plan.items():
        if name not in before and name not in after:
            names = ", ".join(dict.fromkeys([*before, *after]))
            raise ValueError(
                _("The plan names the question “%(name)s”. The questions are: %(names)s.")
                % {"name": str(name)[:60], "names": names}
            )
        try:
            found[name] = _entry(told, before.get(name), after, taken=set(before) - {name})
        except ValueError as error:
            raise ValueError(_("Question “%(name)s”: %(problem)s") % {"name": name, "problem": error}) from None
    targets = [told["to"] for told in found.values() if "to" in told]
    if double := next((name for name in targets if targets.count(name) > 1), None):
        raise ValueError(_("Two questions are to become “%(name)s”.") % {"name": double})
    return {name: told for name, told in found.items() if told}


def _entry(
    told: Any, entry: dict[str, Any] | None, after: Mapping[str, dict[str, Any]], *, taken: set[str]
) -> dict[str, Any]:
    if not isinstance(told, dict) or not set(told) <= {"to", "labels", "ask"}:
        raise ValueError(_("what becomes of it is an object with to, labels and ask."))
    found: dict[str, Any] = {}
    target = entry
    if entry is not None and told.get("to") not in (None, "", entry["name"]):
        target = after.get(str(told["to"]))
        if target is None or target["kind"] != entry["kind"] or target["name"] in taken:
            free = [one for one in after.values() if one["name"] not in {entry["name"], *taken}]
            fits = [one["name"] for one in free if one["kind"] == entry["kind"]]
            sentence = _("it can become a new question of its kind (%(names)s), not “%(name)s”.")
            raise ValueError(sentence % {"names": ", ".join(fits) or _("there is none"), "name": str(told["to"])[:60]})
        found["to"] = target["name"]
    elif entry is not None:
        target = after.get(entry["name"])
    if told.get("labels"):
        found["labels"] = _labels(told["labels"], entry, target)
    if told.get("ask") is not None:
        found["ask"] = _ask(told["ask"], entry)
    return {name: part for name, part in found.items() if part or name == "ask"}


def _labels(given: Any, entry: dict[str, Any] | None, target: dict[str, Any] | None) -> dict[str, str | None]:
    """old label -> new one or None, without labels that stay what they are."""
    if entry is None or target is None or target["kind"] != entry["kind"]:
        raise ValueError(_("labels can be renamed only where the question stays."))
    if not isinstance(given, dict):
        raise ValueError(_("labels are an object: the old name and the new one."))
    old, new = schemas.label_names(entry), schemas.label_names(target)
    for label, name in given.items():
        if label not in old:
            raise ValueError(_("it never had the label “%(label)s”.") % {"label": str(label)[:60]})
        if name in (None, "") and entry["kind"] == "choice":
            sentence = _("“%(label)s” needs a new label: an answer is one label here. Or ask those items again.")
            raise ValueError(sentence % {"label": label})
        if name not in (None, "") and name not in new:
            sentence = _("“%(label)s” can become %(names)s, not “%(name)s”.")
            raise ValueError(sentence % {"label": label, "names": ", ".join(new), "name": str(name)[:60]})
    return {label: name or None for label, name in given.items() if label != name}


def _ask(given: Any, entry: dict[str, Any] | None) -> dict[str, Any]:
    """Which items are asked again; {} for all."""
    names = {"labels", "since", "until", "sample", *FIELDS}
    if given is True:
        return {}
    if not isinstance(given, dict) or not set(given) <= names:
        raise ValueError(_("ask is an object with %(names)s.") % {"names": ", ".join(sorted(names))})
    found: dict[str, Any] = {}
    if labels := given.get("labels"):
        known = schemas.label_names(entry) if entry else []
        if not isinstance(labels, list) or (strange := next((one for one in labels if one not in known), None)):
            sentence = _("items can be asked again by its labels so far (%(names)s), not by “%(label)s”.")
            label = labels if not isinstance(labels, list) else strange
            raise ValueError(sentence % {"names": ", ".join(known) or _("there is none"), "label": str(label)[:60]})
        found["labels"] = list(dict.fromkeys(labels))
    for name in (*FIELDS, "since", "until", "sample"):
        value = str(given.get(name) if given.get(name) is not None else "").strip()
        if not value:
            continue
        if name in ("since", "until") and not DAY.fullmatch(value):
            raise ValueError(_("%(name)s is a day such as 2026-03-01; got “%(value)s”.") % {"name": name, "value": value[:40]})  # fmt: skip
        if name == "sample" and (not SAMPLE.fullmatch(value) or value.rstrip("% ").strip("0.") == ""):
            raise ValueError(_("a sample is a number of items or a share, such as 200 or 10%%; got “%(value)s”.") % {"value": value[:40]})  # fmt: skip
        found[name] = value[:200]
    return found


# -- What it does -------------------------------------------------------------------------------------------------


@dataclass
class Told:
    """One question's answers and gold in numbers, for a person to look at."""

    answers: Counter[str] = field(default_factory=Counter)  # kept, mapped, asked, past, lost
    gold: Counter[str] = field(default_factory=Counter)
    items: int = 0
    shown: int = 0  # items that match and are examples, so that nobody is asked
    released: int = 0  # control and training items among `items`: their gold cannot stand, so they are work again
    labels: dict[str, Counter[str]] = field(default_factory=dict)  # old label -> answers, gold


@dataclass
class Effects:
    """What a plan would write. Keys are those of rows and items."""

    mapped: dict[int, dict[str, Any]] = field(default_factory=dict)  # annotation -> its new answer
    gold: dict[int, tuple[str, Any]] = field(default_factory=dict)  # gold -> its new question and value
    items: dict[int, set[str]] = field(default_factory=dict)  # item that is asked again -> old and new question names
    prefilled: dict[int, tuple[int, int, dict[str, Any]]] = field(
        default_factory=dict
    )  # annotation -> item, person, kept
    dropped: list[int] = field(default_factory=list)  # gold of what is asked again
    withheld: dict[int, dict[str, Any]] = field(default_factory=dict)  # mapped annotation -> what is withheld of it
    # Answers that are history only from now on: set aside, or of items that nobody is asked about.
    past: list[int] = field(default_factory=list)
    released: set[int] = field(default_factory=set)  # control and training items that are work again
    misfits: Counter[tuple[str, str]] = field(default_factory=Counter)  # question, what the draft does not take
    told: dict[str, Told] = field(default_factory=dict)
    people: Counter[int] = field(default_factory=Counter)  # who is asked again -> how many items
    to_pool: int = 0  # answers that are asked of anybody, because their people are gone
    seconds: float = 0.0  # how long the answers that are asked again took, those whose time is known
    untimed: int = 0  # answers that are asked again and whose time is not known

    @property
    def size(self) -> int:
        """Rows that would be written or touched."""
        written = 2 * len(self.mapped) + len(self.gold) + 2 * len(self.prefilled)
        return written + len(self.dropped) + len(self.items) + len(self.past)

    def figures(self) -> dict[str, Any]:
        """The numbers as JSON, for the record of the publication."""
        answers = len(self.prefilled) + self.to_pool
        return {
            "mapped": len(self.mapped),
            "gold_mapped": len(self.gold),
            "gold_dropped": len(self.dropped),
            "items": len(self.items),
            "answers": answers,
            "people": len(self.people),
            "released": len(self.released),
            "to_pool": self.to_pool,
            "hours": None if answers and answers == self.untimed else round(self.seconds / 3600, 2),
            "untimed": self.untimed,
            "asked": {name: told.items for name, told in self.told.items() if told.items},
            **self._chosen(),
            "questions": {
                name: {
                    "answers": dict(told.answers),
                    "gold": dict(told.gold),
                    "items": told.items,
                    "shown": told.shown,
                    "released": told.released,
                    "labels": {label: dict(counts) for label, counts in told.labels.items()},
                }
                for name, told in self.told.items()
            },
        }

    def _chosen(self) -> dict[str, Any]:
        """Which items were asked again for which question, where that is not the same for all: {"chosen": ...}."""
        chosen: dict[str, list[int]] = {}
        for item, names in self.items.items():
            for name in names:
                chosen.setdefault(name, []).append(item)
        differ = any(len(items) < len(self.items) for items in chosen.values())
        return {"chosen": chosen} if differ else {}


def stands(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether every answer to the old questions is an answer to the new ones, by the look of the schemas alone."""
    after = {entry["name"]: entry for entry in new["questions"]}
    words = {"title", "help", "required", "labels", "when"}
    for entry in old["questions"]:
        other = after.get(entry["name"])
        if other is None:
            continue
        if any(entry.get(name) != other.get(name) for name in {*entry, *other} - words):
            return False
        if not set(schemas.label_names(entry)) <= set(schemas.label_names(other)):
            return False
    return True


def effects(
    *,
    project: Project,
    schema: dict[str, Any],
    plan: Plan,
    seed: str,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Effects:
    """What the checked plan would do to the answers and gold that stand; seed: what samples are drawn by.

    tick(rows done, of so many) is told now and then and may raise. Reads every answer of the project once: about half a
    second of CPU for 10,000.
    """
    assert project.version is not None
    found = Effects()
    maps = _Maps(project.version.schema, schema, plan, found)
    answers = list(_answers(project))
    gold = list(Gold.objects.current().filter(project=project).values_list("pk", "item_id", "question", "value"))
    _choose(project, plan, answers, gold, found, maps, seed)
    there = _there(project)
    for place, (pk, item, person, status, answer, seconds) in enumerate(answers):
        if place % EVERY == 0:
            tick(place, len(answers) + len(gold))
        maps.take(pk, item, person if (item, person) in there else None, status, answer, seconds)
    _ask_again(project, found, maps.asked)
    for pk, item, question, value in gold:
        maps.take_gold(pk, item, question, value)
    standing = Annotation.objects.filter(project=project, superseded_at=None).exclude(status=Annotation.Status.DRAFT)
    for pk, item, answer in standing.filter(set_aside__isnull=False).values_list("pk", "item_id", "answer"):
        maps.take_set_aside(pk, item, answer)
    for pk, item, answer, withheld in standing.exclude(withheld={}).values_list("pk", "item_id", "answer", "withheld"):
        maps.take_withheld(pk, item, answer, withheld)
    return found


def _ask_again(project: Project, found: Effects, asked: "Mapping[int, _Asked]") -> None:
    """Of whom the items are asked again: of no more people than the overlap wants, those who answered first."""
    room: dict[int, int] = {}
    for batch in batches(sorted(found.items), 2000):
        room |= assigning.wanted(project, batch)
    for pk, (item, person, kept, seconds) in sorted(asked.items(), key=lambda one: (one[1][1] is None, one[0])):
        room[item] -= 1
        if room[item] < 0:
            continue
        found.seconds += seconds or 0.0
        found.untimed += seconds is None
        if person is None:
            found.to_pool += 1
        else:
            found.people[person] += 1
            found.prefilled[pk] = item, person, kept


# Item, person (None: gone), what is kept of the answer, seconds that it took where that is known.
_Asked = tuple[int, int | None, dict[str, Any], float | None]
Row = tuple[int, int, int, str, dict[str, Any], float | None]


def _answers(project: Project) -> Iterable[Row]:
    rows = Annotation.objects.current().filter(project=project).exclude(status=Annotation.Status.DRAFT)
    columns = ("pk", "item_id", "annotator_id", "status", "answer", "seconds")
    found: Iterable[Row] = rows.order_by("pk").values_list(*columns).iterator(chunk_size=5000)
    return found


def _there(project: Project) -> "_People":
    """Who still labels in the project and can be asked again."""
    members = Membership.objects.filter(project=project, user__is_active=True, user__imported_for=None)
    labels = Q(labels=True) | Q(role=Membership.Role.ANNOTATOR)
    return _People(set(members.filter(labels).values_list("user_id", flat=True)))


@dataclass(frozen=True)
class _People:
    known: set[int]

    def __contains__(self, pair: tuple[int, int]) -> bool:
        return pair[1] in self.known


def _choose(
    project: Project,
    plan: Plan,
    answers: list[Row],
    gold: list[tuple[int, int, str, Any]],
    found: Effects,
    maps: "_Maps",
    seed: str,
) -> None:
    """Which items are asked again for which question."""
    wanted = {name: told["ask"] for name, told in plan.items() if "ask" in told}
    if not wanted:
        return
    known = {item for _pk, item, *_rest in answers} | {item for _pk, item, *_rest in gold}
    hidden = Item.objects.filter(project=project).exclude(role=Item.Role.WORK)
    measuring = set(hidden.values_list("pk", flat=True))
    shown = set(Item.objects.shown_as_examples().filter(project=project).values_list("pk", flat=True))
    left_out = set(Item.objects.filter(project=project, left_out__isnull=False).values_list("pk", flat=True))
    known_to_some = set(controlling.told().filter(project=project).values_list("pk", flat=True))
    for name, where in wanted.items():
        chosen = known & _filtered(project, where) if set(where) - {"labels", "sample"} else set(known)
        if "labels" in where:
            chosen &= maps.named(name, set(where["labels"]), answers, gold)
        elif name in maps.before:
            # Whom it was never asked of, because of an earlier answer, it is not asked again.
            chosen &= maps.given(name, answers, gold)
        # Gold that cannot stand measures nobody any more: such an item is work again, and asked as all are.
        unfit = set() if "sample" in where else maps.unfit(name, gold)
        released = (chosen & measuring & unfit) - shown - known_to_some
        maps.excused |= {(item, name) for item in chosen & (measuring | shown | left_out) - released}
        maps.told(name).shown = len(chosen & shown)
        maps.told(name).released = len(released)
        chosen = _sample(chosen - shown - measuring - left_out, where.get("sample", ""), f"{seed}:{name}") | released
        maps.told(name).items = len(chosen)
        found.released |= released
        for item in chosen:
            found.items.setdefault(item, set()).add(name)


def unfit_gold(project: Project, schema: dict[str, Any]) -> dict[int, int]:
    """gold -> its item, of the gold that this schema does not take and that is of an item nobody is asked about."""
    assert project.version is not None
    maps = _Maps(project.version.schema, schema, {}, Effects())
    rows = Gold.objects.current().filter(project=project)
    known = Q(item__in=Item.objects.shown_as_examples().filter(project=project)) | ~Q(item__role=Item.Role.WORK)
    gold = rows.filter(known).values_list("pk", "item_id", "question", "value")
    return {pk: item for pk, item, name, value in gold if maps.target(name) and maps.value(name, value)[1]}


def _filtered(project: Project, where: Mapping[str, Any]) -> set[int]:
    rows = Item.objects.filter(project=project)
    rows = rows.filter(**{f"document__{name}": where[name] for name in FIELDS if name in where})
    if "since" in where or "until" in where:
        rows = rows.annotate(day=Substr("document__published_at", 1, 10)).exclude(day="")
        rows = rows.filter(day__gte=where["since"]) if "since" in where else rows
        rows = rows.filter(day__lte=where["until"]) if "until" in where else rows
    return set(rows.values_list("pk", flat=True))


def _sample(items: set[int], sample: str, seed: str) -> set[int]:
    """So many of the items, or such a share of them, always the same ones for a seed."""
    if not sample:
        return items
    share = sample.endswith("%")
    count = max(1, round(len(items) * float(sample.rstrip("% ")) / 100)) if share else int(sample)
    return set(sorted(items, key=lambda item: sha256(f"{seed}:{item}".encode()).digest())[:count])


class _Maps:
    """How each question's values go on, with what was seen of them counted."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any], plan: Plan, found: Effects) -> None:
        self.plan, self.found, self.new = plan, found, new
        self.before = {entry["name"]: entry for entry in old["questions"]}
        self.after = {entry["name"]: entry for entry in new["questions"]}
        # (question, JSON of a value) -> its new value, or the sentence why there is none.
        self.known: dict[tuple[str, str], tuple[Any, str]] = {}
        # Answers of items that are asked again.
        self.asked: dict[int, _Asked] = {}
        # (item, question) that nobody is asked about, so that what does not fit there is set aside.
        self.excused: set[tuple[int, str]] = set()

    def told(self, name: str) -> Told:
        return self.found.told.setdefault(name, Told())

    def target(self, name: str) -> str:
        """What a question is called from now on; "" where it is no longer asked."""
        to = self.plan.get(name, {}).get("to", name)
        return to if to in self.after else ""

    def named(self, name: str, labels: set[str], answers: list[Row], gold: list[tuple[int, int, str, Any]]) -> set[int]:
        """Items that somebody, or the gold, says one of these labels of."""
        entry = self.before[name]
        used = KINDS[entry["kind"]].used
        said = {item for _pk, item, _who, _status, answer, _s in answers if name in answer and labels.intersection(used(answer[name], entry))}  # fmt: skip
        return said | {item for _pk, item, asked, value in gold if asked == name and labels.intersection(used(value, entry))}  # fmt: skip

    def unfit(self, name: str, gold: list[tuple[int, int, str, Any]]) -> set[int]:
        """Items with gold of the question that the draft does not take."""
        if not self.target(name):
            return set()
        return {item for _pk, item, asked, value in gold if asked == name and self.value(name, value)[1]}

    def given(self, name: str, answers: list[Row], gold: list[tuple[int, int, str, Any]]) -> set[int]:
        """Items of which the question was asked: answered, or skipped as a whole."""
        said = {item for _pk, item, _who, status, answer, _s in answers if name in answer or status != "submitted"}
        return said | {item for _pk, item, asked, _value in gold if asked == name}

    def value(self, name: str, value: Any) -> tuple[Any, str]:
        """(new value, why there is none); each different value is worked out once."""
        key = (name, json.dumps(value, sort_keys=True))
        if key not in self.known:
            self.known[key] = self._value(name, value)
        return self.known[key]

    def _value(self, name: str, value: Any) -> tuple[Any, str]:
        old, new = self.before.get(name), self.after[self.target(name)]
        kind = KINDS[new["kind"]]
        if old is None or old["kind"] != new["kind"]:
            return None, _("it is a question of another kind now")
        names = self.plan.get(name, {}).get("labels")
        try:
            given = kind.relabel(value, names, new) if names and kind.relabel else value
            cleaned = kind.clean(given, new)
        except ValueError as error:
            return None, str(error)
        # What the plan does not touch stays as it was written.
        return (cleaned if given != value else value), ""

    def take(self, pk: int, item: int, person: int | None, status: str, answer: dict[str, Any], seconds: Any) -> None:
        """One answer: kept, mapped, or asked again with what is kept of it."""
        asked = self.found.items.get(item, set())
        new: dict[str, Any] = {}
        changed = past = False
        for name, value in answer.items():
            self._count(name, value, "answers")
            target = self.target(name)
            if not target:
                changed = changed or name in self.plan
                self.told(name).answers["kept"] += 1
                continue
            if name in asked:
                self.told(name).answers["asked"] += 1
                continue
            mapped, problem = self.value(name, value)
            if problem and (item, name) in self.excused:
                self.told(name).answers["past"] += 1
                past = True
                continue
            if problem:
                self._misfit(name, value, problem, "answers")
                continue
            new[target] = mapped
            moved = target != name or mapped != value
            changed = changed or moved
            self.told(name).answers["mapped" if moved else "kept"] += 1
        if past:
            self.found.past.append(pk)
        elif asked:
            self.asked[pk] = item, person, self._opened(new), seconds
        elif changed:
            self.found.mapped[pk] = self._opened(new)

    def take_set_aside(self, pk: int, item: int, answer: dict[str, Any]) -> None:
        """An answer that does not count: mapped as the others, so that it can be taken back, and told nowhere.

        What is asked again, or cannot stand, is history only from now on: nothing is refused for its sake.
        """
        if item in self.found.items:
            self.found.past.append(pk)
            return
        new, fits = self._along(answer)
        if not fits:
            self.found.past.append(pk)
        elif new != answer:
            self.found.mapped[pk] = self._opened(new)

    def take_withheld(self, pk: int, item: int, answer: dict[str, Any], withheld: dict[str, Any]) -> None:
        """Single answers that were set aside go along with the rest of the row, under the new names."""
        if item in self.found.items or pk in self.found.past:
            return
        new: dict[str, Any] = {}
        for name, told in withheld.items():
            values, fits = self._along({name: told["value"]})
            new |= {target: {**told, "value": value} for target, value in values.items()} if fits else {}
        if pk not in self.found.mapped and new != withheld:
            self.found.mapped[pk] = answer
        if pk in self.found.mapped:
            self.found.withheld[pk] = new

    def _along(self, answer: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """An answer under the new names, with what is asked no more as it is; whether all of it can stand."""
        new: dict[str, Any] = {}
        for name, value in answer.items():
            target = self.target(name)
            if not target and name not in self.plan:
                new[name] = value
            elif target:
                mapped, problem = self.value(name, value)
                if problem:
                    return {}, False
                new[target] = mapped
        return new, True

    def _opened(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Without answers to questions that the others do not open any more."""
        kept: dict[str, Any] = {}
        for name, entry in self.after.items():
            if name in answer and schemas.applies(entry, kept, self.new):
                kept[name] = answer[name]
        return kept

    def take_gold(self, pk: int, item: int, question: str, value: Any) -> None:
        """One current gold: kept, mapped, or set aside because its item is asked again."""
        self._count(question, value, "gold")
        target = self.target(question)
        if not target:
            self.told(question).gold["kept"] += 1
        elif question in self.found.items.get(item, set()):
            self.found.dropped.append(pk)
            self.told(question).gold["asked"] += 1
        else:
            mapped, problem = self.value(question, value)
            if problem and (item, question) in self.excused:
                self.found.dropped.append(pk)
                self.told(question).gold["past"] += 1
            elif problem:
                self._misfit(question, value, problem, "gold")
            elif target != question or mapped != value:
                self.found.gold[pk] = (target, mapped)
                self.told(question).gold["mapped"] += 1
            else:
                self.told(question).gold["kept"] += 1

    def _misfit(self, name: str, value: Any, problem: str, part: str) -> None:
        getattr(self.told(name), part)["lost"] += 1
        self.found.misfits[name, problem] += 1

    def _count(self, name: str, value: Any, part: str) -> None:
        entry = self.before.get(name)
        if entry is None or not entry.get("labels"):
            return
        labels = self.told(name).labels
        for label in KINDS[entry["kind"]].used(value, entry):
            labels.setdefault(label, Counter())[part] += 1


def misfit(found: Effects) -> str:
    """A sentence about answers that neither stand nor are mapped nor asked again; "" where there are none."""
    if not found.misfits:
        return ""
    (name, problem), count = found.misfits.most_common(1)[0]
    return _(
        "Question “%(name)s”: %(count)d answers or gold cannot stand under this draft (%(problem)s). Say what their labels become, or ask those items again."
    ) % {"name": name, "count": count, "problem": problem.rstrip(".")}
