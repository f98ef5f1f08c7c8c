"""What the database itself refuses, and what each role sees."""

import pytest
from django.db import IntegrityError, transaction

from annotation import models as a
from tests.conftest import make_annotation, make_gold, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


@pytest.fixture
def item(project):
    return make_items(project, 1)[0]


def refused(model, **fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**fields)


def test_nobody_stands_twice_on_an_item_and_no_slot_is_there_twice(project, cast, item):
    a.Assignment.objects.filter(item=item, slot=0).update(annotator=cast["alice"])
    refused(a.Assignment, project=project, item=item, slot=5, annotator=cast["alice"])
    refused(a.Assignment, project=project, item=item, slot=1)


def test_an_answer_is_there_once_per_person_item_and_version(project, cast, item):
    make_annotation(item, cast["alice"])
    refused(a.Annotation, project=project, item=item, annotator=cast["alice"], guideline_version=project.version)


def test_a_client_id_is_used_once(cast, item):
    row = make_annotation(item, cast["alice"])
    said = {"annotation": row, "project": row.project, "person": cast["alice"], "status": "submitted"}
    first = a.Revision.objects.create(client_id="00000000-0000-0000-0000-000000000001", **said)
    refused(a.Revision, client_id=first.client_id, **said)


def test_one_gold_and_one_open_case_per_question_count_and_history_stays(project, item):
    old = make_gold(item, "positive")
    refused(
        a.Gold,
        project=project,
        item=item,
        question="sentiment",
        value="neutral",
        method="single",
        guideline_version=project.version,
    )
    a.Gold.objects.filter(pk=old.pk).update(superseded_at=a.timezone.now())
    make_gold(item, "neutral")
    assert a.Gold.objects.current().get().value == "neutral"
    a.Case.objects.create(project=project, item=item, question="sentiment")
    refused(a.Case, project=project, item=item, question="sentiment")
    a.Case.objects.update(closed_at=a.timezone.now())
    a.Case.objects.create(project=project, item=item, question="sentiment")
    assert a.Case.objects.open().count() == 1


def test_an_id_is_there_once_per_project(project, cast, item):
    refused(a.Document, project=project, external_id=item.document.external_id, text="x", text_key="k")
    other = make_project(cast, slug="other")
    a.Document.objects.create(project=other, external_id=item.document.external_id, text="x", text_key="k")


def test_one_membership_per_person(project, cast):
    refused(a.Membership, project=project, user=cast["alice"], role="manager")


def test_each_role_sees_what_it_may(project, cast, item):
    mine = make_annotation(item, cast["alice"])
    theirs = make_annotation(item, cast["bob"])
    case = a.Case.objects.create(project=project, item=item, question="sentiment")
    seen = {
        name: (
            set(a.Annotation.objects.visible_to(cast[name])),
            set(a.Item.objects.visible_to(cast[name])),
            set(a.Case.objects.visible_to(cast[name])),
            set(a.Project.objects.visible_to(cast[name])),
        )
        for name in cast
    }
    everything = ({mine, theirs}, {item}, {case}, {project})
    assert seen["dave"] == seen["carol"] == everything
    assert seen["alice"] == ({mine}, set(), set(), {project})
    assert seen["bob"] == ({theirs}, set(), set(), {project})
    assert seen["erin"] == (set(), set(), set(), {project})
    assert seen["eve"] == (set(), set(), set(), set())


def test_of_an_item_that_one_may_still_label_nothing_is_visible_but_ones_own(project, cast, item):
    a.Membership.objects.filter(user=cast["dave"]).update(labels=True)
    theirs, gold = make_annotation(item, cast["alice"]), make_gold(item)
    draft = make_annotation(item, cast["dave"], status="draft", answer={})
    a.Assignment.objects.filter(annotator=cast["dave"]).update(state="leased")
    case = a.Case.objects.create(project=project, item=item, question="sentiment")

    def seen(name):
        models = (a.Annotation, a.Gold, a.Case)
        return [set(model.objects.visible_to(cast[name])) for model in models]

    everything = [{theirs, draft}, {gold}, {case}]
    assert seen("dave") == [{draft}, set(), set()]
    assert (seen("carol"), seen("alice"), seen("eve")) == (everything, [{theirs}, set(), set()], [set()] * 3)
    assert list(a.Item.objects.blind_for(cast["dave"])) == [item]
    for state in ("skipped", "done"):
        a.Assignment.objects.filter(annotator=cast["dave"]).update(state=state)
        assert seen("dave") == everything
        assert not a.Item.objects.blind_for(cast["dave"]).exists()


def test_who_left_a_project_sees_not_even_what_they_gave(project, cast, item):
    make_annotation(item, cast["alice"])
    a.Membership.objects.filter(user=cast["alice"]).delete()
    assert not a.Annotation.objects.visible_to(cast["alice"]).exists()


def test_an_item_is_its_document_or_a_passage_of_it(project, item):
    assert item.text == item.document.text
    a.Document.objects.update(text="净利润📈增长")
    passage = a.Item.objects.create(project=project, document=item.document, start=3, end=4)
    assert a.Item.objects.get(pk=passage.pk).text == "📈"


def test_keys_fit_a_signed_bigint_and_differ():
    keys = {a.random_key() for _draw in range(100)}
    assert len(keys) == 100
    assert all(0 <= key < 2**63 for key in keys)


def test_who_may_make_projects(project, cast):
    assert a.User.objects.can_create_projects(cast["dave"])
    assert not a.User.objects.can_create_projects(cast["alice"])
    cast["eve"].is_superuser = True
    cast["eve"].save()
    assert a.User.objects.can_create_projects(cast["eve"])


def test_an_imported_annotator_is_there_once_per_project(project, cast):
    a.User.objects.create(username="i1", name="x", imported_for=project)
    refused(a.User, username="i2", name="x", imported_for=project)
    a.User.objects.create(username="i3", name="x")
    a.User.objects.create(username="i4", name="x")


def test_a_closed_account_is_shown_by_its_name():
    assert str(a.User(username="import-1-ab", name="评审员")) == "评审员"
    assert str(a.User(username="zoe")) == "zoe"
