"""The pages, endpoints and command of guideline versions: plan, preview, publication, comparison, examples, review."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotation import effects, guiding, publishing
from annotation import models as a
from annotation.agreement.shares import wilson
from tests.annotation.worlds import answer, label, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db

GOOD = {"name": "sentiment", "labels": ["negative", "neutral", "good"]}
MAP = {"sentiment": {"labels": {"positive": "good"}}}


@pytest.fixture
def project(cast):
    """Four items: three agree on positive or neutral, one is contested; the draft renames positive."""
    project = make_project(cast)
    one, two, three, four = make_items(project, 4)
    for item, said in ((one, "positive"), (two, "positive"), (three, "neutral")):
        label(project, item, alice=said, bob=said)
    label(project, four, alice="positive", bob="neutral")
    publishing.save_draft(project=project, text="# Rules\n\nMore.", schema={"questions": [GOOD]}, user=None)
    return project


def url(name, project, *args):
    return reverse(f"annotation:{name}", args=[project.slug, *args])


def api(project, path=""):
    return f"/api/v1/projects/{project.slug}/guideline/{path}"


# The page of publishing


def test_the_page_begins_with_a_plan_where_labels_are_gone(project, client_of):
    shown = client_of("dave").get(url("publish", project))
    assert shown.context["earlier"] == "plan"
    [row] = shown.context["plan_rows"]
    assert {one["label"]["name"]: (one["answers"], one["gold"], one["value"]) for one in row["labels"]} == {
        "negative": (0, 0, ""), "neutral": (3, 1, ""), "positive": (5, 2, "?"),
    }  # fmt: skip


def test_what_becomes_of_a_label_that_is_gone_is_asked_where_somebody_gave_it(project, client_of):
    page = client_of("dave").get(url("publish", project)).content.decode()
    assert "choose what becomes of it" in page
    assert "nobody has given it" not in page
    publishing.save_draft(project=project, text="# Rules", schema={"questions": [{"name": "sentiment", "labels": ["neutral", "positive"]}]}, user=None)  # fmt: skip
    page = client_of("dave").get(url("publish", project)).content.decode()
    assert "nothing: nobody has given it" in page
    assert "choose what becomes of it" not in page


def test_a_single_version_is_compared_with_the_draft_for_who_may_read_that(project, client_of):
    for name in ("dave", "carol"):
        shown = client_of(name).get(url("guideline_compare", project)).context
        assert (shown["old"], shown["new"]) == ("1", "draft")
        assert shown["found"]["prose"]
    page = client_of("alice").get(url("guideline_compare", project)).content.decode()
    assert "only one version so far" in page
    assert "Edit the draft" not in page
    # A draft that says the same tells what will be there, and leads to it.
    version = project.version
    publishing.save_draft(project=project, text=version.text, schema=version.schema, user=None)
    page = client_of("dave").get(url("guideline_compare", project)).content.decode()
    assert "The draft says the same as version 1." in page
    assert url("guideline_edit", project) in page


def test_a_preview_counts_and_does_nothing(project, client_of):
    fields = {
        "do": "preview",
        "earlier": "plan",
        "plan-0-label-2": "=good",
        "plan-0-ask": "some",
        "plan-0-label-1": "?",
    }
    shown = client_of("dave").post(url("publish", project), fields)
    assert shown.status_code == 200
    told = shown.context["preview"]
    assert (told["mapped"], told["gold_mapped"], told["items"], told["answers"], told["people"]) == (4, 2, 2, 4, 2)
    assert project.versions.count() == 1
    # What was chosen is still chosen.
    [row] = shown.context["plan_rows"]
    assert [one["value"] for one in row["labels"]] == ["", "?", "=good"]


def test_a_preview_says_what_cannot_stand(project, client_of):
    fields = {"do": "preview", "earlier": "plan", "plan-0-label-2": ""}
    shown = client_of("dave").post(url("publish", project), fields)
    assert "7 answers or gold cannot stand" in shown.content.decode()
    response = client_of("dave").post(url("publish", project), {**fields, "do": "publish", "change_note": "x"})
    assert (response.status_code, project.versions.count()) == (400, 1)


def test_the_page_publishes_by_the_plan_and_shows_what_came_of_it(project, client_of):
    fields = {"do": "publish", "earlier": "plan", "change_note": "Good.", "plan-0-label-2": "=good"}
    response = client_of("dave").post(url("publish", project), fields, follow=True)
    row = a.Publication.objects.get()
    assert response.redirect_chain[-1][0] == url("publication", project, row.pk)
    assert row.figures["mapped"] == 5
    project.refresh_from_db()
    assert (project.version.earlier, project.version.plan) == ("plan", MAP)


def test_a_publication_at_work_is_shown_instead_of_the_form(project, client_of, monkeypatch):
    monkeypatch.setattr(publishing, "AT_ONCE", 1)
    client = client_of("dave")
    fields = {"do": "publish", "earlier": "plan", "change_note": "Good.", "plan-0-label-2": "=good"}
    response = client.post(url("publish", project), fields)
    row = a.Publication.objects.get()
    assert (row.state, response["Location"]) == ("queued", url("publication", project, row.pk))
    assert client.get(url("publish", project))["Location"] == url("publication", project, row.pk)
    assert "until this is done" in client.get(response["Location"]).content.decode()
    assert client.get(url("publication_progress", project, row.pk)).status_code == 200


def test_a_publication_that_waits_can_be_stopped(project, client_of, caller_of, monkeypatch):
    monkeypatch.setattr(publishing, "AT_ONCE", 1)
    options = {"project": project, "user": None, "change_note": "Good.", "plan": MAP}
    row = publishing.ask(**options)
    client_of("dave").post(url("publication_cancel", project, row.pk))
    row.refresh_from_db()
    assert (row.state, project.versions.count()) == ("cancelled", 1)
    assert client_of("dave").get(url("publish", project)).status_code == 200
    again = publishing.ask(**options)
    assert caller_of("dave").delete(api(project, f"published/{again.pk}/")).status_code == 204
    assert caller_of("dave").delete(api(project, f"published/{again.pk}/")).status_code == 409


def test_the_page_costs_the_same_for_few_answers_and_for_many(project, client_of, django_assert_max_num_queries):
    client = client_of("dave")
    client.get(url("publish", project))
    for item in make_items(project, 12):
        label(project, item, alice="positive", bob="neutral")
    with django_assert_max_num_queries(40):
        client.get(url("publish", project))


# Effects


def test_the_effect_of_asking_again_is_told_by_label(project, cast):
    version = publishing.publish(
        project=project, user=None, change_note="Good.",
        plan={"sentiment": {"labels": {"positive": "good"}, "ask": {}}},
    )  # fmt: skip
    project.refresh_from_db()
    said = {"alice": ["good", "good", "negative"], "bob": ["good", "neutral", "negative"]}
    for name, values in said.items():
        by_text = {}
        for _turn in range(3):
            [slot] = take(project, cast[name])
            before = a.Annotation.objects.get(item=slot.item, annotator=cast[name], guideline_version__number=1)
            by_text[slot.item_id] = before.answer["sentiment"]
            answer(project, cast[name], slot, values.pop())
    [row] = effects.of_version(version)
    assert (row["question"], row["asked"], row["answered"]) == ("sentiment", 8, 6)
    assert sum(one["answered"] for one in row["labels"]) == 6
    assert row["changed"]["count"] == sum(one["changed"]["count"] for one in row["labels"])
    assert row["changed"]["low"] < row["changed"]["value"] < row["changed"]["high"]


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    # Newcombe 1998, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_the_literature(count, of, low, high):
    assert wilson(count, of) == pytest.approx((low, high), abs=5e-5)


# Comparison


def test_the_draft_is_compared_for_those_who_adjudicate_alone(project, client_of):
    address = url("guideline_compare", project) + "?old=1&new=draft"
    shown = client_of("carol").get(address)
    assert "label removed" in shown.content.decode()
    assert client_of("alice").get(address).status_code == 403
    assert client_of("alice").get(url("guideline_compare", project) + "?old=1&new=7").status_code == 404


def test_a_program_reads_what_differs(project, caller_of):
    found = caller_of("carol").get(api(project, "compare/") + "?old=1&new=draft").json()
    assert [row["sign"] for row in found["prose"]] == ["same", "added"]
    assert caller_of("alice").get(api(project, "compare/") + "?old=1&new=draft").status_code == 403


# Examples


def test_an_item_becomes_an_example_from_its_page_and_everybody_sees_it_once_published(project, cast, client_of):
    item = project.items.first()
    client = client_of("carol")
    page = client.get(url("item", project, item.pk)).content.decode()
    assert 'value="sentiment=good"' in page
    fields = {"answer": "sentiment=good", "why": "A rise is good.", "words": "rose"}
    client.post(url("add_example", project, item.pk), fields)
    assert "A rise is good." not in client_of("alice").get(url("guideline", project)).content.decode()
    assert "A rise is good." in client.get(url("guideline_examples", project)).content.decode()
    publishing.publish(project=project, user=None, change_note="Good.", plan=MAP)
    for page in (url("guideline", project), url("label", project)):
        shown = client_of("alice").get(page).content.decode()
        assert "A rise is good." in shown
        assert "<mark>rose</mark>" in shown


def test_a_manager_changes_moves_and_takes_out_examples(project, client_of):
    one, two = project.items.all()[:2]
    first, second = [
        guiding.add_example(project=project, item=item, question="sentiment", value="good", user=None)
        for item in (one, two)
    ]
    client = client_of("dave")
    client.post(url("change_example", project, second.pk), {"do": "up"})
    assert guiding.drafted(project) == [second, first]
    fields = {"do": "save", "value": "neutral", "why": "No.", "words": "", "counter": "on"}
    client.post(url("change_example", project, first.pk), fields)
    first.refresh_from_db()
    assert (first.value, first.why, first.counter) == ("neutral", "No.", True)
    client.post(url("change_example", project, first.pk), {"do": "remove"})
    assert guiding.drafted(project) == [second]
    assert client_of("carol").post(url("change_example", project, second.pk), {"do": "remove"}).status_code == 403


def test_a_program_keeps_the_examples(project, caller_of):
    item = project.items.first()
    carol, dave = caller_of("carol"), caller_of("dave")
    made = carol.post(api(project, "examples/"), {"item": item.pk, "question": "sentiment", "value": "good"})
    assert made.status_code == 201, made.content
    [row] = carol.get(api(project, "examples/")).json()
    assert (row["external_id"], row["value"], row["counter"]) == ("d0", "good", False)
    one = api(project, f"examples/{row['id']}/")
    assert dave.patch(one, {"why": "Up.", "move": 1}).json()["why"] == "Up."
    assert dave.delete(one).status_code == 204
    wrong = carol.post(api(project, "examples/"), {"item": item.pk, "question": "sentiment", "value": "great"})
    assert (wrong.status_code, "no label" in wrong.content.decode()) == (400, True)


# Review


def test_a_review_is_asked_for_and_given_on_its_page(project, cast, client_of):
    dave, carol, page = client_of("dave"), client_of("carol"), url("guideline_review", project)
    dave.post(page, {"do": "ask", "reviewer": cast["carol"].pk, "note": "The new label, please."})
    assert "asks for a review" in carol.get(url("guideline", project)).content.decode()
    assert "asks for a review" not in client_of("alice").get(url("guideline", project)).content.decode()
    assert carol.post(page, {"do": "remark", "verdict": "change", "text": ""}).status_code == 400
    carol.post(page, {"do": "remark", "verdict": "approve", "text": "Fine."})
    assert "Approved as it is now." in dave.get(page).content.decode()
    assert "approved" in dave.get(url("publish", project)).content.decode()
    assert carol.post(page, {"do": "withdraw"}).status_code == 400


def test_a_program_asks_for_a_review_and_gives_one(project, caller_of):
    dave, carol, address = caller_of("dave"), caller_of("carol"), api(project, "review/")
    assert dave.get(address).status_code == 404
    assert dave.post(address, {"reviewer": "alice"}).status_code == 400
    assert dave.post(address, {"reviewer": "carol", "note": "Please."}).status_code == 201
    told = carol.patch(address, {"verdict": "approve"}).json()
    assert (told["approved"], told["remarks"][0]["author"]) == (True, "carol")
    assert carol.delete(address).status_code == 403
    assert dave.delete(address).status_code == 204


# Programs


def test_a_program_previews_and_publishes_by_a_plan(project, caller_of):
    dave = caller_of("dave")
    told = dave.post(api(project), {"plan": MAP, "preview": True}).json()
    assert (told["mapped"], told["problem"], project.versions.count()) == (5, "", 1)
    made = dave.post(api(project), {"plan": MAP, "change_note": "Good."})
    assert (made.status_code, made.json()["plan"]) == (201, MAP)
    row = a.Publication.objects.get()
    told = dave.get(api(project, f"published/{row.pk}/")).json()
    assert (told["state"], told["version"]["number"], told["figures"]["mapped"]) == ("done", 2, 5)


def test_a_long_publication_is_told_to_a_program_as_one_that_goes_on(project, caller_of, monkeypatch):
    monkeypatch.setattr(publishing, "AT_ONCE", 1)
    made = caller_of("dave").post(api(project), {"plan": MAP, "change_note": "Good."})
    assert (made.status_code, made.json()["state"], made.json()["version"]) == (202, "queued", None)


def test_the_command_previews_and_publishes(project, capsys, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(MAP))
    call_command("publish", "--project", project.slug, "--plan", json.dumps(MAP), "--preview")
    assert "nothing was done\n5 answers and 2 gold mapped" in capsys.readouterr().out
    call_command("publish", "--project", project.slug, "--plan", str(plan), "--note", "Good.", "--json")
    assert json.loads(capsys.readouterr().out)["version"] == 2
    with pytest.raises(CommandError, match="the same as version 2"):
        call_command("publish", "--project", project.slug, "--note", "Again.")


def test_what_did_not_change_is_folded_before_publishing(project, client_of):
    rules = "\n\n".join(f"Paragraph {n} says something of its own." for n in range(12))
    publishing.save_draft(project=project, text=rules, schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note="x")
    publishing.save_draft(project=project, text=rules.replace("Paragraph 5 says", "Paragraph 5 shouts"), schema=project.version.schema, user=None)  # fmt: skip
    page = client_of("dave").get(reverse("annotation:publish", args=[project.slug])).content.decode()
    assert "4 paragraphs are the same" in page
    assert "5 paragraphs are the same" in page
    assert page.count('<details class="folded">') == 2
