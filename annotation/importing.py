"""A file of documents or answers -> Documents, Items, Annotations and Gold, with a report row by row."""

import csv
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.db import connection, transaction
from django.utils.translation import gettext as _

from annotation import adjudicating, annotating, jobs, publishing, reading
from annotation import schema as schemas
from annotation.jobs import Grip, JobFailed, State
from annotation.models import (
    Annotation,
    Assignment,
    Case,
    Document,
    Gold,
    GuidelineVersion,
    Import,
    Item,
    Project,
    User,
    random_key,
)
from annotation.records import DEFAULTS, LABELS, OURS, Answer, Desk, Record, Refused, looks_like_annotations
from annotation.records import EXTRAS as EXTRAS
from annotation.records import FIELDS as FIELDS

BATCH = 1000
SHOWN = 200
MOST_LABELS = 500
COUNTED = ("rows", "new", "here", "same_text", "annotations", "gold", "cases")
ANNOTATOR_NAMES = ("annotator", "annotator_id", "rater", "coder", "user", "worker", "标注员", "标注者")


def prepare(
    *, project: Project, file: IO[bytes], filename: str, user: User | None, what: str = "items", **options: Any
) -> Import:
    """Store the upload and look at its first rows; raises ValueError where nothing can be read from it."""
    if strange := set(options) - set(DEFAULTS):
        raise ValueError(_("Unknown option: %(names)s.") % {"names": ", ".join(sorted(strange))})
    size = getattr(file, "size", None)
    if size is not None and size > settings.UPLOAD_LIMIT:
        raise ValueError(
            _("The file has %(size)d MB; at most %(most)d MB are taken here. Split it, or use the command.")
            % {"size": size // 2**20, "most": settings.UPLOAD_LIMIT // 2**20}
        )
    name = Path(filename.replace("\\", "/")).name[:255] or "file"
    row = Import(project=project, what=what, filename=name, created_by=user, state=State.PREPARED)
    row.file.save(name, File(file), save=False)
    try:
        row.options = _checked(
            {**DEFAULTS, **{key: value for key, value in options.items() if value not in (None, "")}}
        )
        look(row)
    except ValueError:
        row.file.delete(save=False)
        raise
    row.save()
    return row


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """Options of the kinds that they must be; the API's callers write them by hand."""
    for name, default in DEFAULTS.items():
        value, wanted = options[name], type(default)
        texts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if not isinstance(value, wanted) or (wanted is not bool and not all(isinstance(part, str) for part in texts)):
            raise ValueError(_("The option %(name)s must be %(kind)s.") % {"name": name, "kind": _kinds()[wanted]})
        if any(isinstance(part, str) and not _is_storable(part) for part in texts):
            raise ValueError(_("The option %(name)s holds characters that no text has.") % {"name": name})
    return options


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _kinds() -> dict[type, str]:
    return {str: _("a text"), bool: _("true or false"), list: _("a list of texts"), dict: _("an object of texts")}


def look(row: Import) -> dict[str, Any]:
    """Sniff format, encoding and columns into the row's options where they are not given; returns the preview."""
    options = row.options
    given = ("format", "encoding", "delimiter", "sheet", "root", "document_per")
    found = reading.sniff(
        Path(row.file.path),
        filename=row.filename,
        **{key: options[key] for key in given if options.get(key)},
        header=options["header"],
        columns=options["columns"] or None,
    )
    options["format"], options["encoding"] = found.format, found.encoding or ""
    options["delimiter"] = found.delimiter or ""
    columns = [column for column in found.columns if column not in OURS]
    if not options["mapping"]:
        options["mapping"] = _guess(row, columns, found.preview)
    options["seen_columns"] = columns
    options["warnings"] = list(found.warnings)
    return {"columns": columns, "rows": found.preview, "warnings": found.warnings, "sheets": found.sheets}


def _guess(row: Import, columns: list[str], preview: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What the names and first values of the columns say, for documents or for answers."""
    mapping = reading.guess_mapping(columns, preview)
    for name in ("annotations", "label"):
        if mapping.get(name) in row.options["annotator_columns"]:
            del mapping[name]
    listed = mapping.get("annotations")
    if listed and not any(looks_like_annotations(entry.get(listed)) for entry in preview):
        # A column called "annotation" that holds no list of annotators' answers is a label, or just a column.
        del mapping["annotations"]
        if "label" not in mapping and all(isinstance(entry.get(listed), (str, int, type(None))) for entry in preview):
            mapping["label"] = listed
    if "label" not in mapping and any(column.startswith("gold.") for column in columns):
        mapping["gold"] = "gold"
    if row.what == Import.What.ANNOTATIONS:
        known = {name: column for name, column in mapping.items() if name in ("id", "label", "annotations")}
        who = next((column for column in columns if column.strip().lower() in ANNOTATOR_NAMES), "")
        extra = {"annotator": who, "status": "status" if "status" in columns else ""}
        mapping = {**known, **{name: column for name, column in extra.items() if column}}
    return mapping


def check(row: Import) -> None:
    """Raise ValueError with a sentence where the chosen options cannot work."""
    options, mapping = row.options, row.options["mapping"]
    columns = options.get("seen_columns") or []
    needed = "id" if row.what == Import.What.ANNOTATIONS else "text"
    if not mapping.get(needed):
        raise ValueError(
            _("No column is chosen for “%(field)s”. The columns are: %(columns)s.")
            % {"field": needed, "columns": ", ".join(columns) or "–"}
        )
    for name in mapping:
        if name not in FIELDS + EXTRAS:
            raise ValueError(
                _("“%(field)s” is no field. Fields: %(all)s.") % {"field": name, "all": ", ".join(FIELDS + EXTRAS)}
            )
    chosen = [*mapping.items(), *(("annotator", column) for column in options["annotator_columns"])]
    # The first rows of a JSON file need not name every column.
    for name, column in chosen if options["format"] not in ("json", "jsonl") else []:
        gathered = any(entry.startswith(f"{column}.") for entry in columns)
        if column and columns and column not in columns and not gathered:
            raise ValueError(
                _("There is no column “%(column)s” (chosen for “%(field)s”). The columns are: %(columns)s.")
                % {"column": column, "field": name, "columns": ", ".join(columns)}
            )
    if options["labels"] not in LABELS or options["duplicates"] not in ("keep", "skip"):
        raise ValueError(_("labels is one of %(labels)s; duplicates is keep or skip.") % {"labels": ", ".join(LABELS)})
    if row.what == Import.What.ANNOTATIONS and row.project.version is None and not options["create_schema"]:
        raise ValueError(_("Publish a guideline first: answers need labels to be checked against."))
    if row.project.version is not None and options["question"]:
        schemas.question(row.project.version.schema, options["question"])


def start(row: Import) -> None:
    """Put a prepared import into the queue."""
    check(row)
    row.save(update_fields=["options"])
    jobs.begin(row)


def bring_in(row: Import) -> Import:
    """Do a prepared import here and now, without the queue (for commands); returns the row as it ended."""
    check(row)
    row.state = State.QUEUED
    row.save(update_fields=["options", "state"])
    jobs.run(Import, row.pk, work)
    row.refresh_from_db()
    return row


def rows_of(row: Import) -> Iterator[reading.Row]:
    """The file's rows as they come."""
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
    )


def work(row: Import, grip: Grip) -> dict[str, Any]:
    """Bring the file in, batch by batch; a batch is one transaction, and a second attempt adds nothing twice."""
    try:
        return Loader(row, grip).load()
    except reading.Unreadable as error:
        raise JobFailed(str(error)) from error


class Loader:
    """One pass over one file."""

    def __init__(self, row: Import, grip: Grip) -> None:
        self.row, self.grip = row, grip
        self.project = Project.objects.select_related("version").get(pk=row.project_id)
        self.options = {**DEFAULTS, **row.options}
        self.version: GuidelineVersion | None = self.project.version
        self.counts: Counter[str] = Counter()
        # What an attempt before this one had committed when it was lost.
        self.before: Counter[str] = Counter(row.report.get("so_far", {}))
        self.people: dict[str, User] = {}
        self.notes: Counter[str] = Counter()
        self.desk = self._desk()

    def _desk(self) -> Desk:
        schema = self.version.schema if self.version else None
        return Desk(self.options, schema=schema, filename=self.row.filename)

    def load(self) -> dict[str, Any]:
        """All of it; returns the changes for the import's row."""
        total = _lines(Path(self.row.file.path), self.options["format"])
        if self.version is None and self.options["create_schema"]:
            self._publish_schema()
        self._check_question()
        refused = _Refusals(self.options["format"], self.options.get("seen_columns") or [])
        try:
            for batch in adjudicating.batches(rows_of(self.row), BATCH):
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

    def _hold(self) -> None:
        """One import at a time writes to a project, and only under the guideline that its rows were checked against."""
        project = Project.objects.select_for_update(no_key=True).get(pk=self.project.pk)
        if project.version_id != (self.version.pk if self.version else None):
            raise JobFailed(_("The guideline was published anew while this file came in. Start the import again."))
        self.project.overlap = project.overlap

    def _so_far(self, refused: "_Refusals") -> dict[str, Any]:
        """What is committed by now, for the page and for an attempt after this one."""
        shown = {name: self.counts[name] for name in COUNTED}
        return {**shown, "refused": refused.count, "so_far": dict(self.before + self.counts)}

    def _report(self, refused: "_Refusals") -> dict[str, Any]:
        # Counted from the rows that stand, so that the figure is right after a second attempt too.
        new = Document.objects.filter(imported_in=self.row).count()
        both = self.before + self.counts
        keeps = self.options["duplicates"] == "keep"
        notes = self.desk.warnings + self.notes
        return {
            **{name: both[name] for name in ("annotations", "gold", "cases")},
            "rows": self.counts["rows"],
            "new": new,
            "here": self.counts["here"] - (new - self.counts["new"]),
            "same_text": (both if keeps else self.counts)["same_text"],
            "refused": refused.count,
            "problems": refused.shown,
            "warnings": [{"text": text, "count": count} for text, count in notes.most_common(50)],
            "annotators": sorted(self.people),
            "guideline_version": self.version.number if self.version else None,
        }

    # The schema that a file brings along

    def _publish_schema(self) -> None:
        """A first pass that collects the labels, then version 1 over them; without labels there is none."""
        labels = self._collect_labels()
        questions = [
            {"name": name, "kind": "choice", "required": name == self.desk.question, "labels": in_order(found)}
            for name, found in labels.items()
            if len(found) > 1
        ]
        try:
            if any(len(found) > MOST_LABELS for found in labels.values()):
                raise ValueError(
                    _("There are more than %(most)d different labels; is the right column chosen for “label”?")
                    % {"most": MOST_LABELS}
                )
            if labels and not questions:
                raise ValueError(_("The file holds only one label, and a question needs two."))
            if questions:
                self._publish(questions)
        except ValueError as error:
            if self.options["labels"] != "auto" or self.row.what == Import.What.ANNOTATIONS:
                raise JobFailed(str(error)) from error
            self.notes[_("no guideline was made from the labels: %(why)s") % {"why": error}] += 1
        self.desk = self._desk()

    def _publish(self, questions: list[dict[str, Any]]) -> None:
        self.version = publishing.publish_schema(
            project=self.project,
            schema={"questions": questions},
            user=self.row.created_by,
            text=_("Made from the labels of %(file)s. Write down what each label means.") % {"file": self.row.filename},
        )
        self.project.version = self.version

    def _collect_labels(self) -> dict[str, set[str]]:
        """question -> its labels, the question of plain labels first; stops where there are too many."""
        first = self.desk.question
        found: dict[str, set[str]] = {first: set()}
        for entry in rows_of(self.row):
            for name, label in self.desk.labels(entry.values) if entry.values is not None else ():
                found.setdefault(name, set()).add(label)
                if len(found[name]) > MOST_LABELS:
                    return found
            self.grip.check()
        return {name: labels for name, labels in found.items() if labels}

    def _check_question(self) -> None:
        if self.version is None or not self.options["question"]:
            return
        try:
            schemas.question(self.version.schema, self.options["question"])
        except ValueError as error:
            raise JobFailed(str(error)) from error

    # One row

    def _record(self, entry: reading.Row, refused: "_Refusals") -> Record | None:
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

    def _store(self, records: list[Record], refused: "_Refusals") -> None:
        if not records:
            return
        ids = {record.external_id for record in records}
        documents = Document.objects.filter(project=self.project, external_id__in=ids)
        known = dict(documents.values_list("external_id", "text_key"))
        if self._only_answers:
            present = [record for record in records if self._is_here(record, known, refused)]
        else:
            present = self._new_documents(records, known, refused)
        self._put_answers(present)

    def _is_here(self, record: Record, known: dict[str, str], refused: "_Refusals") -> bool:
        if record.external_id in known:
            return True
        refused.add(
            record.number,
            _("Row %(row)d: there is no item with the id “%(id)s” in this project.")
            % {"row": record.number, "id": record.external_id},
            record.values,
        )
        return False

    def _new_documents(self, records: list[Record], known: dict[str, str], refused: "_Refusals") -> list[Record]:
        """Create documents, items and slots for what is new; returns the records whose item exists afterwards."""
        twins = Document.objects.filter(project=self.project, text_key__in={record.key for record in records})
        keys = set(twins.values_list("text_key", flat=True))
        fresh: dict[str, Record] = {}
        here: dict[str, Record] = {}
        for record in records:
            twin = fresh.get(record.external_id)
            old_key = known.get(record.external_id) or (twin.key if twin else None)
            if old_key is not None and old_key != record.key:
                self._refuse_other_text(record, refused)
            elif old_key is not None:
                self.counts["here"] += 1
                if twin is None:
                    here.setdefault(record.external_id, record)
                elif (twin.gold, twin.answers) != (record.gold, record.answers):
                    self.notes[_("rows repeat an item with other labels or answers; those of its first row stand")] += 1
            elif record.key in keys and self.options["duplicates"] == "skip":
                self.counts["same_text"] += 1
            else:
                self.counts["same_text"] += record.key in keys
                keys.add(record.key)
                fresh[record.external_id] = record
        self._create(list(fresh.values()))
        return [*fresh.values(), *here.values()]

    def _refuse_other_text(self, record: Record, refused: "_Refusals") -> None:
        sentence = _(
            "Row %(row)d: the id “%(id)s” is taken by another text. Changed text is a new item: give it a new id."
        )
        refused.add(record.number, sentence % {"row": record.number, "id": record.external_id}, record.values)

    def _create(self, records: list[Record]) -> None:
        documents = Document.objects.bulk_create(
            Document(
                project=self.project,
                external_id=record.external_id,
                text=record.text,
                raw=record.raw,
                text_key=record.key,
                metadata=record.metadata,
                given_split=record.split,
                imported_in=self.row,
                **record.fields,
            )
            for record in records
        )
        items = Item.objects.bulk_create(Item(project=self.project, document=document) for document in documents)
        # What comes with gold needs no answers; what comes with answers needs only those that are missing.
        slots = [
            Assignment(project=self.project, item=item, slot=slot, key=random_key())
            for item, record in zip(items, records, strict=True)
            if not record.gold
            for slot in range(max(self.project.overlap, len(record.answers)))
        ]
        Assignment.objects.bulk_create(slots, batch_size=2000)
        self.counts["new"] += len(records)

    # Answers and gold

    def _put_answers(self, records: list[Record]) -> None:
        """Answers, gold and what follows from them, for records whose items exist."""
        merged = _merged(record for record in records if record.answers or record.gold)
        if not merged or self.version is None:
            return
        found = Item.objects.filter(project=self.project, document__external_id__in=merged)
        items = dict(found.values_list("document__external_id", "pk"))
        adjudicating.hold(sorted(items.values()))
        self._find_people({answer.annotator for record in merged.values() for answer in record.answers})
        given = [
            (items[name], self.people[answer.annotator], answer)
            for name, record in merged.items()
            for answer in record.answers
        ]
        self._write_answers(given)
        self._write_gold({items[name]: record.gold for name, record in merged.items() if record.gold})
        answered = [items[name] for name, record in merged.items() if record.answers]
        made = adjudicating.settle(project=self.project, version=self.version, items=answered)
        self.counts += Counter({name: made[name] for name in ("gold", "cases")})

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
        reason = answer.skip_reason if answer.skip_reason in annotating.SKIP_REASONS else "other"
        return Annotation(
            project=self.project,
            item_id=item,
            annotator=user,
            guideline_version=self.version,
            status=Annotation.Status.SKIPPED if answer.skipped else Annotation.Status.SUBMITTED,
            answer=answer.answer,
            skip_reason=reason if answer.skipped else "",
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
        taken: list[Assignment] = []
        added: list[Assignment] = []
        for (item, user), annotation in fresh.items():
            state = Assignment.State.SKIPPED if annotation.status == "skipped" else Assignment.State.DONE
            if free.get(item):
                row = free[item].pop()
                row.annotator_id, row.state = user, state
                taken.append(row)
            else:
                added.append(
                    Assignment(project=self.project, item_id=item, slot=last[item], annotator_id=user, state=state)
                )
                last[item] += 1
        Assignment.objects.bulk_update(taken, ["annotator", "state"], batch_size=500)
        Assignment.objects.bulk_create(added, batch_size=2000)

    def _write_gold(self, gold: dict[int, dict[str, Any]]) -> None:
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
        adjudicating.close_cases(
            pk for pk, item, name in waiting.values_list("pk", "item_id", "question") if (item, name) in settled
        )


def _count_rows() -> None:
    """Tell PostgreSQL's planner what came in: until it knows, it takes the new project for empty and sorts its slots."""
    if connection.vendor == "postgresql":
        tables = [model._meta.db_table for model in (Document, Item, Assignment, Annotation, Gold)]
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(tables)}")


def _merged(records: Iterator[Record]) -> dict[str, Record]:
    """Rows of one item joined (an answers file has a row per answer)."""
    merged: dict[str, Record] = {}
    for record in records:
        first = merged.setdefault(record.external_id, record)
        if first is not record:
            first.answers.extend(record.answers)
            first.gold.update(record.gold)
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


class _Refusals:
    """Refused rows as a file that can be mended and sent again, in the form that they came in."""

    def __init__(self, format: str, columns: list[str]) -> None:
        self.table = format in ("csv", "tsv", "xlsx")
        self.columns = columns
        self.count = 0
        self.shown: list[dict[str, Any]] = []
        self.file: IO[str] = tempfile.TemporaryFile(  # noqa: SIM115 - close() lets it go
            "w+", encoding="utf-8", newline="", dir=settings.FILE_UPLOAD_TEMP_DIR
        )
        self.writer: Any = None

    def add(self, number: int, problem: str, values: dict[str, Any]) -> None:
        """Note one refused row."""
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append({"row": number, "problem": problem[:500]})
        if self.table:
            self._add_cells({**values, "_row": number, "_problem": problem})
        else:
            line = {**values, "_row": number, "_problem": problem}
            self.file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def _add_cells(self, values: dict[str, Any]) -> None:
        if self.writer is None:
            # The marker column tells the reader that cells were made safe for spreadsheets, to be undone.
            names = [*self.columns, *OURS, reading.MARKER_COLUMN]
            self.writer = csv.DictWriter(self.file, names, extrasaction="ignore", restval="")
            self.writer.writeheader()
        self.writer.writerow(
            {name: reading.neutralise("" if value is None else str(value)) for name, value in values.items()}
        )

    def stored(self, row: Import) -> dict[str, Any]:
        """The file kept beside the import, where anything was refused."""
        if not self.count:
            return {"refused": ""}
        self.file.flush()
        raw = self.file.buffer  # type: ignore[attr-defined]
        raw.seek(0)
        row.refused.save(f"refused.{'csv' if self.table else 'jsonl'}", File(raw), save=False)
        return {"refused": row.refused.name}

    def close(self) -> None:
        """Let the temporary file go."""
        self.file.close()
