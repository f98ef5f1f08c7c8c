"""The kinds of question: one pure module each, registered here once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from annotation.kinds import choice, choices, events, labels, preference, rubric, score, spans, text
from annotation.kinds.about import About as About
from annotation.kinds.about import Piece
from annotation.text.offsets import Moved
from annotation.text.words import gettext_noop

Seen = dict[str, set[Any]]


@dataclass(frozen=True)
class Option:
    """A setting of a question beside its labels, as the guideline's editor asks for it and `check_schema` reads it.

    form: check, number, text, lines (a list of texts, one a line) or select (one of `choices`: value -> words).
    """

    name: str
    title: str
    form: str
    help: str = ""
    default: Any = None
    choices: tuple[tuple[str, str], ...] = ()


def _whole(value: Any, question: dict[str, Any]) -> Any:
    return value


def _never(question: dict[str, Any]) -> bool:
    return False


def _declared(question: dict[str, Any]) -> list[str]:
    return labels.names(question)


@dataclass(frozen=True)
class Kind:
    """What the platform asks of a kind. `value` is always an answer in stored form, but where it is said otherwise.

    title: what the kind is called where a question is made. column: what its answers are called in files.
    check_schema(question) -> question with defaults filled in; raises ValueError with a sentence.
    clean(value, question, about=None) -> the value, of whatever form, in stored form; raises ValueError with a
        sentence. `about` is the item; without it what depends on the item is not checked.
    read(value, question) -> a cell of a foreign file in a form that `clean` takes or refuses.
    distance(a, b, question) -> disagreement of two values in [0, 1]; 0 only where they say the same.
    merge(values, question) -> (value, share of answers that gave it) or None where there is no majority.
    summarise(value, question) -> the value in words.
    pieces(value, question) -> the things that an answer says one by one, for pages; None where it says one thing.
    used(value, question) -> the declared labels that it names, for counts and filters; [] where there are none.
    stratum(value, question) -> what splits are balanced by; '' for nothing.
    classes(question) -> what an answer may be where that is a short list: the labels, or the sides of a comparison.
    line(entry) -> an entry of a setting that takes lines, as the line that it is written as.
    move(value, moved) -> the answer to a text as it came (as `clean` takes it) about the text as it is stored, see
        text.offsets; raises ValueError with a sentence. None where answers are not about places in the text.
    gather(value, seen) -> whether a cell of a file, read before there is a question, is clearly an answer of the kind;
        if so, what a question needs that takes it is put into `seen`, a dict of sets. propose(seen) -> its settings.
        None where a file alone cannot tell such answers. also: other columns that hold such answers.
    relabel(value, names, question) -> the answer with other names of labels, old name -> new one or None to leave it out,
        in a form that `clean` of the new question takes; None where answers name no labels.
    settled(value, question) -> what of an answer becomes gold: all of it, or without what is only told of its making.
    named: how the JSON of an answer names a label, with {} where the label stands as JSON.
    options: the settings of such a question beside its labels; labels: how many labels it needs, None where it has none.
    needs_item(question): whether `clean` looks at the item (its words, its candidates).
    compares(question): whether the candidate responses of the item are shown and asked about.
    keys: what its script listens to beside digits.
    """

    name: str
    title: str
    column: str
    check_schema: Callable[[dict[str, Any]], dict[str, Any]]
    clean: Callable[..., Any]
    read: Callable[[Any, dict[str, Any]], Any]
    distance: Callable[[Any, Any, dict[str, Any]], float]
    merge: Callable[[Sequence[Any], dict[str, Any]], tuple[Any, float] | None]
    summarise: Callable[[Any, dict[str, Any]], str]
    used: Callable[[Any, dict[str, Any]], list[str]]
    stratum: Callable[[Any, dict[str, Any]], str]
    options: tuple[Option, ...] = ()
    labels: int | None = None
    needs_item: Callable[[dict[str, Any]], bool] = _never
    compares: Callable[[dict[str, Any]], bool] = _never
    keys: str = ""
    settled: Callable[[Any, dict[str, Any]], Any] = _whole
    classes: Callable[[dict[str, Any]], list[str]] = _declared
    line: Callable[[Any], str] = str
    move: Callable[[Any, Moved], Any] | None = None
    gather: Callable[[Any, Seen], bool] | None = None
    pieces: Callable[[Any, dict[str, Any]], list[Piece]] | None = None
    relabel: Callable[[Any, Mapping[str, str | None], dict[str, Any]], Any] | None = None
    propose: Callable[[Seen], dict[str, Any]] = dict
    also: tuple[str, ...] = ()
    named: str = "{}"


def _kind(module: ModuleType, title: str, column: str) -> Kind:
    parts = ("check_schema", "clean", "read", "distance", "merge", "summarise", "used", "stratum")
    name = module.__name__.rpartition(".")[2]
    functions = {part: getattr(module, part) for part in parts}
    functions["settled"] = getattr(module, "settled", _whole)
    functions["line"] = getattr(module, "line", str)
    functions["propose"] = getattr(module, "propose", dict)
    functions["classes"] = getattr(module, "classes", _declared)
    return Kind(
        name,
        title,
        column,
        options=tuple(Option(**option) for option in module.OPTIONS),
        labels=module.LABELS,
        needs_item=getattr(module, "needs_item", _never),
        compares=getattr(module, "compares", _never),
        keys=getattr(module, "KEYS", ""),
        move=getattr(module, "move", None),
        gather=getattr(module, "gather", None),
        pieces=getattr(module, "pieces", None),
        relabel=getattr(module, "relabel", None),
        also=getattr(module, "ALSO", ()),
        named=getattr(module, "NAMED", "{}"),
        **functions,
    )


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind(choice, gettext_noop("one label"), "label"),
        _kind(choices, gettext_noop("several labels"), "labels"),
        _kind(score, gettext_noop("a number"), "score"),
        _kind(rubric, gettext_noop("several ratings"), "ratings"),
        _kind(text, gettext_noop("free text"), "answer"),
        _kind(preference, gettext_noop("a preference"), "preference"),
        _kind(spans, gettext_noop("marks in the text"), "spans"),
        _kind(events, gettext_noop("events"), "events"),
    )
}
