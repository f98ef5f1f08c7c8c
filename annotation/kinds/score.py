"""score: a number between two ends, on a step."""

import re
from collections.abc import Collection, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from annotation.kinds.about import About
from annotation.text.normal import check_name, normalised
from annotation.text.words import _, gettext_noop

LEVELS = ("interval", "ordinal", "ratio")
OPTIONS: tuple[dict[str, Any], ...] = (
    {"name": "min", "title": gettext_noop("Lowest"), "form": "number", "default": 1},
    {"name": "max", "title": gettext_noop("Highest"), "form": "number", "default": 5},
    {
        "name": "step",
        "title": gettext_noop("Step"),
        "form": "number",
        "default": 1,
        "help": gettext_noop("1 for whole numbers, 0.1 for one digit after the point."),
    },
    {
        "name": "level",
        "title": gettext_noop("What the numbers are"),
        "form": "select",
        "default": "interval",
        "choices": (
            ("interval", gettext_noop("a scale with equal steps (interval)")),
            ("ordinal", gettext_noop("an order without equal steps (ordinal)")),
            ("ratio", gettext_noop("amounts counted from zero (ratio)")),
        ),
        "help": gettext_noop("Agreement measures differences by it."),
    },
    {"name": "low", "title": gettext_noop("Words at the lowest end"), "form": "text", "default": ""},
    {"name": "high", "title": gettext_noop("Words at the highest end"), "form": "text", "default": ""},
    {
        "name": "tolerance",
        "title": gettext_noop("Answers that may become gold together"),
        "form": "number",
        "help": gettext_noop("How far apart they may lie; their median is taken. Empty for one step, 0 for equal."),
    },
)
LABELS = None
MOST_STEPS = 100_000
WORDS = 60
# A number that misses a step by no more than this share of it has lost digits on its way, not its place.
DUST = Decimal("1e-6")
BINS = 5
# Characters that a number is written with.
LONGEST = 100
# Digits after the point that a scale may have.
FINEST = 12
GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")
OUT_OF = re.compile(r"([-+]?[\d.,]+)\s*(?:/|out of)\s*([\d.,]+)", re.IGNORECASE)


def check_schema(question: dict[str, Any]) -> dict[str, Any]:
    """The ends, the step, the level and the words; raises ValueError naming the setting and the fix."""
    low, high = _setting(question, "min", 1), _setting(question, "max", 5)
    step = _setting(question, "step", 1)
    if high <= low:
        raise ValueError(_("The highest number, {high}, must lie above the lowest, {low}.").format(high=high, low=low))
    if step <= 0 or (high - low) % step:
        sentence = _("From {low} to {high} is no whole number of steps of {step}.")
        raise ValueError(sentence.format(low=low, high=high, step=step))
    if (high - low) / step > MOST_STEPS:
        sentence = _("From {low} to {high} are too many steps of {step}; at most {most} are taken.")
        raise ValueError(sentence.format(low=low, high=high, step=step, most=MOST_STEPS))
    level = str(question.get("level") or "interval")
    if level not in LEVELS:
        raise ValueError(
            _("The level “{level}” is unknown; use {levels}.").format(level=level, levels=", ".join(LEVELS))
        )
    if level == "ratio" and low < 0:
        raise ValueError(_("Amounts counted from zero cannot start at {low}.").format(low=low))
    tolerance = _setting(question, "tolerance", step)
    if tolerance < 0:
        raise ValueError(_("Answers cannot lie less than 0 apart; got {value}.").format(value=tolerance))
    return {
        "min": plain(low),
        "max": plain(high),
        "step": plain(step),
        "level": level,
        "low": _words(question.get("low")),
        "high": _words(question.get("high")),
        "tolerance": plain(tolerance),
    }


def scale(values: Collection[float]) -> dict[str, Any]:
    """Settings of a question that takes these numbers, at least one: from the lowest to the highest, on a step of ten.

    A single number gets one step above it. Raises ValueError for numbers of too many digits.
    """
    found = [Decimal(str(value)) for value in values]
    low, high = min(found), max(found)
    digits = max(0, *(-int(one.normalize().as_tuple().exponent) for one in found))
    step = Decimal(1).scaleb(-digits)
    high = high if high > low else low + step
    if digits > FINEST or (high - low) / step > MOST_STEPS:
        sentence = _("From {low} to {high} are too many steps of {step}; at most {most} are taken.")
        raise ValueError(sentence.format(low=low, high=high, step=step, most=MOST_STEPS))
    return {"min": plain(low), "max": plain(high), "step": plain(step)}


def _setting(question: dict[str, Any], name: str, default: Any) -> Decimal:
    given = question.get(name)
    found = number(default if given is None or given == "" else given)
    exponent = found.as_tuple().exponent if found is not None else None
    if found is None or not isinstance(exponent, int) or exponent < -FINEST:
        sentence = _("“{name}” must be a number; got “{value}”.")
        raise ValueError(sentence.format(name=name, value=str(given)[:60]))
    return found


def _words(value: Any) -> str:
    words = str(value or "").strip()[:WORDS]
    check_name(words)
    return words


def number(value: Any) -> Decimal | None:
    """A number, or the words of one: 3, "3.5", "−0,5", "1,200", "４"; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    written = str(value)
    if len(written) > LONGEST:
        return None
    text = normalised("NFKC", written).strip().replace("\u2212", "-")
    if GROUPED.fullmatch(text):
        text = text.replace(",", "")
    elif text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    # Beyond this a number is no score, and arithmetic with it would lose digits.
    return found if found.is_finite() and found.copy_abs() < 10**12 and len(found.as_tuple().digits) <= 40 else None


def plain(value: Decimal) -> int | float:
    """As JSON holds it: a whole number where it is one."""
    return int(value) if value == value.to_integral_value() else float(value)


def decimal(value: Any) -> Decimal:
    """A stored number with the digits that it is written with."""
    return Decimal(str(value))


def points(question: dict[str, Any]) -> int:
    """How many different scores there are."""
    low, high, step = (decimal(question[name]) for name in ("min", "max", "step"))
    return int((high - low) / step) + 1


def clean(value: Any, question: dict[str, Any], about: About | None = None) -> int | float:
    """The number, exactly on a step; raises ValueError where it is none, beyond an end, or between two steps."""
    found = number(value)
    shown = str(value)[:60]
    if found is None:
        sentence = _("“{question}” takes a number; got “{value}”.")
        raise ValueError(sentence.format(question=question["name"], value=shown))
    low, high, step = (decimal(question[name]) for name in ("min", "max", "step"))
    place = ((found - low) / step).to_integral_value()
    on_step = low + place * step
    if abs(found - on_step) <= step * DUST:
        found = on_step
    if not low <= found <= high:
        sentence = _("“{question}” takes numbers from {low} to {high}; got {value}.")
        raise ValueError(
            sentence.format(question=question["name"], low=question["min"], high=question["max"], value=shown)
        )
    if found != on_step:
        sentence = _("“{question}” goes from {low} in steps of {step}; {value} lies between two of them.")
        raise ValueError(
            sentence.format(question=question["name"], low=question["min"], step=question["step"], value=shown)
        )
    return plain(found)


def read(value: Any, question: dict[str, Any]) -> Any:
    """A number, its words, “4/5” where 5 is the highest, or an object that names the score."""
    if isinstance(value, dict):
        lower = {str(name).casefold(): part for name, part in value.items()}
        names = (question["name"], question["title"], "score", "value", "rating")
        value = next((lower[name.casefold()] for name in names if name.casefold() in lower), value)
    if isinstance(value, (dict, list, bool)):
        raise ValueError(
            _("“{question}” takes a number; got “{value}”.").format(question=question["name"], value=value)
        )
    if isinstance(value, str) and (found := OUT_OF.fullmatch(value.strip())) and number(found[2]) == question["max"]:
        return found[1]
    return value


def distance(a: float, b: float, question: dict[str, Any]) -> float:
    """|a - b| as a share of the scale."""
    return float(abs(a - b) / (question["max"] - question["min"]))


def merge(values: Sequence[float], question: dict[str, Any]) -> tuple[int | float, float] | None:
    """The median, and 1, where all answers lie within the question's tolerance; None where they do not.

    Of two middle answers their mean, where that is on a step, else the lower one.
    """
    if not values:
        return None
    ordered = sorted(decimal(value) for value in values)
    if ordered[-1] - ordered[0] > decimal(question["tolerance"]):
        return None
    lower, upper = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    middle = (lower + upper) / 2
    on_step = not (middle - decimal(question["min"])) % decimal(question["step"])
    return plain(middle if on_step else lower), 1.0


def summarise(value: Any, question: dict[str, Any]) -> str:
    """The number, with the words of an end where it is one."""
    words = question["low"] if value == question["min"] else question["high"] if value == question["max"] else ""
    return f"{value} ({words})" if words else str(value)


def used(value: float, question: dict[str, Any]) -> list[str]:
    """No labels."""
    return []


def stratum(value: float, question: dict[str, Any]) -> str:
    """Which fifth of the scale it lies in; on a scale of few points the point itself."""
    if points(question) <= 2 * BINS + 1:
        return str(value)
    share = (value - question["min"]) / (question["max"] - question["min"])
    return f"bin {min(BINS - 1, int(share * BINS))}"
