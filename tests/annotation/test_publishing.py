"""A draft becomes an immutable version; earlier answers stand or are asked again, and nothing given is deleted."""

import pytest

from annotation import models as a
from annotation import publishing, settling
from annotation import schema as schemas
from tests.annotation.worlds import answer, bare, label, lease, take
from tests.conftest import make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def schema_of(*labels, name="sentiment"):
    return schemas.from_labels(name, list(labels))


def save(project, text="# New rules", schema=None, user=None, **options):
    return publishing.save_draft(
        project=project, text=text, schema=schema or project.version.schema, user=user, **options
    )


def publish(project, **options):
    version = publishing.publish(project=project, **{"user": None, "change_note": "clearer", **options})
    project.refresh_from_db()
    return version


def test_an_answer_cannot_stand_for_a_required_question_that_nobody_was_asked(project, cast):
    make_items(project, 3)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot)
    [asked] = project.version.schema["questions"]
    more = {**asked, "name": "urgency", "title": "Urgency"}
    save(project, schema={"questions": [asked, more]})
    with pytest.raises(ValueError, match="Nobody was asked “Urgency” yet"):
        publish(project, earlier="stand")
    save(project, schema={"questions": [asked, {**more, "required": False}]})
    assert publish(project, earlier="stand").number == 2


def test_the_first_version_needs_no_note(cast):
    project = bare(cast)
    save(project, schema=schema_of("up", "down"), user=cast["dave"])
    version = publish(project, user=cast["dave"], change_note="")
    assert (version.number, version.published_by, project.version) == (1, cast["dave"], version)


def test_a_version_stays_as_it_was_published(project, cast):
    first = project.version
    before = (first.text, first.schema, first.published_at)
    save(project, text="# 新规则\r\n请仔细阅读 📌")
    second = publish(project, user=cast["dave"])
    save(project, text="later draft")
    first.refresh_from_db()
    assert (first.text, first.schema, first.published_at) == before
    assert (second.number, second.text, second.change_note) == (2, "# 新规则\n请仔细阅读 📌", "clearer")
    assert a.GuidelineVersion.objects.get(pk=second.pk).text == second.text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"change_note": " \x00 "}, "Say in a sentence what changed"),
        ({"change_note": "long " * 500}, "at most 2000 characters"),
        ({"earlier": "forget"}, "stand or ask"),
    ],
)
def test_a_later_version_needs_a_note_and_a_choice(project, options, sentence):
    save(project)
    with pytest.raises(ValueError, match=sentence):
        publish(project, **options)
    assert a.GuidelineVersion.objects.count() == 1


def test_nothing_to_publish_is_said(project, cast):
    save(project, text=project.version.text)
    with pytest.raises(ValueError, match="the same as version 1"):
        publish(project)
    empty = bare(cast)
    with pytest.raises(ValueError, match="no draft yet"):
        publish(empty)


def test_a_draft_with_a_broken_schema_is_refused(project):
    with pytest.raises(ValueError, match="at least two labels"):
        save(project, schema={"questions": [{"name": "q", "labels": ["one"]}]})
    with pytest.raises(ValueError, match="at most 200000"):
        save(project, text="x" * 200_001)


def test_what_no_database_takes_is_taken_out_of_a_draft(project):
    labels = [{"name": "cafe\u0301 ", "title": "a\x00b", "definition": "one\r\ntwo \ud83d"}, "other"]
    draft = save(project, text=" a\x00b\r\n\ud83d好 ", schema={"questions": [{"name": "q", "labels": labels}]})
    assert draft.text == "ab\n\ufffd好"
    first, _second = a.Guideline.objects.get(pk=draft.pk).schema["questions"][0]["labels"]
    assert (first["name"], first["title"], first["definition"]) == ("café", "ab", "one\ntwo \ufffd")


def test_of_two_editors_the_second_is_told_who_was_faster(project, cast):
    opened = a.Guideline.objects.get(project=project).edited_at.isoformat()
    save(project, text="carol's", user=cast["carol"], opened_at=opened)
    with pytest.raises(publishing.EditedMeanwhile, match="carol has saved this draft"):
        save(project, text="dave's", user=cast["dave"], opened_at=opened)
    draft = a.Guideline.objects.get(project=project)
    assert draft.text == "carol's"
    save(project, text="merged", user=cast["dave"], opened_at=draft.edited_at.isoformat())
    assert a.Guideline.objects.get(project=project).text == "merged"


# Earlier answers stand


def test_answers_and_gold_stand_where_the_manager_says_so(project, cast):
    first, second = make_items(project, 2)
    label(project, first, alice="positive", bob="positive")
    [held] = take(project, cast["alice"])
    save(project, schema=schema_of("negative", "neutral", "positive", "mixed"))
    version = publish(project, earlier="stand")
    assert a.Annotation.objects.submitted().count() == 2
    assert a.Gold.objects.current().get().item == first
    held.refresh_from_db()
    assert (held.state, held.item) == ("leased", second)
    assert answer(project, cast["alice"], held, "mixed").guideline_version == version


def test_a_label_that_was_used_cannot_vanish_while_its_answers_stand(project):
    [item] = make_items(project, 1)
    label(project, item, alice="neutral")
    save(project, schema=schema_of("negative", "positive"))
    with pytest.raises(ValueError, match=r"label “neutral” is used \(answers: 1, gold: 0\)"):
        publish(project)
    assert project.version.number == 1
    publish(project, earlier="ask")
    assert project.version.number == 2


def test_a_label_that_only_gold_uses_cannot_vanish_either(project):
    [item] = make_items(project, 1)
    make_gold(item, "neutral", method="imported")
    save(project, schema=schema_of("negative", "positive"))
    with pytest.raises(ValueError, match=r"label “neutral” is used \(answers: 0, gold: 1\)"):
        publish(project)


def test_a_label_that_nobody_used_may_vanish(project):
    [item] = make_items(project, 1)
    label(project, item, alice="neutral")
    save(project, schema=schema_of("neutral", "positive"))
    assert publish(project).number == 2


@pytest.mark.parametrize("name", ["in", "contains", "isnull", "has_key"])
def test_a_question_may_be_called_like_a_lookup_of_the_database(cast, name):
    project = bare(cast)
    save(project, schema=schema_of("a", "b", name=name))
    publish(project)
    [item] = make_items(project, 1)
    answer(project, cast["dave"], _lease_for_dave(project, item, cast), answer={name: "a"})
    save(project, schema=schema_of("b", "c", name=name))
    with pytest.raises(ValueError, match=r"label “a” is used \(answers: 1, gold: 0\)"):
        publish(project)


def _lease_for_dave(project, item, cast):
    a.Membership.objects.filter(project=project, user=cast["dave"]).update(labels=True)
    return lease(item, cast["dave"])


def test_cases_of_a_question_that_is_no_longer_asked_are_closed(project, cast):
    questions = [
        *project.version.schema["questions"],
        {"name": "topic", "kind": "choice", "labels": ["a", "b"], "required": False},
    ]
    save(project, schema={"questions": questions})
    publish(project)
    [item] = make_items(project, 1)
    for name, topic in (("alice", "a"), ("bob", "b")):
        slot = lease(item, cast[name])
        answer(project, cast[name], slot, answer={"sentiment": "neutral", "topic": topic})
    a.Annotation.objects.update(answer={"sentiment": "neutral"})
    case = a.Case.objects.open().get(question="topic")
    save(project, schema={"questions": questions[:1]})
    publish(project)
    case.refresh_from_db()
    assert case.closed_at is not None


# Earlier answers are asked again


def test_all_items_are_asked_again_and_what_was_given_stays_as_history(project, cast):
    first, second, settled = make_items(project, 3)
    label(project, first, alice="positive", bob="positive")
    label(project, second, alice="positive", bob="negative")
    settled.assignments.all().delete()
    make_gold(settled, method="imported")
    save(project)
    publish(project, earlier="ask")
    assert a.Annotation.objects.count() == 4
    assert not a.Annotation.objects.current().exists()
    assert a.Gold.objects.count() == 2
    assert not a.Gold.objects.current().exists()
    assert not a.Case.objects.open().exists()
    for item in (first, second, settled):
        assert list(item.assignments.values_list("state", "annotator", "token")) == [("open", None, None)] * 2
    label(project, first, alice="negative", bob="negative")
    assert a.Annotation.objects.submitted().filter(item=first).count() == 2
    assert a.Gold.objects.current().get().value == "negative"


def test_asking_again_takes_items_out_of_peoples_hands(project, cast):
    make_items(project, 2)
    [slot] = take(project, cast["alice"])
    save(project)
    publish(project, earlier="ask")
    slot.refresh_from_db()
    assert (slot.state, slot.annotator) == ("open", None)


def test_asking_again_asks_for_the_overlap_and_not_for_what_an_import_had_added(project, cast):
    [item] = make_items(project, 1, slots=5)
    a.Assignment.objects.filter(slot__lt=3).delete()
    save(project)
    publish(project, earlier="ask")
    assert item.assignments.count() == project.overlap


def test_settling_after_asking_again_sees_only_the_new_answers(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    save(project)
    publish(project, earlier="ask")
    settling.settle_all(project=project)
    assert not a.Gold.objects.current().exists()


# The schema that a file brings along


def test_labels_of_a_file_make_version_1_only_where_nothing_is_lost(cast):
    project = bare(cast)
    version = publishing.publish_labels(
        project=project, question="tone", labels=["a", "b"], user=None, text="From a file."
    )
    assert (version.number, schemas.label_names(version.schema["questions"][0])) == (1, ["a", "b"])
    project.refresh_from_db()
    with pytest.raises(ValueError, match="published guideline already"):
        publishing.publish_labels(project=project, question="tone", labels=["a", "b"], user=None)
    other = bare(cast, "other")
    a.Guideline.objects.create(project=other, text="my draft", schema={})
    with pytest.raises(ValueError, match="publish that first"):
        publishing.publish_labels(project=other, question="tone", labels=["a", "b"], user=None)


def test_control_items_keep_their_gold_and_answers_when_all_is_asked_again(project, cast):
    work, control = make_items(project, 2)
    make_gold(control)
    for item in (work, control):
        answer(project, cast["alice"], lease(item, cast["alice"]), "positive")
    a.Item.objects.filter(pk=control.pk).update(role=a.Item.Role.CONTROL)
    save(project)
    publish(project, earlier="ask")
    assert list(a.Gold.objects.current().values_list("item", flat=True)) == [control.pk]
    assert list(a.Annotation.objects.current().values_list("item", flat=True)) == [control.pk]
    assert not a.Assignment.objects.filter(item=control, annotator=None, state="open").exclude(slot=1).exists()
