"""PURE. Splits by time: the latest window is the test, the one before it dev, with days between them left free."""

from __future__ import annotations

import calendar
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from annotation.text.words import _

_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def day_of(text: str) -> date | None:
    """The day of an ISO date; of a month or year alone its last day, so that nothing counts as older than it may be."""
    match = _DAY.match(text.strip())
    if not match:
        return None
    year, month, day = (int(part) if part else 0 for part in match.groups())
    try:
        month = month or 12
        return date(year, month, day or calendar.monthrange(year, month)[1])
    except (ValueError, calendar.IllegalMonthError):
        return None


@dataclass(frozen=True)
class Windows:
    """dev and test begin on a day and end before the next; `gap` days before each beginning belong to neither side.

    gap_to: 'leave' keeps what falls into a gap out of the version, 'train' puts it into train.
    """

    dev: date | None
    test: date | None
    gap: int = 0
    gap_to: str = "leave"

    def split_of(self, day: date) -> str | None:
        """The split of a date; None where it falls into a gap."""
        split = "train"
        for name, start in (("dev", self.dev), ("test", self.test)):
            if start is None:
                continue
            if day >= start:
                split = name
            elif day >= start - timedelta(days=self.gap) and (name == "test" or self.test is None or day < self.test):
                return "train" if self.gap_to == "train" else None
        return split

    def starts(self) -> dict[str, date]:
        """Split -> its first day, of those that have one."""
        return {name: day for name, day in (("dev", self.dev), ("test", self.test)) if day}


@dataclass(frozen=True)
class ByTime:
    """How to cut by time. starts: the first day of dev and test where they are known; the others follow from the shares.

    gap: days before dev and before test; gap_to: 'leave' or 'train'; undated: 'leave' or 'train'.
    """

    starts: Mapping[str, date] = field(default_factory=dict)
    gap: int = 0
    gap_to: str = "leave"
    undated: str = "leave"

    def windows(self, days: Iterable[date], shares: Mapping[str, float]) -> Windows:
        """The windows whose shares of these dates come nearest to those wanted; a day is never divided.

        Raises ValueError where nothing has a date.
        """
        counts = Counter(days)
        if not counts:
            raise ValueError(_("No text has a date, so there is nothing to split by time. Choose other splits."))
        total = sum(counts.values())
        test = self.starts.get("test") or _from(counts, shares.get("test", 0) * total)
        before = test - timedelta(days=self.gap if self.gap_to == "leave" else 0) if test else None
        rest = Counter({day: n for day, n in counts.items() if before is None or day < before})
        dev = self.starts.get("dev") or _from(rest, shares.get("dev", 0) * total)
        if dev and test and dev > test:
            raise ValueError(_("Dev begins after test. Choose an earlier day for it."))
        return Windows(dev, test, self.gap, self.gap_to)


def _from(counts: Mapping[date, int], wanted: float) -> date | None:
    """The day from which on there are as nearly as can be so many; None where none are wanted."""
    if wanted < 0.5 or not counts:
        return None
    best, nearest, n = None, float("inf"), 0
    for day in sorted(counts, reverse=True):
        n += counts[day]
        if abs(n - wanted) < nearest:
            best, nearest = day, abs(n - wanted)
        if n >= wanted:
            break
    return best
