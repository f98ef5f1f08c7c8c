"""Who labels is told what changed in the guideline, once per person and version, before they go on."""

import uuid

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotation import annotating, publishing, telling
from annotation import models as a
from tests.annotation.worlds import label, lease, member, sent
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    project = make_project(cast)
    [item, _other] = make_items(project, 2)
    label(project, item, alice="positive")
    return project


def publish(project, note):
    publishing.save_draft(project=project, text=f"# {note}", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note=note)
    project.refresh_from_db()


def notes(project, user):
    found = telling.news(member(project, user))
    return found and [row["change_note"] for row in found["notes"]]


def test_what_changed_is_told_once(project, cast):
    assert notes(project, cast["alice"]) is None
    publish(project, "Look twice.")
    assert notes(project, cast["alice"]) == ["Look twice."]
    telling.tell(membership=member(project, cast["alice"]), number=2)
    assert notes(project, cast["alice"]) is None
    publish(project, "Look thrice.")
    assert notes(project, cast["alice"]) == ["Look thrice."]


def test_all_versions_since_one_last_labelled_are_told(project, cast):
    publish(project, "Second.")
    publish(project, "Third.")
    assert notes(project, cast["alice"]) == ["Third.", "Second."]
    found = telling.news(member(project, cast["alice"]))["found"]
    assert [row["sign"] for row in found["prose"]] == ["changed"] or found["prose"]


def test_who_has_never_labelled_is_told_nothing(project, cast):
    publish(project, "Second.")
    assert notes(project, cast["bob"]) is None


def test_telling_never_goes_back(project, cast):
    publish(project, "Second.")
    publish(project, "Third.")
    telling.tell(membership=member(project, cast["alice"]), number=3)
    telling.tell(membership=member(project, cast["alice"]), number=2)
    assert notes(project, cast["alice"]) is None
    with pytest.raises(ValueError, match="no version 9"):
        telling.tell(membership=member(project, cast["alice"]), number=9)


def test_the_labelling_page_holds_the_dialog_until_it_is_read(project, cast, client_of):
    publish(project, "Look twice.")
    client = client_of("alice")
    page = reverse("annotation:label", args=[project.slug])
    shown = client.get(page).content.decode()
    assert "told-dialog" in shown
    assert "Look twice." in shown
    address = reverse("annotation:label_told", args=[project.slug])
    assert client.post(address, {"number": "two"}, content_type="application/json").status_code == 400
    assert client.post(address, {"number": 2}, content_type="application/json").status_code == 204
    assert "told-dialog" not in client.get(page).content.decode()
    assert "told-dialog" not in client_of("bob").get(page).content.decode()


def test_how_many_of_ones_answers_are_asked_again_is_told(project, cast):
    publishing.save_draft(project=project, text="# New", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note="New.", plan={"sentiment": {"ask": {}}})
    project.refresh_from_db()
    assert telling.news(member(project, cast["alice"]))["asked"] == 1
    assert a.Assignment.objects.filter(state="assigned").count() == 1


def test_no_answer_is_taken_from_somebody_who_has_not_read_what_changed(project, cast):
    publish(project, "Look twice.")
    api = APIClient()
    api.force_authenticate(cast["alice"])
    address = reverse("api-label", args=[project.slug])
    found = api.get(address).json()
    about = reverse("api-guideline-told", args=[project.slug])
    assert found["untold"] == about
    [item] = found["items"]
    sent = {"client_id": str(uuid.uuid4()), "assignment": item["assignment"], "token": item["token"], "version": found["version"], "answer": {"sentiment": "neutral"}}  # fmt: skip
    refused = api.post(address, sent, format="json")
    assert refused.status_code == 409
    assert f"version 2 of the guideline changed. Read that first, then send your answer again. GET {about}" in refused.json()["error"]  # fmt: skip
    assert refused.json()["kept"]["answer"] == {"sentiment": "neutral"}
    assert not a.Annotation.objects.submitted().filter(guideline_version=project.version).exists()
    told = api.get(about).json()
    assert (told["number"], [note["change_note"] for note in told["notes"]]) == (2, ["Look twice."])
    assert api.post(about, {"number": 3}, format="json").status_code == 400
    assert api.post(about, {"number": told["number"]}, format="json").status_code == 204
    assert api.post(address, sent, format="json").json()["saved"]
    assert api.get(about).json()["number"] is None
    assert "untold" not in api.get(address).json()
    # A repeat of what was taken is answered as before, whatever is published meanwhile.
    publish(project, "Look thrice.")
    assert api.post(address, sent, format="json").json()["saved"]


def test_a_correction_waits_for_the_reading_too_and_who_never_labelled_needs_none(project, cast):
    publish(project, "Look twice.")
    mine = a.Annotation.objects.get(annotator=cast["alice"])
    slot = a.Assignment.objects.get(item=mine.item, annotator=cast["alice"])
    with pytest.raises(annotating.Untold, match="what version 2 of the guideline changed"):
        annotating.submit(membership=member(project, cast["alice"]), sent=sent(slot, "negative", token=None), more=False)  # fmt: skip
    bobs = lease(mine.item, cast["bob"])
    annotating.submit(membership=member(project, cast["bob"]), sent=sent(bobs), more=False)
    assert member(project, cast["bob"]).told == 2
