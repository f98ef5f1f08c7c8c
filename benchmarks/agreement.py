"""CPU seconds and memory of agreement on made answers: alpha with its bootstrap, beside the krippendorff package.

python benchmarks/agreement.py [--units 100000] [--raters 5] [--labels 3] [--draws 1000] [--missing 0.2] [--alpha]
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import krippendorff
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from annotation.agreement import (
    Ratings,
    aggregation,
    bootstrap,
    bootstrap_cohen,
    cohen_matrix,
    from_triples,
    krippendorff_alpha,
    report,
)

T = TypeVar("T")


def made_answers(*, units: int, raters: int, labels: int, missing: float, seed: int = 0) -> np.ndarray:
    """Raters who give the true label three times in four, else a random one: float64[raters, units], nan missing."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(labels, size=units)
    guess = rng.integers(labels, size=(raters, units))
    answers = np.where(rng.random((raters, units)) < 0.75, truth, guess).astype(float)
    answers[rng.random((raters, units)) < missing] = np.nan
    return answers


def measured(what: str, work: Callable[[], T]) -> T:
    """Print the CPU seconds of the work and the peak memory of the process so far."""
    start = time.process_time()
    result = work()
    seconds, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<58} {seconds:8.3f} CPU s   peak {peak:6.0f} MB", flush=True)
    return result


def others(r: Ratings, triples: list[tuple[str, str, str]], labels: list[str], draws: int) -> None:
    """What else a report is made of."""
    documents = {unit: unit[:-1] for unit in r.units}
    grouped = from_triples(triples, categories=labels, groups=documents)
    measured(
        "alpha with interval, documents of 10 units as draws",
        lambda: bootstrap(grouped, ["krippendorff_alpha"], draws=draws, seed=1),
    )
    measured("Cohen's kappa of all pairs", lambda: cohen_matrix(r))
    measured("Cohen's kappa of all pairs with intervals", lambda: bootstrap_cohen(r, draws=draws, seed=1))
    votes = aggregation.votes(r)
    for name, method in aggregation.METHODS.items():
        measured(f"who is right, {name}", lambda method=method: method(votes))  # type: ignore[misc]
    measured("whole report from triples", lambda: report(triples, categories=labels, draws=draws))


def main() -> None:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("units", 100_000), ("raters", 5), ("labels", 3), ("draws", 1000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--missing", type=float, default=0.2)
    parser.add_argument("--alpha", action="store_true", help="alpha and the package alone")
    asked = parser.parse_args()
    answers = made_answers(units=asked.units, raters=asked.raters, labels=asked.labels, missing=asked.missing)
    labels = [f"label{k}" for k in range(asked.labels)]
    triples = [(f"unit{u:07}", f"rater{g:03}", labels[int(answers[g, u])]) for g, u in np.argwhere(~np.isnan(answers))]
    print(f"{asked.units:,} units, {asked.raters} raters, {asked.labels} labels, {len(triples):,} answers")
    print(f"{asked.draws:,} draws for each interval")

    r = measured("ratings from triples", lambda: from_triples(triples, categories=labels))
    ours = measured("alpha", lambda: krippendorff_alpha(r))
    interval = measured(
        "alpha with interval, units as draws", lambda: bootstrap(r, ["krippendorff_alpha"], draws=asked.draws, seed=1)
    )["krippendorff_alpha"]
    if not asked.alpha:
        others(r, triples, labels, asked.draws)
    theirs = measured(
        "alpha by the krippendorff package, no interval",
        lambda: krippendorff.alpha(reliability_data=answers, level_of_measurement="nominal"),
    )
    print(f"alpha {ours:.9f} ({interval.low:.6f} to {interval.high:.6f}); by the package {theirs:.9f}")
    print(f"difference {abs(ours - theirs):.1e}")


if __name__ == "__main__":
    main()
