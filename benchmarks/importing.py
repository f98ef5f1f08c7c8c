"""What bringing texts in costs, with every step of cleaning and the exact duplicate check: CPU seconds and peak memory.

    .venv/bin/python benchmarks/importing.py --sizes 10000 100000 [--postgres postgresql://postgres@127.0.0.1:5432/postgres]

Each import is a process of its own that does what the worker does (`importing.work`, claimed through `jobs.run`) in a
scratch folder and database. Of the texts one in ten is HTML, one in twenty mojibake, one in twenty Chinese, and one in
fifty a text that was there before. --profile prints where the time goes.
"""

import argparse
import json
import os
import random
import resource
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent
WORDS = "the company said that profit and revenue rose in this quarter with margin outlook guidance dividend bond rate default merger loss gain share price target bank fund order demand cost debt cash for investors".split()
SIGNS = "公司净利润同比增长收入下降预计全年业绩股东大会决议公告发行债券利率上调市场投资者银行基金合同订单成本现金流"
CLEAN = ["mojibake", "html"]


def texts(path: Path, count: int) -> None:
    """A JSONL file of invented texts of 80 to 400 characters."""
    chance = random.Random(7)
    kept: list[str] = []
    with path.open("w") as file:
        for number in range(count):
            text = f"Company {number} said " + " ".join(chance.choices(WORDS, k=chance.randint(12, 60))) + "."
            if number % 10 == 3:
                text = f'<p>{text}</p>\n<p>It&#8217;s <b>all</b> &amp; more.<br/><a href="https://example.com/{number}">Link</a></p>'
            elif number % 20 == 5:
                text += " It’s the café’s “best” year."
                text = text.encode().decode("cp1252", "replace").replace("\ufffd", "")
            elif number % 20 == 7:
                text = f"{number}号公告：" + "".join(chance.choices(SIGNS, k=chance.randint(30, 150))) + "。"
            elif number % 50 == 9 and kept:
                text = chance.choice(kept).upper()
            if number % 100 == 0:
                kept.append(text)
            file.write(json.dumps({"id": f"b{number}", "text": text, "source_type": "news"}, ensure_ascii=False) + "\n")


def child(path: Path, hygiene: bool, profile: bool) -> None:
    """Runs in the process that is measured: the queue's message has come, the import is done."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from annotation import importing, inviting, jobs
    from annotation.models import Document, Import

    slug = f"bench-{secrets.token_hex(4)}"
    project = inviting.create_project(name=slug, slug=slug, user=None, overlap=2)
    options = {"clean": CLEAN, "detect_language": True, "duplicates": "skip"} if hygiene else {}
    with path.open("rb") as file:
        row = importing.prepare(project=project, file=file, filename=path.name, user=None, **options)
    importing.check(row)
    row.state = "queued"
    row.save()
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.process_time()
    if profile:
        import cProfile
        import pstats

        profiler = cProfile.Profile()
        profiler.runcall(jobs.run, Import, row.pk, importing.work)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(35)
    else:
        jobs.run(Import, row.pk, importing.work)
    spent, after = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF)
    row.refresh_from_db()
    stored = Document.objects.filter(project=project).count()
    told = {name: row.report.get(name) for name in ("new", "same_text", "refused", "cleaned", "languages")}
    print(
        json.dumps(
            {
                "cpu": spent, "system": after.ru_stime - before.ru_stime, "peak": after.ru_maxrss / 1024,
                "state": row.state, "message": row.message, "documents": stored, **told,
            }
        )
    )  # fmt: skip


class World:
    """A scratch installation on one database."""

    def __init__(self, url: str) -> None:
        self.folder, self.admin = Path(tempfile.mkdtemp(prefix="assay-bench-")), url
        self.env = {**os.environ, "ASSAY_DATA": str(self.folder), "SECRET_KEY": secrets.token_hex(32), "OMP_NUM_THREADS": "1"}  # fmt: skip
        self.env.pop("DATABASE_URL", None)
        self.name = f"assay_bench_{secrets.token_hex(4)}"
        if url:
            subprocess.run(["psql", "-q", url, "-c", f'CREATE DATABASE "{self.name}"'], check=True)
            self.env["DATABASE_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{self.name}"))
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=self.env, check=True)

    def measure(self, count: int, *, hygiene: bool, profile: bool) -> None:
        path = self.folder / f"texts-{count}.jsonl"
        texts(path, count)
        command = [sys.executable, __file__, "--child", str(path), *(["--plain"] if not hygiene else []), *(["--profile"] if profile else [])]  # fmt: skip
        done = subprocess.run(command, cwd=ROOT, env=self.env, check=True, capture_output=True, text=True)
        *before, last = done.stdout.strip().splitlines()
        if profile:
            print("\n".join(before))
        told = json.loads(last)
        where = "PostgreSQL" if self.admin else "SQLite"
        what = "all steps, languages, duplicates" if hygiene else "normal form alone"
        print(
            f"| {where} | {count} | {what} | {told['cpu']:.1f} | {told['peak']:.0f} | {told['documents']} |", flush=True
        )
        print(f"  {told['state']} {told['message']} {told['cleaned']} {told['languages']} same {told['same_text']}")

    def close(self) -> None:
        if self.admin:
            subprocess.run(["psql", "-q", self.admin, "-c", f'DROP DATABASE "{self.name}" WITH (FORCE)'], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--postgres", default="", metavar="URL", help="also there")
    parser.add_argument("--plain", action="store_true", help="the normal form alone")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, not asked.plain, asked.profile)
        return
    print("| database | texts | what | CPU s of the worker | peak MB | documents |")
    print("|---|---|---|---|---|---|")
    for url in ["", *([asked.postgres] if asked.postgres else [])]:
        world = World(url)
        try:
            for count in asked.sizes:
                world.measure(count, hygiene=not asked.plain, profile=asked.profile)
        finally:
            world.close()


if __name__ == "__main__":
    main()
