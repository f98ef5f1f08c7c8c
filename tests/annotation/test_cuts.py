"""Agreement cut by what is known of items, answers and people; every row of a cut opens its items."""

import json
import random
from collections import defaultdict
from datetime import UTC, datetime
from io import StringIO
from itertools import combinations

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from annotation import cuts, measuring
from annotation import models as a
from annotation.agreement.kinds import AGREEMENTS
from tests.conftest import make_annotation, make_items, make_project

pytestmark = pytest.mark.django_db
LABELS = ["negative", "neutral", "positive"]


@pytest.fixture
def world(cast):
    """24 news items on which alice and bob agree, 12 posts on which they never do; carol answers some."""
    project = make_project(cast)
    news = make_items(project, 24, source_type="news", language="en", published_at="2026-03-04")
    posts = make_items(project, [f"post {n}" for n in range(12)], source_type="social", language="zh", published_at="2026-04-01")  # fmt: skip
    march, april = datetime(2026, 3, 9, 12, tzinfo=UTC), datetime(2026, 4, 9, 12, tzinfo=UTC)
    for place, item in enumerate(news):
        for who in ("alice", "bob"):
            make_annotation(item, cast[who], LABELS[place % 3], updated_at=march)
    for place, item in enumerate(posts):
        make_annotation(item, cast["alice"], LABELS[place % 3], updated_at=march)
        make_annotation(item, cast["bob"], LABELS[(place + 1) % 3], updated_at=april)
    return project


def told(project, by):
    table = measuring.cut(by, version=project.version, question="sentiment", draws=50)
    return {row["name"]: row for row in table["rows"]}


@pytest.mark.parametrize(
    ("by", "good", "bad"),
    [("source_type", "news", "social"), ("language", "en", "zh"), ("published", "2026-03", "2026-04"), ("answered", "2026-03", "2026-04")],
)  # fmt: skip
def test_a_cut_tells_each_part_apart(world, by, good, bad):
    found = told(world, by)
    assert list(found) == [good, bad]
    assert (found[good]["n"], found[bad]["n"]) == (24, 12)
    assert found[good]["figures"]["krippendorff_alpha"]["value"] == 1.0
    assert found[bad]["figures"]["krippendorff_alpha"]["value"] < 0
    assert found[bad]["figures"]["percent"]["value"] == 0.0


@pytest.mark.parametrize("passages", [False, True])
def test_answers_coded_once_give_each_part_what_its_own_answers_would(cast, passages):
    chance = random.Random(3)
    project = make_project(cast)
    items = []
    for n in range(40):
        document = a.Document.objects.create(
            project=project,
            external_id=f"d{n}",
            text="x" * 50,
            text_key=f"k{n}",
            source_type=chance.choice(["news", "social", ""]),
            language=chance.choice(["en", "zh"]),
            published_at=chance.choice(["2026-01-31", "2026-02-01", ""]),
        )
        places = [(0, 9), (9, 20)] if passages and n % 2 else [(None, None)]
        items += [a.Item.objects.create(project=project, document=document, start=s, end=e) for s, e in places]
    for item in items:
        for who in chance.sample(["alice", "bob", "carol", "dave"], chance.randint(1, 4)):
            at = datetime(2026, chance.choice([1, 2]), chance.choice([1, 28]), chance.randrange(24), tzinfo=UTC)
            make_annotation(item, cast[who], chance.choice(LABELS), updated_at=at)
    rows = list(measuring.answers(project=project, question="sentiment", version=project.version))
    of_item = defaultdict(list)
    for one in rows:
        of_item[one.item].append(one)
    known = {str(item.pk): item.document for item in items}
    groups = {item: str(document.pk) for item, document in known.items()} if passages else None
    slow = {by: defaultdict(list) for by in ("source_type", "language", "published", "answered", "pair")}
    for item, given in of_item.items():
        document = known[item]
        last = timezone.localtime(max(one.at for one in given)).strftime("%Y-%m")
        for by, value in (("source_type", document.source_type), ("language", document.language), ("published", document.published_at[:7]), ("answered", last)):  # fmt: skip
            slow[by][value] += given
        for pair in combinations(sorted(given, key=lambda one: int(one.annotator)), 2):
            slow["pair"]["~".join(one.annotator for one in pair)] += pair
    entry = project.version.schema["questions"][0]
    for by, parts in slow.items():
        table = measuring.cut(by, version=project.version, question="sentiment", draws=50)
        assert {row["value"]: row["figures"] for row in table["rows"]} == {
            value: AGREEMENTS["choice"].brief(
                [one.triple for one in part], question=entry, groups=groups, draws=50, seed=measuring.SEED
            )
            for value, part in parts.items()
        }


def test_two_people_are_compared_on_what_both_answered(world, cast):
    for item in world.items.all()[:11]:
        make_annotation(item, cast["carol"], "neutral")
    found = told(world, "pair")
    assert found["alice · bob"]["n"] == 36
    assert {name: row["n"] for name, row in found.items() if "carol" in name} == {
        "alice · carol": 11,
        "bob · carol": 11,
    }


def test_labels_and_versions_are_cuts_too(world, cast):
    assert told(world, "label")["neutral"]["figures"]["alpha"]["n"] == 8 + 8
    first = world.version
    second = a.GuidelineVersion.objects.create(project=world, number=2, text="", schema=first.schema)
    differing = [item for item in world.items.all() if item.annotations.count() > 1][:5]
    # Asked again by the second version; two of them are answered.
    a.Annotation.objects.filter(item__in=differing).update(superseded_at=timezone.now())
    for item in differing[:2]:
        make_annotation(item, cast["alice"], guideline_version=second)
        make_annotation(item, cast["bob"], guideline_version=second)
    assert {name: row["n"] for name, row in told(world, "guideline_version").items()} == {"v2": 36 - 3, "v1": 36}


def test_answers_of_a_batch_are_a_part_and_so_are_those_of_a_round(world, cast):
    one, other = (a.Batch.objects.create(project=world, name=f"Batch {n}") for n in (1, 2))
    calibration = a.Round.objects.create(batch=other, number=1, guideline_version=world.version)
    items = list(world.items.order_by("pk"))
    a.Assignment.objects.filter(item__in=items[:10]).update(batch=one)
    # Of these five only alice's answers came in the batch, so no two people can be compared there.
    a.Assignment.objects.filter(item__in=items[5:10], annotator=cast["bob"]).update(batch=None)
    a.Assignment.objects.filter(item__in=items[10:17]).update(batch=other)
    assert {name: row["n"] for name, row in told(world, "batch").items()} == {"Batch 2": 7, "Batch 1": 5}
    [(name, row)] = told(world, "round").items()
    assert (name, row["n"], row["value"]) == ("1 · v1", 7, str(calibration.batch_id))
    assert row["figures"]["krippendorff_alpha"]["value"] == 1.0
    question = world.version.schema["questions"][0]
    for by, batch, expected in (("batch", one, items[:5]), ("batch", other, items[10:17]), ("round", other, items[10:17])):  # fmt: skip
        assert set(cuts.items_of(version=world.version, question=question, by=by, value=str(batch.pk))) == set(expected)


def test_control_and_training_items_are_in_no_cut(world):
    world.items.filter(document__source_type="social").update(role="control")
    assert list(told(world, "source_type")) == ["news"]
    assert measuring.measure(project=world, question="sentiment", draws=20)["n_units_2plus"] == 24


def test_the_items_of_a_part_are_those_that_its_figure_counts(world, cast):
    entry = world.version.schema["questions"][0]
    # An answer with a model's proposal in sight is in no figure and makes no item one of two answers.
    swayed = a.Annotation.objects.filter(annotator=cast["bob"]).order_by("pk")[:4]
    a.Annotation.objects.filter(pk__in=[row.pk for row in swayed]).update(suggested={"sentiment": {"moment": "before"}})
    a.Annotation.objects.filter(annotator=cast["bob"]).order_by("-pk")[0].delete()
    batch = a.Batch.objects.create(project=world, name="b")
    a.Assignment.objects.filter(item__in=list(world.items.all()[2:20])).update(batch=batch)
    a.Round.objects.create(batch=batch, number=1, guideline_version=world.version)
    for by in ("source_type", "language", "published", "answered", "pair", "guideline_version", "batch", "round"):
        table = measuring.cut(by, version=world.version, question="sentiment", draws=20)
        for row in table["rows"]:
            found = cuts.items_of(version=world.version, question=entry, by=by, value=row["value"])
            assert found.count() == row["n"], (by, row["value"])
    neutral = cuts.items_of(version=world.version, question=entry, by="label", value="neutral")
    assert neutral.count() == told(world, "label")["neutral"]["n"]


def test_units_of_one_document_are_drawn_together_in_a_cut(cast):
    project = make_project(cast)
    document = a.Document.objects.create(
        project=project, external_id="d", text="x" * 300, text_key="k", source_type="news"
    )
    for place in range(12):
        item = a.Item.objects.create(project=project, document=document, start=place * 10, end=place * 10 + 10)
        make_annotation(item, cast["alice"], LABELS[place % 3])
        make_annotation(item, cast["bob"], LABELS[(place * 2) % 3])
    percent = told(project, "source_type")["news"]["figures"]["percent"]
    assert percent["reason"] == "few_groups"


def test_an_unknown_cut_is_refused_with_the_list(world):
    with pytest.raises(ValueError, match="source_type"):
        measuring.cut("colour", version=world.version, question="sentiment")


def test_the_pages_show_the_cuts_and_open_their_items(world, cast, client):
    report = measuring.refresh(version=world.version, question="sentiment")
    from annotation.tasks import run_agreement

    assert run_agreement(report.pk)
    client.force_login(cast["carol"])
    page = client.get(reverse("annotation:agreement_cuts", args=[world.slug, "sentiment"])).content.decode()
    assert "2026-04" in page
    assert "alice · bob" in page
    items = client.get(reverse("annotation:agreement_cut", args=[world.slug, "sentiment"]), {"by": "source_type", "value": "social"})  # fmt: skip
    assert items.status_code == 200
    assert len(items.context["rows"]) == 12
    assert client.get(reverse("annotation:agreement_cut", args=[world.slug, "sentiment"]), {"by": "colour"}).status_code == 404  # fmt: skip
    for value in ("", "x", "2026-xx", "1~", "9" * 40):
        for by in cuts.BY:
            answer = client.get(reverse("annotation:agreement_cut", args=[world.slug, "sentiment"]), {"by": by, "value": value})  # fmt: skip
            assert answer.status_code in (200, 404)


def test_what_an_adjudicator_may_still_label_is_in_no_list(world, cast, client):
    a.Membership.objects.filter(project=world, user=cast["carol"]).update(labels=True)
    item = world.items.first()
    a.Assignment.objects.create(project=world, item=item, slot=9)
    client.force_login(cast["carol"])
    answer = client.get(reverse("annotation:agreement_cut", args=[world.slug, "sentiment"]), {"by": "source_type", "value": "news"})  # fmt: skip
    assert item.pk not in [row[0].pk for row in answer.context["rows"]]
    api = client.get(reverse("api-cut-items", args=[world.slug]), {"question": "sentiment", "by": "source_type", "value": "news"})  # fmt: skip
    assert item.pk not in [row["item"] for row in api.json()["results"]]
    assert len(api.json()["results"]) == 23


def test_the_command_cuts(world):
    out = StringIO()
    call_command("agreement", "--project", world.slug, "--by", "source_type", "--draws", "20", "--json", stdout=out)
    [table] = json.loads(out.getvalue())["cuts"]
    assert [row["value"] for row in table["rows"]] == ["news", "social"]
    out = StringIO()
    call_command("agreement", "--project", world.slug, "--by", "language", "--draws", "20", stdout=out)
    assert "by language" in out.getvalue()
