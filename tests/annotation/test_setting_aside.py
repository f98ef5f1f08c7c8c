"""A person's work set aside in one act: what it changes, that it is shown before, and that it can be taken back."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotation import adjudicating, annotating, guiding, measuring, publishing, setting_aside
from annotation import models as a
from tests.annotation.worlds import answer, correct, label, lease, member, take
from tests.conftest import make_items, make_project, set_schema


@pytest.fixture
def project(cast):
    return make_project(cast, overlap=2, settle="unanimous")


def asked(project, user, **fields):
    project.refresh_from_db()
    since = fields.pop("since", timezone.now() - timedelta(days=1))
    return setting_aside.wanted(project=project, person=user, since=since, **fields)


def gold(project):
    """item -> value of the gold that counts."""
    return dict(a.Gold.objects.current().filter(project=project).values_list("item", "value"))


def state(project):
    """Everything that setting aside may touch, to be compared."""
    return {
        "gold": sorted(a.Gold.objects.current().values_list("item", "question", "value", "method")),
        "cases": sorted(a.Case.objects.open().values_list("item", "question")),
        "slots": sorted(a.Assignment.objects.values_list("item", "slot", "state", "annotator"), key=str),
        "answers": sorted(a.Annotation.objects.current().values_list("item", "annotator", "status")),
        "parts": sorted(str(answer) for answer in a.Annotation.objects.values_list("answer", flat=True)),
    }


def test_answers_set_aside_count_in_nothing_and_stay_in_the_history(project, cast):
    one, two = make_items(project, 2)
    label(project, one, alice="positive", bob="positive")
    label(project, two, alice="positive", bob="negative")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert gold(project) == {}
    assert not a.Case.objects.open().exists()
    assert {who for _item, who, _value in measuring.triples(project=project, question="sentiment")} == {
        str(cast["bob"].pk)
    }
    assert a.Revision.objects.filter(annotation__annotator=cast["alice"]).count() == 2
    assert act.effect == {
        "answers": 2, "items": 2, "gold_fell": 1, "gold_changed": 0, "gold_kept": 0, "cases_closed": 1,
        "cases_opened": 0, "slots": 2, "examples": [one.pk],
    }  # fmt: skip


def test_the_slots_open_for_others_and_never_for_the_same_person(project, cast):
    items = make_items(project, 3)
    for item in items:
        label(project, item, alice="positive", bob="positive")
    setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert take(project, cast["alice"], count=3) == []
    assert take(project, cast["bob"], count=3) == []
    a.Membership.objects.filter(user=cast["erin"]).update(labels=True)
    assert len(take(project, cast["erin"], count=5)) == 3


def test_the_person_cannot_change_what_was_set_aside(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    with pytest.raises(annotating.Conflict, match="set this answer aside"):
        correct(project, cast["alice"], item, "negative")


def test_a_preview_says_what_happens_and_changes_nothing(project, cast):
    one, two = make_items(project, 2)
    label(project, one, alice="positive", bob="positive")
    label(project, two, alice="positive", bob="negative")
    before = state(project)
    told = setting_aside.preview(asked(project, cast["alice"]))
    assert state(project) == before
    assert not a.SetAside.objects.exists()
    assert (told["answers"], told["gold_fell"], told["slots"], told["cases_closed"]) == (2, 1, 2, 1)
    [figure] = told["agreement"]
    assert figure["before"]["value"] is not None
    # Nobody is left to agree with.
    assert figure["after"] is None
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert {**act.effect, "agreement": told["agreement"]} == told


def test_the_page_names_the_figure_and_says_why_there_is_none(project, cast, client):
    for item in make_items(project, 2):
        label(project, item, alice="positive", bob="positive")
    client.force_login(cast["dave"])
    address = reverse("annotation:set_aside", args=[project.slug])
    page = client.get(address, {"person": cast["alice"].pk, "since": "2020-01-01"}).content.decode()
    assert "krippendorff_alpha" not in page
    assert "Krippendorff&#x27;s alpha" in page
    assert "The answers do not vary" in page
    assert "nobody is left to agree with" in page


def test_taken_back_everything_is_as_it_was(project, cast):
    one, two = make_items(project, 2)
    label(project, one, alice="positive", bob="positive")
    label(project, two, alice=None, bob="negative")
    before = state(project)
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert state(project) != before
    setting_aside.revert(act=act, user=cast["dave"])
    assert state(project) == before
    with pytest.raises(ValueError, match="taken back already"):
        setting_aside.revert(act=act, user=cast["dave"])


def test_what_others_answered_in_between_stays_and_counts_beside(project, cast):
    one, two = make_items(project, 2)
    for item in (one, two):
        label(project, item, alice="positive", bob="positive")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    a.Membership.objects.filter(user=cast["erin"]).update(labels=True)
    a.Membership.objects.filter(user=cast["erin"]).update(role="annotator")
    answer(project, cast["erin"], lease(one, cast["erin"]), "positive")
    answer(project, cast["erin"], lease(two, cast["erin"]), "negative")
    assert gold(project) == {one.pk: "positive"}
    assert list(a.Case.objects.open().values_list("item", flat=True)) == [two.pk]
    setting_aside.revert(act=act, user=cast["dave"])
    assert a.Annotation.objects.submitted().filter(item=two).count() == 3
    assert gold(project) == {one.pk: "positive"}
    # Two say positive and one negative: they differ, so the case stays.
    assert list(a.Case.objects.open().values_list("item", flat=True)) == [two.pk]


def test_an_item_in_somebody_s_hand_stays_there_when_it_is_taken_back(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    a.Membership.objects.filter(user=cast["erin"]).update(role="annotator")
    slot = lease(item, cast["erin"])
    setting_aside.revert(act=act, user=cast["dave"])
    answer(project, cast["erin"], slot, "positive")
    assert a.Annotation.objects.submitted().filter(item=item).count() == 3
    assert gold(project) == {item.pk: "positive"}


def test_gold_of_a_person_stands_and_nobody_is_asked_beside_it(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="negative")
    adjudicating.decide(case=a.Case.objects.get(), value="positive", user=cast["carol"], reason="oversight")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert gold(project) == {item.pk: "positive"}
    assert (act.effect["gold_kept"], act.effect["slots"]) == (1, 0)


def test_with_answers_enough_left_the_gold_is_settled_anew(project, cast):
    project.settle = "majority"
    project.overlap = 3
    project.save()
    a.Membership.objects.filter(user=cast["erin"]).update(role="annotator")
    [item] = make_items(project, 1, slots=3)
    label(project, item, alice="positive", bob="positive", erin="negative")
    assert gold(project) == {item.pk: "positive"}
    project.overlap = 2
    project.save()
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert act.effect["slots"] == 0
    assert gold(project) == {}
    assert (act.effect["gold_fell"], act.effect["cases_opened"]) == (1, 1)


def test_only_the_time_and_the_version_asked_for(project, cast):
    old, new = make_items(project, 2)
    label(project, old, alice="positive", bob="positive")
    a.Annotation.objects.filter(item=old).update(updated_at=timezone.now() - timedelta(days=3))
    label(project, new, alice="positive", bob="positive")
    assert asked(project, cast["alice"]).rows.get().item == new
    schema = project.version.schema
    set_schema(project, schema)
    assert not asked(project, cast["alice"], version=2).rows.exists()
    assert asked(project, cast["alice"], version=1, since=timezone.now() - timedelta(days=9)).rows.count() == 2
    with pytest.raises(ValueError, match="no answer"):
        setting_aside.set_aside(asked(project, cast["alice"], version=2), reason="x", user=None)
    with pytest.raises(ValueError, match="end after"):
        asked(project, cast["alice"], until=timezone.now() - timedelta(days=2))


@pytest.fixture
def two_questions(cast):
    project = make_project(cast, slug="two", overlap=2)
    labels = [{"name": name} for name in ("yes", "no")]
    questions = [{"name": name, "kind": "choice", "labels": labels} for name in ("first", "second")]
    from annotation import schema

    set_schema(project, schema.check({"questions": questions}))
    return project


def test_one_question_is_set_aside_and_the_rest_of_the_answer_counts(two_questions, cast):
    project = two_questions
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        answer(project, cast[name], lease(item, cast[name]), answer={"first": "yes", "second": "no"})
    before = state(project)
    assert len(before["gold"]) == 2
    act = setting_aside.set_aside(asked(project, cast["alice"], question="first"), reason="x", user=cast["dave"])
    assert [row[1] for row in state(project)["gold"]] == ["second"]
    assert act.effect["slots"] == 1
    counted = {q: len(list(measuring.triples(project=project, question=q))) for q in ("first", "second")}
    assert counted == {"first": 1, "second": 2}
    setting_aside.revert(act=act, user=cast["dave"])
    assert state(project) == before


def test_asked_again_meanwhile_it_comes_back_as_history(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    project.guideline.text = "# Other rules"
    project.guideline.save()
    publishing.publish(project=a.Project.objects.get(pk=project.pk), user=cast["dave"], change_note="x", earlier="ask")
    setting_aside.revert(act=act, user=cast["dave"])
    assert not a.Annotation.objects.current().exists()
    assert a.Assignment.objects.filter(item=item, state="open").count() == 2


def test_a_reason_is_needed(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive")
    with pytest.raises(ValueError, match="Say why"):
        setting_aside.set_aside(asked(project, cast["alice"]), reason=" ", user=cast["dave"])
    assert member(project, cast["alice"]).can_label


def publish(project, plan, *questions):
    publishing.save_draft(project=project, text="# New rules", schema={"questions": list(questions)}, user=None)
    publishing.publish(project=a.Project.objects.get(pk=project.pk), user=None, change_note="x", plan=plan)
    project.refresh_from_db()


def test_taken_back_after_a_rename_the_answers_have_the_new_labels(project, cast):
    one, two = make_items(project, 2)
    label(project, one, alice="positive", bob="positive")
    label(project, two, alice=None, bob="neutral")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    publish(project, {"sentiment": {"labels": {"positive": "good"}}}, {"name": "sentiment", "labels": ["negative", "neutral", "good"]})  # fmt: skip
    assert not a.Annotation.objects.current().filter(annotator=cast["alice"]).exists()
    setting_aside.revert(act=act, user=cast["dave"])
    mine = a.Annotation.objects.current().filter(annotator=cast["alice"])
    assert sorted(mine.values_list("item", "status", "answer"), key=str) == [(one.pk, "submitted", {"sentiment": "good"}), (two.pk, "skipped", {})]  # fmt: skip
    assert gold(project)[one.pk] == "good"
    assert set(a.Assignment.objects.filter(annotator=cast["alice"]).values_list("item", "state")) == {(one.pk, "done"), (two.pk, "skipped")}  # fmt: skip
    # Under the version that they were given under they count again, too, by their old names.
    old = project.versions.get(number=1)
    assert [value for _i, who, value in measuring.triples(project=project, question="sentiment", version=old) if who == str(cast["alice"].pk)] == ["positive"]  # fmt: skip


def test_taken_back_after_the_item_was_asked_again_it_is_history(project, cast):
    one, two = make_items(project, 2)
    label(project, one, alice="positive", bob="positive")
    label(project, two, alice="negative", bob="negative")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    publish(project, {"sentiment": {"ask": {"labels": ["positive"]}}}, {"name": "sentiment", "labels": ["negative", "neutral", "positive"]})  # fmt: skip
    # Alice is not asked again; the place in her stead waits for somebody else.
    assert set(one.assignments.values_list("state", "annotator__username")) == {("aside", "alice"), ("assigned", "bob"), ("open", None)}  # fmt: skip
    setting_aside.revert(act=act, user=cast["dave"])
    mine = a.Annotation.objects.current().filter(annotator=cast["alice"])
    assert list(mine.values_list("item", flat=True)) == [two.pk]
    assert (one.assignments.get(annotator=cast["alice"]).state, two.assignments.get(annotator=cast["alice"]).state) == ("aside", "done")  # fmt: skip


def test_a_label_that_only_set_aside_answers_have_keeps_nothing_from_being_published(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="neutral")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    publish(project, {}, {"name": "sentiment", "labels": ["negative", "neutral"]})
    setting_aside.revert(act=act, user=cast["dave"])
    assert [row.annotator for row in a.Annotation.objects.current()] == [cast["bob"]]


def test_one_question_set_aside_goes_along_with_a_rename_of_question_and_label(two_questions, cast):
    project = two_questions
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        answer(project, cast[name], lease(item, cast[name]), answer={"first": "yes", "second": "no"})
    act = setting_aside.set_aside(asked(project, cast["alice"], question="first"), reason="x", user=cast["dave"])
    publish(project, {"first": {"to": "begin", "labels": {"yes": "aye"}}}, {"name": "begin", "labels": ["aye", "no"]}, {"name": "second", "labels": ["yes", "no"]})  # fmt: skip
    mine = a.Annotation.objects.current().get(annotator=cast["alice"])
    assert (mine.answer, mine.withheld) == ({"second": "no"}, {"begin": {"value": "aye", "set_aside": act.pk}})
    setting_aside.revert(act=act, user=cast["dave"])
    mine.refresh_from_db()
    assert (mine.answer, mine.withheld) == ({"begin": "aye", "second": "no"}, {})
    assert a.Gold.objects.current().get(question="begin").value == "aye"


def test_the_person_cannot_answer_back_the_one_question_that_was_set_aside(two_questions, cast):
    project = two_questions
    [item] = make_items(project, 1)
    for name in ("alice", "bob"):
        answer(project, cast[name], lease(item, cast[name]), answer={"first": "yes", "second": "no"})
    act = setting_aside.set_aside(asked(project, cast["alice"], question="first"), reason="x", user=cast["dave"])
    slot = a.Assignment.objects.get(item=item, annotator=cast["alice"])
    answer(project, cast["alice"], slot, token=None, answer={"first": "no", "second": "yes"})
    mine = a.Annotation.objects.current().get(annotator=cast["alice"])
    assert mine.answer == {"second": "yes"}
    # Under the next version, where the answer is another row, it is the same.
    set_schema(project, project.version.schema)
    answer(project, cast["alice"], slot, token=None, answer={"first": "no", "second": "no"})
    mine = a.Annotation.objects.current().get(annotator=cast["alice"])
    assert (mine.answer, mine.guideline_version) == ({"second": "no"}, project.version)
    setting_aside.revert(act=act, user=cast["dave"])
    mine.refresh_from_db()
    assert mine.answer == {"first": "yes", "second": "no"}


def test_what_a_person_decided_of_one_question_says_nothing_of_the_other(two_questions, cast):
    project = two_questions
    [item] = make_items(project, 1)
    for name, said in (("alice", "yes"), ("bob", "no")):
        answer(project, cast[name], lease(item, cast[name]), answer={"first": said, "second": "no"})
    adjudicating.decide(case=a.Case.objects.get(), value="yes", user=cast["carol"], reason="oversight")
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="x", user=cast["dave"])
    assert list(a.Gold.objects.current().values_list("question", "value")) == [("first", "yes")]
    assert (act.effect["slots"], act.effect["gold_fell"], act.effect["gold_kept"]) == (1, 1, 1)


def test_by_program_what_was_set_aside_comes_page_by_page(cast, caller_of):
    project = make_project(cast)
    for reason in ("one", "two", "three"):
        a.SetAside.objects.create(
            project=project, person=cast["bob"], since=timezone.now(), until=timezone.now(), reason=reason, effect={}
        )
    first = caller_of("dave").get(f"/api/v1/projects/{project.slug}/set-aside/?page_size=2").json()
    second = caller_of("dave").get(first["next"]).json()
    reasons = [row["reason"] for row in [*first["results"], *second["results"]]]
    assert (reasons, second["next"]) == (["three", "two", "one"], None)


def test_nobody_is_asked_about_what_the_guideline_shows_in_place_of_an_answer_set_aside(project, cast):
    shown, other = make_items(project, 2)
    for item in (shown, other):
        label(project, item, alice="positive", bob="positive")
    guiding.add_example(project=project, item=shown, question="sentiment", value="positive", user=cast["dave"])
    act = setting_aside.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert act.effect["slots"] == 1
    assert a.Assignment.objects.get(state="open").item == other
    assert gold(project) == {shown.pk: "positive"}  # bob's answer is left
    setting_aside.revert(act=act, user=cast["dave"])
    assert gold(project) == {shown.pk: "positive", other.pk: "positive"}
