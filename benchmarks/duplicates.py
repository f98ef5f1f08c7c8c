"""What the search for duplicates and the one for private data cost among 100,000 short texts on SQLite.

    .venv/bin/python benchmarks/duplicates.py [--texts 100000]

A third of the texts repeats another one: word for word, in other case, with a word more, or with other numbers. Prints the CPU
seconds and the highest memory of each command, with what was found; and the same for a rule that decides all clusters.
"""

import argparse
import json
import random

from loop import WORDS, World

MAKE = """
import json
from annotation.models import Document, Item, Project
from annotation.text.normal import text_key
project = Project.objects.get(slug='bench-duplicates')
texts = [json.loads(line) for line in open({path!r})]
for start in range(0, len(texts), 5000):
    documents = Document.objects.bulk_create(
        Document(project=project, external_id=f't{{n}}', text=text, text_key=text_key(text))
        for n, text in enumerate(texts[start:start + 5000], start)
    )
    Item.objects.bulk_create(Item(project=project, document=document) for document in documents)
"""
COMMAND = """
import resource, time
from django.core.management import call_command
start = time.process_time()
call_command({words})
spent = time.process_time() - start
print(f'  {{spent:.1f}} CPU s, {{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}} MB at most')
"""


def texts(count: int) -> list[str]:
    chance = random.Random(5)
    found: list[str] = []
    while len(found) < count:
        words = chance.choices(WORDS, k=chance.randint(8, 30))
        text = f"{' '.join(words)} rose by {chance.randint(1, 99)} % to {chance.randint(100, 9999)} million."
        found.append(text)
        odd = chance.random()
        if odd < 0.1:
            found.append(text)
        elif odd < 0.2:
            found.append(text.upper())
        elif odd < 0.3:
            found.append(f"{text} again")
        elif odd < 0.4:
            found.append(text.replace(" % to ", f"{chance.randint(1, 9)} % to 7"))
        elif odd < 0.42:
            found.append(f"{text} Write to person{chance.randint(1, 500)}@example.org.")
    return found[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100_000)
    asked = parser.parse_args()
    world = World("sqlite", "")
    try:
        world.people("bench-duplicates")
        path = f"{world.folder}/texts.jsonl"
        with open(path, "w") as file:
            file.writelines(json.dumps(text) + "\n" for text in texts(asked.texts))
        world.manage("shell", "-v", "0", "-c", MAKE.format(path=path))
        project = "--project", "bench-duplicates"
        for words in (
            ("duplicates", *project),
            ("duplicates", *project, "--no-search", "--rule", "earliest", "--apply", "--reason", "bench"),
            ("private_data", *project),
        ):
            print(" ".join(words))
            print(world.manage("shell", "-v", "0", "-c", COMMAND.format(words=", ".join(map(repr, words))))[0].rstrip())
    finally:
        world.close()


if __name__ == "__main__":
    main()
