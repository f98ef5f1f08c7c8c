"""Files with a token and its tag on each line become texts with marks, in every scheme of tags, and tables of them too."""

import gzip
import json

import pytest

from annotation.reading import Unreadable, rows, sniff, tokens


def written(tmp_path, content, name="file.conll"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(tmp_path, content, name="file.conll", **options):
    return list(rows(written(tmp_path, content, name), format="conll", **options))


def marks(tmp_path, content, **options):
    return [
        [(mark["text"], mark["label"]) for mark in row.values["spans"]] for row in read(tmp_path, content, **options)
    ]


BIO = "Apple\tB-ORG\nInc\tI-ORG\npaid\tO\nBeats\tB-ORG\nJobs\tB-PER\n\nYes\tO\n"


def test_tokens_stand_with_blanks_and_marks_count_characters(tmp_path):
    first, second = read(tmp_path, BIO)
    assert first.values == {
        "text": "Apple Inc paid Beats Jobs",
        "spans": [
            {"start": 0, "end": 9, "label": "ORG", "text": "Apple Inc"},
            {"start": 15, "end": 20, "label": "ORG", "text": "Beats"},
            {"start": 21, "end": 25, "label": "PER", "text": "Jobs"},
        ],
    }
    assert second.values == {"text": "Yes", "spans": []}
    assert (first.number, second.number) == (1, 7)


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["B-A", "I-A", "B-A", "O"], ["1 2", "3"]),  # BIO
        (["I-A", "I-A", "B-A", "O"], ["1 2", "3"]),  # IOB1
        (["B-A", "E-A", "S-A", "O"], ["1 2", "3"]),  # BIOES
        (["B-A", "L-A", "U-A", "O"], ["1 2", "3"]),  # BILOU
        (["B-A", "M-A", "E-A", "M-A"], ["1 2 3", "4"]),  # BMES, a stray M begins anew
        (["A_B", "A_I", "A_B", "O"], ["1 2", "3"]),
        (["A", "A", "O", "A"], ["1 2", "4"]),  # no scheme at all
        (["O", "I-A", "O", "I-A"], ["2", "4"]),
        (["S-A", "I-A", "E-A", "I-A"], ["1", "2 3", "4"]),
    ],
)
def test_every_scheme_of_tags_says_where_marks_begin_and_end(tmp_path, tags, found):
    content = "".join(f"{place} {tag}\n" for place, tag in enumerate(tags, 1))
    assert [text for text, _label in marks(tmp_path, content)[0]] == found


def test_a_label_that_changes_begins_a_mark(tmp_path):
    assert marks(tmp_path, "a I-X\nb I-Y\nc I-Y-Z\n") == [[("a", "X"), ("b", "Y"), ("c", "Y-Z")]]


def test_files_by_character_have_no_blanks_and_chinese_words_none_between_them(tmp_path):
    by_character = "".join(
        f"{sign} {tag}\n" for sign, tag in zip("𠀀京GDP2", ("B-L", "E-L", "O", "O", "O", "O"), strict=True)
    )
    assert read(tmp_path, by_character)[0].values["text"] == "𠀀京GDP2"
    by_word = "北京 B-LOC\n大学 I-LOC\n， O\nGDP O\ngrowth O\n快 O\n"
    assert read(tmp_path, by_word)[0].values["text"] == "北京大学， GDP growth 快"
    assert marks(tmp_path, by_word) == [[("北京大学", "LOC")]]


def test_columns_between_token_and_tag_comments_and_document_starts(tmp_path):
    content = "-DOCSTART- -X- O O\n\n# sent_id = s1\n# text = #x\n#x NN B-NP B-ORG\ny NN I-NP O\n\n\n# B-ORG\nz O\n"
    first, second = read(tmp_path, content)
    assert first.values["text"] == "#x y"
    assert first.values["sent_id"] == "s1"
    assert second.values["spans"][0]["text"] == "#"


def test_a_broken_line_is_a_problem_of_its_sentence_alone(tmp_path):
    good, bad, last = read(tmp_path, "a O\n\nb\nc O\n\nd O\n")
    assert (good.values["text"], last.values["text"]) == ("a", "d")
    assert bad.problem == "Line 3: it needs a token and its tag, with a blank or a tab between them."
    with pytest.raises(Unreadable, match="The file is empty"):
        read(tmp_path, "\n \n")


TABLE = 'gold_label,gold_token,doc_idx,sent_idx\n5,Apple,0,0\n6,Inc,0,0\n0,",",0,0\n0,"""",0,1\n1,Jobs,0,1\n0,,0,1\n1,Cook,1,1\n'
TAGS = {"0": "O", "1": "PER_B", "2": "PER_I", "5": "ORG_B", "6": "ORG_I"}


def test_a_table_of_tokens_is_read_by_document_and_sentence(tmp_path):
    found = [row.values for row in read(tmp_path, TABLE, "t.csv", tags=TAGS)]
    assert [row["text"] for row in found] == ["Apple Inc ,", '" Jobs', "Cook"]
    assert [(row["document"], row["sentence"]) for row in found] == [("0", "0"), ("0", "1"), ("1", "1")]
    assert found[0]["spans"] == [{"start": 0, "end": 9, "label": "ORG", "text": "Apple Inc"}]
    assert found[1]["spans"] == [{"start": 2, "end": 6, "label": "PER", "text": "Jobs"}]
    bare = read(tmp_path, TABLE, "t.csv")[0].values["spans"]
    assert [mark["label"] for mark in bare] == ["5", "6"]


def test_an_empty_cell_goes_on_with_the_sentence_above(tmp_path):
    content = "Sentence #,Word,POS,Tag\nSentence: 1,Apple,NN,B-ORG\n,paid,VB,O\nSentence: 2,Yes,UH,O\n,broken\n"
    first, second = read(tmp_path, content, "t.csv")
    assert first.values["text"] == "Apple paid"
    assert second.problem == "Line 5: it has fewer cells than the header names."


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.conll", BIO, "conll"),
        ("a.char.bmes", "吴 B-NAME\n重 E-NAME\n", "conll"),
        ("a.txt", BIO, "conll"),
        ("a", BIO, "conll"),
        ("a.tsv", BIO, "conll"),
        ("a.csv", TABLE, "conll"),
        ("a.csv", "text,label\nGood,O\nBad,O\nUgly,O\nFine,O\nSo,O\nLa,O\n", "csv"),
        ("a.csv", "word,label\nGood,positive\nBad,negative\n", "csv"),
        ("a.txt", "Profit rose in zone B-2\nProfit fell.\nNothing happened\nYes\nNo\nPerhaps\n", "txt"),
        ("a.tsv", "text\tlabel\nGood day\tO\nBad day\tO\nUgly\tO\nFine\tO\nSo so\tO\n", "tsv"),
    ],
)
def test_such_a_file_is_recognised_and_others_are_not(tmp_path, name, content, format):
    assert sniff(written(tmp_path, content, name)).format == format


def test_a_packed_one_is_read_as_well(tmp_path):
    path = written(tmp_path, gzip.compress(BIO.encode()), "a.conll.gz")
    found = sniff(path)
    assert (found.format, found.columns) == ("conll", ["text", "spans"])
    assert found.preview[0]["text"] == "Apple Inc paid Beats Jobs"


@pytest.mark.parametrize("name", ["dev", "test"])
def test_the_resumes_are_read_to_the_letter(shared, name):
    path = shared / "data/files/resume_ner_zh" / f"{name}.char.bmes"
    found = {row.values["text"]: row.values["spans"] for row in rows(path, format="conll")}
    lines = (shared / "data/normalised/dev/resume_ner_zh.jsonl").read_text("utf-8").splitlines()
    wanted = [json.loads(line) for line in lines if f'"resume-{name}-' in line]
    assert len(wanted) > 400
    for row in wanted:
        assert found[row["text"]] == row["spans"]


def test_the_tokens_of_the_news_are_read_to_the_letter(shared):
    names = {"1": "PER_B", "2": "PER_I", "3": "LOC_B", "4": "LOC_I", "5": "ORG_B", "6": "ORG_I"}
    path = shared / "data/files/finer_ord/train.csv.gz"
    found: dict[str, list] = {}
    for row in rows(path, format="conll", tags=names):
        found.setdefault(row.values["text"], []).append(row.values["spans"])
    lines = (shared / "data/normalised/dev/finer_ord.jsonl").read_text("utf-8").splitlines()
    wanted = [json.loads(line) for line in lines if '"finer-train-' in line]
    assert len(wanted) > 1000
    assert all(row["spans"] in found[row["text"]] for row in wanted)


def test_looking_at_a_text_takes_its_beginning_only():
    assert not tokens.looks_like("")
    assert tokens.looks_like(BIO * 5000)
