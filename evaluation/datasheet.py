"""PURE. The datasheet of a data set (Gebru et al. 2021): facts as the database knows them, answers of people, and what is missing."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from annotation.text.words import gettext_noop
from evaluation.citations import creators_of

SPLITS = ("train", "dev", "test")
UNANSWERED = "Not answered."


class Asked(NamedTuple):
    """What only people know: name, section, question."""

    name: str
    section: str
    words: str


SECTIONS = {
    "motivation": gettext_noop("Motivation"),
    "composition": gettext_noop("Composition"),
    "collection": gettext_noop("Collection"),
    "labelling": gettext_noop("Cleaning and labelling"),
    "uses": gettext_noop("Uses"),
    "distribution": gettext_noop("Distribution"),
    "maintenance": gettext_noop("Maintenance"),
}
ASKED = (
    Asked("motivation_why", "motivation", gettext_noop("For what purpose was the data set made? What gap does it fill?")),
    Asked("motivation_who", "motivation", gettext_noop("Who made it, for whom, and who paid for it?")),
    Asked("composition_texts", "composition", gettext_noop("What are the texts? Are they all there are of their kind, or a sample?")),
    Asked("composition_missing", "composition", gettext_noop("Is anything missing from them, and why?")),
    Asked("composition_bias", "composition", gettext_noop("Which sources, times, companies or views are over- or underrepresented?")),
    Asked("composition_offence", "composition", gettext_noop("Could any of it be confidential, offensive or harmful?")),
    Asked("collection_how", "collection", gettext_noop("How, when and by whom were the texts collected?")),
    Asked("collection_consent", "collection", gettext_noop("Do their owners and the people they tell of know of it, and may it be used so?")),
    Asked("labelling_who", "labelling", gettext_noop("Who labelled: with what training and background, and how were they paid?")),
    Asked("labelling_raw", "labelling", gettext_noop("Are the raw texts kept, and who may have them?")),
    Asked("uses_done", "uses", gettext_noop("What has it been used for already?")),
    Asked("uses_intended", "uses", gettext_noop("What should it be used for?")),
    Asked("uses_not", "uses", gettext_noop("What should it not be used for?")),
    Asked("distribution_whom", "distribution", gettext_noop("To whom is it given, how, and from when on?")),
    Asked("distribution_limits", "distribution", gettext_noop("Do rights of others, contracts or export rules limit its use?")),
    Asked("maintenance_who", "maintenance", gettext_noop("Who keeps it, and how are they reached?")),
    Asked("maintenance_how", "maintenance", gettext_noop("Will it be corrected and extended, how often, and what becomes of older versions?")),
)  # fmt: skip
NAMES = {entry.name for entry in ASKED}
LONGEST = 5000


def missing(answers: Mapping[str, str]) -> list[Asked]:
    """The questions that nobody has answered."""
    return [entry for entry in ASKED if not answers.get(entry.name, "").strip()]


def datasheet(facts: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """datasheet.md from the manifest and from what people say of the data set."""
    answers = about.get("datasheet", {})
    lines = [
        f"# Datasheet of {facts['dataset']} {facts['version']}",
        "",
        "After Gebru et al., “Datasheets for Datasets”, Communications of the ACM 64(12), 2021. Facts come from the "
        "database; answers from the people who keep the data set.",
        "",
    ]
    known = {"motivation": _motivation, "composition": _composition, "collection": _collection, "labelling": _labelling, "uses": _uses, "distribution": _distribution, "maintenance": _maintenance}  # fmt: skip
    for section, title in SECTIONS.items():
        lines += [f"## {title}", "", *(f"- {fact}" for fact in known[section](facts, about)), ""]
        for entry in (entry for entry in ASKED if entry.section == section):
            lines += [f"**{entry.words}**", "", answers.get(entry.name, "").strip() or UNANSWERED, ""]
    return "\n".join(lines).rstrip() + "\n"


def _motivation(facts: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    if about.get("description"):
        yield " ".join(about["description"].split())
    if people := creators_of(about):
        yield f"Made by {', '.join(people)}."
    yield f"Made in the project “{facts['project']}”."


def _composition(facts: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    n = {split: facts["counts"].get(split, {}).get("n", 0) for split in SPLITS}
    yield f"{sum(n.values())} texts with gold: {', '.join(f'{split} {count}' for split, count in n.items())}."
    for question in facts["questions"]:
        of = f", labels {', '.join(question['labels'])}" if question["labels"] else ""
        yield f"Question “{question['name']}” of the kind {question['kind']}{of}."
    if facts.get("languages"):
        yield f"Languages: {', '.join(facts['languages'])}."
    options = facts["options"]
    yield f"Splits: mode {options.get('splits', 'not stated')}, seed {options.get('seed', 'not stated')}, kept together: {', '.join(options.get('group_by') or ['equal texts'])}."
    yield f"Content hash {facts['content_hash']}."
    for finding in facts["findings"]:
        yield f"{finding['level']}: {finding['text']}"
    if not facts["findings"]:
        yield "The check for leaks between splits and for texts with differing labels found nothing."
    if facts.get("private"):
        yield facts["private"]


def _collection(facts: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    if facts.get("published"):
        yield f"The texts say that they were published from {facts['published'][0]} to {facts['published'][1]}."
    if facts.get("source_types"):
        yield f"Kinds of text: {_counted(facts['source_types'])}."


def _labelling(facts: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    yield f"Labelled under version {facts['guideline_version']} of the guideline, which lies beside (guideline.md, schema.json)."
    if facts.get("answers_per_example"):
        yield f"{facts['answers_per_example']:.2f} answers per example on average; {facts['annotators']} annotators."
    for question, methods in facts["settled"].items():
        yield f"Gold of “{question}”: {', '.join(f'{count} {method}' for method, count in methods.items())}."
    for question, figures in facts["agreement"].items():
        alpha = figures.get("alpha", {})
        if alpha.get("value") is not None:
            span = f" [{alpha['low']:.3f}, {alpha['high']:.3f}]" if alpha.get("low") is not None else ""
            yield f"Agreement on “{question}”: {figures.get('main', 'alpha')} {alpha['value']:.3f}{span}, {figures['n_raters']} annotators."
    if facts.get("preprocessing"):
        yield from facts["preprocessing"]


def _uses(facts: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    yield "The test split is what boards rank systems by: train on train, choose on dev."


def _distribution(facts: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    yield f"Licence: {about.get('licence') or 'not stated'}."
    yield f"This copy is {facts['data_format']}, {'with' if facts['with_test_gold'] else 'without'} the gold of the test split, {'with' if facts['with_annotations'] else 'without'} the annotators' answers."
    if about.get("citation"):
        yield f"Cite as: {' '.join(about['citation'].split())}"


def _maintenance(facts: Mapping[str, Any], about: Mapping[str, Any]) -> Iterator[str]:
    yield f"Contact: {about.get('contact') or 'not stated'}."
    before = f", after {facts['previous']}" if facts["previous"] else ""
    yield f"This is version {facts['version']}{before}; a frozen version never changes."


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'not stated'} ({count})" for name, count in counts.items())
