"""What a person should know about a version before trusting it: leaks, what was left out, labels and tests too small."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext, gettext_noop

from annotation import schema as schemas
from annotation.text.privacy import KINDS
from evaluation.leaks import Leak
from evaluation.models import SPLITS
from evaluation.significance import minimum_detectable_difference
from evaluation.splits import Assignment

SHOWN = 20
PER_LABEL = 60
FEWEST = 10
ADVISED = 1000
DISCORDANCE = 0.1

Finding = dict[str, Any]


def finding(code: str, level: str, message: str, values: Mapping[str, Any], keys: Iterable[str] = ()) -> Finding:
    """One finding. level: note, warning or error; keys: the examples concerned, of which the first 20 are kept.

    message and values are frozen beside the English text, so that every reader gets it in their own language.
    """
    named = sorted(keys)
    said = {"message": message, "values": dict(values), "text": message % values}
    return {"code": code, "level": level, **said, "count": len(named), "keys": named[:SHOWN]}


def in_words(found: Finding) -> str:
    """A finding in the language of who reads it now."""
    if "message" not in found:
        return str(found["text"])
    values = {name: gettext(value) if name == "title" else value for name, value in found["values"].items()}
    return gettext(found["message"]) % values


def listed(keys: Sequence[str], most: int = 5) -> str:
    """The first keys in quotes, and how many more there are."""
    rest = len(keys) - most
    return ", ".join(f"“{key}”" for key in keys[:most]) + (f" … (+{rest})" if rest > 0 else "")


def of_leaks(leaks: Sequence[Leak], *, reason: str) -> list[Finding]:
    """Conflicting gold, without its values (they may be test gold), and leaks that were allowed for a reason."""
    found = []
    conflicts = [leak for leak in leaks if leak.kind == "gold"]
    if conflicts and reason:
        keys = sorted({key for leak in conflicts for key in leak.keys})
        text = gettext_noop(
            "Texts with different gold in different examples: %(count)d (%(keys)s). This was allowed because: %(reason)s"
        )
        values = {"count": len(conflicts), "keys": listed(keys), "reason": reason}
        found.append(finding("conflicting", "warning", text, values, keys))
    elif conflicts:
        keys = sorted({key for leak in conflicts for key in leak.keys})
        text = gettext_noop(
            "Texts with different gold in different examples: %(count)d (%(keys)s). Settle them in the project."
        )
        found.append(finding("conflicting", "warning", text, {"count": len(conflicts), "keys": listed(keys)}, keys))
    crossing = [leak for leak in leaks if leak.kind != "gold"]
    if crossing and not reason:
        keys = sorted({key for leak in crossing for key in leak.keys})
        text = gettext_noop(
            "Examples of different splits share a text, nearly a text, or a group (%(keys)s). An earlier version placed "
            "them, so they stay; retire one side, or freeze a new data set."
        )
        found.append(finding("leak", "error", text, {"keys": listed(keys)}, keys))
    elif crossing:
        keys = sorted({key for leak in crossing for key in leak.keys})
        text = gettext_noop(
            "Examples of different splits share a text or a group (%(keys)s). This was allowed because: %(reason)s"
        )
        found.append(finding("leak", "error", text, {"keys": listed(keys), "reason": reason}, keys))
    return found


def of_windows(placed: Assignment, options: Mapping[str, Any]) -> list[Finding]:
    """What splits by time did: where the windows begin, what fell into a gap, has no date, or is older than its window."""
    found = []
    if placed.windows:
        days = ", ".join(f"{name}: {day.isoformat()}" for name, day in sorted(placed.windows.items()))
        text = gettext_noop("The splits go by time. First days: %(days)s; days left free before each: %(gap)d.")
        found.append(finding("windows", "note", text, {"days": days, "gap": options.get("gap_days", 0)}))
    if placed.gap:
        text = gettext_noop("Left out, because they fall into the days before a window: %(count)d (%(keys)s).")
        values = {"count": len(placed.gap), "keys": listed(sorted(placed.gap))}
        found.append(finding("gap", "note", text, values, placed.gap))
    if placed.undated:
        text = (
            gettext_noop("Without a date, so put into train: %(count)d (%(keys)s). Some may be later than the test.")
            if options.get("undated") == "train"
            else gettext_noop("Left out, because they have no date: %(count)d (%(keys)s).")
        )
        values = {"count": len(placed.undated), "keys": listed(sorted(placed.undated))}
        found.append(finding("undated", "warning", text, values, placed.undated))
    if placed.moved:
        text = gettext_noop(
            "In a later split than their own date says, because newer texts belong with them: %(count)d (%(keys)s)."
        )
        values = {"count": len(placed.moved), "keys": listed(sorted(placed.moved))}
        found.append(finding("dragged", "note", text, values, placed.moved))
    return found


def of_alike(clusters: Iterable[Sequence[str]], split: Mapping[str, str]) -> list[Finding]:
    """Texts that are nearly the same and stand in different splits, where nobody asked to keep them together."""
    apart = [keys for keys in clusters if len({split[key] for key in keys if key in split}) > 1]
    if not apart:
        return []
    keys = sorted(key for members in apart for key in members if key in split)
    text = gettext_noop(
        "Texts that are nearly the same stand in different splits: %(count)d (%(keys)s). A model that has seen one knows "
        "the other; choose to keep them together."
    )
    return [finding("alike", "warning", text, {"count": len(keys), "keys": listed(keys)}, keys)]


def of_left_out(quarantined: Mapping[str, str], outdated: Sequence[str]) -> list[Finding]:
    """Items with gold that are not in the version, and why."""
    found = []
    if quarantined:
        text = gettext_noop(
            "Left out, because they connect examples that already stand in different splits: %(count)d (%(keys)s)."
        )
        numbers = {"count": len(quarantined), "keys": listed(sorted(quarantined))}
        found.append(finding("quarantined", "warning", text, numbers, quarantined))
    if outdated:
        text = gettext_noop(
            "Left out, because the guideline no longer has the label of the gold, or there is no text: %(count)d (%(keys)s)."
        )
        numbers = {"count": len(outdated), "keys": listed(sorted(outdated))}
        found.append(finding("left_out", "warning", text, numbers, outdated))
    return found


def of_duplicates(count: int) -> list[Finding]:
    """Items with gold that a decision about duplicates keeps out."""
    if not count:
        return []
    text = gettext_noop("Left out, because another item is kept in place of such duplicates: %(count)d.")
    return [finding("duplicates", "note", text, {"count": count})]


def of_retired(keys: Collection[str]) -> list[Finding]:
    """Items with gold that somebody retired from the dataset."""
    if not keys:
        return []
    text = gettext_noop("Left out, because they were retired: %(count)d (%(keys)s).")
    return [finding("retired", "note", text, {"count": len(keys), "keys": listed(sorted(keys))}, keys)]


def of_examples(left_out: Collection[str]) -> list[Finding]:
    """Items that the guideline shows as examples, and that could only have tested somebody."""
    if not left_out:
        return []
    text = gettext_noop(
        "Left out, because the guideline shows them as examples, and they or their like stand in dev or test: %(count)d (%(keys)s)."
    )
    numbers = {"count": len(left_out), "keys": listed(sorted(left_out))}
    return [finding("example", "warning", text, numbers, left_out)]


def of_measuring(count: int) -> list[Finding]:
    """Control and training items, which stand in train alone; not which, because people who label read findings."""
    if not count:
        return []
    text = gettext_noop("Control and training items stand in train, never in dev or test: %(count)d.")
    return [finding("measuring", "note", text, {"count": count})]


def of_private(hits: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Private data in the texts: kind -> key of each hit. What it is stands nowhere but in the texts."""
    found = []
    for kind, keys in hits.items():
        text = gettext_noop(
            "%(title)s: %(count)d stay in the texts, as was decided (%(keys)s). Think of it before you hand the version on."
        )
        values = {"title": KINDS[kind].title, "count": len(keys), "keys": listed(sorted(set(keys)))}
        found.append(finding("private", "warning", text, values, set(keys)))
    return found


def of_masked(hits: Mapping[str, int]) -> list[Finding]:
    """Private data that placeholders stand for: kind -> places."""
    return [
        finding(
            "masked",
            "note",
            gettext_noop("%(title)s: %(count)d masked in the texts."),
            {"title": KINDS[kind].title, "count": n},
        )
        for kind, n in sorted(hits.items())
    ]


def of_labels(questions: Sequence[dict[str, Any]], counts: Mapping[str, Any]) -> list[Finding]:
    """Labels with too few examples in all, or too few in the test split."""
    found = []
    for question in questions:
        name, labels = question["name"], schemas.label_names(question)
        at = {split: counts[split]["labels"][name] for split in SPLITS}
        few = {label: n for label in labels if (n := sum(at[split][label] for split in SPLITS)) < FEWEST}
        if few:
            text = gettext_noop(
                "“%(question)s”: fewer than %(least)d examples of %(labels)s. Nothing can be learned or said about them."
            )
            values = {"question": name, "least": FEWEST, "labels": _amounts(few)}
            found.append(finding("few_examples", "warning", text, values))
        small = {label: n for label in labels if label not in few and (n := at["test"][label]) < PER_LABEL}
        if small:
            text = gettext_noop(
                "“%(question)s”: fewer than %(least)d test examples of %(labels)s. Their figures will be uncertain."
            )
            values = {"question": name, "least": PER_LABEL, "labels": _amounts(small)}
            found.append(finding("few_test_examples", "warning", text, values))
    return found


def _amounts(labels: Mapping[str, int]) -> str:
    return ", ".join(f"{label} ({n})" for label, n in labels.items())


def of_test(independent: int) -> list[Finding]:
    """How small a difference between two systems the test split can show."""
    if not independent:
        return [finding("no_test", "warning", gettext_noop("The test split is empty, so no board was opened."), {})]
    difference = minimum_detectable_difference(independent, DISCORDANCE)
    if difference is None:
        text = gettext_noop(
            "The test split has %(count)d independent examples: too few to tell two systems apart. %(advised)d are advised."
        )
    else:
        text = gettext_noop(
            "The test split has %(count)d independent examples: two systems that differ on %(share)d %% of them can be "
            "told apart from %(points).1f points on. %(advised)d are advised."
        )
    values = {
        "count": independent,
        "share": DISCORDANCE * 100,
        "points": (difference or 0) * 100,
        "advised": ADVISED,
    }
    return [finding("detectable", "note" if independent >= ADVISED else "warning", text, values)]


def of_history(*, kept: Sequence[str], older: Mapping[int, int], number: int) -> list[Finding]:
    """Examples that keep an earlier split over the given one, and gold settled under earlier guideline versions."""
    found = []
    if kept:
        text = gettext_noop(
            "Examples that keep the split of the version before, not the one given: %(count)d (%(keys)s)."
        )
        found.append(finding("kept_split", "note", text, {"count": len(kept), "keys": listed(sorted(kept))}, kept))
    if older:
        shares = ", ".join(f"v{version}: {n}" for version, n in sorted(older.items()))
        text = gettext_noop(
            "Some gold was settled under earlier guideline versions (%(shares)s); this version states v%(number)d."
        )
        found.append(finding("older_guideline", "note", text, {"shares": shares, "number": number}))
    return found
