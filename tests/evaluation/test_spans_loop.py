"""Real marks through the whole loop, character for character: imported, answered, settled, frozen, exported, read back."""

import json
from io import BytesIO

import pytest

from annotation import adjudicating, measuring, screening
from annotation import models as a
from annotation import schema as schemas
from annotation.kinds import spans
from annotation.kinds.marks import key
from annotation.text.offsets import moved
from evaluation import exporting, leaderboard
from evaluation.models import Example
from tests.annotation.worlds import answer, bare, bring, lease, lines
from tests.conftest import make_project, set_schema
from tests.evaluation.worlds import board_of, freeze, gold_of, submit

pytestmark = pytest.mark.django_db

SETS = ("finer_ord", "resume_ner_zh", "sentfin_entity_sentiment")
KEPT = 120
# Emoji of one and of several code points, CJK extension B, marks that compose, marks that stay, line ends of Windows.
ODD = "\ufeff😀 Cafe\u0301 𠀀𠀁公司 👩\u200d👦\r\nq\u0323\u0307 =SUM(A1)\r\nSocie\u0301te\u0301 𠮷野家 paid\r\n"
QUOTES = ("😀", "Cafe\u0301", "𠀀𠀁公司", "👩\u200d👦", "q\u0323\u0307", "=SUM(A1)\r\nSocie\u0301te\u0301", "𠮷野家")


def odd(labels):
    marks = []
    for place, quote in enumerate(QUOTES):
        start = ODD.index(quote)
        label = labels[place % len(labels)]
        marks.append({"start": start, "end": start + len(quote), "label": label, "text": quote})
    return {"id": "odd", "text": ODD, "spans": marks}


@pytest.fixture(params=SETS)
def rows(request, shared):
    content = (shared / "data" / "normalised" / "dev" / f"{request.param}.jsonl").read_text("utf-8")
    found = [json.loads(line) for line in content.splitlines()[:KEPT]]
    labels = sorted({mark["label"] for row in found for mark in row["spans"]})
    return [*found, odd(labels)]


def texts_and_marks(version):
    rows = Example.objects.filter(version=version).order_by("key").values_list("key", "text", "gold")
    return {key: (text, gold["spans"]) for key, text, gold in rows}


def keep_addresses(project):
    """The real news name people to write to; that is no private data here."""
    screening.set_policy(project=project, policy={"email": "allow", "phone": "allow"}, user=None)


def test_marks_go_round_and_come_back_equal_to_the_character(cast, rows):
    project = bare(cast)
    report = bring(project, lines(*rows), create_schema=True, labels="gold")
    assert (report["gold"], report["refused"]) == (len(rows), 0)
    keep_addresses(project)
    version = freeze(project)
    assert version.state == "done", version.message
    frozen = texts_and_marks(version)
    for row in rows[:-1]:
        assert frozen[row["id"]] == (row["text"], sorted(row["spans"], key=key))
    _text, marks = frozen["odd"]
    assert [mark["text"] for mark in marks] == [
        "😀", "Café", "𠀀𠀁公司", "👩\u200d👦", "q\u0323\u0307", "=SUM(A1)\nSociété", "𠮷野家",
    ]  # fmt: skip
    assert all(text[mark["start"] : mark["end"]] == mark["text"] for text, given in frozen.values() for mark in given)
    for place, name in enumerate(("jsonl", "csv", "zip")):
        file = BytesIO()
        if name == "zip":
            file.write(exporting.archive(version, with_test_gold=True).read())
        else:
            exporting.single(version, format=name, with_test_gold=True, target=file)
        other = bare(cast, slug=f"back-{place}")
        report = bring(other, file.getvalue(), f"back.{name}", create_schema=True, labels="gold")
        assert (report["new"], report["refused"], report["gold"]) == (len(rows), 0, len(rows))
        keep_addresses(other)
        again = freeze(other)
        assert texts_and_marks(again) == frozen
        assert again.content_hash == version.content_hash


def test_people_annotate_agree_settle_and_systems_are_scored(cast, rows):
    project = make_project(cast, overlap=2)
    rows = rows[-30:]
    labels = sorted({mark["label"] for row in rows for mark in row["spans"]})
    set_schema(project, schemas.check({"questions": [{"name": "marks", "kind": "spans", "labels": labels}]}))
    [question] = project.version.schema["questions"]
    bring(project, lines(*({"id": row["id"], "text": row["text"]} for row in rows)))
    items = list(project.items.select_related("document").order_by("pk"))
    given = {row["id"]: spans.move(row["spans"], moved(row["text"])) for row in rows}
    truth = {item.pk: spans.clean(given[item.document.external_id], question, item.about) for item in items}
    differing = [item.pk for item in items[::3] if truth[item.pk]]
    for item in items:
        for name in ("alice", "bob"):
            said = truth[item.pk][:-1] if name == "bob" and item.pk in differing else truth[item.pk]
            answer(project, cast[name], lease(item, cast[name]), answer={"marks": said})
    assert sorted(a.Case.objects.values_list("item", flat=True)) == differing
    figures = measuring.measure(project=project, question="marks", draws=50)
    assert (figures["n_units_2plus"], figures["n_units_differing"]) == (30, len(differing))
    marked = sum(map(len, truth.values()))
    assert figures["exact_f1"]["value"] == pytest.approx(1 - len(differing) / (2 * marked - len(differing)))
    assert figures["boundary_f1"]["value"] == pytest.approx(figures["exact_f1"]["value"])
    for case in a.Case.objects.all():
        adjudicating.decide(case=case, value=truth[case.item_id], user=cast["carol"], reason="oversight")
    keep_addresses(project)
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "marks")
    gold = gold_of(board)
    triples = {key: [[mark["start"], mark["end"], mark["label"]] for mark in marks] for key, marks in gold.items()}
    best = submit(board, "Right", [{"id": key, "spans": marks} for key, marks in triples.items()])
    half = submit(board, "Half", [{"id": key, "spans": marks[:1]} for key, marks in triples.items()])
    assert (best.state, half.state) == ("done", "done"), (best.message, half.message)
    first, second = leaderboard.entries(board)
    assert (first["system"], first["coverage"], second["system"]) == ("Right", 1.0, "Half")
    [score] = best.scores.filter(metric="micro_f1", label="")
    assert score.value == 1.0
    assert half.confusion[-1] == [0] * (len(labels) + 1)  # it marked nothing that gold does not have


def test_a_prediction_is_held_against_the_text_it_is_about(cast):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "marks", "kind": "spans", "labels": ["ORG"]}]}))
    texts = [f"😀 Apple paid {n} times." for n in range(40)]
    apple = {"start": 2, "end": 7, "label": "ORG", "text": "Apple"}
    bring(
        project,
        lines(*({"id": f"d{n}", "text": text, "spans": [apple]} for n, text in enumerate(texts))),
        labels="gold",
    )
    board = board_of(freeze(project, shares={"train": 0.3, "test": 0.7}), "marks")
    keys = list(gold_of(board))
    utf16 = {**apple, "start": 3, "end": 8}
    answers = {keys[0]: [{**apple, "start": 3, "end": 7}], keys[1]: [[0, 900, "ORG"]]}
    found = submit(board, "Tool", [{"id": key, "spans": answers.get(key, [utf16])} for key in keys], partial=True)
    assert found.state == "done"
    assert found.report["bad_labels"]["count"] == 2
    problems = [row["problem"] for row in found.report["bad_labels"]["first"]]
    assert "from 3 to 7 the text says “pple”, not “Apple”" in problems[0]
    assert "Mark 1 ends at 900" in problems[1]
    [recall] = found.scores.filter(metric="micro_recall")
    assert recall.value == pytest.approx((len(keys) - 2) / len(keys))


def test_marks_of_a_passage_follow_it_into_the_version(cast):
    project = make_project(cast)
    set_schema(project, schemas.check({"questions": [{"name": "marks", "kind": "spans", "labels": ["ORG"]}]}))
    text = "Before. \n 😀 Apple paid. After."
    document = a.Document.objects.create(project=project, external_id="d", text=text, text_key="k")
    item = a.Item.objects.create(project=project, document=document, start=7, end=24)
    start = item.text.index("Apple")
    mark = {"start": start, "end": start + 5, "label": "ORG", "text": "Apple"}
    a.Gold.objects.create(
        project=project,
        item=item,
        question="marks",
        value=[mark],
        method="adjudicated",
        guideline_version=project.version,
    )
    version = freeze(project)
    example = Example.objects.get(version=version)
    [frozen] = example.gold["marks"]
    assert example.text == item.text.strip() != item.text
    assert example.text[frozen["start"] : frozen["end"]] == frozen["text"] == "Apple"
