"""Reads: what of a frozen version is exported, and how; checked, with a sentence for what cannot be."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from evaluation import formats
from evaluation.formats import Format
from evaluation.formats.release import SCHEMES
from evaluation.models import SPLITS, DatasetVersion, Example


@dataclass(frozen=True)
class Wanted:
    """What is exported, and how; made by `want`."""

    version: DatasetVersion
    format: Format
    with_test_gold: bool
    splits: tuple[str, ...]
    scheme: str = "BIO"
    question: str = ""
    annotations: bool = False
    comments: bool = False
    # Whether candidate responses or reference answers are among the examples.
    compares: bool = False
    # Whether some gold is soft: then every row tells how the answers to its text spread.
    spreads: bool = False

    @property
    def examples(self) -> QuerySet[Example]:
        """In the order of keys by code point, which is the order they were written in, whatever the database sorts by."""
        return Example.objects.filter(version=self.version, split__in=self.splits).order_by("pk")

    @property
    def shown(self) -> QuerySet[Example]:
        """The examples of which everything may be told."""
        return self.examples if self.with_test_gold else self.examples.exclude(split="test")


def want(
    version: DatasetVersion,
    *,
    format: str = "jsonl",
    with_test_gold: bool,
    splits: Iterable[str] | None = None,
    scheme: str = "BIO",
    question: str = "",
    annotations: bool = False,
    comments: bool = False,
) -> Wanted:
    """Check what is asked for; raises ValueError with a sentence.

    splits: all that have examples where nothing is said. question: which one, for formats that carry one. annotations:
    the answers of the annotators and what was adjudicated go along, with what people wrote beside them if `comments`.
    """
    if version.frozen_at is None:
        raise ValueError(_("This version is not frozen yet, so there is nothing to export."))
    entry = formats.find(format)
    formats.asked(entry, version.questions, question)
    if scheme not in SCHEMES:
        raise ValueError(_("Tags are written as %(all)s.") % {"all": " or ".join(SCHEMES)})
    rows = Example.objects.filter(version=version)
    present = set(rows.values_list("split", flat=True).distinct())
    chosen = set(splits or present)
    if strange := sorted(chosen - set(SPLITS)):
        raise ValueError(_("“%(name)s” is no split; they are train, dev and test.") % {"name": strange[0]})
    kept = tuple(split for split in SPLITS if split in chosen & present)
    if not kept:
        raise ValueError(_("The chosen splits have no examples."))
    compares = rows.filter(Q(fields__has_key="candidates") | Q(fields__has_key="reference")).exists()
    soft = rows.exclude(soft=None)
    soft = soft if with_test_gold else soft.exclude(split="test")
    return Wanted(
        version, entry, with_test_gold, kept, scheme, question, annotations, annotations and comments, compares, soft.exists()
    )  # fmt: skip
