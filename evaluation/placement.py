"""Where the examples of a version on its way go: what earlier versions placed, what stays together, what leaks."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from annotation.jobs import JobFailed
from annotation.models import Item
from annotation.settling import batches
from annotation.text import duplicates
from evaluation import findings, rules
from evaluation.gold import Gathered, Tick
from evaluation.leaks import NEAR, Leak, Placed, find_leaks
from evaluation.models import Dataset, DatasetVersion, Example
from evaluation.retirements import retired
from evaluation.splits import Unit, assign


@dataclass(frozen=True, slots=True)
class Known:
    """What the version before had of an example."""

    split: str
    digest: str
    added_in: str


def before(previous: DatasetVersion | None) -> dict[str, Known]:
    """key -> where and what each example of the version before was."""
    if previous is None:
        return {}
    rows = Example.objects.filter(version=previous).values_list("key", "split", "digest", "added_in")
    return {key: Known(*known) for key, *known in rows.iterator(chunk_size=5000)}


@contextlib.contextmanager
def told() -> Iterator[None]:
    """What the pure parts refuse is the reason on the page."""
    try:
        yield
    except ValueError as error:
        raise JobFailed(str(error)) from error


@dataclass(frozen=True, slots=True)
class Blocking:
    """What stands against a freeze. final: no reason makes it good."""

    kind: str
    sentence: str
    final: bool = False


class Placement:
    """A split for every example that was gathered. split, components: key -> its; findings: what to know of it."""

    def __init__(self, gathered: Gathered, dataset: Dataset | None, options: dict[str, Any], number: int) -> None:
        self.gathered, self.dataset, self.options, self.number = gathered, dataset, options, number
        self.previous = dataset.latest if dataset and dataset.pk else None
        # What somebody retired is left out, and its reason kept with the version that is the first without it.
        self.retired = retired(dataset) if dataset and self.previous else {}
        self.units = [unit for unit in gathered.units if unit.key not in self.retired]
        self.before = before(self.previous)
        # Clusters of keys whose texts are nearly the same, and the keys that an earlier version has placed.
        self.alike: list[list[str]] = []
        self.stood: set[str] = set()
        self.findings: list[findings.Finding] = []
        self.leaks: list[Leak] = []
        self.blocking: list[Blocking] = []
        self.windows: dict[str, str] = {}
        self.split: dict[str, str] = {}
        self.components: dict[str, str] = {}

    def place(self, tick: Tick) -> None:
        """A split for every unit; `blocking` says afterwards what stands against a freeze. Raises JobFailed."""
        self._group_alike(tick)
        given = self._takes_given()
        units = self.units if given else [replace(unit, given=None) for unit in self.units]
        settled = self._settled()
        self.stood = set(settled)
        units, settled = self._keep_examples_out(units, settled)
        settled = {**dict.fromkeys(self.gathered.measuring, "train"), **settled}
        with told():
            placed = assign(
                units,
                shares=rules.sizes(self.options, len(units)),
                seed=self.options["seed"],
                settled=settled,
                by_time=rules.by_time(self.options, self._windows()),
            )
        self.split, self.components = placed.split, placed.components
        self.windows = {name: day.isoformat() for name, day in sorted(placed.windows.items())}
        self._keep_apart()
        self._find_leaks()
        kept = [unit.key for unit in units if unit.given and settled.get(unit.key, unit.given) != unit.given]
        older = {name: n for name, n in self.gathered.numbers.items() if name != self.number}
        self.findings += findings.of_left_out(placed.quarantined, self.gathered.left_out)
        self.findings += findings.of_duplicates(self.gathered.duplicates)
        self.findings += findings.of_retired(set(self.retired) & set(self.gathered.offsets))
        self.findings += findings.of_windows(placed, self.options)
        self.findings += findings.of_history(kept=kept, older=older, number=self.number)
        if not self.split:
            raise JobFailed(_("No example is left: all were left out. See which items share a text."))

    def _windows(self) -> dict[str, str]:
        """Where the windows of the version before began."""
        return dict(self.previous.options.get("windows") or {}) if self.previous else {}

    def placed(self) -> list[Placed]:
        """The examples as they stand, for whoever looks for leaks."""
        return [
            Placed(unit.key, self.split[unit.key], unit.text_key, unit.groups, unit.stratum, unit.day)
            for unit in self.units
            if unit.key in self.split
        ]

    def _group_alike(self, tick: Tick) -> None:
        """Texts that are nearly the same form a group, where that was asked for; they are known in any case."""
        tick(len(self.units), 3 * len(self.units), _("comparing texts"))
        wanted = {"near", "template"} & set(self.options["group_by"])
        texts = self.gathered.texts_of(unit.key for unit in self.units)
        found = duplicates.find(texts, templates="template" in wanted)
        self.alike = [[self.units[place].key for place in members] for members in found.clusters]
        if not wanted:
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
        shown = Item.objects.shown_as_examples().filter(project=self.gathered.project).values_list("pk", flat=True)
        known = {self.gathered.item_keys[pk] for pk in shown if pk in self.gathered.item_keys}
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
        """Control and training items in dev or test stand against a freeze, whatever the reason given."""
        inside = {key for key in self.gathered.measuring if self.split.get(key, "train") != "train"}
        if inside:
            text = _(
                "Control or training items would stand in dev or test: %(count)d. People know their gold: make them items of work again, or import them without that split."
            )
            self.blocking.append(Blocking("control", text % {"count": len(inside)}, final=True))
        self.findings += findings.of_measuring(len(self.gathered.measuring & set(self.split)))

    def _takes_given(self) -> bool:
        mode = self.options["splits"]
        missing = [unit.key for unit in self.units if not unit.given]
        if mode in ("given", "column") and missing and self.previous is None:
            says = {
                "given": _(
                    "Items without a split: %(count)d (%(keys)s). Import them with one, or choose random splits."
                ),
                "column": _(
                    "Items whose column “%(column)s” names no split: %(count)d (%(keys)s). It must say train, dev or test; or choose random splits."
                ),
            }
            named = {"count": len(missing), "keys": findings.listed(sorted(missing))}
            raise JobFailed(says[mode] % {"column": self.options.get("split_column", ""), **named})
        return mode in ("given", "column") or (mode == "auto" and not missing)

    def _settled(self) -> dict[str, str]:
        """key -> split of every unit that an earlier version placed; the newest of them counts."""
        settled = {unit.key: self.before[unit.key].split for unit in self.units if unit.key in self.before}
        if self.previous is None:
            return settled
        # An item that had left comes back to its place.
        older = DatasetVersion.objects.frozen().filter(dataset=self.dataset).exclude(pk=self.previous.pk)
        names = list(older.values_list("pk", flat=True))
        for keys in batches((unit.key for unit in self.units if unit.key not in self.before), 500):
            rows = Example.objects.filter(version__in=names, key__in=keys).order_by("version_id")
            found = {key: (split, text) for key, split, text in rows.values_list("key", "split", "text")}
            self._need_same_texts({key: text for key, (_split, text) in found.items()})
            settled.update((key, split) for key, (split, _text) in found.items())
        return settled

    def _need_same_texts(self, texts: Mapping[str, str]) -> None:
        """An id that left the dataset never stands for another text; raises JobFailed."""
        others = [key for key, row in self.gathered.spooled(texts) if row["text"] != texts[key]]
        if others:
            text = _(
                "Ids that left this dataset stand for other texts now: %(count)d (%(keys)s). An id is never used again: import these texts under new ids."
            )
            raise JobFailed(text % {"count": len(others), "keys": findings.listed(others)}, reason="tombstone")

    def _find_leaks(self) -> None:
        self.leaks = find_leaks(self.placed())
        # Examples that an earlier version placed stay where they are, so what is among them alone stops nothing.
        fresh = [leak for leak in self.leaks if not self.stood >= set(leak.keys)]
        crossing = [leak for leak in fresh if leak.kind != "gold"]
        if crossing:
            text = _(
                "%(leak)s Texts or groups in more than one split: %(count)d. Correct the splits, choose "
                "random ones, or freeze with a reason why this is allowed."
            )
            self.blocking.append(Blocking("leak", text % {"leak": crossing[0].sentence, "count": len(crossing)}))
        if conflicts := [leak for leak in fresh if leak.kind == "gold"]:
            keys = sorted({key for leak in conflicts for key in leak.keys})
            text = _(
                "Texts with different gold in different items: %(count)d (%(keys)s). Settle them, or freeze with a reason why this is allowed."
            )
            named = {"count": len(conflicts), "keys": findings.listed(keys)}
            self.blocking.append(Blocking("conflict", text % named))
        self.findings += findings.of_leaks(self.leaks, reason=self.options["allow_leaks"])
        if not any(leak.kind == "near" for leak in self.leaks):
            self.findings += findings.of_alike(self.alike, self.split)

    def refuse(self) -> None:
        """Raise JobFailed for what stands against a freeze, unless there is a reason why it is allowed."""
        for entry in self.blocking:
            if entry.final or not self.options["allow_leaks"]:
                raise JobFailed(entry.sentence, reason=entry.kind)
