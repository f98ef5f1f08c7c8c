"""Marks on the pages: mark by mark where answers are read, what differs shown, settings that survive their editor."""

import json
import re

import pytest

from annotation import jobs, measuring
from annotation import models as a
from annotation import schema as schemas
from tests.annotation.worlds import answer, lease, lines, upload
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.django_db

HERE = "/p/sentiment/"
QUESTION = {
    "name": "marks", "kind": "spans", "title": "Marks", "labels": [{"name": "ORG", "title": "Company"}, "SUM"], "overlap": False,
    "relations": ["owns: ORG > ORG", "pays"], "linked": ["ORG"], "numbers": ["SUM"], "snap": "characters",
}  # fmt: skip
APPLE = {"start": 0, "end": 5, "label": "ORG", "text": "Apple"}
PAID = {"start": 11, "end": 13, "label": "SUM", "text": "$5", "value": {"number": "5", "unit": "USD"}}
TEXT = "Apple paid $5 to <b>Beats</b> 😀."


@pytest.fixture
def project(cast):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [QUESTION]}))
    return project


@pytest.fixture
def item(project, cast):
    [item] = make_items(project, [TEXT])
    for name, value in (("alice", [{**APPLE, "relations": [{"type": "pays", "to": 1}]}, PAID]), ("bob", [APPLE])):
        answer(project, cast[name], lease(item, cast[name]), answer={"marks": value})
    return item


def chips(page):
    """(whether it differs, words) of each mark on a page."""
    found = re.findall(
        r'<span class="chip( differs)?"[^>]*>(.*?)</span> (?=<span class="chip|</span>)', page, re.DOTALL
    )
    return [(bool(differs), " ".join(re.sub(r"<[^>]+>", " ", words).split())) for differs, words in found]


def test_a_case_shows_mark_by_mark_and_what_not_everybody_marked(project, item, client_of):
    case = a.Case.objects.get(item=item)
    page = client_of("carol").get(f"{HERE}adjudicate/{case.pk}/").content.decode()
    told = chips(page)
    assert sorted(told) == [
        (False, "“Apple” Company"),
        (False, "“Apple” Company pays “$5”"),
        (True, "“$5” SUM = 5 USD not everybody"),
    ]
    taken = [json.loads(row.replace("&quot;", '"')) for row in re.findall(r'data-take="([^"]*)"', page)]
    assert sorted(map(len, taken)) == [1, 2]
    done = client_of("carol").post(
        f"{HERE}adjudicate/{case.pk}/", {"value": json.dumps(taken[0]), "reason": "oversight"}
    )
    assert done.status_code == 302
    assert a.Gold.objects.get(item=item).value == taken[0]
    for place in ("items/", f"items/{item.pk}/"):
        assert "“Apple”" in client_of("dave").get(HERE + place).content.decode()


def test_what_the_text_says_is_never_markup(project, cast, client_of):
    [item] = make_items(project, [TEXT], slots=1)
    start = TEXT.index("<b>")
    mark = {"start": start, "end": start + 12, "label": "ORG", "text": TEXT[start : start + 12]}
    answer(project, cast["alice"], lease(item, cast["alice"]), answer={"marks": [mark]})
    page = client_of("dave").get(f"{HERE}items/{item.pk}/").content.decode()
    assert "“&lt;b&gt;Beats&lt;/b&gt;”" in page
    assert "<b>Beats" not in page


def test_very_many_marks_are_cut_and_counted(project, cast, client_of):
    [item] = make_items(project, [TEXT], slots=1)
    many = [{"start": start, "end": end, "label": "ORG"} for start in range(6) for end in range(7, 20)][:75]
    set_schema(project, schemas.check({"questions": [{**QUESTION, "overlap": True}]}))
    answer(project, cast["alice"], lease(item, cast["alice"]), answer={"marks": many})
    page = client_of("dave").get(f"{HERE}items/{item.pk}/").content.decode()
    assert "and 45 more" in page


def test_items_are_found_by_the_labels_of_their_marks_and_not_by_the_words(project, cast, client_of):
    set_schema(project, schemas.check({"questions": [{**QUESTION, "labels": ["ORG", "SUM", "数额"]}]}))
    items = make_items(project, ["SUM of Apple", "Apple 5 元", "nothing"], slots=1)
    given = [[[0, 3, "ORG"]], [[0, 5, "SUM"], [6, 9, "数额"]], []]
    for item, marks in zip(items, given, strict=True):
        answer(project, cast["alice"], lease(item, cast["alice"]), answer={"marks": marks})
    for label, found in (("ORG", [0]), ("SUM", [1]), ("数额", [1]), ("Company", [])):
        page = client_of("dave").get(f"{HERE}items/", {"gold": label}).content.decode()
        assert [place for place, item in enumerate(items) if f"/items/{item.pk}/" in page] == found


def test_nothing_to_mark_is_told_in_words(project, cast, client_of):
    [item] = make_items(project, [TEXT], slots=1)
    answer(project, cast["alice"], lease(item, cast["alice"]), answer={"marks": []})
    assert "nothing marked" in client_of("dave").get(f"{HERE}items/{item.pk}/").content.decode()


def test_the_page_of_agreement_tells_it_in_words(project, item, cast, client_of):
    row = measuring.refresh(version=project.version, question="marks")
    assert jobs.run(a.AgreementReport, row.pk, measuring.work)
    page = client_of("dave").get(f"{HERE}agreement/").content.decode()
    for words in (
        "pairwise F1, exact",
        "pairwise F1 of the ends",
        "alpha of the labels",
        "How marks differ",
        "nothing there",
    ):
        assert words in page
    assert "Person by person" in page


def test_settings_survive_the_editor_of_the_guideline(project, client_of):
    draft = a.Guideline.objects.get(project=project)
    draft.schema = project.version.schema
    draft.save()
    client = client_of("dave")
    page = client.get(f"{HERE}guideline/edit/").content.decode()
    assert "owns: ORG &gt; ORG\npays" in page
    fields = {
        "do": "save", "text": "# Rules", "opened_at": draft.edited_at.isoformat(), "questions": "1", "q-0-name": "marks",
        "q-0-kind": "spans", "q-0-title": "Marks", "q-0-labels": "2", "q-0-label-0-name": "ORG", "q-0-label-0-title": "Company",
        "q-0-label-1-name": "SUM", "q-0-required": "on", "q-0-opt-relations": "owns: ORG > ORG\r\npays",
        "q-0-opt-linked": "ORG", "q-0-opt-numbers": "SUM", "q-0-opt-snap": "characters",
    }  # fmt: skip
    assert client.post(f"{HERE}guideline/edit/", fields).status_code == 302
    draft.refresh_from_db()
    saved, known = draft.schema["questions"][0], project.version.schema["questions"][0]
    names = ("overlap", "discontinuous", "relations", "linked", "numbers", "snap")
    assert {name: saved[name] for name in names} == {name: known[name] for name in names}
    page = client.get(f"{HERE}guideline/").content.decode()
    assert "owns: ORG &gt; ORG" in page


def test_the_page_of_an_import_offers_the_column_of_marks_before_there_is_a_guideline(cast, client_of):
    project = make_project(cast, slug="new")
    project.version = None
    project.save()
    row = upload(project, lines({"id": "1", "text": TEXT, "spans": [APPLE]}), "f.jsonl")
    client, address = client_of("dave"), f"/p/new/imports/{row.pk}/"
    page = client.get(address).content.decode()
    assert 'name="map_label:spans"' in page
    fields = {"do": "start", "format": "jsonl", "encoding": row.options["encoding"], "header": "on", "labels": "auto",
              "duplicates": "keep", "document_per": "line", "create_schema": "on",
              "map_id": "id", "map_text": "text", "map_label:spans": "spans"}  # fmt: skip
    assert client.post(address, fields).status_code == 302
    row.refresh_from_db()
    assert row.options["mapping"] == {"id": "id", "text": "text", "label:spans": "spans"}


def test_the_sizes_of_items_are_those_of_their_texts(project):
    [whole] = make_items(project, ["😀 𠀀 ab"], slots=0)
    passage = a.Item.objects.create(project=project, document=whole.document, start=2, end=5)
    assert measuring.sizes(project) == {str(whole.pk): 6, str(passage.pk): 3}
    assert (len(whole.text), len(passage.text)) == (6, 3)
