"""Who is right: beliefs, what adjudicating brings, the error of gold; and a proposal that nobody sees too early."""

import json
import math
import random
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from annotation import adjudicating, believing, caseload, measuring
from annotation import models as a
from annotation.agreement import aggregation
from annotation.agreement.ratings import from_triples
from annotation.tasks import run_agreement
from tests.conftest import make_annotation, make_gold, make_items, make_project, set_schema

pytestmark = pytest.mark.django_db
LABELS = ["negative", "neutral", "positive"]
SECRET = "What the answers make likely"


@pytest.fixture
def world(cast):
    """30 items: alice and dave always agree; bob says something else on every third, where a case is open."""
    project = make_project(cast, overlap=3)
    for place, item in enumerate(make_items(project, 30)):
        truth = LABELS[place % 3]
        for who in ("alice", "dave"):
            make_annotation(item, cast[who], truth)
        other = place % 3 == 0
        make_annotation(item, cast["bob"], "positive" if other else truth)
        if other:
            a.Case.objects.create(project=project, item=item, question="sentiment", disagreement=2 / 3)
        else:
            make_gold(item, truth, method="unanimous")
    return project


def compute(project):
    report = measuring.refresh(version=project.version, question="sentiment")
    assert run_agreement(report.pk)
    return a.AgreementReport.objects.get(pk=report.pk)


def test_the_worker_keeps_a_belief_for_every_item_and_tells_the_open_cases_their_doubt(world):
    report = compute(world)
    assert report.state == "done", report.message
    assert a.Belief.objects.count() == 10
    belief = a.Belief.objects.get(item=a.Case.objects.first().item)
    assert belief.value == "negative"
    assert belief.posterior["negative"] == max(belief.posterior.values())
    assert sum(belief.posterior.values()) == pytest.approx(1.0, abs=1e-5)
    assert {round(case.doubt, 9) for case in a.Case.objects.all()} == {round(belief.error, 9)}
    compute(world)
    assert a.Belief.objects.count() == 10


def test_the_figures_tell_people_gain_and_the_error_of_gold_by_source(world, cast):
    make_gold(world.items.first(), "positive", method="adjudicated")
    right = compute(world).figures["right"]
    people = {row["rater"]: row for row in right["people"]}
    assert people[str(cast["bob"].pk)]["right"] < people[str(cast["alice"].pk)]["right"]
    matrix = people[str(cast["bob"].pk)]["matrix"]
    assert matrix[0][2] > matrix[0][0]  # bob takes the negative for the positive
    assert [k for k, _removed in right["gain"]] == [10, 20, 30]
    removed = [each for _k, each in right["gain"]]
    assert removed == sorted(removed)
    assert removed[-1] == pytest.approx(right["errors"], abs=1e-5)
    gold = {row["method"]: row for row in right["gold"]}
    assert gold["unanimous"]["n"] == 20
    assert gold["adjudicated"]["error"] > 0.5 > gold["unanimous"]["error"]


def test_the_queue_can_be_sorted_by_doubt(world):
    compute(world)
    last = a.Case.objects.last()
    a.Case.objects.filter(pk=last.pk).update(doubt=0.9)
    wanted = caseload.Wanted.read({"order": "doubt"})
    assert caseload.queue(project=world, wanted=wanted).first() == last


def test_the_proposal_is_hidden_until_the_decision(world, cast, client):
    compute(world)
    case = a.Case.objects.first()
    client.force_login(cast["carol"])
    address = reverse("annotation:case", args=[world.slug, case.pk])
    assert 'id="proposal"' not in client.get(address).content.decode()
    page = client.get(reverse("annotation:who_is_right", args=[world.slug, "sentiment"])).context
    assert all(not row["is_told"] for row in page["rows"] if row["case"])
    listed = client.get(reverse("api-beliefs", args=[world.slug]), {"question": "sentiment"}).json()["results"]
    hidden = [row for row in listed if row["case"]]
    assert len(hidden) == 10
    assert all(row["value"] is None and row["posterior"] is None for row in hidden)
    assert all(row["value"] for row in listed if not row["case"])
    adjudicating.decide(case=case, value="negative", user=cast["carol"], reason="oversight")
    assert 'id="proposal"' in client.get(address).content.decode()


def test_on_demand_it_is_shown_and_the_case_keeps_that_it_was(world, cast, client):
    compute(world)
    case = a.Case.objects.first()
    client.force_login(cast["carol"])
    answer = client.post(reverse("annotation:show_proposal", args=[world.slug, case.pk]) + "?order=doubt")
    assert answer.url.endswith("?order=doubt#proposal")
    case.refresh_from_db()
    assert case.proposed_at is not None
    assert 'id="proposal"' in client.get(reverse("annotation:case", args=[world.slug, case.pk])).content.decode()
    other = a.Case.objects.exclude(pk=case.pk).first()
    told = client.post(reverse("api-case-proposal", args=[world.slug, other.pk])).json()
    assert told["value"] == "negative"
    other.refresh_from_db()
    assert other.proposed_at is not None


def test_who_may_still_label_the_item_gets_no_proposal(world, cast, client):
    compute(world)
    case = a.Case.objects.first()
    a.Membership.objects.filter(project=world, user=cast["carol"]).update(labels=True)
    a.Assignment.objects.create(project=world, item=case.item, slot=9)
    client.force_login(cast["carol"])
    assert client.post(reverse("annotation:show_proposal", args=[world.slug, case.pk])).status_code == 403
    case.refresh_from_db()
    assert case.proposed_at is None
    listed = client.get(reverse("api-beliefs", args=[world.slug])).json()["results"]
    assert case.item_id not in [row["item"] for row in listed]


@pytest.mark.parametrize("who", ["alice", "erin"])
def test_nobody_below_the_adjudicator_reads_what_is_believed(world, cast, client, who):
    compute(world)
    client.force_login(cast[who])
    case = a.Case.objects.first()
    for address in (
        reverse("annotation:who_is_right", args=[world.slug, "sentiment"]),
        reverse("annotation:agreement_cuts", args=[world.slug, "sentiment"]),
        reverse("api-beliefs", args=[world.slug]),
    ):
        assert client.get(address).status_code == 403
    assert client.post(reverse("annotation:show_proposal", args=[world.slug, case.pk])).status_code == 403


def test_figures_of_an_older_version_leave_the_beliefs_alone(world, cast):
    compute(world)
    before = list(a.Belief.objects.order_by("item").values_list("item", "error"))
    old, new = (
        world.version,
        a.GuidelineVersion.objects.create(project=world, number=2, text="", schema=world.version.schema),
    )
    a.Project.objects.filter(pk=world.pk).update(version=new)
    make_annotation(world.items.first(), cast["alice"], guideline_version=new)
    run_agreement(measuring.refresh(version=old, question="sentiment").pk)
    assert list(a.Belief.objects.order_by("item").values_list("item", "error")) == before


def test_a_question_without_a_short_list_has_no_beliefs_and_says_so(cast, client):
    project = make_project(cast)
    schema = {"questions": [{"name": "score", "title": "Score", "kind": "score", "required": True, "min": 1, "max": 5, "step": 1, "level": "interval", "low": "", "high": "", "tolerance": 1}]}  # fmt: skip
    version = a.GuidelineVersion.objects.create(project=project, number=2, text="", schema=schema)
    a.Project.objects.filter(pk=project.pk).update(version=version)
    for item in make_items(project, 12):
        for who, value in (("alice", 3), ("bob", 4)):
            make_annotation(item, cast[who], guideline_version=version, answer={"score": value})
    report = measuring.refresh(version=version, question="score")
    assert run_agreement(report.pk)
    report.refresh_from_db()
    assert report.state == "done", report.message
    assert report.figures["right"] is None
    client.force_login(cast["dave"])
    page = client.get(reverse("annotation:who_is_right", args=[project.slug, "score"]))
    assert "This needs answers of a short list" in page.content.decode()


@pytest.mark.parametrize("method", ["dawid-skene", "mace", "majority"])
def test_the_command_aggregates(world, method):
    out = StringIO()
    call_command("agreement", "--project", world.slug, "--aggregate", method, "--draws", "20", "--json", stdout=out)
    right = json.loads(out.getvalue())["right"]
    assert right["method"] == method
    assert right["n_units"] == 30
    assert a.Belief.objects.count() == 0  # looking changes nothing
    out = StringIO()
    call_command("agreement", "--project", world.slug, "--aggregate", method, "--draws", "20", stdout=out)
    assert "errors expected in 30 items" in out.getvalue()


def test_preferences_are_aggregated_too():
    question = {"kind": "preference", "mode": "pair", "tie": True, "strength": []}
    rows = [(f"u{n}", f"r{r}", {"better": "b" if r == 2 and n % 3 == 0 else "a", "shown": ["a", "b"]}) for n in range(12) for r in range(3)]  # fmt: skip
    found = believing.aggregate(rows, question)
    assert found is not None
    assert believing.figures(found, question, gold={})["n_units"] == 12


def test_the_moment_of_the_first_look_is_kept(world):
    compute(world)
    case = a.Case.objects.first()
    believing.reveal(case=case)
    case.refresh_from_db()
    first = case.proposed_at
    believing.reveal(case=case)
    case.refresh_from_db()
    assert case.proposed_at == first <= timezone.now()


SET = {"name": "topics", "title": "T", "kind": "choices", "required": True, "least": 1, "most": 2,
       "labels": [{"name": name, "title": name} for name in ("credit", "market", "fraud")]}  # fmt: skip


def test_of_a_set_each_label_is_told_by_itself_as_dawid_and_skene_would_alone():
    chance, names = random.Random(4), ["credit", "market", "fraud"]
    triples = []
    for unit in range(60):
        truth = {names[unit % 3], *(["fraud"] if unit % 7 == 0 else [])}
        for rater, sure in (("a", 0.95), ("b", 0.9), ("c", 0.6)):
            triples.append(
                (f"{unit:03}", rater, [name for name in names if (name in truth) == (chance.random() < sure)])
            )
    found = believing.aggregate(iter(triples), SET)
    used = found.by_method["dawid-skene"]
    for place, name in enumerate(names):
        alone = from_triples([(u, r, "in" if name in v else "out") for u, r, v in triples], categories=["out", "in"])
        belief = aggregation.dawid_skene(aggregation.votes(alone))
        assert used.likely[:, place] == pytest.approx(belief.posterior[:, 1])
        assert used.matrix[:, place, 0] == pytest.approx(belief.confusion[:, 1, 1])
        assert used.matrix[:, place, 1] == pytest.approx(belief.confusion[:, 0, 1])
    told = believing.figures(found, SET, gold={"unanimous": {"000": ["credit", "fraud"], "001": ["market"], "002": ["gone"]}})  # fmt: skip
    assert (told["is_set"], told["n_units"], told["n_answers"]) == (True, 60, 180)
    rows = [used.likely[0], used.likely[1]]
    expected = [rows[0][0] * (1 - rows[0][1]) * rows[0][2], (1 - rows[1][0]) * rows[1][1] * (1 - rows[1][2])]
    [gold] = told["gold"]
    assert (gold["n"], gold["error"]) == (2, pytest.approx(1 - sum(expected) / 2, abs=1e-6))
    right = {row["rater"]: row["right"] for row in told["people"]}
    assert right["a"] > right["c"]
    # The expected errors: a set is right where every label is.
    wrong = [1 - math.prod(max(p, 1 - p) for p in row) for row in used.likely.tolist()]
    assert told["errors"] == pytest.approx(sum(wrong), abs=1e-5)


def test_a_set_is_believed_and_proposed_where_people_differ(cast, client):
    project = make_project(cast, overlap=3)
    set_schema(project, {"questions": [SET]})
    same, apart, full = make_items(project, 3)
    for item, values in ((same, [["credit"]] * 3), (apart, [["credit"], ["credit"], ["market"]]), (full, [["credit", "market", "fraud"]] * 3)):  # fmt: skip
        for who, value in zip(("alice", "bob", "dave"), values, strict=True):
            make_annotation(item, cast[who], answer={"topics": value})
    run_agreement(measuring.refresh(version=project.version, question="topics").pk)
    [belief] = a.Belief.objects.filter(item=apart)
    assert belief.value == ["credit"]
    assert next(iter(belief.chances)) == "credit"
    # More labels than the question takes are no answer.
    assert all(row.value is None for row in a.Belief.objects.filter(item=full))
    client.force_login(cast["carol"])
    page = client.get(reverse("annotation:who_is_right", args=[project.slug, "topics"])).content.decode()
    assert "Every label is taken by itself" in page
    assert "where it is not" in page
