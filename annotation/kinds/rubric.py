"""rubric: several ratings of one text, or of each candidate response, one a criterion, on one ordinal scale."""

import json
import re
from collections.abc import Sequence
from typing import Any

from annotation.kinds.about import About, Piece
from annotation.kinds.score import number, plain
from annotation.text.normal import check_name
from annotation.text.words import _, gettext_noop

OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "criteria",
        "title": gettext_noop("What is rated, one a line"),
        "form": "lines",
        "help": gettext_noop("name | Title | what it means; the name stands in files."),
    },
    {
        "name": "scale",
        "title": gettext_noop("The points, one a line, the lowest first"),
        "form": "lines",
        "default": ["1", "2", "3", "4", "5"],
        "help": gettext_noop("1 | poor; the words may be left out."),
    },
    {
        "name": "tolerance",
        "title": gettext_noop("Ratings that may become gold together"),
        "form": "number",
        "default": 1,
        "help": gettext_noop("How many points apart they may lie; their median is taken. 0 for equal."),
    },
    {
        "name": "each",
        "title": gettext_noop("Each candidate response is rated"),
        "form": "check",
        "default": False,
        "help": gettext_noop("The responses of an item stand side by side, and each gets all the ratings."),
    },
)
LABELS = None
NAME = re.compile(r"[^\x00-\x1f\x7f|]{1,60}")
MOST_CRITERIA = 30
MOST_POINTS = 11
# What responses are called.
NAMES = "abcdef"


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """Criteria and points as lines, and the same taken apart (`rows`, `points`); raises ValueError naming the line."""
    rows = [_row(line, place) for place, line in enumerate(_lines(question.get("criteria"), "criteria"), 1)]
    points = [_point(line, place) for place, line in enumerate(_lines(question.get("scale"), "scale"), 1)]
    points = points or [{"value": value, "title": ""} for value in range(1, 6)]
    if not 1 <= len(rows) <= MOST_CRITERIA:
        raise ValueError(
            _("It needs 1 to {most} criteria; here are {count}.").format(most=MOST_CRITERIA, count=len(rows))
        )
    if not 2 <= len(points) <= MOST_POINTS:
        raise ValueError(
            _("It needs 2 to {most} points; here are {count}.").format(most=MOST_POINTS, count=len(points))
        )
    for given in ([row["name"] for row in rows], [str(point["value"]) for point in points]):
        if double := next((name for name in given if given.count(name) > 1), None):
            raise ValueError(_("“{double}” stands there twice.").format(double=double))
    numbers = [point["value"] for point in points]
    if all(isinstance(value, (int, float)) for value in numbers) and numbers != sorted(numbers):
        raise ValueError(_("The points go from the lowest to the highest; here they do not."))
    return {
        "criteria": [" | ".join(filter(None, (row["name"], row["title"], row["definition"]))) for row in rows],
        "scale": [" | ".join(filter(None, (str(point["value"]), point["title"]))) for point in points],
        "tolerance": _tolerance(question.get("tolerance")),
        "each": question.get("each") in (True, "true", "1", 1, "on", "yes"),
        "rows": rows,
        "points": points,
    }


def _lines(given: Any, name: str) -> list[str]:
    if isinstance(given, str):
        given = given.splitlines()
    if not isinstance(given or [], list) or not all(isinstance(line, (str, int, float)) for line in given or []):
        raise ValueError(_("“{name}” takes a list of lines.").format(name=name))
    return [str(line).strip() for line in given or [] if str(line).strip()]


def _named(name: str, title: str, place: int) -> None:
    if not NAME.fullmatch(name):
        sentence = _("Line {place} needs a name of 1 to 60 characters before the first |.")
        raise ValueError(sentence.format(place=place))
    check_name(name)
    check_name(title)


def _row(line: str, place: int) -> dict[str, str]:
    name, title, definition = (part.strip() for part in (*line.split("|", 2), "", "")[:3])
    title = title[:120] or name
    _named(name, title, place)
    return {"name": name, "title": title, "definition": definition[:500]}


def _point(line: str, place: int) -> dict[str, Any]:
    name, title = (part.strip() for part in (*line.split("|", 1), "")[:2])
    title = title[:60]
    _named(name, title, place)
    value = number(name)
    return {"value": name if value is None else plain(value), "title": title}


def _tolerance(given: Any) -> int:
    found = number(1 if given is None or given == "" else given)
    if found is None or found < 0 or found != found.to_integral_value() or found > MOST_POINTS:
        raise ValueError(_("How many points apart is a whole number; got “{value}”.").format(value=str(given)[:60]))
    return int(found)


def names(question: dict[str, Any]) -> list[str]:
    """The criteria, in order."""
    return [str(row["name"]) for row in question["rows"]]


def values(question: dict[str, Any]) -> list[Any]:
    """The points, the lowest first."""
    return [point["value"] for point in question["points"]]


def compares(question: dict[str, Any]) -> bool:
    """Whether the candidate responses of the item are what is rated."""
    return bool(question.get("each"))


# Whether the answer is checked against the item: against the responses that it has.
needs_item = compares


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> dict[str, Any]:
    """{criterion: point} in the order of the question; raises ValueError for strange ones and for gaps.

    Where each response is rated, {response: {criterion: point}} in the order of the document, with `shown`, the order on
    the screen, as it was sent. Where the question need not be answered, criteria and responses may be left out.
    """
    if not isinstance(value, dict):
        raise ValueError(_("“{question}” takes an object of criteria and points.").format(question=question["name"]))
    if not compares(question):
        return _ratings(value, question, "")
    given = ratings(value, question)
    wanted = _wanted(given, question, about)
    found = {
        name: _ratings(given.get(name) or {}, question, name)
        for name in wanted
        if question["required"] or any(point not in (None, "") for point in (given.get(name) or {}).values())
    }
    if not found:
        raise ValueError(_("“{question}”: no response is rated.").format(question=question["title"]))
    shown = value.get("shown")
    if shown is None:
        return found
    if not isinstance(shown, list) or sorted(map(str, shown)) != sorted(wanted):
        raise ValueError(_("“shown” must list the responses of the item in the order of the screen."))
    return {**found, "shown": [str(name) for name in shown]}


def _wanted(given: dict[str, Any], question: dict[str, Any], about: About | None) -> list[str]:
    """The responses of the item, or without one those that are rated; each stands for an object of criteria."""
    known = sorted(about.candidates) if about is not None else sorted(set(NAMES) & set(given))
    if not known and about is not None:
        sentence = _("“{question}” rates each response; the item has none.")
        raise ValueError(sentence.format(question=question["name"]))
    if strange := next((name for name in given if name not in known), None):
        sentence = _("“{name}” is no response of the item. “{question}” rates these: {names}.")
        raise ValueError(sentence.format(name=str(strange)[:60], question=question["name"], names=", ".join(known or NAMES)))  # fmt: skip
    if not all(isinstance(part, dict) for part in given.values()):
        sentence = _("“{question}” takes an object of criteria and points for each response.")
        raise ValueError(sentence.format(question=question["name"]))
    return known


def _ratings(value: dict[str, Any], question: dict[str, Any], response: str) -> dict[str, Any]:
    """The ratings of one text or response, in the order of the question."""
    known = names(question)
    if strange := next((name for name in value if name not in known), None):
        sentence = _("“{name}” is no criterion of “{question}”. The criteria are: {names}.")
        raise ValueError(sentence.format(name=str(strange)[:60], question=question["name"], names=", ".join(known)))
    found = {name: _rating(value[name], name, question) for name in known if value.get(name) not in (None, "")}
    missing = [row["title"] for row in question["rows"] if row["name"] not in found]
    if missing and (question["required"] or not found):
        where = f"{response.upper()}: " if response else ""
        sentence = _("“{question}”: {criteria} has no rating yet.")
        raise ValueError(sentence.format(question=question["title"], criteria=where + ", ".join(missing)))
    return found


def _rating(given: Any, name: str, question: dict[str, Any]) -> Any:
    """The point that is meant: by its value, its number in words, or its title."""
    points = question["points"]
    if not isinstance(given, (bool, dict, list)):
        words, as_number = str(given).strip(), number(given)
        for point in points:
            same = isinstance(point["value"], (int, float)) and as_number == number(point["value"])
            if same or words == str(point["value"]) or (point["title"] and words == point["title"]):
                return point["value"]
    sentence = _("“{value}” is no point of “{criterion}”. The points are: {points}.")
    told = ", ".join(str(point["value"]) for point in points)
    raise ValueError(sentence.format(value=str(given)[:60], criterion=name, points=told))


def read(value: Any, question: dict[str, Any]) -> Any:
    """An object, the JSON of one, a list of {criterion, rating}, or “clear: 2; relevant: 1”; names in any case.

    Where each response is rated: an object or a list of these, {"a": …, "b": …} or one after the other.
    """
    if isinstance(value, str) and value.strip().startswith(("{", "[")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(_("This is no JSON of criteria and points.")) from None
    if not compares(question):
        return _read_one(value, question)
    if isinstance(value, list):
        value = dict(zip(NAMES, value, strict=False)) if len(value) <= len(NAMES) else None
    if not isinstance(value, dict):
        sentence = _("“{question}” takes an object of criteria and points for each response.")
        raise ValueError(sentence.format(question=question["name"]))
    return {
        str(name).strip().lower(): part if name == "shown" or part is None else _read_one(part, question)
        for name, part in value.items()
    }


def _read_one(value: Any, question: dict[str, Any]) -> Any:
    """The same of one text or response."""
    if isinstance(value, str):
        pairs = [re.split(r"[:=：]", part, maxsplit=1) for part in re.split(r"[;；\n|]", value) if part.strip()]
        if not pairs or any(len(pair) < 2 for pair in pairs):
            raise ValueError(
                _("“{question}” takes an object of criteria and points.").format(question=question["name"])
            )
        value = {pair[0].strip(): pair[1].strip() for pair in pairs}
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        value = {
            str(_first(entry, "criterion", "name", "id")): _first(entry, "rating", "score", "value") for entry in value
        }
    if not isinstance(value, dict):
        raise ValueError(_("“{question}” takes an object of criteria and points.").format(question=question["name"]))
    meant = {row[part].casefold(): row["name"] for part in ("title", "name") for row in question["rows"]}
    return {meant.get(str(name).strip().casefold(), name): part for name, part in value.items()}


def _first(entry: dict[str, Any], *fields: str) -> Any:
    return next((entry[field] for field in fields if field in entry), "")


def settled(value: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    """The ratings, without the order that one person saw."""
    return ratings(value, question) if compares(question) else value


def ratings(value: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    """Response -> its ratings; one entry, named "", where the item itself is rated."""
    if not compares(question):
        return {"": value}
    return {name: part for name, part in value.items() if name != "shown"}


def places(value: dict[str, Any], question: dict[str, Any]) -> dict[str, int]:
    """Criterion -> the place of its point on the scale, 0 for the lowest, from the ratings of one text or response."""
    order = {point: place for place, point in enumerate(values(question))}
    return {name: order[point] for name, point in value.items() if point in order}


def rated(value: dict[str, Any], question: dict[str, Any]) -> dict[tuple[str, str], int]:
    """(response, criterion) -> the place of its point, over all that an answer rates."""
    return {
        (response, name): place
        for response, given in ratings(value, question).items()
        for name, place in places(given, question).items()
    }


def distance(a: dict[str, Any], b: dict[str, Any], question: dict[str, Any]) -> float:
    """Mean over the ratings of how far apart the points lie, as a share of the scale; 1 where only one is there."""
    one, other = rated(a, question), rated(b, question)
    span = len(question["points"]) - 1
    keys = one.keys() | other.keys()
    apart = [abs(one[key] - other[key]) / span if key in one and key in other else 1.0 for key in keys]
    return sum(apart) / len(apart) if apart else 0.0


def merge(given: Sequence[dict[str, Any]], question: dict[str, Any]) -> tuple[dict[str, Any], float] | None:
    """The median of each rating, the lower of two middle ones, and 1, where they all lie within the tolerance.

    None where those of one criterion (of one response) do not, or not all have rated it.
    """
    if not given:
        return None
    every = [rated(value, question) for value in given]
    found: dict[str, Any] = {}
    for response in sorted({key[0] for each in every for key in each}):
        for name in names(question):
            points = sorted(each[response, name] for each in every if (response, name) in each)
            if not points:
                continue
            if len(points) < len(every) or points[-1] - points[0] > question["tolerance"]:
                return None
            found.setdefault(response, {})[name] = values(question)[points[(len(points) - 1) // 2]]
    return found if compares(question) else found.get("", {}), 1.0


def summarise(value: Any, question: dict[str, Any]) -> str:
    """Title and point of each criterion, response by response."""
    titles = {row["name"]: row["title"] for row in question["rows"]}

    def told(given: Any) -> str:
        return ", ".join(f"{titles.get(name, name)} {point}" for name, point in (given or {}).items())

    if not compares(question):
        return told(value)
    return "; ".join(f"{name.upper()}: {told(given)}" for name, given in ratings(value or {}, question).items())


def pieces(value: dict[str, Any], question: dict[str, Any]) -> list[Piece]:
    """Rating by rating, so that pages show in which of them people differ."""
    titles = {row["name"]: row["title"] for row in question["rows"]}

    def words(response: str, name: str) -> str:
        return " · ".join(filter(None, (response.upper(), titles.get(name, name))))

    return [
        Piece(words(response, name), "", str(point), "", (response, name, point))
        for response, given in ratings(value, question).items()
        for name, point in given.items()
    ]


def used(value: dict[str, Any], question: dict[str, Any]) -> list[str]:
    """No labels."""
    return []


def stratum(value: dict[str, Any], question: dict[str, Any]) -> str:
    """Which third of the scale its mean lies in."""
    given = list(rated(value, question).values())
    share = sum(given) / len(given) / (len(question["points"]) - 1) if given else 0.0
    return f"third {min(2, int(3 * share))}"
