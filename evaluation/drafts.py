"""A version on its way: its gold read, placed, counted and hashed; nothing is written before it is frozen."""

from collections import Counter
from typing import IO, Any

from django.utils.translation import gettext as _

from annotation import schema as schemas
from annotation.jobs import JobFailed
from annotation.kinds import KINDS
from evaluation import findings
from evaluation.agreement import Agreement
from evaluation.canonical import example_digest
from evaluation.comparison import bump
from evaluation.gold import BATCH, Gathered, Tick
from evaluation.models import SPLITS, DatasetVersion
from evaluation.placement import Placement, told
from evaluation.proof import canonical_row, roots


class Draft:
    """The version's gold, its splits and figures. version: a row, or an unsaved one of which nothing is to stay."""

    def __init__(self, version: DatasetVersion, spool: IO[bytes], tick: Tick) -> None:
        self.version, self.tick = version, tick
        self.project = version.dataset.project
        self.options = version.options
        self.questions = version.questions
        self.by_name = {entry["name"]: entry for entry in self.questions}
        self.gathered = Gathered(self.project, self.questions, spool)
        # Test examples of each question: a board opens where there are any.
        self.tested: Counter[str] = Counter()
        self.findings: list[findings.Finding] = []
        self.split: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        # What a version after another one would change: added, retired, moved, changed (text, gold or fields).
        self.change: dict[str, int] = {}
        self.counts: dict[str, Any] = {
            split: {
                "n": 0,
                "labels": {entry["name"]: dict.fromkeys(schemas.label_names(entry), 0) for entry in self.questions},
            }
            for split in SPLITS
        }

    def read(self) -> None:
        """Items with gold for all questions, into the temporary file."""
        self.gathered.read(self.options, self.tick)

    def place(self) -> None:
        """A split for every example; what stands against a freeze is in placement.blocking."""
        number = self.version.guideline_version.number
        self.placement = Placement(self.gathered, self.version.dataset, self.options, number)
        self.placement.place(self.tick)
        self.split = self.placement.split
        self.findings += self.placement.findings

    def hash(self) -> None:
        """Digests, counts, content hash and number; raises JobFailed (unchanged) for a refresh without news."""
        total = len(self.split)
        for done, (key, row) in enumerate(self.gathered.spooled(self.split)):
            if done % BATCH == 0:
                self.tick(total + done, 3 * total, _("hashing"))
            with told():
                content = canonical_row(key, self.split[key], row["text"], row["gold"], row["fields"], row["soft"])
                self.digests[key] = example_digest(content).hex()
            self._count(self.split[key], row["gold"], row["soft"] or {})
        hashes = roots(self.digests, self.split)
        self.version.content_hash, self.version.split_hashes = hashes.pop(""), hashes
        self._number()
        kept = {kind: [key for key in keys if key in self.split] for kind, keys in self.gathered.kept.items()}
        self.findings += findings.of_private({kind: keys for kind, keys in kept.items() if keys})
        self.findings += findings.of_masked(self.gathered.hidden)
        self.findings += findings.of_labels(self.questions, self.counts)
        self.findings += findings.of_test(self._independent())
        self.tick(2 * total, 3 * total, _("measuring agreement"))
        keys = {item: key for item, key in self.gathered.item_keys.items() if key in self.split}
        self.version.agreement = Agreement(self.project, self.version.guideline_version, keys).of(self.questions)

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
        return len({self.placement.components[key] for key, split in self.split.items() if split == "test"})

    def _number(self) -> None:
        """MAJOR where existing data changed, moved or went, MINOR where some was added, PATCH for the same content."""
        version, placement = self.version, self.placement
        previous = placement.previous
        common = self.digests.keys() & placement.before.keys()
        moved = [key for key in common if placement.before[key].split != self.split[key]]
        changed = sum(self.digests[key] != placement.before[key].digest for key in common)
        self.change = {
            "added": len(self.digests.keys() - placement.before.keys()),
            "retired": len(placement.before.keys() - self.digests.keys()),
            "moved": len(moved),
            "changed": changed - len(moved),
        }
        number = None
        if previous and previous.major is not None and previous.minor is not None and previous.patch is not None:
            number = (previous.major, previous.minor, previous.patch)
        same = previous is not None and version.content_hash == previous.content_hash
        if same and version.pk and version.refreshes.exists():
            text = _("Nothing has changed since %(number)s.")
            raise JobFailed(text % {"number": previous.number if previous else ""}, reason="unchanged")
        removed = {"retired": self.change["retired"], "moved": changed}
        version.major, version.minor, version.patch = bump(number, removed, same=same)
