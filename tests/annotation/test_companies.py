"""The list of companies: files, search, links of marks that are checked, and who may see and change it."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotation import adjudicating, annotating, companies
from annotation import models as a
from annotation import schema as schemas
from tests.annotation.worlds import answer, bring, lease
from tests.conftest import make_items, make_project, set_schema

pytestmark = pytest.mark.django_db
APPLE, BANK = "HWUPKR0MPOU8FGXBT394", "7LTWFZYICNSX8D621K86"
FILE = f"""id,company name,Ticker,LEI,aliases
apple,Apple Inc.,AAPL,{APPLE},Apple Computer|苹果公司
db,Deutsche Bank AG,DBK.DE,{BANK},
byd,比亚迪股份有限公司,002594,,BYD|比亚迪
at,AT&T Inc.,T,,
"""
SPANS = {"name": "names", "kind": "spans", "labels": ["ORG", "PER"], "linked": ["ORG"]}


@pytest.fixture
def project(cast: Any) -> a.Project:
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [SPANS]}))
    return project


def load(project: a.Project, text: str, filename: str = "list.csv") -> companies.Outcome:
    return companies.bring(project=project, file=BytesIO(text.encode()), filename=filename)


def found(project: a.Project, words: str) -> list[str]:
    return [row.key for row in companies.search(project, words)]


def mark(**changes: Any) -> dict[str, Any]:
    return {"start": 0, "end": 6, "label": "ORG", "text": "Profit", **changes}


def test_a_file_comes_in_and_again_changes_only_what_differs(project: a.Project) -> None:
    outcome = load(project, FILE)
    assert (outcome.new, outcome.changed, outcome.same, outcome.refused) == (4, 0, 0, 0)
    outcome = load(project, FILE.replace("Apple Inc.", "Apple"))
    assert (outcome.new, outcome.changed, outcome.same) == (0, 1, 3)
    row = a.Company.objects.get(key="apple")
    assert (row.name, row.ticker, row.lei, row.aliases) == ("Apple", "AAPL", APPLE, ["Apple Computer", "苹果公司"])


def test_other_forms_come_in_as_well(project: a.Project) -> None:
    rows = [{"name": "Siemens AG", "symbol": "SIE", "aliases": ["Siemens"]}, {"company": "x", "name": "Acme"}]
    assert load(project, "\n".join(map(json.dumps, rows)), "list.jsonl").new == 2
    assert load(project, "名称;股票代码\n贵州茅台;600519\n", "liste.csv").new == 1
    outcome = companies.bring(
        project=project, file=BytesIO("名称;股票代码\n万科企业;000002\n".encode("gb18030")), filename="x.csv"
    )
    assert outcome.new == 1
    assert set(a.Company.objects.values_list("key", flat=True)) == {"SIE", "Acme", "600519", "000002"}


def test_a_wrong_row_is_told_by_its_place_and_the_others_come_in(project: a.Project) -> None:
    text = f'name,lei,key\nApple,{APPLE[:-1]}5,a\n,,b\nBank,{BANK},c\nComma,,"d,e"\n'
    outcome = load(project, text)
    assert (outcome.new, outcome.refused) == (1, 3)
    assert outcome.problems[0].startswith("Row 2: ")
    assert "no LEI" in outcome.problems[0]
    assert "no name" in outcome.problems[1]
    assert "comma" in outcome.problems[2]
    assert load(project, 'name\n"Apple, Inc."\n').new == 1
    assert a.Company.objects.filter(key="Apple Inc.", name="Apple, Inc.").exists()


@pytest.mark.parametrize("text", ["ticker\nA\n", "", "\x00\x01\x02"])
def test_a_file_without_names_says_what_it_needs(project: a.Project, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w{3}"):
        load(project, text)
    assert not a.Company.objects.exists()


def test_a_file_that_is_too_large_goes_to_the_command(project: a.Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companies, "UPLOAD", 100)
    with pytest.raises(ValueError, match="load_companies"):
        load(project, FILE)
    monkeypatch.setattr(companies, "MOST", 3)
    with pytest.raises(ValueError, match="at most 3 companies"):
        companies.load(project=project, rows=[(n, {"key": str(n), "name": "n", "ticker": "", "lei": "", "aliases": []}) for n in range(4)])  # fmt: skip


@pytest.mark.parametrize("lei", [APPLE, BANK, "549300MLUDYVRQOOXS22"])
def test_real_leis_pass_and_their_neighbours_do_not(lei: str) -> None:
    assert companies.check_lei(f" {lei.lower()} ") == lei
    for place in (0, 7, 19):
        other = next(sign for sign in ("AB" if lei[place].isalpha() else "12") if sign != lei[place])
        with pytest.raises(ValueError, match="no LEI"):
            companies.check_lei(lei[:place] + other + lei[place + 1 :])


def test_the_search_finds_by_name_ticker_lei_and_other_names(project: a.Project) -> None:
    load(project, FILE + "apx,Apex Apple Growers,APG,,\n")
    assert found(project, "app") == ["apple", "apx"]
    assert found(project, "Ａｐｐ inc") == ["apple"]
    assert found(project, "t") == ["at"]  # the ticker alone, though many words have a t
    assert found(project, "dbk") == ["db"]
    assert found(project, APPLE[:8].lower()) == ["apple"]
    assert found(project, "苹果") == ["apple"]
    assert found(project, "亚迪") == ["byd"]  # no blanks in Chinese: anywhere
    load(project, "key,name\ntown,AT Town Holdings\n")
    assert set(found(project, "at&t")) == {"at", "town"}
    assert found(project, "at&t inc") == found(project, "AT T Inc.") == ["at"]
    assert found(project, "pple") == []
    assert found(project, "%") == []
    assert found(project, "") == []


def test_a_retired_entry_is_not_offered_and_stays_known(project: a.Project) -> None:
    load(project, FILE)
    companies.retire(company=a.Company.objects.get(key="apple"))
    assert found(project, "apple") == []
    assert [row.key for row in companies.named(project, ["apple", "nope"])] == ["apple"]
    load(project, FILE)
    assert found(project, "apple") == ["apple"]


def test_a_link_must_be_a_company_of_this_project(project: a.Project, cast: Any) -> None:
    other = make_project(cast, slug="other")
    load(other, FILE)
    [item] = make_items(project, 1)
    with pytest.raises(ValueError, match="no company with the key “apple”"):
        answer(project, cast["alice"], lease(item, cast["alice"]), answer={"names": [mark(link="apple")]})
    load(project, FILE)
    slot = a.Assignment.objects.get(annotator=cast["alice"])
    answer(project, cast["alice"], slot, answer={"names": [mark(link="apple")]})
    answer(project, cast["bob"], lease(item, cast["bob"]), answer={"names": [mark(link="db")]})
    case = a.Case.objects.get()
    with pytest.raises(ValueError, match="no company"):
        adjudicating.decide(case=case, value=[mark(link="nope")], user=cast["carol"], reason="oversight")
    assert adjudicating.decide(case=case, value=[mark(link="db")], user=cast["carol"], reason="oversight").value


def test_links_of_a_file_are_checked_with_one_query(project: a.Project, django_assert_num_queries: Any) -> None:
    load(project, FILE)
    rows = [{"id": str(n), "text": "Profit rose", "spans": [mark(link="apple" if n else "nope")]} for n in range(5)]
    report = bring(project, "\n".join(map(json.dumps, rows)), labels="gold")
    assert (report["gold"], report["refused"]) == (4, 1)
    missing = companies.missing_from_file(project.pk)
    with django_assert_num_queries(1):
        assert missing(["apple"]) == set()
        assert missing(["apple", "nope"]) == {"nope"}


def test_answers_without_links_ask_nothing(project: a.Project, cast: Any, django_assert_num_queries: Any) -> None:
    [item] = make_items(project, 1)
    with django_assert_num_queries(0):
        schemas.clean({"names": [mark()]}, project.version.schema, about=item.about)


def test_pages_endpoints_and_who_may(project: a.Project, client_of: Any, caller_of: Any) -> None:
    load(project, FILE)
    page, offer, api = "/p/sentiment/companies/", "/p/sentiment/label/companies/", "/api/v1/projects/sentiment/companies/"  # fmt: skip
    for name in ("alice", "carol", "dave", "erin"):
        client = client_of(name)
        assert client.get(page).status_code == 200
        assert client.get(offer, {"q": "apple"}).json()["companies"][0] == {"key": "apple", "name": "Apple Inc.", "ticker": "AAPL", "lei": APPLE}  # fmt: skip
        assert client.get(offer, {"keys": "db,byd"}).json()["companies"][0]["key"] in ("db", "byd")
    row = a.Company.objects.get(key="db")
    retire = f"/p/sentiment/companies/{row.pk}/retire/"
    for path in (page, offer, retire):
        assert client_of("eve").get(path).status_code in (404, 405)
    assert client_of("eve").post(page).status_code == 404
    assert client_of("eve").post(retire).status_code == 404
    assert client_of("alice").post(retire).status_code == 403
    file = BytesIO(b"name\nNew One\n")
    file.name = "more.csv"
    assert client_of("alice").post(page, {"file": file}).status_code == 302
    assert a.Company.objects.count() == 4
    file.seek(0)
    reply = client_of("dave").post(page, {"file": file}, follow=True)
    assert "1 new company" in reply.content.decode()
    assert client_of("dave").post(retire).status_code == 302
    assert a.Company.objects.get(key="db").retired
    assert len(caller_of("alice").get(api).json()["results"]) == 5
    assert [one["key"] for one in caller_of("alice").get(api + "?q=apple").json()["results"]] == ["apple"]
    assert caller_of("eve").get(api).status_code == 404
    file.seek(0)
    assert caller_of("alice").send(api, {"file": file}).status_code == 403
    file.seek(0)
    assert caller_of("dave").send(api, {"file": file}).json()["same"] == 1


def test_the_command_brings_in_a_file(project: a.Project, tmp_path: Any, capsys: Any) -> None:
    path = tmp_path / "list.csv"
    path.write_text(FILE)
    call_command("load_companies", str(path), project="sentiment")
    assert "4 new" in capsys.readouterr().out
    path.write_text("name\n\n")
    with pytest.raises(CommandError):
        call_command("load_companies", str(path), project="sentiment")


def test_drafts_may_link_too(project: a.Project, cast: Any) -> None:
    load(project, FILE)
    [item] = make_items(project, 1)
    slot = lease(item, cast["alice"])
    member = a.Membership.objects.get(project=project, user=cast["alice"])
    data = {"assignment": slot.pk, "token": str(slot.token), "version": project.version_id, "answer": {"names": [mark(link="apple")]}}  # fmt: skip
    annotating.draft(membership=member, data=data)
    assert a.Annotation.objects.get(status="draft").answer == {"names": [mark(link="apple")]}
