"""The formats that can be read, and the ends of file names that stand for them."""

FORMATS = ("csv", "tsv", "json", "jsonl", "xlsx", "txt", "conll", "zip")
EXTENSIONS = {
    **{name: name for name in FORMATS},
    "tab": "tsv",
    "ndjson": "jsonl",
    "jsonlines": "jsonl",
    "xlsm": "xlsx",
    "text": "txt",
    "md": "txt",
    "bio": "conll",
    "iob": "conll",
    "iob2": "conll",
    "bioes": "conll",
    "bmes": "conll",
}
