"""What the tests of evaluation share."""

from collections.abc import Iterator

import pytest

from annotation import models as a
from tests.conftest import make_project
from tests.evaluation.worlds import thaw


@pytest.fixture
def project(cast: dict[str, a.User], still: None) -> a.Project:
    """The sentiment project, whose jobs beat no heart."""
    return make_project(cast)


@pytest.fixture
def frozen_world(transactional_db: None) -> Iterator[None]:
    """A database with real commits, in which frozen versions can be cleared away afterwards."""
    yield
    thaw()
