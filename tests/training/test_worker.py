"""Runs with a real worker process on both queues that Assay supports: no way of dying loses a run."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.training.processes import DATABASE, LEASE, House, migrate, sessions
from tests.training.worlds import trainer

ENGINE = ""
pytestmark = pytest.mark.slow


def redis_url() -> str:
    """Database 15 of the Redis that the tests may use; skips where none answers."""
    url = os.environ.get("TEST_REDIS_URL") or "redis://127.0.0.1:6379"
    url = url if url.count("/") > 2 else f"{url}/15"
    try:
        with Redis.from_url(url, socket_connect_timeout=2) as redis:
            redis.ping()
    except RedisError:
        pytest.skip(f"no Redis answers at {url}")
    return url


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    folder = tmp_path_factory.mktemp("database")
    migrate(folder)
    return folder / DATABASE


@pytest.fixture(scope="module", params=["filesystem", "redis"])
def house(request: pytest.FixtureRequest, database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    broker = redis_url() if request.param == "redis" else ""
    with contextlib.closing(House(tmp_path_factory.mktemp("house"), database, broker=broker)) as house:
        yield house


@pytest.fixture(autouse=True)
def nobody_at_work(house: House) -> Iterator[None]:
    """Each test starts its own workers; what the one before left in the queue is stale anyway."""
    yield
    for worker in house.workers:
        worker.kill()
    house.workers.clear()


def in_the_middle(row: dict) -> bool:
    return row["state"] == "running" and row["phase"] == "train"


def ended(row: dict) -> bool:
    return row["state"] in ("done", "failed", "cancelled")


def steps_done(house: House, pk: int) -> int:
    path: Path = house.run_folder(pk) / "step"
    return int(path.read_text() or 0) if path.exists() else 0


def steps_trained(house: House, pk: int) -> list[int]:
    lines = [json.loads(line) for line in (house.run_folder(pk) / "progress.jsonl").read_text().splitlines()]
    return [line["step"] for line in lines if line["phase"] == "train"]


def test_a_queued_run_is_done_by_a_worker(house):
    house.worker(trainer("slow", 1))
    pk = house.ask("begin")
    row = house.wait(pk, ended)
    assert (row["state"], row["attempt"], row["submission__state"]) == ("done", 1, "done")


def test_a_worker_killed_in_a_run_costs_an_attempt_and_no_result(house):
    first = house.worker(trainer("stubborn", 600))
    pk = house.ask("begin")
    house.wait(pk, lambda row: in_the_middle(row) and steps_done(house, pk) > 5)
    left_behind = house.child(pk)
    first.kill()
    killed = time.monotonic()
    assert left_behind in sessions().get(left_behind, [])
    house.worker(trainer("slow", 1))
    while not house.ask("reap")["requeued"]:
        assert time.monotonic() - killed < LEASE + 10, house.logs()
        time.sleep(0.2)
    row = house.wait(pk, ended)
    assert (row["state"], row["attempt"], row["submission__state"]) == ("done", 2, "done")
    assert left_behind not in sessions()
    begins = [line for line in (house.run_folder(pk) / "log.txt").read_text().splitlines() if line.startswith("begins")]
    assert begins[0] == "begins at step 0"
    assert int(begins[1].split()[-1]) > 5


def test_the_engine_dies_with_its_worker_and_its_run_goes_on_with_the_next_one(house):
    if house.broker:
        pytest.skip("how the engine ends has nothing to do with the queue")
    first = house.worker(ENGINE)
    pk = house.ask("begin", recipe="finetune_top2", epochs=10, batch_size=1)
    house.wait(pk, lambda row: in_the_middle(row) and len(steps_trained(house, pk)) > 2)
    left_behind = house.child(pk)
    first.kill()
    deadline = time.monotonic() + 20
    while left_behind in sessions():
        assert time.monotonic() < deadline, "the engine outlived its worker"
        time.sleep(0.2)
    trained = steps_trained(house, pk)
    for field in ("lease_until", "queued_at"):
        house.ask("age", pk=pk, field=field)
    house.worker(ENGINE)
    assert house.ask("reap")["requeued"] == 1
    row = house.wait(pk, ended)
    assert (row["state"], row["attempt"], row["message"]) == ("done", 2, "")
    assert steps_trained(house, pk)[: len(trained)] == trained
    assert steps_trained(house, pk)[len(trained)] >= trained[-1]


def test_a_lost_message_is_sent_again_by_the_reaper(house):
    house.lose_messages()
    pk = house.ask("begin")
    assert house.ask("row", pk=pk)["woken_at"]
    assert house.lose_messages() == 1
    house.worker(trainer("ok"))
    assert house.ask("reap")["woken"] == 0  # its message may still be under way
    house.ask("age", pk=pk, field="queued_at")
    house.ask("age", pk=pk, field="woken_at")
    assert house.ask("row", pk=pk)["state"] == "queued"
    assert house.ask("reap")["woken"] == 1
    assert house.wait(pk, ended)["state"] == "done"


def test_a_running_run_is_cancelled_within_seconds(house):
    house.worker(trainer("slow", 600))
    pk = house.ask("begin")
    house.wait(pk, in_the_middle)
    child = house.child(pk)
    assert house.ask("cancel", pk=pk)
    row = house.wait(pk, ended, seconds=20)
    assert (row["state"], row["submission__state"]) == ("cancelled", None)
    assert child not in sessions()


def test_a_run_that_loses_three_workers_is_given_up(house):
    if house.broker:
        pytest.skip("giving up is the reaper's doing, whatever the queue")
    pk = house.ask("begin")
    for attempt in (1, 2, 3):
        worker = house.worker(trainer("slow", 600))
        row = house.wait(pk, in_the_middle)
        assert row["attempt"] == attempt
        worker.kill()
        for field in ("lease_until", "queued_at"):  # the wait itself is tested above
            house.ask("age", pk=pk, field=field)
        counts = house.ask("reap")
        assert (counts["requeued"], counts["failed"]) == ((1, 0) if attempt < 3 else (0, 1))
    row = house.wait(pk, ended)
    assert (row["state"], row["reason"]) == ("failed", "lost_worker")
    assert "lost 3 times" in row["message"]
