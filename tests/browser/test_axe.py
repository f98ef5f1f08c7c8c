"""axe-core over every page, dialog and kind of question, light and dark: nothing serious or critical is found."""

from importlib.metadata import distribution
from io import BytesIO
from typing import Any

import pytest

from annotation import companies
from annotation import models as a
from annotation import schema as schemas
from annotation.kinds import KINDS as KIND
from evaluation import models as e
from tests.annotation.worlds import answer, lease
from tests.browser.pages import Keys, Window
from tests.browser.test_pages import pages_of
from tests.conftest import make_annotation, make_gold, make_items, make_project, set_schema
from tests.evaluation.test_kinds_loop import KINDS, TEXTS, VARIANTS, WITH
from tests.evaluation.worlds import freeze, gold_of, submit
from tests.test_permissions import world
from training import folder

pytestmark = pytest.mark.browser
# The script alone; the package's own driver is not used.
AXE = distribution("selenium-axe-python").locate_file("selenium_axe_python/axe-core/axe.min.js").read_text("utf-8")  # type: ignore[attr-defined]
TAGS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
SERIOUS = ("serious", "critical")
RUN = """
  const [where, only, done] = arguments;
  axe.run(where ?? document, { runOnly: only, resultTypes: ["violations"], iframes: false, preload: false }).then(
    ({ violations }) => done(violations.map(({ id, impact, help, nodes }) => [id, impact, help, nodes.map(({ target }) => target.join(" "))])),
    (problem) => done([["axe", "critical", String(problem), []]]),
  );
"""


class Look:
    """What axe says of the pages that were shown to it."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.faults: list[str] = []
        self.seen: list[str] = []

    def at(self, name: str, where: str | None = None, *, dark: bool = True) -> None:
        """Look at the page as it stands, or at one part of it; in the dark at its colours alone."""
        if not self.window.js("return Boolean(window.axe)"):
            self.window.js(AXE)
        self.seen.append(name)
        self.window.dark(on=False)
        self._run(name, where, TAGS)
        if dark:
            self.window.dark(on=True)
            self._run(f"{name}, dark", where, COLOURS)

    def over(self, paths: list[str], who: str, *, dark: bool = True) -> None:
        """Open these pages one after another, with all that folds unfolded, and look."""
        for path in paths:
            self.window.open(path)
            if path.endswith("/label/"):
                self.window.ready()
            self.unfold()
            self.at(f"{who} {path}", dark=dark)

    def unfold(self) -> None:
        """Open all that folds, but for the menu that would lie over the page."""
        self.window.js("for (const one of document.querySelectorAll('details:not(.menu)')) one.open = true")

    def _run(self, name: str, where: str | None, only: dict[str, Any]) -> None:
        for rule, impact, help_, nodes in self.window.driver.execute_async_script(RUN, where, only):
            if impact in SERIOUS:
                self.faults.append(f"{name}: {rule} ({impact}: {help_}) {' | '.join(nodes[:5])} [{len(nodes)}]")

    def done(self, least: int) -> None:
        """All that was found, and that enough was looked at."""
        assert len(self.seen) >= least, self.seen
        if self.faults:
            pytest.fail("\n".join(self.faults), pytrace=False)


@pytest.fixture
def look(window: Window) -> Look:
    window.wide()
    window.driver.set_script_timeout(60)
    return Look(window)


def test_what_is_wrong_with_a_page_is_found(look, project):
    look.window.open("/sign-in/")
    look.window.js("""
        const [field, words, button] = ["input", "p", "button"].map((name) => document.createElement(name));
        words.textContent = "These words can hardly be read.";
        words.style.color = "#999";
        words.style.background = "#fff";
        button.append(document.createElement("span"));
        document.querySelector("main").append(field, words, button);
    """)
    look.at("a bad page")
    found = {tuple(fault.split(" (")[0].split(": ")) for fault in look.faults}
    assert found >= {("a bad page", "label"), ("a bad page", "color-contrast"), ("a bad page", "button-name")}
    assert ("a bad page, dark", "color-contrast") in found


@pytest.fixture
def there(site, cast) -> dict[str, Any]:
    """One of everything, with something in it."""
    there = world(cast, "first")
    project = there["project"]
    a.Project.objects.update(undecided=True, confidence="three")
    project.memberships.filter(user=cast["dave"]).update(labels=True)
    [item, *_] = make_items(project, ["利润下降 20%。 https://example.org/", "Short."], issuer="Acme", title="Results")
    make_annotation(item, cast["bob"], comment="Not sure.", flagged=True)
    problems = [{"row": 2, "problem": "There is no text."}]
    a.Import.objects.filter(pk=there["import"]).update(report={"rows": 3, "new": 2, "refused": 1, "problems": problems})
    return there


def test_no_page_has_a_serious_fault_for_the_manager(look, cast, there, monkeypatch):
    points = [{"step": step, "loss": 1 / step, "dev": {"macro_f1": 0.5, "accuracy": 0.6}} for step in (10, 20, 30)]
    monkeypatch.setattr(folder, "curve", lambda run: points)
    look.window.sign_in(cast["dave"])
    look.over(pages_of(cast["dave"], there), "dave")
    look.window.click(".menu summary")
    look.at("the menu of a person", ".menu")
    look.done(30)


def test_no_page_has_a_serious_fault_for_the_others_and_at_the_doors(look, cast, there):
    look.window.expected.append("404 (Not Found)")
    look.over(["/sign-in/", "/join/no-such-invitation/", "/nowhere/"], "nobody")
    look.window.open("/sign-in/")
    look.window.type("[name=username]", "alice")
    look.window.type("[name=password]", "wrong")
    look.window.follow("main form button")
    look.at("the sign-in page after a wrong password")
    for name in ("alice", "carol"):
        look.window.sign_in(cast[name])
        # The colours are those of the manager's pages.
        look.over(pages_of(cast[name], there), name, dark=False)
    look.done(25)


def test_no_dialog_and_no_state_of_the_labelling_page_has_a_serious_fault(look, cast, there):
    window, project = look.window, there["project"]
    answered = project.items.filter(assignments__state="open").first()
    make_annotation(answered, cast["dave"], comment="Not sure.")
    window.sign_in(cast["dave"])
    window.label(project)
    for what in ("comment", "flag", "find"):
        window.click(f"[data-do={what}]")
    look.at("the labelling page with all its fields")
    window.press(Keys.ESCAPE)
    for what in ("skip", "undecided", "ask", "back", "help", "guideline"):
        window.click(f"[data-do={what}]")
        window.until(lambda what=what: window.shown(f"#{what}-dialog"), f"{what} does not open")
        if what == "back":
            window.until(lambda: window.all("#mine button"), "the list stays empty")
        if what == "ask":
            window.type("#ask-text", "Is this positive?")
            window.click("#ask-form button")
            window.until(lambda: window.all("#ask-threads > *"), "the question does not appear")
        look.unfold()
        look.at(f"the dialog {what}", f"#{what}-dialog")
        window.click(f"#{what}-dialog [data-close]")
    window.click("nav.keys [data-do=pause]")
    look.at("the labelling page, paused")
    a.Assignment.objects.exclude(state="done").delete()
    window.label(project)
    window.until(lambda: window.shown("#end"), "there is something left to label")
    look.at("the labelling page with nothing left")
    look.done(9)


def test_the_question_which_of_two_answers_stands_has_no_serious_fault(look, cast, project):
    window = look.window
    make_items(project, 2)
    window.expected.append("409 (Conflict)")
    window.sign_in(cast["alice"])
    window.label(project)
    first = window.item()
    one, other = window.another_tab(project)
    window.driver.switch_to.window(one)
    window.press("1")
    window.until(lambda: window.item() != first)
    window.saved()
    window.driver.switch_to.window(other)
    window.press("3")
    window.asked()
    look.at("the dialog of two answers", "#conflict-dialog")
    look.done(1)


# Settings that a page draws in another way: a search over many labels, labels under labels, buttons, ranks, one line.
MORE: dict[str, tuple[dict[str, Any], list[Any]]] = {
    **VARIANTS,
    "many": ({"kind": "choice", "labels": [*(f"topic {n}" for n in range(20)), {"name": "below", "parent": "topic 1"}]}, ["topic 1", "below"]),
    "likert": ({"kind": "score", "min": 1, "max": 5, "step": 1, "level": "ordinal"}, [1, 5]),
    "ranks": ({"kind": "preference", "mode": "ranking"}, [{"order": [["a"], ["b"]]}, {"order": [["b"], ["a"]]}]),
    "line": ({"kind": "text", "required": False}, ["up", "down"]),
}  # fmt: skip
ASKED = {**{kind: ({"kind": kind, **settings}, values) for kind, (settings, values) in KINDS.items()}, **MORE}


@pytest.fixture
def every(site, cast) -> tuple[a.Project, a.Item]:
    """A project that asks every kind of question, frozen with a board each; alice and bob differ on one item, another waits."""
    project = make_project(cast, slug="every", overlap=2, confidence="three")
    questions = [{"name": name, **settings} for name, (settings, _values) in ASKED.items()]
    set_schema(project, schemas.check({"questions": questions}))
    file = BytesIO(b"key,name,ticker\nAAPL,Apple,AAPL\nAPP,Applied,\n")
    assert companies.bring(project=project, file=file, filename="companies.csv").new == 2
    items = make_items(project, TEXTS[:6], slots=0, **WITH["preference"])
    for place, item in enumerate(items):
        for question, (_settings, values) in ASKED.items():
            make_gold(item, values[place % len(values)], question=question)
    version = freeze(project, shares={"test": 1.0})
    assert version.state == "done", version.message
    for board in e.Benchmark.objects.filter(version=version, question__in=KINDS).select_related("version__dataset__project", "version__guideline_version"):  # fmt: skip
        column = KIND[board.question].column
        submit(board, "Right", [{"id": key, column: value} for key, value in gold_of(board).items()])
    differing, _waiting = make_items(project, TEXTS[6:8], language="en", published_at="2024-05-31", **WITH["preference"])  # fmt: skip
    for name, place in (("alice", 1), ("bob", 0)):
        given = {question: values[place] for question, (_settings, values) in ASKED.items()}
        answer(project, cast[name], lease(differing, cast[name]), answer=given)
    return project, differing


def test_no_kind_of_question_has_a_serious_fault(look, cast, every):
    window, (project, item) = look.window, every
    window.sign_in(cast["alice"])
    window.label(project)
    look.at("alice labels every kind")
    window.open("/")
    window.open(f"/p/{project.slug}/label/#assignment={item.assignments.get(annotator=cast['alice']).pk}")
    window.ready()
    window.until(lambda: len(window.all(".mine-marks .entry")) == 3, "her answer does not come")
    for place in range(3):
        window.js("document.querySelectorAll('.mine-marks .entry')[arguments[0]].click()", place)
        window.until(lambda: window.all(".mine-marks .hot"), "no mark is in hand")
        look.at(f"alice corrects every kind, mark {place}")
        if window.all(".mine-marks [role=combobox]"):
            window.type(".mine-marks [role=combobox]", "app")
            window.until(lambda: len(window.all(".mine-marks [role=option]")) == 2, "no company is offered")
            look.at("alice links a mark with a company")
    window.phone()
    # As high as all that is on it, so that nothing lies under the button that stays at its foot.
    window.cdp("Emulation.setDeviceMetricsOverride", width=390, height=6000, deviceScaleFactor=1, mobile=True)
    look.at("alice corrects every kind on a telephone")
    window.wide()
    window.sign_in(cast["carol"])
    here = f"/p/{project.slug}/"
    cases = a.Case.objects.filter(item=item).order_by("question")
    assert [case.question for case in cases] == sorted(ASKED)
    for case in cases:
        window.open(f"{here}adjudicate/{case.pk}/")
        look.unfold()
        look.at(f"carol's case of {case.question}")
        if window.all("[data-take]"):
            window.click("[data-take]")
            look.at(f"carol's case of {case.question}, an answer taken", dark=False)
    window.sign_in(cast["dave"])
    pages = ["companies/", "guideline/", "guideline/edit/", "items/", f"items/{item.pk}/", "adjudicate/"]
    for board in e.Benchmark.objects.filter(question__in=KINDS).order_by("question"):
        pages += [f"boards/{board.pk}/", f"submissions/{board.submissions.get().pk}/", f"agreement/?question={board.question}"]  # fmt: skip
    pages += [f"versions/{board.version_id}/", f"versions/{board.version_id}/examples/"]
    look.over([here + page for page in pages], "dave")
    look.done(50)
