"""The pages and the API of samples: look, draw, choose numbers, take back; the items that they lead to."""

import json

import pytest
from django.test import Client

from annotation import delegating, jobs, sampling
from annotation import models as a
from tests.annotation.test_sampling import inside, pool
from tests.conftest import make_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(cast):
    return make_project(cast)


@pytest.fixture
def dave(cast):
    client = Client()
    client.force_login(cast["dave"])
    return client


PAGE = "/p/sentiment/samples/"
API = "/api/v1/projects/sentiment/samples/"


def test_a_manager_looks_and_then_draws_what_was_shown(project, dave):
    pool(project)
    given = {"name": "May", "method": "proportional", "by1": "source_type", "by2": "language", "size": "4"}
    page = dave.post(PAGE, {**given, "do": "look"}).content.decode()
    assert "Would draw 4 of 12 items" in page
    assert not a.Sample.objects.exists()
    seed = page.partition('name="seed" value="')[2].partition('"')[0]
    answer = dave.post(PAGE, {**given, "seed": seed, "do": "draw"})
    sample = a.Sample.objects.get()
    assert answer["Location"] == f"{PAGE}{sample.pk}/"
    assert (sample.size, str(sample.seed), sample.design["by"]) == (4, seed, ["source_type", "language"])
    assert "4 of 12 items of the pool" in dave.get(f"{PAGE}{sample.pk}/").content.decode()
    assert "May" in dave.get(PAGE).content.decode()
    assert len(inside(project)) == 8


def test_numbers_are_chosen_stratum_by_stratum(project, dave):
    pool(project)
    given = {"name": "x", "method": "counts", "by1": "source_type", "size": "4", "seed": "7"}
    page = dave.post(PAGE, given).content.decode()
    assert 'name="n:[&quot;news&quot;]"' in page
    dave.post(PAGE, {**given, 'n:["news"]': "1", 'n:["report"]': "5", "do": "draw"})
    assert [row["got"] for row in a.Sample.objects.get().strata] == [1, 5]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": "many"}, "whole number"),
        ({"size": "3", "by1": "column", "method": "equal"}, "Name the column"),
        ({"size": "3", "metadata": "desk"}, "column = value"),
        ({"size": "3", "method": "counts", "by1": "language", "n:{": "3"}, "Open the page anew"),
        ({"size": "3", "since": "May"}, "no day"),
        ({"size": "3", "do": "draw"}, "needs a name"),
    ],
)
def test_what_cannot_be_is_told_on_the_page(project, dave, given, words):
    pool(project, 3)
    answer = dave.post(PAGE, given)
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_a_sample_is_taken_back_by_its_button(project, dave, cast):
    pool(project)
    sample = sampling.draw(project=project, asked=sampling.asked_for({"name": "x", "design": {"size": 3}}))
    dave.post(f"{PAGE}{sample.pk}/take-back/")
    assert len(inside(project)) == 12
    assert "in the pool again" in dave.get(f"{PAGE}{sample.pk}/").content.decode()


def test_a_large_pool_is_looked_at_by_a_worker_and_the_page_shows_what_it_found(project, dave, monkeypatch):
    pool(project)
    monkeypatch.setattr(sampling, "AT_ONCE", 5)
    answer = dave.post(PAGE, {"name": "x", "size": "4", "seed": "7"})
    errand = a.Errand.objects.get()
    assert f"errand={errand.pk}" in answer["Location"]
    assert "so a worker does it" in dave.get(answer["Location"]).content.decode()
    jobs.run(a.Errand, errand.pk, delegating.work)
    assert "Would draw 4 of 12 items, with seed 7" in dave.get(answer["Location"]).content.decode()


def test_the_list_of_items_finds_the_pool_a_sample_and_a_period(project, dave):
    pool(project)
    sample = sampling.draw(project=project, asked=sampling.asked_for({"name": "x", "design": {"size": 3}}))
    for query, count in (("state=pool", 9), ("state=sampled", 3), (f"sample={sample.pk}", 3), ("sample=99999", 0), ("period=2023", 4), ("period=2023-Q1", 2), ("period=none", 0), ("period=2023-01", 2)):  # fmt: skip
        page = dave.get(f"/p/sentiment/items/?{query}").context["page_obj"].paginator.count
        assert page == count, query
    assert "9 more items wait in the pool" in dave.get("/p/sentiment/").content.decode()


def test_the_api_looks_draws_lists_and_takes_back(project, dave):
    pool(project)
    asked = {"name": "May", "frame": {"source_type": ["news"]}, "design": {"by": ["year"], "size": 3, "seed": 7}}

    def post(**more):
        return dave.post(API, json.dumps({**asked, **more}), content_type="application/json")

    look = post(dry_run=True)
    assert (look.status_code, look.json()["sums"]["frame"], a.Sample.objects.count()) == (200, 6, 0)
    made = post()
    assert made.status_code == 201, made.content
    assert (made.json()["size"], made.json()["strata"][0]["rate"]) == (3, 0.5)
    [listed] = dave.get(API).json()["results"]
    assert (listed["id"], listed["framed"], listed["labelled"]) == (made.json()["id"], 6, 0)
    assert dave.get(f"{API}{listed['id']}/").json()["design"]["by"] == ["year"]
    assert dave.delete(f"{API}{listed['id']}/").status_code == 204
    assert dave.delete(f"{API}{listed['id']}/").status_code == 400
    assert post(design={"size": 0}).status_code == 400
    assert post(frame={"colour": "red"}).json()["error"] == "No filter is called colour."
