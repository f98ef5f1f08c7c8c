"""A manager's hand: answers asked again become history, their places are others'; what one holds goes on or back."""

import pytest

from annotation import adjudicating, batching, guiding, measuring, withdrawing
from annotation import models as a
from tests.annotation.worlds import answer, lease, member, take
from tests.conftest import make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def both(project, cast, item, *values):
    for name, value in zip(("alice", "bob"), values, strict=True):
        answer(project, cast[name], lease(item, cast[name]), value)


def again(project, person, **options):
    return withdrawing.ask_again(project=project, answers=withdrawing.given(project=project, person=person), **options)


def test_answers_become_history_and_others_are_asked_never_the_same_person(project, cast):
    same, differing, decided = make_items(project, 3)
    both(project, cast, same, "positive", "positive")
    both(project, cast, differing, "positive", "negative")
    both(project, cast, decided, "positive", "negative")
    case = a.Case.objects.get(item=decided)
    adjudicating.decide(case=case, value="positive", user=cast["carol"], reason="oversight")
    answers = withdrawing.given(project=project, person=cast["alice"])
    seen = withdrawing.preview(answers=answers)
    assert seen == {"answers": 3, "gold": 1, "cases": 1}
    assert again(project, cast["alice"], by=cast["dave"]) == seen
    assert a.Annotation.objects.filter(annotator=cast["alice"], superseded_at__isnull=False).count() == 3
    assert a.Revision.objects.filter(person=cast["alice"]).count() == 3
    assert a.Annotation.objects.submitted().filter(annotator=cast["bob"]).count() == 3
    assert list(a.Gold.objects.current().values_list("item", flat=True)) == [decided.pk]
    assert not a.Case.objects.open().exists()
    assert a.Assignment.objects.count() == 6  # as many places as before
    assert take(project, cast["alice"], count=9) == []
    a.Membership.objects.filter(project=project, user=cast["carol"]).update(labels=True)
    assert len(take(project, cast["carol"], count=9)) == 3
    assert a.Act.objects.get(kind="asked_again").details["answers"] == 3


def test_the_new_answer_settles_the_item_anew(project, cast):
    [item] = make_items(project, 1)
    both(project, cast, item, "negative", "negative")
    again(project, cast["alice"])
    frank = a.User.objects.create_user("frank")
    a.Membership.objects.create(project=project, user=frank, role="annotator")
    [slot] = take(project, frank)
    answer(project, frank, slot, "negative")
    assert a.Gold.objects.current().get().value == "negative"
    question = project.version.schema["questions"][0]["name"]
    raters = {rater for _item, rater, _value in measuring.triples(project=project, question=question)}
    assert raters == {str(cast["bob"].pk), str(frank.pk)}


def test_the_same_person_is_asked_in_a_batch(project, cast):
    [item] = make_items(project, 1)
    both(project, cast, item, "negative", "positive")
    again(project, cast["alice"], same=True)
    batch = a.Batch.objects.get()
    assert batch.purpose == "again"
    [slot] = take(project, cast["alice"])
    assert (slot.item_id, slot.batch_id) == (item.pk, batch.pk)
    answer(project, cast["alice"], slot, "positive")
    assert a.Gold.objects.current().get().value == "positive"
    # Both answers are in the history.
    assert [row.answer["sentiment"] for row in a.Revision.objects.filter(person=cast["alice"])] == [
        "negative",
        "positive",
    ]


def test_a_taken_back_answer_is_not_corrected_any_more(project, cast, client_of):
    [item] = make_items(project, 1)
    both(project, cast, item, "negative", "negative")
    slot = a.Assignment.objects.get(item=item, annotator=cast["alice"])
    again(project, cast["alice"])
    found = client_of("alice").get(f"/p/{project.slug}/label/mine/?assignment={slot.pk}")
    assert found.status_code == 404
    assert client_of("alice").get(f"/p/{project.slug}/label/mine/").json()["items"] == []
    # Twice over: asked again, pushed to nobody, and asked again of the next one.
    with pytest.raises(ValueError, match="no answer to be asked again"):
        again(project, cast["alice"])
    with pytest.raises(ValueError, match="on the items already"):
        batching.assign(project=project, items=[item.pk], people=[member(project, cast["alice"])], name="x")


def test_what_a_file_has_settled_stands(project, cast):
    [item] = make_items(project, 1)
    gold = make_gold(item, method="imported")
    answer(project, cast["alice"], lease(item, cast["alice"]), "negative")
    again(project, cast["alice"])
    assert a.Gold.objects.current().get() == gold


def test_a_person_who_is_gone_cannot_be_asked_again_themselves(project, cast):
    [item] = make_items(project, 1)
    answer(project, cast["alice"], lease(item, cast["alice"]))
    a.Membership.objects.filter(project=project, user=cast["alice"]).delete()
    with pytest.raises(ValueError, match="ask others"):
        again(project, cast["alice"], same=True)
    assert again(project, cast["alice"])["answers"] == 1


def test_the_pages_show_what_it_would_do_before_it_does_it(project, cast, client_of, caller_of):
    items = make_items(project, 3)
    both(project, cast, items[0], "negative", "negative")
    lease(items[1], cast["alice"])
    alice, dave = member(project, cast["alice"]), client_of("dave")
    there = f"/p/{project.slug}/members/{alice.pk}/"
    page = dave.get(there).content.decode()
    assert "In hand: 1; assigned in batches: 0." in page
    seen = dave.get(f"{there}ask-again/?status=submitted&who=others").content.decode()
    assert "answers become history" in seen
    assert a.Annotation.objects.submitted().count() == 2  # a look changes nothing
    url = f"/api/v1/projects/{project.slug}/members/{alice.pk}/"
    told = caller_of("dave").post(f"{url}ask-again/", {"preview": True}).json()
    assert told == {"answers": 1, "gold": 1, "cases": 0}
    dave.post(f"{there}ask-again/", {"status": "", "who": "others"})
    assert a.Annotation.objects.submitted().count() == 1
    assert caller_of("dave").post(f"{url}hand-on/", {"to": "bob"}).json() == {"moved": 1, "left": 0}
    assert caller_of("dave").post(f"{url}hand-on/", {"to": "eve"}).status_code == 400
    dave.post(f"{there}give-back/")
    foreign = make_project(cast, slug="other")
    other = member(foreign, cast["bob"])
    assert dave.post(f"/p/{project.slug}/members/{other.pk}/ask-again/", {}).status_code == 404


def test_the_page_of_an_item_moves_one_place(project, cast, client_of):
    [item, other] = make_items(project, 2)
    dave, there = client_of("dave"), f"/p/{project.slug}/items/{item.pk}/"
    one, two = item.assignments.order_by("slot")
    dave.post(f"{there}slots/", {"slot": one.pk, "what": "hand_on", "to": "alice"})
    one.refresh_from_db()
    assert (one.annotator, one.state) == (cast["alice"], "assigned")
    refused = dave.post(f"{there}slots/", {"slot": two.pk, "what": "hand_on", "to": "alice"}, follow=True)
    assert "0 items go to alice now" in refused.content.decode()
    dave.post(f"{there}slots/", {"slot": one.pk, "what": "give_back"})
    one.refresh_from_db()
    assert (one.annotator, one.state) == (None, "open")
    answer(project, cast["bob"], lease(item, cast["bob"]))
    done = a.Assignment.objects.get(item=item, annotator=cast["bob"])
    dave.post(f"{there}slots/", {"slot": done.pk, "what": "ask_again"})
    assert not a.Annotation.objects.submitted().exists()
    strange = other.assignments.first()
    assert dave.post(f"{there}slots/", {"slot": strange.pk, "what": "give_back"}).status_code == 404
    assert "Ask others again" in dave.get(there).content.decode() or "Give to" in dave.get(there).content.decode()


def test_answers_to_control_items_are_not_asked_again(project, cast):
    work, control = make_items(project, 2)
    make_gold(control)
    both(project, cast, work, "positive", "positive")
    both(project, cast, control, "positive", "positive")
    a.Item.objects.filter(pk=control.pk).update(role=a.Item.Role.CONTROL)
    assert again(project, cast["alice"], by=cast["dave"])["answers"] == 1
    assert a.Annotation.objects.current().filter(item=control, annotator=cast["alice"]).exists()
    assert a.Gold.objects.current().filter(item=control).exists()


def test_what_two_adjudicators_differ_in_stays_open(project, cast):
    [item] = make_items(project, 1)
    both(project, cast, item, "positive", "negative")
    case = a.Case.objects.get()
    gold = adjudicating.decide(case=case, value="positive", user=cast["carol"], reason="oversight")
    a.Case.objects.create(project=project, item=item, question="sentiment", why=a.Case.Why.DISCUSS, first=gold)
    again(project, cast["alice"], by=cast["dave"])
    assert a.Case.objects.open().get().why == a.Case.Why.DISCUSS


def test_the_place_keeps_what_it_was_asked_for(project, cast):
    [item] = make_items(project, 1)
    both(project, cast, item, "positive", "positive")
    act = a.SetAside.objects.create(project=project, person=cast["erin"], since=project.created_at, until=project.created_at, reason="x")  # fmt: skip
    a.Assignment.objects.filter(annotator=cast["alice"]).update(instead=act, extra=True, priority=-1)
    again(project, cast["alice"])
    assert a.Assignment.objects.filter(item=item, state="open").values_list("instead", "extra", "priority").get() == (act.pk, True, -1)  # fmt: skip


def test_an_item_that_the_guideline_shows_is_not_asked_again(project, cast):
    shown, other = make_items(project, 2)
    for item in (shown, other):
        both(project, cast, item, "positive", "positive")
    guiding.add_example(project=project, item=shown, question="sentiment", value="positive", user=cast["dave"])
    assert again(project, cast["alice"])["answers"] == 1
    assert a.Assignment.objects.get(state="open").item == other
