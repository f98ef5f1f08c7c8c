"""PURE. Licence, creators and citation of a data set, as files."""

from collections.abc import Mapping
from typing import Any

# SPDX licences that data sets are given; any other may be written by hand.
LICENCES = {
    "CC0-1.0": "Creative Commons Zero 1.0",
    "CC-BY-4.0": "Creative Commons Attribution 4.0",
    "CC-BY-SA-4.0": "Creative Commons Attribution ShareAlike 4.0",
    "CC-BY-NC-4.0": "Creative Commons Attribution NonCommercial 4.0",
    "CC-BY-NC-SA-4.0": "Creative Commons Attribution NonCommercial ShareAlike 4.0",
    "CC-BY-ND-4.0": "Creative Commons Attribution NoDerivatives 4.0",
    "ODbL-1.0": "Open Database License 1.0",
    "ODC-By-1.0": "Open Data Commons Attribution 1.0",
    "CDLA-Permissive-2.0": "Community Data License Agreement Permissive 2.0",
    "Apache-2.0": "Apache License 2.0",
    "MIT": "MIT License",
}


def creators_of(about: Mapping[str, Any]) -> list[str]:
    """The people who made it, one a line."""
    return [line.strip() for line in str(about.get("creators", "")).splitlines() if line.strip()]


def licence_url(licence: str) -> str:
    """Where an SPDX licence stands; any other as it is written."""
    return f"https://spdx.org/licenses/{licence}.html" if licence in LICENCES else licence


def licence_file(licence: str) -> str:
    """LICENSE: its name, identifier and address; the terms themselves are not ours to retell."""
    if licence in LICENCES:
        return f"{LICENCES[licence]}\nSPDX-License-Identifier: {licence}\n{licence_url(licence)}\n"
    return f"{licence.strip() or 'No licence was stated: ask before you use or pass on these data.'}\n"


def citation_file(facts: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    """CITATION.cff (https://citation-file-format.github.io, 1.2.0), with the version and its hash."""
    lines = [
        "cff-version: 1.2.0",
        "type: dataset",
        f"message: {_quoted('Cite this data set as below.')}",
        f"title: {_quoted(facts['dataset'])}",
        f"version: {_quoted(facts['version'])}",
        f"date-released: {_quoted((facts['frozen_at'] or '')[:10])}",
        "authors:",
        *(f"  - name: {_quoted(name)}" for name in creators_of(about) or [facts["dataset"]]),
        "identifiers:",
        "  - type: other",
        f"    value: {_quoted(facts['content_hash'])}",
        "    description: content hash",
    ]
    if about.get("licence") in LICENCES:
        lines.append(f"license: {about['licence']}")
    if about.get("contact"):
        lines.append(f"contact:\n  - name: {_quoted(about['contact'])}")
    if about.get("citation"):
        lines.append(f"abstract: {_quoted(about['citation'])}")
    return "\n".join(lines) + "\n"


def _quoted(text: Any) -> str:
    """YAML in single quotes, on one line."""
    return "'" + " ".join(str(text).split()).replace("'", "''") + "'"
