"""A row of a file becomes a checked Record, or is refused with a sentence; this knows, and writes nothing."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from annotation import candidates, portions, spreads
from annotation import schema as schemas
from annotation.kinds import KINDS, About, Kind, choices
from annotation.reading import Row
from annotation.text import languages
from annotation.text.cleaning import STEPS, Cleaner, Cleaning
from annotation.text.normal import clean, text_key
from annotation.text.segments import SIZE, Segment, cut

FIELDS = ("id", "text", "title", "source_type", "language", "published_at", "issuer", "url")
# A column for a question of its own: label:topic.
OF = "label:"
# Where other tools put an answer; what no kind of ours takes is kept as metadata.
FOREIGN = ("labels", "entities", "result", "ranking")
PLAIN = ("label", "value", "answer")
EXTRAS = (
    "label",
    "annotations",
    "split",
    "annotator",
    "status",
    "gold",
    "candidates",
    "reference",
    "role",
    "explanation",
    "rule",
    "distribution",
    "suggestions",
)
# What an item is for; control and training items measure people.
ROLES = ("work", "control", "training")
SPLITS = {"train": "train", "training": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
          "development": "dev", "test": "test", "testing": "test"}  # fmt: skip
LIMITS = {"id": 200, "title": 500, "source_type": 40, "language": 20, "issuer": 200, "url": 2000}
NAME = 150
TEXT = 2_000_000
COMMENT = 5000
LARGEST = 1e12
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
    "marked": [],  # questions about marks that the file asks, where an answer without any says that there are none
    "people": {},  # annotators as the file names them -> as they are called here
    "duplicates": "keep",  # texts seen before under another id: keep | skip
    "create_schema": False,
    "source_type": "",
    "language": "",
    "pool": False,  # nobody is asked about what comes in until a sample draws it
    "clean": [],  # steps of cleaning beside the normal form, names of STEPS
    "detect_language": False,
    "segment": "document",  # an item is: a document | a passage | a sentence of one
    "passage_size": "",  # characters of a passage, about
}


def document_key(text: str, responses: Sequence[Mapping[str, str]]) -> str:
    """The key by which documents of the same text are found; the same prompt with other responses is another text."""
    key = text_key(text)
    if not responses:
        return key
    told = json.dumps([key, [entry["text"] for entry in responses]])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


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
    # How the text became what it is; None where it came so.
    cleaning: Cleaning | None = None
    # What is stored of it: {"steps": {name: places changed}, "language": "detected"}, without what is not so.
    cleaned: dict[str, Any] = field(default_factory=dict)
    # Where the document is cut into items; [] for one item.
    segments: list[Segment] = field(default_factory=list)
    key: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    candidates: list[dict[str, str]] = field(default_factory=list)
    split: str = ""
    role: str = "work"
    # What a training item teaches: {"text", "rule"}.
    explanation: dict[str, str] = field(default_factory=dict)
    gold: dict[str, Any] = field(default_factory=dict)
    # question -> how the answers to an ambiguous text spread
    spread: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    # What models propose: {"question", "value", "source", "score"}, values in stored form once they were checked.
    suggestions: list[dict[str, Any]] = field(default_factory=list)

    def take_in(self, other: "Record") -> bool:
        """Take the answers of people whom another row of the same item names, as a file with a row per answer has it.

        False where the row says something else of the gold, or for somebody who has answered here.
        """
        mine = {answer.annotator: answer for answer in self.answers}
        self.answers += [answer for answer in other.answers if answer.annotator not in mine]
        again = [answer for answer in other.answers if answer.annotator in mine]
        return other.gold == self.gold and all(mine[answer.annotator] == answer for answer in again)

    def divided(self, places: list[Segment], schema: dict[str, Any]) -> list["Record"]:
        """A record for each passage of the document, with what stands in it; raises ValueError, see `portions.divide`."""
        gold = portions.divide(self._placed(self.gold, schema), places, schema) if self.gold else [{} for _p in places]
        answers = [
            [
                replace(answer, answer=part)
                for part in portions.divide(self._placed(answer.answer, schema), places, schema)
            ]
            for answer in self.answers
        ]
        return [
            replace(self, gold=gold[place], spread={}, answers=[parts[place] for parts in answers])
            for place in range(len(places))
        ]

    @staticmethod
    def _placed(answer: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
        """The answer, where all of it stands at places of the text."""
        if strange := next((name for name in answer if not portions.placed(schema, name)), None):
            raise ValueError(_("“%(question)s” is answered for the whole document, which is cut into passages here.") % {"question": strange})  # fmt: skip
        return answer

    @property
    def about(self) -> About:
        """What its answers are checked against."""
        published_at, language = (self.fields.get(name, "") for name in ("published_at", "language"))
        return About(self.text, published_at, candidates.names(self.candidates), language)


class Desk:
    """Reads rows by the options of one import, against the schema of its project (None where there is none yet)."""

    def __init__(
        self,
        options: dict[str, Any],
        *,
        schema: dict[str, Any] | None,
        filename: str,
        missing: Callable[[Collection[str]], set[str]] | None = None,
        repeated: Container[str] = (),
    ) -> None:
        """missing: those of some keys that are no companies of the project, see About; repeated: see `Cleaner`."""
        self.options = {**DEFAULTS, **options}
        self.mapping = {name: column for name, column in self.options["mapping"].items() if column}
        self.annotator_columns: list[str] = [str(column) for column in self.options["annotator_columns"]]
        if self.mapping.get("label") in self.annotator_columns:
            del self.mapping["label"]
        self.label_map = {clean(old).text: clean(new).text for old, new in self.options["label_map"].items()}
        self.schema = schema
        self.filename = filename
        self.missing = missing
        # What happened to values without a refusal, in sentences.
        self.warnings: Counter[str] = Counter()
        self.cleaner = Cleaner(self.options["clean"], repeated=repeated)
        self.passage_size = int(self.options["passage_size"] or SIZE)
        # How many documents each step changed, and how many are in which language ("" for unknown) as it was detected.
        self.cleaned: Counter[str] = Counter()
        self.languages: Counter[str] = Counter()

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
        self._put_suggestions(record)
        self._cut(record)
        if record.role != "work" and not record.gold:
            raise Refused(_("Row %(row)d: a control or training item needs its gold; this row has none.") % {"row": record.number})  # fmt: skip
        return record

    def plain(self, values: dict[str, Any]) -> str:
        """The text of a row after the steps that read it, before page furniture is cut."""
        steps = [name for name in self.options["clean"] if name in ("mojibake", "html")]
        return Cleaner(steps).clean(self.words(values)[:TEXT]).text

    def words(self, values: dict[str, Any]) -> str:
        """The text of a row as it came; "" where it has none."""
        value = self._value(values, "text")
        return "" if isinstance(value, (dict, list)) else _words(value)

    def says_language(self, values: dict[str, Any]) -> bool:
        """Whether the row, or the import, says in which language it is."""
        return bool(self.options["language"] or _words(self._value(values, "language")).strip())

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

    def labels(self, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        """(question, label, list of labels or what a kind gathers) of all that a row would answer, to make a schema."""
        if self.options["labels"] == "ignore":
            return
        answers, _foreign = self._annotations(values)
        for answer in answers:
            yield from answer.given.items()
        if self.label_use != "ignore":
            for name in ("label", "gold", *(name for name in self.mapping if name.startswith(OF))):
                yield from (self._given_to(name, self._value(values, name)) or {}).items()

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
        cleaned = self.cleaner.clean(raw)
        if not raw.strip() or not cleaned.text:
            sentence = (
                _("Row %(row)d: the text (column “%(column)s”) has no visible characters.")
                if raw.strip()
                else _("Row %(row)d: the text (column “%(column)s”) is empty.")
            )
            raise Refused(sentence % self._at(record, "text"))
        record.text, record.key = cleaned.text, text_key(cleaned.text)
        if cleaned.text != raw:
            record.raw, record.cleaning = raw, cleaned
        if cleaned.done:
            record.cleaned["steps"] = cleaned.done
            self.cleaned.update(cleaned.done.keys())
            self.warnings.update(_(STEPS[name]) for name in cleaned.done)
        self.warnings.update(cleaned.notes)

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
                record.candidates = candidates.read(value, least=1 if self._rates else candidates.LEAST)
        except ValueError as error:
            if self._compares:
                raise Refused(_("Row %(row)d: %(problem)s") % {"row": record.number, "problem": error}) from None
            self._keep(record, "candidates", value)
            self.warnings[_("candidate responses that could not be read were kept as metadata")] += 1
        if not record.candidates and any(self._needs(entry) for entry in self._asked_of_all):
            raise Refused(_("Row %(row)d has no candidate responses, and the guideline asks about them.") % {"row": record.number})  # fmt: skip
        record.key = document_key(record.text, record.candidates) if record.candidates else record.key
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
        return KINDS[entry["kind"]].compares(entry)

    @property
    def _rates(self) -> bool:
        """Whether responses are rated one by one and none are compared, so that an item may have a single one."""
        asked = [entry for entry in (self.schema["questions"] if self.schema else []) if self._needs(entry)]
        return bool(asked) and all(entry["kind"] == "rubric" for entry in asked)

    @property
    def _compares(self) -> bool:
        return any(self._needs(entry) for entry in (self.schema["questions"] if self.schema else []))

    def _describe(self, record: Record) -> None:
        """Known fields, then every other column as metadata."""
        self._put_metadata(record)
        for name in ("title", "source_type", "language", "issuer", "url"):
            record.fields[name] = self._short(record, name) or str(self.options.get(name, ""))
        if self.options["detect_language"] and not record.fields["language"]:
            record.fields["language"] = found = languages.detect(record.text)
            record.cleaned["language"] = "detected" if found else "unknown"
            self.languages[found] += 1
        record.fields["published_at"] = self._date(record)
        split = _words(self._value(record.values, "split")).strip()
        record.split = SPLITS.get(split.lower(), "")
        if split and not record.split:
            self._keep(record, "split", split)
            self.warnings[_("values of the split column that are not train, dev or test were kept as metadata")] += 1
        self._put_role(record)

    def _put_role(self, record: Record) -> None:
        """What the item is for, and what it teaches."""
        role = _words(self._value(record.values, "role")).strip().lower()
        if role and role not in ROLES:
            raise Refused(
                _("Row %(row)d: the role (column “%(column)s”) is one of work, control, training; got “%(role)s”.")
                % {**self._at(record, "role"), "role": role[:40]}
            )
        record.role = role or "work"
        if record.role != "work" and record.split in ("dev", "test"):
            raise Refused(
                _("Row %(row)d: a control or training item never belongs to dev or test, because people come to know its gold.")
                % {"row": record.number}
            )  # fmt: skip
        words = {"text": "explanation", "rule": "rule"}
        told = {
            name: clean(_words(self._value(record.values, column))).text[:COMMENT] for name, column in words.items()
        }
        if record.role == "training":
            record.explanation = told
            return
        for name, column in words.items():
            if told[name]:
                self._keep(record, column, told[name])

    def _put_metadata(self, record: Record) -> None:
        used = {*self.mapping.values(), *self.annotator_columns, *OURS}
        if record.candidates and self.mapping["candidates"] not in record.values:
            used.update(candidates.columns(list(record.values), self.mapping["candidates"]))
        gathered = f"{self.mapping['gold']}." if "gold" in self.mapping else ""
        for column, value in record.values.items():
            if column in used or value is None or value == "" or (gathered and column.startswith(gathered)):
                continue
            if isinstance(value, dict) and (column in NESTED or any(name.startswith(f"{column}.") for name in used)):
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

    def _cut(self, record: Record) -> None:
        """Where the document is cut into items, and that its answers can be divided; raises Refused where not.

        What is said of a whole document is said of none of its passages, and is kept as metadata.
        """
        if self.options["segment"] == "document" or record.candidates:
            return
        found = cut(record.text, self.options["segment"], self.passage_size)
        if len(found) < 2:
            return
        record.segments = found
        if self.schema is None:
            return
        for answer in [record.gold, *(answer.answer for answer in record.answers)]:
            for name in [name for name in answer if not portions.placed(self.schema, name)]:
                self._keep(record, name, answer.pop(name))
                record.spread.pop(name, None)
                self.warnings[_("answers about whole documents were kept as metadata, because the documents were cut")] += 1  # fmt: skip
            try:
                portions.divide(answer, found, self.schema)
            except ValueError as error:
                raise Refused(_("Row %(row)d: %(problem)s") % {"row": record.number, "problem": error}) from None
        record.answers = [answer for answer in record.answers if answer.answer or answer.skipped]

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
            # What measures people comes with its gold.
            use = "gold" if record.role != "work" and self.schema else use
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
        self._put_spread(record)
        if answer:
            record.answers.append(Answer(self._row_annotator(record.values), answer))

    def _put_spread(self, record: Record) -> None:
        """How answers spread, of questions that the row brings gold for; anything else is just a column."""
        cell = self._value(record.values, "distribution")
        if cell in (None, ""):
            return
        found = spreads.read(cell)
        named = {next(iter(record.gold), ""): found} if isinstance(found, list) else found or {}
        if named and set(named) <= set(record.gold):
            record.spread = named
        else:
            self._keep(record, "distribution", cell)

    def _put_suggestions(self, record: Record) -> None:
        """What models propose, in stored form; what does not fit the questions is left out with a note."""
        listed = _listed(self._value(record.values, "suggestions"))
        for entry in listed or [] if self.schema is not None else []:
            given = self._given({str(entry.get("question")): entry.get("value")})
            try:
                assert self.schema is not None
                found = schemas.clean(self._moved(record, given or {}), self.schema, about=record.about, partial=True)
            except ValueError:
                found = {}
            if not found:
                self.warnings[_("suggestions that do not fit the questions were left out")] += 1
            told = {"source": _words(entry.get("source"))[:NAME], "score": entry.get("score")}
            for name, value in found.items():
                kind = KINDS[self._kind(name)]
                record.suggestions.append({"question": name, "value": kind.settled(value, self._entry(name)), **told})

    def _asked(self, name: str) -> str:
        """The question that a mapped field answers."""
        return name.removeprefix(OF) if name.startswith(OF) else self.question

    def _given_to(self, name: str, value: Any) -> dict[str, Any] | None:
        """What a mapped field answers: label and gold the first question, or several by name; `label:NAME` that one."""
        if not name.startswith(OF):
            return self._given(value)
        if self.schema is None:
            return self._unasked(value, self._asked(name))
        part = self._read(self._asked(name), value)
        return None if part is None else {self._asked(name): part}

    def _row_annotator(self, values: dict[str, Any]) -> str:
        return self._person(_words(self._value(values, "annotator"))) or self.annotator

    def _person(self, name: str) -> str:
        """An annotator under the name that was chosen here, or the one in the file."""
        name = clean(name).text[:NAME]
        return clean(str(self.options["people"].get(name) or "")).text[:NAME] or name

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
        name = self._person(_words(_annotator(entry)))
        if not name and record:
            raise Refused(
                _("Row %(row)d: each entry of annotations needs an annotator and a label.") % {"row": record.number}
            )
        status = str(entry.get("status") or ("skipped" if entry.get("was_cancelled") is True else "submitted"))
        parts = dict.fromkeys((*PLAIN, *(kind.column for kind in KINDS.values()), *FOREIGN))
        told = [part for part in parts if entry.get(part) not in (None, "")]
        given: dict[str, Any] = {}
        # The first part is the answer; others count where they name the answers of another question, as `spans` does.
        for place, part in enumerate(told if status not in (*WITHOUT_ANSWER, "draft") else ()):
            found = self._given_in(part, entry[part]) if not place or self._answers_alone(part) else {}
            if found is None:
                return None
            given |= {question: value for question, value in found.items() if question not in given}
        if entry.get("whole") is True:
            given |= {question: [] for question in self.options["marked"] if question not in given}
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

    def _given_in(self, part: str, value: Any) -> dict[str, Any] | None:
        """As _given; a part called like the answers of one question alone, as `spans`, answers that question."""
        if self.schema is None and (gatherer(value) is not None or (part == "score" and is_number(value))):
            return self._unasked(value, part if part not in (*PLAIN, *FOREIGN) else "")
        if name := self._answers_alone(part):
            found = self._read(name, value)
            return None if found is None else {name: found}
        return self._given(value)

    def _answers_alone(self, part: str) -> str:
        """The question beside that of plain labels which alone has answers called so; '' where there is none."""
        asked = self.schema["questions"] if self.schema else []
        alike = [entry["name"] for entry in asked if KINDS[entry["kind"]].column == part != "label"]
        return str(alike[0]) if len(alike) == 1 and alike[0] != self.question else ""

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
        if (
            isinstance(value, dict)
            and len(value) == len(known) == 1
            and self._kind(known[0]) not in ("preference", "rubric")
        ):
            # A file of another tool has another name for the one question that both ask.
            (value,) = value.values()
            if value in (None, "") or isinstance(value, dict):
                return {} if value in (None, "") else None
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

    def _unasked(self, value: Any, question: str = "") -> dict[str, Any] | None:
        """As _given, where no schema says yet what is asked: for each question a label, a number, labels or marks.

        A number is a label where it stands alone, as classes are often numbered, and a number in a column called
        `score` or beside other questions' names.
        """
        if value in (None, "", {}):
            return {}
        alone = not isinstance(value, dict) or gatherer(value) is not None
        # Names of questions are small letters; V and A of a file mean v and a.
        named = (
            {question or self.question: value} if alone else {str(name).lower(): part for name, part in value.items()}
        )
        found: dict[str, Any] = {}
        for name, part in named.items():
            if is_number(part) and (name == "score" or not alone) and schemas.QUESTION.fullmatch(name):
                found[name] = part
                continue
            if (kind := gatherer(part)) is not None:
                found[str(name)] = [self._renamed(one) for one in kind.read(part, {"name": name})]
                continue
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
        try:
            given = KINDS[kind].read(value, self._entry(name))
        except ValueError:
            return None
        if isinstance(given, list):
            return [self._renamed(part) for part in given]
        return self.label_map.get(given, given) if isinstance(given, str) else given

    def _renamed(self, part: Any) -> Any:
        """A label, or the label of a mark, under the name that it has here."""
        if isinstance(part, dict) and isinstance(part.get("label"), str):
            return {**part, "label": self._label(part["label"])}
        return self._label(part) if isinstance(part, str) else part

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
        about = replace(about, missing=self.missing) if about else None
        try:
            gold = schemas.clean(self._moved(record, record.gold), self.schema, about=about, partial=True)
            record.gold = {
                name: KINDS[self._kind(name)].settled(part, self._entry(name)) for name, part in gold.items()
            }
            for name, spread in record.spread.items():
                record.spread[name] = spreads.clean(spread, partial(self._stored, record, name, about))
            for answer in record.answers:
                given = self._moved(record, answer.given)
                answer.answer = schemas.clean(given, self.schema, about=about, partial=True)
        except ValueError as error:
            raise Refused(_("Row %(row)d: %(problem)s") % {"row": record.number, "problem": error}) from None

    def _stored(self, record: Record, name: str, about: About | None, value: Any) -> Any:
        """One value of a distribution as gold is stored; raises ValueError."""
        assert self.schema is not None
        moved_ = self._moved(record, {name: value})
        kind, entry = KINDS[self._kind(name)], self._entry(name)
        return kind.settled(kind.clean(moved_[name], entry, about), entry)

    def _moved(self, record: Record, given: dict[str, Any]) -> dict[str, Any]:
        """The answer about the text as it is stored, where it came for a text that was cleaned; raises ValueError."""
        moves = {name: move for name in given if (move := KINDS[self._kind(name)].move)}
        if record.cleaning is None or not moves:
            return given
        places = record.cleaning.places()
        return {name: moves[name](part, places) if name in moves else part for name, part in given.items()}

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


def _annotator(entry: dict[str, Any]) -> Any:
    """Who gave an answer: by name, or as Label Studio has it by number, or as an object with an address."""
    who = entry.get("annotator", entry.get("completed_by"))
    return (who.get("email") or who.get("username") or who.get("id")) if isinstance(who, dict) else who


def looks_like_annotations(value: Any) -> bool:
    """Whether a cell holds answers of named annotators."""
    listed = _listed(value)
    return bool(listed) and all("annotator" in entry or "completed_by" in entry for entry in listed or [])


def is_number(value: Any) -> bool:
    """Whether a value is a number of JSON, and finite."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def gatherer(value: Any) -> Kind | None:
    """The kind that a cell is clearly an answer of, before there is a question; None where a file cannot tell."""
    return next((kind for kind in KINDS.values() if kind.gather and kind.gather(value, {})), None)


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
