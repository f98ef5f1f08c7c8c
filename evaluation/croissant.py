"""PURE. Croissant 1.1 metadata of an export: files with checksums, splits as record sets, and what is known of how it was made."""

from collections.abc import Iterator, Mapping
from typing import Any

from evaluation.citations import creators_of, licence_url
from evaluation.formats.release import ELSEWHERE, FIELDS

# https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
CONFORMS = "http://mlcommons.org/croissant/1.1"
RAI = "http://mlcommons.org/croissant/RAI/1.0"
TYPES = {
    "jsonl": "application/jsonlines",
    "csv": "text/csv",
    "parquet": "application/x-parquet",
    "huggingface": "application/x-parquet",
}
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(facts: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """JSON-LD from the manifest and from what people say of the data set (`description`, `licence`, `creators` …).

    The record sets of splits that lie in several files have a number behind their name.
    """
    licence = about.get("licence", "")
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [CONFORMS, RAI],
        "name": facts["dataset"],
        "description": about.get("description") or f"{facts['dataset']} {facts['version']}, a labelled data set.",
        "version": facts["version"],
        "datePublished": facts["frozen_at"],
        # Where a data set is published nobody knows yet: its content is its name.
        "url": f"urn:{facts['content_hash']}",
        "license": licence_url(licence) if licence else "not stated",
        "citeAs": about.get("citation") or f"{facts['dataset']} {facts['version']}, {facts['content_hash']}",
        "creator": [{"@type": "sc:Person", "name": name} for name in creators_of(about)] or None,
        "inLanguage": facts.get("languages") or None,
        "isLiveDataset": False,
        "distribution": [*_files(facts)],
        "recordSet": [*_sets(facts)],
        **_responsible(facts, about),
    }
    return {name: value for name, value in found.items() if value is not None}


def _data(facts: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for split, paths in facts["data"].items():
        yield split, [paths] if isinstance(paths, str) else paths


def _files(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for split, paths in _data(facts):
        for path in paths:
            written = facts["files"][path]
            yield {
                "@type": "cr:FileObject",
                "@id": path,
                "name": path,
                "description": f"The {split} split.",
                "contentUrl": path,
                "contentSize": f"{written['bytes']} B",
                "encodingFormat": TYPES[facts["data_format"]],
                "sha256": written["sha256"],
            }


def _sets(facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {
        "@type": "cr:RecordSet",
        "@id": "splits",
        "name": "splits",
        "description": "The splits, by the names that they have elsewhere.",
        "dataType": "cr:Split",
        "key": {"@id": "splits/name"},
        "field": [
            {"@type": "cr:Field", "@id": "splits/name", "name": "splits/name", "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "splits/called", "name": "splits/called", "dataType": "sc:Text"},
        ],
        "data": [{"splits/name": split, "splits/called": ELSEWHERE[split]} for split in facts["data"]],
    }
    for split, paths in _data(facts):
        for place, path in enumerate(paths):
            name = split if len(paths) == 1 else f"{split}-{place:05d}"
            yield {
                "@type": "cr:RecordSet",
                "@id": name,
                "name": name,
                "description": f"{facts['written'][split]} examples of the {split} split.",
                "key": {"@id": f"{name}/id"},
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{name}/{column}",
                        "name": f"{name}/{column}",
                        "description": words,
                        "dataType": type_,
                        **({"isArray": True, "arrayShape": "-1"} if several else {}),
                        "source": {"fileObject": {"@id": path}, "extract": {"column": column}},
                    }
                    for column, words, type_, several in _columns(facts, split)
                ],
            }


def _columns(facts: Mapping[str, Any], split: str) -> Iterator[tuple[str, str, str, bool]]:
    """(name, words, type, whether it is a list) of what a reader of this format finds in the split."""
    yield "id", "Names the example, for good.", "sc:Text", False
    yield "text", "What was labelled.", "sc:Text", False
    yield "split", "train, dev or test.", "sc:Text", False
    flat = facts["data_format"] != "jsonl"
    withheld = split == "test" and not facts["with_test_gold"]
    questions = facts["questions"]
    if not (withheld and not flat):
        for question in questions if len(questions) == 1 or flat else ():
            column = question["column"] if len(questions) == 1 else f"gold.{question['name']}"
            labels = f": {', '.join(question['labels'])}" if question["labels"] else ""
            typed = facts["data_format"] != "csv" and question["kind"] == "choices"
            type_ = "sc:Float" if question["kind"] == "score" else "sc:Text"
            yield column, f"Gold of “{question['name']}” ({question['kind']}){labels}.", type_, typed
        if len(questions) > 1 and not flat:
            yield "gold", "Gold: an object question → value.", "sc:Text", False
    for name in FIELDS:
        # Readers of JSON Lines take a column of that name for dates by themselves.
        is_date = name == "published_at" and not flat
        yield name, f"{name} of the document.", "sc:Date" if is_date else "sc:Text", False


def _responsible(facts: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the RAI vocabulary whose answers are known."""
    said = about.get("datasheet", {})
    units = [figures for figures in facts["agreement"].values() if figures.get("n_units")]
    settled = "; ".join(
        f"{question}: {', '.join(f'{count} {method}' for method, count in methods.items())}"
        for question, methods in facts["settled"].items()
    )
    analysis = [
        f"{question}: {figures.get('main', 'alpha')} {figures['alpha']['value']:.3f} over {figures['n_units_2plus']} examples, {figures['n_raters']} annotators"
        for question, figures in facts["agreement"].items()
        if figures.get("alpha", {}).get("value") is not None
    ]
    per_item = facts.get("answers_per_example")
    found = {
        "rai:dataAnnotationPlatform": ["Assay"],
        "rai:dataAnnotationProtocol": [f"Labelled under version {facts['guideline_version']} of the guideline (guideline.md). How gold was settled: {settled}."],
        "rai:dataAnnotationAnalysis": analysis or None,
        "rai:annotationsPerItem": f"{per_item:.2f} on average" if per_item and units else None,
        "rai:dataCollection": said.get("collection_how"),
        "rai:annotatorDemographics": [said["labelling_who"]] if said.get("labelling_who") else None,
        "rai:dataPreprocessingProtocol": facts.get("preprocessing"),
        "rai:personalSensitiveInformation": [facts["private"]] if facts.get("private") else None,
        "rai:dataUseCases": [said["uses_intended"]] if said.get("uses_intended") else None,
        "rai:dataLimitations": [each["text"] for each in facts["findings"]] or None,
        "rai:dataBiases": [said["composition_bias"]] if said.get("composition_bias") else None,
        "rai:dataReleaseMaintenancePlan": said.get("maintenance_who"),
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}
