"""The commands: the same domain functions as the pages, one sentence and exit code 1 where nothing could be done."""

import json
import os
from io import StringIO
from pathlib import Path

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from annotation import models as a
from tests.annotation.worlds import bring, label
from tests.conftest import make_items, make_project

pytestmark = pytest.mark.django_db
ROWS = [
    {
        "id": "a",
        "text": "净利润同比增长 8％ 📈\r\n好于预期。",
        "annotations": [{"annotator": "x", "label": "up"}, {"annotator": "y", "label": "up"}],
    },
    {
        "id": "b",
        "text": "Sales fell.",
        "annotations": [{"annotator": "x", "label": "up"}, {"annotator": "y", "label": "down"}],
    },
    {
        "id": "c",
        "text": "Sales rose.",
        "annotations": [{"annotator": "x", "label": "down"}, {"annotator": "y", "label": "up"}],
    },
]


def run(*args):
    """What a command prints; raises CommandError where its exit code would be 1."""
    out = StringIO()
    call_command(*map(str, args), stdout=out)
    return out.getvalue()


def result(*args):
    return json.loads(run(*args, "--json"))


def failed(*args):
    """(what it printed, the sentence on stderr) of a command that fails."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*map(str, args), stdout=out)
    assert caught.value.returncode == 1
    return out.getvalue(), str(caught.value)


@pytest.fixture
def file(tmp_path):
    """file(name, content) writes a file."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def jsonl(rows=ROWS):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


@pytest.fixture
def stance(file):
    """A project made by import_items out of ROWS."""
    run("import_items", file("stance.jsonl", jsonl()), "--project", "stance", "--create")
    return a.Project.objects.get(slug="stance")


# import_items


def test_a_file_makes_a_project_with_guideline_items_answers_and_cases(file, cast):
    told = result("import_items", file("stance.jsonl", jsonl()), "--project", "stance", "--create", "--name", "立场", "--overlap", "2", "--settle", "unanimous", "--user", "dave")  # fmt: skip
    [entry] = told["files"]
    assert (told["project"], told["created"]) == ("stance", True)
    counts = {name: entry[name] for name in ("state", "rows", "new", "here", "annotations", "gold", "cases", "refused")}
    assert counts == {
        "state": "done",
        "rows": 3,
        "new": 3,
        "here": 0,
        "annotations": 6,
        "gold": 1,
        "cases": 2,
        "refused": 0,
    }
    assert (entry["annotators"], entry["guideline_version"], entry["refused_file"]) == (["x", "y"], 1, None)
    project = a.Project.objects.get()
    assert (project.name, project.overlap, project.created_by) == ("立场", 2, cast["dave"])
    assert a.Membership.objects.get().role == "manager"
    assert a.Import.objects.get().created_by == cast["dave"]


def test_the_same_file_again_adds_nothing_and_is_no_failure(stance, file):
    before = a.Document.objects.count(), a.Annotation.objects.count(), a.Gold.objects.count(), a.Case.objects.count()
    text = run("import_items", file("stance.jsonl", jsonl()), "--project", "stance")
    assert "3 rows read, 0 new items, 3 here already" in text
    assert before == (
        a.Document.objects.count(),
        a.Annotation.objects.count(),
        a.Gold.objects.count(),
        a.Case.objects.count(),
    )


def test_a_project_that_is_not_there_is_not_made_without_being_asked(file):
    path = file("a.jsonl", jsonl())
    _printed, sentence = failed("import_items", path, "--project", "nope")
    assert sentence == "There is no project “nope”. Add --create to make it."
    assert not a.Project.objects.exists()


def test_an_address_is_found_as_it_was_asked_for(file):
    path = file("a.jsonl", jsonl())
    assert result("import_items", path, "--project", "My_Stance", "--create")["project"] == "my_stance"
    assert result("import_items", path, "--project", "My_Stance", "--create")["created"] is False


def test_several_files_go_in_one_after_the_other(file):
    first, second = file("1.jsonl", jsonl(ROWS[:1])), file("2.jsonl", jsonl(ROWS))
    told = result("import_items", first, second, "--project", "stance", "--create", "--labels", "ignore")
    assert [(entry["new"], entry["here"]) for entry in told["files"]] == [(1, 0), (2, 1)]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("gone.jsonl", None, "No such file"),
        ("empty.csv", b"", "empty"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00", ""),
    ],
)
def test_a_file_that_cannot_be_read_is_a_failure(file, tmp_path, name, content, sentence):
    path = tmp_path / name if content is None else file(name, content)
    printed, said = failed("import_items", path, "--project", "stance", "--create", "--json")
    assert sentence in said
    assert json.loads(printed)["files"][0]["state"] == "failed"


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_file_is_refused_and_not_waited_for(stance, tmp_path, kind):
    path = tmp_path / "named.csv" if kind != "device" else Path("/dev/zero")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    for words in (("import_items",), ("import_annotations",), ("adjudicate", "--file")):
        _printed, said = failed(*words, path, "--project", "stance")
        assert said == f"{path} is a folder, a pipe or a device. Name a file; save what a pipe gives as one first."


def test_an_unreadable_file_does_not_stop_the_others(file):
    printed, said = failed("import_items", file("e.csv", b""), file("a.jsonl", jsonl()), "--project", "sx", "--create", "--json")  # fmt: skip
    assert [entry["state"] for entry in json.loads(printed)["files"]] == ["failed", "done"]
    assert "empty" in said
    assert a.Document.objects.count() == 3


def test_a_file_of_which_nothing_can_be_read_is_a_failure_that_tells_the_rows(file):
    path = file("bad.csv", "id,text\n1,\n2, \n")
    printed, said = failed("import_items", path, "--project", "stance", "--create")
    assert "Row 2: the text (column “text”) is empty." in printed
    assert said == f"Nothing could be read from {path}."


def test_refused_rows_are_told_with_the_file_that_holds_them(file):
    path = file("some.csv", "id,text\n0,Good.\n" + "\n".join(f"{n}," for n in range(1, 16)))
    text = run("import_items", path, "--project", "stance", "--create")
    assert text.count("  refused: ") == 10
    assert "… and 5 more" in text
    entry = result("import_items", path, "--project", "stance")["files"][0]
    assert len(entry["problems"]) == 15
    with open(entry["refused_file"], encoding="utf-8") as refused:
        assert len(refused.readlines()) == 16


def test_options_of_reading_and_mapping_reach_the_import(file):
    path = file("t.txt", "S1|x|1\nS2|y|0\n".encode("utf-16"))
    run(
        "import_items", path, "--project", "px", "--create", "--format", "csv", "--encoding", "utf-16", "--delimiter", "|",
        "--no-header", "--columns", "body,key,claim", "--map", "text=body", "--map", "id=key", "--map", "label=claim",
        "--question", "claim", "--labels", "annotation", "--annotator", "zoe", "--map-label", "1=yes", "--map-label", "0=no",
        "--source-type", "news", "--language", "en",
    )  # fmt: skip
    assert dict(a.Document.objects.values_list("external_id", "text")) == {"x": "S1", "y": "S2"}
    assert {row.answer["claim"] for row in a.Annotation.objects.all()} == {"yes", "no"}
    assert set(a.Annotation.objects.values_list("annotator__name", flat=True)) == {"zoe"}
    assert set(a.Document.objects.values_list("source_type", "language")) == {("news", "en")}


def test_a_sheet_and_columns_of_annotators_are_named(file):
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Second")
    for row in (["text", "Rater A", "Rater B"], ["One.", 1, 1], ["Two.", 0, "DBT"], ["Three.", 0, None]):
        sheet.append(row)
    path = file("b.xlsx", b"")
    book.save(path)
    entry = result("import_items", path, "--project", "px", "--create", "--sheet", "Second", "--annotator-column", "Rater A", "--annotator-column", "Rater B")["files"][0]  # fmt: skip
    assert (entry["annotations"], entry["gold"], entry["cases"]) == (5, 1, 1)


def test_duplicates_and_whole_files(file):
    rows = [{"id": "a", "text": "Same."}, {"id": "b", "text": "SAME."}]
    assert result("import_items", file("d.jsonl", jsonl(rows)), "--project", "px", "--create", "--duplicates", "skip")["files"][0]["new"] == 1  # fmt: skip
    assert result("import_items", file("w.txt", "a\nb\n"), "--project", "qx", "--create", "--document-per", "file")["files"][0]["new"] == 1  # fmt: skip


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["--user", "nobody"], "There is no user “nobody”."),
        (["--map", "text"], "--map text: write it as name=value."),
        (["--map", "mood=text"], "“mood” is no field"),
        (["--map", "text=body"], ""),
        (["--map-label", "=x"], "--map-label =x: write it as name=value."),
        (["--overlap", "0"], "overlap: "),
        (["--encoding", "klingon"], "klingon"),
        (["--delimiter", "ab"], ""),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(file, extra, sentence):
    _printed, said = failed("import_items", file("a.csv", "id,text\n1,A.\n"), "--project", "px", "--create", *extra)
    assert sentence in said
    assert not a.Document.objects.exists()


# import_annotations


def test_answers_come_in_for_items_that_are_here(cast, file):
    project = make_project(cast)
    bring(project, jsonl([{"id": "a", "text": "A."}, {"id": "b", "text": "B."}]))
    path = file("answers.csv", "item,who,verdict\na,x,positive\na,y,positive\nb,x,neutral\nzz,x,neutral\n")
    mapping = ["--map", "id=item", "--map", "annotator=who", "--map", "label=verdict"]
    entry = result("import_annotations", path, "--project", "sentiment", *mapping)["files"][0]
    assert (entry["annotations"], entry["gold"], entry["refused"]) == (3, 1, 1)
    again = result("import_annotations", path, "--project", "sentiment", *mapping)["files"][0]
    assert (again["annotations"], again["gold"]) == (0, 0)


def test_labels_may_come_in_as_gold_of_somebody(cast, file):
    project = make_project(cast)
    bring(project, jsonl([{"id": "a", "text": "A."}]))
    path = file("gold.jsonl", jsonl([{"id": "a", "label": "neutral"}]))
    run(
        "import_annotations",
        path,
        "--project",
        "sentiment",
        "--labels",
        "gold",
        "--annotator",
        "bank",
        "--question",
        "sentiment",
    )
    gold = a.Gold.objects.get()
    assert (gold.value, gold.settled_by.name) == ("neutral", "bank")


# agreement


def test_agreement_is_printed_for_people_and_for_machines(stance):
    text = run("agreement", "--project", "stance", "--draws", "50")
    assert (
        "stance / label: 3 items with two or more answers, 2 of them differing, 2 annotators, 2 cases to settle" in text
    )
    assert "percent agreement      0.3333" in text
    assert "x · y (n = 3)" in text
    figures = result("agreement", "--project", "stance", "--draws", "50", "--seed", "1")
    assert figures["percent"]["value"] == pytest.approx(1 / 3)
    assert figures["cohen"][0]["kappa"] == pytest.approx(-0.5)
    assert (figures["question"], figures["cases_open"], figures["seed"], figures["draws"]) == ("label", 2, 1, 50)


def test_labels_can_be_left_out_of_the_agreement(stance):
    assert result("agreement", "--project", "stance", "--without", "down", "--draws", "10")["n_units_2plus"] == 1
    _printed, said = failed("agreement", "--project", "stance", "--without", "doubt")
    assert "“doubt” is no label of “label”" in said


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--project", "nope"], "There is no project “nope”."),
        (["--project", "stance", "--question", "mood"], "Name one of the questions with --question: label."),
        (["--project", "stance", "--draws", "0"], "between 1 and 100000 draws"),
    ],
)
def test_agreement_that_cannot_be_is_said_in_a_sentence(stance, args, sentence):
    _printed, said = failed("agreement", *args)
    assert sentence in said


def test_agreement_without_a_guideline_says_so(cast):
    a.Project.objects.create(slug="bare", name="Bare")
    assert "has no published guideline yet" in failed("agreement", "--project", "bare")[1]


# adjudicate


def test_a_file_of_decisions_settles_cases_and_says_how_many_stay_open(stance, cast, file):
    path = file("d.csv", "id,label,reason,note\nb,down,ambiguous,两可\nzz,up,,\n")
    told = result("adjudicate", "--project", "stance", "--file", path, "--user", "carol")
    assert {name: told[name] for name in ("settled", "here", "refused", "open")} == {
        "settled": 1,
        "here": 0,
        "refused": 1,
        "open": 1,
    }
    gold = a.Gold.objects.get(method="adjudicated")
    assert (gold.value, gold.reason, gold.note, gold.settled_by) == ("down", "ambiguous", "两可", cast["carol"])
    text = run("adjudicate", "--project", "stance", "--file", path)
    assert "0 settled, 1 cases stay open" in text
    assert "Row 3: there is no item with the id “zz” in this project." in text


def test_a_file_without_a_usable_row_is_a_failure(stance, file):
    printed, said = failed("adjudicate", "--project", "stance", "--file", file("d.csv", "id,label\nzz,up\n"))
    assert "refused: Row 2" in printed
    assert said == "No row of the file could be used."
    assert (
        "No such file" in failed("adjudicate", "--project", "stance", "--file", file("x", "").with_name("gone.csv"))[1]
    )


def test_one_annotators_answers_settle_everything_they_answered(stance):
    told = result(
        "adjudicate", "--project", "stance", "--annotator", "y", "--reason", "guideline", "--note", "y wrote it"
    )
    assert (told["settled"], told["open"]) == (2, 0)
    assert set(a.Gold.objects.filter(method="adjudicated").values_list("value", "reason", "note")) == {
        ("down", "guideline", "y wrote it"),
        ("up", "guideline", "y wrote it"),
    }


def test_a_rule_settles_what_it_can(cast):
    project = make_project(cast, overlap=3, settle="never")
    a.Membership.objects.filter(user=cast["carol"]).update(labels=True)
    same, most = make_items(project, 2)
    label(project, same, alice="neutral", bob="neutral", carol="neutral")
    label(project, most, alice="neutral", bob="positive", carol="neutral")
    told = result("adjudicate", "--project", "sentiment", "--rule", "unanimous")
    assert (told["settled"], told["open"]) == (1, 1)
    assert run("adjudicate", "--project", "sentiment", "--rule", "majority").strip() == "1 settled, 0 cases stay open"


def test_the_open_cases_are_listed_without_names(stance):
    cases = result("adjudicate", "--project", "stance", "--list")["cases"]
    assert {case["id"] for case in cases} == {"b", "c"}
    assert all(sorted(case["answers"]) == ["down", "up"] for case in cases)
    assert '"x"' not in json.dumps(cases)
    text = run("adjudicate", "--project", "stance", "--list")
    assert "b  disagreement 1.00  Sales fell." in text
    run("adjudicate", "--project", "stance", "--annotator", "x")
    assert run("adjudicate", "--project", "stance", "--list").strip() == "No case is open."


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ([], "one of the arguments"),
        (["--rule", "coin"], "invalid choice"),
        (["--list", "--annotator", "x"], "not allowed with"),
        (["--annotator", "zoe"], "“zoe” names nobody"),
        (["--annotator", "x", "--reason", "mood"], "invalid choice"),
        (["--annotator", "x", "--user", "nobody"], "There is no user “nobody”."),
    ],
)
def test_adjudication_that_cannot_be_is_said_in_a_sentence(stance, args, sentence):
    _printed, said = failed("adjudicate", "--project", "stance", *args)
    assert sentence in said
    assert a.Case.objects.open().count() == 2


def test_a_reader_that_has_seen_enough_is_no_error(stance, monkeypatch):
    class Closed(StringIO):
        def write(self, words: str) -> int:
            raise BrokenPipeError

    turned = []
    monkeypatch.setattr("annotation.management.command.os.dup2", lambda *files: turned.append(files))
    monkeypatch.setattr("annotation.management.command.sys.stdout", open(os.devnull, "w"))  # noqa: SIM115
    call_command("adjudicate", "--project", "stance", "--list", stdout=Closed())
    assert len(turned) == 1
