"""What we write in the form of another tool is read again: the same hash, or the same gold where fields are lost."""

import pytest

from annotation import schema as schemas
from evaluation import exporting
from tests.annotation.worlds import bring, lines
from tests.conftest import make_project, set_schema
from tests.evaluation.test_exporting import bare_project, freeze

pytestmark = pytest.mark.django_db

ASKED = {
    "spans": {"labels": ["ORG", "PER"], "relations": ["pays"]},
    "choice": {"labels": ["negative", "neutral", "positive"]},
    "choices": {"labels": ["a", "b", "c"], "least": 0},
    "score": {"min": 1, "max": 5},
    "text": {},
    "events": {"labels": ["Pay", "Buy"], "roles": ["Buyer", "Seller: Pay"]},
}
WHOLE = {
    "parquet": ASKED, "huggingface": ASKED, "labelstudio": ("spans", "choice", "choices", "score", "text"),
    "doccano": ("spans", "choice", "choices", "text"),
}  # fmt: skip
GOLD = {"brat": ("spans", "events"), "spacy": ("spans", "choice", "choices"), "conll": ("spans",), "fasttext": ("choice", "choices")}  # fmt: skip


def answer(kind, text, k):
    beats = text.index("Beats")
    marks = [{"start": 0, "end": 5, "label": "ORG", "relations": [{"type": "pays", "to": 1}]}, {"start": beats, "end": beats + 5, "label": "PER"}]  # fmt: skip
    event = {"type": "Pay", "trigger": {"start": beats - 5, "end": beats - 1}, "arguments": [{"role": "Buyer", "start": 0, "end": 5}],
             "status": "expected", "date": {"value": "2024-05-01", "start": beats + 6, "end": beats + 11}}  # fmt: skip
    return {
        "spans": marks if k % 3 else [],
        "choice": ["negative", "neutral", "positive"][k % 3],
        "choices": [["a"], ["a", "b"], []][k % 3],
        "score": k % 5 + 1,
        "text": f"words {k}",
        "events": [event] if k % 2 else [],
    }[kind]


@pytest.fixture
def there_and_back(cast):
    def go(kind, format):
        project = make_project(cast, slug="mine")
        set_schema(project, schemas.check({"questions": [{"name": "asked", "kind": kind, **ASKED[kind]}]}))
        rows = []
        for k in range(30):
            text = f"Apple {k} paid Beats today 😀."
            rows.append({"id": f"n/{k:02}", "text": text, "title": f"T{k}", "issuer": "Orlo, Bank", "extra": k, "gold": {"asked": answer(kind, text, k)}})  # fmt: skip
        names = ("id", "text", "title", "issuer", "gold")
        assert bring(project, lines(*rows), mapping={name: name for name in names})["refused"] == 0
        version = freeze(project)
        packed = exporting.archive(version, format=format, with_test_gold=True).read()
        again = bare_project("again")
        report = bring(again, packed, f"main-{format}.zip", create_schema=True)
        assert (report["rows"], report["new"], report["gold"], report["refused"]) == (30, 30, 30, 0), report
        return version, freeze(again)

    return go


@pytest.mark.parametrize(("format", "kind"), [(format, kind) for format, kinds in WHOLE.items() for kind in kinds])
def test_an_archive_comes_back_with_the_same_hash(there_and_back, format, kind):
    version, copy = there_and_back(kind, format)
    assert copy.content_hash == version.content_hash


@pytest.mark.parametrize(("format", "kind"), [(format, kind) for format, kinds in GOLD.items() for kind in kinds])
def test_an_archive_without_fields_comes_back_with_the_same_gold(there_and_back, format, kind):
    version, copy = there_and_back(kind, format)

    def told(found):
        gold = {one.key if format != "fasttext" else one.text: one.gold["asked"] for one in found.examples.all()}
        if format in ("spacy", "conll") and kind == "spans":
            # Relations are lost, and CoNLL puts its own blanks between tokens.
            return {key: [(mark["label"], mark["text"]) for mark in marks] for key, marks in gold.items()}
        return gold

    assert told(copy) == told(version)
