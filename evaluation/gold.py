"""Gold as it stands: which items have it for every question, and what of each would be frozen."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, cast, overload

from django.db.models import Case, F, TextField, When
from django.db.models.functions import Substr
from django.utils.translation import gettext as _

from annotation import candidates, clusters, masking, spreads
from annotation import schema as schemas
from annotation.jobs import JobFailed
from annotation.kinds import KINDS, About
from annotation.models import Annotation, Gold, Item, Project
from annotation.records import SPLITS as SPLIT_NAMES
from annotation.text.normal import clean, text_key
from annotation.text.offsets import Moved, moved
from evaluation.canonical import canonical_metadata
from evaluation.rules import META
from evaluation.splits import Unit
from evaluation.windows import day_of

FIELDS = ("title", "source_type", "language", "published_at", "issuer", "url")
BATCH = 1000
KEY = 200
# Kinds whose answer is a set of labels.
SETS = ("choices", "spans", "events")

# How far the work is: done, of how many, what.
Tick = Callable[[int, int, str], None]


@dataclass(slots=True)
class _Answer:
    """The gold of one item: question -> value, method and guideline version; votes: question -> [for it, given].

    soft: question -> how the answers spread, where the text is ambiguous.
    """

    gold: dict[str, Any] = field(default_factory=dict)
    soft: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    votes: dict[str, list[int]] = field(default_factory=dict)


class Texts(Sequence[str]):
    """The texts of a version on its way, read from its temporary file when they are looked at."""

    def __init__(self, spool: IO[bytes], offsets: Sequence[int]) -> None:
        self.spool, self.offsets = spool, offsets

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return Texts(self.spool, self.offsets[place])
        self.spool.seek(self.offsets[place])
        return str(json.loads(self.spool.readline())["text"])


class Gathered:
    """What gold there is to freeze. Texts wait in a temporary file, so that memory holds little more than keys and gold.

    offsets: key -> its place in the file; item_keys: item -> key; measuring: keys of control and training items, whose
    gold people know, so that they never test a system; left_out: keys whose gold is no answer any more, or that have no
    text; duplicates: how many items with gold are left out as duplicates of others; numbers: guideline version -> items
    with gold settled under it.
    """

    def __init__(self, project: Project, questions: Sequence[dict[str, Any]], spool: IO[bytes]) -> None:
        self.project, self.questions, self.spool = project, questions, spool
        self.by_name = {entry["name"]: entry for entry in questions}
        self.offsets: dict[str, int] = {}
        self.units: list[Unit] = []
        self.item_keys: dict[int, str] = {}
        self.measuring: set[str] = set()
        self.left_out: list[str] = []
        self.duplicates = 0
        self.hidden: Counter[str] = Counter()
        self.kept: dict[str, list[str]] = {}
        self.numbers: Counter[int] = Counter()
        # Sets of labels, or many questions, have too many combinations for each to be a stratum of its own.
        self._sets = len(questions) > 2 or any(entry["kind"] in SETS for entry in questions)

    def _labels(self, gold: dict[str, Any]) -> tuple[str, ...]:
        """What is balanced of an example: each of its labels; what has none is balanced as such."""
        found = []
        for entry in self.questions:
            name, kind = entry["name"], KINDS[entry["kind"]]
            if name in gold and entry["kind"] in SETS:
                found += [f"{name}={label}" for label in dict.fromkeys(kind.used(gold[name], entry))] or [f"{name}="]
            elif name in gold:
                found.append(f"{name}={_stratum(gold, entry)}")
        return tuple(found)

    def read(self, options: Mapping[str, Any], tick: Tick) -> None:
        """Items with gold for all questions, into the temporary file. Raises JobFailed where there is none."""
        answers = _answers(self.project, self.questions)
        self._count_votes(answers)
        self.together = clusters.together(self.project)
        self.masks = masking.Masks(self.project.pk)
        out = Item.objects.filter(project=self.project, left_out__isnull=False).values_list("pk", flat=True)
        self.duplicates = sum(pk in answers for pk in out)
        for done, row in enumerate(_rows(self.project, self.questions[0]["name"])):
            if row["pk"] in answers:
                self._take(row, answers[row["pk"]], options)
            if done % BATCH == 0:
                tick(min(done, len(answers)), 3 * len(answers), _("reading gold"))
        if not self.units:
            raise JobFailed(_("No item has gold for all the questions any more. Settle answers, then freeze again."))

    def texts(self) -> Sequence[str]:
        """The texts in the order of the units, read when they are looked at."""
        return Texts(self.spool, [self.offsets[unit.key] for unit in self.units])

    def texts_of(self, keys: Iterable[str]) -> Sequence[str]:
        """The texts of these keys, in their order."""
        return Texts(self.spool, [self.offsets[key] for key in keys])

    def spooled(self, keys: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """(key, what was read) of these keys, in their order by code point."""
        for key in sorted(keys):
            self.spool.seek(self.offsets[key])
            yield key, json.loads(self.spool.readline())

    def _count_votes(self, answers: Mapping[int, _Answer]) -> None:
        rows = Annotation.objects.submitted().filter(project=self.project, independent=True, item__role=Item.Role.WORK)
        for item, given in rows.values_list("item_id", "answer").iterator(chunk_size=5000):
            answer = answers.get(item)
            for question, value in given.items() if answer else ():
                if answer and question in answer.gold:
                    votes = answer.votes.setdefault(question, [0, 0])
                    votes[0] += self._settled_value(question, value) == answer.gold[question]
                    votes[1] += 1

    def _settled_value(self, question: str, value: Any) -> Any:
        entry = self.by_name[question]
        return KINDS[entry["kind"]].settled(value, entry)

    def _take(self, row: dict[str, Any], answer: _Answer, options: Mapping[str, Any]) -> None:
        key = _key(row)
        place = (row["document"], row["words"], row["start"] or 0, row["end"])
        # What is masked moves places, as cleaning does.
        places = self.masks.moved(*place) or _cleaned(row["words"])
        text = places.text
        values = self.masks.values(*place)
        row = {**row, **self._masked_fields(row)}
        responses = row["document__candidates"]
        about = About(text, row["document__published_at"], candidates.names(responses), row["document__language"])
        gold = _clean_gold(answer.gold, self.questions, about, places, values)
        if gold is None or not text:
            self.left_out.append(key)
            return
        if key in self.offsets:
            raise JobFailed(_("Two items have the id “%(key)s”; one of them must go.") % {"key": key})
        self.numbers.update(set(answer.numbers.values()))
        self.item_keys[row["pk"]] = key
        self.offsets[key] = self.spool.tell()
        soft = _clean_soft(answer.soft, self.questions, about, places, values)
        kept = {"item": row["pk"], "text": text, "gold": gold, "soft": soft, "fields": _fields(row, key)}
        self.spool.write(json.dumps({**kept, "methods": answer.methods, "votes": answer.votes}).encode() + b"\n")
        measures = row["role"] != Item.Role.WORK
        if measures:
            self.measuring.add(key)
        self.units.append(
            Unit(
                key=key,
                text_key=row["document__text_key"] if row["start"] is None and not values else text_key(text),
                stratum="\x1f".join(_stratum(gold, entry) for entry in self.questions),
                groups=(*_groups(row, options), *self.together.get(row["pk"], ())),
                given=_given(row, options) or ("train" if measures else None),
                labels=self._labels(gold) if self._sets else (),
                day=day_of(row["document__published_at"]),
            )
        )

    def _masked_fields(self, row: dict[str, Any]) -> dict[str, Any]:
        """What of the document is frozen beside its text, with placeholders; counts what is masked and what was kept."""
        hidden, kept = self.masks.counts(row["document"], row["start"] or 0, row["end"])
        self.hidden.update(hidden)
        for kind in kept:
            self.kept.setdefault(kind, []).append(_key(row))
        names = ("title", "reference", "candidates", "metadata")
        fields = self.masks.fields(row["document"], {name: row[f"document__{name}"] for name in names})
        return {f"document__{name}": value for name, value in fields.items()}


def _answers(project: Project, questions: Sequence[dict[str, Any]]) -> dict[int, _Answer]:
    """item -> its current gold, for items that have it for every question that is asked of them."""
    names = [entry["name"] for entry in questions]
    found: dict[int, _Answer] = defaultdict(_Answer)
    rows = Gold.objects.current().filter(project=project, question__in=names)
    columns = ("item_id", "question", "value", "distribution", "method", "guideline_version__number")
    for item, question, value, spread, method, number in rows.values_list(*columns).iterator(chunk_size=5000):
        answer = found[item]
        if spread:
            answer.soft[question] = spread
        answer.gold[question], answer.methods[question], answer.numbers[question] = value, method, number
    return {item: answer for item, answer in found.items() if _is_whole(answer, questions)}


def _is_whole(answer: _Answer, questions: Sequence[dict[str, Any]]) -> bool:
    """Whether nothing is missing but what the other answers do not open."""
    if len(answer.gold) == len(questions):
        return True
    missing = [entry for entry in questions if entry["name"] not in answer.gold]
    return bool(answer.gold) and not any(
        schemas.applies(entry, answer.gold, {"questions": questions}) for entry in missing
    )


def _rows(project: Project, question: str) -> Iterable[dict[str, Any]]:
    """Items with gold for the question, with their words (of a passage only the passage) and document fields.

    None that a decision about duplicates has left out.
    """
    whole = F("document__text")
    passage = Substr("document__text", F("start") + 1, F("end") - F("start"))
    gold = Gold.objects.current().filter(project=project, question=question)
    rows = (
        Item.objects.not_left_out()
        .filter(project=project, pk__in=gold.values("item"))
        .annotate(words=Case(When(start__isnull=True, then=whole), default=passage, output_field=TextField()))
    )
    names = ("external_id", "text_key", "given_split", "metadata", "candidates", "reference", *FIELDS)
    values = rows.values("pk", "document", "role", "start", "end", "words", *(f"document__{name}" for name in names))
    return cast(Iterable[dict[str, Any]], values.iterator(chunk_size=BATCH))


def _key(row: dict[str, Any]) -> str:
    """The document's id, with the place of a passage; a long id is shortened by a hash so that the place fits."""
    name: str = row["document__external_id"]
    if row["start"] is None:
        return name
    place = f"#{row['start']}-{row['end']}"
    if len(name) + len(place) > KEY:
        name = f"{name[: KEY - len(place) - 17]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name + place


def _fields(row: dict[str, Any], key: str) -> dict[str, Any]:
    """Document fields without the empty ones; metadata as text in the form that a CSV can carry too."""
    found: dict[str, Any] = {name: clean(row[f"document__{name}"]).text for name in (*FIELDS, "reference")}
    found["candidates"] = row["document__candidates"]
    try:
        found["metadata"] = _metadata(row["document__metadata"])
    except ValueError as error:
        raise JobFailed(_("Item “%(key)s”: %(problem)s") % {"key": key, "problem": error}) from error
    return {name: value for name, value in found.items() if value}


def _metadata(raw: dict[str, Any]) -> dict[str, str]:
    """Names and values in the normal form of texts: line ends and outer blanks would not outlive a CSV."""
    found: dict[str, str] = {}
    for name, value in sorted(canonical_metadata(raw).items()):
        name, value = clean(name).text, clean(value).text
        while value and name in found:
            name += " (2)"
        if value:
            found[name] = value
    return found


def _groups(row: dict[str, Any], options: Mapping[str, Any]) -> tuple[str, ...]:
    ids = {"document": row["document__external_id"], "issuer": row["document__issuer"].strip().casefold()}
    group_by: Sequence[str] = options["group_by"]
    for name in group_by:
        if name.startswith(META):
            ids[name] = _cell(row, name)
    # Passages of one document belong together, whatever else was asked for, unless somebody said that they may not.
    if row["start"] is not None and not options.get("divide_documents") and "document" not in group_by:
        group_by = [*group_by, "document"]
    # A prompt whose responses are compared in several items stays in one split.
    prompt = (f"prompt:{text_key(row['words'])}",) if row["document__candidates"] else ()
    return (*prompt, *(f"{name}:{ids[name]}" for name in group_by if ids.get(name)))


def _cell(row: dict[str, Any], name: str) -> str:
    """A value of the metadata as a group: letters of either case are the same."""
    value = row["document__metadata"].get(name.removeprefix(META))
    return "" if value is None or value in ("", [], {}) else str(value).strip().casefold()[:200]


def _given(row: dict[str, Any], options: Mapping[str, Any]) -> str | None:
    """The split that the document came with, or that the named column says."""
    if column := options.get("split_column"):
        return SPLIT_NAMES.get(_cell(row, column))
    return row["document__given_split"] or None


def _clean_gold(
    gold: dict[str, Any],
    questions: Sequence[dict[str, Any]],
    about: About,
    places: Moved,
    values: Mapping[str, str],
) -> dict[str, Any] | None:
    """Gold in the order of the questions; None where a value is no answer under this guideline version.

    places: from the item's words, which may have blanks around the text that is frozen (as a passage has) or private data
    that is masked in it. values: what is masked -> its placeholder.
    """
    try:
        if places.raw != places.text:
            gold = _moved(gold, questions, places)
        gold = _without(gold, questions, values) if values else gold
        return schemas.clean(gold, {"questions": questions}, about=about, partial=True)
    except ValueError:
        return None


def _clean_soft(
    soft: dict[str, Any],
    questions: Sequence[dict[str, Any]],
    about: About,
    places: Moved,
    values: Mapping[str, str],
) -> dict[str, Any] | None:
    """How answers spread, about the text that is frozen; what is no answer under this guideline is left out of it."""
    by_name = {entry["name"]: entry for entry in questions}
    found = {}
    for name, spread in soft.items():
        entry = by_name[name]
        kept = [
            {"value": value[name], "n": one["n"]}
            for one in spread
            if (value := _clean_gold({name: one["value"]}, [_alone(entry)], about, places, values)) and name in value
        ]
        if kept:
            found[name] = _spread(kept, entry)
    return found or None


def _spread(kept: list[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    kind = KINDS[entry["kind"]]
    return spreads.clean(kept, lambda value: kind.settled(value, entry))


def _alone(entry: dict[str, Any]) -> dict[str, Any]:
    """A question that is asked whatever was answered to others."""
    return {name: part for name, part in entry.items() if name != "when"}


def _moved(gold: dict[str, Any], questions: Sequence[dict[str, Any]], places: Moved) -> dict[str, Any]:
    moves = {entry["name"]: move for entry in questions if (move := KINDS[entry["kind"]].move)}
    return {name: moves[name](value, places) if name in moves else value for name, value in gold.items()}


def _cleaned(words: str) -> Moved:
    return Moved(words, words, ()) if clean(words).text == words else moved(words)


def _without(gold: dict[str, Any], questions: Sequence[dict[str, Any]], values: Mapping[str, str]) -> dict[str, Any]:
    """Gold whose free words repeat nothing that is masked in the text."""
    free = {entry["name"] for entry in questions if entry["kind"] == "text"}
    found = {**gold}
    for name in free.intersection(found):
        for value in sorted(values, key=len, reverse=True) if isinstance(found[name], str) else ():
            found[name] = found[name].replace(value, values[value])
    return found


def _stratum(gold: dict[str, Any], question: dict[str, Any]) -> str:
    value = gold.get(question["name"])
    return "" if value is None else KINDS[question["kind"]].stratum(value, question)
