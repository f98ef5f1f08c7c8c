"""preference: which response is better and by how much, or a ranking; sides on a screen never change what was said."""

import random
import uuid
from itertools import permutations

import pytest

from annotation import candidates, importing, jobs
from annotation import models as a
from annotation.kinds import About, preference
from tests.annotation.worlds import bring, lines, take, upload
from tests.conftest import make_project, set_schema

TWO = About(text="Which?", candidates=("a", "b"))
THREE = About(text="Which?", candidates=("a", "b", "c"))


def question(**settings):
    return {"name": "pick", **preference.check_schema(settings)}


# -- The pure part --------------------------------------------------------------------------------------------------


def test_a_plain_question_compares_two_and_takes_ties():
    assert question() == {"name": "pick", "mode": "pairwise", "tie": True, "strength": []}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"mode": "duel"}, "pairwise or ranking; got “duel”"),
        ({"strength": 3}, "must be a list of texts"),
        ({"strength": ["much"]}, "two to 5 different words"),
        ({"strength": ["much", "much"]}, "two to 5 different words"),
        ({"mode": "ranking", "strength": ["a", "b"]}, "A ranking has no strength"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        preference.check_schema(settings)


@pytest.mark.parametrize(
    ("cell", "better"),
    [
        ("a", "a"), (" B ", "b"), ("model_b", "b"), ("Response A", "a"), ("left", "a"), (2, "b"), ("1", "a"),
        ("tie", "tie"), ("Draw", "tie"), (0, "tie"), ("平局", "tie"), ('{"better": "b"}', "b"), ({"better": "a"}, "a"),
    ],
)  # fmt: skip
def test_cells_of_other_tools_are_read(cell, better):
    asked = question()
    assert preference.clean(preference.read(cell, asked), asked, TWO) == {"better": better}


def test_a_strength_goes_by_number_or_word():
    asked = question(strength=["slightly", "clearly", "much"])
    for cell in ("a:2", "a: clearly", '{"better": "a", "strength": 2}', {"better": "a", "strength": "clearly"}):
        assert preference.clean(preference.read(cell, asked), asked, TWO) == {"better": "a", "strength": 2}
    assert preference.clean({"better": "tie", "strength": 3}, asked) == {"better": "tie"}


@pytest.mark.parametrize(
    "cell", ["b > a = c", {"order": [["b"], ["c", "a"]]}, '[["b"], ["a", "c"]]', ["b", ["a", "c"]]]
)
def test_rankings_are_read_in_any_form(cell):
    asked = question(mode="ranking")
    assert preference.clean(preference.read(cell, asked), asked, THREE) == {"order": [["b"], ["a", "c"]]}


@pytest.mark.parametrize(
    ("settings", "value", "about", "sentence"),
    [
        ({}, "c", TWO, "“c” is no answer to “pick”. It takes a, b, tie"),
        ({}, 7, TWO, "takes a response that is better"),
        ({"tie": False}, {"better": "tie"}, TWO, "takes no tie"),
        ({}, {"better": "a"}, THREE, "compares two responses; the item has 3"),
        ({}, {"better": "a"}, About(), "the item has 0"),
        ({"strength": ["a bit", "much"]}, {"better": "a"}, TWO, "how much better: a number from 1 to 2"),
        ({"strength": ["a bit", "much"]}, {"better": "a", "strength": 3}, TWO, "a number from 1 to 2"),
        ({"strength": ["a bit", "much"]}, {"better": "a", "strength": True}, TWO, "a number from 1 to 2"),
        ({}, {"better": "a", "shown": ["a"]}, TWO, "“shown” must list"),
        ({}, {"better": "a", "shown": ["a", "a"]}, TWO, "“shown” must list"),
        ({"mode": "ranking"}, {"order": [["a"], ["b"]]}, THREE, "ranks every response once: a, b, c"),
        ({"mode": "ranking"}, {"order": [["a"], ["b", "b", "c"]]}, THREE, "ranks every response once"),
        ({"mode": "ranking"}, {"order": [["a"], [], ["b", "c"]]}, THREE, "ranks every response once"),
        ({"mode": "ranking"}, {"order": "abc"}, THREE, "takes a ranking"),
        ({"mode": "ranking", "tie": False}, {"order": [["a"], ["b", "c"]]}, THREE, "takes no ties"),
    ],
)
def test_what_cannot_be_an_answer_is_refused_in_a_sentence(settings, value, about, sentence):
    with pytest.raises(ValueError, match=sentence):
        preference.clean(value, question(**settings), about)


def test_where_it_stood_on_the_screen_is_kept_and_says_nothing():
    asked = question()
    seen = preference.clean({"better": "a", "shown": ["b", "a"]}, asked, TWO)
    assert seen == {"better": "a", "shown": ["b", "a"]}
    assert preference.distance(seen, {"better": "a", "shown": ["a", "b"]}, asked) == 0
    assert preference.settled(seen, asked) == {"better": "a"}
    assert preference.merge([seen, seen], asked) == ({"better": "a"}, 1.0)


def test_a_strength_stretches_the_distance_over_the_tie():
    asked = question(strength=["slightly", "much"])
    far = [
        {"better": "a", "strength": 2},
        {"better": "a", "strength": 1},
        {"better": "tie"},
        {"better": "b", "strength": 2},
    ]
    assert [preference.distance(far[0], each, asked) for each in far] == [0, 0.25, 0.5, 1]


def test_the_distance_of_rankings_is_kemenys_over_all_pairs():
    asked = question(mode="ranking")
    one = {"order": [["a"], ["b"], ["c"]]}
    assert preference.distance(one, {"order": [["c"], ["b"], ["a"]]}, asked) == 1
    assert preference.distance(one, {"order": [["a"], ["b", "c"]]}, asked) == pytest.approx(1 / 6)
    assert preference.distance(one, {"order": [["a"], ["b"]]}, asked) == 1


@pytest.mark.parametrize(
    ("values", "merged"),
    [
        ([], None),
        (["a", "b"], None),
        (["a", "a", "tie"], ({"better": "a"}, 2 / 3)),
        (["a", "b", "tie"], None),
    ],
)
def test_merging_needs_more_than_half(values, merged):
    assert preference.merge([{"better": value} for value in values], question()) == merged


def test_merged_strength_is_the_middle_of_its_voters():
    asked = question(strength=["slightly", "clearly", "much"])
    given = [("a", 1), ("a", 3), ("a", 3), ("b", 1)]
    merged = preference.merge([{"better": better, "strength": strength} for better, strength in given], asked)
    assert merged == ({"better": "a", "strength": 3}, 0.75)


def test_merged_rankings_follow_the_majority_of_each_pair():
    asked = question(mode="ranking")
    abc, acb, bac = ({"order": [[name] for name in order]} for order in ("abc", "acb", "bac"))
    assert preference.merge([abc, acb, bac], asked) == (abc, pytest.approx(2 / 3))
    circle = [{"order": [[name] for name in order]} for order in ("abc", "bca", "cab")]
    assert preference.merge(circle, asked) is None
    assert preference.majority_cycle(circle)
    assert not preference.majority_cycle([abc, acb, bac])


def test_a_merged_ranking_says_of_each_pair_what_most_said():
    """Against a naive search over all rankings with ties of three."""
    dice = random.Random(3)
    every = [[[x], [y], [z]] for x, y, z in permutations("abc")]
    every += (
        [[[x], sorted(set("abc") - {x})] for x in "abc"]
        + [[sorted(set("abc") - {x}), [x]] for x in "abc"]
        + [[["a", "b", "c"]]]
    )
    asked = question(mode="ranking")
    for _round in range(200):
        values = [{"order": dice.choice(every)} for _ in range(dice.randint(1, 5))]
        signs = [preference.relations(value) for value in values]
        fitting = [
            order for order in every
            if all(sum(each[pair] == sign for each in signs) * 2 > len(values) for pair, sign in preference.relations({"order": order}).items())
        ]  # fmt: skip
        merged = preference.merge(values, asked)
        assert (merged[0]["order"] if merged else None) == (fitting[0] if fitting else None)


def test_answers_in_words():
    asked = question(strength=["slightly", "much"])
    assert preference.summarise({"better": "b", "strength": 2, "shown": ["b", "a"]}, asked) == "B is better (much)"
    assert preference.summarise({"better": "tie"}, asked) == "equally good"
    assert preference.summarise({"order": [["b"], ["a", "c"]]}, asked) == "B > A = C"
    assert preference.summarise("b", asked) == "b"
    assert preference.stratum({"order": [["a", "c"], ["b"]]}, asked) == "a=c"


# -- Candidates -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        ["yes", "no"],
        '["yes", "no"]',
        [{"text": "yes", "model": "m1"}, {"text": "no", "model": "m2"}],
        {"response_a": "yes", "response_b": "no", "model_a": "m1", "model_b": "m2"},
        [{"name": "m1", "text": "yes"}, {"name": "m2", "response": "no"}],
        [{"name": "b", "text": "no", "model": "m2"}, {"name": "a", "text": "yes", "model": "m1"}],
        {"a": "yes", "b": "no"},
    ],
)
def test_candidates_are_read_in_every_shape(cell):
    found = candidates.read(cell)
    assert [(entry["name"], entry["text"]) for entry in found] == [("a", "yes"), ("b", "no")]
    if "m1" in str(cell):
        assert [entry["model"] for entry in found] == ["m1", "m2"]


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        (["one"], "there are 1 candidate responses; 2 to 6"),
        (list("abcdefg"), "there are 7 candidate responses"),
        (["x", "y" * 100_001], "candidate response b has 100001 characters; at most 100000"),
        (["x", 3], "each candidate response needs a text"),
        ("[1", "no valid JSON"),
        ({"x": "1", "y": "2"}, "must be a list of texts"),
        (7, "must be a list of texts"),
    ],
)
def test_too_few_too_many_or_too_long_candidates_are_refused(cell, sentence):
    with pytest.raises(ValueError, match=sentence):
        candidates.read(cell)


def test_each_person_has_an_order_of_their_own_that_stays_and_names_no_model():
    given = candidates.read([{"text": str(n), "model": f"m{n}"} for n in range(2)])
    orders = [candidates.shuffled(given, item=item, person=person) for item in range(40) for person in (1, 2)]
    assert orders == [candidates.shuffled(given, item=item, person=person) for item in range(40) for person in (1, 2)]
    firsts = [order[0]["name"] for order in orders]
    assert 20 < firsts.count("a") < 60
    assert any(one != other for one, other in zip(firsts[::2], firsts[1::2], strict=True))
    assert all(set(entry) == {"name", "text"} for order in orders for entry in order)


# -- From a file to the labelling page ------------------------------------------------------------------------------


def compared(cast, **settings):
    project = make_project(cast, overlap=2)
    schema = {"questions": [{"name": "pick", "kind": "preference", "title": "Better?", **settings}]}
    from annotation import schema as schemas

    set_schema(project, schemas.check(schema))
    return project


def row(n, **more):
    return {
        "id": f"p{n}",
        "text": "Say it shorter. 🙂",
        "response_a": f"<b>One {n}</b>",
        "response_b": "𠮷\nTwo",
        "model_a": "m1",
        "model_b": "m2",
        **more,
    }


@pytest.mark.django_db
def test_responses_in_columns_become_candidates_and_the_prompt_the_text(cast):
    project = compared(cast)
    report = bring(project, lines(row(1, reference="Short."), row(2, reference="")))
    assert (report["new"], report["refused"]) == (2, 0)
    document = project.documents.get(external_id="p1")
    assert document.candidates == [
        {"name": "a", "text": "<b>One 1</b>", "model": "m1"},
        {"name": "b", "text": "𠮷\nTwo", "model": "m2"},
    ]
    assert (document.reference, document.metadata) == ("Short.", {})
    assert document.items.get().about.candidates == ("a", "b")


@pytest.mark.django_db
def test_a_prompt_column_is_the_text_where_none_is_called_so(cast):
    project = compared(cast)
    table = "id,prompt,response_a,response_b,winner\n1,Hello?,Hi there my friend,Hey you over there,model_a\n"
    bring(
        project,
        table,
        "duels.csv",
        question="pick",
        mapping={"id": "id", "text": "prompt", "candidates": "response", "label": "winner"},
    )
    assert project.documents.get().text == "Hello?"
    assert a.Annotation.objects.get().answer == {"pick": {"better": "a"}}
    [guessed] = [importing.look(a.Import.objects.get()) and a.Import.objects.get().options["mapping"]]
    assert (guessed["candidates"], guessed["text"]) == ("response", "prompt")


@pytest.mark.django_db
def test_rows_without_responses_are_refused_where_they_are_asked_for(cast):
    project = compared(cast)
    report = bring(
        project,
        lines(
            {"id": "x", "text": "Nothing to compare."},
            {"id": "y", "text": "One.", "candidates": ["a"]},
            {"id": "z", "text": "Two.", "candidates": ["a", "b"]},
        ),
    )
    assert report["new"] == 1
    assert "has no candidate responses" in report["problems"][0]["problem"]
    assert "there are 1 candidate responses" in report["problems"][1]["problem"]


@pytest.mark.django_db
def test_the_same_id_with_other_responses_is_another_text(cast):
    project = compared(cast)
    bring(project, lines(row(1)))
    report = bring(project, lines(row(1, response_b="Three"), row(1)))
    assert (report["new"], report["here"], report["refused"]) == (0, 1, 1)
    assert bring(project, lines(row(2)), duplicates="skip")["new"] == 1


@pytest.mark.django_db
def test_whoever_labels_gets_the_sides_shuffled_and_never_a_model(cast, client_of):
    project = compared(cast)
    bring(project, lines(*(row(n) for n in range(6))))
    client = client_of("alice")
    page = client.get(f"/p/{project.slug}/label/")
    assert "candidates.js" in page.content.decode()
    assert "m1" not in page.content.decode()
    packets = page.context["desk"]["packets"]
    [slot] = [one for one in a.Assignment.objects.filter(annotator=cast["alice"]) if one.pk == packets[0]["assignment"]]
    expected = candidates.shuffled(slot.item.document.candidates, item=slot.item_id, person=cast["alice"].pk)
    assert packets[0]["item"]["candidates"] == expected
    again = client.get(f"/p/{project.slug}/label/").context["desk"]["packets"]
    assert [packet["item"]["candidates"] for packet in again] == [packet["item"]["candidates"] for packet in packets]


@pytest.mark.django_db
def test_a_page_without_comparisons_carries_no_candidates(cast, client_of):
    project = make_project(cast)
    bring(project, lines(row(1)))
    page = client_of("alice").get(f"/p/{project.slug}/label/")
    assert "candidates" not in page.context["desk"]["packets"][0]["item"]
    assert "candidates.js" not in page.content.decode()


@pytest.mark.django_db
def test_two_who_saw_other_sides_agree_and_gold_knows_no_sides(cast, client_of):
    from tests.annotation.worlds import answer

    project = compared(cast)
    bring(project, lines(row(1)))
    for name, shown in (("alice", ["a", "b"]), ("bob", ["b", "a"])):
        [slot] = take(project, cast[name])
        answer(project, cast[name], slot, answer={"pick": {"better": "b", "shown": shown}})
    gold = a.Gold.objects.get()
    assert (gold.value, gold.method) == ({"better": "b"}, "unanimous")
    item = client_of("dave").get(f"/p/{project.slug}/items/{gold.item_id}/").content.decode()
    assert "&lt;b&gt;One 1&lt;/b&gt;" in item
    assert "m1" in item


@pytest.mark.django_db
def test_models_stay_hidden_until_it_is_settled(cast, client_of):
    from tests.annotation.worlds import answer

    project = compared(cast)
    bring(project, lines(row(1)))
    for name, better in (("alice", "a"), ("bob", "b")):
        [slot] = take(project, cast[name])
        answer(project, cast[name], slot, answer={"pick": {"better": better}})
    case = a.Case.objects.get()
    client = client_of("carol")
    page = client.get(f"/p/{project.slug}/adjudicate/{case.pk}/").content.decode()
    assert "&lt;b&gt;One 1&lt;/b&gt;" in page
    assert "m1" not in page
    assert "m1" not in client.get(f"/p/{project.slug}/items/{case.item_id}/").content.decode()
    client.post(
        f"/p/{project.slug}/adjudicate/{case.pk}/", {"value": '{"better": "a", "shown": ["b", "a"]}', "reason": "other"}
    )
    assert a.Gold.objects.get().value == {"better": "a"}
    assert "m1" in client.get(f"/p/{project.slug}/items/{case.item_id}/").content.decode()


@pytest.mark.django_db
def test_the_import_page_offers_columns_of_responses(cast, client_of):
    project = compared(cast)
    table = "prompt,response_a,response_b,model_a,model_b,choice\nHello?,Hi,Hey,m1,m2,tie\n"
    waiting = upload(project, table, "duels.csv")
    client, page = client_of("dave"), f"/p/{project.slug}/imports/{waiting.pk}/"
    shown = client.get(page)
    assert '<option value="response" selected>response_a, response_b …</option>' in shown.content.decode()
    form = {f"map_{name}": column for name, _words, column in shown.context["fields"]} | {"map_label": "choice"}
    client.post(page, {**form, "do": "start", "format": "csv", "header": "on", "labels": "gold", "duplicates": "keep"})
    jobs.run(a.Import, waiting.pk, importing.work)
    assert [entry["text"] for entry in project.documents.get().candidates] == ["Hi", "Hey"]
    assert (a.Gold.objects.get().value, project.documents.get().metadata) == ({"better": "tie"}, {})


@pytest.mark.django_db
def test_a_program_gets_and_sends_preferences(cast, caller_of):
    project = compared(cast)
    bring(project, lines(row(1)))
    caller = caller_of("alice")
    address = f"/api/v1/projects/{project.slug}/label/"
    reply = caller.get(address).json()
    [given] = reply["items"]
    assert "m1" not in str(given)
    order = [entry["name"] for entry in given["item"]["candidates"]]
    assert sorted(order) == ["a", "b"]
    body = {"client_id": str(uuid.uuid4()), "assignment": given["assignment"], "token": given["token"]}
    body |= {"version": reply["version"], "status": "submitted"}
    refused = caller.post(address, {**body, "answer": {"pick": {"better": "c"}}})
    assert (refused.status_code, "is no answer to" in str(refused.json())) == (400, True)
    taken = caller.post(address, {**body, "answer": {"pick": {"better": "b", "shown": order}}})
    assert taken.status_code in (200, 201), taken.json()
    assert a.Annotation.objects.get().answer == {"pick": {"better": "b", "shown": order}}
