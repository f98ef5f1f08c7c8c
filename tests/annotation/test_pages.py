"""Every page of annotation: who may see it, what it says when there is nothing, and that no text can break it."""

import io
import re
import uuid
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotation import assigning, caseload, differences, importing, inviting, measuring, publishing, settling, tasks
from annotation import models as a
from annotation import schema as schemas
from annotation.jobs import State
from annotation.states import state_of
from annotation.views.cases import reason_keys
from annotation.views.guideline import drop_blanks, read_questions
from annotation.views.imports import read_label_map
from tests.annotation.test_forms import SETTINGS
from tests.conftest import LABELS, make_annotation, make_gold, make_items, make_project, make_user, set_schema

HOSTILE = "<script>alert(1)</script>"
BIDI = "\u202eevil\u202c"
NASTY = [f"{HOSTILE} <img src=x onerror=alert(2)>", f"{BIDI} שלום", "x" * 10_000, '"><b onclick="alert(3)">&amp;']


def address(name: str, project: a.Project, *args: Any) -> str:
    return reverse(f"annotation:{name}", args=[project.slug, *args])


def upload(project: a.Project, user: a.User, text: str, filename: str = "texts.csv", **options: Any) -> a.Import:
    return importing.prepare(project=project, file=io.BytesIO(text.encode()), filename=filename, user=user, **options)


def bring_in(project: a.Project, user: a.User, text: str, filename: str = "texts.csv", **options: Any) -> a.Import:
    row = upload(project, user, text, filename, **options)
    importing.start(row)
    tasks.run_import(row.pk)
    row.refresh_from_db()
    return row


def differ(item: a.Item, cast: dict[str, a.User]) -> a.Case:
    """Alice and Bob differ on an item: a case."""
    make_annotation(item, cast["alice"], "positive")
    make_annotation(item, cast["bob"], "negative")
    settling.settle(project=item.project, version=item.project.version, items=[item.pk])
    return a.Case.objects.open().get(item=item)


def agreement_of(project: a.Project) -> a.AgreementReport:
    row = measuring.refresh(version=project.version, question="sentiment")
    tasks.run_agreement(row.pk)
    row.refresh_from_db()
    return row


class Fields(HTMLParser):
    """What a browser would send of the forms on a page that nobody touched."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.at = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "input" and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.values[name] = found.get("value", "on")
        elif tag == "textarea":
            self.at, self.values[name] = name, ""
        elif tag == "select":
            self.at = name
        elif tag == "option" and (self.at not in self.values or "selected" in found):
            self.values[self.at] = found["value"]

    def handle_data(self, data: str) -> None:
        if self.at and self.lasttag == "textarea":
            self.values[self.at] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self.at = ""


def fields_of(client: Any, url: str, **changes: Any) -> dict[str, Any]:
    """The fields of a page as they are shown, with changes."""
    form = Fields()
    form.feed(client.get(url).content.decode())
    return {**form.values, **changes}


@pytest.fixture
def world(cast: dict[str, a.User]) -> dict[str, Any]:
    """A project where every page has something to show."""
    project = make_project(cast)
    items = make_items(project, 6)
    case = differ(items[0], cast)
    make_annotation(items[1], cast["alice"])
    make_annotation(items[1], cast["bob"])
    settling.settle(project=project, version=project.version, items=[items[1].pk])
    gold = make_gold(items[2], "neutral", settled_by=cast["carol"], reason="oversight", note="seen twice")
    done = bring_in(project, cast["dave"], "id,text\n1,Sales rose.\n2,\n")
    prepared = upload(project, cast["dave"], "id,text\n9,Sales fell.\n", "more.csv")
    invitation, _token = inviting.invite(project=project, by=cast["dave"], role="annotator", email="frank@example.org")
    return {
        "project": project,
        "items": items,
        "case": case,
        "gold": gold,
        "done": done,
        "prepared": prepared,
        "invitation": invitation,
        "report": agreement_of(project),
    }


def pages(world: dict[str, Any]) -> dict[str, str]:
    """Every page of a project that is read, by name."""
    project = world["project"]
    plain = [
        "project",
        "settings",
        "members",
        "imports",
        "items",
        "guideline",
        "guideline_edit",
        "guideline_compare",
        "guideline_review",
        "guideline_examples",
        "publish",
        "agreement",
        "adjudicate",
    ]
    return {
        **{name: address(name, project) for name in plain},
        "guideline_version": address("guideline_version", project, 1),
        "import": address("import", project, world["done"].pk),
        "import_mapping": address("import", project, world["prepared"].pk),
        "import_progress": address("import_progress", project, world["done"].pk),
        "import_refused": address("import_refused", project, world["done"].pk),
        "item": address("item", project, world["items"][0].pk),
        "case": address("case", project, world["case"].pk),
        "redecide": address("redecide", project, world["gold"].pk),
        "agreement_progress": address("agreement_progress", project, "sentiment"),
    }


ALL = {"alice", "bob", "carol", "dave", "erin"}
DESK = {"carol", "dave"}
MAY = {
    **dict.fromkeys(["project", "guideline", "guideline_version", "guideline_compare"], ALL),
    **dict.fromkeys(["guideline_review", "guideline_examples"], DESK),
    **dict.fromkeys(["items", "item", "agreement", "agreement_progress", "adjudicate", "case", "redecide"], DESK),
}


# Who may see what


@pytest.mark.parametrize("name", ["alice", "carol", "dave", "erin"])
def test_a_member_sees_the_pages_of_the_role_and_is_refused_the_others(name, world, client_of):
    client = client_of(name)
    for page, url in pages(world).items():
        expected = 200 if name in MAY.get(page, {"dave"}) else 403
        assert client.get(url).status_code == expected, (page, name)


def test_a_stranger_to_the_project_finds_nothing(world, client_of):
    client = client_of("eve")
    for page, url in pages(world).items():
        assert client.get(url).status_code == 404, page


def test_nobody_signed_in_is_sent_to_sign_in(world, client_of):
    client = client_of(None)
    for page, url in pages(world).items():
        response = client.get(url)
        assert response.status_code == 302, page
        assert response["Location"].startswith(reverse("annotation:sign_in")), page


def test_objects_of_another_project_are_not_found(world, cast, client_of):
    other = make_project(cast, slug="other")
    membership = world["project"].memberships.get(user=cast["alice"])
    client = client_of("dave")
    for name, pk in [
        ("import", world["done"].pk),
        ("import_progress", world["done"].pk),
        ("import_refused", world["done"].pk),
        ("item", world["items"][0].pk),
        ("case", world["case"].pk),
        ("redecide", world["gold"].pk),
        ("guideline_version", 7),
    ]:
        assert client.get(address(name, other, pk)).status_code == 404, name
    for name, pk in [
        ("import_cancel", world["prepared"].pk),
        ("skip_case", world["case"].pk),
        ("case", world["case"].pk),
        ("redecide", world["gold"].pk),
        ("withdraw", world["invitation"].pk),
        ("change_role", membership.pk),
        ("remove_member", membership.pk),
        ("release", membership.pk),
    ]:
        assert client.post(address(name, other, pk)).status_code == 404, name
    assert a.Membership.objects.filter(pk=membership.pk).exists()
    assert a.Import.objects.filter(pk=world["prepared"].pk).exists()


def test_the_list_of_projects_shows_ones_own_only(world, cast, client_of):
    make_project(cast, slug="secret").memberships.filter(user=cast["alice"]).delete()
    shown = client_of("alice").get(reverse("annotation:projects")).content.decode()
    assert "Sentiment" in shown
    assert "Secret" not in shown


def test_an_annotators_home_has_the_button_and_no_figures(world, client_of):
    shown = client_of("alice").get(address("project", world["project"])).content.decode()
    assert address("label", world["project"]) in shown
    assert address("items", world["project"]) not in shown
    assert "Bob" not in shown
    assert "bob" not in shown


def test_a_managers_home_says_what_to_do_next(cast, client_of):
    project = inviting.create_project(name="New one", user=cast["dave"])
    client = client_of("dave")
    steps = client.get(address("project", project)).context["steps"]
    assert [step["state"] for step in steps] == ["now", *["later"] * 7]
    bring_in(project, cast["dave"], "id,text\n1,Sales rose.\n")
    publishing.publish_labels(project=project, question="sentiment", labels=LABELS, user=cast["dave"])
    steps = client.get(address("project", project)).context["steps"]
    assert [step["state"] for step in steps] == ["done", "done", "now", *["later"] * 5]


# What pages are made of


INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son[a-z]+\s*=\s*[\"']", re.IGNORECASE
)


def test_no_page_holds_inline_script_or_style_or_an_unread_tag(world, client_of):
    client = client_of("dave")
    for page, url in pages(world).items():
        if page != "import_refused":
            shown = client.get(url).content.decode()
            assert not INLINE.search(shown), page
            assert not re.search(r"\{\{|\{%|\{#", shown), page


def test_every_page_comes_in_both_languages(world, client_of):
    client = client_of("dave")
    for language in ("en", "zh-hans"):
        for page, url in pages(world).items():
            response = client.get(url, headers={"accept-language": language})
            assert response.status_code == 200, page
            assert response["Content-Language"] == language, page


def test_hostile_words_are_shown_and_never_run(cast, client_of):
    project = make_project(cast, description=f"{HOSTILE} {BIDI}")
    project.name = HOSTILE
    project.save()
    schema = schemas.check(
        {
            "questions": [
                {
                    "name": "sentiment",
                    "title": HOSTILE,
                    "help": HOSTILE,
                    "labels": [
                        {"name": HOSTILE, "definition": HOSTILE, "examples": [HOSTILE]},
                        {"name": "y", "title": "y" * 120, "definition": f"{BIDI}"},
                    ],
                }
            ]
        }
    )
    publishing.save_draft(
        project=project, text=f"# {HOSTILE}\n\n[x](javascript:alert(1))", schema=schema, user=cast["dave"]
    )
    project.version = publishing.publish(project=project, user=cast["dave"], change_note=HOSTILE, earlier="ask")
    cast["bob"].name = HOSTILE
    cast["bob"].save()
    items = make_items(
        project,
        NASTY,
        title=HOSTILE,
        issuer=HOSTILE,
        source_type=HOSTILE,
        language='"><b>',
        metadata={HOSTILE: [HOSTILE]},
    )
    for item in items:
        item.project.version = project.version
        make_annotation(item, cast["alice"], HOSTILE, comment=HOSTILE)
        make_annotation(item, cast["bob"], BIDI, comment=HOSTILE)
    settling.settle(project=project, version=project.version, items=[item.pk for item in items])
    case = a.Case.objects.open().filter(project=project).first()
    gold = make_gold(items[0], HOSTILE, note=HOSTILE, reason=HOSTILE[:20])
    done = bring_in(project, cast["dave"], f"id,text,{HOSTILE}\n1,{HOSTILE},a\n{HOSTILE},,b\n", f"{HOSTILE}.csv")
    prepared = upload(project, cast["dave"], f"id,text,{HOSTILE}\n5,{HOSTILE},z\n", f"{HOSTILE}.csv")
    everything = {"project": project, "items": items, "case": case, "gold": gold, "done": done, "prepared": prepared}
    agreement_of(project)
    client = client_of("dave")
    urls = [url for page, url in pages(everything).items() if page != "import_refused"]
    urls += [address("item", project, item.pk) for item in items]
    urls += [
        f"{address('items', project)}?q={HOSTILE}&gold={HOSTILE}&language={HOSTILE}",
        reverse("annotation:projects"),
    ]
    for url in urls:
        shown = client.get(url).content.decode()
        assert "<script>alert" not in shown, url
        assert "<img src=x" not in shown, url
        assert "<b onclick" not in shown, url
        assert 'href="javascript' not in shown, url


def queries_of(client: Any, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def grow(project: a.Project, cast: dict[str, a.User], count: int) -> None:
    """More of everything that lists show."""
    for item in make_items(project, [f"text {uuid.uuid4()}" for _n in range(count)], source_type="news"):
        differ(item, cast)
    for item in make_items(project, [f"text {uuid.uuid4()}" for _n in range(count)]):
        make_annotation(item, cast["alice"])
        make_gold(item, settled_by=cast["carol"], reason="oversight")
    for _n in range(count):
        user = make_user(f"u-{uuid.uuid4().hex[:12]}")
        a.Membership.objects.create(project=project, user=user, role="annotator")
        make_annotation(a.Item.objects.filter(project=project).first(), user)
        inviting.invite(project=project, by=user, role="annotator")
        a.Import.objects.create(project=project, filename="f.csv", created_by=user, state=State.DONE)
        number = project.versions.first().number + 1
        a.GuidelineVersion.objects.create(
            project=project, number=number, schema=project.version.schema, published_by=user, change_note="more"
        )


def test_lists_ask_the_database_the_same_at_5_and_at_60_rows(cast, client_of):
    project = make_project(cast)
    client = client_of("dave")
    names = ["project", "items", "imports", "members", "adjudicate", "guideline", "agreement"]
    counts = []
    for rows in (5, 55):
        grow(project, cast, rows)
        agreement_of(project)
        counts.append({name: queries_of(client, address(name, project)) for name in names})
    assert counts[0] == counts[1]


def test_an_item_asks_the_database_the_same_at_1_and_at_30_answers(cast, client_of):
    project = make_project(cast)
    item = make_items(project, 1)[0]
    client = client_of("dave")
    make_annotation(item, cast["alice"])
    few = queries_of(client, address("item", project, item.pk))
    for _n in range(30):
        make_annotation(item, make_user(f"u-{uuid.uuid4().hex[:12]}"))
    assert queries_of(client, address("item", project, item.pk)) == few


def test_the_list_of_projects_asks_the_database_the_same_at_5_and_at_60_projects(cast, client_of):
    client = client_of("dave")
    for number in range(5):
        make_items(make_project(cast, slug=f"p-{number}"), 1)
    few = queries_of(client, reverse("annotation:projects"))
    for number in range(5, 60):
        make_items(make_project(cast, slug=f"p-{number}"), 1)
    assert queries_of(client, reverse("annotation:projects")) == few


def test_empty_pages_say_what_to_do_next(cast, client_of):
    client = client_of("dave")
    nothing = client_of("eve").get(reverse("annotation:projects")).content.decode()
    assert "invitation link" in nothing
    project = inviting.create_project(name="Empty", user=cast["dave"])
    for page, wanted in {
        "items": address("imports", project),
        "guideline": address("guideline_edit", project),
        "publish": address("guideline_edit", project),
        "agreement": address("guideline", project),
        "adjudicate": "No case waits",
        "imports": "No file has come in yet",
        "project": "Nobody has answered yet",
    }.items():
        response = client.get(address(page, project))
        assert response.status_code == 200, page
        assert "empty" in response.content.decode(), page
        assert wanted in response.content.decode(), page
    filtered = client.get(address("items", project) + "?state=gold").content.decode()
    assert "No item fits" in filtered


# Projects and people


def test_a_project_is_made_with_a_name_alone(cast, client_of):
    make_project(cast)
    client = client_of("dave")
    assert client.get(reverse("annotation:new_project")).status_code == 200
    fields = {
        "name": "Second one",
        "slug": "",
        "description": "",
        "overlap": 3,
        "settle": "unanimous",
        "lease_minutes": 30,
    }
    assert client.post(reverse("annotation:new_project"), fields).status_code == 302
    project = a.Project.objects.get(slug="second-one")
    assert project.overlap == 3
    assert project.memberships.get().user == cast["dave"]
    assert client_of("eve").get(reverse("annotation:new_project")).status_code == 403


def test_all_settings_of_the_page_and_of_the_api_are_saved(world, client_of, caller_of):
    fields = {**SETTINGS, "name": "Renamed", "agreed_percent": 7, "second_percent": 8, "discussion_names": "on"}
    assert client_of("dave").post(address("settings", world["project"]), fields).status_code == 302
    project = a.Project.objects.get(pk=world["project"].pk)
    assert (project.name, project.agreed_percent, project.second_percent) == ("Renamed", 7, 8)
    assert project.discussion_names
    changes = {"agreed_percent": 9, "second_percent": 10, "discussion_names": False}
    told = caller_of("dave").patch(f"/api/v1/projects/{project.slug}/", changes, "application/json")
    assert told.status_code == 200, told.content
    assert changes.items() <= told.json().items()


def test_refused_settings_leave_the_name_above_the_page(world, client_of):
    fields = {**SETTINGS, "name": "", "overlap": 99}
    response = client_of("dave").post(address("settings", world["project"]), fields)
    assert response.status_code == 200
    assert response.context["project"].name == "Sentiment"
    assert response.context["form"].errors.keys() == {"name", "overlap"}


def test_the_secret_link_is_shown_once(world, client_of):
    client = client_of("dave")
    shown = client.post(address("invite", world["project"]), {"role": "annotator", "email": ""}).content.decode()
    link = re.search(r'value="(http[^"]+/join/[^"]+)"', shown)
    assert link
    assert client_of("eve").get(link[1]).status_code == 200
    assert link[1] not in client.get(address("members", world["project"])).content.decode()


def test_a_wrong_address_for_an_invitation_is_said_on_the_page(world, client_of):
    response = client_of("dave").post(address("invite", world["project"]), {"role": "annotator", "email": "no address"})
    assert response.context["form"].errors.keys() == {"email"}
    assert "/join/" not in response.content.decode()


def test_a_closed_or_used_invitation_is_not_listed(world, client_of):
    client = client_of("dave")
    assert "frank@example.org" in client.get(address("members", world["project"])).content.decode()
    client.post(address("withdraw", world["project"], world["invitation"].pk))
    assert "frank@example.org" not in client.get(address("members", world["project"])).content.decode()


def test_taking_back_says_how_many(world, cast, client_of):
    membership = world["project"].memberships.get(user=cast["bob"])
    slot = a.Assignment.objects.filter(project=world["project"], state="open").first()
    slot.state, slot.annotator, slot.lease_until = "leased", cast["bob"], timezone.now() + timedelta(minutes=5)
    slot.save()
    client = client_of("dave")
    assert "1 item" in client.get(address("members", world["project"])).content.decode()
    response = client.post(address("release", world["project"], membership.pk), follow=True)
    assert "1 item was taken back." in response.content.decode()
    slot.refresh_from_db()
    assert slot.annotator is None


# Imports


def test_a_file_goes_from_the_upload_to_the_report(cast, client_of):
    project = make_project(cast)
    client = client_of("dave")
    file = io.BytesIO("Nr;Satz;Urteil\na;Umsatz steigt.;pos\nb;;neg\n".encode("latin-1"))
    file.name = "sätze.csv"
    response = client.post(address("imports", project), {"file": file, "what": "items"})
    row = a.Import.objects.get(project=project)
    assert response["Location"] == address("import", project, row.pk)
    shown = client.get(response["Location"])
    assert shown.context["table"][0] == ["a", "Umsatz steigt.", "pos"]
    assert a.Item.objects.count() == 0
    fields = fields_of(
        client,
        response["Location"],
        do="start",
        map_id="Nr",
        map_text="Satz",
        map_label="Urteil",
        labels="annotation",
        label_map="pos = positive\nneg = negative",
        annotator="Frida",
    )
    assert client.post(response["Location"], fields).status_code == 302
    assert tasks.run_import(row.pk)
    report = client.get(response["Location"]).content.decode()
    assert "Row 3" in report
    assert address("import_refused", project, row.pk) in report
    answer = a.Annotation.objects.get()
    assert (answer.answer, answer.annotator.name) == ({"sentiment": "positive"}, "Frida")
    assert b"neg" in b"".join(client.get(address("import_refused", project, row.pk)).streaming_content)


def test_a_column_is_chosen_for_each_question_of_the_guideline(cast, client_of):
    project = make_project(cast)
    topics = {"name": "topics", "kind": "choices", "labels": ["rates", "fx"]}
    set_schema(project, schemas.check({"questions": [*project.version.schema["questions"], topics]}))
    client = client_of("dave")
    row = upload(project, cast["dave"], "id,text,Urteil,Themen\n1,Sales rose.,positive,rates|fx\n2,Sales fell.,,fx\n")
    url = address("import", project, row.pk)
    assert "answer to “topics”" in client.get(url).content.decode()
    chosen = {"map_label": "Urteil", "map_label:topics": "Themen", "labels": "annotation", "annotator": "Frida"}
    assert client.post(url, fields_of(client, url, do="start", **chosen)).status_code == 302
    assert tasks.run_import(row.pk)
    answers = list(a.Annotation.objects.order_by("item__document__external_id").values_list("answer", flat=True))
    assert answers == [{"sentiment": "positive", "topics": ["rates", "fx"]}, {"topics": ["fx"]}]


def test_a_file_of_answers_to_several_questions_has_its_columns_guessed(cast):
    project = make_project(cast)
    topics = {"name": "topics", "kind": "choices", "labels": ["rates", "fx"]}
    set_schema(project, schemas.check({"questions": [*project.version.schema["questions"], topics]}))
    bring_in(project, cast["dave"], "id,text\n1,Sales rose.\n")
    answers = "id,annotator,sentiment,topics\n1,Frida,positive,rates\n"
    row = bring_in(project, cast["dave"], answers, "answers.csv", what="annotations")
    assert row.options["mapping"] == {"id": "id", "annotator": "annotator", "label": "sentiment", "label:topics": "topics"}  # fmt: skip
    assert a.Annotation.objects.get().answer == {"sentiment": "positive", "topics": ["rates"]}


def test_a_file_that_is_read_in_another_way_is_shown_again_before_it_comes_in(cast, client_of):
    project = make_project(cast)
    row = upload(project, cast["dave"], "id,text\n1,Sales rose.\n")
    url = address("import", project, row.pk)
    client = client_of("dave")
    shown = client.post(url, fields_of(client, url, do="start", delimiter=";"))
    assert shown.status_code == 200
    assert shown.context["read_anew"]
    row.refresh_from_db()
    assert (row.state, row.options["delimiter"]) == (State.PREPARED, ";")
    client.post(url, fields_of(client, url, do="look", delimiter=","))
    assert client.post(url, fields_of(client, url, do="start")).status_code == 302
    row.refresh_from_db()
    assert row.state == State.QUEUED


def test_a_workbook_without_an_encoding_comes_in_at_the_first_press(cast, client_of):
    book = openpyxl.Workbook()
    for cells in (["id", "text"], ["1", "Sales rose."]):
        book.active.append(cells)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    project = make_project(cast)
    row = importing.prepare(project=project, file=file, filename="b.xlsx", user=cast["dave"])
    client, url = client_of("dave"), address("import", project, row.pk)
    assert client.post(url, fields_of(client, url, do="start")).status_code == 302


def test_what_was_typed_stays_when_the_choices_cannot_be_read(cast, client_of):
    project = make_project(cast)
    row = upload(project, cast["dave"], "id,text\n1,Sales rose.\n")
    client, url = client_of("dave"), address("import", project, row.pk)
    response = client.post(url, fields_of(client, url, do="start", label_map="pos positive"))
    assert response.status_code == 400
    assert "Line 1" in response.context["error"]
    assert "pos positive" in response.content.decode()


@pytest.mark.parametrize(
    "change", [{"map_text": "nowhere"}, {"encoding": "klingon"}, {"delimiter": "ab"}, {"labels": "x"}]
)
def test_choices_that_cannot_be_are_said_in_a_sentence(change, cast, client_of):
    project = make_project(cast)
    row = upload(project, cast["dave"], "id,text\n1,Sales rose.\n")
    client, url = client_of("dave"), address("import", project, row.pk)
    response = client.post(url, fields_of(client, url, do="start", **change))
    assert response.status_code == 400
    assert response.context["error"]
    row.refresh_from_db()
    assert row.state == State.PREPARED


def test_an_upload_that_is_no_file_of_texts_is_refused_with_a_sentence(cast, client_of):
    project = make_project(cast)
    client = client_of("dave")
    assert "Choose a file" in client.post(address("imports", project), {"what": "items"}).context["error"]
    file = io.BytesIO(b"\x89PNG\r\n\x1a\n\x00\x00")
    file.name = "a.png"
    response = client.post(address("imports", project), {"file": file, "what": "items"})
    assert response.status_code == 400
    assert response.context["error"]
    assert not a.Import.objects.exists()


def test_a_thrown_away_upload_leaves_nothing(world, client_of):
    row = world["prepared"]
    client_of("dave").post(address("import_cancel", world["project"], row.pk))
    assert not a.Import.objects.filter(pk=row.pk).exists()
    assert not row.file.storage.exists(row.file.name)


def test_a_running_import_asks_for_its_progress_and_stops_asking_at_the_end(world, client_of):
    client = client_of("dave")
    row = world["prepared"]
    importing.start(row)
    poll = f'hx-get="{address("import_progress", world["project"], row.pk)}"'
    assert poll in client.get(address("import", world["project"], row.pk)).content.decode()
    fragment = client.get(address("import_progress", world["project"], row.pk))
    assert poll in fragment.content.decode()
    assert "HX-Refresh" not in fragment
    assert "<html" not in fragment.content.decode()
    tasks.run_import(row.pk)
    fragment = client.get(address("import_progress", world["project"], row.pk))
    assert "hx-get" not in fragment.content.decode()
    assert fragment["HX-Refresh"] == "true"


def test_a_failed_import_says_why(world, client_of):
    row = world["done"]
    a.Import.objects.filter(pk=row.pk).update(state=State.FAILED, message="The file ends too soon.", report={})
    assert (
        "The file ends too soon." in client_of("dave").get(address("import", world["project"], row.pk)).content.decode()
    )


def test_a_label_map_is_read_line_by_line():
    assert read_label_map("1 = positive\n\n a=b = c\n") == {"1": "positive", "a": "b = c"}
    with pytest.raises(ValueError, match="Line 2"):
        read_label_map("1 = a\n2 =")


# Items


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ("state=contested", {0}),
        ("state=gold", {1, 2}),
        ("gold=neutral", {2}),
        ("q=company 3", {3}),
        ("q=d4", {4}),
        ("source_type=magazine", set()),
        ("source_type=none", set(range(7))),
        ("state=nonsense", set(range(7))),
    ],
)
def test_filters_find_the_items_they_name(asked, places, world, client_of):
    response = client_of("dave").get(f"{address('items', world['project'])}?{asked}")
    found = {item.document.external_id for item, _answers, _gold in response.context["rows"]}
    ids = [item.document.external_id for item in world["items"]] + ["1"]
    assert found == {ids[place] for place in places}


def test_a_passage_is_listed_with_its_own_words(cast, client_of):
    project = make_project(cast)
    item = make_items(project, ["before 中文段落 after"])[0]
    item.start, item.end = 7, 11
    item.save()
    response = client_of("dave").get(address("items", project))
    assert response.context["rows"][0][0].excerpt == "中文段落"


def test_a_nul_in_a_filter_or_a_note_is_no_error(world, client_of):
    client = client_of("carol")
    assert client.get(address("items", world["project"]) + "?q=a%00b&gold=%00").status_code == 200
    fields = {"value": "neutral", "reason": "other", "note": "a\x00b"}
    assert client.post(address("case", world["project"], world["case"].pk), fields).status_code == 302
    assert a.Gold.objects.current().get(item=world["items"][0]).note == "ab"
    manager, project = client_of("dave"), world["project"]
    fields = draft_fields(**{"text": "a\x00b", "q-0-title": "S\x00", "q-0-label-0-definition": "\x00"})
    assert manager.post(address("guideline_edit", project), fields).status_code == 302
    fields = {"change_note": "why\x00", "earlier": "ask"}
    assert manager.post(address("publish", project), fields).status_code == 302
    url = address("import", project, world["prepared"].pk)
    fields = fields_of(manager, url, annotator="\x00A", label_map="a\x00 = up", annotator_columns="\x00", do="start")
    assert manager.post(url, fields).status_code == 302


def test_who_said_what_is_hidden_while_a_case_is_open(world, cast, client_of):
    client = client_of("carol")
    cast["alice"].name = "Alice Appleby"
    cast["alice"].save()
    item = address("item", world["project"], world["items"][0].pk)
    case = address("case", world["project"], world["case"].pk)
    for url in (item, case):
        assert "Alice Appleby" not in client.get(url).content.decode()
    client.post(case, {"value": "positive", "reason": "oversight"})
    for url in (item, case):
        assert "Alice Appleby" in client.get(url).content.decode()


def test_names_are_not_on_an_item_before_all_answers_are_in(world, cast, client_of):
    cast["alice"].name = "Alice Appleby"
    cast["alice"].save()
    make_annotation(world["items"][4], cast["alice"], "negative")
    page = client_of("carol").get(address("item", world["project"], world["items"][4].pk)).content.decode()
    assert "Alice Appleby" not in page
    assert "1 answer." in page


def also_labels(project: a.Project, *names: str) -> None:
    a.Membership.objects.filter(project=project, user__username__in=names).update(labels=True)
    assigning.set_overlap(project=project, overlap=3)


def test_an_item_that_one_may_still_label_shows_nothing_of_the_others(world, cast, client_of):
    project, item, client = world["project"], world["items"][1], client_of("carol")
    a.Document.objects.filter(pk=item.document_id).update(metadata={"hint": "METADATA-HINT"})
    cast["alice"].name = "Alice Appleby"
    cast["alice"].save()
    url = address("item", project, item.pk)
    for words in ("Alice Appleby", "METADATA-HINT", "unanimous"):
        assert words in client.get(url).content.decode()
    also_labels(project, "carol")
    page = client.get(url).content.decode()
    assert "You may still be asked to label this item" in page
    for words in ("Alice Appleby", "METADATA-HINT", "unanimous", "Positive", "Not settled yet", "Decide"):
        assert words not in page
    assert "2 answers so far." in page
    make_annotation(item, cast["carol"], "negative")
    assert "Alice Appleby" in client.get(url).content.decode()


def test_what_is_hidden_of_an_item_does_not_find_it_either(world, cast, client_of):
    project, hidden = world["project"], world["items"][2]
    also_labels(project, "carol")
    make_annotation(world["items"][1], cast["carol"])
    a.Annotation.objects.filter(item=world["items"][0]).update(flagged=True)
    client = client_of("carol")
    for asked in ("gold=neutral", "state=gold", "state=contested", "state=flagged", "state=skipped"):
        found = {
            item.pk for item, _answers, _gold in client.get(f"{address('items', project)}?{asked}").context["rows"]
        }
        assert found <= {world["items"][1].pk}, asked
    rows = {item.pk: gold for item, _answers, gold in client.get(address("items", project)).context["rows"]}
    assert rows[hidden.pk] == []
    assert len(rows[world["items"][1].pk]) == 1
    assert {item.pk for item, *_rest in client_of("dave").get(f"{address('items', project)}?gold=neutral").context["rows"]} == {hidden.pk}  # fmt: skip


def test_a_case_whose_item_one_may_still_label_is_for_somebody_else(world, cast, client_of):
    project, case, gold = world["project"], world["case"], world["gold"]
    also_labels(project, "carol")
    carol = client_of("carol")
    fields = {"value": "neutral", "reason": "other"}
    for url in (address("case", project, case.pk), address("redecide", project, gold.pk)):
        reply = carol.get(url)
        assert reply.status_code == 403
        assert "You may still be asked to label this item" in reply.content.decode()
        assert carol.post(url, fields).status_code == 403
    assert a.Case.objects.open().get() == case
    assert a.Gold.objects.current().get(item=gold.item).value == "neutral"
    queue = carol.get(address("adjudicate", project))
    assert (list(queue.context["cases"]), list(queue.context["settled"])) == ([], [])
    assert "1 more case waits for somebody else" in queue.content.decode()
    assert "waits for somebody else" not in client_of("dave").get(address("adjudicate", project)).content.decode()
    assert client_of("dave").post(address("case", project, case.pk), fields).status_code == 302
    assert a.Gold.objects.current().get(item=case.item).settled_by == cast["dave"]


def test_the_agreement_names_no_contested_item_that_one_may_still_label(world, client_of):
    project = world["project"]
    link = address("item", project, world["items"][0].pk)
    assert link in client_of("carol").get(address("agreement", project)).content.decode()
    also_labels(project, "carol")
    assert link not in client_of("carol").get(address("agreement", project)).content.decode()


# Guideline


def draft_fields(**changes: Any) -> dict[str, Any]:
    fields = {
        "text": "# Rules",
        "questions": "1",
        "q-0-name": "sentiment",
        "q-0-kind": "choice",
        "q-0-title": "Sentiment",
        "q-0-required": "on",
        "q-0-labels": "3",
        "q-0-label-0-name": "up",
        "q-0-label-0-examples": "Sales rose.\n\nUmsatz steigt.",
        "q-0-label-1-name": "down",
        "q-0-label-1-color": "4",
        "do": "save",
    }
    return {**fields, **changes}


def test_a_guideline_is_written_and_published_by_page(cast, client_of):
    project = inviting.create_project(name="New", user=cast["dave"])
    client = client_of("dave")
    shown = client.get(address("guideline_edit", project)).content.decode()
    opened = re.search(r'name="opened_at" value="([^"]+)"', shown)
    response = client.post(address("guideline_edit", project), draft_fields(do="publish", opened_at=opened[1]))
    assert response["Location"] == address("publish", project)
    assert "Umsatz steigt." in client.get(response["Location"]).content.decode()
    assert client.post(address("publish", project)).status_code == 302
    version = a.Project.objects.get(pk=project.pk).version
    labels = version.schema["questions"][0]["labels"]
    assert [label["name"] for label in labels] == ["up", "down"]
    assert labels[0]["examples"] == ["Sales rose.", "Umsatz steigt."]
    assert labels[1]["color"] == 4
    assert "Umsatz steigt." in client_of("dave").get(address("guideline", project)).content.decode()


def test_a_draft_saved_as_it_is_shown_stays_the_same(world, cast, client_of):
    project = world["project"]
    client = client_of("dave")
    client.post(address("guideline_edit", project), draft_fields())
    before = a.Guideline.objects.get(project=project)
    fields = fields_of(client, address("guideline_edit", project), do="save")
    assert client.post(address("guideline_edit", project), fields).status_code == 302
    after = a.Guideline.objects.get(project=project)
    assert (after.text, after.schema) == (before.text, before.schema)
    assert after.schema["questions"][0]["labels"][0]["examples"] == ["Sales rose.", "Umsatz steigt."]


def test_a_label_is_put_under_another_by_page(cast, client_of):
    project = inviting.create_project(name="New", user=cast["dave"])
    client = client_of("dave")
    change = {"q-0-label-1-parent": "up"}
    client.post(address("guideline_edit", project), draft_fields(**change))
    labels = a.Guideline.objects.get(project=project).schema["questions"][0]["labels"]
    assert [(label["name"], label.get("parent")) for label in labels] == [("up", None), ("down", "up")]
    assert 'label-1-parent" value="up"' in client.get(address("guideline_edit", project)).content.decode()
    client.post(address("publish", project))
    assert "› " in client.get(address("guideline", project)).content.decode()


def test_rows_are_added_without_losing_what_was_typed(cast, client_of):
    project = inviting.create_project(name="New", user=cast["dave"])
    client = client_of("dave")
    shown = client.post(address("guideline_edit", project), draft_fields(do="add_label-0", text="half a rule"))
    assert len(shown.context["questions"][0]["labels"]) == 5
    assert "half a rule" in shown.content.decode()
    shown = client.post(address("guideline_edit", project), draft_fields(do="add_question"))
    assert len(shown.context["questions"]) == 2
    assert 'name="q-1-label-2-name"' in shown.content.decode()
    assert a.Guideline.objects.get(project=project).schema == {}


def test_a_label_without_a_name_is_refused_and_not_dropped(cast, client_of):
    project = inviting.create_project(name="New", user=cast["dave"])
    fields = draft_fields(**{"q-0-label-2-definition": "neither of both"})
    response = client_of("dave").post(address("guideline_edit", project), fields)
    assert response.status_code == 400
    assert "Label 3" in response.context["error"]
    assert "neither of both" in response.content.decode()


def test_a_draft_that_somebody_else_saved_is_not_overwritten(world, client_of):
    project = world["project"]
    opened = a.Guideline.objects.get(project=project).edited_at.isoformat()
    client = client_of("dave")
    assert client.post(address("guideline_edit", project), draft_fields(opened_at=opened)).status_code == 302
    late = client.post(address("guideline_edit", project), draft_fields(opened_at=opened, text="mine"))
    assert late.status_code == 400
    assert "mine" in late.content.decode()
    assert a.Guideline.objects.get(project=project).text == "# Rules"


def test_blank_rows_vanish_and_removed_ones_too():
    questions = read_questions(
        draft_fields(**{"q-0-label-0-remove": "on", "questions": "3", "q-1-name": "x", "q-1-remove": "on"})
    )
    assert [[label["name"] for label in question["labels"]] for question in questions] == [["down", ""]]
    assert [label["name"] for label in drop_blanks(questions)["questions"][0]["labels"]] == ["down"]
    assert drop_blanks(read_questions({}))["questions"][0]["name"] == ""


@pytest.mark.parametrize("count", ["-1", "99999999", "x", "٣", ""])
def test_a_wrong_count_of_questions_is_no_error(count, cast, client_of):
    project = inviting.create_project(name="New", user=cast["dave"])
    client = client_of("dave")
    assert client.post(address("guideline_edit", project), draft_fields(questions=count)).status_code in (302, 400)
    assert client.post(address("guideline_edit", project), draft_fields(do=f"add_label-{count}")).status_code == 200


def test_the_preview_is_markdown_made_safe(world, client_of):
    response = client_of("dave").post(address("guideline_preview", world["project"]), {"text": f"**bold** {HOSTILE}"})
    assert "<strong>bold</strong>" in response.content.decode()
    assert "<script>" not in response.content.decode()


def test_the_changes_of_a_version_are_marked(world, cast, client_of):
    project = world["project"]
    schema = schemas.from_labels("sentiment", [*LABELS, "mixed"])
    publishing.save_draft(project=project, text="# Rules\n\nLook twice.", schema=schema, user=cast["dave"])
    before = client_of("dave").get(address("publish", project)).context["found"]
    assert [row["new"] for row in before["prose"] if row["sign"] == "added"] == [[(True, "Look twice.")]]
    publishing.publish(project=project, user=cast["dave"], change_note="A fourth label.")
    shown = client_of("alice").get(address("guideline", project))
    assert {**shown.context["found"], "folded": None} == {**before, "folded": None}
    [question] = before["schema"]
    assert [(row["what"], row["new"]) for row in question["changes"]] == [("new label", [(True, "mixed")])]
    assert "A fourth label." in shown.content.decode()


def test_a_draft_like_the_version_in_force_has_no_changes(world):
    draft = a.Guideline.objects.get(project=world["project"])
    found = differences.between(state_of(world["project"].version), state_of(draft))
    assert found == {"prose": [], "schema": [], "examples": []}


def test_publishing_without_a_note_is_refused_and_the_choice_stays(world, cast, client_of):
    project = world["project"]
    publishing.save_draft(project=project, text="# More", schema=project.version.schema, user=cast["dave"])
    response = client_of("dave").post(address("publish", project), {"change_note": "", "earlier": "ask"})
    assert response.status_code == 400
    assert response.context["earlier"] == "ask"
    assert project.versions.count() == 1


# Agreement and cases


def test_the_agreement_page_shows_the_figures_and_links_the_contested_items(world, client_of):
    shown = client_of("carol").get(address("agreement", world["project"])).content.decode()
    assert address("item", world["project"], world["items"][0].pk) in shown
    assert "50.0%" in shown
    assert "No interval" in shown
    assert "hx-get" not in shown


def test_new_answers_ask_for_new_figures_once(world, cast, client_of):
    make_annotation(world["items"][3], cast["alice"])
    client = client_of("carol")
    for _again in range(2):
        shown = client.get(address("agreement", world["project"])).content.decode()
        assert f'hx-get="{address("agreement_progress", world["project"], "sentiment")}?version=1"' in shown
    assert a.AgreementReport.objects.live().count() == 1


def test_figures_that_failed_are_made_again_by_the_button_only(world, cast, client_of):
    make_annotation(world["items"][3], cast["alice"])
    client = client_of("carol")
    url = address("agreement", world["project"])
    client.get(url)
    a.AgreementReport.objects.live().update(state=State.FAILED, message="There was not enough memory.")
    shown = client.get(url).content.decode()
    assert "There was not enough memory." in shown
    assert "hx-get" not in shown
    assert not a.AgreementReport.objects.live().exists()
    client.post(f"{url}?question=sentiment")
    assert a.AgreementReport.objects.live().count() == 1


def test_a_question_that_does_not_exist_is_not_found(world, client_of):
    assert client_of("carol").get(address("agreement", world["project"]) + "?question=nothing").status_code == 404


def test_figures_without_any_pair_say_so(cast, client_of):
    project = make_project(cast)
    make_annotation(make_items(project, 1)[0], cast["alice"])
    agreement_of(project)
    shown = client_of("dave").get(address("agreement", project)).content.decode()
    assert "No item has answers of two people yet" in shown


def test_a_case_is_settled_by_page_and_leads_to_the_next(world, cast, client_of):
    project = world["project"]
    second = differ(world["items"][4], cast)
    client = client_of("carol")
    fields = {"value": "neutral", "reason": "ambiguous", "note": "both can be read"}
    response = client.post(address("case", project, world["case"].pk), fields)
    assert response["Location"] == address("case", project, second.pk)
    gold = a.Gold.objects.current().get(item=world["items"][0])
    assert (gold.value, gold.reason, gold.note, gold.settled_by) == (
        "neutral",
        "ambiguous",
        "both can be read",
        cast["carol"],
    )
    response = client.post(address("case", project, second.pk), fields)
    assert response["Location"] == address("adjudicate", project)
    assert "both can be read" in client.get(response["Location"]).content.decode()


def test_a_refused_decision_keeps_what_was_chosen(world, client_of):
    fields = {"value": "neutral", "reason": "", "note": "half a thought"}
    response = client_of("carol").post(address("case", world["project"], world["case"].pk), fields)
    assert response.status_code == 400
    shown = response.content.decode()
    assert "half a thought" in shown
    assert re.search(r'value="neutral"[^>]* checked', shown)
    assert a.Case.objects.open().filter(pk=world["case"].pk).exists()


def test_a_case_settled_in_another_window_is_said_so(world, client_of):
    client = client_of("carol")
    url = address("case", world["project"], world["case"].pk)
    client.post(url, {"value": "neutral", "reason": "other"})
    assert "Settle " not in client.get(url).content.decode()
    late = client.post(url, {"value": "positive", "reason": "other"})
    assert late.status_code == 400
    assert a.Gold.objects.current().get(item=world["items"][0]).value == "neutral"


def test_skipping_meets_every_open_case(world, cast, client_of):
    for item in world["items"][3:6]:
        differ(item, cast)
    client = client_of("carol")
    cases = a.Case.objects.open().filter(project=world["project"])
    at, met = address("case", world["project"], world["case"].pk), set()
    for _case in cases:
        met.add(at)
        at = client.post(f"{at}skip/")["Location"]
    assert met == {address("case", world["project"], case.pk) for case in cases}
    assert at in met


def test_the_last_case_is_followed_by_none(world, cast):
    wanted = caseload.Wanted()
    assert caseload.following(project=world["project"], after=world["case"], wanted=wanted, user=cast["carol"]) is None


def test_settled_answers_can_be_decided_again(world, cast, client_of):
    client = client_of("carol")
    url = address("redecide", world["project"], world["gold"].pk)
    response = client.post(url, {"value": "positive", "reason": "oversight"})
    assert response["Location"] == address("item", world["project"], world["items"][2].pk)
    old, new = a.Gold.objects.filter(item=world["items"][2]).order_by("pk")
    assert (old.value, new.value) == ("neutral", "positive")
    assert old.superseded_at is not None
    shown = client.get(response["Location"]).content.decode()
    assert "replaced" in shown


def test_keys_of_reasons_never_meet_those_of_labels():
    entry = schemas.from_labels("q", [f"l{number}" for number in range(25)])["questions"][0]
    keys = [key for _code, _words, key in reason_keys(entry) if key]
    taken = {label["key"] for label in entry["labels"]} | {"s", "n", "g", "?"}
    assert len(keys) == len(set(keys)) >= 1
    assert not taken & set(keys)
    plain = schemas.from_labels("q", LABELS)["questions"][0]
    assert [key for _code, _words, key in reason_keys(plain)] == ["u", "o", "a", "c", "p", "t"]


def test_settling_by_the_rule_says_what_it_made(cast, client_of):
    project = make_project(cast)
    for item in make_items(project, 2):
        make_annotation(item, cast["alice"])
        make_annotation(item, cast["bob"])
    response = client_of("dave").post(address("settle_all", project), follow=True)
    assert "2 answers became gold; 0 cases were opened." in response.content.decode()
    assert client_of("carol").post(address("settle_all", project)).status_code == 403
