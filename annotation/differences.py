"""PURE. What differs between two states of a guideline: its prose word by word, its questions and labels fact by fact."""

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from annotation.kinds import KINDS
from annotation.text.words import _

# Chinese characters one by one, other words whole, what stands between them as it is.
WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|\s+|[^\w\s]")
# How alike two paragraphs must be to count as one that was changed.
ALIKE = 0.35
# More words than this in one paragraph are not compared one by one.
MOST = 4000
# The most pairs of paragraphs that are held against each other; beyond it they are paired in order.
PAIRS = 900

Pieces = list[tuple[bool, str]]  # (whether it differs, the words)


def between(old: Mapping[str, Any], new: Mapping[str, Any], plan: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """{"prose", "schema", "examples"} of two states with `text`, `schema` and `examples`; all three empty where equal.

    plan: what was renamed is known from it (see plans.py); otherwise it is guessed from titles, rules and labels.
    """
    paragraphs = prose(old["text"], new["text"])
    return {
        "prose": paragraphs if any(row["sign"] != "same" for row in paragraphs) else [],
        "schema": schema(old["schema"], new["schema"], plan or {}),
        "examples": examples(old["examples"], new["examples"]),
    }


# -- Prose --------------------------------------------------------------------------------------------------------


def prose(old: str, new: str) -> list[dict[str, Any]]:
    """Paragraph by paragraph: {"sign": same, changed, added or removed, "old": pieces, "new": pieces}."""
    before, after = _paragraphs(old), _paragraphs(new)
    found: list[dict[str, Any]] = []
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found += [_row("same", [(False, text)], [(False, text)]) for text in before[a:b]]
        else:
            found += _replaced(before[a:b], after[c:d])
    return found


def _paragraphs(text: str) -> list[str]:
    return [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def _row(sign: str, old: Pieces, new: Pieces) -> dict[str, Any]:
    return {"sign": sign, "old": old, "new": new}


def _replaced(before: Sequence[str], after: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    a = b = 0
    for i, j in [*_pairs(before, after), (len(before), len(after))]:
        found += [_row("removed", [(True, text)], []) for text in before[a:i]]
        found += [_row("added", [], [(True, text)]) for text in after[b:j]]
        if i < len(before):
            found.append(_row("changed", *words(before[i], after[j])))
        a, b = i + 1, j + 1
    return found


def _pairs(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Which old paragraph became which new one, in order: the pairs that are most alike taken together."""
    if len(before) * len(after) > PAIRS:
        return [(place, place) for place in range(min(len(before), len(after)))]
    alike = [[_alike(one, other) for other in after] for one in before]
    best = [[0.0] * (len(after) + 1) for _row in range(len(before) + 1)]
    for i in reversed(range(len(before))):
        for j in reversed(range(len(after))):
            paired = alike[i][j] + best[i + 1][j + 1] if alike[i][j] >= ALIKE else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    found, i, j = [], 0, 0
    while i < len(before) and j < len(after):
        if alike[i][j] >= ALIKE and best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _alike(one: str, other: str) -> float:
    """0 to 1: how many words two paragraphs share in order."""
    # Blanks and stops are in every paragraph.
    a, b = ([word for word in WORD.findall(text) if word[0].isalnum()][:MOST] for text in (one, other))
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return 0.0 if matcher.quick_ratio() < ALIKE else matcher.ratio()


def words(old: str, new: str) -> tuple[Pieces, Pieces]:
    """Both texts in pieces, those marked that the other does not have."""
    a, b = WORD.findall(old), WORD.findall(new)
    if max(len(a), len(b)) > MOST:
        return [(True, old)], [(True, new)]
    left: Pieces = []
    right: Pieces = []
    for kind, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        _append(left, kind != "equal", "".join(a[i:j]))
        _append(right, kind != "equal", "".join(b[k:m]))
    return _joined(left), _joined(right)


def inline(old: str, new: str) -> list[tuple[str, str]]:
    """One text after the other in one line: ("same", words), ("del", what only the old has), ("ins", what only the new has)."""
    a, b = WORD.findall(old), WORD.findall(new)
    if max(len(a), len(b)) > MOST:
        return [("del", old), ("ins", new)]
    found = []
    for kind, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(a[i:j])))
        else:
            found += [("del", "".join(a[i:j])), ("ins", "".join(b[k:m]))]
    return [(sign, text) for sign, text in found if text]


def _append(pieces: Pieces, differs: bool, text: str) -> None:
    if text:
        pieces.append((differs, text))


def _joined(pieces: Pieces) -> Pieces:
    """A blank between two marked words is marked with them, so that a phrase reads as one."""
    marks = [differs for differs, _text in pieces]
    for place in range(1, len(pieces) - 1):
        if pieces[place][1].isspace() and marks[place - 1] and marks[place + 1]:
            marks[place] = True
    found: Pieces = []
    for differs, (_was, text) in zip(marks, pieces, strict=True):
        if found and found[-1][0] == differs:
            found[-1] = (differs, found[-1][1] + text)
        else:
            found.append((differs, text))
    return found


# -- Questions and labels -----------------------------------------------------------------------------------------


def schema(old: Mapping[str, Any], new: Mapping[str, Any], plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs question by question: {"name", "was", "title", "sign", "changes"}; equal questions are left out.

    sign: added, removed, renamed or changed; a change: {"what", "label", "old": pieces, "new": pieces}.
    """
    before = {entry["name"]: entry for entry in old.get("questions", [])}
    after = {entry["name"]: entry for entry in new.get("questions", [])}
    became = _renamed_questions(before, after, plan)
    was = {to: name for name, to in became.items()}
    found = []
    for name, entry in after.items():
        earlier = before.get(was.get(name, name))
        if earlier is None:
            found.append(_question("added", entry, "", _facts({}, entry)))
            continue
        changes = _facts(earlier, entry) + _labels(earlier, entry, plan.get(earlier["name"], {}).get("labels") or {})
        if changes or earlier["name"] != name:
            sign = "changed" if earlier["name"] == name else "renamed"
            found.append(_question(sign, entry, earlier["name"] if sign == "renamed" else "", changes))
    gone = [entry for name, entry in before.items() if name not in after and name not in became]
    found += [_question("removed", entry, "", []) for entry in gone]
    if not found and list(before) != list(after):
        found.append({"name": "", "was": "", "title": _("Order of the questions"), "sign": "changed", "changes": [_change(_("order"), ", ".join(before), ", ".join(after))]})  # fmt: skip
    return found


def _question(sign: str, entry: Mapping[str, Any], was: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": entry["name"], "was": was, "title": entry["title"], "sign": sign, "changes": changes}


def _change(what: str, old: str, new: str, label: str = "") -> dict[str, Any]:
    left, right = words(old, new) if old and new else ([(True, old)] if old else [], [(True, new)] if new else [])
    return {"what": what, "label": label, "old": left, "new": right}


def _renamed_questions(before: Mapping[str, Any], after: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, str]:
    """old name -> new one, of questions that changed their name: as planned, or else by title and labels."""
    found = {name: told["to"] for name, told in plan.items() if told.get("to") in after and name in before}
    gone = [entry for name, entry in before.items() if name not in after and name not in found]
    come = [entry for name, entry in after.items() if name not in before and name not in found.values()]
    for entry in gone:
        for other in come:
            if other["kind"] != entry["kind"] or other["name"] in found.values():
                continue
            one, two = {label["name"] for label in entry.get("labels", [])}, {label["name"] for label in other.get("labels", [])}  # fmt: skip
            if other["title"] == entry["title"] or (one and 2 * len(one & two) >= len(one | two)):
                found[entry["name"]] = other["name"]
                break
    return found


def _facts(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is said of a question beside its labels; of a new one everything."""
    one, two = _told(old) if old else {}, _told(new)
    found = [_change(what, one.get(what, ""), two.get(what, "")) for what in dict.fromkeys([*one, *two]) if one.get(what, "") != two.get(what, "")]  # fmt: skip
    if not old:
        names = ", ".join(label["title"] for label in new.get("labels", []))
        found += [_change(_("labels"), "", names)] if names else []
    return found


def _told(entry: Mapping[str, Any]) -> dict[str, str]:
    """The facts of a question in words."""
    kind = KINDS[entry["kind"]]
    told = {
        _("title"): entry["title"],
        _("kind"): _(kind.title),
        _("help"): entry["help"],
        _("answer"): _("must be answered") if entry["required"] else _("may stay open"),
    }
    if when := entry.get("when"):
        told[_("asked when")] = f"{when['question']} = {', '.join(when['labels'])}"
    for option in kind.options:
        value = entry.get(option.name)
        if value in (None, "", []) or value == option.default:
            continue
        choices = dict(option.choices)
        words_of = "; ".join(map(kind.line, value)) if isinstance(value, list) else _(choices.get(str(value), str(value)))  # fmt: skip
        told[_(option.title)] = _("yes") if value is True else _("no") if value is False else words_of
    return told


def _labels(old: Mapping[str, Any], new: Mapping[str, Any], planned: Mapping[str, Any]) -> list[dict[str, Any]]:
    before = {label["name"]: label for label in old.get("labels", [])}
    after = {label["name"]: label for label in new.get("labels", [])}
    became = _renamed_labels(before, after, planned)
    merged = {name: [one for one, to in became.items() if to == name] for name in set(became.values())}
    found: list[dict[str, Any]] = []
    for name, label in after.items():
        sources = merged.get(name, [])
        if name not in before and not sources:
            found.append(_change(_("new label"), "", _whole(label), label["title"]))
            continue
        for source in sources:
            what = _("label renamed") if len(sources) == 1 and name not in before else _("labels merged")
            found.append(_change(what, source, name, label["title"]))
        earlier = before.get(name) or before[sources[0]]
        # A title that is the name says nothing more.
        named = name not in before and earlier["title"] == earlier["name"] and label["title"] == name
        found += _facts_of_label({**earlier, "title": name} if named else earlier, label)
    for name, label in before.items():
        if name not in after and name not in became:
            found.append(_change(_("label removed"), _whole(label), "", label["title"]))
    if not found and list(before) != list(after):
        found.append(_change(_("order of the labels"), ", ".join(before), ", ".join(after)))
    return found


def _whole(label: Mapping[str, Any]) -> str:
    rule = label["definition"]
    return f"{label['title']}: {rule}" if rule else str(label["title"])


def _facts_of_label(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for part, what in (
        ("title", _("title")),
        ("definition", _("rule")),
        ("key", _("key")),
        ("parent", _("stands under")),
        ("examples", _("examples")),
    ):
        one, two = old.get(part) or "", new.get(part) or ""
        if one == two:
            continue
        lines = ["\n".join(text) if isinstance(text, list) else str(text) for text in (one, two)]
        found.append(_change(what, lines[0], lines[1], new["title"]))
    return found


def _renamed_labels(before: Mapping[str, Any], after: Mapping[str, Any], planned: Mapping[str, Any]) -> dict[str, str]:
    """old name -> new one: as planned, or else by an equal title, or an equal rule that is not empty."""
    found = {name: to for name, to in planned.items() if name in before and to in after and name not in after}
    come = [label for name, label in after.items() if name not in before and name not in found.values()]
    for name, label in before.items():
        if name in after or name in found or name in planned:
            continue
        for other in come:
            same = other["title"] == label["title"] or (label["definition"] and other["definition"] == label["definition"])  # fmt: skip
            if same and other["name"] not in found.values():
                found[name] = other["name"]
                break
    return found


def guesses(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """A plan that renames what seems to be renamed, for a form to begin with; merged labels cannot be guessed."""
    before = {entry["name"]: entry for entry in old.get("questions", [])}
    after = {entry["name"]: entry for entry in new.get("questions", [])}
    became = _renamed_questions(before, after, {})
    found: dict[str, Any] = {}
    for name, entry in before.items():
        other = after.get(became.get(name, name))
        if other is None or other["kind"] != entry["kind"]:
            continue
        one, two = ({label["name"]: label for label in part.get("labels", [])} for part in (entry, other))
        told: dict[str, Any] = {"to": other["name"]} if other["name"] != name else {}
        if labels := _renamed_labels(one, two, {}):
            told["labels"] = labels
        if told:
            found[name] = told
    return found


# -- Examples -----------------------------------------------------------------------------------------------------


def examples(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Examples that came, went or say something else: {"sign", "example", "old": pieces, "new": pieces}."""
    one, two = ({(row["item"], row["question"]): row for row in rows} for rows in (old, new))
    found = []
    for key in dict.fromkeys([*one, *two]):
        before, after = one.get(key), two.get(key)
        said = [_said(row) if row else "" for row in (before, after)]
        if before is not None and after is not None and said[0] == said[1]:
            continue
        sign = "changed" if before and after else "added" if after else "removed"
        left, right = words(*said) if before and after else ([(True, said[0])] if before else [], [(True, said[1])] if after else [])  # fmt: skip
        found.append({"sign": sign, "example": after or before, "old": left, "new": right})
    return found


def _said(row: Mapping[str, Any]) -> str:
    value = row["value"] if isinstance(row["value"], str) else ""
    what = _("not {value}").format(value=value) if row["counter"] and value else value
    return " · ".join(part for part in (what, row["words"] or row["text"], row["why"]) if part)


def folded(rows: Sequence[dict[str, Any]], around: int = 1) -> list[dict[str, Any]]:
    """The paragraphs of `prose` with long runs of equal ones put together: {"sign": "folded", "rows"}."""
    near = {place + step for place, row in enumerate(rows) if row["sign"] != "same" for step in range(-around, around + 1)}  # fmt: skip
    found: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        if place in near:
            found.append(row)
        elif found and found[-1]["sign"] == "folded":
            found[-1]["rows"].append(row)
        else:
            found.append({"sign": "folded", "rows": [row]})
    return found
