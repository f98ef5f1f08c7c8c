"""Earlier answers go on under a new guideline version: mapped ones as new rows, the others asked again; nothing is lost.

All of it runs inside the transaction of the publication, which holds everybody's membership.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from annotation import assigning, closing, controlling, copying, settling
from annotation import schema as schemas
from annotation.kinds import KINDS
from annotation.models import (
    Annotation,
    Assignment,
    Batch,
    Case,
    Gold,
    GuidelineVersion,
    Project,
    Revision,
    User,
)
from annotation.plans import Effects, Plan

BATCH = 1000
# What the history tells of an answer.
TOLD = ("status", "answer", "skip_reason", "confidence", "flagged", "comment", "suggested")

Tick = Callable[[int], None]


def carry(
    *, version: GuidelineVersion, plan: Plan, effects: Effects, user: User | None, tick: Tick = lambda done: None
) -> None:
    """Write what the effects say; `tick(rows done so far)` is told after each batch and may raise to stop it all."""
    work = _Carrying(version, plan, effects, tick)
    work.map_answers()
    work.map_gold()
    work.supersede()
    controlling.release(project=version.project, items=effects.released, user=user)
    work.ask(user)
    work.move_cases()
    work.settle()


class _Carrying:
    def __init__(self, version: GuidelineVersion, plan: Plan, effects: Effects, tick: Tick) -> None:
        self.version, self.plan, self.effects, self.tick = version, plan, effects, tick
        self.project: Project = version.project
        self.now = timezone.now()
        self.done = 0

    def _step(self, rows: int) -> None:
        self.done += rows
        self.tick(self.done)

    def map_answers(self) -> None:
        """A new row under the new version for each, with a line of history of its own; the old row is superseded."""
        effects, known = self.effects, {"guideline_version": self.version.pk, "mapped": True, "superseded_at": None}
        for keys in settling.batches(effects.mapped, BATCH):
            rows = ((key, effects.mapped[key], effects.withheld.get(key, {})) for key in keys)
            copying.copy(Annotation, rows, differs=("answer", "withheld"), same_for_all=known)
            Annotation.objects.filter(pk__in=keys).update(superseded_at=self.now)
            self._step(2 * len(keys))
        if effects.mapped:
            self._write_history()

    def _write_history(self) -> None:
        """A line for each mapped answer, that says that nobody answered then."""
        columns = [connection.ops.quote_name(name) for name in TOLD]
        names = ["annotation_id", "project_id", "person_id", "corrects", "client_id", "mapped", "at", *columns]
        at = Revision._meta.get_field("at").get_db_prep_save(self.now, connection)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {Revision._meta.db_table} ({', '.join(names)}) "  # noqa: S608 (names of columns)
                f"SELECT id, project_id, annotator_id, %s, {copying.new_uuid()}, %s, %s, {', '.join(columns)} "
                f"FROM {Annotation._meta.db_table} WHERE guideline_version_id = %s AND mapped ORDER BY id",
                [False, True, at, self.version.pk],
            )

    def map_gold(self) -> None:
        """A new row of gold for each, settled as it was; the old one is superseded. Open looks at it go with it."""
        known = {"guideline_version": self.version.pk, "superseded_at": None}
        for keys in settling.batches(self.effects.gold, BATCH):
            old = list(Gold.objects.filter(pk__in=keys).values_list("pk", "question", "distribution", "rule"))
            Gold.objects.filter(pk__in=keys).update(superseded_at=self.now)
            rows = (self._mapped_gold(*row) for row in old)
            copying.copy(Gold, rows, differs=("question", "value", "distribution", "rule"), same_for_all=known)
            self._step(len(old))
        watched = Case.objects.open().filter(project=self.project, first__in=self._made_of_gold().values("earlier"))
        new = dict(self._made_of_gold().filter(earlier__in=watched.values("first")).values_list("earlier", "pk"))
        rows_ = list(watched.only("first"))
        for case in rows_:
            case.first_id = new[case.first_id]
        Case.objects.bulk_update(rows_, ["first"], batch_size=500)

    def _made_of_gold(self) -> QuerySet[Gold]:
        return Gold.objects.filter(guideline_version=self.version, earlier__isnull=False)

    def _mapped_gold(self, key: int, question: str, spread: Any, rule: str) -> tuple[int, str, Any, Any, str]:
        """Key, and question, value, distribution and rule under the new names."""
        name, value = self.effects.gold[key]
        names = self.plan.get(question, {}).get("labels", {})
        return key, name, value, _joined(spread, names), _rule(rule, names)

    def supersede(self) -> None:
        """Answers and gold of what is asked again are history from now on, answers that do not count among them."""
        for items in settling.batches(sorted(self.effects.items), BATCH):
            rows = Annotation.objects.filter(project=self.project, item__in=items, superseded_at=None)
            rows.exclude(guideline_version=self.version).update(superseded_at=self.now)
            self._step(len(items))
        for keys in settling.batches(self.effects.past, BATCH):
            Annotation.objects.filter(pk__in=keys).update(superseded_at=self.now)
            self._step(len(keys))
        for keys in settling.batches(self.effects.dropped, BATCH):
            Gold.objects.filter(pk__in=keys).update(superseded_at=self.now)
            self._step(len(keys))

    def ask(self, user: User | None) -> None:
        """The same people get their items again, with what they keep as a draft; the rest is open to all."""
        if not self.effects.items:
            return
        asked = {(item, person) for item, person, _kept in self.effects.prefilled.values()}
        batch = self._batch(user) if asked else None
        for items in settling.batches(sorted(self.effects.items), BATCH):
            # Whoever was to think about an answer again gives another in its place.
            closing.stop_asking(Case.objects.open().filter(item__in=items))
            self._reopen(items, asked, batch)
            assigning.open_slots(project=self.project, items=self._too_few_slots(items))
        for keys in settling.batches(self.effects.prefilled, BATCH):
            drafts = ((key, self.effects.prefilled[key][2]) for key in keys)
            copying.copy(Annotation, drafts, differs=("answer",), same_for_all=self._unanswered)
            self._step(2 * len(keys))

    def _batch(self, user: User | None) -> Batch:
        return Batch.objects.create(
            project=self.project,
            about={"version": self.version.number},
            purpose=Batch.Purpose.AGAIN,
            note=self.version.change_note[:2000],
            created_by=user,
        )

    def _reopen(self, items: Sequence[int], asked: set[tuple[int, int]], batch: Batch | None) -> None:
        """The slots of these items wait again, as many as the overlap asks for; what was asked beyond it is not again."""
        wanted = assigning.wanted(self.project, items)
        # Not those whose answer was set aside: that person is not asked, and another has the place.
        slots = Assignment.objects.filter(item__in=items).exclude(state=Assignment.State.ASIDE)
        theirs: list[int] = []
        anybodys: list[int] = []
        closed: list[tuple[bool, int, int, int]] = []
        for pk, item, person, slot, state in slots.values_list("pk", "item_id", "annotator_id", "slot", "state"):
            if state in Assignment.ANSWERED:
                closed.append(((item, person) not in asked, slot, pk, item))
            else:
                wanted[item] -= 1
        spare: list[int] = []
        # Whoever is asked again comes first, and the first slots before later ones.
        for is_anybodys, _slot, pk, item in sorted(closed):
            if not is_anybodys:
                theirs.append(pk)
            elif wanted[item] > 0:
                anybodys.append(pk)
            else:
                spare.append(pk)
            wanted[item] -= 1
        cleared: dict[str, Any] = {"token": None, "lease_until": None}
        Assignment.objects.filter(pk__in=theirs).update(state=Assignment.State.ASSIGNED, batch=batch, **cleared)
        Assignment.objects.filter(pk__in=anybodys).update(
            state=Assignment.State.OPEN, batch=None, annotator=None, **cleared
        )
        Assignment.objects.filter(pk__in=spare).delete()

    def _too_few_slots(self, items: Sequence[int]) -> list[int]:
        """Items that came with their gold and were never given out, or that measured people until now."""
        given = set(Assignment.objects.filter(item__in=items).values_list("item_id", flat=True))
        return [item for item in items if item not in given or item in self.effects.released]

    @property
    def _unanswered(self) -> dict[str, Any]:
        """What of a draft is as if the person had just begun with the item."""
        kept = {"id", "project", "item", "annotator", "again", "answer", "earlier"}
        blank = Annotation(project=self.project, guideline_version=self.version)
        return {
            field.name: getattr(blank, field.attname)
            for field in Annotation._meta.concrete_fields
            if field.name not in kept
        }

    def move_cases(self) -> None:
        """Cases of what is asked again, or asked no more, are closed; a renamed question takes its own with it."""
        names = [entry["name"] for entry in self.version.schema["questions"]]
        cases = Case.objects.open().filter(project=self.project)
        for old, told in self.plan.items():
            if "to" in told:
                cases.filter(question=old).update(question=told["to"])
        closing.close(cases.exclude(question__in=names))
        self._map_cases(cases)
        by_questions: dict[str, list[int]] = {}
        for item, questions in self.effects.items.items():
            for name in questions:
                by_questions.setdefault(self.plan[name].get("to", name), []).append(item)
        for name, items in by_questions.items():
            for batch in settling.batches(items, BATCH):
                closing.close(cases.filter(question=name, item__in=batch))

    def _map_cases(self, cases: QuerySet[Case]) -> None:
        """What people agreed on, and which labels are confused, under the new names of the labels."""
        for old, told in self.plan.items():
            if not (names := told.get("labels")):
                continue
            entry = schemas.question(self.version.schema, told.get("to", old))
            rows = list(cases.filter(question=entry["name"]).only("agreed", "pairs"))
            for case in rows:
                case.agreed, case.pairs = _relabelled(case.agreed, names, entry), _paired(case.pairs, names)
            Case.objects.bulk_update(rows, ["agreed", "pairs"], batch_size=500)

    def settle(self) -> None:
        """Where labels were merged, people may agree now: cases that the answers settle are closed."""
        merged = {name: told["labels"] for name, told in self.plan.items() if told.get("labels")}
        if not merged:
            return
        names = [self.plan[name].get("to", name) for name in merged]
        open_ = Case.objects.open().filter(project=self.project, question__in=names)
        # Where some answer was mapped, merged labels may settle what people differed in.
        mapped = Annotation.objects.filter(item=OuterRef("item"), guideline_version=self.version, mapped=True)
        items = sorted(set(open_.filter(Exists(mapped)).values_list("item_id", flat=True)))
        for batch in settling.batches(items, BATCH):
            settling.hold(batch)
            settling.settle(project=self.project, version=self.version, items=batch)


def _relabelled(value: Any, names: Mapping[str, str | None], question: dict[str, Any]) -> Any:
    """A value under the new names; as it is where these leave nothing that the question takes."""
    kind = KINDS[question["kind"]]
    if value is None or kind.relabel is None:
        return value
    try:
        return kind.clean(kind.relabel(value, names, question), question)
    except ValueError:
        return value


def _paired(pairs: str, names: Mapping[str, str | None]) -> str:
    """`Case.pairs` under the new names; what is one label now is confused no more."""
    told = [line.split("\t") for line in pairs.split("\n") if line]
    found = {tuple(sorted(names.get(label, label) or "" for label in pair)) for pair in told}
    return "".join(f"\n{one}\t{other}\n" for one, other in sorted(found) if one != other)


def _joined(distribution: list[dict[str, Any]] | None, names: Mapping[str, str | None]) -> Any:
    """The distribution of soft gold under the new names of labels; what is the same now is counted together."""
    if not distribution or not names:
        return distribution
    counts: Counter[Any] = Counter()
    values: dict[str, Any] = {}
    for entry in distribution:
        value = entry["value"]
        value = names.get(value, value) if isinstance(value, str) else value
        counts[str(value)] += entry["n"]
        values[str(value)] = value
    return [{"value": values[key], "n": n} for key, n in counts.most_common()]


def _rule(rule: str, names: Mapping[str, str | None]) -> str:
    """“label:NAME” under the label's new name."""
    part, sign, name = rule.partition(":")
    return f"label:{names[name]}" if sign and part == "label" and names.get(name) else rule
