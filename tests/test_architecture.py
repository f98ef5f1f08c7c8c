"""The rules of the house that no linter knows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps

from annotation.agreement.kinds import AGREEMENTS
from annotation.jobs import Job
from annotation.kinds import KINDS
from evaluation.metrics import KINDS as METRICS
from training.ml.job import KINDS as TRAINED

ROOT = Path(__file__).resolve().parent.parent
CODE = [path for app in ("config", "annotation", "evaluation", "training") for path in (ROOT / app).rglob("*.py")]
HEAVY = ("torch", "transformers", "sklearn", "accelerate", "peft")


def modules_after(code: str) -> set[str]:
    """The names of all modules that a fresh Python has loaded after this code."""
    script = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_web_and_worker_load_no_torch():
    loaded = modules_after(
        "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "import django; django.setup()\n"
        "import importlib, config.urls, config.celery\n"
        "[importlib.import_module(f'{app}.tasks') for app in ('annotation', 'evaluation', 'training')]"
    )
    assert "annotation.views.labelling" in loaded
    assert not [name for name in HEAVY if name in loaded]


def test_the_job_folder_is_read_without_django_or_torch():
    loaded = modules_after("import training.ml.job")
    assert "training.ml.job" in loaded
    assert not [name for name in ("django", "celery", "numpy", *HEAVY) if name in loaded]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_complete(kind):
    wanted = [
        f"annotation/kinds/{kind}.py",
        f"evaluation/metrics/{kind}.py",
        *([f"training/ml/{kind}.py"] if kind in TRAINED else []),
        f"templates/annotation/kinds/{kind}.html",
        f"static/js/kinds/{kind}.js",
    ]
    assert [name for name in wanted if not (ROOT / name).is_file()] == []
    assert kind in METRICS
    assert kind in AGREEMENTS


def test_there_are_no_signal_receivers_and_no_logic_in_save():
    for path in CODE:
        text = path.read_text()
        assert not re.search(r"@receiver|\.connect\(\s*\w+,\s*sender", text), path
        if path.name == "models.py":
            assert "def save(" not in text, path


def test_nothing_unpickles_or_runs_remote_code():
    banned = r"\bpickle\b|\bjoblib\b|yaml\.load\(|trust_remote_code\s*=\s*True|\beval\(|\bexec\(|shell=True|\.cuda\(\)"
    for path in CODE:
        code = "\n".join(line for line in path.read_text().splitlines() if not line.strip().startswith("#"))
        code = re.sub(r'"""[\s\S]*?"""', "", code)
        assert not re.search(banned, code.replace("model.eval()", "").replace(".eval()", "")), path


def test_templates_and_scripts_keep_the_content_security_policy():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=\"", text), path
        assert "|safe" not in text, path
    for path in (ROOT / "static/js").rglob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
        ), path


def test_every_long_job_names_a_registered_task():
    from config.celery import app

    app.loader.import_default_modules()
    models = [model for model in apps.get_models() if issubclass(model, Job)]
    assert len(models) >= 5
    assert [model.TASK for model in models if model.TASK not in app.tasks] == []


def test_every_file_says_in_a_sentence_what_it_is():
    for path in CODE:
        if path.name == "__init__.py" or "migrations" in path.parts:
            continue
        assert re.match(r'("""|#!)', path.read_text()), path
