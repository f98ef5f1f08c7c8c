"""What is too long for a page is done by a worker: previews of publishing, work set aside and taken back."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotation import delegating, jobs, publishing, setting_aside
from annotation import models as a
from annotation.tasks import run_errand
from tests.annotation.worlds import label
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    project = make_project(cast, overlap=2, settle="unanimous")
    for item in make_items(project, 4):
        label(project, item, alice="positive", bob="positive")
    return project


@pytest.fixture
def long(monkeypatch):
    """Everything is too much for a page."""
    monkeypatch.setattr(setting_aside, "AT_ONCE", 3)
    monkeypatch.setattr(publishing, "AT_ONCE", 3)


def asked(project, user):
    project.refresh_from_db()
    return setting_aside.wanted(project=project, person=user, since=project.created_at)


def work(row):
    assert run_errand(row.pk)
    row.refresh_from_db()
    return row


def test_what_is_short_is_done_at_once(project, cast):
    assert delegating.look(asked(project, cast["alice"]), user=cast["dave"])["answers"] == 4
    act = delegating.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])
    assert isinstance(act, a.SetAside)
    assert delegating.revert(act=act, user=cast["dave"]).reverted_at is not None
    assert not a.Errand.objects.exists()


def test_a_worker_looks_sets_aside_and_takes_back_as_the_page_would(project, cast, long, monkeypatch):
    wanted = asked(project, cast["alice"])
    at_once = setting_aside.preview(wanted)
    assert work(delegating.look(wanted, user=cast["dave"])).result == at_once
    assert a.Annotation.objects.submitted().count() == 8
    row = delegating.set_aside(wanted, reason="guessing", user=cast["dave"])
    assert a.Annotation.objects.submitted().count() == 8
    act = a.SetAside.objects.get(pk=work(row).result["act"])
    assert (act.reason, act.made_by, a.Annotation.objects.submitted().count()) == ("guessing", cast["dave"], 4)
    assert work(delegating.revert(act=act, user=cast["dave"])).state == "done"
    assert a.Annotation.objects.submitted().count() == 8
    assert a.SetAside.objects.get().reverted_by == cast["dave"]


def test_what_is_wrong_is_said_before_a_worker_is_asked(project, cast, long):
    with pytest.raises(ValueError, match="Say why"):
        delegating.set_aside(asked(project, cast["alice"]), reason=" ", user=cast["dave"])
    with pytest.raises(ValueError, match="no answer of this person"):
        delegating.look(asked(project, cast["carol"]), user=cast["dave"])
    with pytest.raises(ValueError, match="names the question"):
        delegating.preview(project=project, plan={"mood": {}}, user=cast["dave"])
    assert not a.Errand.objects.exists()


def test_a_stopped_act_leaves_nothing(project, cast, long, monkeypatch):
    row = delegating.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"])

    def tick(self, done, total, note=""):
        raise jobs.JobCancelled

    monkeypatch.setattr(jobs.Grip, "tick", tick)
    assert work(row).state == "cancelled"
    assert (a.SetAside.objects.count(), a.Annotation.objects.submitted().count()) == (0, 8)


def test_an_act_whose_worker_was_lost_after_it_is_not_done_twice(project, cast, long):
    row = work(delegating.set_aside(asked(project, cast["alice"]), reason="guessing", user=cast["dave"]))
    a.Errand.objects.update(state="queued")
    assert work(row).state == "done"
    assert a.SetAside.objects.count() == 1


def test_the_page_follows_a_long_look_and_its_act(project, cast, long, client):
    client.force_login(cast["dave"])
    address = reverse("annotation:set_aside", args=[project.slug])
    response = client.get(address, {"person": cast["alice"].pk, "since": "2020-01-01"})
    row = a.Errand.objects.get()
    assert response.url == f"{address}?errand={row.pk}"
    progress = reverse("annotation:errand_progress", args=[project.slug, row.pk])
    page = client.get(response.url).content.decode()
    assert progress in page
    assert "Set 4 answers aside" not in page
    assert "HX-Refresh" not in client.get(progress)
    work(row)
    assert client.get(progress)["HX-Refresh"] == "true"
    page = client.get(response.url)
    assert "Set 4 answers aside" in page.content.decode()
    given = {**page.context["given"], "reason": "guessing"}
    response = client.post(address, given)
    act = work(a.Errand.objects.get(what="aside"))
    assert response.url == f"{address}?errand={act.pk}"
    assert a.SetAside.objects.get().until.isoformat() == given["until"]
    assert "done" in client.get(response.url).content.decode()
    client.post(reverse("annotation:revert_set_aside", args=[project.slug, a.SetAside.objects.get().pk]))
    back = a.Errand.objects.get(what="restore")
    client.post(reverse("annotation:errand_cancel", args=[project.slug, back.pk]))
    back.refresh_from_db()
    assert back.state == "cancelled"


def rename(project):
    labels = ["negative", "neutral", "good"]
    publishing.save_draft(project=project, text="", schema={"questions": [{"name": "sentiment", "labels": labels}]}, user=None)  # fmt: skip


def test_a_long_preview_of_publishing_comes_with_the_form_it_was_asked_by(project, cast, long, client):
    rename(project)
    client.force_login(cast["dave"])
    address = reverse("annotation:publish", args=[project.slug])
    form = {"do": "preview", "earlier": "plan", "change_note": "Good is clearer.", "plan-0-label-2": "=good"}
    response = client.post(address, form)
    row = a.Errand.objects.get()
    assert response.url == f"{address}?errand={row.pk}#plan-preview"
    assert reverse("annotation:errand_progress", args=[project.slug, row.pk]) in client.get(response.url).content.decode()  # fmt: skip
    work(row)
    page = client.get(response.url)
    assert (page.context["preview"]["mapped"], page.context["misfit"]) == (8, "")
    assert page.context["change_note"] == "Good is clearer."
    assert [one["value"] for one in page.context["plan_rows"][0]["labels"]] == ["", "", "=good"]
    publishing.save_draft(project=project, text="Other.", schema=project.guideline.schema, user=None)
    page = client.get(response.url)
    assert "The draft has changed since this was counted" in page.content.decode()
    assert page.context["preview"] is None


def test_the_api_answers_with_an_errand_to_ask(project, cast, long):
    rename(project)
    api = APIClient()
    api.force_authenticate(cast["dave"])
    plan = {"sentiment": {"labels": {"positive": "good"}}}
    response = api.post(reverse("api-guideline", args=[project.slug]), {"plan": plan, "preview": True}, format="json")
    assert (response.status_code, response.data["state"], response.data["what"]) == (202, "queued", "preview")
    work(a.Errand.objects.get())
    told = api.get(reverse("api-errand", args=[project.slug, response.data["id"]])).data
    assert (told["state"], told["result"]["mapped"], told["result"]["problem"]) == ("done", 8, "")
    given = {"person": "alice", "since": "2020-01-01T00:00Z", "dry_run": True}
    response = api.post(reverse("api-set-aside", args=[project.slug]), given, format="json")
    assert (response.status_code, response.data["what"]) == (202, "look")
    assert api.delete(reverse("api-errand", args=[project.slug, response.data["id"]])).status_code == 204
    assert api.delete(reverse("api-errand", args=[project.slug, response.data["id"]])).status_code == 409
