"""preference: which of two candidate responses is better and by how much, or a ranking of up to six."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from annotation.kinds.about import About, always
from annotation.text.words import _, gettext_noop

PAIRWISE, RANKING = "pairwise", "ranking"
TIE = "tie"
NAMES = "abcdef"
MOST_LEVELS = 5
LABELS = None
# Its script takes these letters beside digits.
KEYS = "t"
needs_item = compares = always
OPTIONS: tuple[dict[str, Any], ...] = (
    {
        "name": "mode",
        "title": gettext_noop("What is asked"),
        "form": "select",
        "default": PAIRWISE,
        "choices": (
            (PAIRWISE, gettext_noop("which of two responses is better")),
            (RANKING, gettext_noop("a ranking of two to six responses")),
        ),
    },
    {
        "name": "tie",
        "title": gettext_noop("Responses may be equally good"),
        "form": "check",
        "default": True,
    },
    {
        "name": "strength",
        "title": gettext_noop("How much better, one word a line"),
        "form": "lines",
        "help": gettext_noop("From weak to strong, such as slightly, clearly, much; empty where it is not asked."),
    },
)
# What other tools call the sides: model_a, response_b, left, 1; and a tie.
SIDES = {"left": "a", "right": "b", "1": "a", "2": "b", "first": "a", "second": "b"}
TIES = {"tie", "draw", "equal", "both", "same", "none", "neither", "0", "tie (bothbad)", "平", "平局", "一样"}
PREFIX = re.compile(r"(?:model|response|answer|output|completion|candidate)[_ -]?([a-f])")


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """Mode, whether ties are allowed, and words for the strength; raises ValueError naming the setting."""
    mode = str(question.get("mode") or PAIRWISE)
    if mode not in (PAIRWISE, RANKING):
        raise ValueError(_("The mode is pairwise or ranking; got “{value}”.").format(value=mode[:40]))
    levels = question.get("strength") or []
    if isinstance(levels, str):
        levels = levels.splitlines()
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise ValueError(_("The words for the strength must be a list of texts."))
    levels = [level.strip()[:60] for level in levels if level.strip()]
    if levels and mode == RANKING:
        raise ValueError(_("A ranking has no strength; leave its words out."))
    if len(levels) == 1 or len(levels) > MOST_LEVELS or len(set(levels)) < len(levels):
        raise ValueError(_("The strength takes two to {most} different words, or none.").format(most=MOST_LEVELS))
    tie = question.get("tie", True)
    return {"mode": mode, "tie": tie not in (False, "false", "0", 0, "off", "no"), "strength": levels}


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> dict[str, Any]:
    """The answer in stored form; raises ValueError for strange names, a tie or a strength that the question lacks.

    `shown` is the order in which the responses stood on the screen, kept as it was sent where it names them all.
    """
    value = read(value, question) if isinstance(value, str) else value
    if not isinstance(value, dict):
        raise ValueError(_("“{question}” takes a response that is better.").format(question=question["name"]))
    if question["mode"] == RANKING:
        found = {"order": _order(value.get("order"), question, about)}
        known = sorted(about.candidates) if about else sorted(name for group in found["order"] for name in group)
    else:
        found = _pairwise(value, question, about)
        known = list(about.candidates) if about and about.candidates else list(NAMES[:2])
    shown = value.get("shown")
    if shown is None:
        return found
    if not isinstance(shown, list) or sorted(map(str, shown)) != sorted(known):
        raise ValueError(_("“shown” must list the responses of the item in the order of the screen."))
    return {**found, "shown": [str(name) for name in shown]}


def _pairwise(value: dict[str, Any], question: dict[str, Any], about: About | None) -> dict[str, Any]:
    if about is not None and len(about.candidates) != 2:
        sentence = _("“{question}” compares two responses; the item has {count}.")
        raise ValueError(sentence.format(question=question["name"], count=len(about.candidates)))
    better, strength, levels = value.get("better"), value.get("strength"), question["strength"]
    if better == TIE and not question["tie"]:
        raise ValueError(_("“{question}” takes no tie: one response must be better.").format(question=question["name"]))
    if better not in (*NAMES[:2], TIE):
        sentence = _("“{value}” is no answer to “{question}”. It takes a, b{tie}.")
        tie = ", tie" if question["tie"] else ""
        raise ValueError(sentence.format(value=str(better)[:60], question=question["name"], tie=tie))
    if better == TIE or not levels or (strength is None and question.get("draft")):
        return {"better": better}
    if isinstance(strength, str) and strength in levels:
        strength = levels.index(strength) + 1
    if isinstance(strength, bool) or not isinstance(strength, int) or not 1 <= strength <= len(levels):
        sentence = _("“{question}” also asks how much better: a number from 1 to {most}.")
        raise ValueError(sentence.format(question=question["name"], most=len(levels)))
    return {"better": better, "strength": strength}


def _order(order: Any, question: dict[str, Any], about: About | None) -> list[list[str]]:
    """Groups of equally good names, the best first, each group by name."""
    if not isinstance(order, list) or not order:
        raise ValueError(_("“{question}” takes a ranking of the responses.").format(question=question["name"]))
    groups = [group if isinstance(group, list) else [group] for group in order]
    given = [str(name) for group in groups for name in group]
    wanted = sorted(about.candidates) if about is not None else list(NAMES[: len(given)])
    unfinished = question.get("draft") and given and set(given) <= set(wanted) and len(set(given)) == len(given)
    if (sorted(given) != wanted or len(given) < 2 or not all(groups)) and not unfinished:
        sentence = _("“{question}” ranks every response once: {names}.")
        raise ValueError(sentence.format(question=question["name"], names=", ".join(wanted[:6]) or "–"))
    if not question["tie"] and any(len(group) > 1 for group in groups):
        raise ValueError(_("“{question}” takes no ties: each response has a rank of its own.").format(question=question["name"]))  # fmt: skip
    return [sorted(map(str, group)) for group in groups]


def read(value: Any, question: dict[str, Any]) -> Any:
    """A cell of a file: the JSON of an answer, a name (also model_a, left, 1), a tie in words, or b > a = c."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, list) and question["mode"] == RANKING:
        return {"order": value}
    if isinstance(value, (dict, list, bool)) or value is None:
        return value
    word = str(value).strip().casefold()
    if question["mode"] == RANKING:
        groups = [re.split(r"\s*[=~]\s*|\s+", part.strip()) for part in re.split(r"[>,;]", word)]
        return {"order": groups}
    better, _sign, level = word.partition(":")
    found = PREFIX.fullmatch(better)
    name = found[1] if found else SIDES.get(better, better)
    name = TIE if name in TIES else name
    return {"better": name, **({"strength": _level(level.strip(), question)} if level.strip() else {})}


def _level(word: str, question: dict[str, Any]) -> Any:
    """A strength by number or word."""
    folded = [level.casefold() for level in question["strength"]]
    return folded.index(word) + 1 if word in folded else int(word) if word.isdecimal() and len(word) < 3 else word


def settled(value: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    """What is said, without the order that one person saw: what gold holds and what is compared."""
    return {name: part for name, part in value.items() if name != "shown"}


def classes(question: dict[str, Any]) -> list[str]:
    """What a comparison of two may end in; a ranking has no short list."""
    return [] if question["mode"] == RANKING else [*NAMES[:2], *([TIE] if question["tie"] else [])]


def position(value: dict[str, Any], levels: int) -> int:
    """The answer on a line from -levels (b, strongest) over 0 (tie) to levels (a, strongest)."""
    if value["better"] == TIE:
        return 0
    size = int(value.get("strength") or 1)
    return size if value["better"] == NAMES[0] else -size


def relations(value: dict[str, Any]) -> dict[tuple[str, str], int]:
    """(one, other) -> 1 where one stands before the other in the ranking, -1 behind it, 0 beside it."""
    rank = ranks(value)
    return {pair: (rank[pair[1]] > rank[pair[0]]) - (rank[pair[1]] < rank[pair[0]]) for pair in combinations(sorted(rank), 2)}  # fmt: skip


def ranks(value: dict[str, Any]) -> dict[str, int]:
    """name -> the place of its group, the best being 0."""
    return {name: place for place, group in enumerate(value["order"]) for name in group}


def distance(a: dict[str, Any], b: dict[str, Any], question: dict[str, Any]) -> float:
    """How far two answers are apart; what each person saw where does not matter.

    Pairwise: nominal, 0 where the same is better, else 1; with a strength, the difference on the line from “b, much” over
    the tie to “a, much”, as a share of its length. Rankings: Kemeny's distance, the share of pairs in another order, a
    tie against an order counting half. Rankings of different responses are wholly apart.
    """
    if question["mode"] == RANKING:
        one, other = relations(a), relations(b)
        if set(one) != set(other):
            return 1.0
        return sum(abs(sign - other[pair]) for pair, sign in one.items()) / (2 * len(one)) if one else 0.0
    levels = len(question["strength"])
    if not levels:
        return 0.0 if a["better"] == b["better"] else 1.0
    return abs(position(a, levels) - position(b, levels)) / (2 * levels)


def merge(values: Sequence[dict[str, Any]], question: dict[str, Any]) -> tuple[dict[str, Any], float] | None:
    """What more than half say, and the smallest majority behind it; None where there is none.

    Pairwise: the better response, with the middle (at an even number the weaker) of the strengths its voters gave.
    Rankings: each pair in the order that more than half give it, where these orders fit together.
    """
    if not values:
        return None
    if question["mode"] == RANKING:
        return _merged_order(values, question)
    better, count = Counter(value["better"] for value in values).most_common(1)[0]
    if 2 * count <= len(values):
        return None
    strengths = sorted(value["strength"] for value in values if value["better"] == better and "strength" in value)
    strength = {"strength": strengths[(len(strengths) - 1) // 2]} if strengths else {}
    return {"better": better, **strength}, count / len(values)


def _merged_order(values: Sequence[dict[str, Any]], question: dict[str, Any]) -> tuple[dict[str, Any], float] | None:
    signs = [relations(value) for value in values]
    if any(set(each) != set(signs[0]) for each in signs):
        return None
    agreed: dict[tuple[str, str], int] = {}
    least = 1.0
    for pair in signs[0]:
        sign, count = Counter(each[pair] for each in signs).most_common(1)[0]
        if 2 * count <= len(values):
            return None
        agreed[pair], least = sign, min(least, count / len(values))
    wins = Counter({name: 0 for pair in agreed for name in pair})
    for (one, other), sign in agreed.items():
        wins[one] += sign
        wins[other] -= sign
    order = [sorted(name for name in wins if wins[name] == score) for score in sorted(set(wins.values()), reverse=True)]
    # Majorities may go in a circle: then no ranking says what they say.
    return ({"order": order}, least) if relations({"order": order}) == agreed else None


def majority_cycle(values: Sequence[dict[str, Any]]) -> bool:
    """Whether the majorities of these rankings over pairs go in a circle (Condorcet's paradox)."""
    margin: Counter[tuple[str, str]] = Counter()
    for value in values:
        for (one, other), sign in relations(value).items():
            margin[one, other] += sign
            margin[other, one] -= sign
    names = sorted({name for pair in margin for name in pair})
    return any(_circle(margin, *triple) for triple in combinations(names, 3))


def _circle(margin: Counter[tuple[str, str]], one: str, two: str, three: str) -> bool:
    round_ = (margin[one, two], margin[two, three], margin[three, one])
    return all(sign > 0 for sign in round_) or all(sign < 0 for sign in round_)


def summarise(value: Any, question: dict[str, Any]) -> str:
    """The better response, or the ranking, by the names of the document."""
    if not isinstance(value, dict) or not ("better" in value or "order" in value):
        return str(value)
    if "order" in value:
        return " > ".join(" = ".join(name.upper() for name in group) for group in value["order"])
    if value["better"] == TIE:
        return _("equally good")
    levels, strength = question.get("strength") or [], value.get("strength")
    name = str(value["better"]).upper()
    if strength and strength <= len(levels):
        return _("{name} is better ({strength})").format(name=name, strength=levels[strength - 1])
    return _("{name} is better").format(name=name)


def used(value: dict[str, Any], question: dict[str, Any]) -> list[str]:
    """None: such a question declares no labels."""
    return []


def stratum(value: dict[str, Any], question: dict[str, Any]) -> str:
    """What is better: in a ranking the names that come first."""
    return "=".join(value["order"][0]) if "order" in value else str(value["better"])


def shown_first(values: Sequence[dict[str, Any]]) -> Iterator[bool]:
    """For every answer that prefers one response and tells what was shown where: whether it prefers the first."""
    for value in values:
        best = value["order"][0] if "order" in value else [value["better"]]
        if value.get("shown") and len(best) == 1 and best[0] != TIE:
            yield value["shown"][0] == best[0]
