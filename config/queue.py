"""The queue of the embedded installation: kombu's filesystem transport, with messages and tables that are never half written."""

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads


class Channel(filesystem.Channel):
    """Kombu writes a message where its reader looks for it, and reads it through a folder that all programs share.

    Here a message gets its name once it is whole, and whoever renames it first has it.
    """

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        # Messages are taken in the order of their names.
        name = Path(self.data_folder_out) / f"{time.time_ns()}_{uuid.uuid4()}"
        draft = name.with_name(f"{name.name}.draft")
        try:
            draft.write_text(dumps(payload))  # type: ignore[no-untyped-call]
            draft.replace(name.with_name(f"{name.name}.{queue}.msg"))
        except OSError as problem:
            draft.unlink(missing_ok=True)
            raise ChannelError(f"Cannot write a message to {name.parent}") from problem

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / f"{name}.{uuid.uuid4()}.taken"
            try:
                (folder / name).rename(taken)
            except OSError:  # another worker has it
                continue
            try:
                return loads(taken.read_text())  # type: ignore[no-untyped-call]
            finally:
                taken.unlink()
        raise Empty

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        # A table begins empty and whole: from then on kombu reads and writes it under a lock.
        file: Path = self._exchange_file(exchange)  # type: ignore[no-untyped-call]
        file.parent.mkdir(exist_ok=True)
        if not file.exists():
            draft = file.with_name(f"{file.name}.{uuid.uuid4()}.draft")
            draft.write_text("[]")
            with suppress(FileExistsError):
                os.link(draft, file)
            draft.unlink()
        super()._queue_bind(exchange, routing_key, pattern, queue)  # type: ignore[no-untyped-call]


class Transport(filesystem.Transport):
    """By `CELERY_BROKER_TRANSPORT`; everything else is kombu's."""

    Channel = Channel
