"""A cleaning is taken back, or made anew with other steps; what people have worked on stays."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from annotation import delegating, jobs, recleaning, scanning, screening
from annotation import models as a
from tests.annotation.worlds import answer, bring, documents, lease, lines
from tests.conftest import make_project

pytestmark = pytest.mark.django_db
HTML = "<p>Profit rose.</p><p>Itâ€™s more.</p>"
ROWS = [
    {"id": "a", "text": HTML},
    {"id": "b", "text": HTML.replace("Profit", "Revenue")},
    {"id": "c", "text": "Plain."},
]


@pytest.fixture
def project(cast):
    return make_project(cast)


def came(project, **options):
    bring(project, lines(*ROWS), **options)
    return a.Import.objects.latest("pk")


def test_a_cleaning_is_taken_back_and_the_raw_text_is_there_again(project, cast):
    row = came(project, clean=["html", "mojibake"])
    assert documents(project)["a"] == "Profit rose.\n\nIt’s more."
    key = a.Document.objects.get(external_id="a").text_key
    counts = recleaning.reclean(row=row, steps=[], user=cast["dave"])
    assert counts == {"changed": 2, "same": 1, "kept": 0}
    assert documents(project)["a"] == HTML
    document = a.Document.objects.get(external_id="a")
    assert (document.raw, document.cleaning) == (None, {})
    assert document.text_key != key
    act = a.Act.objects.get(kind="cleaned_anew")
    assert (act.by, act.details["count"], act.details["steps"]) == (cast["dave"], 2, [])
    assert recleaning.reclean(row=row, steps=["html", "mojibake"], user=None)["changed"] == 2
    assert a.Document.objects.get(external_id="a").text_key == key


def test_what_people_have_worked_on_stays_and_is_counted(project, cast):
    row = came(project, clean=["html"])
    items = {item.document.external_id: item for item in a.Item.objects.select_related("document")}
    answer(project, cast["alice"], lease(items["a"], cast["alice"]))
    lease(items["b"], cast["bob"])
    before = documents(project)
    assert recleaning.reclean(row=row, steps=[], user=None) == {"changed": 0, "same": 1, "kept": 2}
    assert documents(project) == before
    assert recleaning.count(row) == {"documents": 3, "changed": 2, "free": 1}


def test_passages_are_cut_anew(project):
    row = came(project, clean=["html"], segment="sentence")
    first = a.Item.objects.filter(document__external_id="a").order_by("start")
    assert [item.text for item in first] == ["Profit rose.", "Itâ€™s more."]
    slots = a.Assignment.objects.count()
    recleaning.reclean(row=row, steps=["html", "mojibake"], user=None)
    assert [item.text for item in first.all()] == ["Profit rose.", "It’s more."]
    assert a.Assignment.objects.count() == slots
    recleaning.reclean(row=row, steps=[], user=None)
    for item in a.Item.objects.all():
        assert item.text
        assert item.assignments.count() == project.overlap


def test_steps_that_are_none_and_imports_that_have_not_ended_are_refused(project):
    row = came(project)
    with pytest.raises(ValueError, match="is no step of cleaning"):
        recleaning.reclean(row=row, steps=["polish"], user=None)
    row.state = "running"
    with pytest.raises(ValueError, match="once their import has ended"):
        recleaning.reclean(row=row, steps=[], user=None)


def test_a_worker_does_it_where_there_are_many(project, cast, monkeypatch):
    row = came(project, clean=["html"])
    monkeypatch.setattr(recleaning, "AT_ONCE", 1)
    errand = delegating.reclean(row=row, steps=[], user=cast["dave"])
    assert isinstance(errand, a.Errand)
    assert jobs.run(a.Errand, errand.pk, delegating.work)
    errand.refresh_from_db()
    assert (errand.state, errand.result["changed"]) == ("done", 2)
    assert documents(project)["a"] == HTML


def test_page_api_and_command_do_the_same(project, cast, client):
    row = came(project, clean=["html"])
    client.force_login(cast["dave"])
    page = client.get(f"/p/{project.slug}/imports/{row.pk}/").content.decode()
    assert 'name="clean" value="html" checked' in page
    assert client.post(f"/p/{project.slug}/imports/{row.pk}/clean/", {"clean": []}).status_code == 302
    assert documents(project)["a"] == HTML
    url = f"/api/v1/projects/{project.slug}/imports/{row.pk}/cleaning/"
    told = client.post(url, json.dumps({"steps": ["html"]}), content_type="application/json")
    assert (told.status_code, told.json()) == (200, {"changed": 2, "same": 1, "kept": 0})
    assert client.get(url).json() == {"steps": ["html"], "documents": 3, "changed": 2, "free": 3}
    assert client.post(url, json.dumps({"steps": ["polish"]}), content_type="application/json").status_code == 400
    out = StringIO()
    call_command("reclean", "--project", project.slug, "--steps", "none", "--json", stdout=out)
    assert json.loads(out.getvalue())["changed"] == 2
    assert documents(project)["a"] == HTML
    client.force_login(cast["alice"])
    assert client.post(f"/p/{project.slug}/imports/{row.pk}/clean/").status_code in (403, 404)


def test_a_text_that_is_cleaned_anew_is_looked_through_anew(project):
    rows = [{"id": "a", "text": "<p>Write to a@b.example.</p>"}]
    bring(project, lines(*rows), clean=["html"])
    scanning.at_once(project=project, what="private")
    assert a.PrivateHit.objects.get().start == 9
    recleaning.reclean(row=a.Import.objects.latest("pk"), steps=[], user=None)
    assert (a.PrivateHit.objects.count(), screening.unscreened(project).count()) == (0, 1)
    scanning.at_once(project=project, what="private")
    assert a.PrivateHit.objects.get().start == 12
