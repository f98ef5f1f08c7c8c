"""PURE. The formats that a version can be written in: one file each, registered here once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.text.words import _, gettext_noop
from evaluation.formats import brat, conll, csv, doccano, fasttext, jsonl, label_studio, parquet, spacy
from evaluation.formats.release import LOSSES as LOSSES
from evaluation.formats.release import SCHEMES as SCHEMES
from evaluation.formats.release import File, Question, Release, Rows

EVERY = ("choice", "choices", "score", "rubric", "text", "preference", "spans", "events")


@dataclass(frozen=True)
class Format:
    """A way to write a version.

    name: what the API and the command call it. title and about: what a page says of it. write(release, rows) -> its
    files, rows(split) giving the examples of a split anew at each call. kinds: the kinds of question that it carries.
    several: whether several questions at once. whole: whether the import reads everything back, so that it freezes to
    the same hash. ending: of a single file with all splits; '' where there is none. schemes: whether tags are chosen.
    """

    name: str
    title: str
    about: str
    write: Callable[[Release, Rows], Iterator[File]]
    kinds: tuple[str, ...] = EVERY
    several: bool = True
    whole: bool = False
    ending: str = ""
    schemes: bool = False


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("jsonl", "JSONL", gettext_noop("an object on each line, with everything; for programs, and for Assay itself"), jsonl.write, whole=True, ending=".jsonl"),
        Format("csv", "CSV", gettext_noop("a table for spreadsheets, with everything; no cell runs as a formula"), csv.write, whole=True, ending=".csv"),
        Format("parquet", "Parquet", gettext_noop("typed columns, small and quick to read; with everything"), parquet.write, whole=True, ending=".parquet"),
        Format("huggingface", "Hugging Face", gettext_noop("a folder that datasets.load_dataset opens without a network, with card and Croissant metadata; with everything"), parquet.write_layout, whole=True),
        Format("conll", "CoNLL", gettext_noop("a token and its tag on each line, for taggers; marks one over another and relations are left out"), conll.write, ("spans",), several=False, schemes=True),
        Format("brat", "brat", gettext_noop("standoff: a text and its annotations as two files each; marks in parts, relations and events as they are"), brat.write, ("spans", "events"), several=False),
        Format("spacy", "spaCy", gettext_noop("DocBin files to train spaCy with: marks as entities and as spans, labels as categories"), spacy.write, ("choice", "choices", "spans"), several=False),
        Format("doccano", "doccano", gettext_noop("JSONL as doccano imports it, with its labels beside"), doccano.write, ("choice", "choices", "text", "spans"), several=False),
        Format("labelstudio", "Label Studio", gettext_noop("tasks with annotations as Label Studio imports them, with its labelling interface beside"), label_studio.write, ("choice", "choices", "score", "text", "spans")),
        Format("fasttext", "fastText", gettext_noop("__label__x and the text on a line, for a quick classifier"), fasttext.write, ("choice", "choices"), several=False),
    )
}  # fmt: skip


def fitting(questions: Sequence[Question]) -> list[Format]:
    """The formats that can carry at least one of these questions."""
    return [entry for entry in FORMATS.values() if any(question["kind"] in entry.kinds for question in questions)]


def asked(entry: Format, questions: Sequence[Question], name: str = "") -> list[Question]:
    """The questions that this format is to carry: all, or the one that was chosen.

    Raises ValueError with a sentence where it carries none of them, not the chosen one, or one of several and none is
    chosen.
    """
    if entry.whole:
        return list(questions)
    found = [question for question in questions if not name or question["name"] == name]
    if not found:
        names = ", ".join(question["name"] for question in questions)
        raise ValueError(_("This version has no question “{name}”; there are: {names}.").format(name=name, names=names))
    carried = [question for question in found if question["kind"] in entry.kinds]
    if not carried:
        kinds = ", ".join(sorted({question["kind"] for question in found}))
        others = ", ".join(each.name for each in fitting(found))
        sentence = _("{format} cannot carry answers of the kind {kinds}. These can: {others}.")
        raise ValueError(sentence.format(format=entry.title, kinds=kinds, others=others))
    if entry.several or len(carried) == 1:
        return carried
    names = ", ".join(question["name"] for question in carried)
    sentence = _("{format} carries one question. Choose one of: {names}.")
    raise ValueError(sentence.format(format=entry.title, names=names))


def find(name: str) -> Format:
    """The format of that name; raises ValueError that lists them."""
    if name in FORMATS:
        return FORMATS[name]
    sentence = _("“{format}” is no format of an export; choose one of {all}.")
    raise ValueError(sentence.format(format=name, all=", ".join(FORMATS)))


def single(entry: Format, release: Release, rows: Rows) -> Any:
    """All splits as the bytes of one file, where the format has one: chunks of bytes. Raises ValueError elsewhere."""
    everything = rows("")
    if entry.name == "csv":
        return csv.table(release, everything)
    if entry.name == "jsonl":
        return jsonl.lines(jsonl.shaped(release, row) for row in everything)
    if entry.name == "parquet":
        return parquet.table((parquet.shaped(release, row) for row in everything), parquet.schema_of(release))
    raise ValueError(_("{format} is not one file; name a folder or a .zip.").format(format=entry.title))
