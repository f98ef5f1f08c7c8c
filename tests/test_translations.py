"""Simplified Chinese is complete: every sentence is translated, keeps its placeholders, and reaches the pages."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polib
import pytest
from django.urls import reverse
from django.utils.translation import gettext, ngettext, override, pgettext

from annotation import reading
from annotation import schema as schemas
from annotation.text.normal import clean
from tests.conftest import ROOT
from tests.test_permissions import PROJECT, address, world
from training import recipes

pytestmark = pytest.mark.slow
CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
CODE = ("config", "annotation", "evaluation", "training", "templates", "manage.py")
PLACEHOLDER = re.compile(r"%\(\w+\)[-\d.]*[a-z]|%%|\{\w+\}")
HTML = [(name, pattern) for name, pattern in PROJECT if not name.startswith("api-")]
# One word is no sentence: names of metrics, formats and people may be English in Chinese too.
PHRASE = re.compile(r"[A-Za-z'’]{2,}(?:,? [A-Za-z'’]{2,}){2,}")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE / "django.po"))


def said(entry: polib.POEntry) -> list[str]:
    return [entry.msgid, entry.msgid_plural] if entry.msgid_plural else [entry.msgid]


def answered(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def key(entry: polib.POEntry) -> tuple[str | None, str, str]:
    return entry.msgctxt, entry.msgid, entry.msgid_plural


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> polib.POFile:
    """What the code says today, collected from a copy so that the working tree stays as it is."""
    if not shutil.which("xgettext"):
        pytest.skip("GNU gettext is not on this machine; the integration machine has it")
    copy = tmp_path_factory.mktemp("copy")
    skip = shutil.ignore_patterns("__pycache__")
    for name in CODE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=skip)
        else:
            shutil.copy(source, copy / name)
    (copy / "locale").mkdir()
    command = [sys.executable, "manage.py", "makemessages", "-l", "zh_Hans", "--no-wrap", "--no-location"]
    environment = {**os.environ, "ASSAY_DATA": str(copy / "data"), "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run(command, cwd=copy, env=environment, check=True, capture_output=True)
    return polib.pofile(str(copy / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"))


def test_every_sentence_of_the_code_is_in_the_catalogue(extracted: polib.POFile, catalogue: polib.POFile) -> None:
    known = {key(entry) for entry in catalogue}
    missing = [entry.msgid for entry in extracted if key(entry) not in known]
    assert len(extracted) > 900
    assert not missing, "run `make messages` and translate what is new"


def test_the_catalogue_holds_nothing_that_the_code_no_longer_says(
    extracted: polib.POFile, catalogue: polib.POFile
) -> None:
    assert {key(entry) for entry in catalogue} <= {key(entry) for entry in extracted}
    assert not catalogue.obsolete_entries()


def test_every_entry_is_translated_and_none_is_a_guess(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue if not all(answered(entry))] == []
    assert [entry.msgid for entry in catalogue if entry.fuzzy] == []


def test_translations_keep_the_placeholders(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        for answer in answered(entry):
            assert set(PLACEHOLDER.findall(answer)) == set(PLACEHOLDER.findall(said(entry)[-1])), entry.msgid


def test_a_sentence_for_brace_formatting_can_be_formatted(catalogue: polib.POFile) -> None:
    filled = 0
    for entry in catalogue:
        names = re.findall(r"\{(\w+)\}", entry.msgid)
        if names and '{"' not in entry.msgid:
            values = dict.fromkeys(names, "x")
            assert all("x" in answer.format(**values) for answer in answered(entry)), entry.msgid
            filled += 1
    assert filled > 50


def test_chinese_sentences_have_chinese_punctuation_and_air_around_other_letters(catalogue: polib.POFile) -> None:
    for entry in catalogue:
        for answer in answered(entry):
            # "yes,no" is a list for a filter of templates.
            assert entry.msgid == "yes,no" or not re.search(r"[\u4e00-\u9fff][,:;!?]", answer), answer
            fixed = PLACEHOLDER.sub("·", answer)  # what is filled in may be Chinese
            assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", fixed), answer


def test_the_compiled_catalogue_says_what_the_catalogue_says(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(str(CATALOGUE / "django.mo"))
    assert {key(entry): answered(entry) for entry in compiled} == {key(entry): answered(entry) for entry in catalogue}


def test_our_words_win_over_those_of_the_framework(catalogue: polib.POFile) -> None:
    with override("zh-hans"):
        for entry in catalogue:
            if entry.msgid_plural:
                assert ngettext(entry.msgid, entry.msgid_plural, 2) == entry.msgstr_plural[0]
            elif entry.msgctxt:
                assert pgettext(entry.msgctxt, entry.msgid) == entry.msgstr
            else:
                assert gettext(entry.msgid) == entry.msgstr


def test_files_without_the_framework_speak_the_readers_language(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")

    def words() -> list[str]:
        found = [clean("a\r\nb").changes[0]]
        for call in (
            lambda: schemas.check({"questions": []}),
            lambda: schemas.from_labels("tone", ["only one"]),
            lambda: reading.sniff(empty),
            lambda: recipes.check("probe", {"strength": -1}),
        ):
            with pytest.raises(ValueError) as caught:  # noqa: PT011
                call()
            found.append(str(caught.value))
        return found

    with override("en"):
        assert words() == [
            "line ends made LF",
            "A schema needs at least one question.",
            "Question “tone”: It needs at least two labels.",
            "The file is empty.",
            "“strength” is -1; it must be between 0.001 and 10000.",
        ]
    with override("zh-hans"):
        assert all(re.search(r"[\u4e00-\u9fff]", sentence) for sentence in words())


# -- The pages ---------------------------------------------------------------------------------------------------------


class Visible(HTMLParser):
    """What a reader sees or hears of a page: its text, and the attributes that are words."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style", "code", "pre", "textarea")
        self.words += [
            value or ""
            for name, value in attrs
            if name
            in ("title", "placeholder", "aria-label", "alt", "data-confirm", "data-label", "data-yes", "data-no")
        ]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style", "code", "pre", "textarea")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def visible(html: str) -> list[str]:
    page = Visible()
    page.feed(html)
    return [" ".join(words.split()) for words in page.words if words.strip()]


def english(catalogue: polib.POFile) -> set[str]:
    """Parts between placeholders of all sentences that have a translation: two words or more, so that no name is meant."""
    parts = {part.strip() for entry in catalogue for text in said(entry) for part in PLACEHOLDER.split(text)}
    kept = {answer for entry in catalogue for answer in answered(entry)}
    return {part for part in parts if len(part) > 8 and " " in part and part not in kept}


def untranslated(html: str, sentences: set[str]) -> list[str]:
    """English that a Chinese page shows: sentences of the catalogue, and any other run of three words."""
    words = visible(html)
    whole = "\n".join(words)
    found = [sentence for sentence in sentences if sentence in whole]
    return found + [run for text in words for run in PHRASE.findall(text) if not run.startswith(DATA)]


# What the world of the tests says in English: texts of items, also from their middle; names of licences are names.
DATA = ("Profit of company", "it of company", "Creative Commons", "Open Da", "Community Data License")


def test_the_check_finds_english_and_leaves_chinese_and_code_alone(catalogue: polib.POFile) -> None:
    sentences = english(catalogue)
    assert len(sentences) > 500
    assert untranslated("<p>This is some new page</p>", sentences) == ["This is some new page"]
    assert untranslated('<a title="Upload predictions">上传</a>', sentences) == ["Upload predictions"]
    assert untranslated("<p>启动运行</p><code>sha of this file</code><b>macro F1</b>", sentences) == []


def test_no_page_shows_english_to_a_chinese_reader(
    cast: dict[str, Any], client_of: Any, catalogue: polib.POFile
) -> None:
    there = world(cast, "sentiment")
    there["project"].memberships.filter(user=cast["dave"]).update(labels=True)
    sentences, seen, wrong = english(catalogue), [], {}
    paths = {name: address(name, pattern, there, "sentiment") for name, pattern in HTML}
    paths |= {name: reverse(name) for name in ("annotation:projects", "annotation:account", "annotation:sign_in")}
    for name, path in paths.items():
        answer = client_of("dave").get(path, HTTP_ACCEPT_LANGUAGE="zh-hans")
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            seen.append(name)
            if found := untranslated(answer.content.decode(), sentences):
                wrong[name] = found
    assert not wrong
    assert len(seen) > 30


@pytest.mark.parametrize("name", ["alice", "carol", "erin", None])
def test_every_role_reads_its_own_pages_in_chinese(
    cast: dict[str, Any], client_of: Any, catalogue: polib.POFile, name: str | None
) -> None:
    there = world(cast, "sentiment")
    client, sentences = client_of(name), english(catalogue)
    for page, pattern in HTML:
        answer = client.get(address(page, pattern, there, "sentiment"), HTTP_ACCEPT_LANGUAGE="zh-hans", follow=True)
        if answer["Content-Type"].startswith("text/html"):
            assert untranslated(answer.content.decode(), sentences) == [], page
