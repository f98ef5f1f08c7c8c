"""The documents are true: settings, commands, addresses, names, links and the tree; and what they show runs as written."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator

from annotation import jobs
from annotation.kinds import KINDS
from annotation.records import DEFAULTS, EXTRAS, FIELDS, LABELS
from tests.conftest import ROOT, make_project
from tests.training.worlds import SIZES, make_version, thaw
from training import running
from training.models import Run
from training.recipes import RECIPES

APPS = ("config", "annotation", "evaluation", "training")
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# Variables of Django and of a library, which are set here and not read.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "TOKENIZERS_PARALLELISM"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def sections(text: str) -> dict[str, str]:
    """The parts under each `## ` heading, by the first name in backticks or the heading itself."""
    found = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading = part.partition("\n")[0]
        name = re.match(r"`(\w+)`", heading)
        found[name[1] if name else heading] = part
    return found


# -- Settings -----------------------------------------------------------------------------------------------------


def variables_read() -> dict[str, str | None]:
    """Every variable that config/ reads, with its default where that is a plain number or text."""
    found: dict[str, str | None] = {}
    for path in (ROOT / "config").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
                continue
            name, reader = call.args[0].value, ast.unparse(call.func)
            if reader == "os.environ.get" or reader.startswith("env."):
                default = call.args[1] if len(call.args) > 1 else None
                try:
                    found[name] = str(eval(ast.unparse(default), {"__builtins__": {}})) if default else found.get(name)
                except NameError:
                    found[name] = None
    return {name: default for name, default in found.items() if name not in NOT_OURS}


def variables_told() -> dict[str, str]:
    """Every variable in the table of docs/settings.md, with the whole cell of defaults."""
    rows = re.findall(r"^\| (`[^|]*`) \| ([^|]*) \|", text_of("docs/settings.md"), re.MULTILINE)
    return {name: default for names, default in rows for name in re.findall(r"`([A-Z_]+)`", names)}


def test_every_environment_variable_is_documented_and_no_other():
    assert len(variables_read()) > 25
    assert set(variables_told()) == set(variables_read())


def test_the_documented_defaults_are_those_of_the_settings():
    told = variables_told()
    wrong = {name: value for name, value in variables_read().items() if value and value not in told[name]}
    assert wrong == {}


# -- Commands -----------------------------------------------------------------------------------------------------


def our_commands() -> dict[str, BaseCommand]:
    return {name: load_command_class(app, name) for name, app in get_commands().items() if app in APPS}


def options_of(command: BaseCommand) -> set[str]:
    """The long options that a command adds to Django's own."""
    parser, plain = command.create_parser("manage.py", "it"), BaseCommand().create_parser("manage.py", "it")
    usual = {action.help for action in plain._actions}
    return {
        text
        for action in parser._actions
        for text in action.option_strings
        if text.startswith("--") and action.help not in usual
    }


def test_every_command_has_a_section_and_the_readme_names_it():
    names = set(our_commands())
    assert {"import_items", "train", "refresh"} <= names
    assert names <= set(sections(text_of("docs/commands.md")))
    assert [name for name in names if f"`{name}" not in text_of("README.md")] == []


@pytest.mark.parametrize("name", sorted(our_commands()))
def test_every_option_of_a_command_is_documented_and_no_other(name):
    text = text_of("docs/commands.md")
    general, parts = text.partition("\n## ")[0], sections(text)
    shared = general + (parts["import_items"].partition("**Options of both imports**")[2] if "import" in name else "")
    told = {word for line in blocks_left_out(parts[name]).splitlines() for word in re.findall(r"`(--[a-z-]+)", line)}
    wanted = options_of(our_commands()[name])
    assert wanted - told - set(re.findall(r"`(--[a-z-]+)", shared)) == set()
    assert told - wanted == set()


def blocks_left_out(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "docs/commands.md"])
def test_every_option_in_a_command_line_exists(name):
    """In tables as `train --recipe …`, and in blocks as `assay train --recipe …`, over continued lines."""
    text = text_of(name).replace("\\\n", " ")
    lines = re.findall(r"assay (\w+) ([^\n|>]*)", text) + re.findall(r"^\| `(\w+) ([^`]*)`", text, re.MULTILINE)
    commands = our_commands()
    strange = [
        f"{command} {option}"
        for command, rest in lines
        if command in commands
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest)
        if option not in options_of(commands[command])
    ]
    assert lines
    assert strange == []


def test_every_line_of_the_readmes_table_of_commands_is_one_that_the_command_takes():
    lines = re.findall(
        r"^\| `([a-z_]+(?: [^`]*)?)` \|", text_of("README.md").partition("## For a team")[0], re.MULTILINE
    )
    assert {line.split()[0] for line in lines} == set(our_commands())
    for line in lines:
        name, *arguments = line.split()
        our_commands()[name].create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.slow
def test_the_walk_in_the_commands_document_runs_as_written(tmp_path):
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        pytest.skip("the walk makes an SQLite database of its own; once is enough")
    if missing := [name for name in ("bash", "openssl", "sha256sum") if not shutil.which(name)]:
        pytest.skip(f"not on this machine: {', '.join(missing)}")
    text = text_of("docs/commands.md")
    parts = blocks(text, "sh")
    script = "set -euo pipefail\n" + "".join(f"echo '@@ {place}'\n{part}" for place, part in enumerate(parts))
    done = subprocess.run(
        ["bash", "-c", script.replace("$repo/.venv/bin/python", sys.executable)],
        cwd=ROOT,
        env={**clean_environment(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    printed = re.split(r"^@@ \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    shown = [found[1] if found else None for found in map(_shown, re.split(r"^```sh\n", text, flags=re.MULTILINE)[1:])]
    assert len(printed) == len(shown) == len(parts)
    assert [place for place, wanted in enumerate(shown) if wanted and not _fits(wanted, printed[place])] == []


def clean_environment() -> dict[str, str]:
    """Nothing of the tests' or the caller's installation; what a person's shell would have."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


def _shown(rest: str) -> re.Match[str] | None:
    """The block of output that follows a block of commands."""
    return re.match(r".*?^```\n\n```text\n(.*?)^```$", rest.partition("\n## ")[0], re.MULTILINE | re.DOTALL)


def _fits(wanted: str, printed: str) -> bool:
    """Whether the output is as shown, where `…` stands for anything in a line, and a line of it for any lines."""
    lines = [
        r"(?:.*\n)*" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in wanted.splitlines()
    ]
    return re.fullmatch("".join(lines), printed.rstrip("\n") + "\n") is not None


def test_shown_output_fits_only_what_was_printed():
    assert _fits("a … c\n…\nend\n", "a b c\n1\n2\nend\n")
    assert _fits("a\n…\n", "a\n")
    assert not _fits("a\nb\n", "a\nc\n")
    assert not _fits("a\n", "a\nb\n")


# -- API ----------------------------------------------------------------------------------------------------------


def api_paths() -> dict[str, set[str]]:
    """path -> verbs of the OpenAPI document, every number called {id}."""
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    verbs = {"get", "post", "put", "patch", "delete"}
    return {
        path.replace("{pk}", "{id}"): {verb.upper() for verb in entry if verb in verbs} for path, entry in paths.items()
    }


def test_every_address_of_the_api_is_documented_with_its_verbs_and_no_other():
    rows = re.findall(r"^\| `(/api/v1/[^`]*)` \| ([^|]*) \|$", text_of("docs/api.md"), re.MULTILINE)
    told = {path: set(re.findall(r"\b(GET|POST|PUT|PATCH|DELETE)\b", words)) for path, words in rows}
    wanted = {
        path: verbs
        for path, verbs in api_paths().items()
        if path.startswith(("/api/v1/projects/", "/api/v1/me/", "/api/v1/moves/", "/api/v1/leaks/"))
    }
    assert len(wanted) > 25
    assert told == wanted


def test_every_address_in_the_curl_examples_exists():
    text = text_of("docs/api.md")
    called = [path for block in blocks(text, "sh") for path in re.findall(r"\$(?:ASSAY|N)/([a-z0-9/]+)", block)]
    within = [path if path.startswith(("me", "projects")) else f"projects/news/{path}" for path in called]
    resolver = get_resolver()
    assert len(within) > 20
    for path in within:
        resolver.resolve(f"/api/v1/{path.rstrip('/')}/")


# -- Names --------------------------------------------------------------------------------------------------------


def test_every_kind_and_every_recipe_with_its_options_is_named():
    commands, formats, api = (text_of(f"docs/{name}.md") for name in ("commands", "formats", "api"))
    assert [kind for kind in KINDS if not all(f"`{kind}`" in text for text in (formats, api))] == []
    row = {name: re.search(rf"^\| `{name}` \|.*\|$", commands, re.MULTILINE) for name in RECIPES}
    assert [name for name, found in row.items() if not found or f"`{name}`" not in api] == []
    table = "\n".join(found[0] for found in row.values() if found)
    assert [
        field.name for recipe in RECIPES.values() for field in recipe.fields if f"`{field.name}`" not in table
    ] == []


def test_every_field_and_option_of_an_import_is_named():
    formats, api = text_of("docs/formats.md"), text_of("docs/api.md")
    assert [name for name in (*FIELDS, *EXTRAS, *LABELS) if f"`{name}`" not in formats] == []
    assert [name for name in DEFAULTS if f"`{name}`" not in api] == []


def test_the_job_folder_document_shows_a_job_as_the_platform_writes_it(cast, settings, tmp_path):
    settings.RUNS_ROOT = tmp_path
    version = make_version(make_project(cast))
    run = running.start(version=version, question="sentiment", recipe="tfidf_logreg", user=None)
    running.prepare(run)
    written = json.loads((run.folder / "job.json").read_text())
    shown = json.loads(blocks(text_of("docs/job_folder.md"), "json")[0])
    assert set(shown) == set(written)
    assert (shown["format"], set(shown["options"])) == (written["format"], set(written["options"]))
    assert [path.name for path in run.folder.iterdir() if f"`{path.name}`" not in text_of("docs/job_folder.md")] == []


@pytest.fixture
def live(transactional_db, cast):
    """A frozen version that the heartbeat's thread sees too."""
    yield make_version(make_project(cast))
    thaw()


def test_the_foreign_trainer_of_the_document_does_a_run(live, settings, tmp_path):
    script = tmp_path / "trainer.py"
    script.write_text(blocks(text_of("docs/job_folder.md"), "python")[0], encoding="utf-8")
    settings.RUNS_ROOT, settings.TRAINER = tmp_path / "runs", f"{sys.executable} {script} {{folder}}"
    run = running.start(version=live, question="sentiment", recipe="tfidf_logreg", user=None)
    assert jobs.run(Run, run.pk, running.execute)
    run.refresh_from_db()
    assert (run.state, run.message) == ("done", "")
    assert run.submission.report["answered"] == SIZES["test"]
    assert run.submission.scores.get(metric="accuracy").value == 1.0
    assert set(run.result) == {"state", "message", "dev", "device"}


def test_the_foreign_trainer_refuses_a_job_that_it_does_not_know(tmp_path):
    script = tmp_path / "trainer.py"
    script.write_text(blocks(text_of("docs/job_folder.md"), "python")[0], encoding="utf-8")
    (tmp_path / "job.json").write_text(json.dumps({"format": "assay-job/2", "kind": "choice"}))
    done = subprocess.run([sys.executable, script, tmp_path], env=clean_environment(), check=False)
    assert done.returncode == 1
    assert json.loads((tmp_path / "result.json").read_text())["reason"] == "bad_input"


# -- Links and files ----------------------------------------------------------------------------------------------


def anchor(heading: str) -> str:
    """The fragment that a heading is linked by."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path: Path):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", blocks_left_out(path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _hash, fragment = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE) if fragment else []
        if not target.exists() or (fragment and fragment not in map(anchor, headings)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_no_document_names_a_path_of_somebodys_machine(path: Path):
    assert (
        re.findall(r"(?<![\w.])/(?:home|root|work|tmp|Users|mnt|private)/\S*", path.read_text(encoding="utf-8")) == []
    )


def files_of_the_tree() -> set[str]:
    """What the tree must list: Python files but those that only mark a package, scripts, styles, templates, documents."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("this is no git checkout, so that nobody can say which files belong to it")
    wanted = (".py", ".js", ".css", ".html", ".md", ".sh", ".toml")
    return {
        name
        for name in listed.stdout.splitlines()
        if name.endswith(wanted) and (ROOT / name).is_file() and not is_marker(name) and "/migrations/" not in name
    }


def is_marker(name: str) -> bool:
    """An __init__.py that says nothing."""
    return name.endswith("__init__.py") and not (ROOT / name).read_text(encoding="utf-8").strip()


def tree() -> dict[str, str]:
    """path -> sentence of docs/tree.md; a line of a folder speaks for all that is in it."""
    found: dict[str, str] = {}
    folder = ""
    for line in text_of("docs/tree.md").splitlines():
        if heading := re.match(r"## `([^`]*)`", line):
            folder = heading[1].removesuffix("./")
        elif row := re.match(r"\| `([^`]+)` \| (.+) \|$", line):
            found[folder + row[1]] = row[2]
    return found


def test_the_tree_lists_every_file_and_none_that_is_not_there():
    told = tree()
    assert [name for name in told if not (ROOT / name).exists()] == []
    folders = tuple(name for name in told if name.endswith("/"))
    assert sorted(name for name in files_of_the_tree() if name not in told and not name.startswith(folders)) == []


def test_the_readme_shows_only_files_that_are_there():
    shown = re.search(r"## Where everything is\n(.*?)^## ", text_of("README.md"), re.MULTILINE | re.DOTALL)
    assert shown
    names: list[str] = []
    stack: list[tuple[int, str]] = []
    for line in blocks(shown[1], "text")[0].splitlines():
        entry = re.match(r"(\s*)(\S+)", line)
        assert entry, line
        stack = [(depth, name) for depth, name in stack if depth < len(entry[1])]
        parent = "".join(name for _depth, name in stack)
        names.append(parent + entry[2])
        if entry[2].endswith("/"):
            stack.append((len(entry[1]), entry[2]))
    assert len(names) > 30
    assert [name for name in names if not (ROOT / name).exists()] == []
    assert [app for app in APPS if f"{app}/" not in names] == []
