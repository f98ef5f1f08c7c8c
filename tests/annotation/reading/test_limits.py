"""Memory does not grow with the file."""

import json
import tracemalloc

import pytest

from annotation.reading import rows


def peak_of(path, format, limit):
    """Peak of traced memory in bytes while the rows are counted."""
    tracemalloc.start()
    count = sum(row.problem is None for row in rows(path, format=format, encoding="utf-8"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == limit
    return peak


@pytest.mark.parametrize("format", ["csv", "jsonl", "json", "txt"])
def test_memory_does_not_grow_with_the_file(tmp_path, format):
    text = "Net sales rose 5 % to EUR 13.1 mn. " * 8
    record = {
        "csv": f"7,{text},up\n",
        "jsonl": json.dumps({"text": text}) + "\n",
        "txt": text + "\n",
        "json": json.dumps({"text": text}) + ",",
    }
    path = tmp_path / "a"
    with path.open("w") as file:
        file.write({"csv": "id,text,label\n", "json": "["}.get(format, ""))
        for _ in range(1000):
            file.write(record[format] * 100)
        file.write('{"text": "last"}]' if format == "json" else "")
    assert path.stat().st_size > 25_000_000
    assert peak_of(path, format, 100_000 + (format == "json")) < 5_000_000
