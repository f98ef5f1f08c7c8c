"""The permission matrix: every address, every verb, every role, and a foreign project's objects."""

import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from knox.models import AuthToken

from annotation import models as a
from annotation import moving
from evaluation import models as e
from tests.conftest import make_annotation, make_gold, make_items, make_project
from training.models import Run

VERBS = ("get", "post", "put", "patch", "delete")
OPEN = {"annotation:sign_in", "annotation:sign_out", "annotation:join", "set_language"}
# Addresses without a project; any signed-in person may call them for themselves.
OWN = {
    "annotation:projects", "annotation:account", "annotation:keys", "annotation:password", "annotation:make_token",
    "annotation:revoke_token", "annotation:new_project", "api-me", "api-projects", "schema", "api-docs",
    "annotation:moves", "annotation:move", "annotation:move_discard", "api-moves", "api-move",
    "evaluation:uploads", "evaluation:upload", "evaluation:upload_progress", "evaluation:upload_pairs", "evaluation:upload_end",
    "api-uploads", "api-upload", "api-upload-pairs",
    "api-my-tokens", "api-my-token",
}  # fmt: skip


def patterns(resolver: URLResolver, space: str = "") -> list[tuple[str, URLPattern]]:
    found = []
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            found += patterns(entry, inner)
        elif entry.name:
            found.append((f"{space}{entry.name}", entry))
    return found


ALL = [(name, pattern) for name, pattern in patterns(get_resolver()) if not name.startswith("admin:")]
PROJECT = [(name, pattern) for name, pattern in ALL if "slug" in pattern.pattern.converters]


def world(cast: dict[str, a.User], slug: str) -> dict[str, Any]:
    """A project with one of everything."""
    project = make_project(cast, slug=slug)
    items = make_items(project, 3)
    make_annotation(items[0], cast["alice"])
    make_annotation(items[0], cast["bob"], "negative")
    gold = make_gold(items[1])
    case = a.Case.objects.create(project=project, item=items[0], question="sentiment", disagreement=1.0)
    job = a.Import.objects.create(project=project, filename="x.csv", state="done", options={"format": "csv"})
    invitation = a.Invitation.objects.create(
        project=project, role="annotator", digest=uuid.uuid4().hex * 2, invited_by=cast["dave"]
    )
    dataset = e.Dataset.objects.create(project=project, name="Set", slug="set")
    version = e.DatasetVersion.objects.create(
        dataset=dataset, guideline_version=project.version, options={"questions": ["sentiment"]}, state="queued"
    )
    example = e.Example.objects.create(
        version=version, key="d1", split="test", text="SECRET-TEXT", gold={"sentiment": "positive"}, digest="0" * 64
    )
    e.DatasetVersion.objects.filter(pk=version.pk).update(
        state="done", major=1, minor=0, patch=0, frozen_at=timezone.now(), content_hash="sha256:0",
        counts={"test": {"n": 1, "labels": {"sentiment": {"positive": 1}}}},
    )  # fmt: skip
    benchmark = e.Benchmark.objects.create(version=version, question="sentiment")
    system = e.System.objects.create(project=project, name="majority", rerun={"recipe": "majority"})
    submission = e.Submission.objects.create(
        benchmark=benchmark, system=system, content_hash="sha256:1", state="done", created_by=cast["erin"]
    )
    refresh = e.Refresh.objects.create(dataset=dataset, state="done")
    run = Run.objects.create(version=version, question="sentiment", system=system, recipe="majority", state="done")
    member = project.memberships.get(user=cast["bob"])
    thread = a.Thread.objects.create(project=project, item=items[0], asker=cast["alice"])
    batch = a.Batch.objects.create(project=project, name="Monday")
    round_ = a.Round.objects.create(
        batch=a.Batch.objects.create(project=project, name="Round 1", purpose="calibration"),
        number=1,
        guideline_version=project.version,
        items=[items[2].pk],
    )
    round_.people.set([cast["alice"], cast["bob"]])
    alarm = a.Alarm.objects.create(
        project=project,
        person=cast["bob"],
        kind="fast",
        seen={"n": 30, "seconds": 1.0, "usual": 9.0, "part": 0.1},
        since=timezone.now(),
        until=timezone.now(),
    )
    act = a.SetAside.objects.create(
        project=project, person=cast["bob"], since=timezone.now(), until=timezone.now(), reason="x", effect={}
    )
    company = a.Company.objects.create(project=project, key="acme", name="Acme", words=" acme")
    shown = a.GuidelineExample.objects.create(project=project, item=items[1], question="sentiment", value="positive")
    a.Review.objects.create(project=project, asked_by=cast["dave"])
    publication = a.Publication.objects.create(
        project=project, schema=project.version.schema, earlier="stand", version=project.version, state="done"
    )
    errand = a.Errand.objects.create(project=project, what="look")
    export = e.Export.objects.create(
        version=version, format="jsonl", with_test_gold=True, by=cast["dave"], state="done"
    )
    sample = a.Sample.objects.create(project=project, name="First", seed=7, design={"by": [], "method": "simple"})
    cluster = a.Cluster.objects.create(project=project, kind="exact", size=1, similarity=1.0)
    a.ClusterMember.objects.create(cluster=cluster, item=items[0], place=0)
    a.PrivateHit.objects.create(project=project, document=items[0].document, start=0, end=4, kind="email", number=1)
    scan = a.Scan.objects.create(project=project, what="private", state="done")
    check = e.Check.objects.create(project=project, what="leaks", version=version, state="done")
    upload = e.Check.objects.create(what="upload", created_by=cast["dave"], state="done")
    elsewhere = io.BytesIO(b'{"id": 1, "text": "Profit rose.", "label": ["good"]}\n')
    move = moving.prepare(files=[("doccano.jsonl", elsewhere)], user=cast["dave"])
    return {
        "upload": upload.pk, "move": move.pk, "check": check.pk, "sample": sample.pk, "cluster": cluster.pk, "scan": scan.pk,
        "errand": errand.pk, "export": export.pk, "example_of_guideline": shown.pk, "publication": publication.pk,
        "project": project, "item": items[0].pk, "gold": gold.pk, "case": case.pk, "import": job.pk,
        "invitation": invitation.pk, "dataset": dataset.pk, "version": version.pk, "example": example.pk,
        "benchmark": benchmark.pk, "submission": submission.pk, "refresh": refresh.pk, "run": run.pk, "member": member.pk,
        "thread": thread.pk, "company": company.pk, "batch": batch.pk,
        "round": round_.pk, "alarm": alarm.pk, "act": act.pk, "person": cast["alice"].pk,
    }  # fmt: skip


def object_of(name: str) -> str:
    """Which object the pk of this address names."""
    short = name.rpartition(":")[2]
    for words, thing in (
        (("batch",), "batch"),
        (("export_now", "export-now", "exports-of-version"), "version"),
        (("export",), "export"),
        (("change_example", "api-example-of-guideline"), "example_of_guideline"),
        (("add_example",), "item"),
        (("publication",), "publication"),
        (("errand",), "errand"),
        (("sample",), "sample"),
        (("upload",), "upload"),
        (("check",), "check"),
        (("api-retired",), "dataset"),
        (("withdraw_submission", "score_again", "submission"), "submission"),
        (("dataset", "schedule", "refresh_now", "api-refreshes"), "dataset"),
        (("cluster",), "cluster"),
        (("scan",), "scan"),
        (("refresh",), "refresh"),
        (("run", "cancel_run"), "run"),
        (("start", "version", "freeze", "examples", "verify"), "version"),
        (("board", "submit", "leaderboard", "benchmark"), "benchmark"),
        (("case", "proposal", "send-back", "send_back", "take_back", "api-discussion", "discussion"), "case"),
        (("reply", "thread"), "thread"),
        (("redecide", "api-one-gold", "make_example"), "gold"),
        (("import",), "import"),
        (("withdraw", "api-invitation"), "invitation"),
        (("role", "member", "release"), "member"),
        (("alarm",), "alarm"),
        (("round", "discuss"), "round"),
        (("set_aside", "set-aside"), "act"),
        (("let_label",), "member"),
        (("person",), "person"),
        (("company",), "company"),
        (("item",), "item"),
        (("move",), "move"),
    ):
        if any(word in short for word in words):
            return thing
    raise AssertionError(f"tell this test what {name} names")


def address(name: str, pattern: URLPattern, there: dict[str, Any], slug: str) -> str:
    values: dict[str, Any] = {}
    for part in pattern.pattern.converters:
        values[part] = {
            "slug": slug,
            "number": 1,
            "question": "sentiment",
            "digest": "0" * 16,
            "token": "x" * 20,
            "form": "csv",
        }.get(part)
        if part == "pk":
            values[part] = there[object_of(name)]
    return reverse(name, kwargs=values)


def call(client: Client, verb: str, path: str, **extra: Any) -> Any:
    if verb == "get":
        return client.get(path, **extra)
    return getattr(client, verb)(path, data=json.dumps({}), content_type="application/json", **extra)


def counts() -> dict[str, int]:
    models = (a.Project, a.Thread, a.Remark, a.Membership, a.Batch, a.Invitation, a.GuidelineVersion, a.Import, a.Item, a.Annotation, a.Gold, a.Case, a.GuidelineExample, a.Review, a.ReviewRemark, a.Publication, a.Errand, a.Sample, a.Scan, a.Verdict, a.Cluster, a.PrivateHit, e.Dataset, e.DatasetVersion, e.Example, e.Check, e.Retirement, e.Export, e.Submission, e.Refresh, e.Schedule, Run)  # fmt: skip
    return {model.__name__: model.objects.count() for model in models}


def test_the_matrix_walks_every_address():
    assert len(PROJECT) > 60
    assert {name for name, _pattern in ALL} - {name for name, _pattern in PROJECT} - OPEN - OWN == set()


@pytest.mark.parametrize("verb", VERBS)
def test_eve_is_refused_at_every_address_with_every_verb(cast, verb):
    there = world(cast, "first")
    before = counts()
    eve = Client(raise_request_exception=False)
    eve.force_login(cast["eve"])
    for name, pattern in PROJECT:
        answer = call(eve, verb, address(name, pattern, there, "first"))
        assert answer.status_code in (404, 405) or (answer.status_code == 403 and verb != "get"), (
            name,
            verb,
            answer.status_code,
        )
        assert b"SECRET-TEXT" not in answer.content
    assert counts() == before


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_signed_in_is_sent_to_the_door(cast, verb):
    there = world(cast, "first")
    before = counts()
    nobody = Client(raise_request_exception=False)
    for name, pattern in PROJECT:
        answer = call(nobody, verb, address(name, pattern, there, "first"))
        assert answer.status_code in (302, 401, 403, 405), (name, verb, answer.status_code)
        if answer.status_code == 302:
            assert answer["Location"].startswith("/sign-in/"), name
    assert counts() == before


# On a second database the role with the most rights is enough.
@pytest.mark.parametrize("who", ["dave", *(pytest.param(who, marks=pytest.mark.slow) for who in ("alice", "carol", "erin"))])  # fmt: skip
def test_objects_of_a_foreign_project_are_not_found_under_ones_own(cast, who):
    world(cast, "first")
    others = {name: a.User.objects.create_user(f"other-{name}") for name in cast}
    there = world(others, "second")
    before = counts()
    client = Client(raise_request_exception=False)
    client.force_login(cast[who])
    for name, pattern in PROJECT:
        mixed = "pk" in pattern.pattern.converters
        for verb in VERBS:
            answer = call(client, verb, address(name, pattern, there, "second"))
            assert answer.status_code in (404, 405) or (answer.status_code == 403 and verb != "get"), (
                name,
                verb,
                answer.status_code,
            )
            if mixed:
                answer = call(client, verb, address(name, pattern, there, "first"))
                assert answer.status_code in (403, 404, 405), (name, verb, answer.status_code)
    assert counts() == before


# What each role may GET on pages (the rest is 403); the API follows the same gate.
MANAGER_ONLY = {
    "controls",
    "people",
    "person",
    "set_aside",
    "settings",
    "members",
    "imports",
    "import",
    "import_progress",
    "guideline_edit",
    "member",
    "member_ask_again",
    "reach",
    "batches",
    "new_batch",
    "samples",
    "sample",
    "batch",
    "publish",
    "publication",
    "publication_progress",
    "errand_progress",
    "freeze",
    "schedule",
}
ADJUDICATOR = {
    "coverage",
    "items",
    "item",
    "agreement",
    "agreement_progress",
    "agreement_cuts",
    "who_is_right",
    "causes",
    "decided",
    "adjudicate",
    "case",
    "redecide",
    "inbox",
    "history",
    "history_file",
    "quality",
    "quality_report",
    "guideline_review",
    "guideline_examples",
}
LABEL = {"label", "label_next", "label_mine", "label_threads", "work", "discussions"}
BOARDS = {"check", "check_progress", "check_pairs", "datasets", "version", "version_coverage", "version_progress", "examples", "board", "submission", "submission_progress", "refreshes", "refresh", "refresh_progress", "runs", "run", "run_progress", "run_log"}  # fmt: skip
RESEARCH = {"submit", "start"}
EVERYBODY = {"project", "guideline", "guideline_version", "guideline_compare"}


def allowed(who: str, short: str) -> bool:
    rights = {
        "alice": EVERYBODY | LABEL | CALIBRATE,
        "carol": EVERYBODY | ADJUDICATOR | BOARDS | CALIBRATE,
        "dave": EVERYBODY | ADJUDICATOR | BOARDS | MANAGER_ONLY | RESEARCH | CALIBRATE,
        "erin": EVERYBODY | BOARDS | RESEARCH,
    }
    return short in rights[who]


@pytest.mark.parametrize("who", ["alice", "carol", "dave", "erin"])
def test_every_page_opens_for_exactly_the_roles_that_may_see_it(cast, who):
    there = world(cast, "first")
    client = Client(raise_request_exception=False)
    client.force_login(cast[who])
    known = MANAGER_ONLY | ADJUDICATOR | LABEL | BOARDS | RESEARCH | EVERYBODY | CALIBRATE
    for name, pattern in PROJECT:
        short = name.rpartition(":")[2]
        if ":" not in name or short not in known:
            continue
        code = client.get(address(name, pattern, there, "first")).status_code
        assert code == (200 if allowed(who, short) else 403), (who, name, code)


API_READS = {
    "member": {"api-self-agreement", "api-project", "api-guideline", "api-annotations", "api-threads", "api-thread", "api-companies", "api-my-history", "api-guideline-compare"},
    "label": {"api-label", "api-label-mine", "api-work"},
    "adjudicate": {"api-coverage", "api-progress", "api-people", "api-items", "api-gold", "api-one-gold", "api-agreement", "api-beliefs", "api-cut-items", "api-cases", "api-case", "api-history", "api-guideline-review", "api-examples-of-guideline"},
    "manager": {"api-reach", "api-batches", "api-batch", "api-samples", "api-sample", "api-members", "api-invitations", "api-guideline-draft", "api-imports", "api-suggestions", "api-import", "api-import-refused", "api-publication"},
    "boards": {"api-check", "api-check-pairs", "api-retired", "api-version-coverage", "api-datasets", "api-schedule", "api-refreshes", "api-refresh", "api-versions", "api-version", "api-verify", "api-examples", "api-boards", "api-board", "api-board-submissions", "api-submission", "api-recipes", "api-runs", "api-run", "api-run-curve", "api-run-log"},
}  # fmt: skip
# What changes something and is nobody's to read; the right that the change needs.
API_WRITES = {
    "post": {"api-guideline-review": "manager", "api-examples-of-guideline": "adjudicate", "api-member-hand-on": "manager", "api-member-ask-again": "manager", "api-batches": "manager", "api-samples": "manager", "api-batch-reassign": "manager", "api-batch-give-back": "manager", "api-batch-close": "manager", "api-threads": "label", "api-thread": "member", "api-label": "label", "api-label-draft": "label", "api-settle": "manager", "api-member-release": "manager", "api-invitations": "manager", "api-imports": "manager", "api-suggestions": "manager", "api-items-priority": "manager", "api-guideline": "manager", "api-one-gold": "adjudicate", "api-case": "adjudicate", "api-case-proposal": "adjudicate", "api-versions": "manager", "api-preview": "manager", "api-retired": "manager", "api-version-leaks": "boards", "api-version-diff": "boards", "api-refreshes": "manager", "api-board-submissions": "research", "api-submission-score": "research", "api-companies": "manager", "api-runs": "research", "api-run-again": "research"},
    "put": {"api-coverage": "manager", "api-guideline-draft": "manager", "api-schedule": "manager"},
    "patch": {"api-guideline-review": "adjudicate", "api-example-of-guideline": "manager", "api-batch": "manager", "api-work": "label", "api-project": "manager", "api-member": "manager", "api-submission": "research"},
    "delete": {"api-sample": "manager", "api-publication": "manager", "api-guideline-review": "manager", "api-example-of-guideline": "manager", "api-member": "manager", "api-invitation": "manager", "api-import": "manager", "api-version": "manager", "api-submission": "research", "api-refresh": "manager", "api-run": "research"},
}  # fmt: skip
API_READS["adjudicate"] |= {"api-quality"}
# Exports: what another person took is found by managers alone.
BOARDS |= {"exports"}
MANAGER_ONLY |= {"dataset"}
API_READS["boards"] |= {"api-dataset"}
API_WRITES["patch"] |= {"api-dataset": "manager"}
API_READS["boards"] |= {"api-exports", "api-export", "api-export-file", "api-export-now"}
API_WRITES["post"] |= {"api-exports-of-version": "boards"}
API_WRITES["delete"] |= {"api-export": "boards"}
# Adjudication.
API_READS["label"] |= {"api-discussions", "api-guideline-told"}
API_WRITES["post"] |= {"api-guideline-told": "label"}
API_READS["adjudicate"] |= {"api-causes", "api-discussion"}
API_WRITES["post"] |= {"api-send-back": "adjudicate", "api-discussion": "adjudicate"}
API_WRITES["delete"] |= {"api-send-back": "adjudicate"}
API_WRITES["post"] |= {"api-quality": "adjudicate"}
# Control items, and work set aside.
API_READS["manager"] |= {"api-controls", "api-set-aside", "api-errand"}
API_WRITES["post"] |= dict.fromkeys(("api-items-role", "api-controls", "api-set-aside"), "manager")
API_WRITES["delete"] |= {"api-one-set-aside": "manager", "api-errand": "manager"}
# The qualification.
LABEL |= {"qualification", "qualify_next"}
MANAGER_ONLY |= {"manage_qualification"}
API_READS["label"] |= {"api-qualification"}
API_READS["manager"] |= {"api-qualification-results"}
API_WRITES["post"] |= {"api-qualification": "label", "api-qualification-answer": "label"}
API_WRITES["post"] |= dict.fromkeys(("api-qualification-results", "api-member-qualification"), "manager")
# Alarms.
MANAGER_ONLY |= {"alarms"}
API_READS["manager"] |= {"api-alarms"}
API_WRITES["post"] |= {"api-alarms": "manager"}
API_WRITES["patch"] |= {"api-alarm": "manager"}
# Duplicates and private data.
API_READS["manager"] |= {"api-import-cleaning"}
API_WRITES["post"] |= {"api-import-cleaning": "manager"}
MANAGER_ONLY |= {"duplicates", "cluster", "scan_progress", "private_data"}
API_READS["manager"] |= {"api-duplicates", "api-cluster", "api-scan", "api-private-data", "api-private-policy"}
API_WRITES["post"] |= dict.fromkeys(("api-duplicates", "api-cluster", "api-duplicates-rule", "api-duplicates-undo", "api-private-data", "api-private-search"), "manager")  # fmt: skip
API_WRITES["put"] |= {"api-private-policy": "manager"}
API_WRITES["delete"] |= {"api-cluster": "manager", "api-scan": "manager"}
# Checks of versions.
API_POSTED_BY_MANAGERS = ("version_retire", "check_cancel", "api-preview", "api-retired")
# Calibration rounds.
CALIBRATE = {"rounds", "round"}
API_READS["calibrate"] = {"api-rounds", "api-round"}
API_WRITES["post"] |= {"api-rounds": "manager", "api-round": "calibrate", "api-round-open": "manager"}
HAS = {
    "alice": {"member", "label", "calibrate"},
    "carol": {"member", "adjudicate", "boards", "calibrate"},
    "dave": {"member", "adjudicate", "boards", "manager", "research", "calibrate"},
    "erin": {"member", "boards", "research"},
}


@pytest.mark.parametrize("who", list(HAS))
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_api_is_refused_to_exactly_the_roles_that_have_no_right_to_it(cast, verb, who):
    there = world(cast, "first")
    client = Client(raise_request_exception=False)
    client.force_login(cast[who])
    reads = {name: right for right, names in API_READS.items() for name in names}
    wanted = reads if verb == "get" else API_WRITES[verb]
    pages = {name: pattern for name, pattern in PROJECT if ":" not in name}
    assert set(wanted) <= set(pages)
    for name, pattern in pages.items():
        with transaction.atomic():
            code = call(client, verb, address(name, pattern, there, "first")).status_code
            transaction.set_rollback(True)  # one call shall not take away what the next one names
        if name not in wanted:
            assert code in (403, 405), (who, verb, name, code)
        else:
            assert (code == 403) == (wanted[name] not in HAS[who]), (who, verb, name, code)
            assert code not in (405, 500), (who, verb, name, code)


@pytest.mark.parametrize("who", ["alice", "carol", "erin"])
def test_no_post_of_a_member_without_the_right_changes_anything(cast, who):
    there = world(cast, "first")
    client = Client(raise_request_exception=False)
    client.force_login(cast[who])
    before = counts()
    manager_posts = ("settings", "items_priority", "api-items-priority", "invite", "withdraw", "change_role", "remove_member", "release", "restrict_member", "member_hand_on", "member_give_back", "member_ask_again", "item_slot", "api-member-hand-on", "api-member-ask-again", "new_batch", "batch", "batch_reassign", "batch_give_back", "batch_close", "api-batches", "api-batch", "api-batch-reassign", "api-batch-give-back", "api-batch-close", "imports", "import_cancel", "guideline_edit", "publish", "publication_cancel", "api-publication", "change_example", "api-example-of-guideline", "settle_all", "freeze", "cancel_freeze", "schedule", "refresh_now", "cancel_refresh", "api-project", "api-imports", "api-import", "api-invitations", "api-invitation", "api-member", "api-member-release", "api-guideline", "api-guideline-draft", "api-settle", "api-versions", "api-version", "api-schedule", "api-refreshes", "api-refresh")  # fmt: skip
    manager_posts += ("items_role", "item_role", "draw_controls", "set_aside", "revert_set_aside", "errand_cancel", "api-errand", "api-items-role", "api-controls", "api-set-aside", "api-one-set-aside")  # fmt: skip
    manager_posts += API_POSTED_BY_MANAGERS
    manager_posts += ("samples", "sample_take_back", "api-samples", "api-sample")
    manager_posts += ("alarms", "dismiss_alarm", "api-alarms", "api-alarm")
    manager_posts += ("open_round", "api-round-open")
    manager_posts += ("import_clean", "api-import-cleaning")
    manager_posts += ("duplicates", "cluster", "duplicates_rule", "duplicates_undo", "scan_cancel", "api-duplicates", "api-cluster", "api-duplicates-rule", "api-duplicates-undo", "api-scan", "private_data", "decide_private", "private_policy", "api-private-data", "api-private-policy", "api-private-search")  # fmt: skip
    manager_posts += ("manage_qualification", "explain_item", "let_label", "api-qualification-results", "api-member-qualification")  # fmt: skip
    for name, pattern in PROJECT:
        if name.rpartition(":")[2] in manager_posts:
            for verb in ("post", "put", "patch", "delete"):
                code = call(client, verb, address(name, pattern, there, "first")).status_code
                assert code in (403, 405), (who, name, verb, code)
    assert counts() == before


def test_test_gold_is_not_in_any_answer_to_a_researcher(cast):
    there = world(cast, "first")
    client = Client(raise_request_exception=False)
    client.force_login(cast["erin"])
    page = client.get(reverse("evaluation:examples", args=["first", there["version"]])).content.decode()
    assert "SECRET-TEXT" in page
    row = page[page.index("SECRET-TEXT") : page.index("SECRET-TEXT") + 400]
    assert "positive" not in row.lower()


def test_a_token_opens_the_api_and_a_revoked_or_expired_one_does_not(cast):
    make_project(cast)
    row, token = AuthToken.objects.create(user=cast["dave"], expiry=timedelta(days=1))
    header = {"HTTP_AUTHORIZATION": f"Token {token}"}
    assert Client().get("/api/v1/projects/", **header).status_code == 200
    row.expiry = timezone.now() - timedelta(seconds=1)
    row.save()
    assert Client().get("/api/v1/projects/", **header).status_code == 401
    assert Client().get("/api/v1/projects/").status_code == 401


def test_author_gold_and_time_are_set_by_the_server_alone(cast):
    project = make_project(cast)
    items = make_items(project, 1)
    client = Client()
    client.force_login(cast["alice"])
    desk = client.get(f"/api/v1/projects/{project.slug}/label/").json()
    given = desk["items"][0]
    answer = client.post(
        f"/api/v1/projects/{project.slug}/label/",
        data=json.dumps(
            {
                "client_id": str(uuid.uuid4()), "assignment": given["assignment"], "token": given["token"],
                "version": desk["version"], "answer": {"sentiment": "positive"}, "annotator": cast["bob"].pk,
                "updated_at": "1999-01-01T00:00:00Z", "independent": False, "project": 999,
            }
        ),
        content_type="application/json",
    )  # fmt: skip
    assert answer.status_code == 200, answer.content
    row = a.Annotation.objects.get(item=items[0])
    assert (row.annotator, row.independent, row.project) == (cast["alice"], True, project)
    assert row.updated_at.year > 2000
