"""Life of a run: checked and queued, its folder written, its trainer followed, its predictions submitted and scored."""

import contextlib
import errno
import logging
import signal
import time
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotation import jobs
from annotation import schema as schemas
from annotation.jobs import Grip, JobCancelled, JobFailed, JobLost, State
from annotation.models import User
from evaluation import refreshing, scoring, submitting
from evaluation.models import Benchmark, DatasetVersion, Submission, System
from training import launching, recipes
from training.folder import Tail, finished, in_words, is_number, prepare, read_result
from training.folder import curve as curve
from training.folder import log_tail as log_tail
from training.manifest import manifest
from training.ml.job import KINDS as TRAINED
from training.models import Run

log = logging.getLogger("assay.runs")

REASONS = {"bad_input", "out_of_memory", "timeout", "error", "cancelled"}
NAME_LENGTH = 120
SEED_LIMIT = 2**31 - 1

# What each phase is called, and the thousandths of a whole run at which it begins and ends. Ours are the first and the
# last, the engine's those between; a foreign trainer may have others, which are shown as they are.
PHASES: dict[str, tuple[Promise, int, int]] = {
    "write": (gettext_lazy("Writing the texts for the trainer"), 0, 5),
    "load": (gettext_lazy("Loading the model"), 5, 20),
    "prepare": (gettext_lazy("Preparing the texts"), 20, 30),
    "cache": (gettext_lazy("Reading the texts with the frozen layers"), 30, 300),
    "train": (gettext_lazy("Training"), 300, 920),
    "evaluate": (gettext_lazy("Scoring on the dev split"), 300, 920),
    "predict": (gettext_lazy("Answering the test texts"), 920, 980),
    "scoring": (gettext_lazy("Scoring on the test split"), 980, 1000),
}
UNKNOWN_PHASE = (30, 920)


# ---------------------------------------------------------------- starting


def start(
    *,
    version: DatasetVersion,
    question: str,
    recipe: str,
    options: dict[str, Any] | None = None,
    seed: int = 13,
    name: str = "",
    user: User | None,
    parent: Run | None = None,
) -> Run:
    """Queue a run of a recipe on a frozen version; the system of that name (default: the recipe's title) is made or
    used again. Raises ValueError with a sentence for a version, question, recipe, option, seed or name that is not fit.
    """
    inputs = _inputs(version=version, question=question, recipe=recipe, options=options, seed=seed)
    with transaction.atomic():
        system = _system(version=version, name=name, inputs=inputs, user=user)
        return _queue(version=version, system=system, user=user, parent=parent, inputs=inputs)


def again(run: Run, user: User | None) -> Run:
    """A child run with the same inputs; the first one stays as it is. Raises ValueError where it has not ended yet."""
    if run.is_live:
        raise ValueError(_("This run has not ended yet. Cancel it first, or wait for its end."))
    inputs = _inputs(version=run.version, question=run.question, recipe=run.recipe, options=run.options, seed=run.seed)
    with transaction.atomic():
        return _queue(version=run.version, system=run.system, user=user, parent=run, inputs=inputs)


def rerun(system: System, version: DatasetVersion) -> Run | None:
    """Run a system as it was made on another version, once: a second call returns the same run.

    None for a system from outside. Where it cannot run on this version, the run is there as failed and says why.
    """
    if not system.rerun:
        return None
    wanted = {name: system.rerun.get(name) for name in ("question", "recipe", "options", "seed")}
    problem = ""
    try:
        inputs = _inputs(version=version, **wanted)
    except ValueError as error:
        empty: dict[str, Any] = {"question": "", "recipe": "", "options": {}, "seed": 0, "manifest": {}}
        inputs, problem = {**empty, **{name: value for name, value in wanted.items() if value}}, str(error)
    with transaction.atomic():
        System.objects.select_for_update().get(pk=system.pk)
        if known := Run.objects.filter(system=system, version=version).order_by("pk").first():
            return known
        return _queue(
            version=version, system=system, user=system.created_by, parent=None, inputs=inputs, problem=problem
        )


def cancel(run: Run, user: User | None) -> bool:
    """Ask a run to stop; False where it has ended already."""
    asked = jobs.cancel(run)
    if asked:
        log.info("run %s: %s asked for it to stop", run.pk, user or "the command line")
    return asked


def rerun_owed() -> int:
    """Queue what refreshes asked to run again and whose message was lost; returns how many runs that made."""
    made = 0
    for version, systems in refreshing.asked_lately():
        systems -= set(Run.objects.filter(version=version, system__in=systems).values_list("system", flat=True))
        made += sum(rerun(system, version) is not None for system in System.objects.filter(pk__in=systems))
    return made


def _inputs(
    *, version: DatasetVersion, question: str, recipe: str, options: dict[str, Any] | None, seed: int
) -> dict[str, Any]:
    """The checked fields of a Run, its manifest among them; raises ValueError where such a run makes no sense."""
    _check(version=version, question=question, seed=seed)
    inputs: dict[str, Any] = {
        "question": question,
        "recipe": recipe,
        "options": recipes.check(recipe, options or {}),
        "seed": seed,
    }
    labels = schemas.label_names(schemas.question({"questions": version.questions}, question))
    made_of = manifest(
        version=version,
        labels=labels,
        primary_metric=_board(version, question).primary_metric,
        base_model=settings.BASE_MODEL if recipes.RECIPES[recipe].needs_base_model else None,
        **inputs,
    )
    return {**inputs, "manifest": made_of}


def _check(*, version: DatasetVersion, question: str, seed: int) -> None:
    if version.frozen_at is None:
        raise ValueError(_("This version is not frozen yet. Wait until it is, or freeze it again where that failed."))
    entry = schemas.question({"questions": version.questions}, question)
    if entry["kind"] not in TRAINED:
        raise ValueError(
            _(
                "No recipe learns questions of the kind “%(kind)s” yet. Hand in the predictions of a system of your own on the board."
            )
            % {"kind": entry["kind"]}
        )
    if type(seed) is not int or not 0 <= seed <= SEED_LIMIT:
        raise ValueError(_("The seed must be a whole number from 0 to %(most)d.") % {"most": SEED_LIMIT})
    if not version.benchmarks.filter(question=question, split="test").exists():
        raise ValueError(_("“%(question)s” has no board on this version.") % {"question": question})
    if not version.asked(question).filter(split="test").exists():
        raise ValueError(_("This version has no test examples, so a run on it could not be scored."))
    train = version.asked(question).filter(split="train").annotate(label=KeyTextTransform(question, "gold"))
    found = list(train.values_list("label", flat=True).order_by().distinct()[:2])
    if len(found) < 2:
        raise ValueError(
            _("The train split holds fewer than two labels of “%(question)s”; there is nothing to learn from it.")
            % {"question": question}
        )


def _system(*, version: DatasetVersion, name: str, inputs: dict[str, Any], user: User | None) -> System:
    """The system of that name if it is the same recipe with the same options, or a new one."""
    rerun = {field: inputs[field] for field in ("recipe", "options", "seed", "question")}
    given = submitting.system_name(name) if name.strip() else ""
    for candidate in [given] if given else _names(rerun):
        system, _made = System.objects.get_or_create(
            project=version.project, name=candidate, defaults={"rerun": rerun, "created_by": user}
        )
        if _same(system.rerun, rerun):
            return system
    raise ValueError(
        _("“%(name)s” is another system already, with other options. Give this one a name of its own.")
        % {"name": candidate}
    )


def _names(rerun: dict[str, Any]) -> list[str]:
    """The recipe's title; with the options that are not the default; with the question."""
    title = str(recipes.RECIPES[rerun["recipe"]].title)
    usual = recipes.check(rerun["recipe"], {})
    changed = ", ".join(f"{name} {value}" for name, value in rerun["options"].items() if value != usual.get(name))
    full = f"{title} ({changed})" if changed else title
    return [full[:NAME_LENGTH], f"{full[: NAME_LENGTH - 63]} · {rerun['question']}"]


def _same(known: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether two descriptions differ in nothing but the seed; options that are new since then have their defaults."""
    if any(known.get(name) != wanted[name] for name in ("recipe", "question")):
        return False
    try:
        return bool(recipes.check(known["recipe"], known.get("options") or {}) == wanted["options"])
    except ValueError:
        return False


def _queue(
    *,
    version: DatasetVersion,
    system: System,
    user: User | None,
    parent: Run | None,
    inputs: dict[str, Any],
    problem: str = "",
) -> Run:
    """The row, waiting for a worker; with a problem it is at its end already."""
    run = Run(version=version, system=system, parent=parent, created_by=user, **inputs)
    if problem:
        run.state, run.reason, run.message, run.ended_at = State.FAILED, "bad_input", problem, timezone.now()
    run.save()
    if not problem:
        jobs.enqueue(run)
    return run


def _board(version: DatasetVersion, question: str) -> Benchmark:
    return version.benchmarks.get(question=question, split="test")


# ---------------------------------------------------------------- the worker's part


def execute(run: Run, grip: Grip) -> dict[str, Any]:
    """Work for jobs.run: train unless a lost attempt has done that, submit the predictions, score them.

    Raises JobFailed with the trainer's own sentence, JobCancelled, or JobLost (the trainer is dead by then).
    """
    run.done_steps = 0
    _tell(run, grip, {"phase": "write"})
    try:
        prepare(run)
        _train(run, grip)
    except OSError as error:
        raise JobFailed(_folder_problem(error), reason="error") from error
    close_old_connections()  # training took its time: the server may have closed the connection since
    submission = _score(run, grip)
    return {"phase": "", "result": _result(run), "submission": submission}


def _result(run: Run) -> dict[str, Any]:
    """What the trainer said; with a warning where it started from other weights than the manifest names."""
    result = read_result(run.folder)
    named, used = (run.manifest.get("base_model") or {}).get("sha256"), result.get("base_model_sha256")
    if named and used and named != used:
        told = result.get("warnings")
        words = _("The base model's weights where this was trained are not those that the manifest names.")
        return {**result, "warnings": [*(told if isinstance(told, list) else []), words]}
    return result


def _enter(run: Run, grip: Grip, phase: str) -> None:
    """Write the phase to the row at each change."""
    if phase != run.phase and not grip.rows.update(phase=phase):
        raise JobLost
    run.phase = phase


def _tell(run: Run, grip: Grip, line: dict[str, Any]) -> None:
    """Pass a line of progress on to the row; the share done never goes back within an attempt."""
    phase = str(line.get("phase") or run.phase)[:12]
    _enter(run, grip, phase)
    title, begin, end = PHASES.get(phase, (phase, *UNKNOWN_PHASE))
    step, steps = (line[name] if is_number(line.get(name)) else 0 for name in ("step", "steps"))
    share = min(1.0, max(0.0, step / steps)) if steps > 0 else 0.0
    run.done_steps = max(run.done_steps, int(begin + share * (end - begin)))
    note = _("%(phase)s, step %(step)d of %(steps)d") if 0 < step <= steps and steps > 1 else "%(phase)s"
    grip.tick(run.done_steps, 1000, note % {"phase": title, "step": step, "steps": steps})


def _folder_problem(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return _("The disk is full. Make room in the folder of the runs, then start this again.")
    return _("The job folder or the trainer could not be used: %(error)s.") % {"error": error}


# ---------------------------------------------------------------- training


def _train(run: Run, grip: Grip) -> None:
    """Start the trainer, follow it to its end and judge that; nothing of it is alive afterwards."""
    folder = run.folder
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(launching.lock(folder, waiting=grip.check))
        except launching.Busy:
            raise JobFailed(_busy(), reason="error") from None
        if finished(folder):
            return
        for name in ("result.json", "predictions.jsonl", "dev_predictions.jsonl"):
            (folder / name).unlink(missing_ok=True)
        child = stack.enter_context(launching.Child(folder, held=held))
        held.close()  # from here on the trainer alone holds the folder
        code = _follow(run, grip, child)
    _judge(run, grip, code, starved=child.starved())


def _follow(run: Run, grip: Grip, child: launching.Child) -> int:
    """The trainer's exit code. Raises JobCancelled and JobFailed (timeout, out_of_memory) after it was stopped."""
    tail, deadline = Tail(run.folder / "progress.jsonl"), time.monotonic() + settings.RUN_SECONDS
    looks = 0
    try:
        while (code := child.poll()) is None:
            grip.check()
            if lines := tail.read():
                _tell(run, grip, lines[-1])
            if time.monotonic() > deadline:
                child.stop()
                raise JobFailed(_timeout(), reason="timeout")
            if settings.RUN_MEMORY_MB and looks % 5 == 0 and child.memory_mb() > settings.RUN_MEMORY_MB:
                child.kill()
                raise JobFailed(_too_much_memory(), reason="out_of_memory")
            child.trim_log()
            looks += 1
            time.sleep(launching.POLL)
    except JobCancelled:
        child.stop()
        raise
    finally:
        child.trim_log()
    return code


def _busy() -> str:
    return _("Another process still works in the folder of this run. End it (child.json names it), then run again.")


def _timeout() -> str:
    return _("The run took longer than the %(seconds)d seconds that RUN_SECONDS allows, so it was stopped.") % {
        "seconds": settings.RUN_SECONDS
    }


def _too_much_memory() -> str:
    return _("The run used more than the %(limit)d MB that RUN_MEMORY_MB allows, so it was stopped.") % {
        "limit": settings.RUN_MEMORY_MB
    }


def _judge(run: Run, grip: Grip, code: int, *, starved: bool) -> None:
    """Return where the trainer did its work; else keep what it said and raise JobFailed or JobLost."""
    if finished(run.folder):
        return
    result = read_result(run.folder)
    if not grip.rows.update(result=result):
        raise JobLost
    if result.get("state") == "done":
        raise JobFailed(_("The trainer says that it is done, but it left no predictions.jsonl."), reason="bad_output")
    if result.get("state") == "failed":
        reason = result.get("reason")
        raise JobFailed(
            _sentence(in_words(str(result.get("message") or ""), result), run),
            reason=reason if reason in REASONS else "error",
        )
    if result.get("state") == "cancelled" or code == -signal.SIGTERM:
        _hand_back(run, grip)
    if code == -signal.SIGKILL and not starved:
        _hand_back(run, grip)
    if code == -signal.SIGKILL:
        raise JobFailed(
            _("The system killed the training process, most likely because the machine ran out of memory."),
            reason="out_of_memory",
        )
    words = _("The training process ended with code %(code)d and left no result. The end of its log: %(line)s")
    raise JobFailed(words % {"code": code, "line": _last_line(run) or "–"}, reason="error")


def _sentence(message: Any, run: Run) -> str:
    text = str(message or "").replace("\0", "").strip()[:2000]
    return text or _("The training process failed and did not say why. The end of its log: %(line)s") % {
        "line": _last_line(run) or "–"
    }


def _last_line(run: Run) -> str:
    lines = log_tail(run, bytes=4000).replace("\0", "").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:500]


def _hand_back(run: Run, grip: Grip) -> None:
    """Somebody outside stopped the trainer, as a machine that goes down does: back to the queue, to go on later."""
    if run.attempt >= jobs.ATTEMPTS:
        raise JobFailed(
            _("The training process was stopped from outside %(times)d times, so this was given up.")
            % {"times": run.attempt},
            reason="lost_worker",
        )
    log.warning("run %s: its trainer was stopped from outside; the reaper will send it again", run.pk)
    grip.rows.update(state=State.QUEUED, token=None, lease_until=None, woken_at=None)
    raise JobLost


# ---------------------------------------------------------------- scoring


def _score(run: Run, grip: Grip) -> Submission:
    """Hand the predictions in and see them scored: here, or by the worker that was faster."""
    _tell(run, grip, {"phase": "scoring"})
    run.system.refresh_from_db()  # it may have got another name meanwhile
    try:
        submission, _created = submitting.submit(
            benchmark=_board(run.version, run.question),
            system_name=run.system.name,
            path=run.folder / "predictions.jsonl",
            user=run.created_by,
            origin={"run": run.pk, "recipe": run.recipe, "seed": run.seed, "manifest": run.manifest},
            description=run.system.description,
            rerun=run.system.rerun,
            wake=False,
        )
    except ValueError as error:
        told = submitting.sentence(error.report) if isinstance(error, submitting.Refused) else ""
        words = _("The predictions of the trainer cannot be taken: %(error)s")
        raise JobFailed(words % {"error": told or error}, reason="bad_output") from error
    while submission.is_live:
        if submission.state != State.QUEUED or not jobs.run(Submission, submission.pk, scoring.score):
            time.sleep(launching.POLL)
        grip.check()
        submission.refresh_from_db()
    if submission.state != State.DONE:
        raise JobFailed(submission.message or _("The scoring was stopped."), reason=submission.reason or "error")
    return submission
