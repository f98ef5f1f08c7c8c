"""Earlier answers under a new guideline version: kept, mapped or asked again, question by question; nothing is lost."""

import os
import signal
import uuid
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from annotation import (
    adjudicating,
    assigning,
    carrying,
    controlling,
    copying,
    guiding,
    jobs,
    measuring,
    plans,
    publishing,
    settling,
)
from annotation import models as a
from annotation import schema as schemas
from tests.annotation.worlds import answer, label, lease, member, take
from tests.conftest import make_annotation, make_gold, make_items, make_project, make_user

pytestmark = pytest.mark.django_db

TONE = {"name": "tone", "labels": ["calm", "loud", "shrill"]}


@pytest.fixture
def project(cast):
    return make_project(cast)


def draft(project, *questions):
    publishing.save_draft(project=project, text="# Rules", schema={"questions": list(questions)}, user=None)


def begin(project, *questions):
    """The first version that the answers of a test are given under."""
    draft(project, *questions)
    project.version = publishing.publish(project=project, user=None, change_note="Begin.")


def publish(project, plan, **options):
    version = publishing.publish(project=project, user=None, change_note="Changed.", plan=plan, **options)
    project.refresh_from_db()
    return version


def sentiment(*labels):
    return {"name": "sentiment", "labels": list(labels)}


def current(item):
    return {row.annotator.username: row for row in a.Annotation.objects.current().filter(item=item)}


# Keep and map


def test_a_renamed_label_is_a_new_row_and_the_old_one_is_history(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    old = current(item)["alice"]
    draft(project, sentiment("negative", "neutral", "good"))
    version = publish(project, {"sentiment": {"labels": {"positive": "good"}}})
    new = current(item)["alice"]
    old.refresh_from_db()
    assert (new.answer, new.guideline_version, new.mapped, new.earlier_id) == ({"sentiment": "good"}, version, True, old.pk)  # fmt: skip
    assert (old.answer, old.superseded_at is not None) == ({"sentiment": "positive"}, True)
    assert (new.updated_at, new.created_at, new.independent) == (old.updated_at, old.created_at, old.independent)
    assert [(row.mapped, row.answer) for row in new.revisions.all()] == [(True, {"sentiment": "good"})]
    gold = a.Gold.objects.current().get()
    assert (gold.value, gold.guideline_version, gold.method) == ("good", version, "unanimous")
    assert a.Gold.objects.get(pk=gold.earlier_id).value == "positive"
    assert set(item.assignments.values_list("state", flat=True)) == {"done"}


def test_what_the_plan_does_not_name_stays_untouched(project, cast):
    begin(project, sentiment("negative", "neutral", "positive"), {**TONE, "required": False})
    one, other = make_items(project, 2)
    for item, tone in ((one, "loud"), (other, "calm")):
        for name in ("alice", "bob"):
            answer(project, cast[name], lease(item, cast[name]), answer={"sentiment": "positive", "tone": tone})
    before = {name: row.pk for name, row in current(other).items()}
    draft(project, sentiment("negative", "neutral", "positive"), {"name": "tone", "labels": ["calm", "noisy"], "required": False})  # fmt: skip
    version = publish(project, {"tone": {"labels": {"loud": "noisy", "shrill": "noisy"}}})
    assert {name: row.pk for name, row in current(other).items()} == before
    assert current(one)["bob"].answer == {"sentiment": "positive", "tone": "noisy"}
    golds = a.Gold.objects.current().filter(guideline_version=version)
    assert [(row.item, row.question, row.value) for row in golds] == [(one, "tone", "noisy")]


def test_a_renamed_question_takes_its_answers_gold_and_cases_along(project, cast):
    one, two = make_items(project, 2)
    label(project, one, alice="positive", bob="positive")
    label(project, two, alice="positive", bob="negative")
    draft(project, {"name": "mood", "labels": ["negative", "neutral", "positive"]})
    publish(project, {"sentiment": {"to": "mood"}})
    assert current(one)["alice"].answer == {"mood": "positive"}
    assert a.Gold.objects.current().get(question="mood").value == "positive"
    case = a.Case.objects.open().get()
    assert (case.item, case.question) == (two, "mood")
    adjudicating.decide(case=case, value="neutral", user=cast["carol"], reason="oversight")
    assert a.Gold.objects.current().filter(question="mood").count() == 2


def test_merged_labels_settle_what_people_differed_in(project):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="neutral")
    assert a.Case.objects.open().exists()
    draft(project, sentiment("negative", "other"))
    publish(project, {"sentiment": {"labels": {"positive": "other", "neutral": "other"}}})
    assert not a.Case.objects.open().exists()
    assert a.Gold.objects.current().get().value == "other"


KINDS = [
    (
        {"name": "q", "kind": "choices", "labels": ["a", "b", "c"]},
        ["a", "b"],
        {"labels": {"b": "c"}},
        ["a", "c"],
        ["a", "c"],
    ),
    (
        {"name": "q", "kind": "choices", "labels": ["a", "b", "c"], "least": 0},
        ["b"],
        {"labels": {"b": None}},
        ["a", "c"],
        [],
    ),
    (
        {"name": "q", "kind": "spans", "labels": ["ORG", "BANK", "PER"], "relations": ["pays"]},
        [
            {"start": 0, "end": 6, "label": "ORG", "text": "Profit"},
            {"start": 0, "end": 6, "label": "BANK", "text": "Profit", "relations": [{"type": "pays", "to": 2}]},
            {"start": 10, "end": 17, "label": "PER", "text": "company"},
        ],
        {"labels": {"BANK": "ORG"}},
        ["ORG", "PER"],
        [
            {"start": 0, "end": 6, "label": "ORG", "text": "Profit", "relations": [{"type": "pays", "to": 1}]},
            {"start": 10, "end": 17, "label": "PER", "text": "company"},
        ],
    ),
    (
        {"name": "q", "kind": "events", "labels": ["rise", "fall"], "roles": ["who"]},
        [{"type": "rise", "trigger": {"start": 20, "end": 24, "text": "rose"}, "arguments": []}],
        {"labels": {"rise": "move"}},
        ["fall", "move"],
        [{"type": "move", "trigger": {"start": 20, "end": 24, "text": "rose"}, "arguments": []}],
    ),
]


@pytest.mark.parametrize(("question", "value", "told", "labels", "mapped"), KINDS, ids=[row[0]["kind"] + str(n) for n, row in enumerate(KINDS)])  # fmt: skip
def test_labels_inside_answers_are_mapped(project, cast, question, value, told, labels, mapped):
    begin(project, question)
    [item] = make_items(project, ["Profit of company 1 rose by 1 %."], slots=1)
    value = schemas.clean({"q": value}, project.version.schema)["q"]
    make_annotation(item, cast["alice"], answer={"q": value})
    make_gold(item, value, question="q")
    draft(project, {**question, "labels": labels})
    publish(project, {"q": told})
    [row] = current(item).values()
    new = a.Gold.objects.current().get().value
    if question["kind"] == "events":
        row.answer["q"][0].pop("status", None), new[0].pop("status", None)
    assert (row.answer, new) == ({"q": mapped}, mapped)


def test_a_label_that_is_gone_and_not_mapped_is_refused_with_its_count(project):
    [item] = make_items(project, 1)
    label(project, item, alice="neutral", bob="neutral")
    draft(project, sentiment("negative", "positive"))
    with pytest.raises(ValueError, match=r"“sentiment”: 3 answers or gold cannot stand .*“neutral” is no label"):
        publish(project, {"sentiment": {"labels": {"positive": "negative"}}})
    assert (a.GuidelineVersion.objects.count(), a.Publication.objects.count()) == (1, 0)


def test_answers_that_a_mapping_no_longer_opens_a_question_for_lose_it(project, cast):
    asked = {**TONE, "when": {"question": "sentiment", "labels": ["positive"]}}
    begin(project, sentiment("negative", "neutral", "positive"), asked)
    [item] = make_items(project, 1)
    answer(project, cast["alice"], lease(item, cast["alice"]), answer={"sentiment": "positive", "tone": "loud"})
    draft(project, sentiment("negative", "neutral", "positive"), asked)
    publishing.save_draft(project=project, text="x", schema=a.Guideline.objects.get(project=project).schema, user=None)
    publish(project, {"sentiment": {"labels": {"positive": "neutral"}}})
    assert current(item)["alice"].answer == {"sentiment": "neutral"}


def agreement(project, version, question="sentiment"):
    return measuring.measure(project=project, question=question, version=version, draws=10)


def test_agreement_after_a_rename_is_that_of_all_answers_and_the_one_before_stays(project):
    for item, (one, other) in zip(make_items(project, 4), ["pp", "pn", "nn", "nu"], strict=True):
        words = {"p": "positive", "n": "negative", "u": "neutral"}
        label(project, item, alice=words[one], bob=words[other])
    first = project.version
    before = agreement(project, first)
    draft(project, sentiment("negative", "neutral", "good"))
    second = publish(project, {"sentiment": {"labels": {"positive": "good"}}})
    now = agreement(project, second)
    figures = ("n_units_2plus", "percent", "krippendorff_alpha", "gwet_ac1")
    assert [now[name] for name in figures] == [before[name] for name in figures]
    assert (now["given_under"], now["prevalence"]["good"]) == ({"1": 8}, before["prevalence"]["positive"])
    assert agreement(project, first) == before
    [item] = make_items(project, 1)
    label(project, item, alice="good", bob="neutral")
    assert agreement(project, second)["given_under"] == {"1": 8, "2": 2}
    assert agreement(project, first) == before


def test_agreement_after_a_merge_is_that_of_all_answers(project):
    for item, (one, other) in zip(make_items(project, 3), ["pu", "nn", "np"], strict=True):
        words = {"p": "positive", "n": "negative", "u": "neutral"}
        label(project, item, alice=words[one], bob=words[other])
    before = agreement(project, project.version)
    draft(project, sentiment("negative", "other"))
    second = publish(project, {"sentiment": {"labels": {"positive": "other", "neutral": "other"}}})
    now = agreement(project, second)
    assert (before["percent"]["value"], now["percent"]["value"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert (now["n_units_2plus"], now["given_under"]) == (3, {"1": 6})
    assert agreement(project, project.versions.get(number=1)) == before


def test_agreement_of_an_unchanged_question_is_the_same_beside_a_renamed_one(project, cast):
    begin(project, sentiment("negative", "neutral", "positive"), {**TONE, "required": False})
    for place, item in enumerate(make_items(project, 3)):
        for name in ("alice", "bob"):
            said = {"sentiment": ["positive", "negative"][place % 2 or name == "bob"], "tone": ["loud", "calm", "calm"][place]}  # fmt: skip
            answer(project, cast[name], lease(item, cast[name]), answer=said)
    before = agreement(project, project.version), agreement(project, project.version, "tone")
    first = project.version
    draft(project, sentiment("negative", "neutral", "positive"), {"name": "tone", "labels": ["calm", "noisy", "shrill"], "required": False})  # fmt: skip
    second = publish(project, {"tone": {"labels": {"loud": "noisy"}}})
    now = agreement(project, second)
    assert {**now, "guideline_version": first.number} == before[0]
    assert agreement(project, second, "tone")["percent"] == before[1]["percent"]
    assert (agreement(project, first), agreement(project, first, "tone")) == before


def test_a_copied_row_differs_in_what_was_said_and_in_nothing_else(project, cast):
    one, two, left = make_items(project, 3)
    for item in (one, two, left):
        make_annotation(item, cast["alice"], flagged=True, comment="‘quoted’ %s — 好", seconds=2.5, suggested={"sentiment": {"moment": "after"}})  # fmt: skip
    a.Annotation.objects.filter(item=two).update(status="skipped", answer={}, confidence=1, skip_reason="unclear")
    [version] = a.GuidelineVersion.objects.bulk_create([a.GuidelineVersion(project=project, number=2, schema={})])
    rows = [(row.pk, {"mood": ["é", None, 1.5]}) for row in a.Annotation.objects.filter(item__in=[one, two])]
    copying.copy(a.Annotation, rows, differs=("answer",), same_for_all={"guideline_version": version.pk, "mapped": True})  # fmt: skip
    assert a.Annotation.objects.count() == 3 + 2
    for old in a.Annotation.objects.filter(item__in=[one, two], mapped=False):
        new = a.Annotation.objects.get(earlier=old.pk)
        changed = {
            "guideline_version": version.pk,
            "mapped": True,
            "answer": {"mood": ["é", None, 1.5]},
            "earlier": old.pk,
        }
        for field in a.Annotation._meta.concrete_fields[1:]:
            assert getattr(new, field.attname) == changed.get(field.name, getattr(old, field.attname)), field.name


# Ask again


def test_items_with_a_label_go_back_to_the_same_people_with_what_they_keep(project, cast):
    begin(project, sentiment("negative", "neutral", "positive"), TONE)
    one, other = make_items(project, 2)
    for item, said in ((one, "neutral"), (other, "positive")):
        for name in ("alice", "bob"):
            answer(project, cast[name], lease(item, cast[name]), answer={"sentiment": said, "tone": "calm"})
    draft(project, sentiment("negative", "neutral", "positive", "mixed"), TONE)
    version = publish(project, {"sentiment": {"ask": {"labels": ["neutral"]}}})
    assert set(one.assignments.values_list("state", "annotator__username")) == {("assigned", "alice"), ("assigned", "bob")}  # fmt: skip
    assert set(other.assignments.values_list("state", flat=True)) == {"done"}
    rows = current(one)
    assert {(row.status, row.answer["tone"], "sentiment" in row.answer) for row in rows.values()} == {("draft", "calm", False)}  # fmt: skip
    assert {(row.item_id, row.question) for row in a.Gold.objects.current()} == {
        (one.pk, "tone"), (other.pk, "tone"), (other.pk, "sentiment"),
    }  # fmt: skip
    batch = a.Batch.objects.get()
    assert (batch.purpose, batch.title) == ("again", "Guideline version 3 asks again")
    [slot] = take(project, cast["alice"])
    assert slot.item == one
    given = answer(project, cast["alice"], slot, answer={"sentiment": "mixed", "tone": "calm"})
    assert (given.guideline_version, given.independent) == (version, True)
    given.refresh_from_db()
    assert a.Annotation.objects.get(pk=given.earlier_id).answer["sentiment"] == "neutral"
    [slot] = take(project, cast["bob"])
    answer(project, cast["bob"], slot, answer={"sentiment": "mixed", "tone": "calm"})
    assert a.Gold.objects.current().get(item=one, question="sentiment").value == "mixed"


def test_who_is_gone_leaves_their_answer_to_anybody(project, cast, client_of):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    a.Membership.objects.filter(project=project, user=cast["bob"]).delete()
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    publish(project, {"sentiment": {"ask": {}}})
    assert set(item.assignments.values_list("state", "annotator__username")) == {("assigned", "alice"), ("open", None)}
    figures = a.Publication.objects.latest("pk").figures
    assert (figures["items"], figures["answers"], figures["people"], figures["to_pool"]) == (1, 2, 1, 1)
    zoe = make_user("zoe")
    a.Membership.objects.create(project=project, user=zoe, role="annotator")
    [slot] = take(project, zoe)
    assert slot.item == item
    address = f"/p/sentiment/guideline/published/{a.Publication.objects.latest('pk').pk}/"
    assert "people are gone: 0 of 1 are in" in client_of("dave").get(address).content.decode()
    answer(project, zoe, slot, "mixed")
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot, "mixed")
    page = client_of("dave").get(address).content.decode()
    assert "people are gone: 1 of 1 are in" in page
    assert "1 of 1 are in; 1 say something else" in page


def test_how_long_it_takes_is_not_told_where_no_time_is_known(project):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    for seconds, told in ((None, (None, 2)), (1800.0, (0.5, 1))):
        a.Annotation.objects.filter(annotator__username="alice").update(seconds=seconds)
        a.Annotation.objects.filter(annotator__username="bob").update(seconds=None)
        figures = publishing.preview(project=project, plan={"sentiment": {"ask": {}}}).figures()
        assert (figures["hours"], figures["untimed"]) == told


def test_items_whose_gold_was_imported_are_opened_to_all(project):
    [item] = make_items(project, 1, slots=0)
    make_gold(item, "neutral", method="imported")
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    publish(project, {"sentiment": {"ask": {"labels": ["neutral"]}}})
    assert list(item.assignments.values_list("state", flat=True)) == ["open", "open"]
    assert not a.Gold.objects.current().exists()


def test_a_filter_chooses_by_fields_of_the_document(project):
    old = make_items(project, 2, source_type="news", published_at="2025-12-31")
    new = make_items(project, 2, source_type="news", published_at="2026-01-02T10:00")
    other = make_items(project, 1, source_type="report", published_at="2026-01-02")
    for item in (*old, *new, *other):
        label(project, item, alice="positive", bob="positive")
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    where = {"source_type": "news", "since": "2026-01-01", "until": "2026-12-31"}
    effects = publishing.preview(project=project, plan={"sentiment": {"ask": where}})
    assert set(effects.items) == {item.pk for item in new}
    assert (
        publishing.preview(project=project, plan={"sentiment": {"ask": {**where, "since": "2026-02-01"}}}).items == {}
    )


@pytest.mark.parametrize(("sample", "count"), [("3", 3), ("50%", 5), ("1 %", 1), ("99", 10)])
def test_a_sample_is_the_same_in_the_preview_and_in_the_act(project, sample, count):
    items = make_items(project, 10)
    for item in items:
        label(project, item, alice="positive", bob="positive")
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    plan = {"sentiment": {"ask": {"sample": sample}}}
    told = set(publishing.preview(project=project, plan=plan).items)
    publish(project, plan)
    done = set(a.Assignment.objects.filter(state="assigned").values_list("item_id", flat=True))
    assert (len(told), done) == (count, told)


def test_nothing_that_the_guideline_shows_or_that_tests_people_is_asked_again(project, cast):
    shown, control, plain = make_items(project, 3)
    for item in (shown, control, plain):
        label(project, item, alice="positive", bob="positive")
    a.Item.objects.filter(pk=control.pk).update(role="control")
    a.GuidelineExample.objects.create(project=project, item=shown, question="sentiment", value="positive")
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    effects = publishing.preview(project=project, plan={"sentiment": {"ask": {}}})
    assert set(effects.items) == {plain.pk}
    assert effects.told["sentiment"].shown == 1


def test_a_new_question_that_must_be_answered_is_asked_of_all(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    draft(project, sentiment("negative", "neutral", "positive"), TONE)
    with pytest.raises(ValueError, match="Nobody was asked “Tone” yet"):
        publish(project, {"tone": {"ask": {"sample": "50%"}}})
    publish(project, {"tone": {"ask": {}}})
    assert {row.answer["sentiment"] for row in current(item).values()} == {"positive"}
    assert a.Gold.objects.current().get().question == "sentiment"
    for name in ("alice", "bob"):
        [slot] = take(project, cast[name])
        answer(project, cast[name], slot, answer={"sentiment": "positive", "tone": "calm"})
    assert set(a.Gold.objects.current().values_list("question", "value")) == {("sentiment", "positive"), ("tone", "calm")}  # fmt: skip


def test_whoever_could_read_the_others_before_is_not_independent_when_asked_again(project, cast):
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    [item] = make_items(project, 1)
    label(project, item, alice="positive", carol="positive")
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    publish(project, {"sentiment": {"ask": {}}})
    given = {}
    for name in ("alice", "carol"):
        [slot] = take(project, cast[name])
        given[name] = answer(project, cast[name], slot, "mixed").independent
    assert given == {"alice": True, "carol": False}


def test_who_holds_an_item_that_is_asked_again_keeps_it(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive")
    [held] = take(project, cast["bob"])
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    publish(project, {"sentiment": {"ask": {}}})
    held.refresh_from_db()
    assert (held.state, held.annotator) == ("leased", cast["bob"])
    assert assigning.in_hand(member(project, cast["bob"])) == [held]


# Map and ask in one question


def test_one_label_is_mapped_and_another_asked_again(project):
    one, two = make_items(project, 2)
    label(project, one, alice="positive", bob="positive")
    label(project, two, alice="neutral", bob="positive")
    draft(project, sentiment("negative", "good", "mixed"))
    publish(project, {"sentiment": {"labels": {"positive": "good"}, "ask": {"labels": ["neutral"]}}})
    assert {row.answer["sentiment"] for row in current(one).values()} == {"good"}
    assert {row.status for row in current(two).values()} == {"draft"}
    assert not a.Case.objects.open().exists()


# Plans that cannot be


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        ([], "A plan is an object"),
        ({"mood": {}}, "names the question “mood”. The questions are: sentiment, tone"),
        ({"sentiment": {"keep": True}}, "an object with to, labels and ask"),
        ({"sentiment": {"to": "tone2"}}, r"can become a new question of its kind \(tone\), not “tone2”"),
        ({"sentiment": {"labels": {"great": "positive"}}}, "never had the label “great”"),
        (
            {"sentiment": {"labels": {"neutral": "great"}}},
            "“neutral” can become negative, neutral, positive, not “great”",
        ),
        ({"sentiment": {"labels": {"neutral": None}}}, "“neutral” needs a new label"),
        ({"tone": {"labels": {"calm": "loud"}}}, "labels can be renamed only where the question stays"),
        ({"sentiment": {"ask": {"label": "x"}}}, "ask is an object with"),
        ({"sentiment": {"ask": {"labels": ["great"]}}}, "not by “great”"),
        ({"sentiment": {"ask": {"since": "last week"}}}, "since is a day such as 2026-03-01"),
        ({"sentiment": {"ask": {"sample": "0%"}}}, "a sample is a number of items or a share"),
        ({"sentiment": {"ask": {"sample": "some"}}}, "got “some”"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_a_sentence(project, plan, sentence):
    new = schemas.check({"questions": [sentiment("negative", "neutral", "positive"), TONE]})
    with pytest.raises(ValueError, match=sentence):
        plans.check(plan, project.version.schema, new)


# Long ones


def test_many_answers_are_carried_over_by_a_worker_all_or_none(project, cast, monkeypatch):
    monkeypatch.setattr(publishing, "AT_ONCE", 3)
    items = make_items(project, 3)
    for item in items:
        label(project, item, alice="positive", bob="positive")
    draft(project, sentiment("negative", "neutral", "good"))
    row = publishing.ask(project=project, user=cast["dave"], change_note="Good.", plan={"sentiment": {"labels": {"positive": "good"}}})  # fmt: skip
    assert (row.state, project.versions.count()) == ("queued", 1)
    with pytest.raises(ValueError, match="being published right now"):
        publishing.ask(project=project, user=cast["dave"], change_note="Again.")

    def lost(*_args, **_fields):
        raise jobs.JobLost

    with monkeypatch.context() as patch:
        patch.setattr(jobs.Grip, "hold", lost)
        jobs.run(a.Publication, row.pk, publishing.work)
    assert (project.versions.count(), a.Annotation.objects.filter(mapped=True).count()) == (1, 0)
    assert a.Revision.objects.count() == 6
    a.Publication.objects.update(state="queued")
    assert jobs.run(a.Publication, row.pk, publishing.work)
    row.refresh_from_db()
    project.refresh_from_db()
    assert (row.state, row.version, row.figures["mapped"]) == ("done", project.version, 6)
    assert a.Annotation.objects.submitted().filter(guideline_version=row.version).count() == 6


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_halfway_has_changed_nothing_and_another_does_it(project, cast, monkeypatch):
    monkeypatch.setattr(publishing, "AT_ONCE", 3)
    monkeypatch.setattr(carrying, "BATCH", 2)
    for item in make_items(project, 3):
        label(project, item, alice="positive", bob="positive")
    draft(project, sentiment("negative", "neutral", "good"))
    row = publishing.ask(project=project, user=None, change_note="Good.", plan={"sentiment": {"labels": {"positive": "good"}}})  # fmt: skip
    connections.close_all()
    if not (child := os.fork()):
        try:
            whole = copying.copy
            calls = []

            def dying(*given, **more):
                calls.append(1)
                if len(calls) == 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                return whole(*given, **more)

            copying.copy = dying
            jobs.run(a.Publication, row.pk, publishing.work)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert (project.versions.count(), a.Annotation.objects.filter(mapped=True).count()) == (1, 0)
    assert a.Revision.objects.count() == 6
    assert a.Annotation.objects.submitted().count() == 6
    # Meanwhile people label by the version in force.
    [late] = make_items(project, 1)
    label(project, late, alice="positive", bob="positive")
    a.Publication.objects.filter(pk=row.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert a.Publication.objects.all().reap() == (1, 0)
    assert jobs.run(a.Publication, row.pk, publishing.work)
    row.refresh_from_db()
    assert (row.state, row.attempt, row.figures["mapped"]) == ("done", 2, 8)
    assert {row.answer["sentiment"] for row in a.Annotation.objects.submitted()} == {"good"}


def test_a_publication_that_another_overtook_is_refused_in_a_sentence(project, cast, monkeypatch):
    monkeypatch.setattr(publishing, "AT_ONCE", 0)
    label(project, make_items(project, 1)[0], alice="positive")
    draft(project, sentiment("negative", "neutral", "good"))
    row = publishing.ask(project=project, user=None, change_note="Good.", plan={"sentiment": {"labels": {"positive": "good"}}})  # fmt: skip
    project.version = a.GuidelineVersion.objects.create(project=project, number=2, schema=project.version.schema)
    project.save()
    jobs.run(a.Publication, row.pk, publishing.work)
    row.refresh_from_db()
    assert (row.state, row.message[:29]) == ("failed", "Another version was published")


def test_a_mapped_answer_that_is_corrected_is_the_persons_own_again(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    draft(project, sentiment("negative", "neutral", "good"))
    publish(project, {"sentiment": {"labels": {"positive": "good"}}})
    slot = item.assignments.get(annotator=cast["alice"])
    answer(project, cast["alice"], slot, "neutral", token=None, client_id=uuid.uuid4())
    row = current(item)["alice"]
    assert (row.mapped, row.earlier_id is not None) == (False, True)
    assert [(old.mapped, old.answer["sentiment"]) for old in row.revisions.all()] == [
        (True, "good"),
        (False, "neutral"),
    ]


# What measures people, and what was asked beyond the overlap


def removed_label_asked_again(project):
    draft(project, sentiment("negative", "positive"))
    return publish(project, {"sentiment": {"ask": {"labels": ["neutral"]}}})


def test_a_control_item_whose_gold_has_a_removed_label_is_work_again_and_asked(project, cast):
    unfit, fit = make_items(project, ["unfit", "fit"], slots=0)
    make_gold(unfit, "neutral"), make_gold(fit, "positive")
    controlling.mark(project=project, items=project.items.all(), role="control")
    for item in (unfit, fit):
        a.Assignment.objects.create(project=project, item=item, slot=0, annotator=cast["alice"], state="done")
        make_annotation(item, cast["alice"], "neutral")
    # Made ready for bob, who has not answered it yet.
    a.Assignment.objects.create(project=project, item=unfit, slot=1, annotator=cast["bob"], state="assigned")
    draft(project, sentiment("negative", "positive"))
    plan = {"sentiment": {"ask": {"labels": ["neutral"]}}}
    told = publishing.preview(project=project, plan=plan)
    assert plans.misfit(told) == ""
    row = told.told["sentiment"]
    assert (row.items, row.released, row.answers["past"], row.gold["asked"], row.gold["kept"]) == (1, 1, 1, 1, 1)
    publish(project, plan)
    project.refresh_from_db()
    assert dict(project.items.values_list("pk", "role")) == {unfit.pk: "work", fit.pk: "control"}
    assert project.controlled
    assert list(a.Gold.objects.current().values_list("item", flat=True)) == [fit.pk]
    assert set(unfit.assignments.values_list("state", "annotator__username")) == {("assigned", "alice"), ("open", None)}
    # What alice had said of the other one is history: its label is gone, and of a control item nobody is asked twice.
    assert not current(fit)
    [slot] = take(project, cast["alice"])
    assert slot.item == unfit
    answer(project, cast["alice"], slot, "positive")
    answer(project, cast["bob"], lease(unfit, cast["bob"]), "positive")
    assert a.Gold.objects.current().get(item=unfit).value == "positive"


def test_gold_of_an_example_with_a_removed_label_is_set_aside_and_nobody_is_asked(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="neutral", bob="neutral")
    guiding.add_example(project=project, item=item, question="sentiment", value="neutral", user=None)
    publishing.save_draft(project=project, text="# Shown", schema=project.version.schema, user=None)
    publish(project, {})
    guiding.remove_example(example=a.GuidelineExample.objects.get())
    removed_label_asked_again(project)
    assert not a.Gold.objects.current().exists()
    assert not current(item)
    assert set(item.assignments.values_list("state", flat=True)) == {"done"}


def test_all_asked_again_lets_go_of_control_items_whose_gold_the_draft_does_not_take(project, cast):
    unfit, fit = make_items(project, ["unfit", "fit"], slots=0)
    make_gold(unfit, "neutral"), make_gold(fit, "positive")
    controlling.mark(project=project, items=project.items.all(), role="training")
    draft(project, sentiment("negative", "positive"))
    publishing.publish(project=project, user=None, change_note="x", earlier="ask")
    assert dict(project.items.values_list("pk", "role")) == {unfit.pk: "work", fit.pk: "training"}
    assert list(a.Gold.objects.current().values_list("item", flat=True)) == [fit.pk]


def test_no_more_people_are_asked_again_than_the_overlap_wants(project, cast):
    a.Membership.objects.filter(user=cast["erin"]).update(role="annotator")
    [item] = make_items(project, 1, slots=3)
    label(project, item, alice="neutral", bob="positive", erin="negative")
    draft(project, sentiment("negative", "neutral", "positive", "mixed"))
    plan = {"sentiment": {"ask": {"labels": ["neutral"]}}}
    told = publishing.preview(project=project, plan=plan).figures()
    assert (told["answers"], told["people"]) == (project.overlap, project.overlap) == (2, 2)
    publish(project, plan)
    assert sorted(item.assignments.values_list("slot", "state", "annotator__username")) == [(0, "assigned", "alice"), (1, "assigned", "bob")]  # fmt: skip
    for name in ("alice", "bob"):
        answer(project, cast[name], take(project, cast[name])[0], "mixed")
    assert a.Gold.objects.current().get().value == "mixed"


RENAMED = {"sentiment": {"to": "mood", "labels": {"negative": "bad", "neutral": "flat", "positive": "good"}}}
MOOD = {"name": "mood", "labels": ["bad", "flat", "good"]}


def test_a_decision_that_began_before_a_publication_is_not_made_under_the_version_before(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="negative")
    # As a request has read it that then waits until the publication is done.
    case = a.Case.objects.select_related("item__document", "project__version").get()
    draft(project, MOOD)
    publish(project, RENAMED)
    with pytest.raises(ValueError, match="published in the meantime"):
        adjudicating.decide(case=case, value="positive", user=cast["carol"], reason="oversight")
    assert a.Case.objects.open().get().question == "mood"
    assert not a.Gold.objects.exists()
    gold = adjudicating.decide(case=a.Case.objects.get(), value="good", user=cast["carol"], reason="oversight")
    assert (gold.question, gold.guideline_version) == ("mood", project.version)


def test_settling_that_began_before_a_publication_goes_on_under_the_new_version(cast):
    project = make_project(cast, settle="never")
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    before = a.Project.objects.select_related("version").get()
    draft(project, MOOD)
    publish(project, RENAMED)
    settling.settle_all(project=before, rule="unanimous")
    assert set(a.Gold.objects.values_list("question", "value")) == {("mood", "good")}
    assert set(a.Case.objects.values_list("question", flat=True)) == {"mood"}
