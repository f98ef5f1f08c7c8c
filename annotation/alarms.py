"""PURE. What may be wrong with somebody's work, found in their answers in the order in which they were given.

Each function takes answers, the oldest first, and gives what was seen, or None: also where there is too little to say
anything. None of them looks at what was answered long ago once something newer contradicts it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from annotation.agreement.accuracy import LEAST, interval

# Control accuracy: so many answers are the newest ones.
RECENT = 20
# So much right is too little, whatever was before.
TOO_LOW = 0.7
# Too fast: answers that are looked at, answers of others of like length that are needed, and the part of their median.
TIMED, OTHERS, FAST = 30, 10, 1 / 3
# One label: the run that is needed at least, and how unlikely it must be.
RUN, UNLIKELY = 20, 1e-4
# A pattern of keys: answers of at most so many seconds each, repeating after one to three.
PATTERN, RAPID, PERIODS = 16, 2.5, (1, 2, 3)
# Drift: answers to items that others have answered, in the newest window and before it.
WINDOW = 40


@dataclass(frozen=True)
class Given:
    """One answer: its row, how long it took (None: unknown), how long the text is, and what was said, comparable."""

    pk: int
    value: Any
    seconds: float | None = None
    length: int = 0


@dataclass(frozen=True)
class Seen:
    """What was seen: numbers for the sentence, and the rows behind it, the oldest first."""

    numbers: dict[str, Any]
    rows: list[int] = field(default_factory=list)


def bucket(length: int) -> int:
    """Texts of like length: within a factor of two."""
    return max(1, length).bit_length()


def control(checks: Sequence[tuple[int, bool]]) -> Seen | None:
    """(row, whether right) of control answers: the newest 20 are surely below 70 %, or surely below what was before.

    Surely: the 95 % intervals do not touch. At least 20 answers before are needed to speak of a drop.
    """
    if len(checks) < max(LEAST, RECENT):
        return None
    now, before = checks[-RECENT:], checks[:-RECENT]
    right = sum(was for _pk, was in now)
    low, high = interval(right, RECENT - right)
    numbers: dict[str, Any] = {"n": RECENT, "right": right, "low": low, "high": high}
    dropped = False
    if len(before) >= LEAST:
        earlier = sum(was for _pk, was in before)
        bottom, _top = interval(earlier, len(before) - earlier)
        dropped = high < bottom
        numbers |= {"before": earlier, "before_n": len(before)}
    if not dropped and high >= TOO_LOW:
        return None
    return Seen({**numbers, "dropped": dropped}, [pk for pk, was in now if not was])


def fast(given: Sequence[Given], others: Mapping[int, Sequence[float]]) -> Seen | None:
    """The median answer of the newest 30 takes less than a third of the others' median on texts of like length.

    others: bucket of length -> seconds of other people's answers; buckets with fewer than 10 say nothing.
    """
    usual = {size: median(seconds) for size, seconds in others.items() if len(seconds) >= OTHERS}
    timed = [one for one in given if one.seconds is not None and usual.get(bucket(one.length), 0) > 0][-TIMED:]
    if len(timed) < TIMED:
        return None
    ratios = [(one.seconds or 0.0) / usual[bucket(one.length)] for one in timed]
    part = median(ratios)
    if part >= FAST:
        return None
    seconds = median(one.seconds or 0.0 for one in timed)
    expected = median(usual[bucket(one.length)] for one in timed)
    return Seen({"n": TIMED, "seconds": seconds, "usual": expected, "part": part}, [one.pk for one in timed])


def one_label(given: Sequence[Given], share: Callable[[Any], float]) -> Seen | None:
    """The newest answers are all the same, 20 or more, and by what the others say that is less likely than 1 in 10,000.

    share: value -> the share of other people's answers that say it, never 0 or 1.
    """
    run = _run(given)
    if len(run) < RUN:
        return None
    part = share(run[-1].value)
    chance = part ** len(run)
    if chance >= UNLIKELY:
        return None
    return Seen({"n": len(run), "value": run[-1].value, "share": part}, [one.pk for one in run])


def _run(given: Sequence[Given]) -> list[Given]:
    """The newest answers that are all the same."""
    run: list[Given] = []
    for one in reversed(given):
        if run and one.value != run[0].value:
            break
        run.append(one)
    return run[::-1]


def mashing(given: Sequence[Given], share: Callable[[Any], float]) -> Seen | None:
    """The newest 16 or more answers each took 2.5 seconds or less and repeat with a period of one, two or three.

    A period of one is a run of one label: it counts where it is as unlikely as `one_label` asks for.
    """
    rapid: list[Given] = []
    for one in reversed(given):
        if one.seconds is None or one.seconds > RAPID:
            break
        rapid.append(one)
    rapid = rapid[::-1]
    for period in PERIODS:
        found = _periodic(rapid, period)
        if len(found) < PATTERN:
            continue
        values = [one.value for one in found[-period:]]
        if period > 1 and len(set(values)) == 1:
            continue  # a run of one label has been looked at
        if period == 1 and share(values[0]) ** len(found) >= UNLIKELY:
            continue
        seconds = median(one.seconds or 0.0 for one in found)
        return Seen({"n": len(found), "period": period, "seconds": seconds}, [one.pk for one in found])
    return None


def _periodic(given: Sequence[Given], period: int) -> list[Given]:
    """The newest answers of which each says what the one `period` later says."""
    start = len(given) - period
    while start > 0 and given[start - 1].value == given[start - 1 + period].value:
        start -= 1
    return list(given[max(0, start) :]) if len(given) > period else []


def drift(agreed: Sequence[tuple[int, bool]]) -> Seen | None:
    """(row, whether most others said the same): the newest 40 surely agree less than those before, 40 or more."""
    if len(agreed) < 2 * WINDOW:
        return None
    now, before = agreed[-WINDOW:], agreed[:-WINDOW]
    same, earlier = sum(was for _pk, was in now), sum(was for _pk, was in before)
    _low, high = interval(same, WINDOW - same)
    bottom, _top = interval(earlier, len(before) - earlier)
    if high >= bottom:
        return None
    numbers = {"n": WINDOW, "same": same, "before": earlier, "before_n": len(before)}
    return Seen(numbers, [pk for pk, was in now if not was])
