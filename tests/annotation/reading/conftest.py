"""The fixture that writes a file."""

import pytest


@pytest.fixture
def make(tmp_path):
    """Write bytes or text to a file and return its path."""

    def write(name, content, encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        return path

    return write
