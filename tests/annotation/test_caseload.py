"""The queue: filters, orders, next and previous, who has what open; second decisions, agreeing items, and what causes differences."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotation import adjudicating, caseload, causes, inviting, publishing, settling
from annotation import models as a
from annotation.caseload import Wanted
from tests.annotation.worlds import label
from tests.conftest import make_annotation, make_items, make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


def differ(project, count=1, one="positive", other="negative"):
    """Open cases, each of two answers."""
    made = []
    for item in make_items(project, count):
        make_annotation(item, a.User.objects.get(username="alice"), one)
        make_annotation(item, a.User.objects.get(username="bob"), other)
        settling.settle(project=project, version=project.version, items=[item.pk])
        made.append(a.Case.objects.open().get(item=item))
    return made


def queue(project, user=None, **asked):
    return list(caseload.queue(project=project, wanted=Wanted(**asked), user=user))


def decide(case, user, value="positive", **more):
    return adjudicating.decide(case=case, value=value, user=user, **{"reason": "guideline", **more})


# The queue


def test_cases_are_found_by_the_labels_that_are_confused(project):
    [one] = differ(project)
    [two] = differ(project, other="neutral")
    assert one.pairs == "\nnegative\tpositive\n"
    assert queue(project, pair="negative\tpositive") == [one]
    assert queue(project, pair="neutral\tpositive") == [two]
    assert queue(project, pair="negative\tneutral") == []


def test_by_age_and_by_what_was_said_beside_an_answer(project, cast):
    old, new = differ(project, 2)
    a.Case.objects.filter(pk=old.pk).update(opened_at=timezone.now() - timedelta(days=3))
    assert queue(project, order="oldest") == [old, new]
    assert queue(project, order="newest") == [new, old]
    a.Annotation.objects.filter(item=new.item, annotator=cast["bob"]).update(flagged=True)
    assert queue(project, state="flagged") == [new]
    assert queue(project, question="other") == []


@pytest.mark.parametrize("order", list(caseload.ORDERS))
def test_next_and_previous_walk_the_same_way(project, cast, order):
    for place, case in enumerate(differ(project, 4)):
        a.Case.objects.filter(pk=case.pk).update(disagreement=(0.2, 0.8, 0.8, 0.5)[place])
    wanted = Wanted(order=order)
    row = queue(project, order=order)
    walk = [caseload.following(project=project, after=case, wanted=wanted, user=cast["carol"]) for case in row]
    assert walk == [*row[1:], row[0]]
    back = [caseload.previous(project=project, before=case, wanted=wanted, user=cast["carol"]) for case in row]
    assert back == [None, *row[:-1]]


def test_what_somebody_has_open_is_passed_over_for_others_and_locks_nobody_out(project, cast):
    first, second, third = sorted(differ(project, 3), key=lambda case: case.key)
    assert adjudicating.claim(second, cast["carol"])
    assert not adjudicating.claim(second, cast["dave"])
    following = caseload.following(project=project, after=first, wanted=Wanted(), user=cast["dave"])
    assert following == third
    assert caseload.following(project=project, after=first, wanted=Wanted(), user=cast["carol"]) == second
    assert decide(second, cast["dave"]).settled_by == cast["dave"]
    adjudicating.let_go(third, cast["carol"])
    assert adjudicating.claim(third, cast["dave"])
    a.Case.objects.filter(pk=third.pk).update(held_until=timezone.now() - timedelta(seconds=1))
    assert adjudicating.claim(third, cast["carol"])


def test_the_page_of_a_case_says_who_has_it_open(project, cast, client_of):
    [case] = differ(project)
    here = f"/p/{project.slug}/adjudicate/{case.pk}/"
    assert "has this case open" not in client_of("carol").get(here).content.decode()
    assert "carol has this case open" in client_of("dave").get(here).content.decode()
    assert "open with carol" in client_of("dave").get(f"/p/{project.slug}/adjudicate/").content.decode()


def test_the_queue_costs_the_same_however_long_it_is(project, cast, client_of, django_assert_max_num_queries):
    differ(project, 3)
    carol = client_of("carol")
    carol.get(f"/p/{project.slug}/adjudicate/")
    with django_assert_max_num_queries(40) as few:
        carol.get(f"/p/{project.slug}/adjudicate/")
    differ(project, 12)
    with django_assert_max_num_queries(len(few.captured_queries)):
        carol.get(f"/p/{project.slug}/adjudicate/")


def test_an_unknown_filter_asks_for_nothing():
    wanted = Wanted.read({"why": "x", "order": "y", "pair": "z", "state": "w", "sent": "0"})
    assert wanted == Wanted()
    assert wanted.query == ""
    assert Wanted.read({"pair": "a\tb", "sent": "1"}).query == "?pair=a%09b&sent=1"


# Agreeing items that are looked at


def test_a_sample_of_what_agrees_goes_to_the_adjudicator_always_the_same(cast):
    project = make_project(cast, agreed_percent=30)
    items = make_items(project, 60)
    for item in items:
        label(project, item, alice="positive", bob="positive")
    looked_at = a.Case.objects.open().filter(why="agreed")
    assert 8 <= looked_at.count() <= 30
    assert looked_at.count() + a.Gold.objects.count() == 60
    assert {case.agreed for case in looked_at} == {"positive"}
    assert not any(case.disagreement for case in looked_at)
    # Settling again changes nothing.
    settling.settle_all(project=project)
    assert looked_at.count() + a.Gold.objects.count() == 60
    again = {case.item_id for case in looked_at}
    assert again == {item.pk for item in items if settling.sampled(item, 30, "agreed")}
    assert {item.pk for item in items if settling.sampled(item, 10, "agreed")} <= again


def test_agreeing_items_that_are_decided_otherwise_are_counted(cast):
    project = make_project(cast, agreed_percent=100)
    for item in make_items(project, 4):
        label(project, item, alice="positive", bob="positive")
    cases = queue(project, why="agreed")
    for case, value in zip(cases, ["positive", "negative", "positive"], strict=False):
        decide(case, cast["carol"], value)
    found = causes.agreed_and_looked_at(project=project)
    assert (found["n"], found["overturned"], found["waiting"]) == (3, 1, 1)
    assert found["interval"] == pytest.approx(causes.wilson(1, 3))
    [gold] = causes.decided(project=project, asked=causes.Asked(overturned="1"), user=cast["carol"])
    assert gold.value == "negative"


def test_a_reason_is_asked_for_only_where_people_differ(cast, client_of, caller_of):
    project = make_project(cast, agreed_percent=100, second_percent=100)
    agreed, contested, third = make_items(project, 3)
    for item, other in ((agreed, "positive"), (contested, "negative"), (third, "positive")):
        label(project, item, alice="positive", bob=other)
    cases = {case.item: case for case in a.Case.objects.open()}
    with pytest.raises(ValueError, match="Choose a reason"):
        decide(cases[contested], cast["carol"], reason="")
    with pytest.raises(ValueError, match="Choose a reason"):
        decide(cases[agreed], cast["carol"], reason="nonsense")
    assert decide(cases[agreed], cast["carol"], reason="").reason == ""
    # Nor is one where such a decision is made a second time.
    second = a.Case.objects.open().get(item=agreed)
    assert second.is_agreed
    assert "required data-key" not in client_of("dave").get(f"/p/{project.slug}/adjudicate/{second.pk}/").content.decode().split("<legend>Why")[1]  # fmt: skip
    decide(second, cast["dave"], reason="")
    told = caller_of("carol").post(f"/api/v1/projects/{project.slug}/cases/{cases[third].pk}/", {"value": "positive"}, "application/json")  # fmt: skip
    assert told.status_code in (200, 201), told.content
    report = client_of("carol").get(f"/p/{project.slug}/adjudicate/causes/").content.decode()
    assert 'class="chip" href="?">' not in report


def test_where_answers_come_to_differ_the_case_is_one_of_difference(cast):
    project = make_project(cast, agreed_percent=100)
    [item] = make_items(project, 1)
    label(project, item, alice="positive", bob="positive")
    a.Annotation.objects.filter(annotator=cast["bob"]).update(answer={"sentiment": "negative"})
    settling.settle(project=project, version=project.version, items=[item.pk])
    case = a.Case.objects.get()
    assert (case.why, case.agreed, case.pairs) == ("differ", None, "\nnegative\tpositive\n")


# Second decisions


@pytest.fixture
def twice(cast):
    project = make_project(cast, slug="twice", second_percent=100)
    a.User.objects.create_user("frank")
    a.Membership.objects.create(project=project, user=a.User.objects.get(username="frank"), role="adjudicator")
    return project


def test_a_decided_case_goes_blind_to_somebody_else(twice, cast, client_of, caller_of):
    [case] = differ(twice)
    gold = decide(case, cast["carol"], "neutral", note="SECRET-NOTE")
    [second] = a.Case.objects.open()
    assert (second.why, second.first) == ("second", gold)
    assert queue(twice, cast["carol"]) == []
    assert queue(twice, cast["dave"]) == [second]
    with pytest.raises(ValueError, match="You made the first decision"):
        decide(second, cast["carol"], "neutral")
    # Nobody but carol reads what she decided, on no page and in no answer of the API.
    for name in ("dave",):
        client, caller = client_of(name), caller_of(name)
        for path in (
            f"adjudicate/{second.pk}/",
            "adjudicate/",
            f"items/{case.item_id}/",
            f"adjudicate/{case.pk}/",
            "adjudicate/decided/",
        ):
            page = client.get(f"/p/twice/{path}").content.decode()
            assert "SECRET-NOTE" not in page, path
        assert client.get(f"/p/twice/gold/{gold.pk}/again/").status_code == 403
        assert caller.get("/api/v1/projects/twice/gold/").json()["results"] == []
        assert caller.get(f"/api/v1/projects/twice/gold/{gold.pk}/").status_code == 403
        assert "SECRET-NOTE" not in caller.get(f"/api/v1/projects/twice/cases/{second.pk}/").content.decode()
    assert caller_of("carol").get("/api/v1/projects/twice/gold/").json()["results"] != []


def test_nothing_is_decided_twice_where_nobody_else_could(cast):
    project = make_project(cast, slug="alone", second_percent=100)
    project.memberships.filter(user=cast["dave"]).update(role="researcher")
    [case] = differ(project)
    decide(case, cast["carol"], "neutral")
    assert not a.Case.objects.open().exists()


def test_a_new_project_looks_twice_at_some_of_what_agrees_and_some_of_what_is_decided(cast):
    project = inviting.create_project(user=cast["dave"], name="Fresh", slug="fresh")
    assert (project.agreed_percent, project.second_percent) == (5, 5)


def test_two_decisions_that_agree_are_written_down_and_the_first_stands(twice, cast):
    [case] = differ(twice)
    gold = decide(case, cast["carol"], "neutral")
    [second] = a.Case.objects.open()
    assert decide(second, cast["dave"], "neutral") == gold
    assert not a.Case.objects.open().exists()
    assert a.Gold.objects.count() == 1
    opinion = a.SecondOpinion.objects.get()
    assert (opinion.value, opinion.distance, opinion.by) == ("neutral", 0.0, cast["dave"])


def test_two_that_differ_become_a_case_for_discussion_that_replaces_the_first(twice, cast, client_of):
    [case] = differ(twice)
    first = decide(case, cast["carol"], "neutral", note="Nothing is claimed.")
    [second] = a.Case.objects.open()
    decide(second, cast["dave"], "negative", note="The outlook is grim.")
    [talk] = a.Case.objects.open()
    assert (talk.why, talk.disagreement, talk.pairs) == ("discuss", 1.0, "\nnegative\tneutral\n")
    page = client_of("carol").get(f"/p/twice/adjudicate/{talk.pk}/").content.decode()
    assert "Nothing is claimed." in page
    assert "The outlook is grim." in page
    last = decide(talk, cast["carol"], "negative")
    first.refresh_from_db()
    assert first.superseded_at is not None
    assert a.Gold.objects.current().get() == last
    # It is not decided a third time.
    assert not a.Case.objects.open().exists()


def test_one_that_says_ambiguous_and_one_that_does_not_differ(twice, cast):
    [case] = differ(twice)
    decide(case, cast["carol"], None, ambiguous=True)
    [second] = a.Case.objects.open()
    decide(second, cast["dave"], "negative")
    assert a.SecondOpinion.objects.get().distance == 1.0


def test_adjudication_has_an_agreement_with_its_interval(twice, cast):
    for place, case in enumerate(differ(twice, 12)):
        decide(case, cast["carol"], ("negative", "positive", "neutral")[place % 3])
    for place, second in enumerate(a.Case.objects.open().order_by("item")):
        decide(second, cast["dave"], ("negative", "positive", "neutral")[(place + (place == 11)) % 3])
    [found] = causes.two_adjudicators(project=twice)
    assert (found["n"], found["agree"]) == (12, 11)
    assert found["figures"]["percent"]["value"] == pytest.approx(11 / 12)
    assert 0.8 < found["figures"]["krippendorff_alpha"]["value"] < 1
    assert found["interval"][0] < 11 / 12 < found["interval"][1]


# Causes


def test_decisions_add_up_by_rule_pair_reason_and_version(project, cast, client_of, caller_of):
    one, two = differ(project, 2)
    [three] = differ(project, other="neutral")
    decide(one, cast["carol"], rule="label:positive", reason="guideline")
    decide(two, cast["carol"], rule="label:positive", reason="oversight")
    decide(three, cast["carol"], rule="heading:Outlook", reason="guideline")
    found = causes.report(project=project, asked=causes.Asked(), user=cast["carol"])
    assert found["total"] == 3
    assert found["by_reason"] == {"guideline": 2, "oversight": 1}
    assert found["by_version"] == {1: 3}
    assert [(row["rule"], row["n"]) for row in found["rules"]] == [("label:positive", 2), ("heading:Outlook", 1)]
    assert [(row["one"], row["other"], row["n"]) for row in found["pairs"]] == [
        ("negative", "positive", 2),
        ("neutral", "positive", 1),
    ]
    assert found["pairs"][0]["rules"] == {"label:positive": 2}
    # Every number opens its decisions.
    rows = causes.decided(
        project=project, asked=causes.Asked(rule="label:positive", reason="guideline"), user=cast["carol"]
    )
    assert [row.case for row in rows] == [one]
    carol = client_of("carol")
    page = carol.get(f"/p/{project.slug}/adjudicate/causes/").content.decode()
    assert "section “Outlook”" in page
    listed = carol.get(f"/p/{project.slug}/adjudicate/decided/?pair=negative%09positive").context["rows"]
    assert {row.case_id for row, _item in listed} == {one.pk, two.pk}
    table = carol.get(f"/p/{project.slug}/adjudicate/causes/?format=csv").content.decode().splitlines()
    assert table[0] == "question,guideline_version,rule,reason,label,other_label,why,decisions"
    assert "sentiment,1,label:positive,guideline,negative,positive,differ,1" in table
    told = caller_of("carol").get(f"/api/v1/projects/{project.slug}/causes/?pair=positive,negative").json()
    assert told["total"] == 2
    assert told["pairs"][0]["pair"] == ["negative", "positive"]


def test_decisions_of_earlier_versions_stand_by_the_names_of_today(project, cast):
    def rename(to, labels, **names):
        entry = {**project.version.schema["questions"][0], "name": to, "labels": labels}
        publishing.save_draft(project=project, text="# Rules", schema={"questions": [entry]}, user=None)
        plan = {"sentiment": {"to": to, "labels": names}}
        publishing.publish(project=project, user=None, change_note="Renamed.", plan=plan)
        project.refresh_from_db()

    [one] = differ(project, other="neutral")
    decide(one, cast["carol"], rule="label:positive")
    [merged] = differ(project, one="negative", other="neutral")
    decide(merged, cast["carol"], value="neutral", rule="label:negative")
    # “positive” is called good, and a new label takes its old name.
    rename("sentiment", ["bad", "good", "neutral", "positive"], positive="good", negative="bad")
    [two] = differ(project, one="good", other="neutral")
    [three] = differ(project, one="positive", other="neutral")
    for case, value in ((two, "good"), (three, "positive")):
        decide(case, cast["carol"], value=value, rule=f"label:{value}")
    rename("tone", ["good", "neutral", "great"], positive="great", bad="neutral")
    found = causes.report(project=project, asked=causes.Asked(), user=cast["carol"])
    assert found["by_question"] == {"tone": 4}
    assert {(row["pair"], row["n"]) for row in found["pairs"]} == {("good\tneutral", 2), ("great\tneutral", 1)}
    assert {(row["rule"], row["n"]) for row in found["rules"]} == {
        ("label:good", 2), ("label:neutral", 1), ("label:great", 1),
    }  # fmt: skip
    # Every number opens its decisions, and no other.
    for asked, cases in (
        (causes.Asked(pair="good\tneutral"), {one.pk, two.pk}),
        (causes.Asked(pair="great\tneutral", question="tone"), {three.pk}),
        (causes.Asked(rule="label:good"), {one.pk, two.pk}),
        (causes.Asked(rule="label:neutral"), {merged.pk}),
        (causes.Asked(rule="label:positive"), set()),
        (causes.Asked(question="sentiment"), set()),
        (causes.Asked(pair="neutral\tneutral"), set()),
    ):
        rows = causes.decided(project=project, asked=asked, user=cast["carol"])
        assert {row.case_id for row in rows} == cases, asked


def test_a_rule_is_named_as_a_label_or_a_heading(project, cast):
    [case] = differ(project)
    with pytest.raises(ValueError, match="label:NAME"):
        decide(case, cast["carol"], rule="positive")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(1, 10, 0.0179, 0.4042), (0, 10, 0.0, 0.2775), (81, 263, 0.2553, 0.3662)]
)
def test_the_interval_of_a_share_is_wilsons(hits, n, low, high):
    assert causes.wilson(hits, n) == pytest.approx((low, high), abs=5e-4)


# An example of a settled case


def test_one_press_makes_an_example_of_a_settled_case(project, cast, client_of):
    [case] = differ(project)
    gold = decide(case, cast["carol"], note="Both halves are good news.")
    page = f"/p/{project.slug}/gold/{gold.pk}/example/"
    assert client_of("alice").post(page).status_code == 403
    client_of("carol").post(page)
    made = a.GuidelineExample.objects.get()
    assert (made.item, made.question, made.value, made.why) == (case.item, "sentiment", "positive", gold.note)
    # What was found ambiguous teaches nothing without words: they are asked for.
    [other] = differ(project)
    gold = decide(other, cast["carol"], None, reason="ambiguous", ambiguous=True)
    client = client_of("carol")
    response = client.post(f"/p/{project.slug}/gold/{gold.pk}/example/")
    assert response.url == f"/p/{project.slug}/items/{other.item_id}/?example=1#example-title"
    assert a.GuidelineExample.objects.count() == 1
    assert "<details open>\n  <summary>Use as an example" in client.get(response.url).content.decode()


def test_a_rule_is_cited_by_its_number_and_counted(project, cast, client):
    text = "# Outlook\n\n**Rule 4.2. Pilots.** They are neutral.\n\n| 4.3 | in a table |"
    project.version = a.GuidelineVersion.objects.create(
        project=project, number=2, text=text, schema=project.version.schema
    )
    project.save()
    one, two, three = differ(project, 3)
    client.force_login(cast["carol"])
    page = reverse("annotation:case", args=[project.slug, one.pk])
    assert '<option value="rule:4.2">4.2 Pilots</option>' in client.get(page).content.decode()
    client.post(page, {"value": "positive", "reason": "oversight", "rule": "rule:4.2"})
    client.post(reverse("annotation:case", args=[project.slug, two.pk]), {"value": "positive", "reason": "oversight", "rule_number": "Rule 4.3"})  # fmt: skip
    refused = client.post(reverse("annotation:case", args=[project.slug, three.pk]), {"value": "positive", "reason": "oversight", "rule_number": "5.1"})  # fmt: skip
    assert refused.status_code == 400
    assert "The guideline has no rule “5.1”" in refused.content.decode()
    adjudicating.decide(case=three, value="positive", user=cast["carol"], reason="oversight", rule="rule:Rule 4.2")
    found = causes.report(project=project, asked=causes.Asked(), user=cast["dave"])
    assert [(row["rule"], row["n"]) for row in found["rules"]] == [("rule:4.2", 2), ("rule:4.3", 1)]
    told = client.get(reverse("annotation:causes", args=[project.slug])).content.decode()
    assert "rule 4.2" in told
    # Decided anew it begins with the number that stands.
    gold = a.Gold.objects.current().get(item=two.item)
    again = client.get(reverse("annotation:redecide", args=[project.slug, gold.pk])).content.decode()
    assert 'name="rule_number" size="8" maxlength="40" placeholder="4.2" autocomplete="off" value="4.3"' in again


def rename(project, plan, *labels, name="sentiment"):
    publishing.save_draft(project=project, text="", schema={"questions": [{"name": name, "labels": list(labels)}]}, user=None)  # fmt: skip
    publishing.publish(project=project, user=None, change_note="x", plan=plan)
    project.refresh_from_db()


def test_what_people_agreed_on_is_renamed_with_its_label(project, cast):
    project.agreed_percent = 100
    project.save()
    early, late, other = make_items(project, 3)
    for item in (early, late, other):
        label(project, item, alice="positive", bob="positive")
    adjudicating.decide(case=a.Case.objects.get(item=early), value="positive", user=cast["carol"], reason="")
    rename(project, {"sentiment": {"to": "mood", "labels": {"positive": "good"}}}, "negative", "neutral", "good", name="mood")  # fmt: skip
    assert set(a.Case.objects.open().values_list("question", "agreed")) == {("mood", "good")}
    adjudicating.decide(case=a.Case.objects.open().get(item=late), value="good", user=cast["carol"], reason="")
    told = causes.agreed_and_looked_at(project=project)
    assert (told["n"], told["overturned"], told["waiting"]) == (2, 0, 1)
    adjudicating.decide(case=a.Case.objects.open().get(item=other), value="neutral", user=cast["carol"], reason="oversight")  # fmt: skip
    assert causes.agreed_and_looked_at(project=project)["overturned"] == 1


def test_the_labels_that_a_case_confuses_are_renamed_and_merged_ones_are_not_confused(project, cast):
    first, second = differ(project), differ(project, one="neutral", other="positive")
    rename(project, {"sentiment": {"labels": {"positive": "good"}}}, "negative", "neutral", "good")
    assert [row.pk for row in queue(project, pair="good\tnegative")] == [first[0].pk]
    assert queue(project, pair="negative\tpositive") == []
    # One more case with two pairs: after the merge only one of them is left.
    a.Case.objects.filter(pk=second[0].pk).update(pairs="\ngood\tneutral\n\nnegative\tneutral\n")
    a.Annotation.objects.current().filter(item=second[0].item, annotator=cast["bob"]).update(answer={"sentiment": "negative"})  # fmt: skip
    rename(project, {"sentiment": {"labels": {"good": "other", "neutral": "other"}}}, "negative", "other")
    assert a.Case.objects.open().get(pk=second[0].pk).pairs == "\nnegative\tother\n"
