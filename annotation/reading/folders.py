"""Reads an archive of data files: a dataset in the layout of Hugging Face, a saved one, doccano's file for each user."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from annotation.reading import configuration, doccano, limits, ours
from annotation.reading.datasets import adapted
from annotation.reading.members import begins_with_label, in_file, is_link, member_name, members_of
from annotation.reading.opening import ARCHIVE_ERRORS, open_archive
from annotation.reading.recognising import recognise
from annotation.reading.row import Options, Row, Unreadable
from annotation.reading.single import BINARY, READERS
from annotation.reading.told import Told
from annotation.text.words import _

DATA = ("parquet", "arrow", "jsonl", "ndjson", "json", "csv", "tsv", "spacy", "conll", "bio", "iob", "bioes", "bmes")
# Files beside the data, of datasets and of our own exports.
BESIDE = ("manifest.json", "schema.json", "dataset_info.json", "dataset_dict.json", "state.json", "croissant.json",
          "dataset_infos.json", "datasheet.json", "relations.json")  # fmt: skip
SPLITS = {"train": "train", "training": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
          "test": "test", "testing": "test"}  # fmt: skip
# What doccano calls the file of everybody's work, and that of work without a name.
NOBODY = ("all", "unknown")
# Folders of our own exports that hold no examples.
RAW = ("annotations", "adjudications")
HEAD = 1_000_000  # bytes of a description


def rows(path: Path, options: Options) -> Iterator[Row]:
    """The rows of all data files, one after the other; `split` is what the file's name says, where a row says nothing."""
    with open_archive(path) as (archive, _file):
        members = {member_name(one): one for one in members_of(archive)}
        found = [name for name, one in members.items() if is_data(name) or begins_with_label(archive, one)]
        about = _About(archive, members, options.told)
        number, beside = 0, 0
        for name in sorted(found):
            if is_link(members[name]):
                number += 1
                yield Row(number, None, in_file(name, _("a link to another file. Pack the file itself.")))
            elif about.is_configuration(name):
                beside += 1
            else:
                for row in _member_rows(archive, members[name], name, about, options):
                    number += 1
                    yield row._replace(number=number)
        if len(found) == beside:
            raise Unreadable(_("The archive holds no data files."))


def is_data(name: str) -> bool:
    """Whether a file of the archive holds rows."""
    path = PurePosixPath(name)
    return ending(name) in DATA and path.name not in BESIDE and not set(path.parts[:-1]) & set(RAW)


def ending(name: str) -> str:
    """The end of a file's name, without .gz."""
    return re.sub(r"\.gz$", "", name.lower()).rpartition(".")[2]


def _may_ask(name: str, member: zipfile.ZipInfo) -> bool:
    """Whether the file may be a configuration of what is asked."""
    known = ending(name) in ("xml", "json") and PurePosixPath(name).name not in BESIDE
    return known and member.file_size < configuration.MOST


class _About:
    """What the archive says of its data files: splits, names of classes, a configuration."""

    def __init__(self, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], told: Told) -> None:
        self.patterns: list[tuple[str, str]] = []
        self.classes: dict[str, list[str]] = {}
        self.configurations: set[str] = set()
        self.told = told
        ours.questions(archive, told)
        self.dict = any(PurePosixPath(name).name == "dataset_dict.json" for name in members)
        for name, member in members.items():
            base = PurePosixPath(name).name.lower()
            if base == "readme.md":
                self._card(_head(archive, member))
            elif base == "dataset_info.json":
                self._info(_head(archive, member))
            elif base == "guideline.md":
                told.text = told.text or _head(archive, member)
            elif (base == "labels.json" and _head(archive, member).strip() == "[]") or (
                _may_ask(name, member) and configuration.read(_head(archive, member, configuration.MOST), told)
            ):
                self.configurations.add(name)

    def is_doccano(self, values: dict[str, Any]) -> bool:
        """Whether a record beside labels of doccano is one of its own; an empty list of ours is an answer."""
        if not self.configurations or (self.told.given and values.get("label") == []):
            return False
        return isinstance(values.get("label"), list) or isinstance(values.get("entities"), list)

    def is_configuration(self, name: str) -> bool:
        """Whether the file says what is asked, and holds no rows."""
        return name in self.configurations

    def _card(self, text: str) -> None:
        """The head of a dataset card: which files are which split, and the classes of columns."""
        lines = text.lstrip("\ufeff").splitlines()
        if not lines or lines[0].strip() != "---":
            return
        end = next((place for place, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)
        try:
            head = yaml.safe_load("\n".join(lines[1:end]))
        except (yaml.YAMLError, ValueError, RecursionError):
            return
        if not isinstance(head, dict):
            return
        configs = [one for one in head.get("configs") or [] if isinstance(one, dict)]
        for entry in (configs[0].get("data_files") or []) if configs else []:
            if isinstance(entry, dict):
                paths = entry.get("path")
                for pattern in paths if isinstance(paths, list) else [paths]:
                    self.patterns.append((str(pattern), str(entry.get("split"))))
        infos = head.get("dataset_info")
        info = infos[0] if isinstance(infos, list) and infos else infos
        for feature in (info.get("features") or []) if isinstance(info, dict) else []:
            kind = feature.get("dtype") if isinstance(feature, dict) else None
            names = kind.get("class_label", {}).get("names") if isinstance(kind, dict) else None
            if isinstance(names, dict):
                names = [names[key] for key in sorted(names, key=lambda key: int(key) if str(key).isdecimal() else 0)]
            if isinstance(names, list):
                self.classes[str(feature.get("name"))] = [str(one) for one in names]

    def _info(self, text: str) -> None:
        try:
            features = json.loads(text).get("features")
        except (ValueError, RecursionError, AttributeError):
            return
        for name, feature in features.items() if isinstance(features, dict) else ():
            if isinstance(feature, dict) and isinstance(feature.get("names"), list):
                self.classes[name] = [str(one) for one in feature["names"]]

    def split(self, name: str) -> str:
        """The split of a file by the card, or by a word of its name or folders."""
        for pattern, split in self.patterns:
            if fnmatch(name, pattern) or fnmatch(name, f"*/{pattern}"):
                return split
        words = [word for part in PurePosixPath(name).parts[::-1] for word in re.split(r"[^a-z]+", part.lower())]
        return next((word for word in words if word in SPLITS), "")

    def named(self, values: dict[str, Any]) -> dict[str, Any]:
        """Classes that a file of text gives by number, by their names."""
        for name, names in self.classes.items():
            value = values.get(name)
            place = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else value
            if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < len(names):
                values = {**values, name: names[place]}
        return values


def _head(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int = HEAD) -> str:
    try:
        with archive.open(member) as file:
            return file.read(most).decode("utf-8", "replace")
    except ARCHIVE_ERRORS:
        return ""


def _member_rows(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, about: _About, options: Options
) -> Iterator[Row]:
    """The rows of one file; one that cannot be read is told in a sentence, and the others go on."""
    if member.flag_bits & 1:
        yield Row(0, None, in_file(name, _("locked by a password. Pack it again without one.")))
        return
    suffix = "".join(PurePosixPath(name).suffixes[-2:])[-20:]
    with tempfile.NamedTemporaryFile(suffix=re.sub(r"[^\w.]", "", suffix)) as copy:
        try:
            with archive.open(member) as file:
                while chunk := file.read(limits.CHUNK):
                    copy.write(chunk)
            copy.flush()
        except ARCHIVE_ERRORS:
            yield Row(0, None, in_file(name, _("damaged in the archive. Pack it again.")))
            return
        try:
            for row in _read(Path(copy.name), name, about, options):
                yield row if row.values is not None else row._replace(problem=in_file(name, row.problem or ""))
        except Unreadable as error:
            yield Row(0, None, in_file(name, str(error)))


def _read(path: Path, name: str, about: _About, options: Options) -> Iterator[Row]:
    said: list[str] = []
    plain = re.sub(r"\.gz$", "", PurePosixPath(name).name)
    found, _text, codec = recognise(path, plain, None, options.encoding or None, said)
    if found in ("zip", "brat", "folder"):
        raise Unreadable(_("it is an archive in an archive. Unpack it and import it on its own."))
    own = dataclasses.replace(
        options, encoding="" if found in BINARY else codec or "", delimiter=_delimiter(found, options)
    )
    split, who = about.split(name), PurePosixPath(plain).stem
    for row in READERS[found](path, own):
        if row.values is None:
            yield row
            continue
        values = about.named(row.values)
        if found in ("jsonl", "json", "csv", "tsv"):
            values = adapted(values, options.told)
        is_doccano = doccano.looks_like(values) or about.is_doccano(values)
        if found == "jsonl" and is_doccano and options.told.tool in ("", "doccano"):
            values, found_ = doccano.adapted(values, options.told), "doccano"
        else:
            found_ = found
        if found_ == "doccano" and who.lower() not in SPLITS:
            values = _of_user(values, who)
        if split and not values.get("split"):
            values = {**values, "split": split}
        yield row._replace(values=ours.answered(values, options.told))


def _delimiter(found: str, options: Options) -> str | None:
    if found not in ("csv", "tsv"):
        return options.delimiter
    return options.delimiter or ("\t" if found == "tsv" else ",")


def _of_user(values: dict[str, Any], who: str) -> dict[str, Any]:
    """doccano's record in a file that is named after its annotator."""
    if who.lower() in NOBODY:
        return values
    one: dict[str, Any] = {"annotator": who, "label": values.get("label") or {}}
    if isinstance(values.get("comments"), str):
        one["comment"] = values["comments"]
    rest = {name: value for name, value in values.items() if name not in ("label", "comments")}
    return {**rest, "annotations": [one]}
