"""Real records for the demo, made as messy as records arrive.

The Wisconsin breast-cancer data (Wolberg, Street and Mangasarian, 1995) travels with scikit-learn: 569 biopsies, 30
measurements each, diagnosed as malignant or benign.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, object]

TARGET = "diagnosis"
KEY = "patient_id"
#: The measurement that the second scanner gets wrong, and by which factor.
SHIFTED, FACTOR = "mean_texture", 1.4


@dataclass(frozen=True, slots=True)
class Patients:
    """Who is known at the start, whom the clinic sees next, and whom the second scanner sees."""

    known: tuple[Row, ...]
    usual: tuple[Row, ...]
    shifted: tuple[Row, ...]


def patients(seed: int = 7) -> Patients:
    """Deal the records: 350 known at the start, 100 for the usual scanner, 119 for one that reads texture too high."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    names = [name.replace(" ", "_") for name in data.feature_names]
    rows = [
        {KEY: f"P{number:04d}", **dict(zip(names, map(float, values), strict=True)), TARGET: data.target_names[truth]}
        for number, (values, truth) in enumerate(zip(data.data, data.target, strict=True), start=1)
    ]
    random.Random(seed).shuffle(rows)  # noqa: S311 - a deal of cards, not a secret
    moved = [{**row, SHIFTED: round(float(row[SHIFTED]) * FACTOR, 4)} for row in rows[450:]]
    return Patients(tuple(rows[:350]), tuple(rows[350:450]), tuple(moved))


def questions(rows: Sequence[Row]) -> list[dict[str, object]]:
    """What a client sends: the measurements, without the diagnosis."""
    return [{name: value for name, value in row.items() if name not in (KEY, TARGET)} for row in rows]


def tidy(rows: Sequence[Row]) -> str:
    """Write the rows as they are, as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def messy(rows: Sequence[Row]) -> str:
    """Write the rows with what goes wrong in real life: blanks, ``n/a``, twins, an impossible value, broken lines."""
    untidy: list[dict[str, object]] = [dict(row) for row in rows]
    for number, marker in ((3, ""), (17, "n/a"), (40, " "), (41, "n/a"), (90, "")):
        untidy[number]["mean_smoothness"] = marker
    untidy[25]["mean_area"] = -1.0
    untidy[26]["mean_radius"] = "twelve"
    untidy[60][TARGET] = f"  {untidy[60][TARGET]} "
    untidy[120:120] = untidy[100:112]
    lines = tidy(untidy).splitlines()
    lines[200] = ",".join(lines[200].split(",")[:9])
    lines[300] += ",typed,too,much"
    return "\n".join(lines) + "\n"
