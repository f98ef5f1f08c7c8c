"""What a sample is drawn from: the items of the pool that fit a filter, with what strata and groups are made of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from django.db.models import Case, F, QuerySet, When
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Length
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from annotation.designs import METADATA, Design, Unit, band, period
from annotation.models import Item, Project, Suggestion

CHUNK = 5000
# What is read of each item as it is: variable -> its column.
COLUMNS = {
    "source_type": "document__source_type",
    "language": "document__language",
    "issuer": "document__issuer",
    "published_at": "document__published_at",
    "text": "document__text_key",
    "document": "document_id",
}
PERIODS = ("year", "quarter", "month")
LISTS = ("source_type", "language", "issuer", "label")
MOST_VALUES = 100


@dataclass(frozen=True)
class Frame:
    """Which items of the pool can be drawn; all that is empty does not matter."""

    source_type: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    issuer: tuple[str, ...] = ()
    # Days, both included; what has no date is outside as soon as one of them is given.
    since: str = ""
    until: str = ""
    # Code points of the text.
    shortest: int | None = None
    longest: int | None = None
    # An import by its number.
    imported_in: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    # What a model proposes: the question, of which source, which labels, between which scores.
    question: str = ""
    source: str = ""
    label: tuple[str, ...] = ()
    least_score: float | None = None
    most_score: float | None = None

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Frame":
        """A checked frame from what a form, a program or a row has; raises ValueError with a sentence."""
        if strange := set(given) - set(cls.__dataclass_fields__):
            raise ValueError(_("No filter is called %(names)s.") % {"names": ", ".join(sorted(map(str, strange)))[:200]})  # fmt: skip
        lists = {name: _values(given.get(name), name) for name in LISTS}
        metadata = given.get("metadata") or {}
        if not isinstance(metadata, Mapping) or len(metadata) > MOST_VALUES:
            raise ValueError(_("metadata must be an object of column and value."))
        found = cls(
            **lists,
            since=_day(given.get("since")),
            until=_day(given.get("until")),
            shortest=_count(given.get("shortest"), "shortest"),
            longest=_count(given.get("longest"), "longest"),
            imported_in=_count(given.get("imported_in"), "imported_in"),
            metadata={str(name): str(value) for name, value in metadata.items()},
            question=str(given.get("question") or ""),
            source=str(given.get("source") or ""),
            least_score=_score(given.get("least_score")),
            most_score=_score(given.get("most_score")),
        )
        if (found.label or found.least_score is not None or found.most_score is not None) and not found.question:
            raise ValueError(_("Say of which question the proposals are."))
        return found

    @property
    def told(self) -> dict[str, Any]:
        """As JSON, without what does not matter; `read` reads it."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        told = {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}
        return {name: value for name, value in told.items() if value not in ("", None, [], {})}

    @property
    def is_by_proposal(self) -> bool:
        """Whether a model's proposals decide what can be drawn: then it speaks for the whole pool no more."""
        return bool(self.label) or self.least_score is not None or self.most_score is not None


def units(project: Project, frame: Frame, design: Design) -> Iterator[Unit]:
    """The items of the frame with stratum and group; one pass, or two where proposals are asked for."""
    asked = {*design.by, *([design.per] if design.per else [])}
    proposals = _proposals(project, frame) if frame.question or "proposal" in design.by else {}
    columns = ["pk", "document__external_id", "start", "end"]
    columns += [column for name, column in COLUMNS.items() if name in asked and name != "published_at"]
    rows = _filtered(project, frame)
    if frame.since or frame.until or asked & set(PERIODS):
        columns.append("document__published_at")
    if frame.shortest is not None or frame.longest is not None or "length" in asked:
        length = Case(When(start=None, then=Length("document__text")), default=F("end") - F("start"))
        rows, columns = rows.annotate(length=length), [*columns, "length"]
    named = [name.removeprefix(METADATA) for name in asked if name.startswith(METADATA)]
    keys = list(dict.fromkeys([*frame.metadata, *named]))
    for place, key in enumerate(keys):
        rows = rows.annotate(**{f"metadata{place}": KeyTransform(key, "document__metadata")})
        columns.append(f"metadata{place}")
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    for values in rows.values_list(*columns).iterator(chunk_size=CHUNK):
        row = dict(zip(columns, values, strict=True))
        told = {f"{METADATA}{key}": as_text(row[f"metadata{place}"]) for place, key in enumerate(keys)}
        if not _fits(frame, row, told, proposals):
            continue
        stratum = tuple(_value(name, row, told, proposals) for name in design.by)
        group = _value(design.per, row, told, proposals) if design.per else ""
        yield Unit(row["pk"], name_of(row), seen.setdefault(stratum, stratum), group)


def name_of(row: Mapping[str, Any]) -> str:
    """What tells an item apart in every database: the id that its document came with, and where in it it stands."""
    name = str(row["document__external_id"])
    return name if row["start"] is None else f"{name}\n{row['start']}:{row['end']}"


def _filtered(project: Project, frame: Frame) -> QuerySet[Item]:
    rows = Item.objects.not_left_out().filter(project=project, in_pool=True, role=Item.Role.WORK).order_by()
    for name in ("source_type", "language", "issuer"):
        if wanted := getattr(frame, name):
            rows = rows.filter(**{f"document__{name}__in": wanted})
    return rows if frame.imported_in is None else rows.filter(document__imported_in=frame.imported_in)


def _fits(
    frame: Frame, row: Mapping[str, Any], told: Mapping[str, str], proposals: Mapping[int, tuple[str, float | None]]
) -> bool:
    """Compared here and not in the database, which has an order of texts of its own."""
    if frame.since or frame.until:
        day = row["document__published_at"][:10]
        if not day or (frame.since and day < frame.since) or (frame.until and day > frame.until[: len(day)]):
            return False
    if frame.shortest is not None and row["length"] < frame.shortest:
        return False
    if frame.longest is not None and row["length"] > frame.longest:
        return False
    if any(told[f"{METADATA}{name}"] != value for name, value in frame.metadata.items()):
        return False
    if not frame.is_by_proposal:
        return True
    label, score = proposals.get(row["pk"], (None, None))
    if label is None or (frame.label and label not in frame.label):
        return False
    if frame.least_score is not None and (score is None or score < frame.least_score):
        return False
    return frame.most_score is None or (score is not None and score <= frame.most_score)


def _value(
    name: str, row: Mapping[str, Any], told: Mapping[str, str], proposals: Mapping[int, tuple[str, float | None]]
) -> str:
    if name in PERIODS:
        return period(row["document__published_at"], name)
    if name == "length":
        return band(row["length"])
    if name == "proposal":
        return proposals.get(row["pk"], ("", None))[0]
    return told[name] if name.startswith(METADATA) else str(row[COLUMNS[name]])


def _proposals(project: Project, frame: Frame) -> dict[int, tuple[str, float | None]]:
    """item -> (label, score) as the chosen source proposes them, else the one that proposed last."""
    asked = project.version.schema["questions"] if project.version else []
    question = frame.question or (asked[0]["name"] if asked else "")
    rows = Suggestion.objects.filter(project=project, question=question, item__in_pool=True)
    source = frame.source or rows.order_by("-pk").values_list("source", flat=True).first()
    told = rows.filter(source=source).order_by().values_list("item", "value", "score")
    return {item: (as_text(value), score) for item, value, score in told.iterator(chunk_size=CHUNK)}


def as_text(value: Any) -> str:
    """A value of the metadata, or an answer, as strata are named by it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(sorted({as_text(part) for part in value}))[:200]
    if isinstance(value, dict):
        return ", ".join(sorted(str(name) for name in value))[:200]
    return str(value)[:200]


def _values(given: Any, name: str) -> tuple[str, ...]:
    parts = [given] if isinstance(given, str) else list(given or ())
    found = tuple(dict.fromkeys(str(part).replace("\x00", "").strip() for part in parts))
    found = tuple(part for part in found if part)
    if len(found) > MOST_VALUES:
        raise ValueError(_("At most %(most)d values of %(field)s.") % {"most": MOST_VALUES, "field": name})
    return found


def _day(given: Any) -> str:
    words = str(given or "").strip()
    try:
        right = not words or (len(words) == 10 and parse_date(words) is not None)
    except ValueError:
        right = False
    if not right:
        raise ValueError(_("“%(words)s” is no day such as 2026-05-14.") % {"words": words[:40]})
    return words


def _count(given: Any, name: str) -> int | None:
    if given in (None, ""):
        return None
    words = str(given).strip()
    if not (words.isascii() and words.isdecimal() and len(words) < 16):
        raise ValueError(_("%(field)s must be a whole number.") % {"field": name})
    return int(words)


def _score(given: Any) -> float | None:
    if given in (None, ""):
        return None
    try:
        found = float(given)
    except (TypeError, ValueError):
        found = float("nan")
    if not isfinite(found):
        raise ValueError(_("A score is a number such as 0.6."))
    return found
