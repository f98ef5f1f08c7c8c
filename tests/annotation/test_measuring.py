"""Agreement from the rows: which answers count, figures kept by the worker, and asked for anew where answers came."""

import pytest

from annotation import assigning, jobs, measuring, publishing
from annotation import models as a
from annotation.measuring import Standing
from tests.annotation.worlds import answer, correct, label, lease, member
from tests.conftest import make_annotation, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def triples(project, **options):
    return sorted(measuring.triples(project=project, question="sentiment", **options))


def test_only_submitted_current_independent_answers_count(project, cast):
    items = make_items(project, 3)
    label(project, items[0], alice="positive", bob="negative")
    answer(project, cast["alice"], lease(items[1], cast["alice"]), None)
    make_annotation(items[1], cast["bob"], "neutral", independent=False)
    make_annotation(items[2], cast["alice"], status="draft")
    other = make_project(cast, slug="other")
    [stranger] = make_items(other, 1)
    label(other, stranger, alice="positive")
    first = str(items[0].pk)
    assert triples(project) == sorted(
        [(first, str(cast["alice"].pk), "positive"), (first, str(cast["bob"].pk), "negative")]
    )


def test_labels_can_be_left_out(project):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="negative")
    assert [value for _item, _who, value in triples(project, without=frozenset({"negative"}))] == ["positive"]


def test_a_corrected_answer_counts_once(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    publishing.save_draft(project=project, text="new", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note="new")
    correct(project, cast["alice"], item, "negative")
    assert [value for _item, _who, value in triples(project)].count("negative") == 1
    assert len(triples(project)) == 2


def test_the_figures_are_those_of_the_answers(project):
    for place, item in enumerate(make_items(project, 20)):
        label(project, item, alice=["positive", "negative"][place % 2], bob="positive" if place % 4 else "negative")
    figures = measuring.measure(project=project, question="sentiment", draws=200)
    # Items 0, 4, … : positive/negative; odd ones: negative/positive; 2, 6, …: both positive.
    assert (figures["n_units_2plus"], figures["n_units_differing"]) == (20, 15)
    assert figures["percent"]["value"] == pytest.approx(0.25)
    assert set(figures["raters"].values()) == {"alice", "bob"}
    assert figures == measuring.measure(project=project, question="sentiment", draws=200)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"question": "mood"}, "no question “mood”"),
        ({"without": frozenset({"doubt"})}, "“doubt” is no label of “sentiment”"),
    ],
)
def test_a_question_or_label_that_is_not_there_is_named(project, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        measuring.measure(**{"project": project, "question": "sentiment", **options})


def test_without_a_guideline_or_answers(project):
    assert measuring.measure(project=project, question="sentiment", draws=10)["n_units"] == 0
    project.version = None
    with pytest.raises(ValueError, match="no published guideline"):
        measuring.measure(project=project, question="sentiment")


def test_passages_of_one_document_are_resampled_together(project):
    items = make_items(project, 2)
    assert measuring._groups(project) is None
    passage = a.Item.objects.create(project=project, document=items[0].document, start=0, end=6)
    groups = measuring._groups(project)
    assert groups[str(passage.pk)] == groups[str(items[0].pk)] != groups[str(items[1].pk)]


# Kept by the worker


def work(row):
    assert jobs.run(a.AgreementReport, row.pk, measuring.work)
    row.refresh_from_db()
    return row


def test_figures_are_asked_for_once_and_then_fresh_until_an_answer_comes(project, cast):
    items = make_items(project, 2)
    label(project, items[0], alice="positive", bob="negative")
    assert measuring.is_stale(None, project.version)
    row = measuring.refresh(version=project.version, question="sentiment")
    assert measuring.refresh(version=project.version, question="sentiment") == row
    assert measuring.standing(version=project.version, question="sentiment") == Standing(None, row)
    row = work(row)
    assert measuring.standing(version=project.version, question="sentiment") == Standing(row)
    assert not measuring.is_stale(row, project.version)
    make_annotation(items[1], cast["alice"], status="draft")
    assert not measuring.is_stale(row, project.version)
    label(project, items[1], bob="neutral")
    assert measuring.is_stale(row, project.version)


def republish(project, *, text="new", **options):
    draft = options.pop("schema", project.version.schema)
    publishing.save_draft(project=project, text=text, schema=draft, user=None)
    publishing.publish(project=project, user=None, change_note="new", **options)
    project.refresh_from_db()
    return project.version


def test_what_stands_counts_under_the_next_version_too_and_the_figure_before_stays(project, cast):
    items = make_items(project, 4)
    for item in items[:2]:
        label(project, item, alice="positive", bob="negative")
    first = project.version
    second = republish(project)
    assert measuring.chosen(project) == second
    for item in items[2:]:
        label(project, item, alice="neutral", bob="neutral")
    assert measuring.versions(project) == [second, first]
    now = measuring.measure(project=project, question="sentiment", draws=10)
    before = measuring.measure(project=project, question="sentiment", version=measuring.chosen(project, 1), draws=10)
    assert (now["guideline_version"], now["n_units_2plus"], now["percent"]["value"]) == (2, 4, 0.5)
    assert now["given_under"] == {"1": 4, "2": 4}
    assert (before["guideline_version"], before["n_units_2plus"], before["percent"]["value"]) == (1, 2, 0.0)
    assert before["given_under"] == {"1": 4}
    with pytest.raises(ValueError, match="There are answers under: 2, 1"):
        measuring.chosen(project, 7)


def test_what_is_asked_again_counts_under_no_new_version_before_it_is_answered(project, cast):
    items = make_items(project, 4)
    for item, said in zip(items, ["positive", "positive", "negative", "neutral"], strict=True):
        label(project, item, alice=said, bob="neutral")
    first = project.version
    before = measuring.measure(project=project, question="sentiment", draws=10)
    second = republish(project, plan={"sentiment": {"ask": {"labels": ["positive"]}}})
    now = measuring.measure(project=project, question="sentiment", version=second, draws=10)
    assert (now["n_units_2plus"], now["percent"]["value"], now["given_under"]) == (2, 0.5, {"1": 4})
    assert measuring.measure(project=project, question="sentiment", version=first, draws=10) == before
    stale = measuring.newest(first)
    answer(project, cast["alice"], assigning.claim(member(project, cast["alice"])), "negative")
    assert measuring.measure(project=project, question="sentiment", version=second, draws=10)["given_under"] == {"1": 4, "2": 1}  # fmt: skip
    # What happens later changes no figure of an earlier version, and makes none of them stale.
    assert measuring.measure(project=project, question="sentiment", version=first, draws=10) == before
    assert measuring.newest(first) == stale


def test_a_version_that_asks_all_again_has_no_answers_yet(project, cast):
    for item in make_items(project, 2):
        label(project, item, alice="positive", bob="negative")
    first = project.version
    republish(project, earlier="ask")
    assert (measuring.chosen(project), measuring.versions(project)) == (first, [first])


def test_a_question_that_went_and_came_back_starts_anew(project, cast):
    old = project.version.schema
    tone = {"name": "tone", "labels": ["calm", "loud"], "required": False}
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="negative")
    republish(project, schema={"questions": [tone]}, earlier="plan")
    optional = {**old["questions"][0], "required": False}
    third = republish(project, schema={"questions": [tone, optional]}, earlier="plan")
    assert list(measuring.triples(project=project, question="sentiment", version=third)) == []
    assert len(list(measuring.triples(project=project, question="sentiment", version=project.versions.get(number=1)))) == 2  # fmt: skip


def test_figures_that_failed_are_not_asked_for_again_until_an_answer_comes(project, cast):
    items = make_items(project, 2)
    label(project, items[0], alice="positive", bob="negative")
    row = measuring.refresh(version=project.version, question="sentiment")
    a.AgreementReport.objects.filter(pk=row.pk).update(state="failed", message="no memory")
    assert measuring.standing(version=project.version, question="sentiment").failed == row
    assert a.AgreementReport.objects.count() == 1
    label(project, items[1], alice="positive", bob="negative")
    now = measuring.standing(version=project.version, question="sentiment")
    assert now.at_work is not None
    assert now.failed is None


def test_older_figures_are_dropped_when_newer_ones_are_made(project):
    work(measuring.refresh(version=project.version, question="sentiment"))
    row = work(measuring.refresh(version=project.version, question="sentiment"))
    assert a.AgreementReport.objects.get() == row


def test_figures_of_an_unknown_question_cannot_be_asked_for(project):
    with pytest.raises(ValueError, match="no question “mood”"):
        measuring.refresh(version=project.version, question="mood")
    assert not a.AgreementReport.objects.exists()


def test_an_answer_with_a_proposal_in_sight_says_nothing_of_agreement(project, cast):
    [item] = make_items(project, 1)
    seen = {"sentiment": {"suggestion": 1, "source": "m", "moment": "before", "outcome": "accepted"}}
    after = {"sentiment": {**seen["sentiment"], "moment": "after"}}
    before = len(triples(project))
    make_annotation(item, cast["alice"], "negative", suggested=seen)
    make_annotation(item, cast["bob"], "positive", suggested=after)
    told = triples(project)
    assert len(told) == before + 1
    assert (str(item.pk), str(cast["bob"].pk), "positive") in told
