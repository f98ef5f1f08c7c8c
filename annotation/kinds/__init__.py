"""The kinds of question: one pure module each, registered here once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from annotation.kinds import choice, choices, labels, preference, rubric, score, text
from annotation.kinds.about import About as About
from annotation.text.words import gettext_noop


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
    used(value, question) -> the declared labels that it names, for counts and filters; [] where there are none.
    stratum(value, question) -> what splits are balanced by; '' for nothing.
    classes(question) -> what an answer may be where that is a short list: the labels, or the sides of a comparison.
    settled(value, question) -> what of an answer becomes gold: all of it, or without what is only told of its making.
    options: the settings of such a question beside its labels; labels: how many labels it needs, None where it has none.
    needs_item: whether `clean` looks at the item (its words, its candidates).
    compares: whether the candidate responses of the item are shown. keys: what its script listens to beside digits.
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
    needs_item: bool = False
    compares: bool = False
    keys: str = ""
    settled: Callable[[Any, dict[str, Any]], Any] = _whole
    classes: Callable[[dict[str, Any]], list[str]] = _declared


def _kind(module: ModuleType, title: str, column: str, *, needs_item: bool = False, compares: bool = False) -> Kind:
    parts = ("check_schema", "clean", "read", "distance", "merge", "summarise", "used", "stratum")
    name = module.__name__.rpartition(".")[2]
    functions = {part: getattr(module, part) for part in parts}
    functions["settled"] = getattr(module, "settled", _whole)
    functions["classes"] = getattr(module, "classes", _declared)
    return Kind(
        name,
        title,
        column,
        options=tuple(Option(**option) for option in module.OPTIONS),
        labels=module.LABELS,
        needs_item=needs_item,
        compares=compares,
        keys=getattr(module, "KEYS", ""),
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
        _kind(preference, gettext_noop("a preference"), "preference", needs_item=True, compares=True),
    )
}
