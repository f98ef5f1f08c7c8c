"""What was done in a project is written down, and nobody can change it."""

import pytest
from django.db import IntegrityError, transaction

from annotation import assigning, inviting, recording
from annotation import models as a
from tests.annotation.worlds import answer, correct, member, take
from tests.conftest import make_gold, make_items, make_project


@pytest.fixture
def project(cast):
    return make_project(cast)


def kinds(project):
    return list(a.Act.objects.filter(project=project).values_list("kind", flat=True))


def test_an_act_can_neither_be_changed_nor_go(project, cast):
    act = recording.record(project=project, kind="released", by=cast["dave"], about=cast["alice"], count=2)
    for act_of_malice in (
        lambda: a.Act.objects.filter(pk=act.pk).update(kind="joined"),
        lambda: a.Act.objects.filter(pk=act.pk).delete(),
        lambda: act.save(),
    ):
        with pytest.raises(IntegrityError, match="history of a project"), transaction.atomic():
            act_of_malice()
    assert (act.by, act.about, act.details) == (cast["dave"], cast["alice"], {"count": 2})


def test_a_kind_without_words_is_refused(project):
    with pytest.raises(ValueError, match="nonsense"):
        recording.record(project=project, kind="nonsense")


def test_the_history_of_an_answer_does_not_go(project, cast):
    make_items(project, 1)
    answer(project, cast["alice"], take(project, cast["alice"])[0])
    with pytest.raises(IntegrityError, match="history of an answer"), transaction.atomic():
        a.Revision.objects.all().delete()
    assert a.Revision.objects.count() == 1


def test_settled_answers_are_replaced_and_never_rewritten(project):
    gold = make_gold(make_items(project, 1)[0])
    for change in ({"value": "negative"}, {"method": "majority"}, {"note": "no"}, {"rule": "label:negative"}):
        with pytest.raises(IntegrityError, match="Gold stands"), transaction.atomic():
            a.Gold.objects.filter(pk=gold.pk).update(**change)
    a.Gold.objects.filter(pk=gold.pk).update(superseded_at=a.timezone.now())


def test_what_was_settled_decided_twice_or_published_does_not_go(project, cast):
    gold = make_gold(make_items(project, 1)[0])
    case = a.Case.objects.create(project=project, item=gold.item, question="sentiment")
    fields = {"value": "negative", "distance": 1.0, "by": cast["carol"], "guideline_version": project.version}
    opinion = a.SecondOpinion.objects.create(project=project, case=case, gold=gold, **fields)
    a.Project.objects.update(version=None)
    for rows, says in (
        (a.SecondOpinion.objects.all(), "second decision"),
        (a.Gold.objects.all(), "Gold stays"),
        (project.versions.all(), "guideline stays"),
    ):
        # Past what the models themselves protect, as a program with its own SQL would.
        with pytest.raises(IntegrityError, match=says), transaction.atomic():
            rows._raw_delete(rows.db)
    with pytest.raises(IntegrityError, match="second decision"), transaction.atomic():
        a.SecondOpinion.objects.filter(pk=opinion.pk).update(value="neutral")


def test_a_revision_says_whose_it_is_and_whether_it_corrects(project, cast):
    [item] = make_items(project, 1)
    answer(project, cast["alice"], take(project, cast["alice"])[0])
    correct(project, cast["alice"], item, "negative")
    rows = a.Revision.objects.values_list("project", "person", "corrects")
    assert list(rows) == [(project.pk, cast["alice"].pk, False), (project.pk, cast["alice"].pk, True)]


def test_people_coming_and_going_is_written_down(project, cast):
    invitation, _token = inviting.invite(project=project, by=cast["dave"], role="annotator", email="eve@example.org")
    inviting.accept(invitation=invitation, user=cast["eve"])
    eve = member(project, cast["eve"])
    inviting.change_role(membership=eve, role="annotator", labels=False)  # as it was: nothing to tell
    inviting.change_role(membership=eve, role="adjudicator", labels=True, by=cast["dave"])
    make_items(project, 3)
    take(project, cast["eve"], 2)
    inviting.remove(membership=eve, by=cast["dave"])
    assert kinds(project) == ["invited", "joined", "role_changed", "released", "removed"]
    changed = a.Act.objects.get(kind="role_changed")
    assert (changed.by, changed.about) == (cast["dave"], cast["eve"])
    assert changed.details == {"changed": {"role": ["annotator", "adjudicator"], "labels": [False, True]}}
    assert "example.org" not in str(list(a.Act.objects.values()))


def test_settings_order_and_what_is_taken_back_are_written_down(project, cast):
    inviting.configure(project=project, by=cast["dave"], lease_minutes=5, name=project.name)
    items = make_items(project, 3)
    take(project, cast["alice"])
    assigning.release(project=project, annotator=cast["alice"].pk, by=cast["dave"])
    assert assigning.release(project=project, annotator=cast["alice"].pk, by=cast["dave"]) == 0
    wanted = a.Item.objects.filter(pk=items[0].pk)
    assigning.prioritise(project=project, items=wanted, priority="first", by=cast["dave"])
    assert kinds(project) == ["configured", "released", "prioritised"]
    assert a.Act.objects.get(kind="configured").details == {"changed": {"lease_minutes": [30, 5]}}


def test_what_a_refused_change_would_have_done_is_not_written_down(project, cast):
    with pytest.raises(ValueError, match="manager"):
        inviting.remove(membership=member(project, cast["dave"]), by=cast["dave"])
    with pytest.raises(ValueError, match="overlap"):
        inviting.configure(project=project, by=cast["dave"], overlap=99)
    assert kinds(project) == []
