"""Samples: what comes into the pool is asked of nobody; a draw takes items out once, with slots, and can be undone."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from annotation import assigning, batching, calibrating, delegating, jobs, progress, samples, sampling, suggesting
from annotation import models as a
from annotation.frames import Frame
from tests.annotation.worlds import answer, bring, lines, member, take
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db


def text(n):
    return f"Sales of company {n} rose."


def pool(project, count=12, **each):
    """Items in the pool: two source types by turns, years 2023 to 2025, three issuers."""
    rows = (
        {
            "id": f"p{n}", "text": text(n), "source_type": ("news", "report")[n % 2], "language": "en",
            "published_at": f"{2023 + n % 3}-0{1 + n % 9}-15", "issuer": f"I{n % 3}", "desk": n % 4, **each,
        }
        for n in range(count)
    )  # fmt: skip
    return bring(project, lines(*rows), pool=True)


def asked(name="First", frame=None, **design):
    return sampling.asked_for({"name": name, "frame": frame or {}, "design": {"seed": 7, **design}})


def inside(project):
    return set(a.Item.objects.filter(project=project, in_pool=True).values_list("document__external_id", flat=True))


def drawn(sample):
    return set(sample.drawn.values_list("item__document__external_id", flat=True))


@pytest.fixture
def project(cast):
    return make_project(cast)


# -- The pool -------------------------------------------------------------------------------------------------------


def test_what_comes_into_the_pool_has_no_slot_and_is_asked_of_nobody(project, cast):
    assert pool(project)["new"] == 12
    assert not a.Assignment.every.filter(project=project).exists()
    assert take(project, cast["alice"]) == []
    overview = progress.overview(project)
    assert (overview["items"], overview["pool"], overview["slots"], overview["percent"]) == (0, 12, 0, 0)


def test_rows_with_answers_or_gold_do_not_go_into_the_pool(project):
    told = lines(
        {"id": "a", "text": "Up.", "annotations": [{"annotator": "x", "label": "positive"}]},
        {"id": "c", "text": "Flat."},
    )
    bring(project, told, pool=True)
    bring(project, lines({"id": "b", "text": "Down.", "label": "negative"}), labels="gold", pool=True)
    assert inside(project) == {"c"}


def test_answers_that_come_later_take_their_item_out_of_the_pool_with_the_slots_that_are_missing(project):
    pool(project, 3)
    bring(project, lines({"id": "p0", "annotator": "x", "label": "positive"}), what="annotations")
    assert inside(project) == {"p1", "p2"}
    states = a.Assignment.objects.filter(project=project).order_by("slot").values_list("state", flat=True)
    assert sorted(states) == ["done", "open"]


def test_gold_that_comes_later_takes_its_item_out_of_the_pool_and_asks_nobody(project):
    pool(project, 2)
    bring(project, lines({"id": "p0", "text": text(0), "label": "positive"}), labels="gold")
    assert inside(project) == {"p1"}
    assert not a.Assignment.objects.filter(project=project).exists()


def test_neither_overlap_nor_batches_nor_rounds_ask_for_what_is_in_the_pool(project, cast):
    pool(project)
    assigning.set_overlap(project=project, overlap=3)
    everything = list(a.Item.objects.filter(project=project).values_list("pk", flat=True))
    with pytest.raises(ValueError, match="Nothing could be assigned"):
        batching.assign(
            project=project, items=everything, people=[member(project, cast["alice"])], name="Monday", extra=True
        )
    people = [member(project, cast[name]) for name in ("alice", "bob")]
    with pytest.raises(ValueError, match="fresh ones"):
        calibrating.start(project=project, ids=["p0", "p1"], people=people, by=cast["dave"])
    assert not a.Assignment.every.filter(project=project).exists()


def test_who_labels_and_manages_reads_no_proposal_for_an_item_that_may_be_drawn(project, cast):
    pool(project, 1)
    suggesting.suggest(project=project, entries=[{"id": "p0", "value": "positive", "source": "m1"}])
    dave = member(project, cast["dave"])
    assert a.Suggestion.objects.visible_to(cast["dave"]).count() == 1
    dave.labels = True
    dave.save()
    assert a.Suggestion.objects.visible_to(cast["dave"]).count() == 0


# -- A draw ---------------------------------------------------------------------------------------------------------


def test_a_draw_makes_the_slots_of_the_overlap_and_leaves_the_rest_in_the_pool(project, cast):
    pool(project)
    sample = sampling.draw(project=project, asked=asked(size=4), by=cast["dave"])
    assert (sample.size, sample.framed, sample.seed) == (4, 12, 7)
    assert drawn(sample).isdisjoint(inside(project))
    assert len(inside(project)) == 8
    slots = a.Assignment.objects.filter(project=project)
    assert {slot.item_id for slot in slots} == set(sample.drawn.values_list("item", flat=True))
    assert slots.count() == 4 * project.overlap
    assert len({slot.key for slot in slots}) == 8
    assert [slot.item.document.external_id in drawn(sample) for slot in take(project, cast["alice"], 2)] == [True] * 2
    act = a.Act.objects.get(project=project, kind="sampled")
    assert (act.by, act.details) == (cast["dave"], {"name": "First", "count": 4})


def test_a_preview_says_what_the_draw_then_does_and_writes_nothing(project):
    pool(project)
    wanted = asked(by=["source_type", "year"], size=6)
    found = sampling.preview(project=project, asked=wanted)
    assert not a.Sample.objects.exists()
    assert found["sums"] == {"frame": 12, "available": 12, "wanted": 6, "got": 6}
    sample = sampling.draw(project=project, asked=wanted)
    assert sample.strata == found["strata"]
    assert sample.strata[0]["stratum"] == ["news", "2023"]
    counted = sample.drawn.values_list("stratum", flat=True)
    assert [list(counted).count(place) for place in range(6)] == [row["got"] for row in sample.strata]


def test_the_same_frame_and_seed_give_the_same_sample_in_another_project(project, cast):
    other = make_project(cast, slug="other")
    make_items(other, 3)  # other numbers of items
    for one in (project, other):
        pool(one)
    wanted = asked(by=["language"], size=5)
    assert drawn(sampling.draw(project=project, asked=wanted)) == drawn(sampling.draw(project=other, asked=wanted))


@pytest.mark.parametrize(
    ("frame", "fits"),
    [
        ({"source_type": ["news"]}, {0, 2, 4, 6, 8, 10}),
        ({"source_type": "news", "issuer": ["I0", "I1"]}, {0, 4, 6, 10}),
        ({"since": "2025-01-01"}, {2, 5, 8, 11}),
        ({"until": "2023-04-15"}, {0, 3, 9}),
        ({"metadata": {"desk": "3"}}, {3, 7, 11}),
        ({"longest": len(text(9))}, set(range(10))),
        ({"shortest": len(text(9)) + 1}, {10, 11}),
        ({"question": "sentiment", "label": ["positive"]}, {0, 2, 4, 6, 8, 10}),
        ({"question": "sentiment", "most_score": 0.3}, {0, 1, 2, 3}),
        ({"question": "sentiment", "least_score": 0.3, "most_score": 0.4, "label": "positive"}, {4}),
        ({"imported_in": 0}, set()),
    ],
)
def test_a_frame_has_the_items_that_fit_it(project, frame, fits):
    pool(project)
    entries = [
        {"id": f"p{n}", "value": ("positive", "negative")[n % 2], "source": "m1", "score": n / 10 if n < 10 else None}
        for n in range(12)
    ]
    suggesting.suggest(project=project, entries=entries)
    found = sampling.preview(project=project, asked=asked(frame=frame, size=12))
    assert found["sums"]["frame"] == len(fits)
    assert bool(found["warnings"]) == bool(Frame.read(frame).is_by_proposal)
    if fits:
        assert drawn(sampling.draw(project=project, asked=asked(frame=frame, size=12))) == {f"p{n}" for n in fits}


@pytest.mark.parametrize("by", ["source_type", "language", "year", "quarter", "month", "issuer", "length", "proposal", "metadata:desk"])  # fmt: skip
def test_strata_are_made_of_each_variable(project, by):
    pool(project)
    suggesting.suggest(project=project, entries=[{"id": "p0", "value": "positive", "source": "m1"}])
    found = sampling.preview(project=project, asked=asked(by=[by], size=6))
    assert found["sums"]["frame"] == 12
    expected = {
        "source_type": ["news", "report"], "language": ["en"], "year": ["2023", "2024", "2025"], "length": ["0-99"],
        "proposal": ["", "positive"], "metadata:desk": ["0", "1", "2", "3"], "issuer": ["I0", "I1", "I2"],
    }.get(by)  # fmt: skip
    assert expected is None or [row["stratum"] for row in found["strata"]] == [[value] for value in expected]


def test_one_per_text_and_at_most_so_many_per_issuer(project):
    pool(project, 12)
    bring(project, lines(*({"id": f"again{n}", "text": text(n)} for n in range(6))), pool=True)
    once = sampling.preview(project=project, asked=asked(per="text", size=18))
    assert (once["sums"]["frame"], once["sums"]["available"]) == (18, 12)
    few = sampling.preview(project=project, asked=asked(per="issuer", most=2, size=18))
    assert few["sums"]["available"] == 3 * 2 + 6  # those without an issuer are not limited
    assert few["shortages"] == ["all items: 18 wanted, 12 there, 6 short."]


def test_the_weight_of_an_item_is_one_by_its_probability(project):
    pool(project)
    sample = sampling.draw(project=project, asked=asked(by=["source_type"], method="equal", size=4))
    keys = list(sample.drawn.values_list("item", flat=True))
    found = samples.weights([*keys, 0])
    assert set(found) == set(keys)
    assert set(found.values()) == {3.0}
    assert sum(found.values()) == 12  # estimates the size of the frame


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"frame": {"colour": "red"}}, "No filter"),
        ({"frame": {"since": "soon"}}, "no day"),
        ({"frame": {"shortest": "x"}}, "whole number"),
        ({"frame": {"question": "sentiment", "most_score": "high"}}, "score"),
        ({"frame": {"label": ["positive"]}}, "which question"),
        ({"frame": {"metadata": ["desk"]}}, "metadata"),
        ({"design": {"size": 0}}, "between 1"),
    ],
)
def test_what_cannot_be_is_refused_in_words(given, words):
    with pytest.raises(ValueError, match=words):
        sampling.asked_for({"design": {"size": 4}, **given})


def test_nothing_is_drawn_from_an_empty_pool_or_without_a_name(project):
    with pytest.raises(ValueError, match="No item of the pool"):
        sampling.draw(project=project, asked=asked(size=4))
    with pytest.raises(ValueError, match="needs a name"):
        sampling.draw(project=project, asked=asked(name="", size=4))
    assert not a.Sample.objects.exists()


# -- Taken back -----------------------------------------------------------------------------------------------------


def test_a_sample_that_nobody_has_begun_goes_back_and_can_be_drawn_again(project, cast):
    pool(project)
    sample = sampling.draw(project=project, asked=asked(size=4))
    before = drawn(sample)
    assert sampling.take_back(sample=sample, by=cast["dave"]) == 4
    assert len(inside(project)) == 12
    assert not a.Assignment.every.filter(project=project).exists()
    sample.refresh_from_db()
    assert (sample.reverted_by, sample.size) == (cast["dave"], 4)
    assert drawn(sampling.draw(project=project, asked=asked(size=4))) == before
    with pytest.raises(ValueError, match="already"):
        sampling.take_back(sample=sample)


def test_a_sample_that_somebody_has_begun_stays(project, cast):
    pool(project)
    sample = sampling.draw(project=project, asked=asked(size=4))
    slot = take(project, cast["alice"])[0]
    with pytest.raises(ValueError, match="has begun"):
        sampling.take_back(sample=sample)
    answer(project, cast["alice"], slot)
    with pytest.raises(ValueError, match="has begun"):
        sampling.take_back(sample=sample)
    assert len(inside(project)) == 8


# -- At once, and by a worker ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_two_draws_at_once_draw_no_item_twice(cast):
    project = make_project(cast)
    pool(project, 60)
    gate = threading.Barrier(2)

    def one(seed):
        try:
            gate.wait(timeout=30)
            return sampling.draw(project=project, asked=asked(name=f"s{seed}", size=40, seed=seed)).size
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool_:
        sizes = sorted(future.result(timeout=60) for future in [pool_.submit(one, seed) for seed in (1, 2)])
    assert sizes == [20, 40]
    assert a.Sampled.objects.count() == 60
    assert inside(project) == set()
    assert a.Assignment.objects.filter(project=project).count() == 60 * project.overlap


def test_a_large_pool_is_a_workers_job(project, cast, monkeypatch):
    pool(project)
    monkeypatch.setattr(sampling, "AT_ONCE", 5)
    wanted = asked(size=4)
    look = delegating.look_at_sample(project=project, asked=wanted, user=cast["dave"])
    act = delegating.draw_sample(project=project, asked=wanted, user=cast["dave"])
    for errand in (look, act):
        assert jobs.run(a.Errand, errand.pk, delegating.work)
        errand.refresh_from_db()
        assert errand.state == "done", errand.message
    assert look.result["sums"]["got"] == 4
    sample = a.Sample.objects.get(pk=act.result["sample"])
    assert (sample.made_by, sample.size) == (cast["dave"], 4)


# -- The command ----------------------------------------------------------------------------------------------------


def run(capsys, *args):
    call_command(*map(str, args))
    return json.loads(capsys.readouterr().out)


def test_the_command_looks_draws_and_takes_back(project, capsys):
    pool(project)
    line = ("sample", "--project", project.slug, "--by", "source_type,language", "--seed", 7, "--json")
    look = run(capsys, *line, "--size", 4, "--dry-run")
    assert (look["sums"]["got"], len(inside(project))) == (4, 12)
    told = run(capsys, *line, "--size", 4, "--name", "Week 1")
    assert (told["size"], told["name"], told["seed"]) == (4, "Week 1", 7)
    assert [row["rate"] for row in told["strata"]] == [2 / 6, 2 / 6]
    back = run(capsys, "sample", "--project", project.slug, "--take-back", told["id"], "--json")
    assert back == {"sample": told["id"], "taken_back": 4}
    chosen = run(capsys, *line, "--count", "news|en=1", "--count", "report|en=3", "--filter", "since=2024-01-01")
    assert [row["got"] for row in chosen["strata"]] == [1, 3]
    with pytest.raises(CommandError, match="no sample 0"):
        run(capsys, "sample", "--project", project.slug, "--take-back", 0)
