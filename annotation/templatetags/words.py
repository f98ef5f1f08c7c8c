"""Answers, figures, intervals and durations in words, for the templates."""

import json
from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotation import adjudicating, annotating
from annotation import schema as schemas
from annotation.agreement.intervals import LEAST_UNITS
from annotation.kinds import KINDS, labels
from annotation.markdown import marked, to_inline

register = template.Library()

NONE = "–"
PIECES = 30  # things of one answer that are shown
LISTED = 5  # thin labels named in a sentence


@register.inclusion_tag("annotation/_value.html")
def value(
    schema: dict[str, Any] | None, question: str, given: Any, among: Sequence[Any] | None = None
) -> dict[str, Any]:
    """A label or other answer as its title with the label's colour; unknown ones as they are.

    An answer that says several things is shown thing by thing. among: rows with a `value` each, this answer's own
    included; what one of them does not say is shown as different.
    """
    try:
        entry = schemas.question(schema or {}, question)
    except ValueError:
        return {"title": plain(given), "color": 0}
    kind = KINDS[entry["kind"]]
    if kind.pieces and given:
        return _piece_by_piece(
            kind.pieces, given, entry, [row["value"] for row in among or [] if row["value"] is not None]
        )
    label: dict[str, Any] = next((label for label in entry.get("labels", []) if label["name"] == given), {})
    return {"title": kind.summarise(given, entry), "color": label.get("color", 0)}


def _piece_by_piece(pieces: Any, given: Any, entry: dict[str, Any], others: list[Any]) -> dict[str, Any]:
    colors = {label["name"]: label["color"] for label in entry.get("labels", [])}
    told = pieces(given, entry)
    said = [{piece.key for piece in pieces(other, entry)} for other in others]
    shown = [
        {"piece": piece, "color": colors.get(piece.label, 0), "differs": any(piece.key not in keys for keys in said)}
        for piece in told[:PIECES]
    ]
    return {"pieces": shown, "rest": len(told) - len(shown)}


@register.filter
def inline(text: str) -> str:
    """A passage of a guideline with its emphasis, code and links."""
    return to_inline(text)


@register.filter
def emphasis(text: str) -> str:
    """A passage as `inline`, without links: inside of a button there can be none."""
    return to_inline(text, links=False)


@register.simple_tag
def pieces(told: Sequence[tuple[bool, str]] | None, tag: str = "ins") -> str:
    """A passage in pieces; what differs is marked for eye and ear: `tag` is ins or del."""
    return marked(told or [], tag)


@register.simple_tag
def carried(given_under: dict[str, int] | None, number: int) -> str:
    """How many of a figure's answers an earlier guideline version brought; "" where all were given under this one.

    given_under: the number of a version -> answers; number: of the version that the figure is of.
    """
    counts = given_under or {}
    earlier = {name: count for name, count in counts.items() if int(name) != number}
    if not earlier:
        return ""
    told = ", ".join(f"v{name}: {number_format(count, force_grouping=True)}" for name, count in earlier.items())
    count, whole = sum(earlier.values()), sum(counts.values())
    return _("Of %(all)s answers %(count)s were given under an earlier version and carried over (%(told)s).") % {
        "all": number_format(whole, force_grouping=True),
        "count": number_format(count, force_grouping=True),
        "told": told,
    }


@register.simple_tag
def settings(question: dict[str, Any]) -> list[tuple[str, str]]:
    """(title, value) of a question's settings that are not what they are by default."""
    found = []
    kind = KINDS[question["kind"]]
    for option in kind.options:
        value = question.get(option.name)
        if value in (None, "", []) or value == option.default or (value is False and not option.default):
            continue
        choices = dict(option.choices)
        told = "\n".join(map(kind.line, value)) if isinstance(value, list) else _(choices.get(str(value), plain(value)))
        found.append((_(option.title), _("yes") if value is True else _("no") if value is False else told))
    return found


@register.filter
def title_in(name: str, entry: dict[str, Any]) -> str:
    """The title of the label of that name in this question."""
    return labels.title(name, entry)


@register.filter
def examples_of(shown: dict[str, Any] | None, name: str) -> Any:
    """A part of what `guiding.shown` found: of a question, then of a label; nothing where there is none."""
    return (shown or {}).get(name)


@register.filter
def label_names(entry: dict[str, Any]) -> list[str]:
    """The names of a question's labels."""
    return labels.names(entry)


@register.filter
def plain(given: Any) -> str:
    """Text as it is, anything else as JSON."""
    if given is None:
        return ""
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)


@register.filter(name="json")
def as_json(given: Any) -> str:
    """An answer as JSON, for a script to read."""
    return json.dumps(given, ensure_ascii=False)


@register.filter
def cell(given: Any) -> str:
    """A cell of a table of figures: whole numbers as they are, others with three digits, nothing as a dash."""
    if given is None:
        return NONE
    return _rounded(given, 3) if isinstance(given, float) else str(given)


@register.filter
def lines(texts: list[str] | None) -> str:
    """One text a line, for a text area."""
    return "\n".join(texts or [])


@register.filter
def reason(code: str) -> str:
    """Why an adjudicator decided so, in words."""
    return str(adjudicating.REASONS.get(code, code))


@register.filter
def rule(name: str) -> str:
    """What of the guideline is at issue, in words: a label's name, a section by its heading, a rule by its number."""
    kind, _sign, words = name.partition(":")
    if kind == "rule":
        return _("rule %(number)s") % {"number": words}
    return _("section “%(heading)s”") % {"heading": words} if kind == "heading" else words


@register.filter
def skip_reason(code: str) -> str:
    """Why there is no answer, in words: of a skip, or of "cannot decide"."""
    return str({**annotating.UNDECIDED_REASONS, **annotating.SKIP_REASONS}.get(code, code))


@register.filter
def figure(number: float | None, places: int = 3) -> str:
    """A coefficient with its decimals, or a dash where it is undefined."""
    return NONE if number is None else _rounded(number, places)


@register.filter
def rate(number: float | None) -> str:
    """A number of things on a day: to one decimal, whole where it is whole."""
    return figure(number, 0 if number is not None and round(number, 1).is_integer() else 1)


@register.filter
def share(number: float | None, places: int = 1) -> str:
    """A share in [0, 1] in percent, or a dash where it is undefined."""
    return NONE if number is None else _("%(number)s%%") % {"number": _rounded(100 * number, places)}


def _rounded(number: float, places: int) -> str:
    """In the reader's notation; number_format alone cuts off, and a tiny negative number is no minus zero."""
    return number_format(round(number, places) + 0.0, places)


@register.filter
def level(number: float | None) -> str:
    """A number in [0, 1] as a whole step from 0 to 10, for a shade; nothing where it is undefined."""
    return "" if number is None else str(round(10 * min(1.0, max(0.0, number))))


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in words, to the unit that matters."""
    if seconds is None:
        return ""
    whole = round(seconds)
    if whole < 90:
        return ngettext("%(count)d second", "%(count)d seconds", whole) % {"count": whole}
    if whole < 90 * 60:
        minutes = round(whole / 60)
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours = round(whole / 3600)
    return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


@register.simple_tag
def interval(found: dict[str, Any], *, percent: bool = False, level: float = 0.95) -> str:
    """'95% interval 0.78 to 0.84', or nothing where there is none (`why` says why)."""
    if found.get("reason") or found.get("low") is None:
        return ""
    word = share if percent else figure
    return _("%(level)s%% interval %(low)s to %(high)s") % {
        "level": _rounded(100 * level, 0),
        "low": word(found["low"]),
        "high": word(found["high"]),
    }


@register.simple_tag
def why(found: dict[str, Any], *, thin: dict[str, int] | None = None, entry: dict[str, Any] | None = None) -> str:
    """Why a figure has no interval, or no value, as a sentence; `thin` are the labels that too few items carry."""
    reason, count = str(found.get("reason", "")), found.get("n", 0)
    if reason == "thin_labels" and thin and entry:
        listed = ", ".join(f"{title_in(name, entry)} ({units})" for name, units in list(thin.items())[:LISTED])
        more = " …" if len(thin) > LISTED else ""
        return _(
            "No interval: each label must be on at least %(least)d items with two answers. Too few: %(labels)s."
        ) % {
            "least": LEAST_UNITS,
            "labels": listed + more,
        }
    sentences = {
        "no_pairs": _("No item has answers of two people yet, so agreement cannot be computed."),
        "no_variation": _("The answers do not vary: without a second label in use there is nothing to measure."),
        "few_units": _("No interval: it needs %(least)d items with two or more answers, there are %(count)d."),
        "few_groups": _("No interval: it needs items from %(least)d documents; these come from fewer."),
        "thin_labels": _("No interval: it needs %(least)d items with the label and two answers."),
        "no_complete": _("No two people have answered the same items, so there is nothing to compare."),
        "too_many_values": _("No interval: there are too many different numbers to compare each with each."),
        "too_many_pairs": _("Not computed: there are too many people to compare each with each."),
        "no_spread": _("No interval: every resample gives the same figure, which does not make it certain."),
        "unstable": _("No interval: the figure rests on so few items that it is undefined without them."),
    }
    sentence = sentences.get(reason, reason)
    return sentence % {"least": LEAST_UNITS, "count": count} if reason in sentences else sentence


@register.simple_tag
def strength(found: dict[str, Any]) -> str:
    """What an alpha allows, by the lower limit of its interval (Krippendorff 2004: 0.8 reliable, 0.667 tentative)."""
    sure = found.get("low")
    if sure is None:  # without an interval no verdict
        return ""
    if sure >= 0.8:
        return _("Reliable even at the lower end of its interval: firm conclusions can rest on these answers.")
    if sure >= 0.667:
        return _(
            "By the lower end of its interval usable for tentative conclusions; look at the labels that are confused."
        )
    if (found.get("value") or 0) >= 0.667:
        return _(
            "The figure is fair, but its interval reaches down to where nothing can rest on it: too few items have two "
            "answers yet. Have more of them labelled, then measure again."
        )
    return _("Too low to rest conclusions on: sharpen the guideline where labels are confused, then measure again.")
