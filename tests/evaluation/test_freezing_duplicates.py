"""A freeze and what was decided about duplicates: left out is left out, and a group stays in one split."""

import pytest

from annotation import deciding_duplicates, scanning
from annotation import models as a
from evaluation.models import Example
from tests.conftest import make_gold, make_items, make_project
from tests.evaluation.worlds import freeze


@pytest.fixture
def project(cast) -> a.Project:
    project = make_project(cast)
    texts = [f"{['alpha', 'beta', 'gamma', 'delta'][n % 4]} {'x' * n} stands alone here" for n in range(30)]
    for place, item in enumerate(make_items(project, [*texts, *["One text twice."] * 2])):
        make_gold(item, ["positive", "negative"][place % 2] if place < 30 else "positive")
    return project


def decide(project: a.Project, items: list[a.Item], what: str, kept: a.Item | None = None) -> a.Verdict:
    scanning.at_once(project=project, what="duplicates")
    cluster = a.Cluster.objects.get(members__item=items[0])
    return deciding_duplicates.decide(cluster=cluster, what=what, kept=kept.pk if kept else None, reason="r", user=None)


def test_a_duplicate_that_is_left_out_is_in_the_next_version_no_more(project):
    twins = list(a.Item.objects.order_by("pk"))[-2:]
    first = freeze(project)
    assert Example.objects.filter(version=first, item_id__in=[one.pk for one in twins]).count() == 2
    decide(project, twins, "keep", kept=twins[0])
    second = freeze(project)
    assert list(
        Example.objects.filter(version=second, item_id__in=[one.pk for one in twins]).values_list("item", flat=True)
    ) == [twins[0].pk]
    assert Example.objects.filter(version=first).count() == 32
    assert second.number == "2.0.0"
    assert [found["values"] for found in second.findings if found["code"] == "duplicates"] == [{"count": 1}]


def test_a_group_stays_in_one_split_whatever_is_asked(project):
    items = list(a.Item.objects.order_by("pk"))[:10]
    a.Verdict.objects.create(project=project, what="group", items=[item.pk for item in items])
    version = freeze(project, group_by=[])
    assert (
        Example.objects.filter(version=version, item_id__in=[item.pk for item in items])
        .values("split")
        .distinct()
        .count()
        == 1
    )
    assert Example.objects.filter(version=version).values("split").distinct().count() == 3


def test_a_group_that_was_taken_back_binds_nothing(project):
    items = list(a.Item.objects.order_by("pk"))[:30]
    a.Verdict.objects.create(
        project=project, what="group", items=[item.pk for item in items], undone_at="2026-01-01T00:00Z"
    )
    version = freeze(project, group_by=[])
    assert (
        Example.objects.filter(version=version, item_id__in=[item.pk for item in items])
        .values("split")
        .distinct()
        .count()
        == 3
    )
