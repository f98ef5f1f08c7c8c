"""What the tests of annotation share."""

from contextlib import nullcontext

import pytest

from annotation.jobs import Grip


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs beat no heart: a second connection cannot see into a test's transaction."""
    monkeypatch.setattr(Grip, "beating", lambda self: nullcontext())
