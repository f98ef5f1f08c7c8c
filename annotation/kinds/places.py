"""PURE. Places in a text as answers name them: held against the text, read from UTF-16, moved when a text is cleaned.

A place is {start, end, text?, parts?}: half-open, code points; `text` what is quoted there; `parts` where it is not one
stretch. `told(k)` names the k-th one (from 0) in a sentence: “Mark 3”, “Event 2, buyer”.
"""

from collections.abc import Callable, Sequence
from typing import Any

from annotation.text.offsets import Moved, from_utf16
from annotation.text.words import _

Place = dict[str, Any]
Told = Callable[[int], str]
QUOTED = 40
# Characters that the places of one answer may quote together: each keeps its words, and many long ones over each other
# would make an answer of a hundred megabytes out of a request of half a one.
MOST_QUOTED = 1_000_000


def against(places: Sequence[Place], text: str, told: Told) -> list[Place]:
    """The places with their words from the text; raises ValueError for one that lies outside or quotes other words.

    Where the quotes show that the offsets count in UTF-16, all of them are converted. Together they quote at most
    MOST_QUOTED characters.
    """
    wrong = next((k for k, place in enumerate(places) if not fits(place, text)), None)
    if wrong is not None:
        converted = _from_utf16(places, text)
        if converted is None:
            raise ValueError(_misplaced(places[wrong], told(wrong), text))
        places = converted
    if (size := sum(place["end"] - place["start"] for place in places)) > MOST_QUOTED:
        sentence = _(
            "All marked words together have {size} characters; at most {most} are taken. Mark shorter stretches."
        )
        raise ValueError(sentence.format(size=size, most=MOST_QUOTED))
    return [{**place, "text": text[place["start"] : place["end"]]} for place in places]


def fits(place: Place, text: str) -> bool:
    """Whether it lies in the text and quotes what stands there, if it quotes anything."""
    return place["end"] <= len(text) and place.get("text") in (None, text[place["start"] : place["end"]])


def _misplaced(place: Place, told: str, text: str) -> str:
    start, end = place["start"], place["end"]
    if end > len(text):
        sentence = _("{mark} ends at {end}, and the text has {size} characters.")
        return sentence.format(mark=told, end=end, size=len(text))
    sentence = _("{mark}: from {start} to {end} the text says “{there}”, not “{given}”. Offsets count characters from 0.")  # fmt: skip
    return sentence.format(mark=told, start=start, end=end, there=short(text[start:end]), given=short(place["text"]))


def short(words: str) -> str:
    """At most QUOTED characters of them."""
    return words if len(words) <= QUOTED else words[: QUOTED - 1] + "…"


def _from_utf16(places: Sequence[Place], text: str) -> list[Place] | None:
    """The places with offsets read as UTF-16 units, where then all of them fit the text; None where they do not."""
    convert = from_utf16(text)
    if convert is None:
        return None
    found = [_shifted(place, convert) for place in places]
    known = [place for place in found if place is not None]
    return known if len(known) == len(places) and all(fits(place, text) for place in known) else None


def _shifted(place: Place, convert: Callable[[int], int | None]) -> Place | None:
    """The place with every offset converted; None where one has none or nothing is left of a part."""
    parts = [[convert(start), convert(end)] for start, end in place.get("parts", [[place["start"], place["end"]]])]
    if any(start is None or end is None or start >= end for start, end in parts):
        return None
    found = {**place, "start": parts[0][0], "end": parts[-1][1]}
    return {**found, "parts": parts} if len(parts) > 1 else found


def move(places: Sequence[Place], moved: Moved, told: Told) -> list[Place] | None:
    """Places of a text as it came in the text as it is stored, each with `parts`; None where they count in that already.

    Raises ValueError naming a place that quotes other words, lies outside, or of which nothing is left.
    """
    if _quoting_stored(places, moved):
        return None
    found = []
    for k, place in enumerate(against(places, moved.raw, told)):
        parts = [list(moved.span(start, end)) for start, end in place.get("parts", [[place["start"], place["end"]]])]
        parts = [part for part in parts if part[0] < part[1]]
        if not parts:
            sentence = _("{mark}: nothing of “{words}” is left in the text as it is stored.")
            raise ValueError(sentence.format(mark=told(k), words=short(place["text"])))
        start, end = parts[0][0], parts[-1][1]
        found.append({**place, "start": start, "end": end, "text": moved.text[start:end], "parts": parts})
    return found


def _quoting_stored(places: Sequence[Place], moved: Moved) -> bool:
    """Whether all offsets count in the stored text already, as the quotes show where those in the text as it came fail."""
    if not places or not all("text" in place for place in places) or all(fits(place, moved.raw) for place in places):
        return False
    return all(fits(place, moved.text) for place in places)


def offset(given: Any, told: str) -> int:
    """A whole number of characters; raises ValueError for anything else."""
    whole = isinstance(given, int) or (isinstance(given, float) and given.is_integer())
    if isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) < 10:
        return int(given)
    if isinstance(given, bool) or not whole:
        sentence = _("{mark} needs a start and an end: whole numbers that count the characters from 0.")
        raise ValueError(sentence.format(mark=told))
    return int(given)


def stretch(start: Any, end: Any, told: str) -> tuple[int, int]:
    """start and end of a stretch that is not empty; raises ValueError for another."""
    first, last = offset(start, told), offset(end, told)
    if not 0 <= first < last:
        sentence = _("{mark} goes from {start} to {end}: it must begin at 0 or later and end behind its start.")
        raise ValueError(sentence.format(mark=told, start=first, end=last))
    return first, last
