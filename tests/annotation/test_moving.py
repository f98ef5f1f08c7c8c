"""A project of another tool moves here: what is found is told first, then it becomes a project, a guideline, answers."""

import io
import json
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import models as a
from annotation import moving, publishing
from tests.annotation.reading.test_tools import ANN, CONF, CONFIG, TEXT, mark, pack, task
from tests.annotation.worlds import bare, bring
from tests.conftest import Caller

pytestmark = pytest.mark.django_db


def upload(name, content):
    data = content.encode() if isinstance(content, str) else content
    return SimpleUploadedFile(name, data)


def both(*files):
    return [(file.name, file) for file in files]


def tasks():
    first = task(
        {"from_name": "tone", "type": "choices", "value": {"choices": ["good"]}},
        mark("ner", 0, 5, "Apple", "ORG", "x"), mark("ner", 14, 19, "Beats", "ORG", "y"),
        {"from_id": "x", "to_id": "y", "type": "relation", "direction": "right", "labels": ["pays"]},
        {"from_name": "stars", "type": "rating", "value": {"rating": 6}},
        completed_by={"id": 3, "email": "ann@x.org"}, lead_time=4.5,
    )  # fmt: skip
    first["data"] = {"body": TEXT, "source": "news"}
    first["annotations"].append({"completed_by": {"id": 5, "email": "ben@x.org"}, "was_cancelled": False, "result": [
        {"from_name": "tone", "type": "choices", "value": {"choices": ["bad"]}},
        {"from_name": "why", "type": "textarea", "value": {"text": ["It fell."]}}]})  # fmt: skip
    first["predictions"] = [{"model_version": "m1", "score": 0.8, "result": [{"from_name": "tone", "type": "choices", "value": {"choices": ["bad"]}}]}]  # fmt: skip
    second = {"id": 8, "data": {"body": "Quiet."}, "annotations": [{"completed_by": {"id": 3, "email": "ann@x.org"}, "ground_truth": True,
              "result": [{"from_name": "tone", "type": "choices", "value": {"choices": ["good"]}}]}], "predictions": []}  # fmt: skip
    return [first, second]


def answers(project):
    rows = a.Annotation.objects.filter(project=project).order_by("item__document__external_id", "annotator__name")
    return [(row.item.document.external_id, row.annotator.name, row.status, row.answer) for row in rows]


def test_label_studio_moves_with_questions_answers_gold_suggestions_and_renamed_people(cast):
    files = both(upload("tasks.json", json.dumps(tasks())), upload("config.xml", CONFIG))
    move = moving.prepare(files=files, user=cast["dave"])
    found = move.found
    assert (found["tool"], found["items"], found["overlap"]) == ("Label Studio", 2, 2)
    assert found["annotators"] == [{"name": "ann@x.org", "answers": 2}, {"name": "ben@x.org", "answers": 1}]
    assert [(entry["name"], entry["kind"]) for entry in found["questions"]] == [
        ("tone", "choice"), ("ner", "spans"), ("stars", "score"), ("why", "text")]  # fmt: skip
    assert not a.Project.objects.exists()
    row = moving.start(move=move, user=cast["dave"], name="News", people={"ann@x.org": "Ann"}, at_once=True)
    assert row.state == "done", row.message
    assert row.report["refused"] == 0, row.report["problems"]
    project = row.project
    assert project.memberships.get(user=cast["dave"]).role == "manager"
    assert project.version.schema["questions"][0]["labels"][0]["title"] == "Good news"
    marks = [
        {"start": 0, "end": 5, "label": "ORG", "text": "Apple", "relations": [{"type": "pays", "to": 1}]},
        {"start": 13, "end": 18, "label": "ORG", "text": "Beats"},
    ]
    assert answers(project) == [
        ("7", "Ann", "submitted", {"tone": "good", "ner": marks, "stars": 6}),
        ("7", "ben@x.org", "submitted", {"tone": "bad", "ner": [], "why": "It fell."}),
        ("8", "Ann", "submitted", {"tone": "good", "ner": []}),
    ]
    assert dict(a.Gold.objects.filter(project=project, method="imported").values_list("question", "value")) == {"tone": "good", "ner": []}  # fmt: skip
    [suggestion] = a.Suggestion.objects.filter(project=project)
    assert (suggestion.value, suggestion.source, suggestion.score) == ("bad", "m1", 0.8)
    assert not a.User.objects.filter(imported_for=project, is_active=True).exists()
    move.refresh_from_db()
    assert (move.project, bool(move.file)) == (project, False)


def test_the_same_export_is_brought_in_once(cast):
    move = moving.prepare(files=both(upload("tasks.json", json.dumps(tasks()))), user=cast["dave"])
    moving.start(move=move, user=cast["dave"], name="News", at_once=True)
    with pytest.raises(ValueError, match="already"):
        moving.start(move=move, user=cast["dave"], name="Again", at_once=True)
    assert a.Project.objects.count() == 1


def test_a_name_that_is_taken_leaves_the_look_as_it_was(cast):
    bare(cast, slug="news")
    move = moving.prepare(files=both(upload("tasks.json", json.dumps(tasks()))), user=cast["dave"])
    with pytest.raises(ValueError, match="is taken"):
        moving.start(move=move, user=cast["dave"], name="News", slug="news")
    with pytest.raises(ValueError, match="Two annotators would be called"):
        moving.start(move=move, user=cast["dave"], name="News", people={"ann@x.org": "ben@x.org"})
    assert moving.start(move=move, user=cast["dave"], name="News", at_once=True).state == "done"


def test_doccano_moves_with_its_users_and_labels(cast, tmp_path):
    def one(label):
        return "".join(json.dumps({"id": k, "text": f"text {k}", "label": [label], "Comments": ["hm"]}) + "\n" for k in range(3))  # fmt: skip

    path = pack(tmp_path / "e.zip", {"ann.jsonl": one("pos"), "ben.jsonl": one("neg")})
    labels = json.dumps([{"text": "neg", "suffix_key": "n", "background_color": "#f00"}, {"text": "pos", "suffix_key": "o"}, {"text": "none"}])  # fmt: skip
    files = both(upload("export.zip", path.read_bytes()), upload("label_config.json", labels.replace('"none"', '"none", "suffix_key": null')))  # fmt: skip
    move = moving.prepare(files=files, user=cast["dave"])
    assert [one["name"] for one in move.found["annotators"]] == ["ann", "ben"]
    row = moving.start(move=move, user=cast["dave"], name="D", at_once=True)
    assert (row.report["new"], row.report["annotations"], row.report["refused"]) == (3, 6, 0)
    assert [(label["name"], label["key"]) for label in row.project.version.schema["questions"][0]["labels"]][:2] == [("neg", "n"), ("pos", "o")]  # fmt: skip
    assert a.Annotation.objects.filter(project=row.project, comment="hm").count() == 6


def test_brat_moves_with_marks_and_events_of_each_annotator(cast, tmp_path):
    path = pack(tmp_path / "e.zip", {f"{who}/1.{end}": content for who in ("ann", "ben") for end, content in (("txt", TEXT), ("ann", ANN))} | {"annotation.conf": CONF})  # fmt: skip
    move = moving.prepare(files=both(upload("corpus.zip", path.read_bytes())), user=cast["dave"])
    row = moving.start(move=move, user=cast["dave"], name="B", at_once=True)
    assert (row.report["annotations"], row.report["refused"]) == (2, 0), row.report
    [(_id, _who, _status, answer), _second] = answers(row.project)
    assert [(one["label"], one.get("parts")) for one in answer["spans"]] == [("ORG", None), ("BOTH", [[0, 5], [13, 18]]), ("ORG", None)]  # fmt: skip
    assert (answer["events"][0]["type"], answer["events"][0]["status"]) == ("Pay", "negated")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([], "Choose a file"),
        ([("a.xml", CONFIG)], "no export of another tool"),
        ([("a.json", "[]")], "empty list"),
        ([("a.zip", b"PK\x03\x04 broken")], "not a whole"),
        ([("a.json", json.dumps(tasks())), ("b.xml", "<View>")], "well-formed"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence_and_leaves_nothing(cast, files, told):
    uploads = both(*(upload(name, content) for name, content in files))
    with pytest.raises(ValueError, match=told):
        moving.prepare(files=uploads, user=cast["dave"])
    assert not a.Move.objects.exists()


# Page, API and command


def test_the_pages_show_what_was_found_and_bring_it_in(client, cast):
    bare(cast, slug="other")
    client.force_login(cast["dave"])
    assert client.get(reverse("annotation:moves")).status_code == 200
    sent = {"files": [upload("tasks.json", json.dumps(tasks())), upload("config.xml", CONFIG)]}
    page = client.post(reverse("annotation:moves"), sent, follow=True)
    told = page.content.decode()
    assert "Label Studio" in told
    assert "How does it sound?" in told
    assert "ann@x.org" in told
    assert "“Image” of the configuration was left out" in told
    move = a.Move.objects.get()
    wrong = client.post(reverse("annotation:move", args=[move.pk]), {"name": "", "overlap": "2"})
    assert wrong.status_code == 400
    done = client.post(reverse("annotation:move", args=[move.pk]), {"name": "News", "overlap": "2", "person_0": "Ann"})
    project = a.Project.objects.get(name="News")
    row = project.imports.get()
    assert done["Location"] == reverse("annotation:import", args=[project.slug, row.pk])
    assert row.options["people"] == {"ann@x.org": "Ann"}
    assert client.get(reverse("annotation:move", args=[move.pk])).status_code == 302


def test_nobody_sees_or_starts_the_move_of_another(client, cast):
    move = moving.prepare(files=both(upload("tasks.json", json.dumps(tasks()))), user=cast["dave"])
    client.force_login(cast["eve"])
    assert client.get(reverse("annotation:move", args=[move.pk])).status_code == 404
    assert client.post(reverse("annotation:move", args=[move.pk]), {"name": "x"}).status_code == 404
    assert client.post(reverse("annotation:move_discard", args=[move.pk])).status_code == 404
    client.force_login(cast["dave"])
    assert client.post(reverse("annotation:move_discard", args=[move.pk])).status_code == 302
    assert not a.Move.objects.exists()


def test_the_api_looks_and_brings_in(cast):
    bare(cast, slug="other")
    dave, eve = (Caller(cast[name]) for name in ("dave", "eve"))
    sent = dave.send(reverse("api-moves"), {"files": [upload("tasks.json", json.dumps(tasks()))]})
    assert sent.status_code == 201, sent.content
    assert sent.json()["found"]["items"] == 2
    address = reverse("api-move", args=[sent.json()["id"]])
    assert eve.get(address).status_code == 404
    done = dave.post(address, {"name": "News", "people": {"ann@x.org": "Ann"}})
    assert (done.status_code, done.json()["project"]) == (202, "news")
    assert dave.post(address, {"name": "News"}).status_code == 400


def test_the_command_looks_and_brings_in(cast, tmp_path):
    (tmp_path / "tasks.json").write_text(json.dumps(tasks()))
    (tmp_path / "config.xml").write_text(CONFIG)
    files = [str(tmp_path / "tasks.json"), str(tmp_path / "config.xml")]
    out = StringIO()
    call_command("move_project", *files, project="news", look=True, json=True, stdout=out)
    assert json.loads(out.getvalue())["found"]["items"] == 2
    assert not a.Project.objects.exists()
    out = StringIO()
    call_command("move_project", *files, project="news", person=["ann@x.org=Ann"], stdout=out)
    assert "2 new items, 3 answers" in out.getvalue()
    assert a.User.objects.filter(name="Ann", imported_for__slug="news").exists()
    with pytest.raises(CommandError, match="is taken"):
        call_command("move_project", *files, project="news", stdout=out)


# Round trips of marks


@st.composite
def marked(draw):
    text = draw(st.text(alphabet="ab 😀净é\n", min_size=1, max_size=30).filter(lambda text: text.strip()))
    text = "x" + text.strip() + "y"
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 8), st.sampled_from(["ORG", "PER"]))
    spans = {(start, min(len(text), start + size), label) for start, size, label in draw(st.lists(places, max_size=5))}
    return text, sorted(spans)


def units(text, place):
    return len(text[:place].encode("utf-16-le")) // 2


def as_label_studio(text, spans):
    results = [
        {"id": str(k), "from_name": "ner", "type": "labels", "value": {"start": units(text, start), "end": units(text, end), "text": text[start:end], "labels": [label]}}
        for k, (start, end, label) in enumerate(spans)
    ]  # fmt: skip
    return "a.json", json.dumps(
        [{"id": 1, "data": {"text": text}, "annotations": [{"completed_by": 1, "result": results}]}]
    )


def as_doccano(text, spans):
    entities = [{"id": k, "start_offset": start, "end_offset": end, "label": label} for k, (start, end, label) in enumerate(spans)]  # fmt: skip
    return "a.jsonl", json.dumps({"id": 1, "text": text, "entities": entities, "relations": [], "Comments": []})


def as_brat(text, spans):
    lines = [f"T{k}\t{label} {start} {end}\t{text[start:end]}".replace("\n", " ") for k, (start, end, label) in enumerate(spans)]  # fmt: skip
    packed = io.BytesIO()
    pack(packed, {"1.txt": text, "1.ann": "\n".join(lines)})
    return "a.zip", packed.getvalue()


@pytest.mark.parametrize("written", [as_label_studio, as_doccano, as_brat])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(marked())
def test_marks_come_back_as_they_were_in_the_form_of_each_tool(cast, written, drawn):
    text, spans = drawn
    project = bare(cast, slug=f"p{a.Project.objects.count()}")
    name, content = written(text, spans)
    schema = {"questions": [{"name": "ner", "kind": "spans", "labels": ["ORG", "PER"]}]}
    publishing.publish_schema(project=project, schema=schema, user=None)
    project.refresh_from_db()
    report = bring(project, content, name, marked=["ner"])
    assert report["refused"] == 0, report["problems"]
    [row] = a.Annotation.objects.filter(project=project)
    stored = row.item.document.text
    wanted = sorted({(start, end, label) for start, end, label in spans})
    assert [(one["start"], one["end"], one["label"]) for one in row.answer["ner"]] == wanted
    assert all(stored[one["start"] : one["end"]] == one["text"] for one in row.answer["ner"])
