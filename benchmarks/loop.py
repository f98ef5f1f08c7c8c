"""What a labelled item costs: import, label loop with 1 and 16 annotators, agreement and export on both databases.

    .venv/bin/python benchmarks/loop.py --sizes 10000 100000 [--postgres postgresql://postgres@127.0.0.1:5432/postgres]

Prints CPU milliseconds per item of the server and of the database beside the rates; the client's own CPU is not counted.
Everything happens in a scratch folder and a scratch database, against a real server process on the loopback address.
"""

import argparse
import http.client
import json
import os
import random
import re
import resource
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")
PASSWORD = secrets.token_hex(12)
PEOPLE = 16
WORDS = "profit revenue margin outlook guidance dividend bond rate default merger loss gain quarter year share price target bank fund order demand cost debt cash".split()


def texts(path: Path, count: int) -> None:
    """A JSONL file of distinct invented sentences."""
    chance = random.Random(7)
    with path.open("w") as file:
        for number in range(count):
            text = f"Company {number} said " + " ".join(chance.choices(WORDS, k=chance.randint(8, 40))) + "."
            file.write(json.dumps({"id": f"b{number}", "text": text, "source_type": "news", "language": "en"}) + "\n")


def cpu_of(pids: list[int]) -> float:
    """CPU seconds of these processes with their ended children."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue
        total += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return total / TICK


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def named(name: str) -> list[int]:
    """All processes of that name."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "comm").read_text().strip() == name:
                    found.append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


class World:
    """A scratch installation on one database."""

    def __init__(self, database: str, url: str) -> None:
        self.database = database
        self.folder = Path(tempfile.mkdtemp(prefix="assay-bench-"))
        self.env = {
            **os.environ,
            "ASSAY_DATA": str(self.folder),
            "SECRET_KEY": secrets.token_hex(32),
            "OMP_NUM_THREADS": "1",
            "ALLOWED_HOSTS": "127.0.0.1",
        }
        self.env.pop("DATABASE_URL", None)
        self.admin = url
        self.name = f"assay_bench_{secrets.token_hex(4)}"
        if database == "postgresql":
            self.psql(f'CREATE DATABASE "{self.name}"')
            self.env["DATABASE_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{self.name}"))
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")

    def psql(self, sql: str) -> None:
        subprocess.run(["psql", "-q", self.admin, "-c", sql], check=True)

    def manage(self, *arguments: str) -> tuple[str, float, float]:
        """Run a command; (output, CPU seconds, wall seconds)."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"manage.py {arguments[0]} failed:\n{done.stdout}\n{done.stderr}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return done.stdout, cpu, time.monotonic() - start

    def people(self, slug: str) -> None:
        """Sixteen annotators and a published guideline."""
        code = f"""
from annotation.models import User, Membership, Project
from annotation import publishing, inviting
project = inviting.create_project(name={slug!r}, slug={slug!r}, user=None, overlap=2)
publishing.publish_labels(project=project, question='sentiment', labels=['negative', 'neutral', 'positive'], user=None)
for n in range({PEOPLE}):
    user = User.objects.filter(username=f'bench{{n}}').first() or User.objects.create_user(f'bench{{n}}', password={PASSWORD!r})
    Membership.objects.create(project=project, user=user, role='annotator')
"""
        self.manage("shell", "-c", code)

    def close(self) -> None:
        if self.database == "postgresql":
            self.psql(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        shutil.rmtree(self.folder, ignore_errors=True)


class Server:
    """One granian process tree."""

    def __init__(self, world: World) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--workers",
            "1",
            "--blocking-threads",
            "4",
            "--backpressure",
            "64",
            "--no-ws",
            "--log-level",
            "error",
            "config.wsgi:application",
        ]
        self.world = world
        self.process = subprocess.Popen(command, cwd=ROOT, env=world.env, start_new_session=True)
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise SystemExit("the server did not start")

    def cpu(self) -> tuple[float, float]:
        """(server, database) CPU seconds so far."""
        return cpu_of(family(self.process.pid)), cpu_of(
            named("postgres")
        ) if self.world.database == "postgresql" else 0.0

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Person:
    """A client that does what the browser does: one page, then one request per item."""

    def __init__(self, port: int, slug: str, number: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.slug, self.cookies = slug, {}
        self.errors = self.bytes = 0
        self.call("GET", "/sign-in/")
        form = f"username=bench{number}&password={PASSWORD}&csrfmiddlewaretoken={self.cookies['csrftoken']}"
        status, _ = self.call("POST", "/sign-in/", form, "application/x-www-form-urlencoded")
        if status != 302:
            raise SystemExit(f"could not sign in: {status}")

    def call(
        self, method: str, path: str, body: str | None = None, kind: str = "application/json"
    ) -> tuple[int, bytes]:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept-Encoding": "identity",
        }
        if body is not None:
            headers |= {"Content-Type": kind, "X-CSRFToken": self.cookies.get("csrftoken", "")}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        data = answer.read()
        return answer.status, data

    def open(self) -> None:
        status, page = self.call("GET", f"/p/{self.slug}/label/")
        if status != 200:
            raise SystemExit(f"the labelling page answers {status}")
        desk = json.loads(
            re.search(rb'<script id="desk" type="application/json">(.*?)</script>', page, re.DOTALL).group(1)
        )
        self.version, self.packets = desk["version"], desk["packets"]

    def label(self, count: int, times: list[float]) -> None:
        for _ in range(count):
            if not self.packets:
                return
            packet = self.packets.pop(0)
            body = {
                "client_id": str(uuid.uuid4()),
                "assignment": packet["assignment"],
                "token": packet["token"],
                "version": self.version,
                "status": "submitted",
                "answer": {"sentiment": "neutral"},
                "seconds": 1.0,
                "held": [one["assignment"] for one in self.packets],
            }
            start = time.perf_counter()
            status, data = self.call("POST", f"/p/{self.slug}/label/submit/", json.dumps(body))
            times.append(time.perf_counter() - start)
            if status != 200:
                self.errors += 1
                continue
            self.bytes = max(self.bytes, len(data))
            following = json.loads(data)["next"]
            if following:
                self.packets.append(following)


def loop(server: Server, slug: str, people: int, each: int) -> dict[str, float]:
    """`people` annotators label `each` items side by side."""
    crowd = [Person(server.port, slug, number) for number in range(people)]
    for person in crowd:
        person.open()
    times: list[float] = []
    threads = [threading.Thread(target=person.label, args=(each, times)) for person in crowd]
    before, start = server.cpu(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall, after = time.monotonic() - start, server.cpu()
    done = len(times)
    return {
        "items": done, "server": 1000 * (after[0] - before[0]) / done, "database": 1000 * (after[1] - before[1]) / done,
        "rate": done / wall, "median": 1000 * statistics.median(times), "p99": 1000 * sorted(times)[int(0.99 * (done - 1))],
        "errors": sum(person.errors for person in crowd), "bytes": max(person.bytes for person in crowd),
    }  # fmt: skip


def row(*cells: object) -> None:
    print(
        "| " + " | ".join(f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |", flush=True
    )


def bench(database: str, url: str, sizes: list[int], each: int) -> None:
    world = World(database, url)
    try:
        for size in sizes:
            slug = f"bench-{size}"
            world.people(slug)
            path = world.folder / "texts.jsonl"
            texts(path, size)
            before = cpu_of(named("postgres")) if database == "postgresql" else 0.0
            _out, cpu, wall = world.manage("import_items", str(path), "--project", slug, "--json")
            extra = cpu_of(named("postgres")) - before if database == "postgresql" else 0.0
            row(database, size, "import", f"{cpu:.1f} s", f"{extra:.1f} s", f"{size / wall:.0f}/s", "", "", "")
            server = Server(world)
            try:
                for people in (1, 16):
                    found = loop(server, slug, people, each if people == 1 else max(10, each // 4))
                    row(
                        database,
                        size,
                        f"label, {people} at once",
                        found["server"],
                        found["database"],
                        f"{found['rate']:.0f}/s",
                        found["median"],
                        found["p99"],
                        f"{found['errors']} errors, {found['bytes']} B",
                    )
            finally:
                server.stop()
            _out, cpu, wall = world.manage("agreement", "--project", slug, "--json")
            row(database, size, "agreement", f"{cpu:.1f} s", "", "", "", "", "")
        freeze_and_export(world, max(sizes))
    finally:
        world.close()


def freeze_and_export(world: World, size: int) -> None:
    """Gold by import, frozen and exported."""
    path = world.folder / "gold.jsonl"
    chance = random.Random(3)
    lines = [json.loads(line) for line in (world.folder / "texts.jsonl").open()]
    with path.open("w") as file:
        for line in lines[: min(size, 10_000)]:
            file.write(json.dumps({**line, "label": chance.choice(["negative", "neutral", "positive"])}) + "\n")
    count = min(size, 10_000)
    _out, cpu, _w = world.manage(
        "import_items", str(path), "--project", "bench-gold", "--create", "--labels", "gold", "--json"
    )
    row(world.database, count, "import with gold", f"{cpu:.1f} s", "", "", "", "", "")
    _out, cpu, _w = world.manage("freeze", "--project", "bench-gold", "--dataset", "bench", "--json")
    row(world.database, count, "freeze", f"{cpu:.1f} s", "", "", "", "", "")
    for form in ("jsonl", "csv"):
        _out, cpu, _w = world.manage(
            "export",
            "--project",
            "bench-gold",
            "--version",
            "latest",
            "--format",
            form,
            "--out",
            str(world.folder / f"out-{form}"),
            "--json",
        )
        row(world.database, count, f"export {form}", f"{cpu:.1f} s", "", "", "", "", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--each", type=int, default=300, help="items that a single annotator labels")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/postgres")
    asked = parser.parse_args()
    print(
        "Commands: CPU seconds of the process, start-up included. Label loop: CPU ms per item. Times in ms as the client sees them."
    )
    row("database", "items", "what", "server CPU", "database CPU", "rate", "median ms", "p99 ms", "remarks")
    row(*["---"] * 9)
    for database in asked.databases:
        bench(database, asked.postgres, asked.sizes, asked.each)


if __name__ == "__main__":
    main()
