"""How a sample is drawn: strata, how many from each, which ones; all of it from a seed. PURE.

The order of a draw is that of hashes of the seed and the item's own name, so a frame and a seed give the same sample on
every machine and database, whatever order the rows come in, and more is drawn from the same frame by a larger size:
the smaller sample is inside the larger one. (An ordered sample by permanent random numbers: Ohlsson 1995.)
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from annotation.text.words import _

MOST_STRATA = 1000
MOST_VARIABLES = 3
LARGEST = 1_000_000
METHODS = ("simple", "proportional", "equal", "counts")
# What strata can be made of; a column of the metadata is metadata:<column>, what a model proposes proposal.
VARIABLES = ("source_type", "language", "year", "quarter", "month", "issuer", "length", "proposal")
# Of what a sample takes only so many each; text: items with the same text.
GROUPS = ("text", "document", "issuer")
METADATA = "metadata:"
# Code points of the text.
BANDS = ((100, "0-99"), (300, "100-299"), (1000, "300-999"), (3000, "1000-2999"))
LONGEST_BAND = "3000+"
MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?")

Stratum = tuple[str, ...]
K = TypeVar("K", bound=Hashable)


class Unit(NamedTuple):
    """An item of the frame: its key, the name that the draw goes by, its stratum, and its group ('' for none)."""

    pk: int
    name: str
    stratum: Stratum
    group: str = ""


@dataclass(frozen=True)
class Design:
    """How to draw. `counts`: stratum -> how many, where they are chosen one by one."""

    method: str = "simple"
    size: int = 0
    seed: int = 0
    by: tuple[str, ...] = ()
    counts: Mapping[Stratum, int] = field(default_factory=dict)
    # At most so many of each of these; '' for no limit.
    per: str = ""
    most: int = 1

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Design":
        """A checked design from what a form, a program or a row has; raises ValueError with a sentence."""
        by = tuple(str(name) for name in given.get("by") or ())
        method = str(given.get("method") or ("proportional" if by else "simple"))
        counts = _counts(given.get("counts") or [], len(by)) if method == "counts" else {}
        found = cls(
            method=method,
            size=sum(counts.values()) if method == "counts" else _whole(given.get("size"), _("The size"), 1, LARGEST),
            seed=_whole(given.get("seed"), _("The seed"), 0, 2**53),
            by=by,
            counts=counts,
            per=str(given.get("per") or ""),
            most=_whole(given.get("most") or 1, _("The limit"), 1, LARGEST),
        )
        found.check()
        return found

    def check(self) -> None:
        """Raise ValueError where the parts do not go together."""
        if self.method not in METHODS:
            raise ValueError(_("A design is one of %(all)s.") % {"all": ", ".join(METHODS)})
        if len(self.by) > MOST_VARIABLES or len(set(self.by)) < len(self.by):
            raise ValueError(_("Strata are made of at most %(most)d different things.") % {"most": MOST_VARIABLES})
        for name in self.by:
            if name not in VARIABLES and not _is_column(name):
                raise ValueError(
                    _("“%(name)s” makes no strata. These do: %(all)s.")
                    % {"name": name[:60], "all": ", ".join([*VARIABLES, f"{METADATA}<column>"])}
                )
        if (self.method == "simple") != (not self.by):
            raise ValueError(_("A simple random sample has no strata; every other design needs some."))
        if self.method == "counts" and not self.size:
            raise ValueError(_("Say for at least one stratum how many items you want."))
        if self.per and self.per not in GROUPS and not _is_column(self.per):
            raise ValueError(
                _("“%(name)s” limits nothing. These do: %(all)s.")
                % {"name": self.per[:60], "all": ", ".join([*GROUPS, f"{METADATA}<column>"])}
            )

    @property
    def told(self) -> dict[str, Any]:
        """As JSON; `read` reads it."""
        told: dict[str, Any] = {"method": self.method, "size": self.size, "seed": self.seed, "by": list(self.by)}
        if self.method == "counts":
            told["counts"] = [{"stratum": list(one), "size": size} for one, size in sorted(self.counts.items())]
        return {**told, "per": self.per, "most": self.most} if self.per else told


@dataclass
class Draw:
    """What a design takes from a frame: its strata with numbers, and the items with how likely each was."""

    # [{stratum, frame, available, wanted, got}]
    strata: list[dict[str, Any]]
    # (key of the item, place of its stratum, probability of inclusion)
    items: list[tuple[int, int, float]]


def draw(units: Iterable[Unit], design: Design) -> Draw:
    """The sample of these units.

    Each item's probability is known beforehand: of K items left in its stratum by the limit per group n are drawn, and
    of the m of its own group at most c were left, so it is n/K times min(c, m)/m.
    """
    found = list(units)
    if design.per == "text":
        found = _whole_groups(found)
    strata: dict[Stratum, list[Unit]] = defaultdict(list)
    for unit in found:
        strata[unit.stratum].append(unit)
    if len(strata) > MOST_STRATA:
        sentence = _("This makes %(count)d strata; at most %(most)d can be read. Use fewer or coarser ones.")
        raise ValueError(sentence % {"count": len(strata), "most": MOST_STRATA})
    order = sorted({*strata, *design.counts})
    frame = {stratum: len(strata.get(stratum, ())) for stratum in order}
    wanted = allocate(design, frame)
    rows: list[dict[str, Any]] = []
    items: list[tuple[int, int, float]] = []
    for place, stratum in enumerate(order):
        left, shares = _limited(strata.get(stratum, []), design)
        taken = sorted(left, key=lambda unit: place_of(design.seed, "draw", unit.name))[: wanted[stratum]]
        chance = len(taken) / len(left) if left else 0.0
        items += [(unit.pk, place, chance * shares.get(unit.group, 1.0)) for unit in taken]
        rows.append(
            {"stratum": list(stratum), "frame": frame[stratum], "available": len(left), "wanted": wanted[stratum], "got": len(taken)}
        )  # fmt: skip
    return Draw(rows, items)


def allocate(design: Design, frame: Mapping[Stratum, int]) -> dict[Stratum, int]:
    """stratum -> how many are wanted of it."""
    if design.method == "counts":
        return {stratum: design.counts.get(stratum, 0) for stratum in frame}
    if design.method == "equal":
        return shared_out(design.size, dict.fromkeys(frame, 1))
    return shared_out(design.size, frame)


def shared_out(size: int, weights: Mapping[K, int]) -> dict[K, int]:
    """`size` in whole numbers by weight, to the largest remainders (Hamilton 1792); the first of equal ones gets it."""
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    found = {key: size * weight // whole for key, weight in weights.items()}
    left = size - sum(found.values())
    by_rest = sorted(weights, key=lambda key: -(size * weights[key] % whole))
    for key in by_rest[:left]:
        found[key] += 1
    return found


def place_of(seed: int, step: str, name: str) -> bytes:
    """Where the item of this name stands in the order of a draw."""
    return hashlib.sha256(f"{seed}\n{step}\n{name}".encode()).digest()


def _limited(units: Sequence[Unit], design: Design) -> tuple[list[Unit], dict[str, float]]:
    """What the limit per group leaves of a stratum, and each group's share that it leaves."""
    if not design.per:
        return list(units), {}
    groups: dict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        groups[unit.group].append(unit)
    left: list[Unit] = []
    shares: dict[str, float] = {}
    for name, members in groups.items():
        # Items without the column are no group.
        if name and len(members) > design.most:
            members.sort(key=lambda unit: place_of(design.seed, "group", unit.name))
            shares[name] = design.most / len(members)
            left += members[: design.most]
        else:
            left += members
    return left, shares


def _whole_groups(units: Sequence[Unit]) -> list[Unit]:
    """Each group stands as a whole in the stratum that most of its items are in, so that no text is drawn twice."""
    counts: dict[str, Counter[Stratum]] = defaultdict(Counter)
    for unit in units:
        counts[unit.group][unit.stratum] += 1
    home = {name: min(found, key=lambda one: (-found[one], one)) for name, found in counts.items() if len(found) > 1}
    return [unit._replace(stratum=home[unit.group]) if unit.group in home else unit for unit in units]


def band(length: int) -> str:
    """The length band of a text of so many code points."""
    return next((name for most, name in BANDS if length < most), LONGEST_BAND)


def period(published_at: str, unit: str) -> str:
    """2024, 2024-Q1 or 2024-03 of an ISO date; '' where there is none, or no month where one is needed."""
    found = MONTH.match(published_at)
    if not found:
        return ""
    year, month = found[1], found[2]
    if unit == "year":
        return year
    if month is None or not 1 <= int(month) <= 12:
        return ""
    return f"{year}-{month}" if unit == "month" else f"{year}-Q{(int(month) + 2) // 3}"


def shortages(strata: Sequence[Mapping[str, Any]]) -> list[str]:
    """In words: the strata that have fewer items than are wanted of them, the largest lack first."""
    lacking = [row for row in strata if row["got"] < row["wanted"]]
    sentence = _("%(stratum)s: %(wanted)d wanted, %(got)d there, %(lack)d short.")
    return [
        sentence % {"stratum": named(row["stratum"]), "wanted": row["wanted"], "got": row["got"], "lack": row["wanted"] - row["got"]}
        for row in sorted(lacking, key=lambda row: row["got"] - row["wanted"])
    ]  # fmt: skip


def named(stratum: Sequence[str]) -> str:
    """A stratum as people read it."""
    return " · ".join(value or _("not known") for value in stratum) or _("all items")


def _is_column(name: str) -> bool:
    return name.startswith(METADATA) and 0 < len(name) - len(METADATA) <= 100


def _whole(given: Any, name: str, least: int, most: int) -> int:
    words = str(given).strip()
    if isinstance(given, bool) or not (words.isascii() and words.isdecimal() and len(words) < 19):
        raise ValueError(_("%(field)s must be a whole number.") % {"field": name})
    if not least <= int(words) <= most:
        raise ValueError(_("%(field)s must lie between %(least)d and %(most)d.") % {"field": name, "least": least, "most": most})  # fmt: skip
    return int(words)


def _counts(given: Any, variables: int) -> dict[Stratum, int]:
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given) or len(given) > MOST_STRATA:
        raise ValueError(_("Give the counts as a list of objects with stratum (a list of values) and size."))
    found: dict[Stratum, int] = {}
    for row in given:
        stratum = row.get("stratum")
        if (
            not isinstance(stratum, list)
            or len(stratum) != variables
            or not all(isinstance(one, str) for one in stratum)
        ):
            raise ValueError(_("A stratum is a list of as many values as there are variables: here %(n)d.") % {"n": variables})  # fmt: skip
        found[tuple(stratum)] = _whole(row.get("size"), _("The size"), 0, LARGEST)
    return found
