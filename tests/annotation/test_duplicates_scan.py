"""The search for duplicates, what is decided about them, and what follows for slots, progress and later searches."""

import uuid
from typing import Any

import pytest

from annotation import assigning, clusters, deciding_duplicates, leaving_out, progress, scanning
from annotation import models as a
from annotation.deciding_duplicates import Rule
from tests.annotation.worlds import label, member, take
from tests.conftest import make_annotation, make_gold, make_items, make_project

NEAR = "The board of Acme approved a dividend of two euros per share for the financial year just ended, payable in May"
ZH = "公司预计全年净利润同比增长百分之八，主要由于海外市场需求恢复以及原材料价格下降所致。"
TEXTS = [
    "Profit rose.", "Profit rose.", "PROFIT   rose.",
    NEAR + ".", NEAR + " or June.",
    ZH, ZH.replace("八", "九"),
    "Nothing like the others stands here at all.",
]  # fmt: skip


def scan(project: a.Project, **options: Any) -> a.Scan:
    return scanning.at_once(project=project, what="duplicates", **options)


@pytest.fixture
def project(cast) -> a.Project:
    return make_project(cast)


def members(cluster: a.Cluster) -> list[int]:
    return list(cluster.members.values_list("item", flat=True))


def the_cluster(item: a.Item) -> a.Cluster:
    return a.Cluster.objects.get(members__item=item)


def decide(item: a.Item, what: str = "keep", kept: a.Item | None = None, **extra: Any) -> a.Verdict:
    cluster = the_cluster(item)
    return deciding_duplicates.decide(
        cluster=cluster,
        what=what,
        kept=kept.pk if kept else None,
        before=cluster.verdict_id,
        **{"reason": "seen twice", "user": a.User.objects.get(username="dave"), **extra},
    )


def test_a_search_tells_the_same_the_normalised_and_the_near_apart(project):
    items = make_items(project, TEXTS)
    row = scan(project)
    assert row.figures["clusters"] == 3
    assert row.figures["surplus"] == 4
    kinds = {the_cluster(items[place]).kind for place in (3, 5)}
    assert kinds == {"near"}
    first = the_cluster(items[0])
    assert (first.kind, first.size, first.similarity) == ("normalised", 3, 1.0)
    assert [row.kind for row in first.members.all()] == ["", "exact", "normalised"]
    assert 0.7 <= the_cluster(items[3]).similarity < 1
    assert not a.ClusterMember.objects.filter(item=items[7]).exists()


def test_texts_that_differ_in_numbers_alone_are_a_template(project):
    text = "In the quarter ended March 31, {} the company sold {} shares to the trust of its founder, as form 4 says."
    items = make_items(project, [text.format(2020, 100), text.format(2021, 777)])
    scan(project)
    assert the_cluster(items[0]).kind in ("template", "near")
    far = "Sold {} at {} on {} for {} in {} lots, {} held."
    others = make_items(project, [far.format(*range(1, 7)), far.format(*range(11, 17))])
    scan(project)
    assert the_cluster(others[0]).kind == "template"


def test_comparisons_with_the_same_prompt_are_no_duplicates_unless_their_responses_are(project):
    items = make_items(project, ["Which one?"] * 2)
    for place, item in enumerate(items):
        told = ["Costs fell because fewer people work there", "Nobody outside of the board has been asked"][place]
        responses = [{"name": "A", "text": told}, {"name": "B", "text": told[::-1]}]
        a.Document.objects.filter(pk=item.document_id).update(candidates=responses)
    assert scan(project).figures["clusters"] == 0


def test_keeping_one_leaves_the_others_out_and_takes_their_open_slots(project, cast):
    items = make_items(project, TEXTS[:3])
    make_annotation(items[1], cast["alice"])
    scan(project)
    decide(items[0], kept=items[0])
    assert set(a.Item.objects.not_left_out()) == {items[0]}
    assert list(items[1].assignments.values_list("state", flat=True)) == ["done"]
    assert items[2].assignments.count() == 0
    assert a.Annotation.objects.submitted().filter(item=items[1]).exists()
    told = progress.overview(project)
    assert (told["items"], told["left_out"], told["slots"], told["done"]) == (1, 2, 2, 0)
    assert {slot.item_id for slot in take(project, cast["bob"], 5)} == {items[0].pk}
    act = a.Act.objects.get(kind="duplicates_decided")
    assert act.details["left_out"] == 2
    assert "Profit" not in str(act.details)


def test_taking_a_decision_back_opens_the_slots_that_are_missing(project, cast):
    items = make_items(project, TEXTS[:3])
    make_annotation(items[1], cast["alice"])
    make_gold(items[2])
    a.Assignment.objects.filter(item=items[2]).delete()
    scan(project)
    verdict = decide(items[0], kept=items[0])
    counts = deciding_duplicates.undo(
        project=project, verdicts=a.Verdict.objects.filter(pk=verdict.pk), user=cast["dave"]
    )
    assert counts == {"clusters": 1, "items": 2}
    assert [item.assignments.count() for item in items] == [2, 2, 0]
    assert the_cluster(items[0]).verdict is None
    with pytest.raises(ValueError, match="taken back already"):
        deciding_duplicates.undo(project=project, verdicts=a.Verdict.objects.filter(pk=verdict.pk), user=cast["dave"])


def test_what_is_in_somebodys_hand_is_answered_and_then_given_to_nobody(project, cast):
    items = make_items(project, TEXTS[:2])
    [slot] = take(project, cast["alice"])
    other = next(item for item in items if item.pk != slot.item_id)
    scan(project)
    decide(items[0], kept=other)
    assert a.Assignment.objects.get(pk=slot.pk).state == "leased"
    a.Assignment.objects.filter(pk=slot.pk).update(lease_until="2020-01-01T00:00Z")
    assert {row.item_id for row in take(project, cast["bob"], 5)} == {other.pk}
    assert progress.share(member(project, cast["bob"]))["left"] == 1
    assert not assigning.waiting(member(project, cast["bob"]))


def test_nothing_opens_slots_of_what_is_left_out(project, cast):
    items = make_items(project, TEXTS[:2])
    scan(project)
    decide(items[0], kept=items[0])
    assigning.set_overlap(project=project, overlap=5)
    assert items[1].assignments.count() == 0
    assert items[0].assignments.count() == 5


def test_a_control_item_stays_though_another_is_kept(project):
    items = make_items(project, TEXTS[:2])
    a.Item.objects.filter(pk=items[1].pk).update(role="control")
    scan(project)
    decide(items[0], kept=items[0])
    assert a.Item.objects.filter(left_out__isnull=False).count() == 0


def test_a_later_search_keeps_decisions_and_marks_what_is_new(project):
    items = make_items(project, TEXTS[:2])
    scan(project)
    verdict = decide(items[0], kept=items[0])
    [third] = make_items(project, ["Profit rose."])
    row = scan(project)
    cluster = the_cluster(third)
    assert (row.figures["carried"], cluster.verdict) == (1, verdict)
    assert list(cluster.members.filter(fresh=True).values_list("item", flat=True)) == [third.pk]
    assert clusters.waiting([project.pk]).count() == 1
    decide(third, kept=items[0])
    assert set(a.Item.objects.filter(left_out__isnull=False)) == {items[1], third}
    assert clusters.waiting([project.pk]).count() == 0
    assert a.Verdict.objects.standing().count() == 1


def test_a_decision_ends_with_the_likeness_of_its_items(project):
    items = make_items(project, TEXTS[:3])
    scan(project)
    decide(items[0], "apart")
    for item in items[1:]:
        a.Document.objects.filter(pk=item.document_id).update(text=f"Something else altogether, {item.pk}")
    [other] = make_items(project, ["Profit rose."])
    scan(project)
    assert the_cluster(other).verdict is None


def test_of_two_who_decide_the_same_cluster_the_second_is_told(project, cast):
    items = make_items(project, TEXTS[:2])
    scan(project)
    seen = the_cluster(items[0])
    decide(items[0], kept=items[0])
    with pytest.raises(ValueError, match="Somebody else has decided"):
        deciding_duplicates.decide(cluster=seen, what="group", before=None, user=cast["dave"])
    assert a.Verdict.objects.count() == 1


def test_a_decision_needs_a_reason_and_one_of_the_cluster(project):
    items = make_items(project, TEXTS)
    scan(project)
    with pytest.raises(ValueError, match="Say why"):
        decide(items[0], kept=items[0], reason=" ")
    with pytest.raises(ValueError, match="one of these items"):
        decide(items[0], kept=items[5])
    with pytest.raises(ValueError, match="at most 500"):
        decide(items[0], "group", reason="x" * 501)
    with pytest.raises(ValueError, match="A decision is one of"):
        decide(items[0], "merge")
    assert decide(items[0], "group", reason="").what == "group"


def test_what_another_decision_leaves_out_cannot_be_kept(project):
    items = make_items(project, TEXTS[:2])
    scan(project)
    verdict = a.Verdict.objects.create(project=project, what="keep", items=[])
    leaving_out.leave_out(project=project, items={items[1].pk: verdict.pk})
    with pytest.raises(ValueError, match="left out by another decision"):
        decide(items[0], kept=items[1])


# -- By rule


@pytest.mark.parametrize(
    ("name", "kept"), [("earliest", 0), ("longest", 2), ("gold", 1), ("answers", 2), ("source", 1)]
)
def test_a_rule_keeps_the_one_that_it_says(project, cast, name, kept):
    items = make_items(project, TEXTS[:3])
    make_gold(items[1])
    make_annotation(items[2], cast["alice"])
    a.Document.objects.filter(pk=items[1].document_id).update(source_type="filing")
    scan(project)
    rule = Rule.read({"rule": name, "source": "filing"})
    wanted = {"clusters": 1, "kept": 1, "left_out": 2, "conflicting": 0, "unfit": 0}
    assert deciding_duplicates.preview(project=project, rule=rule) == wanted
    assert a.Verdict.objects.count() == 0
    done = deciding_duplicates.apply(project=project, rule=rule, reason="by rule", user=cast["dave"])
    assert {name: done[name] for name in wanted} == wanted
    assert list(a.Item.objects.not_left_out()) == [items[kept]]
    [act] = clusters.acts(project)
    assert (str(act["act"]), act["decided"], act["made_by"]) == (done["act"], 1, "dave")
    deciding_duplicates.undo(project=project, verdicts=a.Verdict.objects.filter(act=done["act"]), user=cast["dave"])
    assert a.Item.objects.not_left_out().count() == 3


def test_a_rule_leaves_different_gold_to_people_and_says_where_it_does_not_fit(project, cast):
    items = make_items(project, TEXTS[:7])
    make_gold(items[0])
    make_gold(items[1], "negative")
    make_gold(items[5])
    scan(project)
    rule = Rule.read({"rule": "gold", "kinds": ["normalised", "near"]})
    told = deciding_duplicates.preview(project=project, rule=rule)
    assert told == {"clusters": 1, "kept": 1, "left_out": 1, "conflicting": 1, "unfit": 1}
    assert clusters.summary(project)["conflicting"] == 1
    with pytest.raises(ValueError, match="Say why"):
        deciding_duplicates.apply(project=project, rule=rule, reason="", user=cast["dave"])
    deciding_duplicates.apply(project=project, rule=rule, reason="gold wins", user=None)
    assert list(a.Item.objects.filter(left_out__isnull=False)) == [items[6]]
    with pytest.raises(ValueError, match="nothing that this rule"):
        deciding_duplicates.apply(project=project, rule=Rule.read({"rule": "gold"}), reason="again", user=None)


def test_a_rule_is_refused_with_the_names_that_there_are(project):
    for asked, words in (
        ({"rule": "best"}, "earliest"),
        ({"rule": "source"}, "source type"),
        ({"rule": "group", "kinds": ["odd"]}, "template"),
    ):
        with pytest.raises(ValueError, match=words):
            Rule.read(asked)


def test_many_clusters_are_decided_in_few_queries(project, cast, django_assert_max_num_queries):
    make_items(project, [f"Text number {'x' * place} of a pair." for place in range(60)] * 2)
    scan(project)
    with django_assert_max_num_queries(40):
        deciding_duplicates.apply(project=project, rule=Rule.read({"rule": "earliest"}), reason="r", user=None)
    assert a.Item.objects.filter(left_out__isnull=False).count() >= 60


# -- Across projects


def test_across_projects_only_those_that_a_person_manages(project, cast):
    other = make_project(cast, slug="other")
    foreign = a.Project.objects.create(slug="foreign", name="Foreign")
    [mine] = make_items(project, ["Profit rose."])
    [theirs] = make_items(other, ["Profit rose."])
    make_items(foreign, ["Profit rose.", "Profit rose."])
    with pytest.raises(ValueError, match="foreign"):
        scan(project, across=["foreign"], user=cast["dave"])
    assert scan(project).figures["clusters"] == 0
    assert scan(project, across=["other"], user=cast["dave"]).figures["clusters"] == 1
    decide(mine, kept=theirs)
    mine.refresh_from_db()
    assert mine.left_out is not None
    assert a.Item.objects.filter(project=other).not_left_out().count() == 1


def test_an_item_of_a_project_that_one_does_not_manage_is_there_without_a_word_of_it(project, cast):
    other = make_project(cast, slug="other")
    [mine] = make_items(project, ["Profit rose."])
    [theirs] = make_items(other, ["Profit rose."])
    scan(project, across=["other"], user=cast["dave"])
    a.Membership.objects.filter(project=other).delete()
    [rows] = clusters.members(list(a.Cluster.objects.all()), cast["dave"]).values()
    assert [(row["own"], row["pieces"]) for row in rows] == [
        (True, [("same", "Profit rose.")]),
        (False, [("same", "")]),
    ]
    with pytest.raises(ValueError, match="one of these items"):
        decide(mine, kept=theirs)


# -- Reading


def test_differences_are_words_in_english_and_signs_in_chinese(project, cast):
    items = make_items(project, TEXTS)
    scan(project)
    told = clusters.members([the_cluster(items[3]), the_cluster(items[5])], cast["dave"])
    english, chinese = told[the_cluster(items[3]).pk][1]["pieces"], told[the_cluster(items[5]).pk][1]["pieces"]
    assert ("ins", " or June") in english
    assert [piece for piece in chinese if piece[0] != "same"] == [("del", "八"), ("ins", "九")]


def test_a_huge_cluster_is_read_in_parts(project, cast, django_assert_num_queries):
    documents = a.Document.objects.bulk_create(
        a.Document(project=project, external_id=f"d{n}", text="The same.", text_key=uuid.uuid4().hex)
        for n in range(2000)
    )
    a.Item.objects.bulk_create(a.Item(project=project, document=document) for document in documents)
    scan(project)
    [cluster] = a.Cluster.objects.all()
    assert cluster.size == 2000
    with django_assert_num_queries(4):
        assert len(clusters.members([cluster], cast["dave"])[cluster.pk]) == clusters.SHOWN
    assert len(clusters.members([cluster], cast["dave"], start=100, most=50)[cluster.pk]) == 51


def test_clusters_are_found_by_kind_state_and_what_they_have(project, cast):
    items = make_items(project, TEXTS)
    make_gold(items[0])
    make_gold(items[1], "negative")
    label(project, items[5], alice="positive")
    scan(project)
    decide(items[3], "apart")

    def found(**asked: str) -> set[int]:
        return set(clusters.filtered(project, asked).values_list("pk", flat=True))

    one, two, three = (the_cluster(items[place]).pk for place in (0, 3, 5))
    assert found() == {one, two, three}
    assert found(kind="near") == {two, three}
    assert found(state="waiting") == {one, three}
    assert found(state="apart") == {two}
    assert found(having="conflict") == {one}
    assert found(having="gold") == {one}
    assert found(having="answers") == {three}
    assert found(having="across", kind="odd", state="odd") == set()
