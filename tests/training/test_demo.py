"""The demo: made whole, finished after an interruption, and never over somebody else's accounts."""

from pathlib import Path

import pytest

from annotation import models as a
from evaluation import models as e
from tests.training.worlds import thaw
from training import demo
from training.models import Run


@pytest.fixture
def data(tmp_path, settings):
    """An empty data folder."""
    settings.DATA = tmp_path
    return tmp_path


def password_of(data: Path) -> str:
    return (data / "demo_login").read_text().split("password", 1)[1].split()[0]


def test_an_account_that_was_here_before_is_never_given_the_demos_password(db, data):
    alice = a.User.objects.create_user("alice", password="her-own-Pass-77")
    with pytest.raises(ValueError, match="here already: alice"):
        demo.make()
    alice.refresh_from_db()
    assert alice.check_password("her-own-Pass-77")
    assert not (data / "demo_login").exists()
    assert a.User.objects.count() == 1


def test_a_project_that_was_here_before_is_left_alone(db, data):
    maker = a.User.objects.create_user("maker")
    project = a.Project.objects.create(slug=demo.SLUG, name="Ours", created_by=maker)
    with pytest.raises(ValueError, match="there is one already"):
        demo.make()
    assert not project.memberships.exists()


def test_the_demo_is_made_whole_and_a_second_call_doubles_nothing(transactional_db, data):
    try:
        told = demo.make()
        project = a.Project.objects.get()
        assert project.items.count() >= 300
        assert {row.role for row in project.memberships.all()} == set(a.Membership.Role.values)
        assert a.Case.objects.open().count() >= 5
        assert a.Gold.objects.current().filter(method="adjudicated").count() >= 20
        assert a.Assignment.objects.filter(state="open").count() >= 100
        version = e.DatasetVersion.objects.get()
        assert (version.number, e.Benchmark.objects.count()) == ("1.0.0", 1)
        assert {run.recipe for run in Run.objects.all()} == set(demo.RECIPES)
        assert a.AgreementReport.objects.get(state="done").figures["krippendorff_alpha"]["value"] > 0.6
        assert a.User.objects.get(username="alice").check_password(password_of(data))
        assert password_of(data) in told
        assert (data / "demo_login").stat().st_mode & 0o077 == 0
        counts = [model.objects.count() for model in (a.User, a.Item, a.Gold, a.Annotation, e.DatasetVersion, Run)]
        assert demo.make() == told
        (data / "demo_login").unlink()  # as if it had been interrupted at the very end
        demo.make()
        again = [model.objects.count() for model in (a.User, a.Item, a.Gold, a.Annotation, e.DatasetVersion, Run)]
        assert again == counts
    finally:
        thaw()
