"""How soon companies are offered while one types, from a list of 100,000 on SQLite.

    .venv/bin/python benchmarks/companies.py [--entries 100000]

Prints the CPU seconds of bringing the list in by command, and the median and worst CPU milliseconds of a search in a
process that has the database open.
"""

import argparse
import random
from pathlib import Path

from loop import WORDS, World

CODE = """
import time, statistics
from annotation import companies
from annotation.models import Project
project = Project.objects.get(slug='bench-companies')
for typed in ('g', 'gold ba', 'holding', 't12345', 'profit rose 9', 'nothing like it', '公司'):
    spent = []
    for _round in range(7):
        start = time.process_time()
        found = len(companies.search(project, typed))
        spent.append(1000 * (time.process_time() - start))
    print(f'  {typed!r}: {found} offered, median {statistics.median(spent):.1f} ms, worst {max(spent):.1f} ms')
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    asked = parser.parse_args()
    world = World("sqlite", "")
    try:
        world.people("bench-companies")
        chance = random.Random(3)
        path = Path(world.folder) / "companies.csv"
        with path.open("w") as file:
            file.write("key,name,ticker,aliases\n")
            for n in range(asked.entries):
                name = " ".join(chance.choices(WORDS, k=3)).title()
                file.write(f"k{n},{name} {n} Holding,T{n},{name} 公司\n")
        _said, cpu, _wall = world.manage("load_companies", str(path), "--project", "bench-companies")
        print(f"{asked.entries:,} companies: {cpu:.1f} CPU s to bring in; a search")
        print(world.manage("shell", "-v", "0", "-c", CODE)[0].rstrip())
    finally:
        world.close()


if __name__ == "__main__":
    main()
