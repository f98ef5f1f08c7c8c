"""PURE. What may be done to a text on its way in, step by step: mojibake, HTML, page furniture, private data, normal form.

A step says its edits, so that places of the text as it came follow it (`Cleaning.places`). Only the normal form is
always done; it comes last.
"""

from collections.abc import Callable, Collection, Container, Iterable
from dataclasses import dataclass, field

from annotation.text import furniture, markup, mojibake, normal, privacy
from annotation.text.offsets import Edit, Moved, Step, moved
from annotation.text.words import gettext_noop

Edits = Callable[[str], Iterable[Edit]]

# In the order in which they are done. Mojibake first: the normal form would drop the control characters in it.
STEPS: dict[str, str] = {
    "mojibake": gettext_noop("Mojibake set right: “â€™” becomes “’”"),
    "html": gettext_noop("HTML made text: tags go, blocks become line ends, entities are resolved"),
    "boilerplate": gettext_noop("Page furniture cut: share lines, cookie notices, disclaimers, page heads"),
    "private": gettext_noop("Private data masked: [EMAIL_1], [PHONE_1] …"),
}
# HTML may be escaped several times over; what is still there after so many turns stays.
TURNS = 10


@dataclass(frozen=True)
class Cleaning:
    """What became of one text. done: the steps that changed it, and how many places each; notes: the normal form's."""

    raw: str
    text: str
    done: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    def places(self) -> Moved:
        """Where places of the raw text lie in the text."""
        return moved(self.raw, self.steps)


class Cleaner:
    """Does the chosen steps; made once for many texts."""

    def __init__(
        self, steps: Collection[str] = (), *, repeated: Container[str] = (), private: Collection[str] | None = None
    ) -> None:
        """steps: names of STEPS; repeated: see `furniture.edits`; private: kinds of private data, all where None."""
        if unknown := set(steps) - set(STEPS):
            raise ValueError(f"Unknown steps: {sorted(unknown)}.")
        does: dict[str, Edits] = {
            "mojibake": mojibake.edits,
            "html": markup.edits,
            "boilerplate": lambda text: furniture.edits(text, repeated),
            "private": lambda text: privacy.masking(text, kinds=private),
        }
        self.steps = [(name, does[name]) for name in STEPS if name in steps]

    def clean(self, raw: str) -> Cleaning:
        """The text as it is stored."""
        if not self.steps:
            text, notes = normal.clean(raw)
            return Cleaning(raw, text, notes=notes)
        text, done, steps = raw, dict[str, int](), list[Step]()
        for name, edits in self.steps:
            for _turn in range(TURNS):
                step = Step(edits(text))
                if not step.edits:
                    break
                steps.append(step)
                text = step.apply(text)
                done[name] = done.get(name, 0) + len(step.edits)
        text, notes = normal.clean(text)
        return Cleaning(raw, text, done, notes, tuple(steps))
