"""The companies of a project: the list that marks in the text may be linked with, brought in from a file."""

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.utils.translation import gettext as _

from annotation import reading
from annotation.models import Company, Project
from annotation.text.normal import check_name, normalised

MOST = 200_000
# A file of this size is read while the browser waits; larger ones come by the command.
UPLOAD = 4 * 1024 * 1024
PROBLEMS = 20
SHOWN = 8
ASKED = 100
COLUMNS = {
    "key": ("key", "id", "code", "identifier", "entity_id", "company_id", "编号", "代码"),
    "name": ("name", "company", "company_name", "issuer", "entity", "legal_name", "title", "名称", "公司", "公司名称"),
    "ticker": ("ticker", "symbol", "stock_code", "ric", "股票代码", "证券代码"),
    "lei": ("lei", "legal_entity_identifier"),
    "aliases": ("aliases", "alias", "other_names", "synonyms", "别名", "简称"),
}
SPLIT = re.compile(r"[\s.,;:/()&'’-]+")
LIMITS = {"key": 100, "name": 300, "ticker": 40, "lei": 20}
BATCH = 1000


@dataclass
class Outcome:
    """What a file brought: counts, and its first problems in sentences."""

    new: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list)

    def refuse(self, problem: str) -> None:
        """Count a row, and keep its sentence among the first."""
        self.refused += 1
        if len(self.problems) < PROBLEMS:
            self.problems.append(problem)


def folded(words: str) -> str:
    """For comparing as people type: plain width, small letters, one blank between words, and nothing that no row holds."""
    return " ".join(normalised("NFKC", words.replace("\x00", " ")).casefold().split())


def words_of(fields: Mapping[str, Any]) -> str:
    """All that an entry is found by, a blank before each word."""
    parts = [fields["name"], fields["ticker"], fields["lei"], *fields["aliases"]]
    return "".join(f" {word}" for part in parts for word in SPLIT.split(folded(part)) if word)


def check_lei(lei: str) -> str:
    """Twenty letters and digits whose last two are right (ISO 17442, ISO 7064 mod 97-10); raises ValueError."""
    code = lei.strip().upper()
    digits = "".join(str(int(sign, 36)) for sign in code) if re.fullmatch("[0-9A-Z]{18}[0-9]{2}", code) else ""
    if not digits or int(digits) % 97 != 1:
        raise ValueError(_("“{lei}” is no LEI: it has 20 letters and digits, the last two check the rest.").format(lei=lei[:40]))  # fmt: skip
    return code


def read(path: Path, filename: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """(row, fields of an entry or what is wrong with them) of a table, JSON or JSON lines; raises ValueError for others."""
    found = reading.sniff(path, filename=filename)
    names: dict[str, str] = {}
    for name, spellings in COLUMNS.items():
        plain = {re.sub(r"[\s-]+", "_", folded(column)): column for column in reversed(found.columns)}
        if column := next((plain[spelling] for spelling in spellings if spelling in plain), None):
            names[name] = column
    if "name" not in names:
        sentence = _("The file needs a column “name”; also read are key, ticker, lei and aliases. Its columns are: {names}.")  # fmt: skip
        raise ValueError(sentence.format(names=", ".join(found.columns[:20]) or _("none")))
    for row in reading.rows(path, format=found.format, encoding=found.encoding, delimiter=found.delimiter):
        if row.values is None:
            yield row.number, row.problem or ""
            continue
        try:
            yield row.number, _entry({name: row.values.get(column) for name, column in names.items()})
        except ValueError as error:
            yield row.number, _("Row {number}: {problem}").format(number=row.number, problem=error)


def _entry(values: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with all its fields; without a key the LEI, the ticker or the name is its key."""
    fields: dict[str, Any] = {}
    for name, most in LIMITS.items():
        value = str(values.get(name) if values.get(name) is not None else "").strip()
        if len(value) > most:
            raise ValueError(_("its {field} has {count} characters; at most {most} are kept.").format(field=name, count=len(value), most=most))  # fmt: skip
        fields[name] = check_name(normalised("NFKC", value) if name in ("ticker", "lei") else value)
    if not fields["name"]:
        raise ValueError(_("it has no name."))
    fields["lei"] = check_lei(fields["lei"]) if fields["lei"] else ""
    given = values.get("aliases") or []
    listed = given if isinstance(given, list) else re.split("[|;；]", str(given))
    fields["aliases"] = [check_name(str(alias).strip()[:300]) for alias in listed if str(alias).strip()][:50]
    plain = re.sub(r"[,\s]+", " ", fields["name"]).strip()
    fields["key"] = fields["key"] or fields["lei"] or fields["ticker"].replace(",", " ") or plain[: LIMITS["key"]]
    if "," in fields["key"]:
        raise ValueError(_("its key “{key}” has a comma; use letters, digits and other signs.").format(key=fields["key"]))  # fmt: skip
    return fields


def bring(*, project: Project, file: BinaryIO, filename: str) -> Outcome:
    """Entries of an uploaded file, as `load`; raises ValueError where it is too large to be read at once."""
    with tempfile.NamedTemporaryFile(suffix=Path(filename).suffix[:10]) as kept:
        size = 0
        while chunk := file.read(1 << 16):
            size += len(chunk)
            if size > UPLOAD:
                raise ValueError(_("The file has more than {most} MB. Bring it in by the command load_companies, or in parts.").format(most=UPLOAD >> 20))  # fmt: skip
            kept.write(chunk)
        kept.flush()
        return load(project=project, rows=read(Path(kept.name), filename))


@transaction.atomic
def load(*, project: Project, rows: Iterable[tuple[int, dict[str, Any] | str]]) -> Outcome:
    """New entries are made, those with a known key are changed, the others stay; of a key that comes twice the last counts.

    An entry that was retired comes back. Raises ValueError where the project would have more than MOST.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    known = {row.key: row for row in Company.objects.filter(project=project)}
    outcome, given = Outcome(), dict[str, dict[str, Any]]()
    for _number, fields in rows:
        if isinstance(fields, str):
            outcome.refuse(fields)
            continue
        given[fields["key"]] = fields
        if len(known) + len(given) > 2 * MOST:
            break
    if len(known.keys() | given.keys()) > MOST:
        raise ValueError(_("A project has at most {most} companies.").format(most=MOST))
    made: list[Company] = []
    changed: list[Company] = []
    for key, fields in given.items():
        row = known.get(key) or Company(project=project, key=key)
        before = (row.name, row.ticker, row.lei, row.aliases, row.retired)
        row.name, row.ticker, row.lei, row.aliases = fields["name"], fields["ticker"], fields["lei"], fields["aliases"]
        row.words, row.retired = words_of(fields), False
        if row.pk is None:
            made.append(row)
        elif before != (row.name, row.ticker, row.lei, row.aliases, False):
            changed.append(row)
    Company.objects.bulk_create(made, batch_size=BATCH)
    Company.objects.bulk_update(changed, ["name", "ticker", "lei", "aliases", "words", "retired"], batch_size=BATCH)
    outcome.new, outcome.changed = len(made), len(changed)
    outcome.same = len(given) - len(made) - len(changed)
    return outcome


def retire(*, company: Company, retired: bool = True) -> None:
    """Take an entry out of the offers, or put it back; marks that are linked with it stay linked."""
    company.retired = retired
    company.save(update_fields=["retired"])


def _parts(words: str) -> list[str]:
    return [part for part in SPLIT.split(folded(words[:200])) if part][:8]


def matching(project: Project, words: str) -> QuerySet[Company]:
    """Entries whose words begin with all of these, retired ones too; in scripts without blanks they may stand anywhere."""
    rows = Company.objects.filter(project=project)
    parts = _parts(words)
    for part in parts:
        rows = rows.filter(words__contains=f" {part}" if part.isascii() else part)
    return rows if parts else rows.none()


def search(project: Project, words: str, *, most: int = SHOWN) -> QuerySet[Company]:
    """What somebody may mean who types this: the same ticker first, then names that begin so, then the others by name."""
    rank = Case(
        When(ticker__iexact=folded(words[:200]), then=Value(0)),
        When(words__startswith="".join(f" {part}" for part in _parts(words)), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return matching(project, words).filter(retired=False).order_by(rank, "name", "pk")[:most]


def named(project: Project, keys: Collection[str]) -> QuerySet[Company]:
    """The entries with these keys, retired ones too."""
    return Company.objects.filter(project=project, key__in=list(keys)[:ASKED])


def told(row: Company) -> dict[str, str]:
    """What a page needs of an entry."""
    return {"key": row.key, "name": row.name, "ticker": row.ticker, "lei": row.lei}


def missing_from_file(project: int) -> Callable[[Collection[str]], set[str]]:
    """A function from keys to those that the project does not have, for a file: all keys are read at the first call."""
    known: set[str] | None = None

    def missing(keys: Collection[str]) -> set[str]:
        nonlocal known
        if known is None:
            known = set(Company.objects.filter(project=project).values_list("key", flat=True))
        return set(keys) - known

    return missing


def counts(project: Project) -> Counter[bool]:
    """How many entries are offered (False) and retired (True)."""
    rows = Company.objects.filter(project=project).values_list("retired").annotate(n=Count("pk"))
    return Counter(dict(rows.values_list("retired", "n")))
