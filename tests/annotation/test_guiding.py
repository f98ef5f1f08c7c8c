"""Examples of the draft: chosen from items whose answer nobody is asked for any more, copied into versions for good."""

import pytest

from annotation import assigning, batching, guiding, publishing
from annotation import models as a
from tests.annotation.worlds import answer, correct, label, take
from tests.conftest import make_gold, make_items, make_project, make_user, set_schema

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def settled(project, text="Profit of Acme rose by a tenth."):
    [item] = make_items(project, [text])
    label(project, item, alice="positive", bob="positive")
    return item


def add(project, item, value="positive", **fields):
    return guiding.add_example(
        project=project, item=item, **{"question": "sentiment", "value": value, "user": None, **fields}
    )


def publish(project, **options):
    draft = a.Guideline.objects.get(project=project)
    publishing.save_draft(project=project, text=draft.text + "\n\nMore.", schema=draft.schema, user=None)
    version = publishing.publish(project=project, user=None, change_note="More.", **options)
    project.refresh_from_db()
    return version


def test_a_version_keeps_its_examples_with_the_text_whatever_becomes_of_the_draft(project, cast):
    item = settled(project)
    example = add(project, item, why="A rise is good.", words="rose by a tenth", user=cast["carol"])
    version = publish(project)
    assert version.examples == [
        {
            "item": item.pk, "id": item.document.external_id, "title": "", "language": "", "question": "sentiment",
            "value": "positive", "counter": False, "why": "A rise is good.", "words": "rose by a tenth",
            "text": "Profit of Acme rose by a tenth.",
        }
    ]  # fmt: skip
    example.refresh_from_db()
    guiding.change_example(example=example, value="negative", why="No.", words="", counter=True)
    guiding.remove_example(example=example)
    version.refresh_from_db()
    assert version.examples[0]["why"] == "A rise is good."
    assert publish(project).examples == []


def test_examples_alone_are_something_to_publish(project):
    add(project, settled(project))
    version = publishing.publish(project=project, user=None, change_note="An example.")
    assert len(version.examples) == 1
    project.refresh_from_db()
    with pytest.raises(ValueError, match="the same as version 2"):
        publishing.publish(project=project, user=None, change_note="Again.")


def test_an_item_that_waits_for_answers_is_no_example(project, cast):
    [item] = make_items(project, 1)
    [slot] = take(project, cast["alice"])
    answer(project, cast["alice"], slot)
    with pytest.raises(ValueError, match=r"still waits for answers \(1\)"):
        add(project, item)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"question": "tone"}, "no question “tone”"),
        ({"value": "great"}, "no label of “sentiment”"),
        ({"words": "fell"}, "“fell” does not stand in the text"),
        ({"why": "x" * 2001}, "at most 2000"),
    ],
)
def test_what_is_wrong_with_an_example_is_said(project, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        add(project, settled(project), **fields)
    assert not a.GuidelineExample.objects.exists()


def test_an_item_that_came_in_for_the_test_is_no_example(project):
    [item] = make_items(project, 1, slots=0, given_split="test")
    make_gold(item)
    with pytest.raises(ValueError, match="came in for the test split"):
        add(project, item)


def test_an_item_of_another_project_is_no_example(project, cast):
    with pytest.raises(ValueError, match="another project"):
        add(project, settled(make_project(cast, slug="other")))


def test_one_item_is_an_example_of_a_question_once(project):
    item = settled(project)
    add(project, item)
    with pytest.raises(ValueError, match="an example for “sentiment” in the draft already"):
        add(project, item, "neutral")


def test_nobody_is_asked_about_an_example_again(project):
    item, other = settled(project), settled(project, "Sales fell.")
    add(project, item)
    publish(project, earlier="ask")
    assert set(item.assignments.values_list("state", flat=True)) == {"done"}
    assert set(other.assignments.values_list("state", flat=True)) == {"open"}
    assert a.Gold.objects.current().get().item == item
    assigning.set_overlap(project=project, overlap=3)
    assert (item.assignments.count(), other.assignments.count()) == (2, 3)


def test_an_example_is_assigned_to_nobody(project, cast):
    item = settled(project)
    add(project, item)
    membership = a.Membership.objects.get(project=project, user=cast["alice"])
    zoe = make_user("zoe")
    other = a.Membership.objects.create(project=project, user=zoe, role="annotator")
    with pytest.raises(ValueError, match="Nothing could be assigned"):
        batching.assign(project=project, items=[item.pk], people=[membership, other], name="More", extra=True)
    assert item.assignments.count() == 2


def test_what_trains_or_tests_people_is_no_example(project):
    item = settled(project)
    a.Item.objects.filter(pk=item.pk).update(role="control")
    item.refresh_from_db()
    with pytest.raises(ValueError, match="there to train or to test people"):
        add(project, item)


def test_a_difference_about_an_example_asks_for_no_further_answer(project, cast):
    a.Project.objects.update(overlap_most=4)
    project.refresh_from_db()
    item = settled(project)
    add(project, item)
    correct(project, cast["alice"], item, "negative")
    assert item.assignments.count() == 2


def test_who_corrects_the_answer_to_a_published_example_is_not_independent(project, cast):
    item = settled(project)
    add(project, item)
    assert correct(project, cast["alice"], item, "neutral").independent
    publish(project)
    assert not correct(project, cast["alice"], item, "positive").independent


def test_examples_move_within_their_question(project):
    first, second, third = [add(project, settled(project, text)) for text in ("One.", "Two.", "Three.")]
    guiding.move_example(example=third, by=-1)
    guiding.move_example(example=first, by=-1)
    assert guiding.drafted(project) == [first, third, second]


def test_an_example_that_the_draft_does_not_fit_any_more_is_named(project):
    item = settled(project)
    add(project, item)
    questions = [{"name": "sentiment", "labels": ["bad", "good"]}]
    publishing.save_draft(project=project, text="", schema={"questions": questions}, user=None)
    with pytest.raises(ValueError, match=rf"The example of item {item.pk}: “positive” is no label"):
        publishing.publish(project=project, user=None, change_note="New labels.", earlier="ask")


def test_an_example_once_published_is_known_for_good(project):
    item, other = settled(project), settled(project, "Never shown.")
    shown, drafted = add(project, item), add(project, other)
    guiding.remove_example(example=drafted)
    publish(project)
    shown.refresh_from_db()
    guiding.remove_example(example=shown)
    assert guiding.drafted(project) == []
    assert list(a.Item.objects.shown_as_examples()) == [item]


def test_of_a_long_text_a_version_keeps_what_stands_around_the_words(project):
    text = "a" * 9000 + " the words " + "b" * 9000
    kept = guiding.excerpt(text, "the words")
    assert len(kept) < 4100
    assert "the words" in kept
    assert guiding.excerpt("short", "") == "short"
    shown = guiding.shown(
        [{"question": "sentiment", "value": "positive", "text": kept, "words": "the words"}], project.version.schema
    )
    [row] = shown["sentiment"]["positive"]
    assert (row["words"], len(row["before"]) < 300) == ("the words", True)


def test_an_example_of_marks_is_shown_under_the_label_of_each_mark(project):
    questions = [{"name": "names", "kind": "spans", "labels": ["ORG", "PER"]}]
    set_schema(project, {"questions": [{**questions[0]}]})
    a.Guideline.objects.update(schema=project.version.schema)
    entry = {"name": "names", "kind": "spans", "labels": [{"name": "ORG"}, {"name": "PER"}]}
    marks = [
        {"start": 0, "end": 4, "label": "ORG", "text": "Acme"},
        {"start": 5, "end": 8, "label": "PER", "text": "Bob"},
    ]
    assert guiding.labels_of(entry, marks) == ["ORG", "PER"]
    assert guiding.labels_of(entry, "PER") == ["PER"]


def test_by_program_an_item_of_another_project_is_told_from_none_by_nothing(project, cast, caller_of):
    item = settled(project)
    [foreign] = make_items(make_project({**cast, "dave": cast["eve"]}, slug="other"), 1)
    address, sent = (
        f"/api/v1/projects/{project.slug}/guideline/examples/",
        {"question": "sentiment", "value": "positive"},
    )
    dave = caller_of("dave")
    answers = [dave.post(address, {**sent, "item": pk}, format="json") for pk in (foreign.pk, foreign.pk + 1000)]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    made = dave.post(address, {**sent, "item": item.pk}, format="json")
    assert (made.status_code, made.json()["item"]) == (201, item.pk)
