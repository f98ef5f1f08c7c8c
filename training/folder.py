"""The job folder: what the trainer is given, and what it leaves behind. No byte of it tells the gold of a test text."""

import contextlib
import errno
import functools
import json
import math
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone
from django.utils.translation import gettext

from annotation import schema as schemas
from training.manifest import PACKAGED, threads
from training.models import Run

FORMAT = "assay-job/1"
# Metrics that a trainer can choose its best checkpoint by; where a board ranks by another one, the first is taken.
DEV_METRICS = ("macro_f1", "accuracy")
OBJECT_LIMIT = 2**20
# No line of progress is longer than this; a trainer that writes one loses it.
LINE_LIMIT = 2**20
CURVE_READ, CURVE_POINTS = 16 * 2**20, 300
# Far more than are shown, so that what is shown of them lies as evenly as if all were held.
CURVE_HELD = 2048
# So many bytes before the place that was read up to tell whether it is the same file still.
MARK = 256


# ---------------------------------------------------------------- what the trainer is given


def prepare(run: Run) -> None:
    """Write what the trainer reads. The version is frozen, so a split that is there already is the right one."""
    made_of = {"run": run.pk, "created_at": run.created_at.isoformat(), **run.manifest}
    _move_aside(run.folder, unless=made_of)
    run.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (run.folder / "manifest.json").exists():
        write_json(run.folder / "manifest.json", made_of)
    for split in ("train", "dev", "test"):
        path = run.folder / f"{split}.jsonl"
        if not path.exists():
            _write_split(run, split, path)
    write_json(run.folder / "job.json", _job(run))


def _move_aside(folder: Path, *, unless: dict[str, Any]) -> None:
    """Rename the folder of another run: an earlier database may have had a run of the same number."""
    with contextlib.suppress(FileNotFoundError):
        if list(folder.iterdir()) and read_object(folder / "manifest.json") != unless:
            folder.rename(folder.with_name(f"{folder.name}.before-{timezone.now():%Y%m%d-%H%M%S-%f}"))


def _write_split(run: Run, split: str, path: Path) -> None:
    """One line per example, in the order they were frozen in (by id). Of test examples the gold is not even read.

    Not by digest: the digests know the gold, so their order would tell it to whoever computes them for each label.
    """
    rows = run.version.asked(run.question).filter(split=split).order_by("pk")
    names = ("id", "text") if split == "test" else ("id", "text", "label")
    found = rows if split == "test" else rows.annotate(label=KeyTextTransform(run.question, "gold"))
    with replacing(path) as file:
        for values in found.values_list("key", *names[1:]).iterator(chunk_size=2000):
            file.write(json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False) + "\n")


def _job(run: Run) -> dict[str, Any]:
    entry = schemas.question({"questions": run.version.questions}, run.question)
    metric = run.manifest["primary_metric"]
    packaged = settings.BASE_MODEL == PACKAGED
    return {
        "format": FORMAT,
        "kind": entry["kind"],
        "question": run.question,
        "labels": run.manifest["labels"],
        "recipe": run.recipe,
        "options": run.options,
        "primary_metric": metric if metric in DEV_METRICS else DEV_METRICS[0],
        "seed": run.seed,
        "base_model": {"name": settings.BASE_MODEL, "path": None if packaged else settings.BASE_MODEL},
        "threads": threads(),
        "limits": {"memory_mb": settings.RUN_MEMORY_MB or None},
    }


# ---------------------------------------------------------------- what it leaves behind


def read_result(folder: Path) -> dict[str, Any]:
    """What the trainer says of its work; {} where it said nothing that can be read."""
    return read_object(folder / "result.json")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file of the folder, without what databases refuse (NaN, the character 0); or {}."""
    try:
        with opened(path) as file:
            value = loaded(file.read(OBJECT_LIMIT))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def opened(path: Path) -> IO[bytes]:
    """A file that a trainer left, for reading; OSError for a link, a pipe or whatever else is no plain file.

    A link may lead out of the folder, and a pipe would hold whoever opens it.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a plain file", str(path))
    return os.fdopen(handle, "rb")


def loaded(content: bytes) -> Any:
    """JSON of a trainer without what databases and pages refuse: NaN, infinities, the character 0, half characters."""

    def number(digits: str) -> float | None:
        value = float(digits)
        return value if math.isfinite(value) else None

    def whole(digits: str) -> int | float | None:
        return int(digits) if len(digits) < 19 else number(digits)

    text = content.decode("utf-8", errors="replace").replace("\\u0000", "")
    value = json.loads(text, parse_constant=lambda name: None, parse_float=number, parse_int=whole)
    # An escaped half of a pair is seen only once it is read.
    return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace")) if "\\u" in text else value


def finished(folder: Path) -> bool:
    """Whether a trainer, of whatever attempt, came to its end here."""
    return read_result(folder).get("state") == "done" and _is_plain(folder / "predictions.jsonl")


def _is_plain(path: Path) -> bool:
    try:
        opened(path).close()
    except OSError:
        return False
    return True


def curve(run: Run) -> list[dict[str, Any]]:
    """The loss and dev scores over the steps, in order, at most 300 points: {"step", "epoch", "loss", "dev", ...}.

    Broken lines are left out; steps that a later attempt did again count once, as the later attempt has them.
    """
    return _curve_of(run.folder / "progress.jsonl").points()


def _point(line: dict[str, Any]) -> dict[str, Any] | None:
    """The numbers of a line of progress that has a step and a loss or dev scores; None for other lines."""
    point = {
        name: line[name] for name in ("step", "epoch", "loss", "learning_rate", "time") if is_number(line.get(name))
    }
    dev = line.get("dev")
    if isinstance(dev, dict) and (scores := {str(name): value for name, value in dev.items() if is_number(value)}):
        point["dev"] = scores
    return point if "step" in point and ("loss" in point or "dev" in point) else None


def is_number(value: Any) -> bool:
    """Whether a value from JSON is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300


class Sample:
    """Points of a curve: all of them up to CURVE_HELD, of more every second, every fourth …, and always the last."""

    def __init__(self) -> None:
        self.every = 1
        self.held: list[tuple[int, dict[str, Any]]] = []  # (place in the whole curve, point)

    def rewind(self, step: float) -> None:
        """Forget what lies beyond a step that is done again."""
        while self.held and self.held[-1][1]["step"] > step:
            self.held.pop()

    def add(self, point: dict[str, Any]) -> dict[str, Any]:
        """Take the next point; returns it with what is known of the same step already."""
        place = self.held[-1][0] + 1 if self.held else 0
        if self.held and self.held[-1][1]["step"] == point["step"]:
            place, earlier = self.held.pop()
            point = {**earlier, **point}
        elif self.held and self.held[-1][0] % self.every:
            self.held.pop()
        self.held.append((place, point))
        if len(self.held) > CURVE_HELD:
            self.every *= 2
            self.held = [entry for entry in self.held if entry[0] % self.every == 0 or entry[0] == place]
        return point


class Curve:
    """The points of a progress.jsonl that grows: a look reads what was added since the last one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._at, self._mark = 0, b""
        self._all, self._dev = Sample(), Sample()

    def points(self) -> list[dict[str, Any]]:
        """At most CURVE_POINTS of them, evenly, first and last among them; points with dev scores go first."""
        with self._lock:
            for line in objects(self._added()):
                self._add(_point(line))
            every = [point for _place, point in self._all.held]
            if self._all.every == 1 and len(every) <= CURVE_POINTS:
                return every
            dev = _evenly([point for _place, point in self._dev.held], CURVE_POINTS // 2)
            chosen = {point["step"]: point for point in (*_evenly(every, CURVE_POINTS - len(dev)), *dev)}
            return [chosen[step] for step in sorted(chosen)]

    def _add(self, point: dict[str, Any] | None) -> None:
        if point is None:
            return
        for sample in (self._all, self._dev):
            sample.rewind(point["step"])
        point = self._all.add(point)
        if "dev" in point:
            self._dev.add(point)

    def _added(self) -> bytes:
        """What was added, the last CURVE_READ of it at most; b'' where no file is. Half a line is read again next time."""
        try:
            with opened(self._path) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, self._at - len(self._mark)))
                if size < self._at or file.read(len(self._mark)) != self._mark:
                    self._begin()  # another file than before
                start = max(self._at, size - CURVE_READ)
                file.seek(start)
                content = file.read(CURVE_READ)
        except OSError:  # not there yet, or no file at all
            self._begin()
            return b""
        whole = content.rfind(b"\n") + 1
        if len(content) - whole > LINE_LIMIT:
            whole = len(content)
        self._mark = ((self._mark if start == self._at else b"") + content[:whole])[-MARK:]
        self._at, jumped = start + whole, start > self._at
        return content[content.find(b"\n") + 1 :] if jumped else content


@functools.lru_cache(maxsize=16)
def _curve_of(path: Path) -> Curve:
    """The curve of a run that somebody follows: its page asks again every other second."""
    return Curve(path)


def _evenly(points: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    if len(points) <= most:
        return points
    return [points[round(number * (len(points) - 1) / (most - 1))] for number in range(most)]


def log_tail(run: Run, bytes: int = 64_000) -> str:
    """The end of what the trainer printed, from the start of a line on."""
    return tail_of(run.folder / "log.txt", bytes).decode("utf-8", errors="replace")


# ---------------------------------------------------------------- files


class Tail:
    """Reads the lines that were added to a file since the last look; never the same line twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> list[dict[str, Any]]:
        """The new whole lines as objects; half a line waits for its end, a broken one is left out."""
        try:
            with opened(self._path) as file:
                file.seek(self._at)
                chunk = file.read(LINE_LIMIT)
        except OSError:  # not there yet, or no file at all
            return []
        whole = chunk.rfind(b"\n") + 1 or (LINE_LIMIT if len(chunk) == LINE_LIMIT else 0)
        self._at += whole
        return list(objects(chunk[:whole]))


def objects(content: bytes) -> Iterator[dict[str, Any]]:
    """The lines of JSON Lines that are objects; whatever else is there is passed over."""
    for line in content.split(b"\n"):
        try:
            value = loaded(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def tail_of(path: Path, size: int) -> bytes:
    """The last `size` bytes, from the start of a line on where the beginning is left out; b'' where no file is."""
    try:
        with opened(path) as file:
            left_out = max(0, file.seek(0, os.SEEK_END) - size)
            file.seek(left_out)
            content = file.read(size)
    except OSError:  # not there yet, or no file at all
        return b""
    return content[content.find(b"\n") + 1 :] if left_out else content


def in_words(sentence: str, result: dict[str, Any]) -> str:
    """A sentence of the trainer in the reader's language, where result.json tells the template that it was made of."""
    templates = result.get("templates")
    template = templates.get(sentence) if isinstance(templates, dict) else None
    try:
        message, values = template or ("", {})
        return gettext(message) % values if message else sentence
    except (TypeError, ValueError, KeyError):  # not from our engine
        return sentence


def write_json(path: Path, value: Any) -> None:
    """Put `value` at `path` as JSON, whole or not at all."""
    with replacing(path) as file:
        json.dump(value, file, ensure_ascii=False, indent=1, allow_nan=False)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """A text file that takes the place of `path` when the block ends well, so that nobody ever reads half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
