"""Real files through the commands: agreement equals published reference values, and every file comes in."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from annotation import models as a

pytestmark = pytest.mark.django_db
FOUR = 5e-5


def command(*args):
    """The JSON that a command prints."""
    out = StringIO()
    call_command(*map(str, args), "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def expected(shared):
    return json.loads((shared / "data/expected_agreement.dev.json").read_text())


@pytest.fixture
def bring(shared):
    """bring(name) imports a file of the normalised sets into a project of its own."""

    def from_file(name, *options):
        path = shared / "data/normalised/dev" / f"{name}.jsonl"
        told = command("import_items", path, "--project", name, "--create", *options)
        return told["files"][0]

    return from_file


def agreement(name, *options):
    return command("agreement", "--project", name, "--draws", "20", *options)


def test_two_raters_with_and_without_doubt(bring, expected):
    bring("numclaim_two_raters")
    for options, part in (((), "three_categories_incl_doubt"), (("--without", "doubt"), "doubt_excluded")):
        found, wanted = agreement("numclaim_two_raters", *options), expected["dev/numclaim_two_raters"][part]
        assert found["n_units_2plus"] == wanted["n"]
        assert found["percent"]["value"] == pytest.approx(wanted["percent_agreement"], abs=FOUR)
        assert found["cohen"][0]["kappa"] == pytest.approx(wanted["cohen_kappa"], abs=FOUR)
        assert found["krippendorff_alpha"]["value"] == pytest.approx(wanted["alpha_nominal"], abs=FOUR)


def test_what_two_raters_disagree_on_waits_for_the_adjudicator_and_is_settled_by_command(bring, expected):
    report = bring("numclaim_two_raters")
    waiting = expected["dev/numclaim_two_raters"]["items_to_adjudicate"]
    assert report["cases"] == waiting
    assert len(command("adjudicate", "--project", "numclaim_two_raters", "--list")["cases"]) == waiting
    told = command("adjudicate", "--project", "numclaim_two_raters", "--annotator", "author", "--reason", "ambiguous")
    assert (told["settled"], told["open"]) == (waiting, 0)
    assert a.Gold.objects.current().count() == report["rows"]


def test_five_chinese_answers_per_item(bring, expected):
    wanted = expected["dev/ocnli_dev"]
    report = bring("ocnli_dev")
    found = agreement("ocnli_dev")
    assert found["n_units_2plus"] == wanted["n"]
    assert found["ratings_histogram"] == {str(wanted["raters_per_item"]): wanted["n"]}
    assert found["fleiss_kappa"]["value"] == pytest.approx(wanted["fleiss_kappa"], abs=FOUR)
    assert found["krippendorff_alpha"]["value"] == pytest.approx(wanted["alpha_nominal"], abs=FOUR)
    assert report["gold"] == wanted["largest_vote_count_histogram"]["5"]
    told = command("adjudicate", "--project", "ocnli_dev", "--rule", "majority")
    clear = wanted["largest_vote_count_histogram"]
    assert (told["settled"], told["open"]) == (clear["3"] + clear["4"], clear["2"])


def test_two_to_five_votes_per_item(bring, expected):
    wanted = expected["dev/climate_fever_votes"]
    bring("climate_fever_votes")
    found = agreement("climate_fever_votes")
    assert found["n_units_2plus"] == wanted["units_with_2plus"]
    assert found["ratings_histogram"] == wanted["ratings_histogram"]
    assert found["krippendorff_alpha"]["value"] == pytest.approx(wanted["alpha_nominal"], abs=FOUR)


def test_three_named_raters(bring, expected):
    wanted = expected["dev/pandalm_pairs_a"]
    bring("pandalm_pairs_a")
    found = agreement("pandalm_pairs_a")
    assert found["fleiss_kappa"]["value"] == pytest.approx(wanted["fleiss_kappa"], abs=FOUR)
    assert found["krippendorff_alpha"]["value"] == pytest.approx(wanted["alpha_nominal"], abs=FOUR)
    assert found["n_units_differing"] == found["cases_open"] == wanted["items_with_disagreement"]
    kappas = sorted(pair["kappa"] for pair in found["cohen"])
    assert kappas == pytest.approx(sorted(wanted["cohen_pairs"].values()), abs=FOUR)


def test_the_raw_phrase_bank_comes_in_as_gold_of_an_imported_annotator(shared):
    path = shared / "data/files/financial_phrasebank/Sentences_AllAgree.txt"
    options = ["--project", "bank", "--labels", "gold", "--annotator", "PhraseBank"]
    [entry] = command("import_items", path, "--create", *options)["files"]
    lines = path.read_bytes().decode("latin-1").splitlines()
    texts = {line.rpartition("@")[0].strip() for line in lines}
    assert (entry["rows"], entry["new"], entry["refused"]) == (len(lines), len(texts), 0)
    assert set(a.Document.objects.values_list("text", flat=True)) == texts
    gold = a.Gold.objects.current()
    assert gold.count() == len(texts)
    assert set(gold.values_list("value", "method", "settled_by__name")) == {
        (value, "imported", "PhraseBank") for value in ("negative", "neutral", "positive")
    }
    [again] = command("import_items", path, *options)["files"]
    assert (again["new"], again["gold"], again["here"]) == (0, 0, len(lines))
    assert gold.count() == len(texts)


def test_the_workbook_of_two_raters_comes_in_by_columns(shared):
    path = shared / "data/files/numclaim_two_raters/gold_arpts_non_author_annotation.xlsx"
    columns = ["--annotator-column", "our_true_label", "--annotator-column", "label_non_author"]
    [entry] = command("import_items", path, "--project", "claims", "--create", *columns)["files"]
    assert entry["annotators"] == ["label_non_author", "our_true_label"]
    assert entry["rows"] == 1345
    assert entry["new"] + entry["here"] == 1345
    assert entry["annotations"] == 2 * entry["new"]
    found = agreement("claims")
    assert found["categories"] == ["0", "1", "DBT"]
    assert found["n_units_differing"] == entry["cases"] == found["cases_open"]


FILES = [
    "bank_app_reviews", "banking77", "cfpb_complaints_a", "climate_fever_votes", "earnings_calls_a", "edgar_filings_a_10k",
    "edgar_filings_a_8k", "emobank_news", "environmental_claims", "esg_zh", "feeds_dev", "fewfc_events_train", "financeiq_zh",
    "financial_phrasebank", "fincuge_finese", "fincuge_finfe_train", "fincuge_finnl_train", "fincuge_finnl_train_unlabelled",
    "fincuge_finqa", "finer_ord", "fiqa_sentiment", "fomc_stance", "gold_commodity_headlines", "numclaim_two_raters",
    "ocnli_dev", "pandalm_pairs_a", "resume_ner_zh", "sentfin_entity_sentiment", "stock_comments_zh", "subjective_qa",
    "thucnews_titles",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_every_file_comes_in_whole_and_only_once(bring, shared, name):
    rows = [json.loads(line) for line in (shared / f"data/normalised/dev/{name}.jsonl").open(encoding="utf-8")]
    report = bring(name)
    assert (report["rows"], report["new"], report["refused"]) == (len(rows), len(rows), 0)
    # What is no answer to a question of this kind is kept as metadata, so nothing of the file is lost.
    document = a.Document.objects.get(external_id=rows[0]["id"])
    known = {"id", "text", "source_type", "language", "published_at", "meta"}
    for column in set(rows[0]) - known:
        answered = column in ("label", "labels", "spans", "events", "annotations") and report["annotations"]
        compared = column in ("pair", "responses", "candidates") and document.candidates
        assert answered or compared or document.metadata[column] == rows[0][column]
    assert all(
        document.metadata[key] == value for key, value in rows[0].get("meta", {}).items() if value not in (None, "")
    )
    again = bring(name)
    assert (again["new"], again["here"], again["annotations"], again["gold"], again["cases"]) == (0, len(rows), 0, 0, 0)
