"""Intraclass correlations by their names in McGraw and Wong (1996): one-way, two-way by agreement or by consistency.

ICC(1) is ICC(1,1) of Shrout and Fleiss (1979), ICC(A,1) their ICC(2,1), ICC(C,1) their ICC(3,1); those with k are of the
mean of the k raters: ICC(1,k), ICC(2,k), ICC(3,k).
"""

import numpy as np

from annotation.agreement.ratings import Floats

FORMS = ("icc_1", "icc_a1", "icc_c1", "icc_1k", "icc_ak", "icc_ck")
SMALL = 1e-12


def columns(table: Floats) -> Floats:
    """What each unit adds, float64[n, 3 + k], of a table without gaps float64[n, k]: 1, squares, squared sum, answers."""
    return np.column_stack([np.ones(len(table)), (table**2).sum(axis=1), table.sum(axis=1) ** 2, table])


def forms_of(sums: Floats, k: int) -> Floats:
    """The six FORMS along a last axis, from sums [..., 3 + k] over n units; NaN where undefined."""
    n, squares, rows, of_raters = sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3:]
    safe = np.maximum(n, 2)
    centre = of_raters.sum(axis=-1) ** 2 / (safe * k)
    ss_rows, ss_raters = rows / k - centre, (of_raters**2).sum(axis=-1) / safe - centre
    ss_within = squares - centre - ss_rows
    ms_rows, ms_raters = ss_rows / (safe - 1), ss_raters / (k - 1)
    ms_within, ms_error = ss_within / (safe * (k - 1)), (ss_within - ss_raters) / ((safe - 1) * (k - 1))
    drift = (ms_raters - ms_error) / safe
    parts = [
        (ms_rows - ms_within, ms_rows + (k - 1) * ms_within),
        (ms_rows - ms_error, ms_rows + (k - 1) * ms_error + k * drift),
        (ms_rows - ms_error, ms_rows + (k - 1) * ms_error),
        (ms_rows - ms_within, ms_rows),
        (ms_rows - ms_error, ms_rows + drift),
        (ms_rows - ms_error, ms_rows),
    ]
    dust = SMALL * (np.abs(squares) + 1)
    return np.stack([_share(above, below, (n >= 2) & (below > dust)) for above, below in parts], axis=-1)


def _share(above: Floats, below: Floats, where: np.ndarray) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(below), np.nan), where=where))


def one_way_columns(table: Floats) -> Floats:
    """What each unit with two or more answers adds to `one_way_of`, float64[n, 6], of a table with gaps (NaN)."""
    m = np.isfinite(table).sum(axis=1)
    total, squares = np.nansum(table, axis=1), np.nansum(table**2, axis=1)
    each = np.column_stack([np.ones(len(m)), m, m**2, total, squares, total**2 / np.maximum(m, 1)])
    return np.asarray(each[m > 1])


def one_way_of(sums: Floats) -> Floats:
    """ICC(1) of units with different numbers of answers, by any raters, from sums [..., 6]; NaN where undefined."""
    n, answers, squared, total, squares, rows = (sums[..., place] for place in range(6))
    safe_n, safe = np.maximum(n, 2), np.maximum(answers, 1)
    per_unit = (answers - squared / safe) / (safe_n - 1)  # the mean number of answers, less their variation
    between = (rows - total**2 / safe) / (safe_n - 1)
    within = (squares - rows) / np.maximum(answers - n, 1)
    below = between + (per_unit - 1) * within
    return _share(between - within, below, (n >= 2) & (below > SMALL * (np.abs(squares) + 1)))
