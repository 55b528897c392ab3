"""The command line over a project whose answers are literal records; only loading the file is real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import millrace.project
from millrace.cli.edge import run
from millrace.config.load import load
from millrace.records.checked import Checked
from millrace.records.evaluation import Evaluation, Metric
from millrace.records.ingestion import Ingested
from millrace.records.initialized import InitResult
from millrace.records.lineage import Lineage, Node
from millrace.records.monitoring import Alarm, ColumnDrift, Decision
from millrace.records.package import Manifest, PackageInfo
from millrace.records.predicted import Predicted
from millrace.records.progress import Step, Watch
from millrace.records.quarantine import RefusedGroup, RefusedRule
from millrace.records.release import GateVerdict, Release
from millrace.records.retrained import Retrained
from millrace.records.run import Run
from millrace.records.signature import Field, Signature
from millrace.records.traffic import Challenger, Concluded, Outcome, Shadow, Side, Standing, Traffic, Trial

INGESTED = Ingested("customers", 7043, 7030, 11, 2, 0, 1, files=1, reasons={"tenure_positive": 11})
EVALUATION = Evaluation(
    task="binary",
    metrics={
        "accuracy": Metric(0.805, 0.781, 0.829),
        "roc_auc": Metric(0.8471, 0.8312, 0.8625),
        "log_loss": Metric(0.4123, 0.39, float("nan"), higher_is_better=False),
    },
    primary="roc_auc",
    rows=1055,
    advice="Recall is 0.55: lower the threshold if a missed churner costs more than a call.",
    classes=("No", "Yes"),
    positive="Yes",
    threshold=0.41,
    baseline={"roc_auc": Metric(0.5, 0.5, 0.5)},
)
PACKAGE = PackageInfo("churn", 3, "store/packages/churn/3")
RELEASE = Release(2, "promote", "churn", 3, 1, "2026-05-01T10:00:00Z", "ann@desk", "run")
ACCURACY = Outcome("accuracy", higher=True)
CHALLENGER = Challenger(4, 0.1, ACCURACY, "salt", since="2026-05-02T10:00:00+00:00")
TRAFFIC = Traffic(1, "churn", 2, CHALLENGER, None, "2026-05-02T10:00:00+00:00", "ann@desk", "by hand")
TRIAL = Trial(
    *("challenger", 0.1, ACCURACY, Side(3, 9123, 0.812), Side(4, 1007, 0.861), 0.049, 0.011, 0.087, "better"),
    "The challenger, version 4, is better than the champion after 10130 askers: accuracy +0.049 (+0.011 to +0.087).",
)
PASSED = GateVerdict(True, ("roc_auc 0.847 (0.831 to 0.863) ≥ 0.8: yes, the whole interval",))
REFUSED = GateVerdict(
    False, ("roc_auc 0.847 (0.831 to 0.863) ≥ 0.9: no, the whole interval", "better than champion: yes, no champion")
)
SECONDS = {"ingest": 0.5, "train": 12.25}
RUN = Run("r1", {"customers": INGESTED}, EVALUATION, PACKAGE, PASSED, RELEASE, "store/reports/churn-3.html", SECONDS)
NO = Run("r1", {"customers": INGESTED}, EVALUATION, PACKAGE, REFUSED, None, "store/reports/churn-3.html", SECONDS)
MANIFEST = Manifest(
    "churn",
    3,
    "r1",
    "2026-05-01T10:00:00Z",
    Signature(
        "binary",
        "Churn",
        (
            Field("tenure", "integer", required=True, low=0, high=72, example=29),
            Field("Contract", "category", categories=("Month-to-month", "Two year", "One year"), example="Two year"),
        ),
        ("No", "Yes"),
        "Yes",
    ),
    EVALUATION,
    {"model.onnx": "ab" * 32},
    threshold=0.41,
    parity=1.2e-7,
    lineage={"tables": {"customers": 1}},
)
RETRAIN = Decision(
    "retrain",
    "MonthlyCharges has drifted.",
    (Alarm("drift", "MonthlyCharges", "ks", 0.31, "p = 1e-9 over 500 rows [0.3, 0.4]"),),
    {
        "MonthlyCharges": ColumnDrift("MonthlyCharges", "ks", 0.31, 1e-9, 0.31, True),
        "tenure": ColumnDrift("tenure", "ks", 0.02, 0.7, 0.02, False),
    },
    rows=500,
    package="churn",
    version=3,
    at="2026-05-02T10:00:00Z",
)
_FILE = {"kept": 690, "quarantined": 7, "duplicate": 3, "late": 0, "read": 700}
LINEAGE = Lineage(
    (
        *(Node(f"file:customers/data/{i}.csv", "file", f"data/{i}.csv", "", _FILE) for i in range(14)),
        Node("file:tickets/t.csv", "file", "t.csv", "", _FILE | {"quarantined": 0, "duplicate": 0}),
        Node("table:customers@1", "table", "customers version 1", "", {"rows": 690}),
        Node("table:customers@2", "table", "customers version 2", "", {"rows": 9660}),
        Node("table:tickets@1", "table", "tickets version 1", "", {"rows": 700}),
        Node("dataset:churn@2", "dataset", "dataset churn version 2", "", {"rows": 9000, "sql": "ab12"}),
        Node("run:r2", "run", "run r2", "", {"gate": True}),
        Node("package:churn/2", "package", "churn 2", "", {"metric": "roc_auc", "value": 0.8471}),
        Node(
            "release:2",
            "release",
            "release 2",
            "2026-05-01T10:00:00Z",
            {"kind": "promote", "by": "ann@desk", "champion": True},
        ),
        Node("predictions:churn/2", "predictions", "predictions of churn 2", "", {"rows": 1200}),
    ),
    (
        ("file:customers/data/0.csv", "table:customers@1"),
        *((f"file:customers/data/{i}.csv", "table:customers@2") for i in range(1, 14)),
        ("table:customers@1", "table:customers@2"),
        ("file:tickets/t.csv", "table:tickets@1"),
        ("table:customers@2", "dataset:churn@2"),
        ("table:tickets@1", "dataset:churn@2"),
        ("dataset:churn@2", "run:r2"),
        ("run:r2", "package:churn/2"),
        ("package:churn/2", "release:2"),
        ("release:2", "predictions:churn/2"),
    ),
    "release:2",
    tuple(f"data/{i}.csv" for i in range(14)),
    ("churn 2",),
)
KEEP = Decision("keep", "Nothing moved.", rows=500)


@dataclass
class StandIn:
    """A project whose methods answer at once; `answers` replaces some of them."""

    answers: dict[str, Any]

    @classmethod
    def load(cls, path: Path) -> StandIn:
        load(path)
        return cls({})

    def answer(self, verb: str, default: object) -> Any:
        given = self.answers.get(verb, default)
        if isinstance(given, BaseException):
            raise given
        return given

    def check(self) -> Checked:
        return self.answer("check", Checked("churn", ("customers",)))

    def run(self, watch: Watch) -> Run:
        watch(Step("ingest", "customers.csv", 1, 2))
        watch(Step("ingest", "customers.csv", 2, 2))
        watch(Step("train", "logistic regression"))
        return self.answer("run", RUN)

    def train(self, watch: Watch) -> Run:
        return self.answer("train", NO)

    def ingest(self, source: str | None, watch: Watch) -> tuple[Ingested, ...]:
        return self.answer("ingest", (INGESTED,))

    def quarantine(self, source: str | None) -> tuple[RefusedRule, ...]:
        return self.answer("quarantine", (RefusedRule("customers", "tenure_positive", 11, "tenure = [-1]"),))

    def refusals(self, by: str, source: str | None) -> tuple[RefusedGroup, ...]:
        days = (("2026-05-01", 11, 7043), ("2026-05-02", 0, 512), ("2026-05-03", 130, 498))
        return self.answer("refusals", tuple(RefusedGroup("customers", by, *day) for day in days))

    def refused(self, source: str, limit: int, *, rule: str | None, origin: str | None) -> pl.DataFrame:
        rows = {
            "_run": ["r1", "r1"],
            "_origin": ["data/a.csv", "data/a.csv"],
            "_row": [7, 9],
            "_reasons": ["`tenure >= 0` does not hold: tenure = '-1'", "line 9: too many [columns]"],
            "_raw": ['{"id": "a", "tenure": -1' + ', "more": 1' * 20 + "}", "b,\n1,2"],
        }
        return pl.DataFrame(rows).head(limit)

    def lineage(self, what: str | None, *, to: str | None) -> Lineage:
        return self.answer("lineage", LINEAGE)

    def report(self, version: int | None) -> str:
        return "/home/ann/a/long/path/that/does/not/fit/on/a/line/of/a/terminal/store/reports/churn-3.html"

    def inspect(self, version: int | None) -> Manifest:
        return MANIFEST

    def verify(self, version: int | None, trust: str | None) -> PackageInfo:
        return self.answer("verify", PACKAGE)

    def predict(self, source: str, to: str, *, version: int | None, **_: object) -> Predicted:
        return Predicted(1000, to, "churn", version or 3, 0.25)

    def serve(self, *, port: int | None, version: int | None) -> None:
        return self.answer("serve", None)

    def challenge(self, version: int, *_: object, **__: object) -> Traffic:
        return self.answer("challenge", TRAFFIC)

    def shadow(self, version: int, *_: object) -> Traffic:
        return self.answer("shadow", replace(TRAFFIC, number=2, challenger=None, shadow=Shadow(version)))

    def stop(self, *_: object) -> Traffic:
        return self.answer("stop", replace(TRAFFIC, number=3, challenger=None))

    def standing(self) -> Standing:
        return self.answer("standing", Standing("churn", 3, "2026-05-01T10:00:00+00:00", TRAFFIC, (TRIAL,)))

    def conclude(self, _: str) -> Concluded:
        return self.answer("conclude", Concluded(TRIAL, RELEASE, None))

    def promote(self, version: int, reason: str) -> Release:
        return self.answer("promote", RELEASE)

    def rollback(self, reason: str) -> Release:
        return Release(3, "rollback", "churn", 1, 3, "2026-05-03T10:00:00Z", "ann@desk", reason or "by hand")

    def history(self) -> tuple[Release, ...]:
        return self.answer("history", (Release(1, "promote", "churn", 1, None, "2026-04-01", "ann", "run"), RELEASE))

    def monitor(self) -> Decision:
        return self.answer("monitor", RETRAIN)

    def retrain(self, *, force: bool, watch: Watch) -> Retrained:
        return self.answer("retrain", Retrained(KEEP) if not force else Retrained(RETRAIN, RUN, RELEASE))

    @staticmethod
    def init(
        data: str, predict: str | None, *, table: str | None, query: str | None, folder: Path, force: bool
    ) -> InitResult:
        assert (table, query) == (None, None)
        return InitResult(str(folder / "millrace.yaml"), f"from: {data}\npredict: {predict}\n")


@dataclass(frozen=True)
class Said:
    """How a verb ended, and what it said where."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a right project file, where the verbs are run."""
    (tmp_path / "millrace.yaml").write_text("sources: {customers: {from: x.csv}}\nmodel: {predict: Churn}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def millrace_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Run a command line; `answers` are what the project's methods give or raise."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")

    def say(*argv: str, **answers: object) -> Said:
        class Given(StandIn):
            @classmethod
            def load(cls, path: Path) -> StandIn:
                load(path)
                return cls(answers)

        monkeypatch.setattr(millrace.project, "Project", Given, raising=False)
        code = run(argv)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return say


@pytest.fixture
def golden() -> Callable[[str], str]:
    """Read a drawing that was looked at and found right."""
    return lambda name: (Path(__file__).parent / "golden" / f"{name}.txt").read_text()


@pytest.fixture
def run_that_the_gate_refused() -> Run:
    """A run whose package did not become champion."""
    return NO


@pytest.fixture
def keep() -> Decision:
    """A decision that nothing need be done."""
    return KEEP
