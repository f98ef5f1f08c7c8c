"""A freeze and private data: refused while any waits for a look, masked where that was decided, with its gold moved along."""

import json
from typing import Any

import pytest

from annotation import masking, scanning, screening
from annotation import models as a
from annotation import schema as schemas
from evaluation import raw
from evaluation.models import Example
from evaluation.wanted import want
from tests.conftest import make_annotation, make_gold, make_items, make_project, set_schema
from tests.evaluation.worlds import freeze, make_texts

MAIL = "jane.doe@example.org"


@pytest.fixture
def project(cast) -> a.Project:
    project = make_project(cast)
    make_texts(project, [f"Text {'x' * n} is here" for n in range(20)])
    return project


def decide(project: a.Project, state: str) -> None:
    screening.decide(project=project, asked={"scope": "all"}, state=state, reason="public", user=None)


def test_a_freeze_looks_through_the_texts_and_waits_for_somebodys_look(project):
    make_texts(project, [f"Write to {MAIL}.", f"Write to {MAIL} or 13812345678."])
    version = freeze(project)
    assert (version.state, version.reason) == ("failed", "private")
    assert "3 (E-mail address: 2, Chinese mobile number: 1)" in version.message
    assert "example.org" not in version.message
    assert screening.unscreened(project).count() == 0
    decide(project, "mask")
    assert freeze(project).state == "done"


def test_what_no_example_has_stops_nothing(project):
    make_items(project, [f"Nobody has settled this: {MAIL}."])
    scanning.at_once(project=project, what="private")
    assert a.PrivateHit.objects.open().count() == 1
    assert freeze(project).state == "done"


def test_masked_texts_are_frozen_with_placeholders_and_kept_ones_as_they_are(project):
    one, other = make_texts(project, [f"Write to {MAIL}.", "Or write to a@b.example today."])
    scanning.at_once(project=project, what="private")
    for item, state in ((one, "mask"), (other, "keep")):
        a.PrivateHit.objects.filter(document=item.document_id).update(state=state)
    version = freeze(project)
    texts = dict(Example.objects.filter(version=version).values_list("item", "text"))
    assert texts[one.pk] == "Write to [EMAIL_1]."
    assert texts[other.pk] == "Or write to a@b.example today."
    codes = {found["code"]: found for found in version.findings}
    assert codes["masked"]["values"]["count"] == 1
    assert codes["private"]["keys"] == [other.document.external_id]
    assert a.Document.objects.get(pk=one.document_id).text == f"Write to {MAIL}."


def test_a_changed_decision_makes_another_version_and_the_same_one_the_same_hash(project):
    make_texts(project, [f"Write to {MAIL}."])
    scanning.at_once(project=project, what="private")
    decide(project, "mask")
    first, second = freeze(project), freeze(project)
    assert first.content_hash == second.content_hash
    a.PrivateHit.objects.update(state="keep")
    assert freeze(project).content_hash != first.content_hash


def test_texts_that_differ_in_what_is_masked_alone_are_the_same_text(project):
    twins = make_texts(project, ["Write to a@b.example at once.", "Write to c@d.example at once."], labels=["positive"])
    scanning.at_once(project=project, what="private")
    decide(project, "mask")
    a.PrivateHit.objects.update(number=1)
    version = freeze(project, group_by=[])
    assert Example.objects.filter(version=version, item__in=twins).values("split").distinct().count() == 1


SCHEMA: dict[str, Any] = {
    "questions": [
        {"name": "who", "title": "Who", "kind": "spans", "labels": [{"name": "person", "title": "Person", "color": 1}]},
        {"name": "why", "title": "Why", "kind": "text"},
    ]
}


def test_marks_and_free_words_follow_what_is_masked(cast):
    project = make_project(cast, slug="marks")
    set_schema(project, schemas.check(SCHEMA))
    text = f"Ask {MAIL} or Bob tomorrow."
    [item] = make_items(project, [text], slots=0)
    at = text.index("Bob")
    inside = text.index("doe")
    spans = [
        {"start": at, "end": at + 3, "label": "person", "text": "Bob"},
        {"start": inside, "end": inside + 3, "label": "person", "text": "doe"},
    ]
    make_gold(item, spans, question="who")
    make_gold(item, f"Because {MAIL} said so", question="why")
    scanning.at_once(project=project, what="private")
    decide(project, "mask")
    version = freeze(project)
    assert version.state == "done", version.message
    example = Example.objects.get(version=version)
    assert example.text == "Ask [EMAIL_1] or Bob tomorrow."
    assert {example.text[one["start"] : one["end"]] for one in example.gold["who"]} == {"[EMAIL_1]", "Bob"}
    assert {one["text"] for one in example.gold["who"]} == {"[EMAIL_1]", "Bob"}
    assert example.gold["why"] == "Because [EMAIL_1] said so"
    assert masking.masked(item)[0] == example.text


def test_raw_answers_are_told_without_what_is_masked(cast):
    project = make_project(cast, slug="marks")
    set_schema(project, schemas.check(SCHEMA))
    text = f"Ask {MAIL} or Bob tomorrow."
    [item] = make_items(project, [text])
    at, inside = text.index("Bob"), text.index("doe")
    said = [{"start": at, "end": at + 3, "label": "person", "text": "Bob"}, {"start": inside, "end": inside + 3, "label": "person", "text": "doe"}]  # fmt: skip
    make_annotation(item, cast["alice"], answer={"who": said, "why": f"{MAIL} said so"}, comment=f"see {MAIL}")
    make_gold(item, said, question="who", note=MAIL)
    make_gold(item, "Because", question="why")
    scanning.at_once(project=project, what="private")
    decide(project, "mask")
    version = freeze(project, allow_leaks="all of it")
    wanted = want(version, with_test_gold=True, annotations=True, comments=True)
    [answer], decisions = list(raw._annotations(wanted)), list(raw._adjudications(wanted))
    frozen = Example.objects.get(version=version).text
    assert [frozen[mark["start"] : mark["end"]] for mark in answer["answer"]["who"]] == ["[EMAIL_1]", "Bob"]
    assert (answer["answer"]["why"], answer["comment"]) == ("[EMAIL_1] said so", "see [EMAIL_1]")
    assert "doe" not in json.dumps([answer, decisions])
    # Once another decision is taken, what was masked then is withheld, not told.
    decide_all = a.PrivateHit.objects.update(state="keep")
    assert decide_all == 1
    [answer] = raw._annotations(wanted)
    assert (answer["answer"], answer["comment"]) == ({}, "")
