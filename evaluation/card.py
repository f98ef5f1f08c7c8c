"""The data card of an exported version: what it holds, how it was made, what to beware of; English, for any reader."""

from collections.abc import Iterator
from typing import Any

from evaluation.citations import LICENCES
from evaluation.formats.features import in_yaml
from evaluation.formats.release import LOSSES
from evaluation.models import SPLITS, DatasetVersion

# The name that other tools know the split by.
ELSEWHERE = {"train": "train", "dev": "validation", "test": "test"}
METHODS = {
    "single": "a single answer",
    "unanimous": "unanimous answers",
    "majority": "a majority of the answers",
    "adjudicated": "an adjudicator",
    "imported": "imported with the documents",
}


WRITTEN = {
    "conll": "a token and its tag on each line",
    "brat": "a .txt and an .ann for each example; the names of the files are the ids, with percent signs as in addresses",
    "spacy": 'spaCy\'s DocBin; the id is in doc.user_data, marks are in doc.ents and, all of them, in doc.spans["sc"]',
    "doccano": "doccano's JSON Lines; labels.json has the label types",
    "labelstudio": "tasks of Label Studio; config.xml is the labelling interface",
    "fasttext": "`__label__x` and the text on a line",
}
TOGETHER = {
    "document": "examples of one document",
    "issuer": "examples of one issuer",
    "near": "texts that are nearly the same (three words, or four Chinese signs, in a row: Jaccard similarity from .7 on)",
    "template": "texts that are nearly the same once their numbers are masked",
}
# What lies beside the examples where the annotators' answers go along.
RAW = ("annotations", "adjudications")
NAMES = {"": "Krippendorff's alpha", "krippendorff_alpha": "Krippendorff's alpha"}


def card(version: DatasetVersion, facts: dict[str, Any]) -> str:
    """README.md of the export, from the version's manifest."""
    parts = [
        *_front(facts),
        f"# {facts['dataset']} {facts['version']}",
        "",
        *([facts["change_note"], ""] if facts["change_note"] else []),
        *_table([
            ("project", facts["project"]),
            ("version", facts["version"] + (f", after {facts['previous']}" if facts["previous"] else "")),
            ("frozen at", facts["frozen_at"]),
            ("guideline", f"version {facts['guideline_version']} (guideline.md, schema.json)"),
            ("content hash", f"`{facts['content_hash']}`"),
        ], head=("", "")),
        *_data(facts),
        *_labels(facts),
        *_settled(facts),
        *_ambiguous(facts),
        *_agreement(facts),
        *_splits(facts),
        *_findings(facts),
        *_columns(facts),
    ]  # fmt: skip
    return "\n".join(parts).rstrip() + "\n"


def _front(facts: dict[str, Any]) -> Iterator[str]:
    """What Hugging Face's `datasets` loads the files by: values are JSON, which is YAML."""
    loaded = {split: paths for split, paths in facts["data"].items() if paths} if facts["files"] else {}
    if not loaded:
        return
    yield "---"
    yield f"pretty_name: {in_yaml(facts['dataset'])}"
    if facts["licence"]:
        name = facts["licence"].lower()
        yield f"license: {in_yaml(name if facts['licence'] in LICENCES else 'other')}"
    if facts["languages"]:
        yield f"language: {in_yaml(facts['languages'])}"
    yield f"size_categories: {in_yaml([_size(sum(facts['written'].values()))])}"
    yield from ("configs:", "- config_name: default", "  data_files:")
    for split, paths in loaded.items():
        yield f"  - split: {ELSEWHERE[split]}"
        yield f"    path: {in_yaml(paths)}"
    for name in RAW if facts["with_annotations"] else ():
        yield from (f"- config_name: {name}", "  data_files:", f"  - split: {name}", f"    path: {name}/{name}.parquet")
    if facts["features"]:
        yield from ("dataset_info:", "- config_name: default", f"  features: {in_yaml(facts['features'])}")
    yield from ("---", "")


def _size(count: int) -> str:
    """As the hub sorts data sets."""
    steps = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
    return next((name for most, name in steps if count < most), "1M<n<10M")


def _table(rows: list[tuple[Any, ...]], *, head: tuple[Any, ...]) -> Iterator[str]:
    yield _cells(head)
    yield _cells(tuple("---" for _ in head))
    yield from map(_cells, rows)
    yield ""


def _cells(row: tuple[Any, ...]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


def _data(facts: dict[str, Any]) -> Iterator[str]:
    yield from ("## Splits", "")
    n = {split: facts["counts"].get(split, {}).get("n", 0) for split in SPLITS}
    rows = [(split, n[split], f"`{facts['split_hashes'].get(split, '–')}`") for split in SPLITS]
    rows.append(("all", sum(n.values()), f"`{facts['content_hash']}`"))
    yield from _table(rows, head=("split", "examples", "hash"))


def _labels(facts: dict[str, Any]) -> Iterator[str]:
    for question in facts["questions"]:
        yield from (f"## Labels of “{question['name']}”", "")
        at = {split: _of(facts, split).get(question["name"], {}) for split in SPLITS}
        rows = [(label, *(_share(at[split], label) for split in SPLITS)) for label in question["labels"]]
        yield from _table(rows, head=("label", *SPLITS))


def _of(facts: dict[str, Any], split: str) -> dict[str, dict[str, int]]:
    labels: dict[str, dict[str, int]] = facts["counts"].get(split, {}).get("labels", {})
    return labels


def _share(counts: dict[str, int], label: str) -> str:
    n, total = counts.get(label, 0), sum(counts.values())
    return f"{n} ({100 * n / total:.1f} %)" if total else str(n)


def _settled(facts: dict[str, Any]) -> Iterator[str]:
    yield from ("## How gold was settled", "")
    for question, methods in facts["settled"].items():
        told = ", ".join(f"{METHODS.get(method, method)}: {count}" for method, count in methods.items())
        yield f"- {question}: {told}"
    yield ""


def _ambiguous(facts: dict[str, Any]) -> Iterator[str]:
    """How many texts are ambiguous, and what becomes of them."""
    counted = {split: facts["counts"].get(split, {}).get("soft", {}) for split in SPLITS}
    names = sorted({name for soft in counted.values() for name in soft})
    if not names:
        return
    yield from ("## Ambiguous texts", "")
    yield (
        "An adjudicator has said that these texts allow more than one answer. Their gold is soft: `distribution` tells how "
        "often each answer was given independently. The hash covers it. The label beside it is the one that counts where "
        "one label must, as in training; the metrics of a board leave these examples out, and how near predictions "
        "come to the distribution is told apart from them."
    )
    yield ""
    yield from _table([(name, *(counted[split].get(name, 0) for split in SPLITS)) for name in names], head=("question", *SPLITS))  # fmt: skip


def _agreement(facts: dict[str, Any]) -> Iterator[str]:
    yield from ("## Agreement at the freeze", "")
    for question, figures in sorted(facts["agreement"].items()):
        percent = f"pairs agree in {_figure(figures['percent'])}; " if figures.get("percent") else ""
        yield (
            f"- {question}: {NAMES.get(figures.get('main', ''), figures.get('main', 'alpha'))} "
            f"({figures.get('level', 'nominal')}) {_figure(figures['alpha'])}; {percent}{figures['n_units_2plus']} of {figures['n_units']} examples have two or "
            f"more answers, by {figures['n_raters']} annotators.{_open(figures)}"
        )
    if not facts["agreement"]:
        yield "No example has answers of two annotators, so there is no agreement to state."
    yield ""


def _open(figures: dict[str, Any]) -> str:
    """What the figure leaves out: items that differ and wait for a decision."""
    if not figures.get("open"):
        return ""
    whole = f" ({_figure(figures['all'])})" if figures.get("all") else ""
    return f" Items with open cases are not among them: {figures['open']}; so it is higher than that of all answers{whole}."


def _figure(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return f"undefined ({figure['note']})"
    if figure["low"] is None:
        return f"{figure['value']:.3f} (no interval: {figure['note']})"
    return f"{figure['value']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"


def _splits(facts: dict[str, Any]) -> Iterator[str]:
    options = facts["options"]
    kept = [TOGETHER.get(name, f"examples of the same {name}") for name in options.get("group_by") or ()]
    groups = f"; {', '.join(kept)} stay together" if kept else ""
    shares = ", ".join(f"{name} {share:.0%}" for name, share in sorted(options.get("shares", {}).items()))
    yield from ("## How the splits were made", "")
    if counts := options.get("counts"):
        shares = ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) + ", the rest train"
    yield (
        f"Mode: {options.get('splits', 'not stated')}; shares: {shares or 'not stated'}; seed: "
        f"{options.get('seed', 'not stated')}; stratified by gold; equal texts are in one split{groups}. What an "
        "earlier version placed has stayed where it was."
    )
    if windows := options.get("windows"):
        days = ", ".join(f"{name} from {day} on" for name, day in sorted(windows.items()))
        yield f"By time: {days}; days left free before each: {options.get('gap_days', 0)}."
    yield ""


def _findings(facts: dict[str, Any]) -> Iterator[str]:
    yield from ("## Beware", "")
    yield from (f"- {entry['level']}: {entry['text']}" for entry in facts["findings"])
    if not facts["findings"]:
        yield "Nothing was found."
    yield ""


def _columns(facts: dict[str, Any]) -> Iterator[str]:
    yield from ("## Files", "")
    yield from _of_data(facts)
    yield from _lost(facts)
    if facts["with_annotations"]:
        yield (
            "annotations/, adjudications/: the answers behind the gold as they stood at the freeze, and what people decided. "
            "Annotators have names of this version alone."
        )
    if not facts["with_test_gold"]:
        yield "The gold and the metadata of the test examples are withheld."
    yield "manifest.json: all of this for programs. SHA256SUMS: `sha256sum -c SHA256SUMS`."
    yield (
        "Content hash: each example as canonical JSON (RFC 8785), SHA-256, then the Merkle root (RFC 6962) over the "
        "examples in the order of their ids."
    )
    yield ""


def _of_data(facts: dict[str, Any]) -> Iterator[str]:
    single = facts["questions"][0]["column"] if len(facts["questions"]) == 1 else ""
    flat = facts["data_format"] != "jsonl"
    gold = single or ("gold.<question>" if flat else "gold (question: value)")
    meta = "meta.<name> (other columns), _assay" if facts["data_format"] == "csv" else "meta (other columns)"
    compared = (", distribution" if facts["spreads"] else "") + (", candidates, reference" if facts["compares"] else "")
    if facts["data_format"] in ("jsonl", "csv", "parquet", "huggingface"):
        yield f"data/: UTF-8; id, text, split, {gold}{compared}, title, source_type, language, published_at, issuer, url, {meta}."
    else:
        yield f"data/: {WRITTEN[facts['data_format']]}, for the question “{'”, “'.join(facts['asked'])}”."
    if facts["data_format"] in ("parquet", "huggingface"):
        yield "Candidates, distributions, metadata and answers without a type of their own are JSON in a text."
    if facts["data_format"] == "csv":
        yield "A cell that a spreadsheet would run as a formula has an apostrophe in front; `_assay` marks such files."


def _lost(facts: dict[str, Any]) -> Iterator[str]:
    if facts["losses"]:
        yield from ("", "What this format could not carry:", "")
        yield from (f"- {LOSSES[code]}: {count}" for code, count in facts["losses"].items())
        yield ""
