"""A file of documents or answers -> Documents, Items, Annotations and Gold, with a report row by row."""

import csv
import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from annotation import adjudicating, jobs, publishing, reading
from annotation import schema as schemas
from annotation.jobs import Grip, JobFailed, State
from annotation.models import (
    Annotation,
    Assignment,
    Document,
    Gold,
    GuidelineVersion,
    Import,
    Item,
    Project,
    User,
    random_key,
)
from annotation.text.normal import clean, text_key

FIELDS = ("id", "text", "title", "source_type", "language", "published_at", "issuer", "url")
EXTRAS = ("label", "annotations", "split", "annotator", "status", "gold")
SPLITS = {"train": "train", "training": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
          "development": "dev", "test": "test", "testing": "test"}  # fmt: skip
LIMITS = {"id": 200, "title": 500, "source_type": 40, "language": 20, "issuer": 200, "url": 2000}
TEXT = 2_000_000
BATCH = 1000
SHOWN = 200
NESTED = ("meta", "metadata")
OURS = {"_row", "_problem"}

DEFAULTS: dict[str, Any] = {
    "format": "",
    "encoding": "",
    "delimiter": "",
    "header": True,
    "columns": [],
    "sheet": "",
    "document_per": "line",
    "mapping": {},
    "question": "",
    "labels": "auto",  # auto | ignore | annotation | gold
    "annotator": "",
    "annotator_columns": [],
    "label_map": {},
    "duplicates": "keep",  # texts seen before under another id: keep | skip
    "create_schema": False,
    "source_type": "",
    "language": "",
}
LABELS = ("auto", "ignore", "annotation", "gold")


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
        row.options = {**DEFAULTS, **{key: value for key, value in options.items() if value not in (None, "")}}
        look(row)
    except ValueError:
        row.file.delete(save=False)
        raise
    row.save()
    return row


def look(row: Import) -> dict[str, Any]:
    """Sniff format, encoding and columns into the row's options where they are not given; returns the preview."""
    options = row.options
    found = reading.sniff(
        Path(row.file.path),
        filename=row.filename,
        **{key: options[key] for key in ("format", "encoding", "delimiter", "sheet", "document_per") if options[key]},
        header=options["header"],
        columns=options["columns"] or None,
    )
    options["format"], options["encoding"], options["delimiter"] = found.format, found.encoding, found.delimiter or ""
    columns = [column for column in found.columns if column not in OURS]
    if not options["mapping"]:
        options["mapping"] = reading.guess_mapping(columns, found.preview)
    options["seen_columns"] = columns
    options["warnings"] = list(found.warnings)
    return {"columns": columns, "rows": found.preview, "warnings": found.warnings}


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
    for name, column in mapping.items():
        if name not in FIELDS + EXTRAS:
            raise ValueError(
                _("“%(field)s” is no field. Fields: %(all)s.") % {"field": name, "all": ", ".join(FIELDS + EXTRAS)}
            )
        if column and columns and column not in columns and options["format"] not in ("json", "jsonl"):
            raise ValueError(
                _("There is no column “%(column)s” (chosen for “%(field)s”). The columns are: %(columns)s.")
                % {"column": column, "field": name, "columns": ", ".join(columns)}
            )
    if options["labels"] not in LABELS or options["duplicates"] not in ("keep", "skip"):
        raise ValueError(_("labels is one of %(labels)s; duplicates is keep or skip.") % {"labels": ", ".join(LABELS)})
    if row.what == Import.What.ANNOTATIONS and row.project.version is None and not options["create_schema"]:
        raise ValueError(_("Publish a guideline first: answers need labels to be checked against."))


def start(row: Import) -> None:
    """Put a prepared import into the queue."""
    check(row)
    row.save(update_fields=["options"])
    jobs.begin(row)


@dataclass
class Record:
    """One row, checked for form: a document, its labels and the answers that came along."""

    number: int
    values: dict[str, Any]
    external_id: str = ""
    given_id: bool = False
    text: str = ""
    raw: str | None = None
    key: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    split: str = ""
    label: Any = None
    gold: dict[str, Any] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Refused(ValueError):
    """This row cannot go in; the sentence says why and what to do."""


def rows_of(row: Import) -> Iterator[reading.Row]:
    """The file's rows as they come."""
    options = row.options
    return reading.rows(
        Path(row.file.path),
        format=options["format"],
        encoding=options["encoding"],
        delimiter=options["delimiter"] or None,
        header=options["header"],
        columns=options["columns"] or None,
        sheet=options["sheet"] or None,
        document_per=options["document_per"],
    )


def work(row: Import, grip: Grip) -> dict[str, Any]:
    """Bring the file in, batch by batch; a batch is one transaction, and a second attempt adds nothing twice."""
    try:
        loader = Loader(row)
        return loader.load(grip)
    except reading.Unreadable as error:
        raise JobFailed(str(error)) from error


class Loader:
    """One pass over one file."""

    def __init__(self, row: Import) -> None:
        self.row = row
        self.project = Project.objects.select_related("version").get(pk=row.project_id)
        self.options = {**DEFAULTS, **row.options}
        self.mapping = {name: column for name, column in self.options["mapping"].items() if column}
        self.counts: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.shown: list[dict[str, Any]] = []
        self.people: dict[str, User] = {}
        self.version: GuidelineVersion | None = self.project.version
        self.question: dict[str, Any] | None = None

    def load(self, grip: Grip) -> dict[str, Any]:
        """All of it; returns the changes for the import's row."""
        total = _size(Path(self.row.file.path), self.options["format"])
        if self.version is None and self.options["create_schema"]:
            self._publish_schema(grip)
        self.question = self._question()
        refused = _Refusals(self.options["format"])
        try:
            for batch in adjudicating.batches(rows_of(self.row), BATCH):
                records = [record for entry in batch if (record := self._record(entry, refused))]
                grip.check()
                with transaction.atomic():
                    self._store(records, refused)
                self.counts["rows"] += len(batch)
                grip.tick(self.counts["rows"], max(total, self.counts["rows"]), _("reading"))
            return {"report": self._report(refused), **refused.stored(self.row)}
        finally:
            refused.close()

    def _report(self, refused: "_Refusals") -> dict[str, Any]:
        # Counted from the rows that stand, so that the figure is right after a second attempt too.
        new = Document.objects.filter(imported_in=self.row).count()
        return {
            **{name: self.counts[name] for name in ("rows", "same_text", "annotations", "gold", "cases")},
            "new": new,
            "here": self.counts["here"] - (new - self.counts["new"]),
            "refused": refused.count,
            "problems": refused.shown,
            "warnings": [{"text": text, "count": count} for text, count in self.warnings.most_common(50)],
            "annotators": sorted(self.people),
        }

    # The schema that a file brings along

    def _publish_schema(self, grip: Grip) -> None:
        """A first pass that collects the labels, then version 1 over them."""
        labels: Counter[str] = Counter()
        for entry in rows_of(self.row):
            if entry.values is None:
                continue
            labels.update(str(value) for value in self._label_values(entry.values) if value not in (None, ""))
            if len(labels) > 500:
                raise JobFailed(_("There are more than 500 different labels; is the right column chosen for “label”?"))
            grip.check()
        names = sorted(labels)
        if len(names) < 2:
            return
        self.version = publishing.publish_labels(
            project=self.project,
            question=self.options["question"] or "label",
            labels=names,
            user=self.row.created_by,
            text=_("Made from the labels of %(file)s. Write down what each label means.") % {"file": self.row.filename},
        )
        self.project.version = self.version

    def _label_values(self, values: dict[str, Any]) -> Iterator[Any]:
        annotations = self._annotations(values, 0, strict=False)
        for answer in annotations:
            if answer["status"] == "submitted" and not isinstance(answer["value"], (dict, list)):
                yield answer["value"]
        label = self._mapped_label(values.get(self.mapping.get("label", "")))
        if label not in (None, "") and not isinstance(label, (dict, list)) and self._label_use(annotations) != "ignore":
            yield label

    def _question(self) -> dict[str, Any] | None:
        if self.version is None:
            return None
        name = self.options["question"]
        questions = self.version.schema["questions"]
        try:
            return schemas.question(self.version.schema, name) if name else questions[0]
        except ValueError as error:
            raise JobFailed(str(error)) from error

    # One row

    def _record(self, entry: reading.Row, refused: "_Refusals") -> Record | None:
        if entry.values is None:
            refused.add(entry.number, entry.problem or "", {})
            return None
        try:
            if self.row.what == Import.What.ANNOTATIONS:
                return self._answer_record(entry)
            return self._document_record(entry)
        except ValueError as error:
            refused.add(entry.number, str(error), entry.values)
            return None

    def _document_record(self, entry: reading.Row) -> Record:
        assert entry.values is not None
        record = Record(entry.number, entry.values)
        raw = self._text(entry.values, "text")
        if not raw.strip():
            raise Refused(_("Row %(row)d: the text (column “%(column)s”) is empty.") % self._at(record, "text"))
        if len(raw) > TEXT:
            raise Refused(
                _("Row %(row)d: the text has %(size)d characters; at most %(most)d are taken. Split it.")
                % {"row": record.number, "size": len(raw), "most": TEXT}
            )
        cleaned = clean(raw)
        if not cleaned.text:
            raise Refused(
                _("Row %(row)d: the text (column “%(column)s”) has no visible characters.") % self._at(record, "text")
            )
        record.text, record.raw = cleaned.text, raw if cleaned.text != raw else None
        record.key = text_key(record.text)
        for change in cleaned.changes:
            self.warnings[change] += 1
        self._identify(record)
        self._describe(record)
        self._label(record)
        return record

    def _identify(self, record: Record) -> None:
        given = self._text(record.values, "id").strip()
        if len(given) > LIMITS["id"]:
            raise Refused(
                _("Row %(row)d: the id has %(size)d characters; at most %(most)d are taken.")
                % {"row": record.number, "size": len(given), "most": LIMITS["id"]}
            )
        record.given_id = bool(given)
        record.external_id = clean(given).text or f"t-{hashlib.sha256(record.text.encode()).hexdigest()[:20]}"

    def _describe(self, record: Record) -> None:
        """Known fields, then every other column as metadata."""
        for name in ("title", "source_type", "language", "issuer", "url"):
            value = clean(self._text(record.values, name)).text
            if len(value) > LIMITS[name]:
                raise Refused(
                    _("Row %(row)d: %(field)s has %(size)d characters; at most %(most)d are taken.")
                    % {"row": record.number, "field": name, "size": len(value), "most": LIMITS[name]}
                )
            record.fields[name] = value or self.options.get(name, "")
        self._metadata(record)
        self._date(record)
        url = record.fields["url"]
        if url and not re.match(r"https?://", url, re.IGNORECASE):
            record.metadata["url"], record.fields["url"] = url, ""
            self.warnings[_("addresses that do not start with http:// or https:// were kept as metadata")] += 1

    def _metadata(self, record: Record) -> None:
        used = set(self.mapping.values()) | set(self.options["annotator_columns"]) | OURS
        for column, value in record.values.items():
            if column in used or value is None or value == "":
                continue
            if column in NESTED and isinstance(value, dict):
                record.metadata.update({str(key): inner for key, inner in value.items() if inner not in (None, "")})
            else:
                name = column.split(".", 1)[1] if column.startswith("meta.") else column
                record.metadata[name] = value
        column = self.mapping.get("split")
        if column and (value := str(record.values.get(column) or "").strip()):
            record.split = SPLITS.get(value.lower(), "")
            if not record.split:
                record.metadata[column] = value
                self.warnings[
                    _("values of the split column that are not train, dev or test were kept as metadata")
                ] += 1

    def _date(self, record: Record) -> None:
        value = record.values.get(self.mapping.get("published_at", ""))
        record.fields["published_at"] = ""
        if value in (None, ""):
            return
        moment = read_date(value)
        if moment is None:
            record.metadata["published_at"] = value
            self.warnings[_("dates that could not be read were kept as metadata (write them as 2026-05-14)")] += 1
        else:
            record.fields["published_at"] = moment

    def _label(self, record: Record) -> None:
        record.answers = self._annotations(record.values, record.number, strict=True)
        label = self._mapped_label(record.values.get(self.mapping.get("label", "")))
        use = self._label_use(record.answers)
        gold = record.values.get(self.mapping.get("gold", ""))
        if isinstance(gold, dict) and use == "gold":
            record.gold = gold
        elif label not in (None, ""):
            if use == "ignore":
                record.metadata[self.mapping["label"]] = record.values[self.mapping["label"]]
                return
            name = self._need_question(record.number)["name"]
            if use == "gold":
                record.gold = {name: label}
            else:
                record.answers.append(_answer(self._label_annotator(), label))
        self._check_labels(record)

    def _label_use(self, answers: list[dict[str, Any]]) -> str:
        """auto: a label beside annotators' answers is somebody's summary of them and stays out of the agreement."""
        use: str = self.options["labels"]
        if use == "auto":
            return "ignore" if answers or (self.version is None and not self.options["create_schema"]) else "annotation"
        return use

    def _label_annotator(self) -> str:
        return str(self.options["annotator"] or Path(self.row.filename).stem)[:150]

    def _need_question(self, number: int) -> dict[str, Any]:
        if self.question is None:
            raise Refused(
                _(
                    "Row %(row)d brings a label, but the project has no published guideline. Publish one, let the import make it from the labels, or leave the labels out."
                )
                % {"row": number}
            )
        return self.question

    def _check_labels(self, record: Record) -> None:
        if not record.answers and not record.gold:
            return
        self._need_question(record.number)
        assert self.version is not None
        try:
            record.gold = schemas.clean(record.gold, self.version.schema, partial=True)
            for answer in record.answers:
                if answer["status"] == "submitted":
                    answer["answer"] = self._clean_answer(answer)
        except ValueError as error:
            raise Refused(_("Row %(row)d: %(problem)s") % {"row": record.number, "problem": error}) from None

    def _clean_answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        assert self.version is not None and self.question is not None
        value = answer["value"]
        given = value if isinstance(value, dict) else {self.question["name"]: value}
        return schemas.clean(given, self.version.schema, partial=True)

    def _annotations(self, values: dict[str, Any], number: int, *, strict: bool) -> list[dict[str, Any]]:
        """Answers of named annotators: a list of objects in one column, or one column per annotator."""
        found: list[dict[str, Any]] = []
        listed = values.get(self.mapping.get("annotations", ""))
        if isinstance(listed, str) and listed.strip():
            try:
                listed = json.loads(listed)
            except ValueError:
                listed = [listed]
        for entry in listed if isinstance(listed, list) else []:
            if isinstance(entry, dict) and entry.get("annotator") not in (None, ""):
                found.append(self._listed(entry))
            elif strict:
                raise Refused(
                    _("Row %(row)d: each entry of annotations needs an annotator and a label.") % {"row": number}
                )
        for column in self.options["annotator_columns"]:
            value = self._mapped_label(values.get(column))
            if value not in (None, ""):
                found.append(_answer(str(column), value))
        names = [entry["annotator"] for entry in found]
        if strict and (double := next((name for name in names if names.count(name) > 1), None)):
            raise Refused(_("Row %(row)d: the annotator “%(name)s” answers twice.") % {"row": number, "name": double})
        return found

    def _listed(self, entry: dict[str, Any]) -> dict[str, Any]:
        value = next((entry[name] for name in ("label", "value", "answer") if entry.get(name) not in (None, "")), None)
        value = self._mapped_label(value)
        skipped = entry.get("status") == "skipped" or value is None
        answer = _answer(str(entry["annotator"]), value, status="skipped" if skipped else "submitted")
        seconds = entry.get("seconds")
        if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 <= seconds < 10**7:
            answer["seconds"] = float(seconds)
        answer["comment"] = str(entry.get("comment") or "")[:5000]
        return answer

    def _mapped_label(self, value: Any) -> Any:
        if isinstance(value, (dict, list)) or value is None:
            return value
        text = str(value).strip()
        return self.options["label_map"].get(text, text)

    def _answer_record(self, entry: reading.Row) -> Record:
        """A row of an answers file: id of the item, annotator, label."""
        assert entry.values is not None
        record = Record(entry.number, entry.values)
        record.external_id = clean(self._text(entry.values, "id")).text
        if not record.external_id:
            raise Refused(_("Row %(row)d: the id (column “%(column)s”) is empty.") % self._at(record, "id"))
        record.answers = self._annotations(entry.values, entry.number, strict=True)
        label = self._mapped_label(entry.values.get(self.mapping.get("label", "")))
        who = self._text(entry.values, "annotator").strip()[:150]
        if self.options["labels"] == "gold" and label not in (None, ""):
            record.gold = {self._need_question(entry.number)["name"]: label}
        elif label not in (None, "") and not record.answers:
            record.answers = [_answer(who or self._label_annotator(), label)]
        elif who and self._text(entry.values, "status") == "skipped":
            record.answers = [_answer(who, None, status="skipped")]
        if not record.answers and not record.gold:
            raise Refused(_("Row %(row)d has neither a label nor annotations.") % {"row": entry.number})
        self._check_labels(record)
        return record

    def _text(self, values: dict[str, Any], name: str) -> str:
        value = values.get(self.mapping.get(name, ""))
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def _at(self, record: Record, name: str) -> dict[str, Any]:
        return {"row": record.number, "column": self.mapping.get(name, "")}

    # One batch

    def _store(self, records: list[Record], refused: "_Refusals") -> None:
        if not records:
            return
        ids = {record.external_id for record in records}
        documents = Document.objects.filter(project=self.project, external_id__in=ids)
        known = dict(documents.values_list("external_id", "text_key"))
        if self.row.what == Import.What.ANNOTATIONS:
            present = [record for record in records if self._is_here(record, known, refused)]
        else:
            present = self._new_documents(records, known, refused)
        self._answers(present)

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
        keys = set(
            Document.objects.filter(project=self.project, text_key__in={record.key for record in records}).values_list(
                "text_key", flat=True
            )
        )
        fresh: dict[str, Record] = {}
        here: dict[str, Record] = {}
        for record in records:
            twin = fresh.get(record.external_id)
            old_key = known.get(record.external_id) or (twin.key if twin else None)
            if old_key is not None and old_key != record.key:
                refused.add(
                    record.number,
                    _(
                        "Row %(row)d: the id “%(id)s” is taken by another text. Changed text is a new item: give it a new id."
                    )
                    % {"row": record.number, "id": record.external_id},
                    record.values,
                )
            elif old_key is not None:
                self.counts["here"] += 1
                if record.external_id not in fresh:
                    here[record.external_id] = record
            elif record.key in keys and self.options["duplicates"] == "skip":
                self.counts["same_text"] += 1
            else:
                if record.key in keys:
                    self.counts["same_text"] += 1
                keys.add(record.key)
                fresh[record.external_id] = record
        self._create(list(fresh.values()))
        return [*fresh.values(), *here.values()]

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

    def _answers(self, records: list[Record]) -> None:
        bringing = {record.external_id: record for record in records if record.answers or record.gold}
        if not bringing or self.version is None:
            return
        merged = self._merged(records) if self.row.what == Import.What.ANNOTATIONS else bringing
        items = dict(
            Item.objects.filter(project=self.project, document__external_id__in=merged).values_list(
                "document__external_id", "pk"
            )
        )
        self._find_people({answer["annotator"] for record in merged.values() for answer in record.answers})
        given = [
            (items[name], self.people[answer["annotator"]], answer)
            for name, record in merged.items()
            for answer in record.answers
        ]
        self._write_answers(given)
        self._write_gold({items[name]: record.gold for name, record in merged.items() if record.gold})
        open_items = [items[name] for name, record in merged.items() if record.answers]
        self.counts += adjudicating.settle(project=self.project, version=self.version, items=open_items)

    def _merged(self, records: list[Record]) -> dict[str, Record]:
        """Rows of one item joined (an answers file has a row per answer)."""
        merged: dict[str, Record] = {}
        for record in records:
            first = merged.setdefault(record.external_id, record)
            if first is not record:
                first.answers.extend(record.answers)
                first.gold.update(record.gold)
        return merged

    def _find_people(self, names: set[str]) -> None:
        missing = names - set(self.people)
        for name in sorted(missing):
            self.people[name] = imported_annotator(self.project, name)

    def _write_answers(self, given: list[tuple[int, User, dict[str, Any]]]) -> None:
        there = set(
            Annotation.objects.filter(
                item__in={item for item, _u, _a in given}, guideline_version=self.version
            ).values_list("item_id", "annotator_id")
        )
        fresh: dict[tuple[int, int], Annotation] = {}
        for item, user, answer in given:
            if (item, user.pk) in there or (item, user.pk) in fresh:
                continue
            fresh[item, user.pk] = Annotation(
                project=self.project,
                item_id=item,
                annotator=user,
                guideline_version=self.version,
                status=answer["status"],
                answer=answer["answer"],
                skip_reason="other" if answer["status"] == "skipped" else "",
                comment=answer["comment"],
                seconds=answer["seconds"],
            )
        Annotation.objects.bulk_create(fresh.values(), batch_size=2000)
        self.counts["annotations"] += len(fresh)
        self._fill_slots(fresh)

    def _fill_slots(self, fresh: dict[tuple[int, int], Annotation]) -> None:
        """Each imported answer takes an open slot of its item, or a new one where none is left."""
        free: dict[int, list[Assignment]] = {}
        last: Counter[int] = Counter()
        for slot in Assignment.objects.filter(item__in={item for item, _user in fresh}).order_by("-slot"):
            last[slot.item_id] = max(last[slot.item_id], slot.slot + 1)
            if slot.state == Assignment.State.OPEN:
                free.setdefault(slot.item_id, []).append(slot)
        taken: list[Assignment] = []
        added: list[Assignment] = []
        for (item, user), annotation in fresh.items():
            state = Assignment.State.DONE if annotation.status == "submitted" else Assignment.State.SKIPPED
            if free.get(item):
                slot = free[item].pop()
                slot.annotator_id, slot.state = user, state
                taken.append(slot)
            else:
                added.append(
                    Assignment(project=self.project, item_id=item, slot=last[item], annotator_id=user, state=state)
                )
                last[item] += 1
        Assignment.objects.bulk_update(taken, ["annotator", "state"], batch_size=500)
        Assignment.objects.bulk_create(added, batch_size=2000)

    def _write_gold(self, gold: dict[int, dict[str, Any]]) -> None:
        """Imported gold never replaces gold that is there."""
        there = set(Gold.objects.current().filter(item__in=gold).values_list("item_id", "question"))
        who = imported_annotator(self.project, self._label_annotator()) if gold else None
        if who:
            self.people.setdefault(str(who), who)
        rows = [
            Gold(
                project=self.project,
                item_id=item,
                question=question,
                value=value,
                method=Gold.Method.IMPORTED,
                note=self.row.filename,
                settled_by=who,
                guideline_version=self.version,
            )
            for item, answer in gold.items()
            for question, value in answer.items()
            if (item, question) not in there
        ]
        Gold.objects.bulk_create(rows, batch_size=2000)
        self.counts["gold"] += len(rows)


def _answer(annotator: str, value: Any, *, status: str = "submitted") -> dict[str, Any]:
    return {
        "annotator": clean(annotator).text[:150],
        "value": value,
        "status": status,
        "answer": {},
        "comment": "",
        "seconds": None,
    }


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


DATE = re.compile(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T\s](.*))?")


def read_date(value: Any) -> str | None:
    """An ISO date or date-time of ISO 8601, 2026/5/14, 20260514, 2026年5月14日 or RFC 822; None for anything else."""
    text = str(value).strip()
    try:
        return datetime.fromisoformat(text).isoformat() if len(text) > 10 else date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    if found := DATE.fullmatch(text):
        try:
            day = date(int(found[1]), int(found[2]), int(found[3])).isoformat()
            return f"{day}T{datetime.fromisoformat(f'{day} {found[4]}').time().isoformat()}" if found[4] else day
        except ValueError:
            return None
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError):
        return None


def _size(path: Path, format: str) -> int:
    """A quick guess of the number of rows for the progress: lines of a text file, else unknown (0)."""
    if format not in ("csv", "tsv", "jsonl", "txt") or path.suffix == ".gz":
        return 0
    with path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))


class _Refusals:
    """Refused rows as a file that can be mended and sent again, in the form that they came in."""

    def __init__(self, format: str) -> None:
        self.table = format in ("csv", "tsv", "xlsx")
        self.count = 0
        self.shown: list[dict[str, Any]] = []
        self.file: IO[str] = tempfile.TemporaryFile(
            "w+", encoding="utf-8", newline="", dir=settings.FILE_UPLOAD_TEMP_DIR
        )
        self.writer: Any = None

    def add(self, number: int, problem: str, values: dict[str, Any]) -> None:
        """Note one refused row."""
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append({"row": number, "problem": problem[:500]})
        if not self.table:
            self.file.write(
                json.dumps({**values, "_row": number, "_problem": problem}, ensure_ascii=False, default=str)
            )
            self.file.write("\n")
            return
        if self.writer is None:
            self.writer = csv.DictWriter(self.file, [*values, "_row", "_problem"], extrasaction="ignore", restval="")
            self.writer.writeheader()
        cells = {name: reading.neutralise("" if value is None else str(value)) for name, value in values.items()}
        self.writer.writerow({**cells, "_row": number, "_problem": problem})

    def stored(self, row: Import) -> dict[str, Any]:
        """The file kept beside the import, where anything was refused."""
        if not self.count:
            return {"refused": ""}
        self.file.flush()
        self.file.seek(0)
        raw = self.file.buffer  # type: ignore[attr-defined]
        raw.seek(0)
        row.refused.save(f"refused.{'csv' if self.table else 'jsonl'}", File(raw), save=False)
        return {"refused": row.refused.name}

    def close(self) -> None:
        """Let the temporary file go."""
        self.file.close()
