"""How far people agreed on the examples of a version on its way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotation import measuring
from annotation.agreement.kinds import AGREEMENTS
from annotation.jobs import State
from annotation.kinds import KINDS
from annotation.models import AgreementReport, Annotation, GuidelineVersion, Item, Project

DRAWS = 2000
SEED = 20260514


@dataclass(frozen=True)
class Agreement:
    """keys: item -> the key of its example, of the examples in the version alone."""

    project: Project
    guideline: GuidelineVersion
    keys: Mapping[int, str]

    def of(self, questions: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """question -> its main figures of agreement with intervals, among the answers to the frozen examples."""
        found = {}
        for question in questions:
            if figures := self._on(question):
                found[question["name"]] = figures
        under = self._answered_under() if found else {}
        return {name: {**figures, "guideline_versions": under} for name, figures in found.items()}

    def _answered_under(self) -> dict[str, int]:
        """guideline version -> independent answers to the frozen examples that were given, or renamed, under it."""
        rows = Annotation.objects.submitted().filter(project=self.project, independent=True, item__role=Item.Role.WORK)
        found: Counter[int] = Counter()
        for item, number in rows.values_list("item_id", "guideline_version__number").iterator(chunk_size=5000):
            found[number] += item in self.keys
        return {str(number): count for number, count in sorted(found.items()) if count}

    def _on(self, question: dict[str, Any]) -> dict[str, Any]:
        given = {
            (self.keys[int(item)], rater): value
            for item, rater, value in measuring.triples(project=self.project, question=question["name"])
            if int(item) in self.keys and _is_answer(value, question)
        }
        per_unit = Counter(unit for unit, _rater in given)
        if len(raters := {rater for _unit, rater in given}) < 2:
            return {}
        agreement = AGREEMENTS[question["kind"]]
        triples = ((unit, rater, value) for (unit, rater), value in given.items())
        figures = agreement.brief(triples, question=question, draws=DRAWS, seed=SEED)
        main = next(iter(figures))
        return {
            "n_units": len(per_unit),
            "n_units_2plus": sum(1 for count in per_unit.values() if count > 1),
            "n_raters": len(raters),
            "figures": figures,
            "main": main,
            "level": agreement.level_of(question),
            # What a board shows of it.
            "alpha": figures[main],
            "percent": figures.get("percent"),
            **self._left_open(question["name"], main),
        }

    def _left_open(self, question: str, main: str) -> dict[str, Any]:
        """How many items wait for a decision and so are not in the version, and the figure of all answers.

        all: what Agreement tells at the freeze; None where that is not measured, or older than the last answer.
        """
        cases = self.project.cases.open().filter(question=question, item__role=Item.Role.WORK)
        # One of a sample of what agrees does not differ.
        items = cases.exclude(why="agreed").values_list("item_id", flat=True)
        count = sum(1 for item in set(items) if item not in self.keys)
        if not count:
            return {"open": 0, "all": None}
        rows = AgreementReport.objects.filter(guideline_version=self.guideline, question=question, state=State.DONE)
        report = rows.first()
        known = report is not None and not measuring.is_stale(report, self.guideline)
        return {"open": count, "all": report.figures.get(main) if report and known else None}


def _is_answer(value: Any, question: dict[str, Any]) -> bool:
    """Whether an answer given under an earlier guideline is still one."""
    try:
        KINDS[question["kind"]].clean(value, question)
    except ValueError:
        return False
    return True
