"""PURE. The language of a text where it can be told: by script for Chinese, Japanese and Korean, by py3langid else.

What is too short, or mixed, has none: "" is the honest answer.
"""

import functools
import re

from py3langid.langid import MODEL_FILE, LanguageIdentifier

# What is looked at; a language shows early.
LOOKED_AT = 600
# Below, a text is too short: Latin and other letters, or signs of Chinese, Japanese and Korean.
LEAST_LETTERS, LEAST_WORDS, LEAST_SIGNS = 16, 3, 4
# How sure the model must be, and what share of a text its script must make up.
SURE, SHARE = 0.8, 0.7
# A word of an alphabet says about as much as so many signs.
SIGNS_PER_WORD = 1.7
# Among how many languages the model looks: those with letters, as Wikipedia and markets have them. More would only be
# chosen by mistake for names and numbers.
LANGUAGES = [
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "no",
    "fi",
    "is",
    "pl",
    "cs",
    "sk",
    "sl",
    "hr",
    "hu",
    "ro",
    "bg",
    "el",
    "et",
    "lv",
    "lt",
    "tr",
    "ru",
    "uk",
    "sr",
    "mk",
    "ca",
    "eu",
    "gl",
    "ga",
    "sq",
    "id",
    "ms",
    "vi",
    "tl",
    "ar",
    "fa",
    "he",
    "ur",
    "hi",
    "bn",
    "ta",
    "te",
    "mr",
    "th",
    "ka",
    "hy",
    "kk",
]

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff]")
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_ASIAN = re.compile(
    "[\u1100-\u11ff\u3041-\u3096\u30a1-\u30fa\u3130-\u318f\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_NOISE = re.compile(r"https?://\S+|\S+@\S+|[@#$][A-Za-z0-9_]+|(?<![A-Za-z0-9])[A-Za-z]*\d[A-Za-z0-9]*")
_WORD = re.compile(r"[^\W\d_\u1100-\u11ff\u3041-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af]+")
# Words that English has and its neighbours do not; three different ones settle a text without the model.
_ENGLISH = frozenset(
    [
        "the",
        "and",
        "that",
        "with",
        "from",
        "this",
        "which",
        "were",
        "have",
        "has",
        "been",
        "their",
        "would",
        "are",
        "was",
        "its",
        "for",
        "said",
        "will",
        "than",
        "into",
        "about",
        "after",
        "they",
        "not",
        "but",
        "you",
        "his",
        "her",
        "our",
        "your",
    ]
)
_TELLING = 3


def detect(text: str, *, closely: bool = True) -> str:
    """The code of the text's language (en, zh, de …), or "" where it is too short, mixed or not clear.

    closely=False looks at scripts and plain English alone, and spares the memory of the model.
    """
    looked = text[:LOOKED_AT]
    if looked.isascii() or not _ASIAN.search(looked):
        words = looked.lower().split()
        found = _ENGLISH.intersection(words)
        # One word in twenty is little for English; a text of two languages has less.
        if len(found) >= _TELLING and sum(word in found for word in words) * 10 >= len(words):
            return "en"
    looked = _NOISE.sub(" ", looked)
    signs = len(_ASIAN.findall(looked)) if not looked.isascii() else 0
    words = _WORD.findall(looked)
    if signs:
        weight = len(words) * SIGNS_PER_WORD
        if signs / (signs + weight) >= SHARE:
            return _by_script(looked, signs)
        if weight / (signs + weight) < SHARE:
            return ""
    return _by_model(words) if closely else ""


def _by_script(text: str, signs: int) -> str:
    kana, hangul = len(_KANA.findall(text)), len(_HANGUL.findall(text))
    if signs < LEAST_SIGNS:
        return ""
    if hangul >= signs * SHARE:
        return "ko"
    if hangul > signs * 0.1:
        return ""
    if kana >= signs * 0.1:
        return "ja"
    return "zh" if kana <= signs * 0.02 else ""


def _by_model(words: list[str]) -> str:
    if len(words) < LEAST_WORDS or sum(map(len, words)) < LEAST_LETTERS:
        return ""
    language, sure = _model().classify(" ".join(words).lower())
    return str(language) if sure >= SURE else ""


@functools.cache
def _model() -> LanguageIdentifier:
    """Loaded when it is first asked: it takes some 100 MB, which a web process need not have."""
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages(LANGUAGES)
    return model
