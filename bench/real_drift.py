"""What the detectors are worth on real data: elec2, adult shifted by sub-population, NAB; beside two that know nothing.

    python bench/real_drift.py ../shared/data [--only elec2|adult|nab] [--draws 3]

elec2: a model of 2,000 rows answers the next 43,312 in order and is taught anew, on the last 2,000, whenever the
detector alarms at its errors. Rivals: never alarming, alarming every so many rows, and at random as often as the
detector did.
adult: a model answers 12,000 rows it never saw, 6,000 as they were drawn and 6,000 with another share of one group;
what Millrace says before any truth is known stands beside the truth. Each is drawn `--draws` times; a shift hurts when
it costs two points of accuracy. Rivals: never alarming, and at random as often as Millrace did. Beside them the column
that a look at the inputs names first, which sees what moved and not whether it hurts.
NAB: detectors see how far each value lies from that of a day (of a week, for the taxis) before; an alarm within a
labelled window finds it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from lightgbm import LGBMClassifier

from millrace.config.schema import MonitorSettings
from millrace.monitor.detectors.registry import detector, kinds
from millrace.monitor.unlabelled.held import Held
from millrace.monitor.unlabelled.stage import without_labels
from millrace.profile.build import profile
from millrace.profile.drift import drift
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.fit import Answer
from millrace.records.monitoring import Unlabelled
from millrace.records.package import Manifest
from millrace.records.profile import Profile
from millrace.records.signature import Field, Signature
from millrace.testing.streams import Episode, score

Update = Callable[[float], bool]
WINDOW, CHUNK = 2000, 100


def at_random(chance: float, seed: int = 0) -> Update:
    """Alarms with this chance at every value, whatever it is."""
    random = np.random.default_rng(seed)
    return lambda _: random.random() < chance


def steadily(every: int) -> Update:
    """Alarms at every so many values."""
    seen = iter(range(1, 10**9))
    return lambda _: next(seen) % every == 0


def never(_: float) -> bool:
    """Never alarms."""
    return False


def elec2(folder: Path) -> None:
    """Retraining upon alarms, judged by the accuracy of answers given before their truth was known."""
    frame = pl.read_csv(folder / "elec2/elec.csv.gz")
    inputs, truth = frame.drop("class").to_numpy(), frame["class"].to_numpy()
    last = float((truth[WINDOW:] == truth[WINDOW - 1 : -1]).mean())
    print(f"elec2: {len(truth) - WINDOW:,} answers; saying the last truth again is right in {last:.1%}")
    print(f"  {'detector':28} {'accuracy':>8} {'retrained':>9}")

    def prequential(update: Update) -> tuple[float, int]:
        model, right, taught = _model(inputs[:WINDOW], truth[:WINDOW]), 0, 0
        for start in range(WINDOW, len(truth), CHUNK):
            end = min(start + CHUNK, len(truth))
            wrong = model.predict(inputs[start:end]) != truth[start:end]
            right += int((~wrong).sum())
            if sum(update(float(one)) for one in wrong):  # every one is seen, whatever those before say
                model, taught = _model(inputs[end - WINDOW : end], truth[end - WINDOW : end]), taught + 1
        return right / (len(truth) - WINDOW), taught

    times = {}
    for name in sorted(kinds()):
        accuracy, times[name] = prequential(detector(name).update)
        print(f"  {name:28} {accuracy:>8.1%} {times[name]:>9}", flush=True)
    chunks = (len(truth) - WINDOW) / CHUNK
    rivals: dict[str, Update] = {"(never)": never, "(every 1,000 rows)": steadily(1000)}
    for often in sorted({times["betting"], times["adwin"]}):
        rivals[f"(at random, about {often} times)"] = at_random(often / chunks / CHUNK)
    for name, update in rivals.items():
        accuracy, taught = prequential(update)
        print(f"  {name:28} {accuracy:>8.1%} {taught:>9}", flush=True)


def _model(inputs: np.ndarray, truth: np.ndarray) -> LGBMClassifier:
    return LGBMClassifier(n_estimators=60, num_leaves=15, verbosity=-1, n_jobs=2, random_state=0).fit(inputs, truth)


COLUMNS = (
    *("age", "work", "weight", "school", "years", "married", "job", "family"),
    *("race", "sex", "gain", "loss", "hours", "country", "income"),
)
NUMBERS = ["age", "weight", "years", "gain", "loss", "hours"]
#: So many points of accuracy lost are harm.
HURTS = 0.02
GROUPS = {"married": "Married-civ-spouse", "sex": "Female", "school": "Bachelors"}


def adult(folder: Path, draws: int = 1) -> None:
    """What is said before the truth is known, when the share of a group changes, beside the truth."""
    raw = pl.read_csv(folder / "adult/adult-train.csv.gz", has_header=False, new_columns=list(COLUMNS))
    plain = raw.drop_nulls().with_columns(pl.col(pl.String).str.strip_chars())
    frame = plain.with_columns(pl.col(NUMBERS).cast(pl.Float64)).sample(fraction=1.0, shuffle=True, seed=0)
    fields = tuple(Field(name, "number" if name in NUMBERS else "category") for name in COLUMNS[:-1])
    signature = Signature("binary", "income", fields, ("<=50K", ">50K"), ">50K")
    codes = {
        name: {value: float(place) for place, value in enumerate(frame[name].unique().sort())}
        for name in COLUMNS[:-1]
        if name not in NUMBERS
    }

    def design(rows: pl.DataFrame) -> np.ndarray:
        coded = (pl.col(name).replace_strict(known, return_dtype=pl.Float64) for name, known in codes.items())
        return rows.select(COLUMNS[:-1]).with_columns(*coded).cast(pl.Float64).to_numpy()

    truth = (frame["income"] == ">50K").to_numpy().astype(np.int64)
    model = _model(design(frame[:8000]), truth[:8000])
    said = np.asarray(model.predict_proba(design(frame)), np.float32)
    answer = Answer((said[:, 1] >= 0.5).astype(np.int64), said)
    held_rows, pool = np.arange(8000, 10_000), np.arange(10_000, frame.height)
    held = Held(frame[held_rows], truth[held_rows], _part(answer, held_rows), "held-out rows")
    right = float((held.answer.label == held.truth).mean())
    evaluation = Evaluation("binary", {"accuracy": Metric(right, right, right)}, "accuracy", len(held_rows))
    manifest = Manifest("adult", 1, "r", "", signature, evaluation, {}, threshold=0.5)
    reference = profile(frame[:8000], signature, answer=held.answer)
    print(f"\nadult: {right:.1%} of 2,000 held-out answers are right; a look at the last 3,000 rows, {draws} draws")
    print(
        f"  {'group':34} {'share':>12} {'accuracy':>8} {'estimate (mean band)':>24} {'alarms':>7} {'named first':>12}"
    )
    random = np.random.default_rng(0)
    verdicts: list[tuple[bool, bool]] = []
    for column, value in GROUPS.items():
        inside = pool[(frame[column][pool] == value).to_numpy()]
        beyond = pool[(frame[column][pool] != value).to_numpy()]
        usual = len(inside) / len(pool)
        for share in (usual, 0.05, 0.9):
            seen: list[tuple[float, Unlabelled, str]] = []
            for _ in range(draws):
                calm, moved = (_mixed(random, inside, beyond, one) for one in (usual, share))
                rows = np.concatenate((calm, moved))
                log = _log(frame[rows], _part(answer, rows), signature)
                found = without_labels(SETTINGS, manifest, reference, log, held)
                assert found
                truly = float((answer.label[moved[-found.rows :]] == truth[moved[-found.rows :]]).mean())
                inputs = profile(frame[moved[-found.rows :]], signature, reference)
                columns = drift(Profile({name: reference.columns[name] for name in COLUMNS[:-1]}), inputs, 0.01)
                seen.append((truly, found, next((n for n, one in columns.items() if one.alarmed), "-")))
            truly = float(np.mean([one for one, *_ in seen]))
            verdicts += [(truly < right - HURTS, found.alarmed) for _, found, _ in seen]
            bands = [(one.value, one.low, one.high) for _, one, _ in seen if one.value is not None]
            told = "{:.1%} ({:.1%} to {:.1%})".format(*np.mean(bands, axis=0)) if bands else "-"
            change = f"{usual:.0%} → {share:.0%}"
            alarmed = f"{sum(found.alarmed for _, found, _ in seen)} of {draws}"
            named = ", ".join(sorted({name for *_, name in seen}))
            print(
                f"  {column + ' = ' + value:34} {change:>12} {truly:>8.1%} {told:>24} {alarmed:>7} {named:>12}",
                flush=True,
            )
    harmed = np.array([hurts for hurts, _ in verdicts])
    often = np.mean([alarmed for _, alarmed in verdicts])
    ways = {
        "millrace": np.array([alarmed for _, alarmed in verdicts]),
        "(never)": np.zeros(len(verdicts), dtype=bool),
        f"(at random, {often:.0%} of looks)": random.random(len(verdicts)) < often,
    }
    for name, alarms in ways.items():
        print(
            f"  {name:34} found {int(alarms[harmed].sum())} of {int(harmed.sum())} that hurt, "
            f"alarmed at {int(alarms[~harmed].sum())} of {int((~harmed).sum())} that do not"
        )


SETTINGS = MonitorSettings(false_alarms="1 per month", window="3000 min")


def _mixed(random: np.random.Generator, inside: np.ndarray, beyond: np.ndarray, share: float) -> np.ndarray:
    of = random.random(6000) < share
    return np.where(of, random.choice(inside, 6000), random.choice(beyond, 6000))


def _part(answer: Answer, rows: np.ndarray) -> Answer:
    return Answer(answer.label[rows], answer.probabilities[rows])


def _log(rows: pl.DataFrame, answer: Answer, signature: Signature) -> pl.DataFrame:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return rows.with_columns(
        pl.Series("at", [start + timedelta(minutes=place) for place in range(rows.height)]),
        pl.Series("label", [signature.classes[label] for label in answer.label]),
        pl.Series("probabilities", answer.probabilities.tolist(), dtype=pl.List(pl.Float32)),
    )


def nab(folder: Path) -> None:
    """Labelled anomalies of three series: found, missed, and alarms outside of them."""
    windows = json.loads((folder / "nab/combined_windows.json").read_text())
    series = [(path, *_distances(path)) for path in sorted((folder / "nab/realKnownCause").glob("*.csv"))]
    print(f"\nnab: {len(series)} series of known causes")
    print(f"  {'detector':28} {'found':>8} {'false alarms':>12} {'per 10,000':>10}")

    def judged(open_one: Callable[[], Update]) -> tuple[int, int, int, int]:
        found = windows_of = false = calm = 0
        for path, times, values in series:
            update = open_one()
            alarms = [place for place, value in enumerate(values) if update(value)]
            bounds = [(_time(start), _time(end)) for start, end in windows[f"realKnownCause/{path.name}"]]
            places = [Episode(int((times < low).sum()), int((times <= high).sum())) for low, high in bounds]
            outcome = score(alarms, places, len(values))
            found, windows_of = found + len(outcome.delays), windows_of + len(places)
            false, calm = false + outcome.false_alarms, calm + outcome.calm
        return found, windows_of, false, calm

    detectors: dict[str, Callable[[], Update]] = {
        name: lambda name=name: detector(name).update for name in sorted(kinds())
    }
    detectors |= {"(never)": lambda: never, "(at random, once in 1,000)": lambda: at_random(1e-3)}
    for name, open_one in detectors.items():
        found, of, false, calm = judged(open_one)
        print(f"  {name:28} {found:>3} of {of:<2} {false:>12} {10_000 * false / calm:>10.2f}", flush=True)


def _distances(path: Path) -> tuple[pl.Series, list[float]]:
    """How far each value lies from that of a day or a week before, in [0, 1]: 1 is five usual distances or more."""
    frame = pl.read_csv(path).with_columns(pl.col("timestamp").str.to_datetime())
    step = (frame["timestamp"][1] - frame["timestamp"][0]).total_seconds()
    lag = int((7 if "taxi" in path.name else 1) * 86_400 / step)
    sizes = (frame["value"] - frame["value"].shift(lag)).abs().fill_null(0.0).to_numpy()
    usual = float(np.median(sizes[lag : 3 * lag]))
    return frame["timestamp"], np.minimum(sizes / (5 * usual), 1.0).tolist()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", choices=["elec2", "adult", "nab"])
    parser.add_argument("--draws", type=int, default=3, help="of each shift of adult")
    asked = parser.parse_args()
    jobs = {"elec2": elec2, "adult": lambda folder: adult(folder, asked.draws), "nab": nab}
    for name, job in jobs.items():
        if asked.only in (None, name):
            job(asked.data)
