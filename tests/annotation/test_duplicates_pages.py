"""The pages, endpoints and the command for duplicates."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotation import deciding_duplicates, jobs, scanning
from annotation import models as a
from annotation.scanning import work
from tests.conftest import make_gold, make_items, make_project


@pytest.fixture
def project(cast) -> a.Project:
    project = make_project(cast)
    make_items(
        project,
        [
            "Profit rose.",
            "Profit rose.",
            "<b>Costs</b> fell in the third quarter of the year as planned",
            "<b>Costs</b> fell in the third quarter of the year as planned then",
        ],
    )
    return project


@pytest.fixture
def dave(client_of) -> Any:
    return client_of("dave")


def url(name: str, project: a.Project, *args: Any) -> str:
    return reverse(f"annotation:{name}", args=[project.slug, *args])


def test_the_page_has_the_worker_search_and_shows_what_it_found(project, dave):
    assert "not been searched" in dave.get(url("duplicates", project)).content.decode()
    assert dave.post(url("duplicates", project)).status_code == 302
    [scan] = a.Scan.objects.all()
    assert scan.state == "queued"
    dave.post(url("duplicates", project))
    assert a.Scan.objects.count() == 1
    jobs.run(a.Scan, scan.pk, work)
    page = dave.get(url("duplicates", project)).content.decode()
    assert page.count('class="card cluster"') == 2
    assert "&lt;b&gt;Costs" in page
    assert "<b>Costs" not in page


def test_one_is_kept_and_that_is_taken_back_on_the_page(project, dave, cast):
    scanning.at_once(project=project, what="duplicates")
    cluster = a.Cluster.objects.order_by("pk")[0]
    kept = cluster.members.all()[1].item_id
    form = {"what": "keep", "kept": kept, "before": "", "reason": "newer"}
    assert dave.post(url("cluster", project, cluster.pk), form).status_code == 302
    verdict = a.Verdict.objects.get()
    assert (verdict.kept_id, verdict.made_by, verdict.reason) == (kept, cast["dave"], "newer")
    again = dave.post(url("cluster", project, cluster.pk), form, follow=True).content.decode()
    assert "Somebody else has decided" in again
    assert "left out" in dave.get(url("cluster", project, cluster.pk)).content.decode()
    dave.post(url("duplicates_undo", project), {"verdict": verdict.pk})
    assert a.Item.objects.filter(left_out__isnull=False).count() == 0
    said = dave.post(url("duplicates_undo", project), {"act": "x"}, follow=True).content.decode()
    assert "There is no such act." in said


def test_a_rule_is_previewed_applied_and_taken_back_on_the_page(project, dave):
    scanning.at_once(project=project, what="duplicates")
    page = dave.post(url("duplicates_rule", project), {"rule": "earliest"}).content.decode()
    assert "Decide 2 clusters" in page
    assert a.Verdict.objects.count() == 0
    refused = dave.post(url("duplicates_rule", project), {"rule": "earliest", "apply": "on"})
    assert (refused.status_code, "Say why" in refused.content.decode()) == (400, True)
    dave.post(url("duplicates_rule", project), {"rule": "earliest", "apply": "on", "reason": "first in"})
    assert a.Item.objects.filter(left_out__isnull=False).count() == 2
    act = a.Verdict.objects.values_list("act", flat=True)[0]
    assert str(act) in dave.get(url("duplicates", project)).content.decode()
    dave.post(url("duplicates_undo", project), {"act": act})
    assert a.Verdict.objects.standing().count() == 0


def test_many_clusters_are_decided_by_a_worker(project, dave, monkeypatch):
    from annotation import delegating

    monkeypatch.setattr(deciding_duplicates, "AT_ONCE", 1)
    scanning.at_once(project=project, what="duplicates")
    answer = dave.post(url("duplicates_rule", project), {"rule": "earliest", "apply": "on", "reason": "first in"})
    errand = a.Errand.objects.get()
    assert answer["Location"].endswith(f"?errand={errand.pk}")
    assert errand.get_what_display() in dave.get(answer["Location"]).content.decode()
    jobs.run(a.Errand, errand.pk, delegating.work)
    errand.refresh_from_db()
    assert (errand.state, errand.result["clusters"]) == ("done", 2)
    dave.post(url("duplicates_undo", project), {"act": errand.result["act"]})
    jobs.run(a.Errand, a.Errand.objects.latest("pk").pk, delegating.work)
    assert a.Verdict.objects.standing().count() == 0


def test_a_cluster_of_ten_thousand_is_not_drawn_whole(project, dave):
    item = a.Item.objects.first()
    cluster = a.Cluster.objects.create(project=project, kind="exact", size=10_000, similarity=1.0)
    documents = a.Document.objects.bulk_create(
        a.Document(project=project, external_id=f"x{n}", text="The same.", text_key="0" * 32) for n in range(10_000)
    )
    items = a.Item.objects.bulk_create(a.Item(project=project, document=document) for document in documents)
    a.ClusterMember.objects.bulk_create(
        a.ClusterMember(cluster=cluster, item=item, place=place, kind="exact" if place else "")
        for place, item in enumerate(items)
    )
    page = dave.get(url("duplicates", project)).content.decode()
    assert (page.count('class="twin"'), "All 10000, side by side" in page) == (6, True)
    whole = dave.get(url("cluster", project, cluster.pk) + "?page=3").content.decode()
    assert whole.count('class="twin"') == 41
    assert item is not None


def test_a_search_can_be_stopped_and_a_lost_one_leaves_the_earlier_clusters(project, dave):
    scanning.at_once(project=project, what="duplicates")
    before = set(a.Cluster.objects.values_list("pk", flat=True))
    row = scanning.ask(project=project, what="duplicates")
    claimed = a.Scan.objects.claim(row.pk)
    # The worker is gone; the reaper puts the row back, and another attempt owns it.
    a.Scan.objects.filter(pk=row.pk).update(lease_until="2020-01-01T00:00Z")
    jobs.reap()
    with pytest.raises(jobs.JobLost):
        work(row, jobs.Grip(claimed))
    assert set(a.Cluster.objects.values_list("pk", flat=True)) == before
    dave.post(url("scan_cancel", project, row.pk))
    row.refresh_from_db()
    assert row.state == "cancelled"
    assert dave.get(url("scan_progress", project, row.pk))["HX-Refresh"] == "true"


def test_the_overview_tells_of_clusters_that_wait(project, dave):
    scanning.at_once(project=project, what="duplicates")
    assert (
        "2 clusters of duplicates wait for a decision"
        in dave.get(reverse("annotation:project", args=[project.slug])).content.decode()
    )


# -- The API


def test_the_api_searches_lists_decides_and_takes_back(project, caller_of):
    caller = caller_of("dave")
    base = f"/api/v1/projects/{project.slug}/duplicates/"
    answer = caller.post(base, {"across": ["nowhere"]})
    assert (answer.status_code, "nowhere" in answer.content.decode()) == (400, True)
    row = caller.post(base, {}).json()
    assert caller.get(f"/api/v1/projects/{project.slug}/scans/{row['id']}/").json()["state"] == "queued"
    jobs.run(a.Scan, row["id"], work)
    assert caller.delete(f"/api/v1/projects/{project.slug}/scans/{row['id']}/").status_code == 409
    [other, one] = caller.get(base).json()["results"]
    assert caller.get(base + "?kind=exact").json()["results"] == [one]
    told = caller.get(f"{base}{one['id']}/").json()
    assert [entry["similarity"] for entry in told["members"]] == [1.0, 1.0]
    verdict = caller.post(
        f"{base}{one['id']}/", {"what": "keep", "kept": told["members"][0]["item"], "reason": "r"}
    ).json()
    assert verdict["made_by"] == "dave"
    assert caller.post(f"{base}{one['id']}/", {"what": "group"}).status_code == 400
    assert caller.delete(f"{base}{one['id']}/").status_code == 204
    assert caller.post(base + "rule/", {"rule": "earliest"}).json()["clusters"] == 2
    done = caller.post(base + "rule/", {"rule": "earliest", "reason": "r", "apply": True}).json()
    assert caller.post(base + "undo/", {"act": done["act"]}).json() == {"clusters": 2, "items": 2}
    assert other["verdict"] is None


# -- The command


def run(capsys, *words: str) -> Any:
    call_command("duplicates", "--project", "sentiment", *words)
    return capsys.readouterr().out


def test_the_command_searches_and_decides_by_a_rule(project, capsys):
    make_gold(a.Item.objects.order_by("pk")[1])
    told = json.loads(run(capsys, "--json"))
    assert (told["clusters"], told["kinds"]["exact"], told["search"]["items"]) == (2, 1, 4)
    would = run(capsys, "--no-search", "--rule", "gold", "--kind", "exact")
    assert "would decide 1 clusters, 1 items kept, 1 left out" in would
    done = json.loads(run(capsys, "--rule", "earliest", "--apply", "--reason", "r", "--json"))
    assert a.Item.objects.filter(left_out__isnull=False).count() == 2
    assert "2 decisions taken back, 2 items in again" in run(capsys, "--undo", done["rule"]["act"])
    with pytest.raises(CommandError, match="no act"):
        run(capsys, "--undo", "x")
    with pytest.raises(CommandError, match="Say why"):
        run(capsys, "--rule", "earliest", "--apply")
