"""What lies beside the data: Croissant that mlcroissant validates, a card that `datasets` loads by, the datasheet, citation."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import yaml
from datasets import Features
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation import models as a
from annotation import schema as schemas
from evaluation import citations, datasheet, describing, exporting
from evaluation.formats.features import features, in_yaml
from evaluation.formats.parquet import schema_of
from evaluation.formats.release import Release
from tests.conftest import LABELS, make_annotation, make_gold, set_schema
from tests.evaluation.worlds import freeze, make_texts

ABOUT = {
    "description": "Sentences of earnings news: “up” & 'down'\nwith labels.",
    "licence": "CC-BY-4.0",
    "creators": "Ada Lovelace\nAssay Ltd.",
    "contact": "data@example.org",
    "citation": "Lovelace, A. (2026). Earnings.",
}


@pytest.fixture
def version(project: a.Project, cast: dict[str, a.User]) -> Any:
    for place, item in enumerate(make_texts(project, 60, language="en", published_at="2026-05-14", source_type="news")):
        make_annotation(item, cast["alice"], LABELS[place % 3])
        make_annotation(item, cast["bob"], LABELS[place % 3])
    made = freeze(project)
    describing.describe(dataset=made.dataset, user=cast["dave"], answers={"uses_not": "No trading."}, **ABOUT)
    made.dataset.refresh_from_db()
    return made


def written(version: Any, path: Path, format: str = "huggingface", **options: Any) -> Path:
    exporting.write(version, format=format, target=path, **{"with_test_gold": True, **options})
    return path


def in_a_child(code: str, *arguments: str) -> Any:
    """What a program prints as JSON; in a process of its own, because `datasets` may bring torch along. No network."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "PYTHONPATH": ""}
    child = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, env={**os.environ, **offline})  # fmt: skip
    assert child.returncode == 0, child.stderr[-2000:]
    return json.loads(child.stdout.splitlines()[-1])


LOAD = """
import json, sys
from datasets import load_dataset
kept = load_dataset(sys.argv[1], cache_dir=sys.argv[2], **({"name": sys.argv[3]} if len(sys.argv) > 3 else {}))
first = next(iter(kept.values()))
label = first.features.get("label")
print(json.dumps({"n": {name: len(part) for name, part in kept.items()}, "first": first[0], "names": getattr(label, "names", None)}))
"""


@pytest.mark.slow
def test_load_dataset_opens_the_layout_without_a_network(version, tmp_path):
    path = written(version, tmp_path / "set", annotations=True)
    told = in_a_child(LOAD, str(path), str(tmp_path / "cache"))
    assert told["n"] == {
        {"dev": "validation"}.get(split, split): part["n"] for split, part in version.counts.items() if part["n"]
    }
    assert told["names"] == LABELS
    assert told["names"][told["first"]["label"]] == version.examples.get(key=told["first"]["id"]).gold["sentiment"]
    raw = in_a_child(LOAD, str(path), str(tmp_path / "cache"), "annotations")
    assert raw["n"] == {"annotations": 120}
    assert raw["first"]["annotator"].startswith("p-")
    assert in_a_child(LOAD, str(path), str(tmp_path / "cache"), "adjudications")["n"] == {"adjudications": 60}


@pytest.mark.parametrize("format", ["huggingface", "parquet", "jsonl", "csv"])
def test_mlcroissant_validates_and_reads_it(version, tmp_path, format, monkeypatch):
    path = written(version, tmp_path / "set", format)
    monkeypatch.chdir(path)
    dataset = mlcroissant.Dataset(jsonld=path / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert (list(issues.errors), list(issues.warnings)) == ([], [])
    told = dataset.metadata.to_json()
    assert (told["name"], told["version"], told["license"]) == ("Main", "1.0.0", "https://spdx.org/licenses/CC-BY-4.0.html")  # fmt: skip
    records = list(dataset.records("train"))
    assert len(records) == version.counts["train"]["n"]
    example = version.examples.get(key=records[0]["train/id"].decode())
    assert records[0]["train/text"].decode() == example.text
    assert records[0]["train/label"].decode() == example.gold["sentiment"]


@pytest.mark.parametrize(
    "question",
    [
        {"name": "q", "kind": "spans", "labels": ["ORG"], "discontinuous": True},
        {"name": "q", "kind": "choices", "labels": ["a", "b"]},
        {"name": "q", "kind": "score", "min": 0, "max": 1, "step": 0.5},
    ],
    ids=lambda question: question["kind"],
)
def test_croissant_and_card_of_other_kinds_are_valid_too(project, tmp_path, question):
    set_schema(project, schemas.check({"questions": [question]}))
    gold = {"spans": [{"start": 0, "end": 6, "label": "ORG", "text": "Profit"}], "choices": ["b"], "score": 0.5}
    for item in make_texts(project, 20):
        a.Gold.objects.filter(item=item).update(superseded_at=timezone.now())
        make_gold(item, gold[question["kind"]], question="q")
    for format in ("huggingface", "jsonl"):
        path = written(freeze(project, dataset_name=format), tmp_path / format, format, with_test_gold=False)
        issues = mlcroissant.Dataset(jsonld=path / "croissant.json").metadata.ctx.issues
        assert (list(issues.errors), list(issues.warnings)) == ([], [])


def test_features_are_what_datasets_takes_from_the_columns():
    labels = [{"name": name} for name in ("good", "no", "null", "中\x85")]
    questions = [
        {"name": "c", "kind": "choice", "labels": labels}, {"name": "d", "kind": "choices", "labels": labels},
        {"name": "s", "kind": "spans", "labels": labels}, {"name": "e", "kind": "events", "labels": labels},
        {"name": "n", "kind": "score"}, {"name": "r", "kind": "rubric"},
    ]  # fmt: skip
    release = Release(questions, questions, {}, {}, compares=True, spreads=True)
    front = yaml.safe_load(f"features: {in_yaml(features(release))}")
    declared = Features._from_yaml_list(front["features"])
    assert declared["gold.c"].names == ["good", "no", "null", "中\x85"]
    expected = Features.from_arrow_schema(schema_of(release))
    assert {name: each for name, each in declared.items() if name != "gold.c"} == {
        name: each for name, each in expected.items() if name != "gold.c"
    }


def test_the_datasheet_tells_facts_answers_and_what_is_missing(version, tmp_path):
    path = written(version, tmp_path / "set", "jsonl")
    text = (path / "datasheet.md").read_text()
    assert "60 texts with gold: train" in text
    assert "2.00 answers per example on average; 2 annotators" in text
    assert "The texts say that they were published from 2026-05-14 to 2026-05-14." in text
    assert "**What should it not be used for?**\n\nNo trading." in text
    assert text.count(datasheet.UNANSWERED) == len(datasheet.ASKED) - 1
    assert version.content_hash in text
    assert "Licence: CC-BY-4.0" in text
    assert (path / "LICENSE").read_text().endswith("https://spdx.org/licenses/CC-BY-4.0.html\n")
    cited = yaml.safe_load((path / "CITATION.cff").read_text())
    assert [author["name"] for author in cited["authors"]] == ["Ada Lovelace", "Assay Ltd."]
    assert (cited["license"], cited["version"]) == ("CC-BY-4.0", "1.0.0")


def test_nothing_said_is_said_to_be_so():
    assert "No licence was stated" in citations.licence_file("")
    assert citations.licence_file("For members only.") == "For members only.\n"


def test_what_people_say_changes_the_files_and_not_the_hash(version, cast, tmp_path):
    before = version.content_hash
    describing.describe(dataset=version.dataset, user=cast["dave"], licence="MIT", answers={"uses_not": ""})
    version.dataset.refresh_from_db()
    assert version.dataset.datasheet == {}
    assert a.Act.objects.filter(kind="described").count() == 2
    path = written(version, tmp_path / "set", "jsonl")
    assert json.loads((path / "manifest.json").read_text())["content_hash"] == before
    with pytest.raises(ValueError, match="no question “x”"):
        describing.describe(dataset=version.dataset, user=cast["dave"], answers={"x": "y"})
    with pytest.raises(ValueError, match="longer than 200"):
        describing.describe(dataset=version.dataset, user=cast["dave"], licence="x" * 201)


def test_the_page_lists_what_is_missing_and_keeps_what_is_said(version, cast):
    client, url = Client(), reverse("evaluation:dataset", args=[version.project.slug, version.dataset_id])
    client.force_login(cast["dave"])
    page = client.get(url).content.decode()
    assert f"16 of {len(datasheet.ASKED)} questions" in page
    assert client.post(url, {**ABOUT, "answer-motivation_why": "To see <b>how</b>"}).status_code == 302
    assert "To see &lt;b&gt;how&lt;/b&gt;" in client.get(url).content.decode()
    version.dataset.refresh_from_db()
    assert version.dataset.datasheet == {"motivation_why": "To see <b>how</b>"}
    there = f"/api/v1/projects/{version.project.slug}/datasets/{version.dataset_id}/"
    assert client.patch(there, {"datasheet": {"x": "y"}}, content_type="application/json").status_code == 400
    told = client.patch(there, {"licence": "MIT"}, content_type="application/json").json()
    assert (told["licence"], told["contact"], len(told["unanswered"])) == ("MIT", ABOUT["contact"], 16)
    client.force_login(cast["erin"])
    assert client.get(url).status_code == 403
    assert client.get(there).status_code == 200
    assert client.patch(there, {"licence": "x"}, content_type="application/json").status_code == 403
