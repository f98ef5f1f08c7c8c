"""What cleaning and cutting would do to the first rows of a file: how many it would change, and how, before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from annotation import loading, reading
from annotation.models import Import
from annotation.records import DEFAULTS, Desk
from annotation.text import languages
from annotation.text.cleaning import STEPS, Cleaner
from annotation.text.furniture import repeats
from annotation.text.offsets import Edit, Step
from annotation.text.segments import SIZE, cut

# Rows and characters that are looked at, so that the page need not wait; of each text the beginning.
ROWS, CHARACTERS, EACH = 200, 200_000, 10_000
EXAMPLES, AROUND, SHOWN = 3, 40, 300

Pieces = list[tuple[bool, str]]  # (whether it differs, the words)


@dataclass
class Proposal:
    """What one step would do. examples: stretches of texts, before and after."""

    name: str
    title: str
    texts: int = 0
    examples: list[tuple[Pieces, Pieces]] = field(default_factory=list)


@dataclass
class Look:
    """rows: how many were looked at; languages: code -> rows, "" where a closer look is needed, of those that say none."""

    rows: int
    proposals: list[Proposal]
    languages: dict[str, int]
    sentences: int
    passages: int

    def percent(self, count: int) -> int:
        """Of the rows, at least 1 where there is one."""
        return max(1, round(100 * count / self.rows)) if count and self.rows else 0

    @property
    def told(self) -> list[tuple[Proposal, int]]:
        """Each proposal with its percent."""
        return [(proposal, self.percent(proposal.texts)) for proposal in self.proposals]


def look(row: Import) -> Look:
    """Every step on the first rows, each on what the steps before it leave; nothing is written."""
    options = {**DEFAULTS, **row.options, "clean": []}
    desk = Desk(options, schema=None, filename=row.filename)
    texts: list[str] = []
    unsaid: list[bool] = []
    left = CHARACTERS
    try:
        for entry in islice(loading.rows_of(row), ROWS):
            text = desk.words(entry.values)[:EACH] if entry.values is not None else ""
            if text.strip():
                texts.append(text)
                unsaid.append(not desk.says_language(entry.values or {}))
                left -= len(text)
            if left <= 0:
                break
    except (reading.Unreadable, ValueError):
        pass  # the preview tells what cannot be read
    return looked_at(
        texts, unsaid, int(options["passage_size"] or SIZE) if str(options["passage_size"]).isdecimal() else SIZE
    )


def looked_at(texts: list[str], unsaid: Sequence[bool], size: int = SIZE) -> Look:
    """The same for texts at hand; unsaid: whose language no row says."""
    count, proposals = len(texts), []
    for name, title in STEPS.items():
        proposal = Proposal(name, title)
        step = Cleaner([name], repeated=repeats(texts) if name == "boilerplate" else ())
        for place, text in enumerate(texts):
            result = step.clean(text)
            if result.done:
                proposal.texts += 1
                if len(proposal.examples) < EXAMPLES:
                    proposal.examples.append(example(text, result.steps[0]))
                # A name on a page is no reason to show the next step another text than the import would.
                if name != "private":
                    texts[place] = result.text
        proposals.append(proposal)
    found: dict[str, int] = {}
    for text, asked in zip(texts, unsaid, strict=True):
        if asked:
            code = languages.detect(text, closely=False)
            found[code] = found.get(code, 0) + 1
    return Look(
        count,
        proposals,
        dict(sorted(found.items(), key=lambda one: -one[1])),
        sentences=sum(len(cut(text, "sentence")) for text in texts),
        passages=sum(len(cut(text, "passage", size)) for text in texts),
    )


def example(text: str, step: Step) -> tuple[Pieces, Pieces]:
    """The stretch around the first edits, before and after, with what differs marked."""
    first = step.edits[0][0]
    low, high = max(0, first - AROUND), min(len(text), first + SHOWN)
    before, after = list[tuple[bool, str]](), list[tuple[bool, str]]()
    if low:
        before.append((False, "…"))
        after.append((False, "…"))
    done = low
    for start, end, new in _within(step.edits, high):
        for side in (before, after):
            side.append((False, text[done:start]))
        before.append((True, text[start : min(end, high)]))
        after.append((True, new))
        done = end
    rest = text[done:high] + ("…" if high < len(text) else "")
    return _told([*before, (False, rest)]), _told([*after, (False, rest)])


def _within(edits: Sequence[Edit], high: int) -> list[Edit]:
    return [edit for edit in edits if edit[0] < high]


def _told(pieces: Pieces) -> Pieces:
    return [piece for piece in pieces if piece[1]]
