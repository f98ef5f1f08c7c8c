"""Samples of what to label: what a design would draw from the pool, the draw, and its way back."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from annotation import assigning, designs, frames, recording, settling
from annotation.designs import Design
from annotation.frames import Frame
from annotation.models import Annotation, Assignment, Gold, Item, Project, Sample, Sampled, User
from annotation.text.normal import check_name

CHUNK = 1000
# A pool with more items than that, or more items drawn, is a worker's job.
AT_ONCE = 5000

Tick = Callable[[int, int], None]


def random_seed() -> int:
    """A seed where nobody has named one."""
    return secrets.randbelow(2**31)


def asked_for(given: Mapping[str, Any]) -> dict[str, Any]:
    """name, frame and design as JSON, checked, with a seed where there was none; raises ValueError."""
    wanted = dict(given.get("design") or {})
    if wanted.get("seed") in (None, ""):
        wanted["seed"] = random_seed()
    design, frame = Design.read(wanted), Frame.read(given.get("frame") or {})
    return {"name": str(given.get("name") or "").strip(), "frame": frame.told, "design": design.told}


def is_large(project: Project) -> bool:
    """Whether looking at the pool, or drawing from it, takes longer than a page can wait."""
    return Item.objects.filter(project=project, in_pool=True).order_by()[: AT_ONCE + 1].count() > AT_ONCE


def preview(*, project: Project, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the design would draw, without drawing it: strata with frame, available, wanted and got, and what is short."""
    design, frame = Design.read(asked["design"]), Frame.read(asked["frame"])
    found = designs.draw(frames.units(project, frame, design), design)
    return {**asked, **_told(found.strata), "warnings": _warnings(frame)}


def _told(strata: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sums = {name: sum(row[name] for row in strata) for name in ("frame", "available", "wanted", "got")}
    return {"strata": list(strata), "sums": sums, "shortages": designs.shortages(strata)}


def _warnings(frame: Frame) -> list[str]:
    """What a sample of this frame cannot say."""
    if not frame.is_by_proposal:
        return []
    return [
        _("These items are chosen by what a model proposes, so the sample speaks for them alone and not for the pool: figures over it are no estimate for all texts.")
    ]  # fmt: skip


@transaction.atomic
def draw(
    *, project: Project, asked: Mapping[str, Any], by: User | None = None, tick: Tick = lambda done, total: None
) -> Sample:
    """Draw a sample: its items leave the pool and get the slots that the overlap asks for, in a stored random order.

    Of two draws at once the second sees what the first has left. Raises ValueError where nothing is drawn.
    """
    name = check_name(asked["name"])
    if not name or len(name) > 120:
        raise ValueError(_("A sample needs a name of at most 120 characters."))
    project = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    design, frame = Design.read(asked["design"]), Frame.read(asked["frame"])
    found = designs.draw(frames.units(project, frame, design), design)
    if not found.items:
        raise ValueError(_("No item of the pool fits: nothing was drawn. Import items into the pool, or widen the filter."))  # fmt: skip
    row = Sample.objects.create(
        project=project, name=name, frame=frame.told, design=design.told, seed=design.seed, strata=found.strata, made_by=by
    )  # fmt: skip
    done = 0
    for chunk in settling.batches(found.items, CHUNK):
        keys = [pk for pk, _place, _chance in chunk]
        Item.objects.filter(pk__in=keys).update(in_pool=False)
        Sampled.objects.bulk_create(
            Sampled(sample=row, item_id=pk, stratum=place, probability=chance) for pk, place, chance in chunk
        )
        assigning.open_slots(project=project, items=keys)
        done += len(chunk)
        tick(done, len(found.items))
    recording.record(project=project, kind="sampled", by=by, name=name, count=len(found.items))
    return row


@transaction.atomic
def take_back(*, sample: Sample, by: User | None = None) -> int:
    """Put a sample's items back into the pool; returns how many. Raises ValueError where somebody has begun."""
    project = Project.objects.select_for_update(no_key=True).get(pk=sample.project_id)
    sample = Sample.objects.select_for_update().get(pk=sample.pk)
    if sample.reverted_at is not None:
        raise ValueError(_("This sample was taken back already."))
    items = list(sample.drawn.order_by("pk").values_list("item", flat=True))
    for chunk in settling.batches(items, CHUNK):
        _refuse_begun(chunk)
    for chunk in settling.batches(items, CHUNK):
        Assignment.every.filter(item__in=chunk).delete()
        Sampled.objects.filter(item__in=chunk).delete()
        Item.objects.filter(pk__in=chunk).update(in_pool=True)
    sample.reverted_by, sample.reverted_at = by, timezone.now()
    sample.save(update_fields=["reverted_by", "reverted_at"])
    recording.record(project=project, kind="sample_taken_back", by=by, name=sample.name, count=len(items))
    return len(items)


def _refuse_begun(items: Sequence[int]) -> None:
    """Raise ValueError unless every slot of these items is as it was made; they are locked until the commit."""
    slots = Assignment.every.filter(item__in=items).select_for_update(of=("self",))
    told = slots.values_list("state", "again", "annotator", "held_before", "batch")
    begun = any(state != Assignment.State.OPEN or again or any(held) for state, again, *held in told)
    begun = begun or Annotation.objects.filter(item__in=items).exists() or Gold.objects.filter(item__in=items).exists()
    begun = begun or Item.objects.filter(pk__in=items).exclude(role=Item.Role.WORK).exists()
    if begun or Item.objects.shown_as_examples().filter(pk__in=items).exists():
        raise ValueError(
            _("Somebody has begun with this sample, so it stays. What is still open can be given out last.")
        )
