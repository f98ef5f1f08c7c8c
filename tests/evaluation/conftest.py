"""What the tests of evaluation share."""

from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from annotation import models as a
from annotation.jobs import Grip
from tests.conftest import make_project
from tests.evaluation.worlds import thaw


@pytest.fixture
def project(cast: dict[str, a.User], monkeypatch: pytest.MonkeyPatch) -> a.Project:
    """The sentiment project. Its jobs beat no heart: a second connection cannot see into a test's transaction."""
    monkeypatch.setattr(Grip, "beating", lambda self: nullcontext())
    return make_project(cast)


@pytest.fixture
def frozen_world(transactional_db: None) -> Iterator[None]:
    """A database with real commits, in which frozen versions can be cleared away afterwards."""
    yield
    thaw()
