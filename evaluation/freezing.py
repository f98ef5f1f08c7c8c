"""Gold becomes an immutable, hashed dataset version with its boards; all that is scored or exported is read from it."""

import contextlib
import hashlib
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, cast, overload

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, F, TextField, When
from django.db.models.functions import Substr
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from annotation import candidates, jobs, measuring, recording, spreads
from annotation import schema as schemas
from annotation.agreement.kinds import AGREEMENTS
from annotation.jobs import LIVE, Grip, JobFailed, State
from annotation.kinds import KINDS, About
from annotation.models import AgreementReport, Annotation, Gold, GuidelineVersion, Item, Project, User
from annotation.settling import batches
from annotation.text import duplicates, privacy
from annotation.text.normal import check_name, clean, text_key
from annotation.text.offsets import Moved, moved
from evaluation import findings, rules
from evaluation.canonical import canonical_metadata, content_hash, example_digest, merkle_root
from evaluation.models import SPLITS, Benchmark, Dataset, DatasetVersion, Example
from evaluation.splits import NEAR, Placed, Unit, assign, find_leaks

FIELDS = ("title", "source_type", "language", "published_at", "issuer", "url")
BATCH = 1000
KEY = 200
DRAWS = 2000
SEED = 20260514


# -- Asking -------------------------------------------------------------------------------------------------------


def ask(
    *,
    project: Project,
    dataset: Dataset | None = None,
    dataset_name: str = "",
    questions: Sequence[str] | None = None,
    shares: Mapping[str, float] | None = None,
    seed: int = 13,
    splits: str = "auto",
    group_by: Sequence[str] = ("near",),
    primary_metric: str = "",
    allow_leaks: str = "",
    change_note: str = "",
    user: User | None = None,
    wake: bool = True,
) -> DatasetVersion:
    """Put the freeze of a new version into the queue; a dataset of a new name is made.

    questions: which to freeze (None: all); shares: split -> share, together 1; splits: 'given' takes the split that
    each document came with, 'random' makes them, 'auto' is 'given' where every item with gold has one. What an earlier
    version placed stays where it is. group_by: rules.GROUPS; allow_leaks: why given splits may share texts.
    wake=False leaves the work to the caller. Raises ValueError with a sentence for everything that cannot be.
    """
    guideline = project.version
    if guideline is None:
        raise ValueError(_("This project has no published guideline yet, so there is no gold to freeze."))
    options = rules.check(
        guideline.schema,
        questions=questions,
        shares=shares,
        seed=seed,
        splits=splits,
        group_by=group_by,
        primary_metric=primary_metric,
        allow_leaks=allow_leaks,
    )
    _need_gold(project, guideline, options["questions"])
    if dataset is None:
        dataset = _dataset(project, dataset_name)
    if dataset.project_id != project.pk:
        raise ValueError(_("The dataset “%(name)s” belongs to another project.") % {"name": dataset})
    return queue(dataset=dataset, guideline=guideline, options=options, change_note=change_note, user=user, wake=wake)


def queue(
    *,
    dataset: Dataset,
    guideline: GuidelineVersion,
    options: dict[str, Any],
    change_note: str = "",
    user: User | None = None,
    wake: bool = True,
) -> DatasetVersion:
    """The row of a freeze with checked options; raises ValueError where the dataset is being frozen already."""
    try:
        with transaction.atomic():
            version = DatasetVersion.objects.create(
                dataset=dataset,
                guideline_version=guideline,
                options=options,
                change_note=change_note.strip()[:2000],
                created_by=user,
                language=get_language() or "",
            )
    except IntegrityError:
        if not DatasetVersion.objects.filter(dataset=dataset, state__in=LIVE).exists():
            raise
        raise ValueError(
            _("A version of “%(name)s” is being frozen right now. Wait until it is done.") % {"name": dataset}
        ) from None
    if wake:
        jobs.enqueue(version)
    return version


def _need_gold(project: Project, guideline: GuidelineVersion, names: Sequence[str]) -> None:
    items = Item.objects.filter(project=project)
    always = [name for name in names if not schemas.question(guideline.schema, name).get("when")]
    for name in always or names:
        items = items.filter(pk__in=Gold.objects.current().filter(project=project, question=name).values("item"))
    if not items.exists():
        raise ValueError(
            _("No item has gold for %(questions)s yet. Settle or adjudicate answers, or import gold, then freeze.")
            % {"questions": ", ".join(always or names)}
        )


def _dataset(project: Project, name: str) -> Dataset:
    """The project's dataset of that name, made where there is none."""
    name = " ".join(name.split())
    if not name:
        raise ValueError(_("Give the dataset a name."))
    if len(name) > 120:
        raise ValueError(_("The name of a dataset has at most 120 characters."))
    datasets = Dataset.objects.filter(project=project)
    if found := datasets.filter(name=name).first() or datasets.filter(slug=name).first():
        return found
    check_name(name)
    slug = slugify(name)[:60].strip("-") or f"set-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    taken = set(datasets.values_list("slug", flat=True))
    number = 2
    base = slug
    while slug in taken:
        slug, number = f"{base[:56]}-{number}", number + 1
    return Dataset.objects.get_or_create(project=project, slug=slug, defaults={"name": name})[0]


# -- Freezing -----------------------------------------------------------------------------------------------------


def freeze(version: DatasetVersion, grip: Grip) -> dict[str, Any]:
    """Do the work of a queued version. Everything is written in one last transaction, or nothing is.

    Safe to repeat: a version that is frozen already is left as it is. Raises JobFailed with a sentence; with the
    reason `unchanged` where a refresh asked for it and nothing changed since the version before.
    """
    rows = DatasetVersion.objects.select_related("dataset__project", "guideline_version")
    version = rows.get(pk=version.pk)
    if version.frozen_at is not None:
        return {}
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as spool:
        draft = _Draft(version, grip, spool)
        draft.read()
        draft.place()
        draft.hash()
        draft.store()
    return {}


@dataclass(slots=True)
class _Answer:
    """The gold of one item: question -> value, method and guideline version; votes: question -> [for it, given].

    soft: question -> how the answers spread, where the text is ambiguous.
    """

    gold: dict[str, Any] = field(default_factory=dict)
    soft: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    votes: dict[str, list[int]] = field(default_factory=dict)


class _Texts(Sequence[str]):
    """The texts of a version on its way, read from its temporary file when they are looked at."""

    def __init__(self, spool: IO[bytes], offsets: Sequence[int]) -> None:
        self.spool, self.offsets = spool, offsets

    def __len__(self) -> int:
        return len(self.offsets)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: int | slice) -> str | Sequence[str]:
        if isinstance(place, slice):
            return _Texts(self.spool, self.offsets[place])
        self.spool.seek(self.offsets[place])
        return str(json.loads(self.spool.readline())["text"])


class _Draft:
    """A version on its way. Texts wait in a temporary file, so that memory holds little more than keys and gold."""

    def __init__(self, version: DatasetVersion, grip: Grip, spool: IO[bytes]) -> None:
        self.version, self.grip, self.spool = version, grip, spool
        self.project = version.dataset.project
        self.options = version.options
        self.questions = version.questions
        self.by_name = {entry["name"]: entry for entry in self.questions}
        # Test examples of each question: a board opens where there are any.
        self.tested: Counter[str] = Counter()
        self.previous = version.dataset.latest
        self.before = _before(self.previous)
        self.offsets: dict[str, int] = {}
        self.units: list[Unit] = []
        self.answers: dict[int, _Answer] = {}
        self.item_keys: dict[int, str] = {}
        # Keys of control and training items: people know their gold, so they never test a system.
        self.measuring: set[str] = set()
        # Clusters of keys whose texts are nearly the same, and the keys that an earlier version has placed.
        self.alike: list[list[str]] = []
        self.stood: set[str] = set()
        self.left_out: list[str] = []
        self.findings: list[findings.Finding] = []
        self.split: dict[str, str] = {}
        self.components: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.numbers: Counter[int] = Counter()
        self.counts: dict[str, Any] = {
            split: {
                "n": 0,
                "labels": {entry["name"]: dict.fromkeys(schemas.label_names(entry), 0) for entry in self.questions},
            }
            for split in SPLITS
        }

    # Reading

    def read(self) -> None:
        """Items with gold for all questions, into the temporary file."""
        self.version.gold_until = timezone.now()
        self.answers = _answers(self.project, self.questions)
        self._count_votes()
        total = 3 * len(self.answers)
        for done, row in enumerate(_rows(self.project, self.questions[0]["name"])):
            if row["pk"] in self.answers:
                self._take(row, self.answers[row["pk"]])
            if done % BATCH == 0:
                self.grip.tick(min(done, len(self.answers)), total, _("reading gold"))
        if not self.units:
            raise JobFailed(_("No item has gold for all the questions any more. Settle answers, then freeze again."))

    def _count_votes(self) -> None:
        rows = Annotation.objects.submitted().filter(project=self.project, independent=True, item__role=Item.Role.WORK)
        for item, given in rows.values_list("item_id", "answer").iterator(chunk_size=5000):
            answer = self.answers.get(item)
            for question, value in given.items() if answer else ():
                if answer and question in answer.gold:
                    votes = answer.votes.setdefault(question, [0, 0])
                    votes[0] += self._settled_value(question, value) == answer.gold[question]
                    votes[1] += 1

    def _settled_value(self, question: str, value: Any) -> Any:
        entry = self.by_name[question]
        return KINDS[entry["kind"]].settled(value, entry)

    def _take(self, row: dict[str, Any], answer: _Answer) -> None:
        key = _key(row)
        text = clean(row["words"]).text
        responses = row["document__candidates"]
        about = About(text, row["document__published_at"], candidates.names(responses), row["document__language"])
        gold = _clean_gold(answer.gold, self.questions, about, row["words"])
        if gold is None or not text:
            self.left_out.append(key)
            return
        if key in self.offsets:
            raise JobFailed(_("Two items have the id “%(key)s”; one of them must go.") % {"key": key})
        self.numbers.update(set(answer.numbers.values()))
        self.item_keys[row["pk"]] = key
        self.offsets[key] = self.spool.tell()
        soft = _clean_soft(answer.soft, self.questions, about, row["words"])
        kept = {"item": row["pk"], "text": text, "gold": gold, "soft": soft, "fields": _fields(row, key)}
        self.spool.write(json.dumps({**kept, "methods": answer.methods, "votes": answer.votes}).encode() + b"\n")
        measures = row["role"] != Item.Role.WORK
        if measures:
            self.measuring.add(key)
        self.units.append(
            Unit(
                key=key,
                text_key=row["document__text_key"] if row["start"] is None else text_key(text),
                stratum="\x1f".join(_stratum(gold, entry) for entry in self.questions),
                groups=_groups(row, self.options["group_by"]),
                given=row["document__given_split"] or ("train" if measures else None),
            )
        )

    def _spooled(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(key, what was read) of every example of the version, in the order of keys by code point."""
        for key in sorted(self.split):
            self.spool.seek(self.offsets[key])
            yield key, json.loads(self.spool.readline())

    # Splits

    def place(self) -> None:
        """A split for every unit; raises JobFailed where given splits share texts and nobody said why they may."""
        self._group_alike()
        given = self._takes_given()
        units = self.units if given else [_without_given(unit) for unit in self.units]
        settled = self._settled()
        self.stood = set(settled)
        units, settled = self._keep_examples_out(units, settled)
        settled = {**dict.fromkeys(self.measuring, "train"), **settled}
        with _told():
            placed = assign(units, shares=self.options["shares"], seed=self.options["seed"], settled=settled)
        self.split, self.components = placed.split, placed.components
        self._keep_apart()
        self._find_leaks()
        kept = [unit.key for unit in units if unit.given and settled.get(unit.key, unit.given) != unit.given]
        number = self.version.guideline_version.number
        older = {name: n for name, n in self.numbers.items() if name != number}
        self.findings += findings.of_left_out(placed.quarantined, self.left_out)
        self.findings += findings.of_history(kept=kept, older=older, number=number)
        if not self.split:
            raise JobFailed(_("No example is left: all were left out. See which items share a text."))

    def _group_alike(self) -> None:
        """Texts that are nearly the same form a group, where that was asked for; they are known in any case."""
        self.grip.tick(len(self.units), 3 * len(self.units), _("comparing texts"))
        texts = _Texts(self.spool, [self.offsets[unit.key] for unit in self.units])
        found = duplicates.find(texts, templates="template" in self.options["group_by"])
        self.alike = [[self.units[place].key for place in members] for members in found.clusters]
        if not {"near", "template"} & set(self.options["group_by"]):
            return
        for members in found.clusters:
            group = NEAR + min(self.units[place].key for place in members)
            for place in members:
                unit = self.units[place]
                self.units[place] = replace(unit, groups=(*unit.groups, group))

    def _keep_examples_out(self, units: list[Unit], settled: dict[str, str]) -> tuple[list[Unit], dict[str, str]]:
        """What the guideline shows as an example tests nobody: it goes into train, and its like with it.

        Where it, or something that must stay together with it, stands in dev or test already, it is left out.
        """
        shown = Item.objects.shown_as_examples().filter(project=self.project).values_list("pk", flat=True)
        known = {self.item_keys[pk] for pk in shown if pk in self.item_keys}
        if not known:
            return units, settled
        held = [unit for unit in units if settled.get(unit.key, unit.given) in ("dev", "test")]
        links = {link for unit in held for link in (unit.text_key, *unit.groups) if link}
        fixed = {unit.key for unit in held}
        out = {
            unit.key
            for unit in units
            if unit.key in known and (unit.key in fixed or links.intersection((unit.text_key, *unit.groups)))
        }
        self.findings += findings.of_examples(out)
        kept = [unit for unit in units if unit.key not in out]
        return kept, {**settled, **dict.fromkeys(known - out, "train")}

    def _keep_apart(self) -> None:
        """Raise JobFailed where a control or training item would stand in dev or test."""
        inside = [key for key in self.measuring if self.split.get(key, "train") != "train"]
        if inside:
            text = _(
                "Control or training items would stand in dev or test: %(count)d. People know their gold: make them items of work again, or import them without that split."
            )
            raise JobFailed(text % {"count": len(inside)}, reason="control")
        self.findings += findings.of_measuring(len(self.measuring & set(self.split)))

    def _takes_given(self) -> bool:
        missing = [unit.key for unit in self.units if not unit.given]
        if self.options["splits"] == "given" and missing and self.previous is None:
            text = _("Items without a split: %(count)d (%(keys)s). Import them with one, or choose random splits.")
            raise JobFailed(text % {"count": len(missing), "keys": findings.listed(sorted(missing))})
        return self.options["splits"] == "given" or (self.options["splits"] == "auto" and not missing)

    def _settled(self) -> dict[str, str]:
        """key -> split of every unit that an earlier version placed; the newest of them counts."""
        settled = {unit.key: self.before[unit.key].split for unit in self.units if unit.key in self.before}
        if self.previous is None:
            return settled
        # An item that had left comes back to its place.
        older = DatasetVersion.objects.frozen().filter(dataset=self.version.dataset_id).exclude(pk=self.previous.pk)
        names = list(older.values_list("pk", flat=True))
        for keys in batches((unit.key for unit in self.units if unit.key not in self.before), 500):
            rows = Example.objects.filter(version__in=names, key__in=keys).order_by("version_id")
            settled.update(rows.values_list("key", "split"))
        return settled

    def _find_leaks(self) -> None:
        placed = [
            Placed(unit.key, self.split[unit.key], unit.text_key, unit.groups, unit.stratum)
            for unit in self.units
            if unit.key in self.split
        ]
        leaks = find_leaks(placed)
        # Examples that an earlier version placed stay where they are, so what is among them alone stops nothing.
        crossing = [leak for leak in leaks if leak.kind != "gold" and not self.stood >= set(leak.keys)]
        if crossing and not self.options["allow_leaks"]:
            text = _(
                "%(leak)s Texts or groups in more than one split: %(count)d. Correct the splits, choose "
                "random ones, or freeze with a reason why this is allowed."
            )
            raise JobFailed(text % {"leak": crossing[0].sentence, "count": len(crossing)}, reason="leak")
        self.findings += findings.of_leaks(leaks, reason=self.options["allow_leaks"])
        if not any(leak.kind == "near" for leak in leaks):
            self.findings += findings.of_alike(self.alike, self.split)

    # Hashes and figures

    def hash(self) -> None:
        """Digests, counts, content hash and number; raises JobFailed (unchanged) for a refresh without news."""
        total, private = len(self.split), dict[str, list[str]]()
        for done, (key, row) in enumerate(self._spooled()):
            if done % BATCH == 0:
                self.grip.tick(total + done, 3 * total, _("hashing"))
            with _told():
                content = canonical_row(key, self.split[key], row["text"], row["gold"], row["fields"], row["soft"])
                self.digests[key] = example_digest(content).hex()
            self._count(self.split[key], row["gold"], row["soft"] or {})
            for hit in privacy.find(row["text"]):
                private.setdefault(hit.kind, []).append(key)
        roots = _roots(self.digests, self.split)
        self.version.content_hash, self.version.split_hashes = roots.pop(""), roots
        self._number()
        self.findings += findings.of_private(private)
        self.findings += findings.of_labels(self.questions, self.counts)
        self.findings += findings.of_test(self._independent())
        self.version.agreement = self._agreement()

    def _count(self, split: str, gold: dict[str, Any], soft: dict[str, Any]) -> None:
        self.counts[split]["n"] += 1
        for name in soft:
            known = self.counts[split].setdefault("soft", {})
            known[name] = known.get(name, 0) + 1
        for name, value in gold.items():
            for label in KINDS[self.by_name[name]["kind"]].used(value, self.by_name[name]):
                self.counts[split]["labels"][name][label] += 1
            # What is ambiguous is scored by no metric, so it opens no board.
            self.tested[name] += split == "test" and name not in soft

    def _independent(self) -> int:
        return len({self.components[key] for key, split in self.split.items() if split == "test"})

    def _number(self) -> None:
        """MAJOR where existing data changed, moved or went, MINOR where some was added, PATCH for the same content."""
        version, previous = self.version, self.previous
        if previous is None or previous.major is None or previous.minor is None or previous.patch is None:
            version.major, version.minor, version.patch = 1, 0, 0
            return
        same = version.content_hash == previous.content_hash
        if same and version.refreshes.exists():
            text = _("Nothing has changed since %(number)s.")
            raise JobFailed(text % {"number": previous.number}, reason="unchanged")
        if same:
            version.major, version.minor, version.patch = previous.major, previous.minor, previous.patch + 1
        elif any(self.digests.get(key) != known.digest for key, known in self.before.items()):
            version.major, version.minor, version.patch = previous.major + 1, 0, 0
        else:
            version.major, version.minor, version.patch = previous.major, previous.minor + 1, 0

    def _agreement(self) -> dict[str, Any]:
        """question -> its main figures of agreement with intervals, among the answers to the frozen examples."""
        found = {}
        for question in self.questions:
            self.grip.tick(2 * len(self.split), 3 * len(self.split), _("measuring agreement"))
            if figures := self._agreement_on(question):
                found[question["name"]] = figures
        under = self._answered_under() if found else {}
        return {name: {**figures, "guideline_versions": under} for name, figures in found.items()}

    def _answered_under(self) -> dict[str, int]:
        """guideline version -> independent answers to the frozen examples that were given, or renamed, under it."""
        rows = Annotation.objects.submitted().filter(project=self.project, independent=True, item__role=Item.Role.WORK)
        found: Counter[int] = Counter()
        for item, number in rows.values_list("item_id", "guideline_version__number").iterator(chunk_size=5000):
            found[number] += self.item_keys.get(item) in self.split
        return {str(number): count for number, count in sorted(found.items()) if count}

    def _agreement_on(self, question: dict[str, Any]) -> dict[str, Any]:
        given = {
            (self.item_keys[int(item)], rater): value
            for item, rater, value in measuring.triples(project=self.project, question=question["name"])
            if self.item_keys.get(int(item)) in self.split and _is_answer(value, question)
        }
        per_unit = Counter(unit for unit, _rater in given)
        if len(raters := {rater for _unit, rater in given}) < 2:
            return {}
        agreement = AGREEMENTS[question["kind"]]
        triples = ((unit, rater, value) for (unit, rater), value in given.items())
        figures = agreement.brief(triples, question=question, draws=DRAWS, seed=SEED)
        main = next(iter(figures))
        return {
            "n_units": len(per_unit),
            "n_units_2plus": sum(1 for count in per_unit.values() if count > 1),
            "n_raters": len(raters),
            "figures": figures,
            "main": main,
            "level": agreement.level_of(question),
            # What a board shows of it.
            "alpha": figures[main],
            "percent": figures.get("percent"),
            **self._left_open(question["name"], main),
        }

    def _left_open(self, question: str, main: str) -> dict[str, Any]:
        """How many items wait for a decision and so are not in the version, and the figure of all answers.

        all: what Agreement tells at the freeze; None where that is not measured, or older than the last answer.
        """
        cases = self.project.cases.open().filter(question=question, item__role=Item.Role.WORK)
        # One of a sample of what agrees does not differ.
        items = cases.exclude(why="agreed").values_list("item_id", flat=True)
        count = sum(1 for item in set(items) if self.item_keys.get(item) not in self.split)
        if not count:
            return {"open": 0, "all": None}
        guideline = self.version.guideline_version
        rows = AgreementReport.objects.filter(guideline_version=guideline, question=question, state=State.DONE)
        report = rows.first()
        known = report is not None and not measuring.is_stale(report, guideline)
        return {"open": count, "all": report.figures.get(main) if report and known else None}

    # Storing

    def store(self) -> None:
        """Examples, version and boards in one transaction, at the end of which the row must still be ours."""
        version = self.version
        with transaction.atomic():
            for batch in batches(self._examples(), BATCH):
                Example.objects.bulk_create(batch)
            self._hold_out()
            self.grip.hold()
            DatasetVersion.objects.filter(pk=version.pk).update(
                major=version.major,
                minor=version.minor,
                patch=version.patch,
                previous=self.previous,
                content_hash=version.content_hash,
                split_hashes=version.split_hashes,
                counts=self.counts,
                agreement=version.agreement,
                findings=self.findings,
                gold_until=version.gold_until,
                frozen_at=timezone.now(),
            )
            if self.counts["test"]["n"]:
                self._open_boards()
            recording.record(
                project=self.project,
                kind="frozen",
                by=version.created_by_id,
                version=version.guideline_version,
                name=f"{version.dataset.name} {version.number}",
                count=len(self.split),
            )

    def _hold_out(self) -> None:
        """Items of dev and test are marked, so that none is shown with its gold; one that was made so meanwhile fails."""
        held = [pk for pk, key in self.item_keys.items() if self.split.get(key, "train") != "train"]
        for batch in batches(held, BATCH):
            rows = Item.objects.filter(pk__in=batch)
            rows.filter(held_out=False).update(held_out=True)
            if rows.exclude(role=Item.Role.WORK).exists():
                raise JobFailed(
                    _("An item of dev or test was made a control or training item meanwhile. Freeze again.")
                )

    def _examples(self) -> Iterator[Example]:
        total = len(self.split)
        for done, (key, row) in enumerate(self._spooled()):
            if done % BATCH == 0:
                self.grip.tick(2 * total + done, 3 * total, _("writing examples"))
            known = self.before.get(key)
            yield Example(
                version=self.version,
                item_id=row["item"],
                key=key,
                split=self.split[key],
                text=row["text"],
                gold=row["gold"],
                soft=row["soft"],
                votes=row["votes"],
                methods=row["methods"],
                fields=row["fields"],
                component=self.components[key],
                digest=self.digests[key],
                added_in=known.added_in if known else self.version.number,
            )

    def _open_boards(self) -> None:
        Benchmark.objects.bulk_create(
            Benchmark(
                version=self.version,
                question=question["name"],
                primary_metric=rules.primary(question["kind"], self.options["primary_metric"]),
            )
            for question in self.questions
            if self.tested[question["name"]]
        )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What the pure parts refuse is the reason on the page."""
    try:
        yield
    except ValueError as error:
        raise JobFailed(str(error)) from error


@dataclass(frozen=True, slots=True)
class _Known:
    split: str
    digest: str
    added_in: str


def _before(previous: DatasetVersion | None) -> dict[str, _Known]:
    """key -> where and what each example of the version before was."""
    if previous is None:
        return {}
    rows = Example.objects.filter(version=previous).values_list("key", "split", "digest", "added_in")
    return {key: _Known(*known) for key, *known in rows.iterator(chunk_size=5000)}


def _answers(project: Project, questions: Sequence[dict[str, Any]]) -> dict[int, _Answer]:
    """item -> its current gold, for items that have it for every question that is asked of them."""
    names = [entry["name"] for entry in questions]
    found: dict[int, _Answer] = defaultdict(_Answer)
    rows = Gold.objects.current().filter(project=project, question__in=names)
    columns = ("item_id", "question", "value", "distribution", "method", "guideline_version__number")
    for item, question, value, spread, method, number in rows.values_list(*columns).iterator(chunk_size=5000):
        answer = found[item]
        if spread:
            answer.soft[question] = spread
        answer.gold[question], answer.methods[question], answer.numbers[question] = value, method, number
    return {item: answer for item, answer in found.items() if _is_whole(answer, questions)}


def _is_whole(answer: _Answer, questions: Sequence[dict[str, Any]]) -> bool:
    """Whether nothing is missing but what the other answers do not open."""
    if len(answer.gold) == len(questions):
        return True
    missing = [entry for entry in questions if entry["name"] not in answer.gold]
    return bool(answer.gold) and not any(
        schemas.applies(entry, answer.gold, {"questions": questions}) for entry in missing
    )


def _rows(project: Project, question: str) -> Iterable[dict[str, Any]]:
    """Items with gold for the question, with their words (of a passage only the passage) and document fields."""
    whole = F("document__text")
    passage = Substr("document__text", F("start") + 1, F("end") - F("start"))
    gold = Gold.objects.current().filter(project=project, question=question)
    rows = Item.objects.filter(project=project, pk__in=gold.values("item")).annotate(
        words=Case(When(start__isnull=True, then=whole), default=passage, output_field=TextField())
    )
    names = ("external_id", "text_key", "given_split", "metadata", "candidates", "reference", *FIELDS)
    values = rows.values("pk", "role", "start", "end", "words", *(f"document__{name}" for name in names))
    return cast(Iterable[dict[str, Any]], values.iterator(chunk_size=BATCH))


def _key(row: dict[str, Any]) -> str:
    """The document's id, with the place of a passage; a long id is shortened by a hash so that the place fits."""
    name: str = row["document__external_id"]
    if row["start"] is None:
        return name
    place = f"#{row['start']}-{row['end']}"
    if len(name) + len(place) > KEY:
        name = f"{name[: KEY - len(place) - 17]}~{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name + place


def _fields(row: dict[str, Any], key: str) -> dict[str, Any]:
    """Document fields without the empty ones; metadata as text in the form that a CSV can carry too."""
    found: dict[str, Any] = {name: clean(row[f"document__{name}"]).text for name in (*FIELDS, "reference")}
    found["candidates"] = row["document__candidates"]
    try:
        found["metadata"] = _metadata(row["document__metadata"])
    except ValueError as error:
        raise JobFailed(_("Item “%(key)s”: %(problem)s") % {"key": key, "problem": error}) from error
    return {name: value for name, value in found.items() if value}


def _metadata(raw: dict[str, Any]) -> dict[str, str]:
    """Names and values in the normal form of texts: line ends and outer blanks would not outlive a CSV."""
    found: dict[str, str] = {}
    for name, value in sorted(canonical_metadata(raw).items()):
        name, value = clean(name).text, clean(value).text
        while value and name in found:
            name += " (2)"
        if value:
            found[name] = value
    return found


def _groups(row: dict[str, Any], group_by: Sequence[str]) -> tuple[str, ...]:
    ids = {"document": row["document__external_id"], "issuer": row["document__issuer"].strip().casefold()}
    # A prompt whose responses are compared in several items stays in one split.
    prompt = (f"prompt:{text_key(row['words'])}",) if row["document__candidates"] else ()
    return (*prompt, *(f"{name}:{ids[name]}" for name in group_by if ids.get(name)))


def _clean_gold(
    gold: dict[str, Any], questions: Sequence[dict[str, Any]], about: About, words: str
) -> dict[str, Any] | None:
    """Gold in the order of the questions; None where a value is no answer under this guideline version.

    words: those of the item, which may have blanks around the text that is frozen, as a passage has.
    """
    try:
        if words != about.text:
            gold = _moved(gold, questions, moved(words))
        return schemas.clean(gold, {"questions": questions}, about=about, partial=True)
    except ValueError:
        return None


def _clean_soft(
    soft: dict[str, Any], questions: Sequence[dict[str, Any]], about: About, words: str
) -> dict[str, Any] | None:
    """How answers spread, about the text that is frozen; what is no answer under this guideline is left out of it."""
    by_name = {entry["name"]: entry for entry in questions}
    found = {}
    for name, spread in soft.items():
        entry = by_name[name]
        kept = [
            {"value": value[name], "n": one["n"]}
            for one in spread
            if (value := _clean_gold({name: one["value"]}, [_alone(entry)], about, words)) and name in value
        ]
        if kept:
            found[name] = _spread(kept, entry)
    return found or None


def _spread(kept: list[dict[str, Any]], entry: dict[str, Any]) -> list[dict[str, Any]]:
    kind = KINDS[entry["kind"]]
    return spreads.clean(kept, lambda value: kind.settled(value, entry))


def _alone(entry: dict[str, Any]) -> dict[str, Any]:
    """A question that is asked whatever was answered to others."""
    return {name: part for name, part in entry.items() if name != "when"}


def _moved(gold: dict[str, Any], questions: Sequence[dict[str, Any]], places: Moved) -> dict[str, Any]:
    moves = {entry["name"]: move for entry in questions if (move := KINDS[entry["kind"]].move)}
    return {name: moves[name](value, places) if name in moves else value for name, value in gold.items()}


def _stratum(gold: dict[str, Any], question: dict[str, Any]) -> str:
    value = gold.get(question["name"])
    return "" if value is None else KINDS[question["kind"]].stratum(value, question)


def _without_given(unit: Unit) -> Unit:
    return Unit(key=unit.key, text_key=unit.text_key, stratum=unit.stratum, groups=unit.groups)


def _is_answer(value: Any, question: dict[str, Any]) -> bool:
    """Whether an answer given under an earlier guideline is still one."""
    try:
        KINDS[question["kind"]].clean(value, question)
    except ValueError:
        return False
    return True


def _roots(digests: Mapping[str, str], split: Mapping[str, str]) -> dict[str, str]:
    """The hashes that canonical.content_hash gives, from digests that are there already: '' -> content, split -> its."""
    ordered = [(split[key], bytes.fromhex(digests[key])) for key in sorted(digests)]
    found = {"": f"sha256:{merkle_root(digest for _split, digest in ordered).hex()}"}
    for name in sorted({name for name, _digest in ordered}):
        found[name] = f"sha256:{merkle_root(digest for each, digest in ordered if each == name).hex()}"
    return found


# -- Proving ------------------------------------------------------------------------------------------------------


def canonical_row(
    key: str, split: str, text: str, gold: dict[str, Any], fields: dict[str, Any], soft: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What of an example is hashed: id, split, text, gold and document fields; no votes, no dates, no guideline.

    Where the text is ambiguous, also how its people's answers spread.

    The gold of a single question goes by the name `label`, as its export has it: a file that is read back does not tell
    what the question was called.
    """
    named = {"label": next(iter(gold.values()))} if len(gold) == 1 else gold
    told = {"soft": {"label": next(iter(soft.values()))} if len(gold) == 1 else soft} if soft else {}
    return {"id": key, "split": split, "text": text, "gold": named, **told, **fields}


def verify(version: DatasetVersion) -> dict[str, Any]:
    """Recompute the hashes from the rows: ok, expected, found, and the keys of examples that are not what they were."""
    changed: list[str] = []
    rows = Example.objects.filter(version=version).order_by("pk")

    def contents() -> Iterator[dict[str, Any]]:
        columns = ("key", "split", "text", "gold", "fields", "soft", "digest")
        for *content, digest in rows.values_list(*columns).iterator(chunk_size=BATCH):
            row = canonical_row(*content)
            if example_digest(row).hex() != digest:
                changed.append(content[0])
            yield row

    found = content_hash(contents())
    expected = {"content": version.content_hash, "splits": version.split_hashes}
    return {
        "ok": found == expected and not changed,
        "expected": expected,
        "found": found,
        "changed": sorted(changed),
    }
