"""One pass over an imported file: batch by batch its rows become Documents, Items, Annotations and Gold, or are refused."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import (
    annotating,
    assigning,
    closing,
    controlling,
    overlaps,
    pooling,
    publishing,
    reading,
    settling,
    suggesting,
)
from annotation import schema as schemas
from annotation.companies import missing_from_file
from annotation.inserting import insert
from annotation.jobs import Grip, JobFailed
from annotation.kinds import KINDS, score
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Document,
    Explanation,
    Gold,
    GuidelineVersion,
    Import,
    Item,
    Project,
    User,
    random_key,
)
from annotation.records import DEFAULTS, Answer, Desk, Record, Refused, gatherer, is_number
from annotation.refusals import Refusals
from annotation.text.furniture import Repeats

BATCH = 1000
MOST_LABELS = 500
# Rows in which lines that repeat are looked for.
LOOKED_AT = 20_000
# The one item of a document that is not cut.
WHOLE: list[tuple[int | None, int | None]] = [(None, None)]
# The columns of a new document, as `_create` fills them, and those that its row describes.
DESCRIBED = ("title", "source_type", "language", "published_at", "issuer", "url", "reference")
DOCUMENT = ("external_id", "text", "raw", "cleaning", "text_key", "metadata", "candidates", "given_split", *DESCRIBED)
COUNTED = ("rows", "new", "here", "same_text", "annotations", "gold", "cases")


def rows_of(row: Import, told: reading.Told | None = None) -> Iterator[reading.Row]:
    """The file's rows as they come; into `told` goes what the file says beside them."""
    options = {**DEFAULTS, **row.options}
    return reading.rows(
        Path(row.file.path),
        format=options["format"],
        encoding=options["encoding"] or None,
        delimiter=options["delimiter"] or None,
        header=options["header"],
        columns=options["columns"] or None,
        sheet=options["sheet"] or None,
        document_per=options["document_per"],
        root=options["root"] or None,
        tags=options["label_map"],
        told=told,
    )


@dataclass
class Seen:
    """What a file's first pass saw of the answers to one question."""

    labels: set[str] = field(default_factory=set)
    lists: bool = False
    empty: bool = False
    # A list that names a label twice is no set: a tag for each word, perhaps.
    repeats: bool = False
    # What answers of kinds that a file can tell need of their question, by kind.
    gathered: dict[str, dict[str, set[Any]]] = field(default_factory=dict)
    numbers: set[float] = field(default_factory=set)

    def add(self, given: Any) -> None:
        """One answer: a label, a number, a list of labels, or what a kind gathers."""
        if is_number(given):
            self.numbers.add(given)
            return
        if kind := gatherer(given):
            assert kind.gather is not None
            kind.gather(given, self.gathered.setdefault(kind.name, {}))
            return
        if isinstance(given, str):
            self.labels.add(given)
            return
        self.labels.update(given)
        self.lists |= bool(given)
        self.empty |= not given
        self.repeats |= len(set(given)) < len(given)

    @property
    def size(self) -> int:
        """How many labels there are."""
        return len(self.labels) + sum(len(seen.get("labels", ())) for seen in self.gathered.values())

    def question(self, name: str) -> dict[str, Any] | None:
        """A question that takes these answers; None where there is only one label to choose."""
        if self.gathered and not self.labels:
            kind, seen = next(iter(self.gathered.items()))
            return {"name": name, "kind": kind, **KINDS[kind].propose(seen)}
        if self.numbers and not self.labels:
            return {"name": name, "kind": "score", **score.scale(self.numbers)}
        if len(self.labels) < 2:
            return None
        told = {"kind": "choices", "least": 0 if self.empty else 1} if self.lists else {"kind": "choice"}
        return {"name": name, "labels": in_order(self.labels), **told}


class Loader:
    """One pass over one file."""

    def __init__(self, row: Import, grip: Grip) -> None:
        self.row, self.grip = row, grip
        self.project = Project.objects.select_related("version").get(pk=row.project_id)
        self.rules = overlaps.parse(self.project.overlap_rules)
        self.options = {**DEFAULTS, **row.options}
        self.version: GuidelineVersion | None = self.project.version
        self.counts: Counter[str] = Counter()
        # What an attempt before this one had committed when it was lost.
        self.before: Counter[str] = Counter(row.report.get("so_far", {}))
        self.people: dict[str, User] = {}
        self.notes: Counter[str] = Counter()
        self.repeated: frozenset[str] = frozenset()
        self.told = reading.Told()
        self.desk = self._desk()

    def _desk(self) -> Desk:
        schema = self.version.schema if self.version else None
        return Desk(
            self.options,
            schema=schema,
            filename=self.row.filename,
            missing=missing_from_file(self.row.project_id),
            repeated=self.repeated,
        )

    def load(self) -> dict[str, Any]:
        """All of it; returns the changes for the import's row."""
        total = _lines(Path(self.row.file.path), self.options["format"])
        if "boilerplate" in self.options["clean"]:
            self.repeated = self._repeats()
            self.desk = self._desk()
        if self.version is None and self.options["create_schema"]:
            self._publish_schema()
        self._check_question()
        refused = Refusals(self.options["format"], self.options.get("seen_columns") or [])
        try:
            for batch in settling.batches(rows_of(self.row, self.told), BATCH):
                records = [record for entry in batch if (record := self._record(entry, refused))]
                self.grip.check()
                self.counts["rows"] += len(batch)
                with transaction.atomic():
                    self._hold()
                    self._store(records, refused)
                    self.grip.hold(report=self._so_far(refused))
                self.grip.tick(self.counts["rows"], total if total >= self.counts["rows"] else 0, _("reading"))
            _count_rows()
            return {"report": self._report(refused), **refused.stored(self.row)}
        finally:
            refused.close()

    def _repeats(self) -> frozenset[str]:
        """A look at the first rows for lines that many texts begin or end with."""
        texts = (self.desk.plain(entry.values) for entry in islice(rows_of(self.row), LOOKED_AT) if entry.values)
        found = Repeats()
        for text in texts:
            self.grip.check()
            found.add(text)
        return found.common()

    def _hold(self) -> None:
        """One import at a time writes to a project, and only under the guideline that its rows were checked against."""
        project = Project.objects.select_for_update(no_key=True).get(pk=self.project.pk)
        if project.version_id != (self.version.pk if self.version else None):
            raise JobFailed(_("The guideline was published anew while this file came in. Start the import again."))
        self.project.overlap, self.project.overlap_rules = project.overlap, project.overlap_rules
        self.rules = overlaps.parse(project.overlap_rules)

    def _so_far(self, refused: Refusals) -> dict[str, Any]:
        """What is committed by now, for the page and for an attempt after this one."""
        shown = {name: self.counts[name] for name in COUNTED}
        return {**shown, "refused": refused.count, "so_far": dict(self.before + self.counts)}

    def _report(self, refused: Refusals) -> dict[str, Any]:
        # Counted from the rows that stand, so that the figure is right after a second attempt too.
        new = Document.objects.filter(imported_in=self.row).count()
        both = self.before + self.counts
        keeps = self.options["duplicates"] == "keep"
        notes = self.desk.warnings + self.notes + self.told.lost
        return {
            **{name: both[name] for name in ("annotations", "gold", "cases", "suggestions")},
            "rows": self.counts["rows"],
            "new": new,
            "here": self.counts["here"] - (new - self.counts["new"]),
            "same_text": (both if keeps else self.counts)["same_text"],
            "refused": refused.count,
            "problems": refused.shown,
            "warnings": [{"text": text, "count": count} for text, count in notes.most_common(50)],
            "items": Item.objects.filter(document__imported_in=self.row).count() if self._cuts else new,
            "cleaned": dict(self.desk.cleaned),
            "languages": {name or "unknown": count for name, count in self.desk.languages.most_common()},
            "annotators": sorted(self.people),
            "guideline_version": self.version.number if self.version else None,
        }

    @property
    def _cuts(self) -> bool:
        return bool(self.options["segment"] != "document")

    # The schema that a file brings along

    def _publish_schema(self) -> None:
        """A first pass that collects the labels, then version 1 over them; without labels there is none."""
        told = reading.Told()
        found = self._collect_labels(told)
        if asked := told.schema() if self.options["labels"] != "ignore" else []:
            self._publish_asked(asked, told.text)
            marked = [entry["name"] for entry in asked if entry["kind"] == "spans"]
            self.row.options["marked"] = self.options["marked"] = marked
            Import.objects.filter(pk=self.row.pk).update(options=self.row.options)
            self.desk = self._desk()
            return
        first = self.desk.question if self.desk.question in found else next(iter(found), "")
        try:
            if any(seen.size > MOST_LABELS for seen in found.values()):
                raise ValueError(
                    _("There are more than %(most)d different labels; is the right column chosen for “label”?")
                    % {"most": MOST_LABELS}
                )
            questions = [
                {**question, "required": name == first}
                for name, seen in found.items()
                if (question := seen.question(name)) is not None
            ]
            if found and not questions:
                raise ValueError(_("The file holds only one label, and a question needs two."))
            if questions:
                self._publish(questions)
        except ValueError as error:
            if self.options["labels"] != "auto" or self.row.what == Import.What.ANNOTATIONS:
                raise JobFailed(str(error)) from error
            self.notes[_("no guideline was made from the labels: %(why)s") % {"why": error}] += 1
        self.desk = self._desk()

    def _publish_asked(self, questions: list[dict[str, Any]], text: str) -> None:
        """Version 1 over the questions that a file of another tool asks, with the words of its guideline."""
        if not any(question["required"] for question in questions):
            questions[0]["required"] = True
        try:
            self._publish(questions, text)
        except ValueError as error:
            raise JobFailed(str(error)) from error
        self.desk = self._desk()

    def _publish(self, questions: list[dict[str, Any]], words: str = "") -> None:
        self.version = publishing.publish_schema(
            project=self.project,
            schema={"questions": questions},
            user=self.row.created_by,
            text=words
            or _("Made from the labels of %(file)s. Write down what each label means.") % {"file": self.row.filename},
        )
        self.project.version = self.version

    def _collect_labels(self, told: reading.Told) -> dict[str, "Seen"]:
        """question -> its labels, the question of plain labels first; stops where there are too many."""
        found: dict[str, Seen] = {self.desk.question: Seen()}
        for entry in rows_of(self.row, told):
            for name, given in self.desk.labels(entry.values) if entry.values is not None else ():
                seen = found.setdefault(name, Seen())
                seen.add(given)
                if seen.size > MOST_LABELS and not told.questions:
                    return found
            self.grip.check()
        return {name: seen for name, seen in found.items() if (seen.size or seen.numbers) and not seen.repeats}

    def _check_question(self) -> None:
        if self.version is None or not self.options["question"]:
            return
        try:
            schemas.question(self.version.schema, self.options["question"])
        except ValueError as error:
            raise JobFailed(str(error)) from error

    # One row

    def _record(self, entry: reading.Row, refused: Refusals) -> Record | None:
        if entry.values is None:
            refused.add(entry.number, entry.problem or "", {})
            return None
        try:
            return self.desk.answers(entry) if self._only_answers else self.desk.document(entry)
        except Refused as error:
            refused.add(entry.number, str(error), entry.values)
            return None

    @property
    def _only_answers(self) -> bool:
        return bool(self.row.what == Import.What.ANNOTATIONS)

    # One batch

    def _store(self, records: list[Record], refused: Refusals) -> None:
        if not records:
            return
        ids = {record.external_id for record in records}
        documents = Document.objects.filter(project=self.project, external_id__in=ids)
        known = dict(documents.values_list("external_id", "text_key"))
        if self._only_answers:
            present = [record for record in records if self._is_here(record, known, refused)]
            present = self._against_items(present, refused)
        else:
            present = self._new_documents(records, known, refused)
        self._put_answers(present)

    def _is_here(self, record: Record, known: dict[str, str], refused: Refusals) -> bool:
        if record.external_id in known:
            return True
        refused.add(
            record.number,
            _("Row %(row)d: there is no item with the id “%(id)s” in this project.")
            % {"row": record.number, "id": record.external_id},
            record.values,
        )
        return False

    def _against_items(self, records: list[Record], refused: Refusals) -> list[Record]:
        """The records whose answers stand up to the item, where answers are about its words; one query."""
        schema = self.version.schema if self.version else {"questions": []}
        if not any(KINDS[entry["kind"]].needs_item(entry) for entry in schema["questions"]):
            return records
        rows = Item.objects.filter(
            project=self.project, document__external_id__in=[record.external_id for record in records]
        )
        items: dict[str, list[Item]] = {}
        for item in rows.select_related("document").order_by("start"):
            items.setdefault(item.document.external_id, []).append(item)
        kept = []
        for record in records:
            try:
                self._check_against(record, items[record.external_id])
            except Refused as error:
                refused.add(record.number, str(error), record.values)
            else:
                kept.append(record)
        return kept

    def _check_against(self, record: Record, items: list[Item]) -> None:
        """Raise Refused where answers do not stand up to their item, or to the document whose passages the items are."""
        if items[0].start is None:
            return self.desk.check(record, items[0].about)
        document = items[0].document
        self.desk.check(record, replace(items[0].about, text=document.text))
        try:
            record.divided([(item.start or 0, item.end or 0) for item in items], self.desk.schema or {})
        except ValueError as error:
            raise Refused(_("Row %(row)d: %(problem)s") % {"row": record.number, "problem": error}) from None
        return None

    def _new_documents(self, records: list[Record], known: dict[str, str], refused: Refusals) -> list[Record]:
        """Create documents, items and slots for what is new; returns the records whose item exists afterwards."""
        twins = Document.objects.filter(project=self.project, text_key__in={record.key for record in records})
        keys = set(twins.values_list("text_key", flat=True))
        fresh: dict[str, Record] = {}
        here: dict[str, Record] = {}
        for record in records:
            twin = fresh.get(record.external_id) or here.get(record.external_id)
            old_key = known.get(record.external_id) or (twin.key if twin else None)
            if old_key is not None and old_key != record.key:
                self._refuse_other_text(record, refused)
            elif old_key is not None:
                self.counts["here"] += 1
                if twin is None:
                    here[record.external_id] = record
                elif not twin.take_in(record):
                    self.notes[_("rows repeat an item with other labels or answers; those of its first row stand")] += 1
            elif record.key in keys and self.options["duplicates"] == "skip":
                self.counts["same_text"] += 1
            else:
                self.counts["same_text"] += record.key in keys
                keys.add(record.key)
                fresh[record.external_id] = record
        self._create(list(fresh.values()))
        return [*fresh.values(), *here.values()]

    def _refuse_other_text(self, record: Record, refused: Refusals) -> None:
        sentence = _(
            "Row %(row)d: the id “%(id)s” is taken by another text. Changed text is a new item: give it a new id."
        )
        refused.add(record.number, sentence % {"row": record.number, "id": record.external_id}, record.values)

    def _create(self, records: list[Record]) -> None:
        if not records:
            return
        insert(
            Document,
            DOCUMENT,
            (
                (
                    record.external_id,
                    record.text,
                    record.raw,
                    record.cleaned,
                    record.key,
                    record.metadata,
                    record.candidates,
                    record.split,
                    *(record.fields.get(name, "") for name in DESCRIBED),
                )
                for record in records
            ),
            project_id=self.project.pk,
            imported_in_id=self.row.pk,
        )
        items = self._create_items(records)
        self._put_roles(items)
        # What comes with gold needs no answers; what comes with answers needs only those that are missing.
        insert(
            Assignment,
            ("item_id", "slot", "key"),
            (
                (item, slot, random_key())
                for item, record in items
                if not record.gold and not self._goes_into_pool(record)
                for slot in range(max(self._wanted(record), len(record.answers)))
            ),
            project_id=self.project.pk,
        )
        pooling.sort(self.project, [item for item, _record in items])
        self.counts["new"] += len(records)

    def _create_items(self, records: list[Record]) -> list[tuple[int, Record]]:
        """The items of new documents, in their order, each with its record."""
        now = timezone.now()
        ids = {record.external_id: record for record in records}
        documents = Document.objects.filter(project=self.project, external_id__in=ids)
        known = dict(documents.values_list("external_id", "pk"))
        insert(
            Item,
            ("document_id", "start", "end", "role", "role_since", "in_pool"),
            (
                (
                    known[record.external_id],
                    start,
                    end,
                    record.role,
                    now if record.role != Item.Role.WORK else None,
                    self._goes_into_pool(record),
                )
                for record in records
                for start, end in record.segments or WHOLE
            ),
            project_id=self.project.pk,
            created_at=now,
        )
        rows = Item.objects.filter(document__in=known.values()).order_by("pk")
        return [
            (pk, ids[name]) for pk, name in rows.values_list("pk", "document__external_id").iterator(chunk_size=BATCH)
        ]

    def _goes_into_pool(self, record: Record) -> bool:
        """What comes with answers or gold is labelled already, and what measures people is drawn otherwise."""
        plain = record.role == Item.Role.WORK and not record.gold and not record.answers
        return bool(self.options["pool"]) and plain

    def _leave_pool(self, answered: list[int], settled: list[int]) -> None:
        """Items of the pool that answers or gold came for later are in it no more; the answered ones get their slots."""
        inside = Item.objects.filter(pk__in=[*answered, *settled], in_pool=True)
        left = set(inside.values_list("pk", flat=True))
        if left:
            inside.update(in_pool=False)
            open_ = left.intersection(answered).difference(settled)
            assigning.open_slots(project=self.project, items=sorted(open_))

    def _put_roles(self, items: list[tuple[int, Record]]) -> None:
        """What training items teach; an item with a text of dev or test is one of work, whatever the file says."""
        measuring = [item for item, record in items if record.role != Item.Role.WORK]
        if not measuring:
            return
        tested = controlling.refusals(self.project)["held_out"].filter(pk__in=measuring)
        back = set(tested.values_list("pk", flat=True))
        Item.objects.filter(pk__in=back).update(role=Item.Role.WORK, role_since=None)
        if back:
            self.notes[_("control or training items have the text of an item of dev or test and are items of work")] += len(back)  # fmt: skip
        Explanation.objects.bulk_create(
            Explanation(item_id=item, **record.explanation)
            for item, record in items
            if record.role == Item.Role.TRAINING and item not in back
        )
        controlling.recount(self.project)

    def _wanted(self, record: Record) -> int:
        """How many answers the record's item is to have."""
        fields = {**record.fields, "split": record.split}
        return overlaps.wanted(self.project.overlap, self.rules, name=record.external_id, fields=fields)

    # Answers and gold

    def _put_answers(self, records: list[Record]) -> None:
        """Answers, gold and what follows from them, for records whose items exist."""
        self._put_suggestions([record for record in records if record.suggestions])
        merged = _merged(record for record in records if record.answers or record.gold)
        if not merged or self.version is None:
            return
        items = self._parted(merged)
        settling.hold(sorted(items))
        self._leave_pool(
            [item for item, record in items.items() if record.answers],
            [item for item, record in items.items() if record.gold],
        )
        self._find_people({answer.annotator for record in items.values() for answer in record.answers})
        given = [
            (item, self.people[answer.annotator], answer) for item, record in items.items() for answer in record.answers
        ]
        self._write_answers(given)
        self._write_gold(
            {item: record.gold for item, record in items.items() if record.gold},
            {item: record.spread for item, record in items.items() if record.spread},
        )
        answered = [item for item, record in items.items() if record.answers]
        made = settling.settle(project=self.project, version=self.version, items=answered)
        self.counts += Counter({name: made[name] for name in ("gold", "cases")})

    def _parted(self, merged: dict[str, Record]) -> dict[int, Record]:
        """item -> its record; of a document that is cut each passage gets what stands in it."""
        assert self.version is not None
        found = Item.objects.filter(project=self.project, document__external_id__in=merged).order_by("pk")
        whole: dict[int, Record] = {}
        cut: dict[str, list[tuple[int, int, int]]] = {}
        for name, item, start, end in found.values_list("document__external_id", "pk", "start", "end"):
            if start is None or end is None:
                whole[item] = merged[name]
            else:
                cut.setdefault(name, []).append((start, end, item))
        for name, places in cut.items():
            places.sort()
            try:
                parts = merged[name].divided([(start, end) for start, end, _item in places], self.version.schema)
            except ValueError:
                self.notes[_("answers that do not fit the passages of their document were left out")] += 1
            else:
                whole |= {item: part for (_s, _e, item), part in zip(places, parts, strict=True)}
        return whole

    def _put_suggestions(self, records: list[Record]) -> None:
        """What models propose for items that exist; what their source said before stands."""
        if not records or self.version is None:
            return
        names = {record.external_id: record for record in records}
        # What is proposed for a whole document fits none of its passages.
        found = Item.objects.filter(project=self.project, document__external_id__in=names, start=None)
        proposals = []
        for name, item in found.values_list("document__external_id", "pk"):
            for entry in names[name].suggestions:
                try:
                    told = suggesting.source(entry["source"]), suggesting.score(entry["score"])
                except ValueError:
                    self.notes[_("suggestions that do not fit the questions were left out")] += 1
                else:
                    proposals.append(suggesting.Proposal(item, entry["question"], entry["value"], *told))
        if proposals:
            self.counts["suggestions"] += suggesting.put(project=self.project, proposals=proposals)["new"]

    def _find_people(self, names: set[str]) -> None:
        for name in sorted(names - set(self.people)):
            self.people[name] = imported_annotator(self.project, name)

    def _write_answers(self, given: list[tuple[int, User, Answer]]) -> None:
        """Answers of people who have not answered the item yet; what is there stands."""
        assert self.version is not None
        known = Annotation.objects.filter(item__in={item for item, _user, _answer in given})
        known = known.filter(superseded_at=None) | known.filter(guideline_version=self.version)
        there = {(item, user): answer for item, user, answer in known.values_list("item_id", "annotator_id", "answer")}
        fresh: dict[tuple[int, int], Annotation] = {}
        for item, user, answer in given:
            place = item, user.pk
            if place not in there:
                there[place] = answer.answer
                fresh[place] = self._annotation(item, user, answer)
            elif there[place] != answer.answer:
                self.notes[_("answers differ from those that were here already, which stand")] += 1
        Annotation.objects.bulk_create(fresh.values(), batch_size=2000)
        self.counts["annotations"] += len(fresh)
        self._fill_slots(fresh)

    def _annotation(self, item: int, user: User, answer: Answer) -> Annotation:
        status = "undecided" if answer.undecided else "skipped" if answer.skipped else "submitted"
        return Annotation(
            project=self.project,
            item_id=item,
            annotator=user,
            guideline_version=self.version,
            status=status,
            answer=answer.answer,
            skip_reason=_reason(answer.skip_reason, status),
            confidence=answer.confidence if status == "submitted" else None,
            comment=answer.comment,
            seconds=answer.seconds,
        )

    def _fill_slots(self, fresh: dict[tuple[int, int], Annotation]) -> None:
        """Each imported answer takes an open slot of its item, or a new one where none is left."""
        slots = Assignment.objects.filter(item__in={item for item, _user in fresh})
        last: Counter[int] = Counter()
        for item, slot in slots.values_list("item_id", "slot"):
            last[item] = max(last[item], slot + 1)
        free: dict[int, list[Assignment]] = {}
        # Locked, so that nobody is given one of them meanwhile.
        for row in slots.filter(state=Assignment.State.OPEN).select_for_update().order_by("-slot"):
            free.setdefault(row.item_id, []).append(row)
        taken: dict[tuple[int, str], list[int]] = {}
        state: str
        added: list[Assignment] = []
        for (item, user), annotation in fresh.items():
            state = Assignment.State.DONE if annotation.status == "submitted" else Assignment.State.SKIPPED
            if free.get(item):
                taken.setdefault((user, state), []).append(free[item].pop().pk)
            else:
                added.append(
                    Assignment(project=self.project, item_id=item, slot=last[item], annotator_id=user, state=state)
                )
                last[item] += 1
        # A statement per annotator: a batch has many rows and few of them.
        for (user, state), slots_of_one in taken.items():
            Assignment.objects.filter(pk__in=slots_of_one).update(annotator=user, state=state)
        Assignment.objects.bulk_create(added, batch_size=2000)

    def _write_gold(self, gold: dict[int, dict[str, Any]], spread: dict[int, dict[str, Any]]) -> None:
        """Imported gold never replaces gold that is there; a case that waits for it is closed by it."""
        if not gold:
            return
        there = set(Gold.objects.current().filter(item__in=gold).values_list("item_id", "question"))
        self._find_people({self.desk.annotator})
        rows = [
            Gold(
                project=self.project,
                item_id=item,
                question=question,
                value=value,
                distribution=spread.get(item, {}).get(question),
                reason="ambiguous" if spread.get(item, {}).get(question) else "",
                method=Gold.Method.IMPORTED,
                note=self.row.filename,
                settled_by=self.people[self.desk.annotator],
                guideline_version=self.version,
            )
            for item, answer in gold.items()
            for question, value in answer.items()
            if (item, question) not in there
        ]
        Gold.objects.bulk_create(rows, batch_size=2000)
        self.counts["gold"] += len(rows)
        waiting = Case.objects.open().filter(item__in=gold)
        settled = {(row.item_id, row.question) for row in rows}
        told = waiting.values_list("pk", "item_id", "question")
        closing.close(Case.objects.filter(pk__in=[pk for pk, item, name in told if (item, name) in settled]))


def _count_rows() -> None:
    """Tell PostgreSQL's planner what came in: until it knows, it takes the new project for empty and sorts its slots."""
    if connection.vendor == "postgresql":
        tables = [model._meta.db_table for model in (Document, Item, Assignment, Annotation, Gold)]
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(tables)}")


def _reason(given: str, status: str) -> str:
    """The code as the file has it where it is one of ours."""
    if given in annotating.WITHOUT_ANSWER.get(status, {}):
        return given
    return "other" if status == "skipped" else ""


def _merged(records: Iterator[Record]) -> dict[str, Record]:
    """Rows of one item joined (an answers file has a row per answer)."""
    merged: dict[str, Record] = {}
    for record in records:
        first = merged.setdefault(record.external_id, record)
        if first is not record:
            first.answers.extend(record.answers)
            first.gold.update(record.gold)
            first.spread.update(record.spread)
    return merged


def in_order(labels: set[str]) -> list[str]:
    """Labels as a person would list them: numbers by size, words by alphabet."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)


def imported_annotator(project: Project, name: str) -> User:
    """The user who stands for an annotator named in a file: belongs to this project and can never sign in."""
    found = User.objects.filter(imported_for=project, name=name).first()
    if found:
        return found
    mark = hashlib.sha256(name.encode()).hexdigest()[:12]
    user = User(username=f"import-{project.pk}-{mark}", name=name, imported_for=project, is_active=False)
    user.set_unusable_password()
    user.save()
    return user


def _lines(path: Path, format: str) -> int:
    """A quick guess of the number of rows for the progress: lines of a text file, else unknown (0)."""
    if format not in ("csv", "tsv", "jsonl", "txt"):
        return 0
    with path.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            return 0
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) + 1
