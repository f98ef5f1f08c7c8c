"""Examples are retired: the next versions leave them out. What is said stays written down; nothing is deleted."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from annotation import recording
from annotation.models import User
from annotation.settling import batches
from evaluation.findings import listed
from evaluation.models import Dataset, Example, Retirement
from evaluation.retirements import retired

MOST = 10_000


def retire(*, dataset: Dataset, keys: Sequence[str], reason: str, user: User | None) -> int:
    """The next version leaves these examples out; returns how many were not retired before. Raises ValueError."""
    return _say(dataset, keys, reason, user, Retirement.Act.RETIRED)


def bring_back(*, dataset: Dataset, keys: Sequence[str], reason: str, user: User | None) -> int:
    """The next version has these examples again, where their gold still stands; returns how many were retired."""
    return _say(dataset, keys, reason, user, Retirement.Act.BACK)


@transaction.atomic
def _say(dataset: Dataset, keys: Sequence[str], reason: str, user: User | None, act: Retirement.Act) -> int:
    names = list(dict.fromkeys(key.strip() for key in keys if key.strip()))
    reason = " ".join(reason.split())[:500]
    if not names:
        raise ValueError(_("Name at least one example by its id."))
    if len(names) > MOST:
        raise ValueError(_("At most %(most)d examples can be named at once.") % {"most": MOST})
    if not reason:
        raise ValueError(_("Give a reason: it is kept for good."))
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    known: set[str] = set()
    for part in batches(names, 500):
        rows = Example.objects.filter(version__dataset=dataset, version__frozen_at__isnull=False, key__in=part)
        known.update(rows.values_list("key", flat=True))
    if strange := sorted(set(names) - known):
        raise ValueError(_("No version of this dataset has an example %(keys)s.") % {"keys": listed(strange)})
    now = retired(dataset)
    wanted = [key for key in names if (key in now) != (act == Retirement.Act.RETIRED)]
    Retirement.objects.bulk_create(
        [Retirement(dataset=dataset, key=key, act=act, reason=reason, by=user) for key in wanted], batch_size=500
    )
    if wanted:
        kind = "examples_retired" if act == Retirement.Act.RETIRED else "examples_back"
        recording.record(
            project=dataset.project_id, kind=kind, by=user, name=dataset.name, count=len(wanted), reason=reason
        )
    return len(wanted)
