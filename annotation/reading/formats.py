"""The formats that can be read, and the ends of file names that stand for them."""

FORMATS = ("csv", "tsv", "json", "jsonl", "xlsx", "txt", "conll", "zip", "parquet", "arrow", "folder", "labelstudio",
           "doccano", "prodigy", "brat", "spacy", "fasttext")  # fmt: skip
# Files of other tools, whose rows come in the names that fields have here.
FOREIGN = ("labelstudio", "doccano", "prodigy", "brat")
EXTENSIONS = {
    **{
        name: name
        for name in ("csv", "tsv", "json", "jsonl", "xlsx", "txt", "conll", "zip", "parquet", "arrow", "spacy")
    },
    "pq": "parquet",
    "feather": "arrow",
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
