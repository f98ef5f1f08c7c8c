"""Candidate responses of a document: read from a row, bounded, and put into an order of its own for each person."""

import json
import re
from collections.abc import Sequence
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from annotation.text.normal import clean

NAMES = "abcdef"
LEAST, MOST = 2, len(NAMES)
SIZE = 100_000
MODEL = 200
# What a response is called in files: response_a, answer_1, output_b …; and the model behind it: model_a.
WORDS = ("response", "answer", "output", "completion", "candidate")
COLUMNS = ("candidates", "pair", "responses", "completions")
PROMPTS = ("prompt", "instruction", "question", "query")
TEXTS = ("text", "response", "content", "answer", "output", "completion")
PLACE = re.compile(r"(.+)_([a-f1-6])", re.IGNORECASE)

Candidate = dict[str, str]


def read(value: Any, *, least: int = LEAST) -> list[Candidate]:
    """Candidates from a cell: a list of texts or objects, an object of responses, or the JSON of either; [] for none.

    Each is {name, text} with the model behind it where the file names one; the names are a, b, c … in the order of the
    file. Raises ValueError where it is something else, or there are too few, too many or too long ones. With `least` 1
    words alone are one response.
    """
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(_("the candidate responses are no valid JSON.")) from None
    if value in (None, "", [], {}):
        return []
    if least == 1 and (isinstance(value, str) or (isinstance(value, dict) and any(name in value for name in TEXTS))):
        value = [value]
    entries = _of_object(value) if isinstance(value, dict) else value
    if not isinstance(entries, list):
        raise ValueError(_("the candidate responses must be a list of texts, or of objects with a text."))
    return _checked([_entry(entry) for entry in entries], least=least)


def gather(values: dict[str, Any], word: str) -> list[Candidate]:
    """Candidates from columns of their own: response_a, response_b … with model_a, model_b … beside them."""
    cells = {key: values[key] for key in columns(list(values), word)}
    texts = _by_place({key: cell for key, cell in cells.items() if key.startswith(f"{word}_")})
    while texts and (texts[-1][1] is None or texts[-1][1] == "") and len(texts) > LEAST:
        texts.pop()
    if all(cell in (None, "") for _place, cell in texts):
        return []
    models = dict(_by_place({key: cell for key, cell in cells.items() if key.startswith("model_")}))
    return _checked([{"text": _words(cell), "model": _words(models.get(place))} for place, cell in texts])


def columns(names: Sequence[str], word: str) -> list[str]:
    """The columns that `gather` reads for this word; none where there are not at least two responses."""
    found = [name for name in names if (place := PLACE.fullmatch(name)) and place[1] in (word, "model")]
    return found if sum(name.startswith(f"{word}_") for name in found) >= LEAST else []


def words(names: Sequence[str]) -> list[str]:
    """What responses in columns of their own are called there: response where there are response_a and response_b."""
    return [word for word in WORDS if columns(names, word)]


def guess(names: Sequence[str], preview: Sequence[dict[str, Any]]) -> str:
    """The column that holds candidates, or the word of the columns that do; '' where there are none."""
    for name in (name for name in COLUMNS if name in names):
        cells = [row.get(name) for row in preview if row.get(name) not in (None, "")]
        if any(_is_readable(cell) for cell in cells):
            return name
    return next(iter(words(names)), "")


def _is_readable(cell: Any) -> bool:
    try:
        return bool(read(cell))
    except ValueError:
        return False


def _by_place(cells: dict[str, Any]) -> list[tuple[str, Any]]:
    """(place, cell) in the order of the places: a before b, 1 before 2."""
    placed = [(found[2].lower(), cell) for key, cell in cells.items() if (found := PLACE.fullmatch(key))]
    return sorted(placed, key=lambda entry: entry[0])


def _of_object(value: dict[str, Any]) -> list[Any]:
    """{response_a, response_b, model_a, model_b} or {a: text, b: text} as a list."""
    for word in WORDS:
        if columns(list(value), word):
            return gather(value, word)
    letters = sorted(value)
    if letters != list(NAMES[: len(letters)]):
        raise ValueError(_("the candidate responses must be a list of texts, or of objects with a text."))
    return [value[letter] for letter in letters]


def _entry(entry: Any) -> Candidate:
    if isinstance(entry, dict):
        text = next((entry[name] for name in TEXTS if name in entry), None)
        if not isinstance(text, str):
            raise ValueError(_("each candidate response needs a text."))
        name = _words(entry.get("name"))
        return {"name": name, "text": text, "model": _words(entry.get("model"))}
    if not isinstance(entry, str):
        raise ValueError(_("each candidate response needs a text."))
    return {"text": entry}


def _words(cell: Any) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _checked(entries: list[Candidate], *, least: int = LEAST) -> list[Candidate]:
    """Cleaned and named a, b, c …; a name of another form is most likely that of the model."""
    if not least <= len(entries) <= MOST:
        sentence = _("there are %(count)d candidate responses; %(least)d to %(most)d can be compared.")
        raise ValueError(sentence % {"count": len(entries), "least": least, "most": MOST})
    letters = list(NAMES[: len(entries)])
    if sorted(entry.get("name", "") for entry in entries) == letters:
        entries = sorted(entries, key=lambda entry: entry["name"])
    found = []
    for letter, entry in zip(letters, entries, strict=True):
        text = clean(entry["text"]).text
        if len(text) > SIZE:
            sentence = _("candidate response %(name)s has %(size)d characters; at most %(most)d are taken.")
            raise ValueError(sentence % {"name": letter, "size": len(text), "most": SIZE})
        other = entry.get("name", "")
        model = clean(entry.get("model") or (other if other not in letters else "")).text[:MODEL]
        found.append({"name": letter, "text": text, **({"model": model} if model else {})})
    return found


def names(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """The names in the order of the document."""
    return tuple(entry["name"] for entry in candidates)


def shuffled(candidates: Sequence[Candidate], *, item: int, person: int | None) -> list[Candidate]:
    """Name and text of each in this person's own order for this item: the same at every look, and without models.

    Without a person the order of the document.
    """
    shown = [{"name": entry["name"], "text": entry["text"]} for entry in candidates]
    if person is None:
        return shown

    def place(entry: Candidate) -> bytes:
        return salted_hmac("annotation.candidates", f"{item}:{person}:{entry['name']}", algorithm="sha256").digest()

    return sorted(shown, key=place)
