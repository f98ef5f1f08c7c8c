"""Refused rows as a file that can be mended and sent again, in the form that they came in."""

import csv
import json
import tempfile
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.utils.translation import gettext as _

from annotation import reading
from annotation.jobs import JobFailed
from annotation.models import Import
from annotation.records import OURS

SHOWN = 200
# A small packed file can hold millions of rows that all are refused; each would be written down.
MOST = 100_000


class Refusals:
    """The refused rows of one import: counted, the first ones shown, all of them in a file."""

    def __init__(self, format: str, columns: list[str]) -> None:
        self.table = format in ("csv", "tsv", "xlsx")
        self.columns = columns
        self.count = 0
        self.shown: list[dict[str, Any]] = []
        self.file: IO[str] = tempfile.TemporaryFile(  # noqa: SIM115 - close() lets it go
            "w+", encoding="utf-8", newline="", dir=settings.FILE_UPLOAD_TEMP_DIR
        )
        self.writer: Any = None

    def add(self, number: int, problem: str, values: dict[str, Any]) -> None:
        """Note one refused row; raises JobFailed where so many are refused that the file cannot be what it was taken for."""
        self.count += 1
        if self.count > MOST:
            sentence = _(
                "More than %(most)s rows were refused; the last: %(problem)s Check format, separator and columns."
            )
            raise JobFailed(sentence % {"most": f"{MOST:,}", "problem": problem[:300]})
        if len(self.shown) < SHOWN:
            self.shown.append({"row": number, "problem": problem[:500]})
        if self.table:
            self._add_cells({**values, "_row": number, "_problem": problem})
        else:
            line = {**values, "_row": number, "_problem": problem}
            self.file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def _add_cells(self, values: dict[str, Any]) -> None:
        if self.writer is None:
            # The marker column tells the reader that cells were made safe for spreadsheets, to be undone.
            names = [*self.columns, *OURS, reading.MARKER_COLUMN]
            self.writer = csv.DictWriter(self.file, names, extrasaction="ignore", restval="")
            # The names come from the uploaded file, as the cells do.
            self.writer.writer.writerow([reading.neutralise(name) for name in names])
        self.writer.writerow(
            {name: reading.neutralise("" if value is None else str(value)) for name, value in values.items()}
        )

    def stored(self, row: Import) -> dict[str, Any]:
        """The file kept beside the import, where anything was refused."""
        if not self.count:
            return {"refused": ""}
        self.file.flush()
        raw = self.file.buffer  # type: ignore[attr-defined]
        raw.seek(0)
        row.refused.save(f"refused.{'csv' if self.table else 'jsonl'}", File(raw), save=False)
        return {"refused": row.refused.name}

    def close(self) -> None:
        """Let the temporary file go."""
        self.file.close()
