"""Files on their way in: the upload, the look at its first rows, the check of the options, the start, the work."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.utils.translation import gettext as _

from annotation import candidates, jobs, loading, reading, scanning, spreads
from annotation import schema as schemas
from annotation.jobs import Grip, JobFailed, State
from annotation.kinds import KINDS, Kind
from annotation.models import Import, Project, Scan, User
from annotation.records import DEFAULTS, LABELS, OF, OURS, ROLES, gatherer, looks_like_annotations
from annotation.records import EXTRAS as EXTRAS
from annotation.records import FIELDS as FIELDS
from annotation.text import segments
from annotation.text.cleaning import STEPS

# Among how many earlier imports one with the same columns is looked for.
LOOKED_BACK = 50
# Where Label Studio has the words of an item.
TEXTS = ("data.text",)
ANNOTATOR_NAMES = ("annotator", "annotator_id", "rater", "rater_id", "coder", "labeler", "labeller", "标注员", "标注者")
# So may be called who wrote the text, as well.
WORKER_NAMES = ("user", "user_id", "worker", "worker_id")


def prepare(
    *,
    project: Project,
    file: IO[bytes],
    filename: str,
    user: User | None,
    what: str = "items",
    remember: bool = False,
    **options: Any,
) -> Import:
    """Store the upload and look at its first rows; raises ValueError where nothing can be read from it.

    With `remember`, what was chosen for the last file with the same columns is chosen again.
    """
    check_names(options)
    size = getattr(file, "size", None)
    if size is not None and size > settings.UPLOAD_LIMIT:
        raise ValueError(
            _("The file has %(size)d MB; at most %(most)d MB are taken here. Split it, or use the command.")
            % {"size": size // 2**20, "most": settings.UPLOAD_LIMIT // 2**20}
        )
    name = Path(filename.replace("\\", "/")).name[:255] or "file"
    row = Import(project=project, what=what, filename=name, created_by=user, state=State.PREPARED)
    row.file.save(name, File(file), save=False)
    try:
        row.options = _checked(
            {**DEFAULTS, **{key: value for key, value in options.items() if value not in (None, "")}}
        )
        _unpack_export(row)
        look(row)
        if remember:
            _remember(row)
    except ValueError:
        row.file.delete(save=False)
        raise
    row.save()
    return row


def _unpack_export(row: Import) -> None:
    """An archive that Assay has exported becomes the one table that it was; others stay as they are."""
    if row.options["format"] or row.what != Import.What.ITEMS:
        return
    packed = str(row.file.name)
    with reading.exported(Path(row.file.path)) as found:
        if found is None:
            return
        row.options["format"], chunks = found
        row.filename = f"{Path(row.filename).stem}.{row.options['format']}"
        with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as table:
            table.writelines(chunks)
            table.seek(0)
            row.file.save(row.filename, File(table), save=False)
    row.file.storage.delete(packed)


def check_names(options: dict[str, Any]) -> None:
    """Raise ValueError where an option is none; the API asks before it passes the caller's names on."""
    if strange := set(options) - set(DEFAULTS):
        raise ValueError(_("Unknown option: %(names)s.") % {"names": ", ".join(sorted(strange))[:200]})


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """Options of the kinds that they must be; the API's callers write them by hand."""
    for name, default in DEFAULTS.items():
        value, wanted = options[name], type(default)
        texts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else [value]
        if not isinstance(value, wanted) or (wanted is not bool and not all(isinstance(part, str) for part in texts)):
            raise ValueError(_("The option %(name)s must be %(kind)s.") % {"name": name, "kind": _kinds()[wanted]})
        if any(isinstance(part, str) and not _is_storable(part) for part in texts):
            raise ValueError(_("The option %(name)s holds characters that no text has.") % {"name": name})
    return options


def _is_storable(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def _kinds() -> dict[type, str]:
    return {str: _("a text"), bool: _("true or false"), list: _("a list of texts"), dict: _("an object of texts")}


def look(row: Import) -> dict[str, Any]:
    """Sniff format, encoding and columns into the row's options where they are not given; returns the preview."""
    options = row.options
    given = ("format", "encoding", "delimiter", "sheet", "root", "document_per")
    found = reading.sniff(
        Path(row.file.path),
        filename=row.filename,
        **{key: options[key] for key in given if options.get(key)},
        header=options["header"],
        columns=options["columns"] or None,
    )
    options["format"], options["encoding"] = found.format, found.encoding or ""
    options["delimiter"] = found.delimiter or ""
    columns = [column for column in found.columns if column not in OURS]
    if not options["mapping"]:
        options["mapping"] = _guess(row, columns, found.preview)
        if found.format in reading.FOREIGN or _is_foreign(found):
            own = {name: name for name in ("id", "text", *EXTRAS) if name in columns}  # columns are named as fields are
            guessed = {name: column for name, column in options["mapping"].items() if column not in own}
            options["mapping"] = {**guessed, **own}
    options["seen_columns"] = columns
    options["warnings"] = list(found.warnings)
    return {"columns": columns, "rows": found.preview, "warnings": found.warnings, "sheets": found.sheets}


def _is_foreign(found: reading.Sniffed) -> bool:
    """Whether an archive of data files holds those of another tool, with annotators' answers as we write them."""
    return found.format == "folder" and any(looks_like_annotations(row.get("annotations")) for row in found.preview)


# What was chosen by hand for a file, beside its mapping.
CHOSEN = (
    "question",
    "labels",
    "annotator",
    "annotator_columns",
    "label_map",
    "duplicates",
    "source_type",
    "language",
    "pool",
    "clean",
    "detect_language",
    "segment",
    "passage_size",
)


def _remember(row: Import) -> None:
    """The choices of the last import of a file with the same columns: the same file again must add nothing."""
    rows = Import.objects.filter(project=row.project_id, what=row.what).exclude(state=State.PREPARED)
    for options, filename in rows.order_by("-pk").values_list("options", "filename")[:LOOKED_BACK]:
        if sorted(options.get("seen_columns") or []) == sorted(row.options["seen_columns"]):
            row.options["mapping"] = options["mapping"]
            row.options |= {name: options[name] for name in CHOSEN if row.options[name] == DEFAULTS[name]}
            row.options["as_before"] = filename
            return


def _guess(row: Import, columns: list[str], preview: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What the names and first values of the columns say, for documents or for answers."""
    mapping = reading.guess_mapping(columns, preview)
    for name in ("annotations", "label"):
        if mapping.get(name) in row.options["annotator_columns"]:
            del mapping[name]
    listed = mapping.get("annotations")
    if listed and not any(looks_like_annotations(entry.get(listed)) for entry in preview):
        # A column called "annotation" that holds no list of annotators' answers is a label, or just a column.
        del mapping["annotations"]
        if "label" not in mapping and all(isinstance(entry.get(listed), (str, int, type(None))) for entry in preview):
            mapping["label"] = listed
    schema = row.project.version.schema if row.project.version else {"questions": []}
    asked = row.options.get("question") or next((q["name"] for q in schema["questions"] if q["name"] in columns), "")
    if "label" not in mapping and asked in columns:
        mapping["label"] = asked
    if text := next((place for place in TEXTS if any(_holds(entry, place) for entry in preview)), ""):
        mapping["text"] = text
    if (who := _who(columns, preview, mapping)) and row.what == Import.What.ITEMS:
        mapping["annotator"] = who
    mapping |= _columns_of(schema["questions"], row.options.get("question") or "", columns, mapping, preview)
    _guess_candidates(mapping, columns, preview)
    _guess_roles(mapping, columns, preview)
    several = sum(column.startswith("gold.") for column in columns)
    if several > 1 and mapping.get("label", "").startswith("gold."):
        del mapping["label"]  # one of several questions, as our own tables name them
    if "label" not in mapping and several:
        mapping["gold"] = "gold"
    spread = [entry.get("distribution") for entry in preview]
    if "distribution" in columns and all(cell in (None, "") or spreads.read(cell) for cell in spread):
        mapping["distribution"] = "distribution"
    if row.what == Import.What.ANNOTATIONS:
        known = {
            name: column
            for name, column in mapping.items()
            if name in ("id", "label", "annotations") or name.startswith(OF)
        }
        who = next((column for column in columns if column.strip().lower() in (*ANNOTATOR_NAMES, *WORKER_NAMES)), "")
        extra = {"annotator": who, "status": "status" if "status" in columns else ""}
        mapping = {**known, **{name: column for name, column in extra.items() if column}}
    return mapping


def _who(columns: Sequence[str], preview: Sequence[dict[str, Any]], mapping: dict[str, str]) -> str:
    """The column that names who gave the label of a row, in a file of documents with a row per answer; '' for none."""
    label, item = mapping.get("label"), mapping.get("id") or mapping.get("text")
    if not label or not item or mapping.get("annotations"):
        return ""
    plain = {column.strip().lower(): column for column in columns if column not in mapping.values()}
    sure = next((plain[name] for name in ANNOTATOR_NAMES if name in plain), "")
    likely = next((plain[name] for name in WORKER_NAMES if name in plain), "")
    if sure or not likely:
        return sure
    people: dict[str, set[str]] = {}
    for entry in preview:
        people.setdefault(str(entry.get(item)), set()).add(str(entry.get(likely)))
    return likely if any(len(names) > 1 for names in people.values()) else ""


def _guess_roles(mapping: dict[str, str], columns: Sequence[str], preview: Sequence[dict[str, Any]]) -> None:
    """A column “role” that says work, control or training, and what training items teach beside it."""
    said = {str(entry.get("role") or "").strip().lower() for entry in preview} - {""}
    if said and said <= set(ROLES):
        mapping |= {name: name for name in ("role", "explanation", "rule") if name in columns}


def _guess_candidates(mapping: dict[str, str], columns: Sequence[str], preview: Sequence[dict[str, Any]]) -> None:
    """Where responses to compare come along, no one of them is the text, but the prompt that they answer."""
    found = candidates.guess(columns, preview)
    if not found:
        return
    taken = {found, *candidates.columns(columns, found)}
    for name in [name for name, column in mapping.items() if column in taken]:
        del mapping[name]
    mapping["candidates"] = found
    if "text" not in mapping and (prompt := next((name for name in candidates.PROMPTS if name in columns), "")):
        mapping["text"] = prompt
    if "reference" in columns and "reference" not in mapping.values():
        mapping["reference"] = "reference"


def _columns_of(
    questions: Sequence[dict[str, Any]],
    chosen: str,
    columns: list[str],
    mapping: dict[str, str],
    preview: Sequence[dict[str, Any]],
) -> dict[str, str]:
    """Columns called like a question, or like the answers of its kind (labels, spans, score …) where one has them.

    Without questions the columns that hold answers which tell their kind.
    """
    found: dict[str, str] = {}
    for kind in () if questions else KINDS.values():
        if held := _telling(kind, columns, preview):
            found[f"{OF}{kind.column}"] = held[0]
    for place, entry in enumerate(questions):
        plain = entry["name"] == chosen if chosen else place == 0
        field = "label" if plain else f"{OF}{entry['name']}"
        alike = [other for other in questions if other["kind"] == entry["kind"]]
        kind = KINDS[entry["kind"]]
        names = [entry["name"], *([kind.column, *_telling(kind, columns, preview)] if len(alike) == 1 else [])]
        free = [name for name in names if name in columns and name not in {*mapping.values(), *found.values()}]
        if free and (field not in mapping or (plain and kind.column != "label")):
            found[field] = free[0]
    return found


def _names_question(name: str) -> bool:
    """Whether a field is that of a question, which the import may make."""
    return name.startswith(OF) and schemas.QUESTION.fullmatch(name.removeprefix(OF)) is not None


def _telling(kind: Kind, columns: Sequence[str], preview: Sequence[dict[str, Any]]) -> list[str]:
    """The columns called as files call answers of the kind whose first cells are such answers."""
    named = [name for name in (kind.column, *kind.also) if name in columns]
    return [name for name in named if any(gatherer(entry.get(name)) is kind for entry in preview)]


def _holds(entry: dict[str, Any], place: str) -> bool:
    """Whether words stand at a place such as data.text."""
    column, _dot, name = place.partition(".")
    inner = entry.get(column)
    return isinstance(inner, dict) and isinstance(inner.get(name), str)


def check(row: Import) -> None:
    """Raise ValueError with a sentence where the chosen options cannot work."""
    options, mapping = row.options, row.options["mapping"]
    columns = options.get("seen_columns") or []
    needed = "id" if row.what == Import.What.ANNOTATIONS else "text"
    if not mapping.get(needed):
        raise ValueError(
            _("No column is chosen for “%(field)s”. The columns are: %(columns)s.")
            % {"field": needed, "columns": ", ".join(columns) or "–"}
        )
    asked = row.project.version.schema["questions"] if row.project.version else []
    for name in mapping:
        if name.startswith(OF) and asked:
            schemas.question({"questions": asked}, name.removeprefix(OF))
        elif name not in FIELDS + EXTRAS and not _names_question(name):
            raise ValueError(
                _("“%(field)s” is no field. Fields: %(all)s.") % {"field": name, "all": ", ".join(FIELDS + EXTRAS)}
            )
    chosen = [*mapping.items(), *(("annotator", column) for column in options["annotator_columns"])]
    # The first rows of a JSON file need not name every column.
    for name, column in chosen if options["format"] not in ("json", "jsonl") else []:
        gathered = any(entry.startswith(f"{column}.") for entry in columns)
        gathered = gathered or (name == "candidates" and bool(candidates.columns(columns, column)))
        if column and columns and column not in columns and not gathered:
            raise ValueError(
                _("There is no column “%(column)s” (chosen for “%(field)s”). The columns are: %(columns)s.")
                % {"column": column, "field": name, "columns": ", ".join(columns)}
            )
    check_cleaning(options)
    if options["labels"] not in LABELS or options["duplicates"] not in ("keep", "skip"):
        raise ValueError(_("labels is one of %(labels)s; duplicates is keep or skip.") % {"labels": ", ".join(LABELS)})
    brings = any(mapping[name] for name in mapping if name in ("label", "annotations", "gold") or name.startswith(OF))
    brings = brings or bool(options["annotator_columns"])
    if options["labels"] in ("annotation", "gold") and not brings:
        raise ValueError(
            _("Labels are wanted, but no column is chosen for “label”. The columns are: %(columns)s.")
            % {"columns": ", ".join(columns) or "–"}
        )
    if row.what == Import.What.ANNOTATIONS and row.project.version is None and not options["create_schema"]:
        raise ValueError(_("Publish a guideline first: answers need labels to be checked against."))
    if row.project.version is not None and options["question"]:
        schemas.question(row.project.version.schema, options["question"])


def check_cleaning(options: dict[str, Any]) -> None:
    """Raise ValueError with a sentence where the options of cleaning and cutting cannot be."""
    if strange := [name for name in options["clean"] if name not in STEPS]:
        raise ValueError(
            _("“%(step)s” is no step of cleaning. Steps: %(all)s.") % {"step": strange[0][:40], "all": ", ".join(STEPS)}
        )
    if options["segment"] not in segments.HOWS:
        raise ValueError(_("segment is one of %(all)s.") % {"all": ", ".join(segments.HOWS)})
    size = options["passage_size"] or str(segments.SIZE)
    if not size.isascii() or not size.isdecimal() or not segments.SMALLEST <= int(size[:9]) <= segments.LARGEST:
        raise ValueError(
            _("A passage has %(least)d to %(most)d characters.")
            % {"least": segments.SMALLEST, "most": segments.LARGEST}
        )


def start(row: Import) -> None:
    """Put a prepared import into the queue."""
    check(row)
    row.save(update_fields=["options"])
    jobs.begin(row)


def send(**options: Any) -> Import:
    """Prepare and start in one go, as programs do; a file that is refused at the start leaves nothing behind."""
    row = prepare(**options)
    try:
        start(row)
    except ValueError:
        discard(row)
        raise
    return row


def discard(row: Import) -> None:
    """Forget a prepared import and its upload."""
    row.file.delete(save=False)
    row.delete()


def bring_in(row: Import) -> Import:
    """Do a prepared import here and now, without the queue (for commands); returns the row as it ended."""
    try:
        check(row)
    except ValueError:
        discard(row)
        raise
    row.state = State.QUEUED
    row.save(update_fields=["options", "state"])
    jobs.run(Import, row.pk, work)
    row.refresh_from_db()
    return row


def work(row: Import, grip: Grip) -> dict[str, Any]:
    """Bring the file in, batch by batch; a batch is one transaction, and a second attempt adds nothing twice."""
    try:
        changes = loading.Loader(row, grip).load()
    except reading.Unreadable as error:
        raise JobFailed(str(error)) from error
    if row.what == Import.What.ITEMS:
        # Behind it, not in it: recognising takes longer than reading, and no one waits for it.
        scanning.ask(project=row.project, what=Scan.What.PRIVATE, user=row.created_by)
    return changes
