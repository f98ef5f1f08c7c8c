"""The page, the endpoints and the command for private data."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from annotation import jobs, scanning
from annotation import models as a
from tests.conftest import make_items, make_project
from tests.evaluation.worlds import freeze, make_texts

MAIL = "jane.doe@example.org"


@pytest.fixture
def project(cast) -> a.Project:
    project = make_project(cast)
    make_items(project, [f"Write to {MAIL}, <b>now</b>.", f"Ask {MAIL} or call 13812345678.", "Profit rose by 8 %."])
    return project


@pytest.fixture
def dave(client_of) -> Any:
    return client_of("dave")


def url(name: str, project: a.Project) -> str:
    return reverse(f"annotation:{name}", args=[project.slug])


def states() -> list[tuple[str, str]]:
    return list(a.PrivateHit.objects.order_by("pk").values_list("kind", "state"))


def test_the_page_shows_each_place_in_its_context_and_decides(project, dave, cast):
    page = dave.get(url("private_data", project)).content.decode()
    assert "3 documents were not looked through yet" in page
    dave.post(url("private_data", project))
    jobs.run(a.Scan, a.Scan.objects.get().pk, scanning.work)
    page = dave.get(url("private_data", project)).content.decode()
    assert page.count(f"<mark>{MAIL}</mark>") == 2
    assert "&lt;b&gt;now&lt;/b&gt;" in page
    assert "All 3 documents were looked through" in page
    first = a.PrivateHit.objects.order_by("pk")[0]
    answer = dave.post(
        url("decide_private", project), {"decision": f"mask these:{first.pk}", "hits": [1, 2, 3], "at_state": "open"}
    )
    assert answer["Location"].endswith("?state=open")
    assert states() == [("email", "mask"), ("email", "open"), ("mobile", "open")]
    first.refresh_from_db()
    assert first.by == cast["dave"]
    dave.post(url("decide_private", project), {"decision": f"keep value:{first.pk}"})
    assert states() == [("email", "keep"), ("email", "keep"), ("mobile", "open")]
    refused = dave.post(url("decide_private", project), {"scope": "many", "state": "keep"}, follow=True)
    assert "Say why all of these may stay" in refused.content.decode()
    dave.post(url("decide_private", project), {"scope": "many", "kind": "mobile", "state": "mask"})
    assert states()[-1] == ("mobile", "mask")
    page = dave.get(url("private_data", project) + "?kind=mobile&state=mask").content.decode()
    assert page.count('class="hit"') == 1


def test_those_of_a_page_are_decided_at_once(project, dave):
    scanning.at_once(project=project, what="private")
    shown = list(a.PrivateHit.objects.values_list("pk", flat=True))[:2]
    dave.post(url("decide_private", project), {"decision": "mask these", "hits": shown})
    assert [state for _kind, state in states()] == ["mask", "mask", "open"]


def test_the_policy_is_set_on_the_page(project, dave):
    scanning.at_once(project=project, what="private")
    dave.post(url("private_policy", project), {"email": "mask", "mobile": "review"})
    project.refresh_from_db()
    assert project.private_policy == {"email": "mask"}
    assert [state for _kind, state in states()] == ["mask", "mask", "open"]
    assert "policy" in dave.post(url("private_policy", project), {"email": "burn"}, follow=True).content.decode()
    assert "1 place with private data waits for a look" in dave.get(url("project", project)).content.decode()


def test_a_refused_freeze_leads_to_the_page(project, dave):
    make_texts(project, [f"{MAIL} wrote number {n}." for n in range(3)])
    version = freeze(project)
    page = dave.get(reverse("evaluation:version", args=[project.slug, version.pk])).content.decode()
    assert f"{url('private_data', project)}?state=open" in page
    assert MAIL not in page


def test_the_api_lists_decides_and_sets_the_policy(project, caller_of):
    caller = caller_of("dave")
    base = f"/api/v1/projects/{project.slug}/private-data/"
    row = caller.post(base + "search/").json()
    jobs.run(a.Scan, row["id"], scanning.work)
    found = caller.get(base + "?kind=email").json()["results"]
    assert (len(found), found[0]["state"], MAIL in json.dumps(found)) == (2, "open", False)
    assert caller.post(base, {"scope": "value", "hits": [found[0]["id"]], "state": "mask"}).json() == {
        "changed": {"email": 2}
    }
    assert caller.post(base, {"scope": "all", "state": "keep"}).status_code == 400
    told = caller.put(base + "policy/", {"mobile": "allow"}).json()
    assert told["open"] == 0
    assert caller.put(base + "policy/", {"mobile": 3}).status_code == 400
    assert caller.put(base + "policy/", {"name": "mask"}).status_code == 400
    assert (
        next(row for row in caller.get(base + "policy/").json()["kinds"] if row["kind"] == "mobile")["policy"]
        == "allow"
    )


def run(capsys, *words: str) -> str:
    call_command("private_data", "--project", "sentiment", *words)
    return str(capsys.readouterr().out)


def test_the_command_counts_and_decides_by_kind(project, capsys):
    told = run(capsys, "--list")
    assert "email: 2 wait, 0 masked, 0 kept (review)" in told
    assert "d0 [9, 29) email" in told
    assert MAIL not in told
    result = json.loads(run(capsys, "--mask", "email", "--policy", "mobile=allow", "--json"))
    assert (result["open"], result["mask"], result["keep"]) == (0, 2, 1)
    with pytest.raises(CommandError, match="Say why"):
        run(capsys, "--keep", "all")
    with pytest.raises(CommandError, match="name=value"):
        run(capsys, "--policy", "email")
