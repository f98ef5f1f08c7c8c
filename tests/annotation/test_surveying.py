"""The figures of quality: right, the same whether counted anew or by what changed, and asked for where they are stale."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotation import (
    adjudicating,
    controlling,
    inviting,
    measuring,
    publishing,
    quality,
    referring,
    setting_aside,
    surveying,
    withdrawing,
)
from annotation import models as a
from annotation.tasks import run_agreement, run_quality
from tests.annotation.worlds import answer, correct, label, lease
from tests.conftest import make_gold, make_items, make_project


@pytest.fixture
def project(cast):
    return make_project(cast)


def figures(project, *, full=False):
    """The figures as the worker makes them now, agreement first."""
    for entry in project.version.schema["questions"]:
        run_agreement(measuring.refresh(version=project.version, question=entry["name"]).pk)
    row = surveying.refresh(project, full=full)
    run_quality(row.pk)
    row.refresh_from_db()
    assert row.state == "done", row.message
    return row.figures


def days_ago(monkeypatch, days):
    """Let the site's clock stand some days ago."""
    moment = timezone.now() - timedelta(days=days)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    monkeypatch.setattr(a.Annotation._meta.get_field("created_at"), "_get_default", lambda: moment)


def without_cost(told):
    return {name: value for name, value in told.items() if name not in ("cost", "counted", "days")}


def test_the_figures_are_those_of_the_rows(project, cast):
    items = make_items(project, 5)
    for item, (alice, bob) in zip(items, [("positive", "positive"), ("positive", "neutral"), ("negative", "neutral"), ("negative", None)], strict=False):  # fmt: skip
        label(project, item, alice=alice, bob=bob)
    correct(project, cast["alice"], items[1], "negative")
    told = figures(project)
    slots = {"all": 10, "done": 7, "skipped": 1, "left": 2, "percent": 80, "items": 5, "controls": 0, "training": 0}
    assert told["slots"] == {**slots, "waiting": 1, "answered": 4, "fewest": 2, "most": 2, "mean": 2.0}
    assert told["gold"] == {"by": {"sentiment": {"unanimous": 1}}, "items": 1, "apart": 0}
    assert (told["cases"]["open"], told["cases"]["ages"][0]) == (3, 3)
    people = {row["name"]: row for row in told["people"]}
    assert (people["alice"]["submitted"], people["alice"]["corrected"], people["bob"]["skipped"]) == (4, 1, 1)
    [question] = told["questions"]
    assert (question["items"], question["differing"], question["figure"]) == (3, 2, "krippendorff_alpha")
    assert [(pair["a"], pair["b"], pair["pairs"]) for pair in question["confused"]] == [("negative", "neutral", 2.0)]
    assert question["confused"][0]["share"] == 1.0
    assert told["cost_of_gold"] == {"items": 1, "answers": 2.0, "seconds": None}
    point = a.AgreementPoint.objects.get()
    assert (point.n, point.figure) == (3, "krippendorff_alpha")
    assert point.value == pytest.approx(question["agreement"]["value"])


def test_what_changed_gives_the_same_figures_as_everything_anew(project, cast, monkeypatch):
    items = make_items(project, 12)
    with monkeypatch.context() as patch:
        days_ago(patch, 3)
        for item in items[:5]:
            label(project, item, alice="positive", bob="positive")
        figures(project)
    with monkeypatch.context() as patch:
        days_ago(patch, 1)
        for item in items[5:8]:
            label(project, item, alice="positive", bob="negative")
        correct(project, cast["bob"], items[0], "neutral")  # an older day's item: its point changes, too
        assert figures(project)["counted"] == "changes"
    label(project, items[9], alice="neutral", bob="neutral")
    adjudicating.decide(case=a.Case.objects.open().first(), value="positive", user=cast["carol"], reason="other")
    changed = figures(project)
    points = list(a.AgreementPoint.objects.values_list("period", "value", "n"))
    days = list(a.WorkDay.objects.order_by("day", "person").values_list("person", "day", "answered", "corrected"))
    anew = figures(project, full=True)
    assert (changed["counted"], anew["counted"]) == ("changes", "all")
    assert without_cost(changed) == without_cost(anew)
    assert points == list(a.AgreementPoint.objects.values_list("period", "value", "n"))
    assert days == list(
        a.WorkDay.objects.order_by("day", "person").values_list("person", "day", "answered", "corrected")
    )
    assert [n for _period, _value, n in points] == [5, 3, 1]


def test_the_trend_and_the_figures_go_on_over_a_rename(project, cast, client):
    items = make_items(project, 4)
    for item, other in zip(items[:3], ["positive", "negative", "neutral"], strict=True):
        label(project, item, alice="positive" if item != items[2] else "neutral", bob=other)
    before = figures(project)["questions"][0]
    [was] = a.AgreementPoint.objects.values_list("guideline_version__number", "value", "n")
    names = ["negative", "neutral", "good"]
    publishing.save_draft(project=project, text="", schema={"questions": [{"name": "sentiment", "labels": names}]}, user=None)  # fmt: skip
    publishing.publish(project=project, user=None, change_note="new", plan={"sentiment": {"labels": {"positive": "good"}}})  # fmt: skip
    project.refresh_from_db()
    now = figures(project)["questions"][0]
    assert (now["version"], now["given_under"], now["items"]) == (2, {"1": 6}, 3)
    assert now["agreement"] == before["agreement"]
    assert list(a.AgreementPoint.objects.values_list("guideline_version__number", "value", "n")) == [was]
    label(project, items[3], alice="good", bob="good")
    assert figures(project)["questions"][0]["items"] == 4
    assert list(a.AgreementPoint.objects.order_by("guideline_version__number").values_list("guideline_version__number", "n")) == [(1, 3), (2, 1)]  # fmt: skip
    client.force_login(cast["dave"])
    told = "Of 8 answers 6 were given under an earlier version and carried over (v1: 6)."
    for name in ("quality", "quality_report", "agreement"):
        assert told in client.get(reverse(f"annotation:{name}", args=[project.slug])).content.decode()


def test_work_that_is_set_aside_counts_no_more(project, cast):
    items = make_items(project, 3)
    for item in items:
        label(project, item, alice="positive", bob="negative")
    assert figures(project)["questions"][0]["differing"] == 3
    a.Annotation.objects.filter(annotator=cast["bob"]).update(superseded_at=timezone.now())
    told = figures(project)
    assert a.AgreementPoint.objects.count() == 0
    assert {row["name"]: row["submitted"] for row in told["people"]} == {"alice": 3}
    assert told["slots"]["left"] == 0


def test_a_refresh_asks_the_database_as_often_at_any_size(project, cast, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(200) as asked:
            surveying.survey(project, None, timezone.now(), lambda *_: None)
        return len(asked.captured_queries)

    for item in make_items(project, 3):
        label(project, item, alice="positive", bob="positive")
    figures(project)
    few = queries()
    for item in make_items(project, 25):
        label(project, item, alice="positive", bob="negative")
    assert queries() == few


def test_the_page_asks_the_database_as_often_at_any_size(project, client_of, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(80) as asked:
            assert client_of("dave").get(reverse("annotation:quality", args=[project.slug])).status_code == 200
        return len(asked.captured_queries)

    for item in make_items(project, 2):
        label(project, item, alice="positive", bob="positive")
    figures(project)
    few = queries()
    for item in make_items(project, 20):
        label(project, item, alice="positive", bob="negative")
    figures(project)
    assert queries() == few


def test_figures_are_asked_for_only_where_something_was_done(project, cast, monkeypatch):
    assert surveying.sweep() == 0
    [first, second] = make_items(project, 2)
    label(project, first, alice="positive", bob="positive")
    assert surveying.sweep() == 1
    assert surveying.sweep() == 0  # it is under way
    run_quality(a.QualityReport.objects.get().pk)
    assert not surveying.is_stale(surveying.done(project), project)
    later = timezone.now() + timedelta(minutes=30)
    label(project, second, alice="positive")
    assert surveying.is_stale(surveying.done(project), project)
    assert surveying.sweep() == 0  # not so soon
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: later)
        assert surveying.sweep() == 1
    a.Project.objects.update(archived_at=timezone.now())
    a.QualityReport.objects.filter(state="queued").update(state="cancelled")
    with monkeypatch.context() as patch:
        patch.setattr(timezone, "now", lambda: later + timedelta(hours=1))
        assert surveying.sweep() == 0


def test_settings_that_change_make_figures_stale_and_a_worker_lost_leaves_the_old_ones(project, cast, client_of):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    figures(project)
    inviting.configure(project=project, by=cast["dave"], lease_minutes=7)
    page = client_of("dave").get(reverse("annotation:quality", args=[project.slug])).content.decode()
    assert "Something was done since." in page
    failed = surveying.refresh(project)
    a.QualityReport.objects.filter(pk=failed.pk).update(state="failed", message="The worker was lost.")
    page = client_of("dave").get(reverse("annotation:quality", args=[project.slug])).content.decode()
    assert "The worker was lost." in page
    assert "items with gold" in page


def test_the_page_leads_to_the_rows_behind_each_number(project, cast, client_of):
    items = make_items(project, 3)
    label(project, items[0], alice="positive", bob="negative")
    label(project, items[1], alice="positive", bob="neutral")
    figures(project)
    dave = client_of("dave")
    page = dave.get(reverse("annotation:quality", args=[project.slug])).content.decode()
    assert f"?person={cast['alice'].pk}" in page
    pair = "question=sentiment&amp;pair=negative%09positive"
    assert f"/items/?{pair}" in page
    rows = dave.get(
        reverse("annotation:items", args=[project.slug]), {"question": "sentiment", "pair": "negative\tpositive"}
    )
    assert [row[0].pk for row in rows.context["rows"]] == [items[0].pk]
    assert f"/adjudicate/?{pair}" in page


def test_nothing_done_yet_says_what_to_do_next(project, client_of):
    page = client_of("dave").get(reverse("annotation:quality", args=[project.slug])).content.decode()
    assert "What to do next" in page
    assert not a.QualityReport.objects.exists()
    page = client_of("dave").get(reverse("annotation:quality_report", args=[project.slug])).content.decode()
    assert "To the quality page" in page


def test_the_first_look_and_the_button_ask_for_figures_and_the_page_follows_them(project, client_of):
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    dave, address = client_of("dave"), reverse("annotation:quality", args=[project.slug])
    assert reverse("annotation:quality_progress", args=[project.slug]) in dave.get(address).content.decode()
    row = a.QualityReport.objects.get()
    assert dave.post(address, {"full": "1"}).status_code == 302
    assert a.QualityReport.objects.count() == 1  # the same one is under way
    progress = reverse("annotation:quality_progress", args=[project.slug])
    assert "HX-Refresh" not in dave.get(progress)
    run_quality(row.pk)
    assert dave.get(progress)["HX-Refresh"] == "true"


def test_api_file_and_report_tell_the_same(project, cast, caller_of, client_of):
    items = make_items(project, 4)
    a.User.objects.filter(pk=cast["alice"].pk).update(name="=cmd()")
    for item in items[:3]:
        slot = lease(item, cast["alice"])
        answer(project, cast["alice"], slot, seconds=10)
        label(project, item, bob="positive")
    dave, address = caller_of("dave"), f"/api/v1/projects/{project.slug}/quality/"
    waiting = dave.get(address)
    assert (waiting.status_code, waiting.json()["state"]) == (202, "queued")
    run_quality(waiting.json()["id"])
    figures(project)
    told = dave.get(address).json()
    assert told["slots"]["done"] == 6
    assert told["trend"]["sentiment"][0]["items"] == 3
    text = b"".join(client_of("dave").get(reverse("annotation:quality_file", args=[project.slug]))).decode()
    assert "person,'=cmd(),submitted,3" in text
    report = client_of("dave").get(reverse("annotation:quality_report", args=[project.slug])).content.decode()
    assert "=cmd()" not in report.split("<main")[1]  # a paper names no annotator
    assert "Of 4 items 3 were answered by 2 annotators" in report
    assert dave.post(address, {"full": True}).status_code == 202
    assert list(quality.rows(project, surveying.done(project)))


def test_counting_what_changed_measures_agreement_first(project, cast, client_of):
    items = make_items(project, 6)
    dave, address = client_of("dave"), reverse("annotation:quality", args=[project.slug])

    def counted():
        dave.post(address)
        run_quality(a.QualityReport.objects.first().pk)
        [question] = surveying.done(project).figures["questions"]
        truth = measuring.measure(project=project, question="sentiment", draws=1)["krippendorff_alpha"]["value"]
        assert (question["agreement"]["value"], question["behind"]) == (pytest.approx(truth), False)
        return truth

    for item in items[:4]:
        label(project, item, alice="positive" if item.pk % 2 else "negative", bob="positive")
    before = counted()
    for item in items[4:]:
        label(project, item, alice="negative", bob="negative")
    after = counted()
    chosen = setting_aside.wanted(project=project, person=cast["alice"], since=timezone.now() - timedelta(hours=1))
    event = setting_aside.set_aside(chosen, reason="guessing", user=cast["dave"])
    dave.post(address)
    run_quality(a.QualityReport.objects.first().pk)
    assert surveying.done(project).figures["questions"][0]["items"] == 0
    setting_aside.revert(act=event, user=cast["dave"])
    assert counted() == after != before


def test_agreement_that_is_behind_says_so_everywhere(project, client_of, monkeypatch):
    items = make_items(project, 3)
    for item in items[:2]:
        label(project, item, alice="positive", bob="negative")
    figures(project)
    label(project, items[2], alice="positive", bob="positive")
    # By itself agreement is measured once an hour at most.
    row = surveying.refresh(project, rest=surveying.BEHIND)
    run_quality(row.pk)
    dave = client_of("dave")
    for name in ("quality", "quality_report"):
        assert "answers changed since." in dave.get(reverse(f"annotation:{name}", args=[project.slug])).content.decode()
    text = b"".join(dave.get(reverse("annotation:quality_file", args=[project.slug]))).decode()
    assert "agreement,sentiment,answers changed since,1," in text
    figures(project)
    assert "answers changed since" not in dave.get(reverse("annotation:quality", args=[project.slug])).content.decode()


def test_decisions_are_counted_as_the_list_has_them(project, cast, client_of):
    items = make_items(project, 3)
    for item in items:
        label(project, item, alice="positive", bob="negative")
    cases = list(a.Case.objects.open().order_by("pk"))
    for case in cases[:2]:
        adjudicating.decide(case=case, value="positive", user=cast["carol"], reason="other")
    # A case that falls because somebody is asked again is no decision.
    answers = a.Annotation.objects.filter(item=items[2], annotator=cast["alice"])
    withdrawing.ask_again(project=project, answers=answers, by=cast["dave"])
    assert (figures(project)["cases"]["closed"], figures(project)["cases"]["decided"]) == (3, 2)
    page = client_of("dave").get(reverse("annotation:quality", args=[project.slug])).content.decode()
    assert "decided so far: 2" in page
    address = reverse("annotation:decided", args=[project.slug])
    told = client_of("dave").get(address)
    assert (told.context["page_obj"].paginator.count, told.context["hidden"]) == (2, 0)
    # Where the reader is still to answer the decision is counted alone.
    a.Membership.objects.filter(project=project, user=cast["dave"]).update(labels=True)
    a.Assignment.objects.create(project=project, item=items[0], slot=9, annotator=cast["dave"], state="assigned")
    told = client_of("dave").get(address)
    assert (told.context["page_obj"].paginator.count, told.context["hidden"]) == (1, 1)
    assert "may still be asked about their items: 1." in told.content.decode()


def test_answers_from_before_an_item_was_a_control_item_are_none_to_control_items(project, cast, client_of):
    before, after = make_items(project, 2)
    label(project, before, alice="neutral", bob="neutral")
    chosen = a.Item.objects.filter(project=project)
    make_gold(after, value="neutral")
    controlling.mark(project=project, items=chosen, role="control")
    a.Annotation.objects.create(project=project, item=after, annotator=cast["alice"], guideline_version=project.version, answer={"sentiment": "neutral"}, status="submitted")  # fmt: skip
    told = figures(project, full=True)
    assert [(row["name"], row["n"]) for row in told["controls"]] == [("alice", 1)]
    assert {row["name"]: (row["controls"], row["submitted"]) for row in told["people"]} == {"alice": (1, 0), "bob": (0, 0)}  # fmt: skip
    rows = client_of("dave").get(
        reverse("annotation:items", args=[project.slug]),
        {"person": cast["alice"].pk, "role": "control", "gave": "submitted"},
    )
    assert [row[0].pk for row in rows.context["rows"]] == [after.pk]


def test_the_report_counts_answers_that_stand_those_of_a_case_sent_back_included(project, cast, client_of):
    for item in make_items(project, 2):
        label(project, item, alice="positive", bob="negative")
    case = a.Case.objects.open().order_by("pk").first()
    referring.send_back(case=case, question="Read it once more.", by=cast["carol"])
    told = figures(project)
    assert (told["slots"]["done"], told["questions"][0]["ratings"]) == (2, 4)
    assert "4 answers in all" in client_of("dave").get(reverse("annotation:quality_report", args=[project.slug])).content.decode()  # fmt: skip


def told_in_the_file(project, client):
    text = b"".join(client.get(reverse("annotation:quality_file", args=[project.slug]))).decode()
    return [line.split(",") for line in text.splitlines()]


def test_a_label_too_rare_for_an_interval_is_named(project, client_of):
    for place, item in enumerate(make_items(project, 32)):
        value = "neutral" if place < 9 else "positive" if place % 2 else "negative"
        label(project, item, alice=value, bob=value if place else "positive")
    figures(project)
    dave = client_of("dave")
    for name in ("quality", "quality_report"):
        page = dave.get(reverse(f"annotation:{name}", args=[project.slug])).content.decode()
        assert "Too few: neutral (9)." in page
        assert "with the label and two answers" not in page
    rows = told_in_the_file(project, dave)
    assert ["too few for an interval", "sentiment", "neutral", "", "", "", "9", "1"] in rows
    [confused] = [row for row in rows if row[0] == "confused"]
    assert (confused[2], confused[6]) == ("neutral / positive", "1")


def test_points_of_one_day_are_told_apart_by_their_version(project, client_of):
    first, second = make_items(project, 2)
    label(project, first, alice="positive", bob="negative")
    figures(project)
    schema = {"questions": [{"name": "sentiment", "labels": ["negative", "neutral", "positive"]}]}
    publishing.save_draft(project=project, text="New.", schema=schema, user=None)
    publishing.publish(project=project, user=None, change_note="new", plan={"sentiment": {}})
    project.refresh_from_db()
    label(project, second, alice="positive", bob="negative")
    figures(project)
    dave, day = client_of("dave"), timezone.localdate().isoformat()
    names = [row[2] for row in told_in_the_file(project, dave) if row[0] == "trend"]
    assert names == [f"{day} v1", f"{day} v2"]
    [question] = dave.get(reverse("annotation:quality", args=[project.slug])).context["questions"]
    assert [tick["text"] for tick in question["chart"]["x_ticks"]] == names
