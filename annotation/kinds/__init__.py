"""The kinds of question: one pure module each, registered here once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from annotation.kinds import choice


@dataclass(frozen=True)
class Kind:
    """What the platform asks of a kind.

    check_schema(question) -> question with defaults filled in; raises ValueError with a sentence.
    clean(value, question) -> the value in stored form; raises ValueError with a sentence.
    distance(a, b, question) -> disagreement of two values in [0, 1].
    merge(values, question) -> (value, share of answers that gave it) or None where there is a tie.
    summarise(value, question) -> the value in words.
    """

    name: str
    check_schema: Callable[[dict[str, Any]], dict[str, Any]]
    clean: Callable[[Any, dict[str, Any]], Any]
    distance: Callable[[Any, Any, dict[str, Any]], float]
    merge: Callable[[Sequence[Any], dict[str, Any]], tuple[Any, float] | None]
    summarise: Callable[[Any, dict[str, Any]], str]


KINDS: dict[str, Kind] = {
    "choice": Kind("choice", choice.check_schema, choice.clean, choice.distance, choice.merge, choice.summarise),
}
