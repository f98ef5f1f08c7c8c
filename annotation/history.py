"""Reads: the history of a project, its answers, decisions and acts in the order of time, page by page and as a file.

A page is merged from the streams by the place of the last entry, so each costs what the first one does.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from annotation.models import Annotation, Assignment, Case, Gold, GuidelineVersion, Item, Membership, Project, User
from annotation.reading.formulas import MARKER_COLUMN, neutralise
from annotation.streams import ANSWERED, CORRECTED, MAPPED, SKIPPED, STREAMS, Asked, Stream, kinds

PAGE = 50
CHUNK = 1000
ORDER = {stream.code: place for place, stream in enumerate(STREAMS)}


@dataclass(frozen=True)
class Place:
    """Where an entry stands: its moment, its stream, its row; the next page begins behind it."""

    at: datetime
    stream: str
    pk: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.stream}~{self.pk}"

    @property
    def key(self) -> tuple[float, int, int]:
        """The newest first; of the same moment by stream, then the newest row."""
        return -self.at.timestamp(), ORDER[self.stream], -self.pk


def place_of(text: str) -> Place | None:
    """The place that a page has named, None for an empty text; raises ValueError for one that no page can have named."""
    if not text:
        return None
    moment, _first, rest = text.partition("~")
    stream, _second, pk = rest.partition("~")
    try:
        at = parse_datetime(moment)
        known = at is not None and at.tzinfo is not None and bool(at.timestamp())
    except (ValueError, OverflowError):
        known = False
    if not known or at is None or stream not in ORDER or not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        raise ValueError(_("This is no place in the history; begin at its newest entry."))
    return Place(at, stream, int(pk))


@dataclass
class Entry:
    """One thing that happened. `hidden`: what was said is not told before the item is settled."""

    place: Place
    kind: str
    told: dict[str, Any]
    hidden: bool = False
    person: User | None = None
    about: User | None = None
    version: int | None = None
    external_id: str = ""
    # In one's own history the number of the assignment stands for the item's.
    assignment: int | None = None
    words: str = ""

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.place.at

    @property
    def item(self) -> int | None:
        """The item that it was about."""
        found: int | None = self.told.get("item")
        return found

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(name, words) of the details of an act; of a change what it was and what it is."""
        details = dict(self.told.get("details") or {})
        changed = [(_called(name), f"{_plain(old)} → {_plain(new)}") for name, (old, new) in details.pop("changed", {}).items()]  # fmt: skip
        return changed + [(_called(name), _plain(value)) for name, value in details.items() if value is not None]


# What the details of acts are called on the page; settings are called as their form calls them.
DETAILS = {
    "answers": gettext_lazy("answers"),
    "cases": gettext_lazy("cases"),
    "count": gettext_lazy("how many"),
    "day": gettext_lazy("day"),
    "gold": gettext_lazy("gold"),
    "gold_changed": gettext_lazy("gold that changed"),
    "gold_fell": gettext_lazy("gold that fell"),
    "name": gettext_lazy("name"),
    "people": gettext_lazy("people"),
    "of": pgettext_lazy("right of so many", "of"),
    "reason": gettext_lazy("why"),
    "right": gettext_lazy("right"),
    "role": gettext_lazy("role"),
    "round": gettext_lazy("round"),
    "same": gettext_lazy("the same person is asked"),
    "since": pgettext_lazy("date", "from"),
    "slots": gettext_lazy("asked of others"),
    "until": pgettext_lazy("date", "until"),
    "version": gettext_lazy("guideline version"),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def _called(name: str) -> str:
    if name in DETAILS:
        return str(DETAILS[name])
    known = {field.name: field for field in Project._meta.concrete_fields}
    return str(known[name].verbose_name) if name in known else name


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, str) and MOMENT.match(value):
        return f"{timezone.localtime(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass
class Page:
    """Entries, the newest first; `after` names where the next page begins, empty on the last one.

    left_out: how many stood here that this person may not read yet.
    """

    entries: list[Entry]
    after: str = ""
    left_out: int = 0


@dataclass
class _Names:
    people: dict[int, User] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    items: dict[int, str] = field(default_factory=dict)


def page(*, asked: Asked, user: Any, after: Place | None = None, size: int = PAGE) -> Page:
    """The entries behind `after` as this person may read them; a number of queries that no row adds to.

    user None: the site's own commands, from which nothing is hidden.
    """
    wanted = [stream for stream in STREAMS if not asked.kind or asked.kind in stream.kinds]
    found = list(islice(_merged(wanted, asked, after, size + 1), size + 1))
    more = len(found) > size
    found = found[:size]
    last = str(found[-1].place) if more else ""
    shown = found if asked.own or user is None else _readable(found, asked, user)
    if asked.own:
        _number(shown, user)
    _name(shown)
    return Page(shown, last, len(found) - len(shown))


def _merged(wanted: Iterable[Stream], asked: Asked, after: Place | None, size: int) -> Iterator[Entry]:
    found = [_behind(stream, asked, after, size) for stream in wanted]
    return merge(*found, key=lambda entry: entry.place.key)


def _behind(stream: Stream, asked: Asked, after: Place | None, size: int) -> list[Entry]:
    """The first entries of a stream behind a place: those of the same moment, then the earlier ones."""
    rows = stream.rows(asked)
    if rows is None:
        return []
    if asked.since:
        rows = rows.filter(**{f"{stream.at}__gte": asked.since})
    if asked.until:
        rows = rows.filter(**{f"{stream.at}__lte": asked.until})
    if after is None:
        return _entries(stream, rows, size)
    if stream.code != after.stream:
        beside = "lt" if ORDER[stream.code] < ORDER[after.stream] else "lte"
        return _entries(stream, rows.filter(**{f"{stream.at}__{beside}": after.at}), size)
    found = _entries(stream, rows.filter(**{stream.at: after.at, "pk__lt": after.pk}), size)
    if len(found) < size:
        found += _entries(stream, rows.filter(**{f"{stream.at}__lt": after.at}), size - len(found))
    return found


def _entries(stream: Stream, rows: QuerySet[Any], size: int) -> list[Entry]:
    names = ["pk", stream.at, *stream.fields.values()]
    values = rows.order_by(f"-{stream.at}", "-pk").values_list(*names)[:size]
    found = []
    for pk, at, *given in values:
        told = dict(zip(stream.fields, given, strict=True))
        found.append(Entry(Place(at, stream.code, pk), told.pop("kind", None) or _kind(stream, told), told))
    return found


def _kind(stream: Stream, told: dict[str, Any]) -> str:
    if stream.code != "answer":
        return stream.kinds[0]
    if told["mapped"]:
        return MAPPED
    return CORRECTED if told["corrects"] else ANSWERED


def _readable(entries: list[Entry], asked: Asked, user: Any) -> list[Entry]:
    """Without what is about items that this person may still be asked to label, and without what was said of items that
    are not settled: who decides them does it without names, so either the name or the answer is told, never both."""
    items = {entry.item for entry in entries if entry.item is not None}
    if not items:
        return entries
    here = Item.objects.filter(pk__in=items)
    blind = set(here.blind_for(user).values_list("pk", flat=True))
    gold = Gold.objects.current().visible_to(user).filter(item=OuterRef("pk"))
    contested = Case.objects.open().filter(item=OuterRef("pk"))
    settled = set(here.filter(Exists(gold), ~Exists(contested)).values_list("pk", flat=True))
    decisions = [entry.place.pk for entry in entries if entry.place.stream in ("gold", "replaced")]
    open_to_me = (
        set(Gold.objects.visible_to(user).filter(pk__in=decisions).values_list("pk", flat=True)) if decisions else set()
    )
    found = []
    for entry in entries:
        if entry.item in blind or (entry.place.stream in ("gold", "replaced") and entry.place.pk not in open_to_me):
            continue
        hides = STREAMS[ORDER[entry.place.stream]].told
        if hides and entry.item not in settled:
            # A list of skips alone, of those who were asked a further question, or of one person's questions would say
            # what is hidden.
            if asked.kind == SKIPPED or asked.question or (asked.person and "person" in hides):
                continue
            entry = replace(entry, hidden=True, told={name: None if name in hides else value for name, value in entry.told.items()})  # fmt: skip
        found.append(entry)
    return found


def _number(entries: list[Entry], user: Any) -> None:
    """One's own assignments in place of the items; one query."""
    items = {entry.item for entry in entries} - {None}
    rows = Item.objects.filter(pk__in=items).annotate(assignment=Assignment.every.number_of(user, "pk"))
    numbers = dict(rows.values_list("pk", "assignment")) if items else {}
    for entry in entries:
        entry.assignment = numbers.get(entry.told.pop("item", None))


def _name(entries: list[Entry]) -> None:
    """Words, people, versions and the items' own ids: three queries for all of them."""
    people = {entry.told.get(name) for entry in entries for name in ("person", "about")} - {None}
    versions = {entry.told.get("version") for entry in entries} - {None}
    items = {entry.item for entry in entries} - {None}
    names = _Names()
    if people:
        names.people = User.objects.in_bulk(people)
    if versions:
        names.versions = dict(GuidelineVersion.objects.filter(pk__in=versions).values_list("pk", "number"))
    if items:
        names.items = dict(Item.objects.filter(pk__in=items).values_list("pk", "document__external_id"))
    known = kinds()
    for entry in entries:
        entry.person = names.people.get(entry.told.get("person") or 0)
        entry.about = names.people.get(entry.told.get("about") or 0)
        entry.version = names.versions.get(entry.told.get("version") or 0)
        entry.external_id = names.items.get(entry.item or 0, "")
        is_answer = entry.kind == ANSWERED and entry.told.get("status") == Annotation.Status.SUBMITTED
        entry.words = _("answered") if is_answer else str(known.get(entry.kind, entry.kind))


def own(*, membership: Membership, after: Place | None = None, size: int = PAGE) -> Page:
    """What a person did in a project, for their own eyes: their answers, questions and acts."""
    asked = Asked(membership.project, person=membership.user_id, own=True)
    return page(asked=asked, user=membership.user, after=after, size=size)


def of_item(*, item: Item, user: Any, size: int = 200) -> Page:
    """What happened to an item, as this person may read it."""
    return page(asked=Asked(item.project, item=item.pk), user=user, size=size)


def everything(*, asked: Asked, user: Any) -> Iterator[Entry]:
    """All that is asked for, in chunks, up to the moment of the call."""
    after, asked = None, replace(asked, until=min(asked.until or timezone.now(), timezone.now()))
    while True:
        found = page(asked=asked, user=user, after=after, size=CHUNK)
        yield from found.entries
        if not found.after:
            return
        after = place_of(found.after)


COLUMNS = ("at", "kind", "person", "about", "item", "external_id", "question", "guideline_version", "seconds", "status",
           "answer", "reason", "comment", "flagged", "confidence", "details")  # fmt: skip


def row(entry: Entry) -> dict[str, Any]:
    """An entry as a program reads it; null where there is none of it, or where it is not told yet (`hidden`)."""
    told = entry.told
    return {
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "person": _handle(entry.person),
        "about": _handle(entry.about),
        "item": entry.item,
        "assignment": entry.assignment,
        "external_id": entry.external_id or None,
        "question": told.get("question") or None,
        "guideline_version": entry.version,
        "seconds": told.get("seconds"),
        "status": told.get("method") or told.get("status"),
        "answer": told.get("value") if "value" in told else told.get("answer"),
        "reason": told.get("reason") or told.get("skip_reason") or None,
        "comment": told.get("comment") or None,
        "flagged": told.get("flagged"),
        "confidence": told.get("confidence"),
        "details": told.get("details"),
        "hidden": entry.hidden,
    }


def _handle(person: User | None) -> str | None:
    """How a file names a person: imported annotators by the name they came with."""
    return None if person is None else person.name if person.imported_for_id else person.username


def as_jsonl(entries: Iterable[Entry]) -> Iterator[bytes]:
    """One JSON object a line."""
    for entry in entries:
        yield (json.dumps(row(entry), ensure_ascii=False) + "\n").encode()


def as_csv(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Cells that a spreadsheet would run as formulas have an apostrophe; the column `_assay` says that it comes off."""
    columns = [*COLUMNS, "hidden"]
    yield line([*columns, MARKER_COLUMN])
    for entry in entries:
        told = row(entry)
        yield line([*(cell(told[name]) for name in columns), "1"])


def cell(value: Any) -> str:
    """A value in a cell that no spreadsheet runs: text as it is, anything with parts as JSON, nothing as nothing."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return neutralise(text)


def line(cells: list[str]) -> bytes:
    """A line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def people(project: Project) -> list[User]:
    """Everybody whose acts the history may tell: members, and those who have answered; by name."""
    members = Membership.objects.filter(project=project, user=OuterRef("pk"))
    given = Annotation.objects.filter(project=project, annotator=OuterRef("pk"))
    return sorted(User.objects.filter(Exists(members) | Exists(given)), key=str)


FILTERS = ("person", "item", "question", "kind", "version", "since", "until")


def read(project: Project, given: Mapping[str, str]) -> Asked:
    """The filters of an address as what is asked for; raises ValueError naming the one that cannot be."""
    number, version = given.get("version", ""), None
    if number:
        version = project.versions.filter(number=_whole(number, "version")).first()
        if version is None:
            raise ValueError(_("There is no guideline version %(number)s.") % {"number": number})
    kind = given.get("kind", "")
    if kind and kind not in kinds():
        raise ValueError(_("There is no kind of act “%(kind)s”. The kinds are: %(all)s.") % {"kind": kind, "all": ", ".join(sorted(kinds()))})  # fmt: skip
    item = _whole(given["item"], "item") if given.get("item") else None
    if item is not None and not Item.objects.filter(pk=item, project=project).exists():
        raise ValueError(_("There is no item %(number)d in this project.") % {"number": item})
    return Asked(
        project,
        person=_whole(given["person"], "person") if given.get("person") else None,
        item=item,
        question=given.get("question", ""),
        kind=kind,
        version=version,
        since=_moment(given.get("since", ""), "since"),
        until=_moment(given.get("until", ""), "until"),
    )


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(_("%(field)s must be a number.") % {"field": name})
    return int(text)


def _moment(text: str, name: str) -> datetime | None:
    """The beginning of a day by the site's clock, or the end of it for `until`."""
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 9990:
        raise ValueError(_("%(field)s must be a day such as 2026-05-14.") % {"field": name})
    moment = timezone.make_aware(datetime.combine(day, time.min))
    return moment if name == "since" else moment + timedelta(days=1) - timedelta(microseconds=1)
