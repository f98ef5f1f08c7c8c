"""Calibration rounds: the same items for all, blind until the discussion opens, and what is said and corrected then."""

import pytest

from annotation import calibrating, measuring, publishing
from annotation import models as a
from annotation.templatetags.words import why
from tests.annotation.worlds import answer, correct, label, member, take
from tests.conftest import make_annotation, make_items, make_project


@pytest.fixture
def project(cast):
    project = make_project(cast, overlap=1)
    make_items(project, 12)
    return project


def begin(project, cast, names=("alice", "bob"), **fields):
    people = [member(project, cast[name]) for name in names]
    return calibrating.start(project=project, people=people, by=cast["dave"], **{"count": 4, **fields})


def answer_all(project, user, values):
    """This person's items of the round, in the order in which they come."""
    given = []
    for value in values:
        [slot] = take(project, user)
        answer(project, user, slot, value)
        given.append(slot.item)
    return given


def fresh(round):
    return a.Round.objects.select_related("batch__project", "guideline_version").get(pk=round.pk)


def test_everybody_of_a_round_gets_the_same_items_before_all_others(project, cast):
    round = begin(project, cast)
    for name in ("alice", "bob"):
        items = {item.pk for item in answer_all(project, cast[name], ["positive"] * 4)}
        assert items == set(round.items)
    assert calibrating.is_done(round)


def test_a_round_begins_under_the_guideline_in_force_though_the_project_was_read_before(project, cast):
    read_before = a.Project.objects.select_related("version").get(pk=project.pk)
    publishing.save_draft(project=project, text="# Rules, anew", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=cast["dave"], change_note="Anew.", earlier="stand")
    round = begin(read_before, cast)
    assert fresh(round).guideline_version.number == 2


def test_nobody_sees_anothers_answers_before_all_are_done(project, cast, client_of, caller_of):
    round = begin(project, cast)
    answer_all(project, cast["alice"], ["positive"] * 4)
    page = client_of("alice").get(f"/p/sentiment/rounds/{round.pk}/").content.decode()
    assert "being answered" in page
    assert 'class="card"' not in page
    told = caller_of("alice").get(f"/api/v1/projects/sentiment/rounds/{round.pk}/").json()
    assert (told["contested"], told["progress"], told["figures"]) == ([], [], {})
    assert calibrating.open_finished() == 0
    with pytest.raises(ValueError, match="not begun"):
        calibrating.say(round=fresh(round), membership=member(project, cast["alice"]), item=round.items[0], text="x")


def test_when_all_are_done_the_discussion_opens_with_the_contested_first(project, cast, client_of):
    round = begin(project, cast)
    items = answer_all(project, cast["alice"], ["positive", "negative", "positive", "neutral"])
    said = {item.pk: value for item, value in zip(items, ["positive", "negative", "positive", "neutral"], strict=True)}
    differs = items[2].pk
    for _turn in range(4):
        [slot] = take(project, cast["bob"])
        answer(project, cast["bob"], slot, "negative" if slot.item_id == differs else said[slot.item_id])
    # Looking at it changes nothing: the worker opens it.
    page = client_of("bob").get(f"/p/sentiment/rounds/{round.pk}/").content.decode()
    assert "opens within a minute" in page
    assert fresh(round).opened_at is None
    assert (calibrating.open_finished(), calibrating.open_finished()) == (1, 0)
    page = client_of("bob").get(f"/p/sentiment/rounds/{round.pk}/").content.decode()
    assert page.index(f'"item-{differs}"') < page.index(f'"item-{items[0].pk}"')
    assert "person " in page
    assert ">alice<" not in page
    row = fresh(round)
    assert row.opened_at is not None
    assert row.figures["sentiment"]["items"] == 4
    assert 0 < row.figures["sentiment"]["value"] < 1
    # Names, where the manager says so.
    a.Round.objects.update(names_shown=True)
    assert "alice" in client_of("bob").get(f"/p/sentiment/rounds/{round.pk}/").content.decode()


def test_only_those_who_took_part_read_the_discussion(project, cast, client_of):
    round = begin(project, cast, names=("alice", "bob"))
    a.User.objects.create_user("fay")
    fay = a.User.objects.get(username="fay")
    a.Membership.objects.create(project=project, user=fay, role="annotator")
    for name in ("alice", "bob"):
        answer_all(project, cast[name], ["positive"] * 4)
    from django.test import Client

    client = Client()
    client.force_login(fay)
    assert client.get(f"/p/sentiment/rounds/{round.pk}/").status_code == 404
    assert client_of("erin").get(f"/p/sentiment/rounds/{round.pk}/").status_code == 403
    assert client_of("carol").get(f"/p/sentiment/rounds/{round.pk}/").status_code == 200
    assert client_of("eve").get(f"/p/sentiment/rounds/{round.pk}/").status_code == 404


def test_what_is_corrected_after_the_discussion_began_is_not_independent(project, cast):
    begin(project, cast)
    [item, *_rest] = answer_all(project, cast["alice"], ["positive"] * 4)
    before = correct(project, cast["alice"], item, "neutral")
    assert before.independent
    answer_all(project, cast["bob"], ["positive"] * 4)
    assert calibrating.open_finished() == 1
    after = correct(project, cast["alice"], item, "positive")
    assert not after.independent
    counted = [row for row in measuring.triples(project=project, question="sentiment") if int(row[0]) == item.pk]
    assert len(counted) == 1


def test_closed_early_one_discusses_what_one_has_answered_and_the_rest_goes_back(project, cast):
    round = begin(project, cast)
    done = answer_all(project, cast["alice"], ["positive", "negative"])
    answer_all(project, cast["bob"], ["positive"] * 4)
    calibrating.open_discussion(round=fresh(round), by=cast["dave"])
    assert calibrating.in_sight(fresh(round), member(project, cast["alice"])) == {item.pk for item in done}
    assert not a.Assignment.objects.filter(batch=round.batch, state__in=["assigned", "leased"]).exists()
    # What alice has not answered has its one answer (overlap 1) and is asked of nobody beyond it.
    left = set(round.items) - {item.pk for item in done}
    assert not a.Assignment.objects.filter(item__in=left, state="open").exists()
    hidden = min(left)
    with pytest.raises(ValueError, match="that you have answered"):
        calibrating.say(round=fresh(round), membership=member(project, cast["alice"]), item=hidden, text="x")
    word = calibrating.say(
        round=fresh(round), membership=member(project, cast["bob"]), item=done[0].pk, text="Why not?"
    )
    [row] = [
        row
        for row in calibrating.discussion(fresh(round), member(project, cast["alice"]), "sentiment")
        if row["item"].pk == done[0].pk
    ]
    assert [said["text"] for said in row["comments"]] == [word.text]


def test_a_round_needs_people_and_items_that_nobody_has_begun_with(project, cast):
    with pytest.raises(ValueError, match="two people"):
        begin(project, cast, names=("alice",))
    with pytest.raises(ValueError, match="between 2"):
        begin(project, cast, count=1)
    begun = project.items.first()
    make_annotation(begun, cast["alice"])
    with pytest.raises(ValueError, match="fresh ones"):
        begin(project, cast, count=None, ids=["d0", "d1"])
    assert not a.Round.objects.exists()
    assert not a.Batch.objects.exists()
    chosen = begin(project, cast, count=None, ids=["d2", "d3"])
    assert len(chosen.items) == 2


def test_the_curve_names_the_guideline_of_each_round(project, cast, client_of):
    for number in (1, 2):
        round = begin(project, cast)
        answer_all(project, cast["alice"], ["positive", "negative", "positive", "neutral"])
        answer_all(project, cast["bob"], ["positive", "negative", "positive", "negative"])
        assert calibrating.open_finished() == 1
        assert round.number == number
    found = calibrating.of_project(project, cast["alice"])
    chart = calibrating.curve(found, project.version.schema["questions"][0], {"krippendorff_alpha": "alpha"}, why)
    assert [point.name for point in chart["rows"]] == ["1 · v1", "2 · v1"]
    page = client_of("alice").get("/p/sentiment/rounds/").content.decode()
    assert 'role="img"' in page
    assert "4 items, 2 people" in page


def test_a_round_says_why_it_has_no_figure_or_no_interval(project, cast, client_of):
    for alice, bob, reason in (
        (["positive"] * 4, ["positive"] * 4, "The answers do not vary"),
        (["positive", "negative"] * 2, ["negative", "positive"] * 2, "No interval: it needs"),
    ):
        round = begin(project, cast)
        said = {item.pk: value for item, value in zip(answer_all(project, cast["alice"], alice), bob, strict=True)}
        for _turn in range(4):
            [slot] = take(project, cast["bob"])
            answer(project, cast["bob"], slot, said[slot.item_id])
        calibrating.open_finished()
        assert reason in client_of("bob").get(f"/p/sentiment/rounds/{round.pk}/").content.decode()
        assert reason in client_of("bob").get("/p/sentiment/rounds/").content.decode()
    [question] = project.version.schema["questions"]
    chart = calibrating.curve(calibrating.of_project(project, cast["bob"]), question, {}, why)
    assert 0.0 in [tick["value"] for tick in chart["y_ticks"]]
    assert min(tick["value"] for tick in chart["y_ticks"]) < 0


def test_who_was_in_an_opened_round_is_not_independent_where_its_items_are_asked_again(project, cast):
    round = begin(project, cast)
    for who in ("alice", "bob"):
        answer_all(project, cast[who], ["positive"] * 4)
    calibrating.open_discussion(round=fresh(round), by=cast["dave"])
    a.Project.objects.update(overlap=2)
    publishing.save_draft(project=project, text="# Other rules", schema=project.version.schema, user=None)
    publishing.publish(project=project, user=None, change_note="By other rules.", earlier="ask")
    project.refresh_from_db()
    a.User.objects.create_user("frank")
    a.Membership.objects.create(project=project, user=a.User.objects.get(username="frank"), role="annotator")
    label(project, a.Item.objects.get(pk=round.items[0]), alice="negative", frank="negative")
    rows = a.Annotation.objects.submitted().values_list("annotator__username", "independent")
    assert dict(rows) == {"alice": False, "frank": True}
