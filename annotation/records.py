"""A row of a file becomes a checked Record, or is refused with a sentence; this knows, and writes nothing."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from annotation import candidates
from annotation import schema as schemas
from annotation.kinds import KINDS, About, choices
from annotation.reading import Row
from annotation.text.normal import clean, text_key

FIELDS = ("id", "text", "title", "source_type", "language", "published_at", "issuer", "url")
# A column for a question of its own: label:topic.
OF = "label:"
# Answers of other tools that no kind of ours takes; they are kept as metadata.
FOREIGN = ("labels", "spans", "ranking")
EXTRAS = ("label", "annotations", "split", "annotator", "status", "gold", "candidates", "reference")
SPLITS = {"train": "train", "training": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
          "development": "dev", "test": "test", "testing": "test"}  # fmt: skip
LIMITS = {"id": 200, "title": 500, "source_type": 40, "language": 20, "issuer": 200, "url": 2000}
NAME = 150
TEXT = 2_000_000
COMMENT = 5000
# What an answer's status may say in place of an answer.
WITHOUT_ANSWER = ("skipped", "undecided")
LEVELS = (1, 2, 3)
NESTED = ("meta", "metadata")
# What our own files of refused rows add to a row.
OURS = ("_row", "_problem")

LABELS = ("auto", "ignore", "annotation", "gold")
DEFAULTS: dict[str, Any] = {
    "format": "",
    "encoding": "",
    "delimiter": "",
    "header": True,
    "columns": [],
    "sheet": "",
    "root": "",
    "document_per": "line",
    "mapping": {},
    "question": "",
    "labels": "auto",
    "annotator": "",
    "annotator_columns": [],
    "label_map": {},
    "duplicates": "keep",  # texts seen before under another id: keep | skip
    "create_schema": False,
    "source_type": "",
    "language": "",
}


class Refused(ValueError):
    """This row cannot go in; the sentence says why and what to do."""


@dataclass
class Answer:
    """What one annotator said: `given` as it came, `answer` in stored form once it was checked."""

    annotator: str
    given: dict[str, Any] = field(default_factory=dict)
    skipped: bool = False
    undecided: bool = False
    skip_reason: str = ""
    confidence: int | None = None
    comment: str = ""
    seconds: float | None = None
    answer: dict[str, Any] = field(default_factory=dict)


@dataclass
class Record:
    """One row, checked for form: a document, its gold and the answers that came along."""

    number: int
    values: dict[str, Any]
    external_id: str = ""
    text: str = ""
    raw: str | None = None
    key: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    candidates: list[dict[str, str]] = field(default_factory=list)
    split: str = ""
    gold: dict[str, Any] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    @property
    def about(self) -> About:
        """What its answers are checked against."""
        published_at = self.fields.get("published_at", "")
        return About(text=self.text, published_at=published_at, candidates=candidates.names(self.candidates))


class Desk:
    """Reads rows by the options of one import, against the schema of its project (None where there is none yet)."""

    def __init__(self, options: dict[str, Any], *, schema: dict[str, Any] | None, filename: str) -> None:
        self.options = {**DEFAULTS, **options}
        self.mapping = {name: column for name, column in self.options["mapping"].items() if column}
        self.annotator_columns: list[str] = [str(column) for column in self.options["annotator_columns"]]
        if self.mapping.get("label") in self.annotator_columns:
            del self.mapping["label"]
        self.label_map = {clean(old).text: clean(new).text for old, new in self.options["label_map"].items()}
        self.schema = schema
        self.filename = filename
        # What happened to values without a refusal, in sentences.
        self.warnings: Counter[str] = Counter()

    @property
    def question(self) -> str:
        """The question that plain labels answer: the chosen one, else the first."""
        chosen: str = self.options["question"]
        if chosen:
            return chosen
        return str(self.schema["questions"][0]["name"]) if self.schema else "label"

    @property
    def annotator(self) -> str:
        """Who stands for the labels of a file that names nobody."""
        return clean(str(self.options["annotator"] or Path(self.filename).stem)).text[:NAME] or "file"

    @property
    def label_use(self) -> str:
        """What becomes of a label: gold, annotation or ignore.

        Beside annotators' answers it is somebody's summary of them and stays out of the agreement, unless it is called
        gold or its annotator is named. Beside a split, without a name, it is the gold of a finished dataset.
        """
        use: str = self.options["labels"]
        named = bool(self.options["annotator"] or self.mapping.get("annotator"))
        if use in ("gold", "ignore") or (use == "annotation" and named):
            return use
        if self.mapping.get("annotations") or self.annotator_columns:
            return "ignore"
        return "gold" if use == "auto" and self.mapping.get("split") and not named else "annotation"

    # Rows

    def document(self, row: Row) -> Record:
        """A row of a file of documents; raises Refused."""
        assert row.values is not None
        record = Record(row.number, row.values)
        self._put_text(record)
        self._identify(record)
        self._put_candidates(record)
        self._describe(record)
        self._put_answers(record)
        self._check_answers(record)
        return record

    def answers(self, row: Row) -> Record:
        """A row of a file of answers (an item's id, who said what); raises Refused."""
        assert row.values is not None
        record = Record(row.number, row.values)
        record.external_id = clean(_words(self._value(row.values, "id"))).text
        if not record.external_id:
            raise Refused(_("Row %(row)d: the id (column “%(column)s”) is empty.") % self._at(record, "id"))
        if self.schema is None:
            raise self._no_schema(record)
        self._put_answers(record)
        status = _words(self._value(row.values, "status")).strip().lower()
        if status in WITHOUT_ANSWER and not record.answers and not record.gold:
            record.answers = [Answer(self._row_annotator(row.values), skipped=True, undecided=status == "undecided")]
        if not record.answers and not record.gold:
            raise Refused(_("Row %(row)d has neither a label nor annotations.") % {"row": row.number})
        self._check_answers(record)
        return record

    def labels(self, values: dict[str, Any]) -> Iterator[tuple[str, str | list[str]]]:
        """(question, label or list of labels) of all that a row would answer; for making a schema out of a file."""
        if self.options["labels"] == "ignore":
            return
        answers, _foreign = self._annotations(values)
        for answer in answers:
            yield from answer.given.items()
        if self.label_use != "ignore":
            for name in ("label", "gold"):
                yield from (self._given(self._value(values, name)) or {}).items()

    def _value(self, values: dict[str, Any], name: str) -> Any:
        """What stands in the column chosen for a field.

        `meta.year` looks into the object `meta`, and `gold` gathers the cells `gold.topic`, `gold.tone` of a table.
        """
        column = self.mapping.get(name, "")
        if column in values or not column:
            return values.get(column)
        if "." not in column:
            parts = {
                key.removeprefix(f"{column}."): cell for key, cell in values.items() if key.startswith(f"{column}.")
            }
            return parts or None
        found: Any = values
        for part in column.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found

    def _at(self, record: Record, name: str) -> dict[str, Any]:
        return {"row": record.number, "column": self.mapping.get(name, "")}

    # The document

    def _put_text(self, record: Record) -> None:
        value = self._value(record.values, "text")
        if isinstance(value, (dict, list)):
            raise Refused(
                _("Row %(row)d: the text (column “%(column)s”) is a list or an object, not words.")
                % self._at(record, "text")
            )
        raw = _words(value)
        if len(raw) > TEXT:
            raise Refused(
                _("Row %(row)d: the text has %(size)d characters; at most %(most)d are taken. Split it.")
                % {"row": record.number, "size": len(raw), "most": TEXT}
            )
        cleaned = clean(raw)
        if not raw.strip() or not cleaned.text:
            sentence = (
                _("Row %(row)d: the text (column “%(column)s”) has no visible characters.")
                if raw.strip()
                else _("Row %(row)d: the text (column “%(column)s”) is empty.")
            )
            raise Refused(sentence % self._at(record, "text"))
        record.text, record.raw = cleaned.text, raw if cleaned.text != raw else None
        record.key = text_key(record.text)
        self.warnings.update(cleaned.changes)

    def _identify(self, record: Record) -> None:
        given = clean(_words(self._value(record.values, "id"))).text
        if len(given) > LIMITS["id"]:
            raise Refused(
                _("Row %(row)d: the id has %(size)d characters; at most %(most)d are taken.")
                % {"row": record.number, "size": len(given), "most": LIMITS["id"]}
            )
        record.external_id = given or f"t-{hashlib.sha256(record.text.encode()).hexdigest()[:20]}"

    def _put_candidates(self, record: Record) -> None:
        """The responses to compare and the reference answer; the same prompt with other responses is another text."""
        column = self.mapping.get("candidates", "")
        value = self._value(record.values, "candidates")
        try:
            if column and column not in record.values and value is None:
                record.candidates = candidates.gather(record.values, column)
            else:
                record.candidates = candidates.read(value)
        except ValueError as error:
            if self._compares:
                raise Refused(_("Row %(row)d: %(problem)s") % {"row": record.number, "problem": error}) from None
            self._keep(record, "candidates", value)
            self.warnings[_("candidate responses that could not be read were kept as metadata")] += 1
        if not record.candidates and any(self._needs(entry) for entry in self._asked_of_all):
            raise Refused(_("Row %(row)d has no candidate responses, and the guideline asks to compare them.") % {"row": record.number})  # fmt: skip
        if record.candidates:
            told = json.dumps([record.key, [entry["text"] for entry in record.candidates]])
            record.key = hashlib.sha256(told.encode()).hexdigest()[:32]
        reference = clean(_words(self._value(record.values, "reference"))).text
        if len(reference) > candidates.SIZE:
            sentence = _("Row %(row)d: the reference answer has %(size)d characters; at most %(most)d are taken.")
            raise Refused(sentence % {"row": record.number, "size": len(reference), "most": candidates.SIZE})
        if reference:
            record.fields["reference"] = reference

    @property
    def _asked_of_all(self) -> list[dict[str, Any]]:
        asked = self.schema["questions"] if self.schema else []
        return [entry for entry in asked if entry["required"] and not entry.get("when")]

    def _needs(self, entry: dict[str, Any]) -> bool:
        return KINDS[entry["kind"]].compares

    @property
    def _compares(self) -> bool:
        return any(self._needs(entry) for entry in (self.schema["questions"] if self.schema else []))

    def _describe(self, record: Record) -> None:
        """Known fields, then every other column as metadata."""
        self._put_metadata(record)
        for name in ("title", "source_type", "language", "issuer", "url"):
            record.fields[name] = self._short(record, name) or str(self.options.get(name, ""))
        record.fields["published_at"] = self._date(record)
        split = _words(self._value(record.values, "split")).strip()
        record.split = SPLITS.get(split.lower(), "")
        if split and not record.split:
            self._keep(record, "split", split)
            self.warnings[_("values of the split column that are not train, dev or test were kept as metadata")] += 1

    def _put_metadata(self, record: Record) -> None:
        used = {*self.mapping.values(), *self.annotator_columns, *OURS}
        if record.candidates and self.mapping["candidates"] not in record.values:
            used.update(candidates.columns(list(record.values), self.mapping["candidates"]))
        gathered = f"{self.mapping['gold']}." if "gold" in self.mapping else ""
        for column, value in record.values.items():
            if column in used or value is None or value == "" or (gathered and column.startswith(gathered)):
                continue
            if column in NESTED and isinstance(value, dict):
                inner = {str(key): part for key, part in value.items() if part not in (None, "")}
                record.metadata.update({key: part for key, part in inner.items() if f"{column}.{key}" not in used})
            else:
                record.metadata[column.removeprefix("meta.")] = value

    def _keep(self, record: Record, name: str, value: Any) -> None:
        """Nothing that a file brings is lost: what finds no place stays in the metadata under its column's name."""
        column = self.mapping.get(name, name)
        record.metadata[column.rpartition(".")[2] or name] = value

    def _short(self, record: Record, name: str) -> str:
        value = clean(_words(self._value(record.values, name))).text
        if len(value) > LIMITS[name]:
            self._keep(record, name, value)
            self.warnings[_("values too long for the field “%(field)s” were kept as metadata") % {"field": name}] += 1
            return ""
        if name == "url" and value and not re.match(r"https?://", value, re.IGNORECASE):
            self._keep(record, name, value)
            self.warnings[_("addresses that do not start with http:// or https:// were kept as metadata")] += 1
            return ""
        return value

    def _date(self, record: Record) -> str:
        value = self._value(record.values, "published_at")
        if value in (None, ""):
            return ""
        moment = read_date(value)
        if moment is None:
            self._keep(record, "published_at", value)
            self.warnings[_("dates that could not be read were kept as metadata (write them as 2026-05-14)")] += 1
        return moment or ""

    # Labels, answers and gold

    def _put_answers(self, record: Record) -> None:
        answers, foreign = self._annotations(record.values, record=record)
        chosen = self.options["labels"]
        if answers and (chosen == "ignore" or (chosen == "auto" and self.schema is None)):
            # Without a schema there is nothing to check them against; a second import adds them once there is one.
            foreign = dict.fromkeys([*foreign, "annotations", *self.annotator_columns])
            answers = []
            if chosen == "auto":
                self.warnings[_("answers were kept as metadata, because the project has no published guideline")] += 1
        record.answers = answers
        for column in foreign:
            value = self._value(record.values, "annotations") if column == "annotations" else record.values.get(column)
            if value not in (None, "", []):
                self._keep(record, column, value)
        self._put_label(record)

    def _put_label(self, record: Record) -> None:
        chosen = self.options["labels"]
        use = self.label_use if self.schema or chosen != "auto" else "ignore"
        uses = {"label": use, "gold": "ignore" if chosen == "ignore" or not self.schema else "gold"}
        uses |= {name: use for name in self.mapping if name.startswith(OF)}
        answer: dict[str, Any] = {}
        for name, use in uses.items():
            value = self._value(record.values, name)
            if value in (None, "", {}) or (value == [] and self._kind(self._asked(name)) == "choice"):
                continue
            given = self._given_to(name, value)
            if given is None:
                self._keep(record, name, value)
                self.warnings[_("labels of another kind than the question asks for were kept as metadata")] += 1
            elif use == "ignore":
                self._keep(record, name, value)
                if chosen == "annotation":
                    self.warnings[_("labels beside annotators' answers were kept as metadata; name their annotator to take them as answers")] += 1  # fmt: skip
            elif use == "gold":
                record.gold.update(given)
            else:
                answer.update(given)
        if answer:
            record.answers.append(Answer(self._row_annotator(record.values), answer))

    def _asked(self, name: str) -> str:
        """The question that a mapped field answers."""
        return name.removeprefix(OF) if name.startswith(OF) else self.question

    def _given_to(self, name: str, value: Any) -> dict[str, Any] | None:
        """What a mapped field answers: label and gold the first question, or several by name; `label:NAME` that one."""
        if not name.startswith(OF):
            return self._given(value)
        part = self._read(self._asked(name), value)
        return None if part is None else {self._asked(name): part}

    def _row_annotator(self, values: dict[str, Any]) -> str:
        return clean(_words(self._value(values, "annotator"))).text[:NAME] or self.annotator

    def _annotations(
        self, values: dict[str, Any], *, record: Record | None = None
    ) -> tuple[list[Answer], dict[str, None]]:
        """Answers of named annotators (a list in one column, or a column per annotator), and columns of another kind."""
        foreign: dict[str, None] = {}
        found: list[Answer] = []
        value = self._value(values, "annotations")
        listed = _listed(value)
        if listed is None and value not in (None, ""):
            foreign["annotations"] = None
        for entry in listed or []:
            answer = self._listed_answer(entry, record)
            if answer is None:
                foreign["annotations"] = None
            elif answer.given or answer.skipped:
                found.append(answer)
        for column in self.annotator_columns:
            given = self._given(values.get(column))
            if given is None:
                foreign[column] = None
            elif given:
                found.append(Answer(clean(column).text[:NAME], given))
        if foreign:
            self.warnings[_("answers of another kind than the question asks for were kept as metadata")] += 1
        if record:
            _refuse_double(record, found)
        return found, foreign

    def _listed_answer(self, entry: dict[str, Any], record: Record | None) -> Answer | None:
        """One entry of a list of annotations; None where its answer is of another kind. A null answer is none at all."""
        name = clean(_words(entry.get("annotator"))).text[:NAME]
        if not name and record:
            raise Refused(
                _("Row %(row)d: each entry of annotations needs an annotator and a label.") % {"row": record.number}
            )
        status = str(entry.get("status") or "submitted")
        parts = dict.fromkeys(("label", "value", "answer", *(kind.column for kind in KINDS.values()), *FOREIGN))
        value = next((entry[part] for part in parts if entry.get(part) not in (None, "")), None)
        given = {} if status in (*WITHOUT_ANSWER, "draft") else self._given(value)
        if given is None:
            return None
        return Answer(
            name,
            given,
            skipped=status in WITHOUT_ANSWER,
            undecided=status == "undecided",
            skip_reason=_words(entry.get("skip_reason"))[:40],
            confidence=_level(entry.get("confidence")),
            comment=clean(_words(entry.get("comment"))).text[:COMMENT],
            seconds=_seconds(entry.get("seconds")),
        )

    def _given(self, value: Any) -> dict[str, Any] | None:
        """A value as {question: answer}; {} where there is none, None where it is of another kind."""
        if self.schema is None:
            return self._unasked(value)
        if value in (None, "", {}) or (value == [] and self._kind(self.question) == "choice"):
            return {}
        known = [entry["name"] for entry in self.schema["questions"]]
        # Names of questions are small letters; V and A of a file mean v and a.
        if isinstance(value, dict) and value and {str(name).lower() for name in value} <= set(known):
            lower = {str(name).lower(): part for name, part in value.items()}
            given = {name: self._read(name, part) for name, part in lower.items() if part not in (None, "")}
            return None if any(part is None for part in given.values()) else given
        if self._kind(self.question) != "choice":
            part = self._read(self.question, value)
            return None if part is None else {self.question: part}
        if isinstance(value, list):
            return None
        if not isinstance(value, dict):
            label = self._label(value)
            return {self.question: label} if label else {}
        parts = {str(name): part for name, part in value.items() if part not in (None, "")}
        for name, part in parts.items():
            if name not in known or isinstance(part, (dict, list)):
                return None
        return {name: self._label(part) for name, part in parts.items()}

    def _unasked(self, value: Any) -> dict[str, Any] | None:
        """As _given, where no schema says yet what is asked: a label or a list of labels for each question."""
        if value in (None, "", {}):
            return {}
        named = value if isinstance(value, dict) else {self.question: value}
        found: dict[str, Any] = {}
        for name, part in named.items():
            listed = choices.listed(part) if isinstance(part, str) else part
            told = listed if isinstance(listed, list) else [part]
            if any(isinstance(one, (dict, list)) for one in told) or (
                isinstance(value, dict) and not schemas.QUESTION.fullmatch(str(name))
            ):
                return None
            labels = [self._label(one) for one in told if one not in (None, "")]
            if isinstance(listed, list):
                found[str(name)] = labels
            elif labels and labels[0]:
                found[str(name)] = labels[0]
        return found

    def _kind(self, name: str) -> str:
        """The kind of a question; without a schema, or for a strange name, one label."""
        asked = self.schema["questions"] if self.schema else []
        return next((str(entry["kind"]) for entry in asked if entry["name"] == name), "choice")

    def _entry(self, name: str) -> dict[str, Any]:
        assert self.schema is not None
        return schemas.question(self.schema, name)

    def _read(self, name: str, value: Any) -> Any:
        """A cell as an answer to that question, not checked yet; None where it is of another kind."""
        kind = self._kind(name)
        if kind == "choice":
            return None if isinstance(value, (dict, list)) else self._label(value)
        assert self.schema is not None
        try:
            given = KINDS[kind].read(value, schemas.question(self.schema, name))
        except ValueError:
            return None
        if isinstance(given, list):
            return [self._label(part) if isinstance(part, str) else part for part in given]
        return self.label_map.get(given, given) if isinstance(given, str) else given

    def _label(self, value: Any) -> str:
        text = clean(_words(value)).text
        return self.label_map.get(text, text)

    def _check_answers(self, record: Record) -> None:
        """The answers in stored form; raises Refused where one breaks the schema."""
        if not record.answers and not record.gold:
            return
        if self.schema is None:
            raise self._no_schema(record)
        about = record.about if record.text else None
        self.check(record, about)

    def check(self, record: Record, about: About | None) -> None:
        """Gold and answers in stored form, against the item where it is at hand; raises Refused."""
        assert self.schema is not None
        try:
            gold = schemas.clean(record.gold, self.schema, about=about, partial=True)
            record.gold = {
                name: KINDS[self._kind(name)].settled(part, self._entry(name)) for name, part in gold.items()
            }
            for answer in record.answers:
                answer.answer = schemas.clean(answer.given, self.schema, about=about, partial=True)
        except ValueError as error:
            raise Refused(_("Row %(row)d: %(problem)s") % {"row": record.number, "problem": error}) from None

    def _no_schema(self, record: Record) -> Refused:
        return Refused(
            _(
                "Row %(row)d brings a label, but the project has no published guideline. Publish one, let the import make it from the labels, or leave the labels out."
            )
            % {"row": record.number}
        )


def _words(value: Any) -> str:
    """A cell as text: 1.0 is 1, true is true, lists and objects are JSON."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 10**7:
        return None
    return float(value)


def _level(value: Any) -> int | None:
    """How sure the person was, where the file says it in our levels."""
    return value if value in LEVELS and not isinstance(value, (bool, float)) else None


def _listed(value: Any) -> list[dict[str, Any]] | None:
    """A column of annotations as a list of objects: a list, or JSON of one; None for anything else."""
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return None
    return value


def _refuse_double(record: Record, answers: list[Answer]) -> None:
    double = next((name for name, count in Counter(one.annotator for one in answers).items() if count > 1), None)
    if double is not None:
        raise Refused(
            _("Row %(row)d: the annotator “%(name)s” answers twice.") % {"row": record.number, "name": double}
        )


def looks_like_annotations(value: Any) -> bool:
    """Whether a cell holds answers of named annotators."""
    listed = _listed(value)
    return bool(listed) and all("annotator" in entry for entry in listed or [])


DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s]+(.*))?")


def read_date(value: Any) -> str | None:
    """An ISO date or date-time of ISO 8601, 2026/5/14, 20260514, 2026年5月14日 or RFC 822; None for anything else."""
    text = str(value).strip()
    try:
        return datetime.fromisoformat(text).isoformat() if len(text) > 10 else date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    if found := DATE.fullmatch(text):
        day = f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}"
        try:
            return (
                datetime.fromisoformat(f"{day}T{found[4]}").isoformat()
                if found[4]
                else date.fromisoformat(day).isoformat()
            )
        except ValueError:
            return None
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
