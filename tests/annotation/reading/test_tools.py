"""Exports of other tools, written here in the forms that they document: the rows, questions and losses that are read."""

import json
import zipfile

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin, Span

from annotation.reading import Told, Unreadable, docbin, rows, sniff
from tests.annotation.reading.files import problems, read, values

TEXT = "Apple 😀 paid Beats."


def pack(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def told_of(path, format):
    told = Told()
    found = values(rows(path, format=format, told=told))
    return found, {question["name"]: question for question in told.schema()}, told


def task(*results, **more):
    return {"id": 7, "data": {"text": TEXT, "source": "news"}, "annotations": [{"id": 1, "completed_by": 3, "result": list(results), **more}]}  # fmt: skip


def mark(name, start, end, text, label, place):
    return {"id": place, "from_name": name, "to_name": "text", "type": "labels", "value": {"start": start, "end": end, "text": text, "labels": [label]}}  # fmt: skip


# Label Studio


def test_a_task_of_label_studio_is_a_row_with_answers_gold_and_suggestions(make):
    one = task(
        {"from_name": "Tone", "type": "choices", "value": {"choices": ["good"]}},
        {"from_name": "stars", "type": "rating", "value": {"rating": 4}},
        {"from_name": "why", "type": "textarea", "value": {"text": ["because", "so"]}},
        {"from_name": "n", "type": "number", "value": {"number": 2.5}},
        {"from_name": "tree", "type": "taxonomy", "value": {"taxonomy": [["A", "B"], ["C"]]}},
        {"from_name": "box", "type": "rectanglelabels", "value": {"x": 1}},
        completed_by={"id": 3, "email": "ann@x.org"}, ground_truth=True, lead_time=4.5,
    )  # fmt: skip
    one["annotations"].append({"completed_by": 5, "was_cancelled": True, "result": []})
    one["predictions"] = [{"model_version": "m1", "score": 0.8, "result": [{"from_name": "Tone", "type": "choices", "value": {"choices": ["bad"]}}]}]  # fmt: skip
    one["drafts"] = [{"result": []}]
    path = make("export.json", json.dumps([one]))
    assert sniff(path).format == "labelstudio"
    [row], asked, told = told_of(path, "labelstudio")
    answers = {"tone": "good", "stars": 4, "why": "because\nso", "n": 2.5, "tree": ["A / B", "C"]}
    assert row["annotations"] == [
        {"annotator": "ann@x.org", "label": answers, "seconds": 4.5, "whole": True},
        {"annotator": "5", "label": {}, "status": "skipped", "whole": False},
    ]
    assert row["gold"] == answers
    assert row["suggestions"] == [{"question": "tone", "value": "bad", "source": "m1", "score": 0.8}]
    assert row["meta"] == {"source": "news"}
    kinds = {name: question["kind"] for name, question in asked.items()}
    assert kinds == {"tone": "choice", "stars": "score", "why": "text", "n": "score", "tree": "choices"}
    assert asked["tree"]["labels"][1] == {"name": "A / B", "title": "B", "parent": "A"}
    assert dict(told.lost) == {"drafts were left out": 1, "results of the type “rectanglelabels” were left out": 1}


def test_relations_go_the_way_that_their_direction_says(make):
    ends = {"from_id": "a", "to_id": "b", "type": "relation", "labels": ["pays"]}
    for direction, wanted in (("right", [("a", "b")]), ("left", [("b", "a")]), ("bi", [("a", "b"), ("b", "a")])):
        one = task(mark("ner", 0, 5, "Apple", "ORG", "a"), mark("ner", 14, 19, "Beats", "ORG", "b"), {**ends, "direction": direction})  # fmt: skip
        [row], asked, _told = told_of(make("a.json", json.dumps([one])), "labelstudio")
        joined = [(entry["from_id"], entry["to_id"]) for entry in row["annotations"][0]["label"]["ner"] if "from_id" in entry]  # fmt: skip
        assert joined == wanted
        assert asked["ner"]["relations"] == ["pays"]


def test_hypertext_is_read_as_its_words_and_marks_by_their_global_offsets(make):
    html = "<p>Profit <b>rose</b> &amp; grew.</p><script>x()</script>"
    region = {"from_name": "ner", "type": "hypertextlabels", "value": {"start": "/p[1]/b[1]/text()[1]", "end": "/p[1]/b[1]/text()[1]",
              "startOffset": 0, "endOffset": 4, "globalOffsets": {"start": 7, "end": 11}, "text": "rose", "hypertextlabels": ["UP"]}}  # fmt: skip
    one = task(region)
    one["data"] = {"html": html}
    [row], _asked, _told = told_of(make("a.json", json.dumps([one])), "labelstudio")
    assert row["text"] == "Profit rose & grew."
    assert row["annotations"][0]["label"]["ner"] == [{"id": None, "start": 7, "end": 11, "text": "rose", "label": "UP"}]
    assert row["meta"]["html"] == html


def test_pairs_and_rankings_bring_the_responses_that_are_compared(make):
    pair = {"id": 1, "data": {"prompt": "Which of these two is better?", "text1": "one", "text2": "two"},
            "annotations": [{"completed_by": 1, "result": [{"from_name": "pw", "type": "pairwise", "value": {"selected": "right"}}]}]}  # fmt: skip
    rank = {"id": 2, "data": {"text": "Rank them", "items": [{"id": "x", "title": "X"}, {"id": "y", "body": "Y"}]},
            "annotations": [{"completed_by": 1, "result": [{"from_name": "rk", "type": "ranker", "value": {"ranker": ["y", "x"]}}]}]}  # fmt: skip
    found, asked, _told = told_of(make("a.json", json.dumps([pair, rank])), "labelstudio")
    assert [row["text"] for row in found] == ["Which of these two is better?", "Rank them"]
    assert [[one["text"] for one in row["candidates"]] for row in found] == [["one", "two"], ["X", "Y"]]
    assert [row["annotations"][0]["label"] for row in found] == [{"pw": {"better": "b"}}, {"rk": {"order": [["b"], ["a"]]}}]  # fmt: skip
    assert asked["rk"]["mode"] == "ranking"


def test_json_min_has_its_answers_between_the_id_and_the_annotator(make):
    noted = {"annotator": 3, "annotation_id": 1, "created_at": "x", "updated_at": "y", "lead_time": 3.3}
    first = {"text": TEXT, "source": "news", "id": 7, "tone": "good", "ner": [{"start": 0, "end": 5, "text": "Apple", "labels": ["ORG"]}], **noted}  # fmt: skip
    second = {"text": "Bad", "source": "web", "id": 8, "tone": {"choices": ["bad", "sad"]}, **noted}
    found, asked, _told = told_of(make("a.json", json.dumps([first, second])), "labelstudio")
    assert [row["annotations"][0]["label"].get("tone") for row in found] == ["good", ["bad", "sad"]]
    assert found[0]["annotations"][0]["label"]["ner"][0]["label"] == "ORG"
    assert (found[0]["id"], found[0]["meta"]) == (7, {"source": "news"})
    assert asked["tone"]["kind"] == "choices"


CONFIG = """<View>
  <Header value="How does it sound?"/>
  <Choices name="tone" toName="text" required="true">
    <Choice value="Good news" alias="good" hotkey="1" background="#00ff00" hint="It says that things got better"/>
    <Choice value="bad" hotkey="2" background="red"/>
  </Choices>
  <Labels name="ner" toName="text"><Label value="ORG" background="red"/></Labels>
  <Text name="text" value="$body"/>
  <Relations><Relation value="pays"/></Relations>
  <Rating name="stars" toName="text" maxRating="7"/>
  <TextArea name="why" toName="text" visibleWhen="choice-selected" whenTagName="tone" whenChoiceValue="bad"/>
  <Image name="img" value="$img"/>
</View>"""


def test_a_configuration_beside_the_tasks_gives_the_questions(tmp_path):
    one = {"id": 1, "data": {"body": "words", "text": "other words that are longer"}, "annotations": [
        {"completed_by": 1, "result": [{"from_name": "tone", "type": "choices", "value": {"choices": ["Good news"]}}]}]}  # fmt: skip
    path = pack(tmp_path / "a.zip", {"tasks.json": json.dumps([one]), "config.xml": CONFIG})
    assert sniff(path).format == "folder"
    [row], asked, told = told_of(path, "folder")
    assert (row["text"], row["annotations"][0]["label"]) == ("words", {"tone": "good"})
    assert asked["tone"] == {
        "name": "tone", "title": "How does it sound?", "help": "", "required": True, "kind": "choice", "labels": [
            {"name": "good", "title": "Good news", "definition": "It says that things got better", "key": "1", "color": 1},
            {"name": "bad", "title": "bad", "definition": "", "key": "2", "color": 2}]}  # fmt: skip
    assert asked["ner"]["relations"] == ["pays"]
    assert (asked["stars"]["max"], asked["why"]["when"]) == (7, {"question": "tone", "labels": ["bad"]})
    assert dict(told.lost) == {"“Image” of the configuration was left out: only texts are labelled here": 1}


def test_a_project_of_the_api_brings_its_instruction(tmp_path):
    project = json.dumps({"title": "News", "expert_instruction": "Read it twice.", "label_config": CONFIG})
    _rows, asked, told = told_of(
        pack(tmp_path / "a.zip", {"p.json": project, "t.json": json.dumps([task()])}), "folder"
    )
    assert (told.name, told.text, len(asked)) == ("News", "Read it twice.", 4)


@pytest.mark.parametrize(
    "broken", ["<View><Choices name='a'></View>", '<!DOCTYPE x [<!ENTITY a "b">]><View>&a;</View>']
)
def test_a_configuration_that_is_broken_or_bites_gets_a_sentence(tmp_path, broken):
    path = pack(tmp_path / "a.zip", {"t.json": json.dumps([task()]), "c.xml": broken})
    with pytest.raises(Unreadable, match="labelling configuration"):
        read(path, "folder")


def test_labels_longer_than_a_name_are_cut_and_kept_apart(make):
    long = [
        "The company says that its profit will be higher than what it said before: " + end for end in ("much", "a bit")
    ]
    tasks = [task({"from_name": "t", "type": "choices", "value": {"choices": [label]}}) for label in long]
    found, asked, _told = told_of(make("a.json", json.dumps(tasks)), "labelstudio")
    names = [row["annotations"][0]["label"]["t"] for row in found]
    assert (len(set(names)), max(map(len, names))) == (2, 60)
    assert [(label["name"], label["title"]) for label in asked["t"]["labels"]] == list(zip(names, long, strict=True))


# doccano, Prodigy, fastText


def test_doccano_spans_with_relations_and_comments(make):
    spans = [{"id": 10, "label": "ORG", "start_offset": 0, "end_offset": 5}, {"id": 11, "label": "ORG", "start_offset": 13, "end_offset": 18}]  # fmt: skip
    record = {"id": 1, "text": TEXT, "src": "x", "entities": spans, "relations": [{"id": 1, "from_id": 10, "to_id": 11, "type": "pays"}], "Comments": [{"id": 1, "comment": "hm"}]}  # fmt: skip
    path = make("a.jsonl", json.dumps(record))
    assert sniff(path).format == "doccano"
    [row], asked, _told = told_of(path, "doccano")
    assert row["label"]["spans"] == [*spans, record["relations"][0]]
    assert (row["src"], row["comments"], asked["spans"]["relations"]) == ("x", "hm", ["pays"])


def test_doccano_has_a_file_for_each_user_and_its_labels_beside(tmp_path):
    def one(label):
        return "".join(json.dumps({"id": k, "text": f"text {k}", "label": [label], "Comments": ["c"]}) + "\n" for k in range(2))  # fmt: skip

    labels = [{"text": "neg", "suffix_key": "n", "background_color": "#f00"}, {"text": "pos", "suffix_key": "p"}]
    path = pack(tmp_path / "a.zip", {"ann.jsonl": one("pos"), "ben.jsonl": one("neg"), "label_config.json": json.dumps(labels)})  # fmt: skip
    found, asked, _told = told_of(path, "folder")
    assert [(row["id"], row["annotations"][0]["annotator"], row["annotations"][0]["comment"]) for row in found] == [
        (0, "ann", "c"), (1, "ann", "c"), (0, "ben", "c"), (1, "ben", "c")]  # fmt: skip
    assert asked["label"]["labels"] == [{"name": "neg", "key": "n", "color": 1}, {"name": "pos"}]  # fmt: skip


def test_doccano_texts_are_words_and_not_labels(make):
    lines = [{"id": k, "text": "long", "label": [f"A summary of many words that nobody would call a label, number {k}"], "Comments": []} for k in range(3)]  # fmt: skip
    _rows, asked, _told = told_of(make("a.jsonl", "\n".join(map(json.dumps, lines))), "doccano")
    assert asked["label"]["kind"] == "text"


def test_prodigy_decisions(make):
    own = {"_task_hash": 3, "_annotator_id": "ann"}
    lines = [
        {"text": TEXT, "_input_hash": -5, **own, "answer": "accept", "spans": [{"start": 0, "end": 5, "label": "ORG", "token_start": 0}], "meta": {"k": 1}},
        {"text": "b", "_input_hash": 6, **own, "answer": "ignore", "options": [{"id": "A"}], "accept": ["A"]},
        {"text": "c", "_input_hash": 7, **own, "answer": "accept", "options": [{"id": "A"}, {"id": "B"}], "accept": ["B"]},
        {"text": "d", "_input_hash": 8, **own, "answer": "reject", "label": "DEAL"},
    ]  # fmt: skip
    path = make("a.jsonl", "\n".join(map(json.dumps, lines)))
    assert sniff(path).format == "prodigy"
    found, asked, _told = told_of(path, "prodigy")
    assert [(row["id"], row["annotations"][0].get("status"), row["annotations"][0]["label"]) for row in found] == [
        ("-5", None, {"spans": [{"start": 0, "end": 5, "label": "ORG"}]}), ("6", "skipped", {}),
        ("7", None, {"choice": "B"}), ("8", None, {"deal": "reject"})]  # fmt: skip
    assert {name: one["kind"] for name, one in asked.items()} == {
        "spans": "spans",
        "choice": "choice",
        "deal": "choice",
    }


def test_fasttext_lines(make):
    path = make("train.txt", "__label__good __label__rates Profit rose\n__label__bad It fell\n__label__bad\n")
    assert sniff(path).format == "fasttext"
    found = read(path, "fasttext")
    assert values(found) == [{"text": "Profit rose", "label": ["good", "rates"]}, {"text": "It fell", "label": "bad"}]
    assert problems(found) == [(3, "Line 3: no text stands behind its labels.")]


# brat

ANN = """T1\tORG 0 5\tApple
T2\tORG 13 18\tBeats
T3\tPay 8 12\tpaid
T4\tBOTH 0 5;13 18\tApple Beats
E1\tPay:T3 Buyer:T1 Seller2:T2
A1\tNegation E1
R1\towns Arg1:T1 Arg2:T2
#1\tAnnotatorNotes T1\tSure?
"""
CONF = "[entities]\nPER\nORG\n[relations]\nowns\tArg1:ORG, Arg2:ORG\n[events]\nPay\tBuyer:ORG, Seller?:ORG\n"


def test_brat_marks_relations_events_and_notes(tmp_path):
    path = pack(tmp_path / "a.zip", {"d/one.txt": TEXT, "d/one.ann": ANN, "annotation.conf": CONF})
    assert sniff(path).format == "brat"
    [row], asked, _told = told_of(path, "brat")
    spans, events = row["label"]["spans"], row["label"]["events"]
    assert [(one.get("label"), one.get("parts")) for one in spans] == [("ORG", None), ("ORG", None), ("BOTH", [[0, 5], [13, 18]]), (None, None)]  # fmt: skip
    assert spans[-1] == {"from_id": "T1", "to_id": "T2", "type": "owns"}
    assert [(one["type"], one["status"], [part["role"] for part in one["arguments"]]) for one in events] == [("Pay", "negated", ["Buyer", "Seller"])]  # fmt: skip
    assert (row["id"], row["notes"]) == ("d/one", "Sure?")
    assert [label["name"] for label in asked["spans"]["labels"]] == ["PER", "ORG", "BOTH"]
    assert asked["spans"]["discontinuous"] is True
    assert asked["events"]["roles"] == [{"name": "Buyer", "types": ["Pay"]}, {"name": "Seller", "types": ["Pay"]}]


def test_folders_with_the_same_text_are_annotators(tmp_path):
    path = pack(tmp_path / "a.zip", {"ann/1.txt": TEXT, "ann/1.ann": "T1\tORG 0 5\tApple\n", "ben/1.txt": TEXT, "ben/1.ann": "", "ben/2.txt": "More", "ben/2.ann": ""})  # fmt: skip
    found = values(read(path, "brat"))
    assert [(row["id"], [one["annotator"] for one in row.get("annotations", [])]) for row in found] == [("1", ["ann", "ben"]), ("ben/2", [])]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("T1\tORG 0 99\tApple", "lies outside of the text, which has 19 characters"),
        ("T1\tORG 1 6\tApple", "at 1 6 the text says “pple ”, not “Apple”"),
        ("T1\tORG five\tApple", "a mark needs a label and its places"),
        ("Q1\twhat", "it begins with none of T"),
        ("R1\towns Arg1:T1", "a relation needs its type and two arguments"),
    ],
)
def test_a_wrong_line_of_brat_costs_its_text_alone(tmp_path, line, told):
    path = pack(tmp_path / "a.zip", {"1.txt": TEXT, "1.ann": line, "2.txt": "Fine.", "2.ann": ""})
    found = read(path, "brat")
    assert [row["text"] for row in values(found)] == ["Fine."]
    [(number, problem)] = problems(found)
    assert number == 1
    assert problem.startswith('File "1.ann": line 1: ')
    assert told in problem


# spaCy


@pytest.fixture
def bin_(tmp_path):
    nlp = spacy.blank("en")
    one = nlp("Apple 😀 bought Beats Inc. for $3 billion.")
    one.ents, one.cats = [Span(one, 0, 1, "ORG"), Span(one, 3, 5, "MyOrg")], {"deal": 1.0, "other": 0.0}
    two = nlp("Mark met root at ORG meta 净利润.")
    two.spans["sc"], two.cats = [Span(two, 0, 2, "A"), Span(two, 1, 3, "PERSON")], {"deal": 1.0, "other": 1.0}
    DocBin(docs=[one, two], store_user_data=True).to_disk(tmp_path / "a.spacy")
    return tmp_path / "a.spacy", [one, two]


def test_a_docbin_is_read_as_spacy_wrote_it(bin_):
    path, docs = bin_
    assert sniff(path).format == "spacy"
    found = values(read(path, "spacy"))
    assert [row["text"] for row in found] == [doc.text for doc in docs]
    for row, doc in zip(found, docs, strict=True):
        wanted = [(one.start_char, one.end_char, one.label_) for one in (*doc.ents, *doc.spans.get("sc", []))]
        assert [(one["start"], one["end"], one["label"]) for one in row["spans"]] == wanted
    assert [row["label"] for row in found] == ["deal", ["deal", "other"]]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_words_have_the_numbers_that_spacy_gives_them(word):
    assert docbin.hash_of(word) == spacy.strings.get_string_id(word)


def test_symbols_have_the_numbers_that_spacy_gives_them():
    assert spacy.symbols.IDS == docbin.SYMBOLS


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_docbin_that_is_cut_off_gets_a_sentence(bin_, cut):
    path, _docs = bin_
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(Unreadable, match="no whole"):
        read(path, "spacy")


def test_a_docbin_that_unpacks_to_too_much_is_refused(bin_, monkeypatch):
    monkeypatch.setattr(docbin, "MAX_DOCBIN", 100)
    with pytest.raises(Unreadable, match="unpacks to more than 100 bytes"):
        read(bin_[0], "spacy")
