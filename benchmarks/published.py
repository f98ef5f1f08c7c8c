"""Published values of agreement beside ours: a table of every case of a file, and whether ours lies within its tolerance.

python benchmarks/published.py CASES.json [--markdown] [--failed]

A case is {"name", "source", "measure", "level", "expected", "tolerance"} with "matrix" (raters x units, null for no
answer), or "data" where a measure needs another form; see MEASURES for the measures that are known.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotation import agreement
from annotation.agreement import aggregation, distances, gamma, icc, metric, nominal, spans, unitizing, weighted
from annotation.kinds import choices

Case = dict[str, Any]


def ratings(matrix: list[list[Any]]) -> agreement.Ratings:
    """Ratings from raters x units, None for a missing answer; numbers in their order, raters named by their row."""
    seen = sorted({value for row in matrix for value in row if value is not None})
    named = {value: str(value) for value in seen}
    return agreement.from_triples(_triples(matrix, named.__getitem__), categories=[named[value] for value in seen])


def _triples(matrix: list[list[Any]], name: Callable[[Any], Any]) -> Iterator[tuple[str, str, Any]]:
    for rater, row in enumerate(matrix):
        for unit, value in enumerate(row):
            if value is not None:
                yield f"{unit:05}", f"{rater:02}", name(value)


def of_two(measure: Callable[[agreement.Ratings, str, str], float]) -> Callable[[Case], float]:
    """A measure of the first two rows of a matrix."""
    return lambda case: measure(ratings(case["matrix"]), "00", "01")


def of_all(measure: Callable[[agreement.Ratings], Any]) -> Callable[[Case], Any]:
    """A measure of the whole matrix."""
    return lambda case: measure(ratings(case["matrix"]))


def alpha(case: Case) -> float:
    """Krippendorff's alpha at the level of the case; for sets with a distance between them."""
    if not case["level"].startswith("set"):
        return agreement.krippendorff_alpha(ratings(case["matrix"]), case["level"])
    apart = choices.jaccard if case["level"] == "set_jaccard" else _masi
    r, values = distances.coded(_triples(case["matrix"], lambda labels: sorted(map(str, labels))))
    return distances.alpha(r, distances.matrix(values, apart))


def _masi(one: Any, other: Any) -> float:
    return choices.distance([str(x) for x in one], [str(x) for x in other], {})


def kappa_weighted(weights: Any) -> Callable[[Case], float]:
    """Weighted kappa of a table, or of the first two rows; the numbers of a scale say how far apart they are."""

    def measure(case: Case) -> float:
        if case.get("table"):
            return metric.weighted_kappa(np.array(case["table"], float), case.get("weights", weights))
        r = ratings(case["matrix"])
        try:
            places = metric.numbers(r.categories)
        except ValueError:
            places = None
        table = agreement.pair_confusion(r, "00", "01").astype(float)
        return metric.weighted_kappa(table, case.get("weights", weights), places=places)

    return measure


def ac2(kind: weighted.Weights) -> Callable[[Case], float]:
    """AC2 over the categories that are in use, which numbers may lie apart unevenly."""

    def measure(case: Case) -> float:
        r = ratings(case["matrix"])
        x = metric.numbers(r.categories)
        places = np.arange(len(x), dtype=float) if kind == "ordinal" else x - x.min()
        w = weighted.weights(kind, places, float(places.max()))
        sums = weighted.columns(r.counts, w).sum(axis=0)
        return float(weighted.ac2_of(sums, len(x), float(w.sum())))

    return measure


def intraclass(form: str) -> Callable[[Case], float]:
    """An intraclass correlation of a matrix; ICC(1) also of one with gaps."""

    def measure(case: Case) -> float:
        table = np.array([[np.nan if x is None else x for x in row] for row in case["matrix"]], dtype=float).T
        if form == "icc_1":
            return float(icc.one_way_of(icc.one_way_columns(table).sum(axis=0)))
        table = table[np.isfinite(table).all(axis=1)]
        return float(icc.forms_of(icc.columns(table).sum(axis=0), table.shape[1])[icc.FORMS.index(form)])

    return measure


def unitizing_alpha(case: Case) -> float:
    """alpha for unitizing of the category that the name of the case ends with."""
    data, category = case["data"], case["name"].rpartition("_alphaU_")[2]
    begin = data["begin"]
    units = [[(start - begin, start - begin + size) for start, size in said] for said in data["units"][category]]
    return unitizing.alpha_u([(data["length"], units)])


def gamma_of(case: Case) -> float:
    """gamma of the units of each annotator: [annotator, category, start, end]."""
    people = sorted({row[0] for row in case["data"]})
    continuum = [[(start, end, name) for who, name, start, end in case["data"] if who == one] for one in people]
    return gamma.gamma(continuum, seed=1, precision=0.01)


def span_f1(name: str) -> Callable[[Case], float]:
    """A pairwise F1 of two taggers, each a list of sentences in BIO."""

    def measure(case: Case) -> float:
        rows = [
            (f"{place:04}", who, _marks(tags)) for who in ("a", "b") for place, tags in enumerate(case["data"][who])
        ]
        units = spans.units_of(rows, {})
        return spans.main(units, None, draws=10, seed=1)[name].value

    return measure


def _marks(tags: list[str]) -> list[dict[str, Any]]:
    """BIO tags of tokens as marks; a token is one character long."""
    found: list[dict[str, Any]] = []
    for place, tag in enumerate(tags):
        kind, _, label = tag.partition("-")
        if kind == "B" or (kind == "I" and (not found or found[-1]["end"] != place or found[-1]["label"] != label)):
            found.append({"start": place, "end": place + 1, "label": label})
        elif kind == "I":
            found[-1]["end"] = place + 1
    return found


def dawid_skene(case: Case, cases: list[Case]) -> aggregation.Belief:
    """Maximum likelihood, without the smoothing that the platform adds, as it is published."""
    data = case["data"]
    if isinstance(data, str):  # "see NAME.data"
        named = data.removeprefix("see ").removesuffix(".data")
        data = next(each for each in cases if each["name"] == named)["data"]
    rows = np.array(data["triples_item_observer_label"], dtype=np.int32)
    rows -= rows.min(axis=0)
    shape = tuple(int(n) for n in rows.max(axis=0) + 1)
    return aggregation.dawid_skene(aggregation.Votes(*rows.T, shape), smoothing=0)  # type: ignore[arg-type]


def ac1_interval(case: Case) -> list[float]:
    """AC1's asymptotic interval at 95 %, by Student's t."""
    value, error, n = weighted.ac1_error(ratings(case["matrix"]).counts)
    away = float(student.ppf(0.975, n - 1)) * error
    return [value - away, value + away]


MEASURES: dict[str, Callable[[Case], Any]] = {
    "krippendorff_alpha": alpha,
    "cohen_kappa": of_two(agreement.cohen_kappa),
    "cohen_kappa_linear": kappa_weighted("linear"),
    "weighted_kappa_linear": kappa_weighted("linear"),
    "cohen_kappa_quadratic": kappa_weighted("quadratic"),
    "weighted_kappa_quadratic": kappa_weighted("quadratic"),
    "weighted_kappa": kappa_weighted("quadratic"),
    "cohen_kappa_ase": of_two(lambda r, a, b: weighted.kappa_error(agreement.pair_confusion(r, a, b).astype(float))),
    "scott_pi": of_two(agreement.scott_pi),
    "light_kappa": of_all(agreement.light_kappa),
    "fleiss_kappa": of_all(agreement.fleiss_kappa),
    "fleiss_kappa_missing": of_all(agreement.fleiss_kappa),
    "fleiss_kappa_per_category": of_all(lambda r: agreement.fleiss_kappa_per_category(r).tolist()),
    "gwet_ac1": of_all(agreement.gwet_ac1),
    "gwet_ac1_ci95": ac1_interval,
    "gwet_ac2_linear": ac2("linear"),
    "gwet_ac2_quadratic": ac2("quadratic"),
    "gwet_ac2_ordinal": ac2("ordinal"),
    "brennan_prediger": of_all(agreement.brennan_prediger),
    "bennett_s": of_all(agreement.brennan_prediger),
    "randolph_kappa_free": of_all(agreement.brennan_prediger),
    "conger_kappa": of_all(agreement.conger_kappa),
    "percent_agreement": of_all(agreement.percent_agreement),
    "percent_agreement_value_weighted": of_all(lambda r: float(np.trace(nominal.confusion(r)) / nominal.confusion(r).sum())),
    "icc1": intraclass("icc_1"),
    "icc2": intraclass("icc_a1"),
    "icc3": intraclass("icc_c1"),
    "icc1k": intraclass("icc_1k"),
    "icc2k": intraclass("icc_ak"),
    "icc3k": intraclass("icc_ck"),
    "masi_distance": lambda case: _masi(*(row[0] for row in case["matrix"])),
    "jaccard_distance": lambda case: choices.jaccard(*(row[0] for row in case["matrix"])),
    "alpha_u_unitizing": unitizing_alpha,
    "gamma": gamma_of,
    "span_f1_strict": span_f1("exact_f1"),
    "span_f1_exact": span_f1("boundary_f1"),
    "span_f1_partial": span_f1("partial_f1"),
    "span_f1_ent_type": span_f1("overlap_f1"),
}  # fmt: skip


def ours(case: Case, cases: list[Case]) -> Any:
    """Our value of a case: a number, or numbers in lists. Raises KeyError for a measure that is not known."""
    if case["measure"] == "dawid_skene_marginals":
        return dawid_skene(case, cases).share.tolist()
    if case["measure"] == "dawid_skene_confusion":
        observer = int(case["name"].rpartition("observer")[2]) - 1
        return dawid_skene(case, cases).confusion[observer].tolist()
    return MEASURES[case["measure"]](case)


def holds(case: Case, found: Any) -> bool:
    """Whether every number lies within the tolerance of the case."""
    gap = np.abs(np.asarray(found, dtype=float) - np.asarray(case["expected"], dtype=float))
    return bool((gap <= case["tolerance"] + 1e-12).all())


def words(value: Any) -> str:
    """A number with four digits behind the point; lists in brackets."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(words, value)) + "]"
    return f"{value + 0.0:.4f}"


def main() -> int:
    """Print the table; 1 where a case fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--markdown", action="store_true", help="as a table for the documentation")
    parser.add_argument("--failed", action="store_true", help="only what fails")
    asked = parser.parse_args()
    cases: list[Case] = json.loads(asked.cases.read_text(encoding="utf-8"))
    if asked.markdown:
        print("| case | source | published | ours |\n|---|---|---|---|")
    failed = 0
    for case in cases:
        found = ours(case, cases)
        right = holds(case, found)
        failed += not right
        if right and asked.failed:
            continue
        cells = [case["name"], short(case["source"]), words(case["expected"]), words(found)]
        print(f"| {' | '.join(cells)} |" if asked.markdown else f"{'ok  ' if right else 'FAIL'} {'  '.join(cells)}")
    print(f"{len(cases) - failed} of {len(cases)} within their tolerance", file=sys.stderr)
    return bool(failed)


def short(source: str) -> str:
    """The beginning of a source, as long as a table bears it."""
    plain = " ".join(source.replace("|", "/").split())
    return plain if len(plain) <= 70 else plain[:69].rsplit(" ", 1)[0].rstrip(",;(") + " …"


if __name__ == "__main__":
    sys.exit(main())
