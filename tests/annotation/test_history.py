"""The history of a project: all that happened, to those who may read it, page by page and as a file."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotation import adjudicating, assigning, calibrating, guiding, history, inviting, publishing, reviewing, watching
from annotation import models as a
from annotation.streams import Asked
from tests.annotation.worlds import answer, correct, label, member, take
from tests.conftest import make_annotation, make_gold, make_items, make_project


@pytest.fixture
def project(cast):
    return make_project(cast)


def told(project, user, **asked):
    """(kind, person) of what is told, the newest first."""
    found = history.page(asked=Asked(project, **asked), user=user)
    return [(entry.kind, entry.person.username if entry.person else None) for entry in found.entries]


def test_everything_that_happens_is_told_in_order(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="negative")
    case = a.Case.objects.get()
    adjudicating.decide(case=case, value="positive", user=cast["carol"], reason="oversight", note="plain")
    gold = a.Gold.objects.get()
    adjudicating.redecide(gold=gold, value="negative", user=cast["dave"], reason="other")
    inviting.change_role(membership=member(project, cast["erin"]), role="manager", labels=False, by=cast["dave"])
    kinds = [kind for kind, _who in told(project, cast["dave"])]
    assert kinds == ["role_changed", "gold", "gold_replaced", "gold", "case_closed", "case_opened", "answered", "answered", "published"]  # fmt: skip
    assert told(project, cast["dave"], person=cast["carol"].pk) == [("gold_replaced", None), ("gold", "carol")]
    assert told(project, cast["dave"], kind="role_changed") == [("role_changed", "dave")]
    assert told(project, cast["dave"], person=cast["erin"].pk) == [("role_changed", "dave")]
    later = timezone.now() + timedelta(minutes=1)
    assert told(project, cast["dave"], since=later) == []
    assert len(told(project, cast["dave"], until=later, item=item.pk)) == 7


def test_examples_reviews_rounds_and_alarms_are_told_in_words(project, cast, client_of):
    [item, *_fresh] = make_items(project, 5)
    label(project, item, alice="positive", bob="positive")
    example = guiding.add_example(project=project, item=item, question="sentiment", value="positive", user=cast["dave"])
    draft = {"text": "New words.", "schema": project.version.schema, "user": cast["dave"]}
    publishing.save_draft(project=project, **draft)
    review = reviewing.ask(project=project, user=cast["dave"])
    for verdict in ("comment", "change", "approve"):
        reviewing.remark(review=review, author=cast["carol"], verdict=verdict, text="So it is.")
    guiding.remove_example(example=example, user=cast["dave"])
    people = [member(project, cast[name]) for name in ("alice", "bob")]
    round = calibrating.start(project=project, people=people, by=cast["dave"], count=2)
    for _twice in range(2):
        calibrating.open_discussion(round=round, by=cast["dave"])
    alarm = a.Alarm.objects.create(project=project, person=cast["bob"], kind="fast", since=timezone.now(), until=timezone.now())  # fmt: skip
    watching.dismiss(alarm=alarm, user=cast["dave"], note="Simply quick.")
    wanted = [
        ("alarm_dismissed", "dave"), ("round_closed", "dave"), ("round_opened", "dave"), ("example_removed", "dave"),
        ("review_approved", "carol"), ("review_changes", "carol"), ("review_asked", "dave"), ("example_added", "dave"),
    ]  # fmt: skip
    new = {kind for kind, _who in wanted}
    assert [entry for entry in told(project, cast["dave"]) if entry[0] in new] == wanted
    address = reverse("annotation:history", args=[project.slug])
    page = client_of("dave").get(address, {"kind": "review_approved"}).content.decode()
    assert page.count("approved of the draft") == 2  # in the filter, and once in the list
    assert "Simply quick." not in client_of("carol").get(address).content.decode()


def test_an_answer_says_when_under_which_version_and_in_how_long(project, cast):
    [item] = make_items(project, 1, slots=1)
    slot = take(project, cast["alice"])[0]
    answer(project, cast["alice"], slot, seconds=12.5, comment="clear")
    [entry] = history.page(asked=Asked(project, kind="answered"), user=cast["dave"]).entries
    assert (entry.item, entry.version, entry.told["seconds"], entry.hidden) == (item.pk, 1, 12.5, False)
    assert entry.told["answer"] == {"sentiment": "positive"}
    assert (entry.external_id, entry.told["comment"]) == ("d0", "clear")


def test_what_was_said_is_not_told_before_the_item_is_settled(project, cast):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob=None)
    for name in ("carol", "dave"):
        entries = history.page(asked=Asked(project, item=item.pk), user=cast[name]).entries
        answers = [entry for entry in entries if entry.kind == "answered"]
        assert {entry.person.username for entry in answers} == {"alice", "bob"}
        assert all(entry.hidden and entry.told["answer"] is None and entry.told["status"] is None for entry in answers)
        assert told(project, cast[name], kind="skipped") == []  # whose skip it was is no more told than an answer
        assert told(project, cast[name], question="sentiment", kind="answered") == []
    adjudicating.decide(case=a.Case.objects.get(), value="positive", user=cast["carol"], reason="other")
    assert told(project, cast["dave"], kind="skipped") == [("answered", "bob")]


def test_who_still_labels_an_item_reads_nothing_of_it(project, cast):
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    first, second = make_items(project, 2)
    make_annotation(first, cast["alice"])
    make_gold(second)
    answer(project, cast["alice"], take(project, cast["alice"])[0])
    page = history.page(asked=Asked(project), user=cast["carol"])
    assert [entry.kind for entry in page.entries] == ["published"]
    assert page.left_out == 2
    assert history.page(asked=Asked(project), user=cast["dave"]).left_out == 0


def test_pages_join_without_a_gap_or_a_repeat_also_where_all_happened_at_once(project, cast):
    moment = timezone.now()
    for place, item in enumerate(make_items(project, 13)):
        gold = make_gold(item, settled_at=moment)
        a.Case.objects.create(project=project, item=item, question="sentiment", opened_at=moment, closed_at=moment)
        if place % 2:
            a.Gold.objects.filter(pk=gold.pk).update(superseded_at=moment)
    whole = history.page(asked=Asked(project), user=cast["dave"], size=200)
    assert len(whole.entries) == 13 * 3 + 6 + 1
    places, after = [], None
    while True:
        page = history.page(asked=Asked(project), user=cast["dave"], after=after, size=7)
        places += [entry.place for entry in page.entries]
        if not page.after:
            break
        after = history.place_of(page.after)
    assert places == [entry.place for entry in whole.entries]
    assert len(set(places)) == len(places)


def test_a_page_asks_the_database_as_often_wherever_it_stands(project, cast, django_assert_max_num_queries):
    def queries(size, after=None):
        with django_assert_max_num_queries(40) as asked:
            page = history.page(asked=Asked(project), user=cast["dave"], size=size, after=after)
        return len(asked.captured_queries), page

    for item in make_items(project, 40):
        make_gold(item)
        label(project, item, alice="positive", bob="positive")
    few, page = queries(5)
    many, _page = queries(60)
    assert few == many
    for _ in range(6):
        behind, page = queries(5, history.place_of(page.after))
    assert behind <= few + 1  # a moment that two pages share is looked up by itself


@pytest.mark.parametrize("text", ["x", "2026-05-14~gold~1", "2026-05-14T00:00:00Z~nothing~1", "2026-05-14T00:00:00Z~gold~-1", "9999-99-99T00:00:00Z~gold~1"])  # fmt: skip
def test_a_place_that_no_page_has_named_is_refused(text, project, client_of):
    with pytest.raises(ValueError, match="no place"):
        history.place_of(text)
    page = client_of("dave").get(reverse("annotation:history", args=[project.slug]), {"after": text})
    assert page.status_code == 400


@pytest.mark.parametrize(
    ("asked", "says"),
    [({"kind": "x"}, "no kind"), ({"item": "999999"}, "no item"), ({"item": "x"}, "item must be a number"),
     ({"version": "7"}, "no guideline version"), ({"since": "2026-13-40"}, "since must be a day")],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_named(asked, says, project, client_of, caller_of):
    page = client_of("dave").get(reverse("annotation:history", args=[project.slug]), asked)
    assert page.status_code == 400
    assert says in page.content.decode()
    told = caller_of("dave").get(f"/api/v1/projects/{project.slug}/history/", asked)
    assert told.status_code == 400
    assert says in told.json()["error"]


def test_the_api_gives_the_same_pages(project, cast, caller_of):
    for item in make_items(project, 5, slots=1):
        label(project, item, alice="positive")
    dave, address = caller_of("dave"), f"/api/v1/projects/{project.slug}/history/?kind=answered&page_size=2"
    found = []
    while address:
        told = dave.get(address).json()
        found += told["results"]
        address = told["next"]
    assert [row["external_id"] for row in found] == ["d4", "d3", "d2", "d1", "d0"]
    assert {row["person"] for row in found} == {"alice"}
    assert found[0]["answer"] == {"sentiment": "positive"}


def test_ones_own_history_is_ones_own_alone(project, cast, caller_of, client_of):
    first, second = make_items(project, 2)
    label(project, first, alice="positive", bob="negative")
    correct(project, cast["alice"], first, "neutral")
    label(project, second, bob="positive")
    alice = caller_of("alice").get(f"/api/v1/projects/{project.slug}/my-history/").json()["results"]
    assert [(row["kind"], row["answer"]["sentiment"]) for row in alice] == [("corrected", "neutral"), ("answered", "positive")]  # fmt: skip
    assert caller_of("alice").get(f"/api/v1/projects/{project.slug}/history/").status_code == 403
    page = client_of("alice").get(reverse("annotation:work", args=[project.slug])).content.decode()
    assert "corrected an answer" in page
    # what a manager does with one's work, and items that come back, are told to nobody
    a.Annotation.objects.filter(annotator=cast["alice"]).update(superseded_at=timezone.now())
    again = a.Annotation.every.create(project=project, item=second, annotator=cast["alice"], guideline_version=project.version, again=1)  # fmt: skip
    a.Revision.objects.create(annotation=again, project=project, person=cast["alice"], client_id="00000000-0000-0000-0000-000000000009", status="submitted")  # fmt: skip
    assert len(caller_of("alice").get(f"/api/v1/projects/{project.slug}/my-history/").json()["results"]) == 2
    assert ("superseded", "alice") in told(project, cast["dave"])


def test_a_file_has_every_entry_and_no_cell_that_a_spreadsheet_runs(project, cast, client_of, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 3)
    for _item in make_items(project, 8, slots=1):
        slot = take(project, cast["alice"])[0]
        answer(project, cast["alice"], slot, comment='=HYPERLINK("http://x")', seconds=3.0)
    dave = client_of("dave")
    text = b"".join(dave.get(reverse("annotation:history_file", args=[project.slug, "csv"]), {"kind": "answered"}))
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert len(rows) == 8
    assert {row["comment"] for row in rows} == {'\'=HYPERLINK("http://x")'}
    assert json.loads(rows[0]["answer"]) == {"sentiment": "positive"}
    lines = b"".join(dave.get(reverse("annotation:history_file", args=[project.slug, "jsonl"]))).decode().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert len(kinds) == 17
    assert {"answered", "gold", "published"} == set(kinds)
    assert dave.get(reverse("annotation:history_file", args=[project.slug, "exe"])).status_code == 404
    assert dave.get(reverse("annotation:history_file", args=[project.slug, "csv"]), {"item": "x"}).status_code == 404


def test_an_items_page_has_its_own_history(project, cast, client_of):
    first, second = make_items(project, 2, slots=1)
    label(project, first, alice="positive")
    label(project, second, bob="negative")
    page = client_of("carol").get(reverse("annotation:item", args=[project.slug, first.pk])).content.decode()
    part = page[page.index("happened-title") :]
    assert "gold was settled" in part
    assert "alice" in part
    assert "bob" not in part
    assert f"?item={first.pk}" in part


def test_what_was_taken_back_names_whom(project, cast, client_of):
    make_items(project, 2)
    take(project, cast["bob"])
    assigning.release(project=project, annotator=cast["bob"], by=cast["dave"])
    page = client_of("carol").get(reverse("annotation:history", args=[project.slug])).content.decode()
    assert "took back what a person held" in page
    assert "<bdi>how many</bdi>: <bdi>1</bdi>" in page
