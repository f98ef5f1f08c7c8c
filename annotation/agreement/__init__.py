"""How far annotators agree: percent, Cohen, Scott, Fleiss, Gwet, Krippendorff, with bootstrap intervals; no Django."""

from annotation.agreement.intervals import Interval, bootstrap, bootstrap_cohen, bootstrap_labels, thin_labels
from annotation.agreement.metric import weighted_kappa
from annotation.agreement.nominal import (
    alpha_per_label,
    brennan_prediger,
    cohen_kappa,
    cohen_matrix,
    confusion,
    conger_kappa,
    contested,
    fleiss_kappa,
    fleiss_kappa_per_category,
    gwet_ac1,
    krippendorff_alpha,
    light_kappa,
    pair_confusion,
    percent_agreement,
    positive_specific_agreement,
    scott_pi,
)
from annotation.agreement.ratings import Ratings, from_triples
from annotation.agreement.report import report

__all__ = [
    "Interval",
    "Ratings",
    "alpha_per_label",
    "bootstrap",
    "bootstrap_cohen",
    "bootstrap_labels",
    "brennan_prediger",
    "cohen_kappa",
    "cohen_matrix",
    "confusion",
    "conger_kappa",
    "contested",
    "fleiss_kappa",
    "fleiss_kappa_per_category",
    "from_triples",
    "gwet_ac1",
    "krippendorff_alpha",
    "light_kappa",
    "pair_confusion",
    "percent_agreement",
    "positive_specific_agreement",
    "report",
    "scott_pi",
    "thin_labels",
    "weighted_kappa",
]
