"""What a file of another tool says beside its rows: which tool, what it asks, what of it finds no place here."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# More labels than a question may have; then they are most likely words that people wrote.
MOST = 500
LONGEST = 60
FREE = 2000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def name_of(foreign: str) -> str:
    """The name of a question here: small letters, digits and _; one of other letters gets a name by its hash."""
    found = re.sub(r"[^a-z0-9]+", "_", foreign.strip().lower()).strip("_")[:60]
    if _NAME.fullmatch(found):
        return found
    if found and found[:1].isdigit():
        return f"q_{found}"[:60].rstrip("_")
    return f"q_{hashlib.sha256(foreign.encode(errors='replace')).hexdigest()[:8]}"


def short(label: str) -> str:
    """The name of a label: what is longer than a name may be is cut, with a hash that keeps two of them apart."""
    if len(label) <= LONGEST:
        return label
    return f"{label[: LONGEST - 10]}… {hashlib.sha256(label.encode(errors='replace')).hexdigest()[:8]}"


@dataclass
class Asked:
    """A question as far as a file tells it. `several`: some answer named more than one label.

    `declared`: by a configuration. `sure`: the answers say that they are labels, however long.
    """

    name: str
    kind: str
    title: str = ""
    help: str = ""
    required: bool = False
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    relations: dict[str, None] = field(default_factory=dict)
    roles: dict[str, dict[str, None]] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    digits: int = 0
    several: bool = False
    sure: bool = False
    declared: bool = False
    longest: int = 0

    def add(self, labels: Iterable[str]) -> None:
        """Labels that answers name; those of a declared question were told already, what else comes stands behind them."""
        for label in labels:
            self.longest = max(self.longest, len(label))
            if label and len(self.labels) <= MOST:
                name = short(label)
                self.labels.setdefault(name, {"name": name, **({"title": label[:120]} if name != label else {})})

    def known(self, label: str) -> str:
        """The name of a label that an answer gives by its title, as configurations with aliases have it."""
        if not self.declared or short(label) in self.labels:
            return short(label)
        return next((name for name, one in self.labels.items() if one.get("title") == label), short(label))

    def count(self, value: float) -> None:
        """A number that somebody gave."""
        self.low = value if self.low is None else min(self.low, value)
        self.high = value if self.high is None else max(self.high, value)
        if not float(value).is_integer():
            self.digits = max(self.digits, min(6, len(f"{value:.6f}".rstrip("0").partition(".")[2])))

    def scale(self) -> dict[str, Any]:
        """The ends and the step that take all numbers that were given, or that are declared."""
        if "max" in self.settings or self.low is None or self.high is None:
            return self.settings
        step = 10**-self.digits if self.digits else 1
        low, high = math.floor(self.low), math.ceil(self.high)
        return {"min": low, "max": high if high > low else low + 1, "step": step, **self.settings}

    @property
    def may_be_empty(self) -> bool:
        """Whether saying nothing is an answer: no marks, or none of the labels."""
        return self.declared and (self.kind == "spans" or (self.kind == "choices" and self.settings.get("least") == 0))

    @property
    def is_free(self) -> bool:
        """Whether what looks like labels are words that people wrote."""
        return not (self.declared or self.sure) and self.kind in ("choice", "choices") and (self.longest > LONGEST or len(self.labels) > MOST)  # fmt: skip

    def question(self) -> dict[str, Any] | None:
        """As the schema takes it; None where too little is known to ask it."""
        common = {"name": self.name, "title": self.title, "help": self.help, "required": self.required}
        kind = "text" if self.is_free else self.kind
        if kind == "choice" and self.several:
            kind = "choices"
        if kind == "text":
            return {**common, "kind": kind, "longest": FREE, "multiline": True, **self.settings}
        if kind == "score":
            return {**common, "kind": kind, **scale} if "max" in (scale := self.scale()) else None
        if kind in ("preference", "rubric"):
            return {**common, "kind": kind, **self.settings}
        labels = list(self.labels.values())
        if len(labels) < (2 if kind in ("choice", "choices") else 1):
            return None
        found = {**common, "kind": kind, "labels": labels, **self.settings}
        if kind == "spans":
            found["relations"] = [*found.get("relations", []), *self.relations]
        if kind == "events":
            found["roles"] = [{"name": role, "types": list(types)} for role, types in self.roles.items()]
        return found


@dataclass
class Told:
    """Gathered while a file is read; whoever reads only for the rows leaves it aside."""

    tool: str = ""
    # The words of the guideline, where the file brings any.
    text: str = ""
    name: str = ""
    questions: dict[str, Asked] = field(default_factory=dict)
    # Of Label Studio's configuration: where texts stand, which of them are HTML, what is compared, the type of a control.
    texts: list[str] = field(default_factory=list)
    markup: set[str] = field(default_factory=set)
    pair: list[str] = field(default_factory=list)
    listed: str = ""
    headers: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    # Questions that an export of our own brings, as the schema has them.
    given: list[dict[str, Any]] = field(default_factory=list)
    # Labels that a file names without their question.
    labels: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)

    def ask(self, foreign: str, kind: str, labels: Iterable[str] = (), **settings: Any) -> Asked:
        """A question that the file asks, or more of what is known about it."""
        name = name_of(foreign)
        asked = self.questions.get(name)
        if asked is None:
            asked = self.questions[name] = Asked(name, kind, title=foreign if foreign != name else "")
            if kind in ("choice", "choices", "spans") and self.labels:
                asked.labels, asked.declared = dict(self.labels), True
        asked.add(labels)
        for setting, value in settings.items():
            asked.settings.setdefault(setting, value)
        return asked

    def lose(self, sentence: str, count: int = 1) -> None:
        """Note what finds no place here."""
        self.lost[sentence] += count

    def schema(self) -> list[dict[str, Any]]:
        """The questions that can be asked."""
        return self.given or [
            question for asked in self.questions.values() if (question := asked.question()) is not None
        ]
