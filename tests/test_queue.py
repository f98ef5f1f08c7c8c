"""The queue in a folder: whoever reads while others write gets whole messages, each once, in their order."""

import threading
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from config import settings
from config.queue import Transport

WRITERS, READERS, EACH = 3, 3, 150


@pytest.fixture
def channel(tmp_path: Path) -> Any:
    """Makes a channel of its own over the same folder each time it is called."""
    (tmp_path / "queue").mkdir()
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
    }

    def make() -> Any:
        return Connection("filesystem://localhost", transport=Transport, transport_options=options).channel()

    return make


def at_once(*works: Any) -> list[Exception]:
    """Run them in threads that begin together; what they raised."""
    problems: list[Exception] = []
    gate = threading.Barrier(len(works))

    def run(work: Any) -> None:
        gate.wait()
        try:
            work()
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return problems


def test_while_some_write_others_read_whole_messages_each_once(channel, tmp_path):
    got: list[str] = []
    written = threading.Event()
    left = threading.Semaphore(0)

    def write(name: str) -> Any:
        def work() -> None:
            mine = channel()
            for number in range(EACH):
                mine._put("default", {"body": f"{name}-{number}", "padding": "x" * 20_000})
            left.release()

        return work

    def read() -> None:
        mine = channel()
        while True:
            over = written.is_set()
            try:
                got.append(mine._get("default")["body"])
            except Empty:
                if over:
                    return

    def end() -> None:
        for _writer in range(WRITERS):
            left.acquire(timeout=60)
        written.set()

    assert at_once(*[write(f"w{place}") for place in range(WRITERS)], *[read] * READERS, end) == []
    assert sorted(got) == sorted(f"w{place}-{number}" for place in range(WRITERS) for number in range(EACH))
    assert list((tmp_path / "queue").iterdir()) == []


def test_messages_come_in_the_order_in_which_they_were_sent_and_only_from_their_queue(channel):
    mine = channel()
    for number in range(20):
        mine._put("gpu" if number % 2 else "default", {"body": number})
    assert [mine._get("gpu")["body"] for _turn in range(10)] == list(range(1, 20, 2))
    with pytest.raises(Empty):
        mine._get("gpu")
    assert mine._size("default") == 10
    assert mine._purge("default") == 10


def test_many_workers_that_begin_together_bind_their_queues_to_one_exchange(channel):
    names = [f"worker{number}" for number in range(12)]

    def bind(name: str) -> Any:
        mine = channel()

        def work() -> None:
            mine._queue_bind("celeryev", "", "", name)
            mine.get_table("celeryev")

        return work

    assert at_once(*[bind(name) for name in names]) == []
    assert {row.queue for row in channel().get_table("celeryev")} == set(names)


def test_a_folder_that_cannot_be_written_to_is_told_and_leaves_nothing(channel, tmp_path):
    (tmp_path / "queue").rmdir()
    with pytest.raises(ChannelError, match="Cannot write a message"):
        channel()._put("default", {"body": 1})


def test_the_site_uses_it_where_no_other_broker_is_named():
    if not settings.CELERY_BROKER_URL.startswith("filesystem://"):
        pytest.skip("another broker")
    assert settings.CELERY_BROKER_TRANSPORT == "config.queue:Transport"
