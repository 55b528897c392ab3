"""The whole wheel, told while it turns: every command here is one that a user would type."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax

from millrace.cli.demo.clinic import Clinic, served
from millrace.cli.demo.patients import FACTOR, SHIFTED, TARGET, Patients, Row, messy, patients, questions, tidy
from millrace.cli.progress import watching
from millrace.cli.render import decision, evaluation, ingested, quarantine, release
from millrace.errors import UsageError
from millrace.project import Project
from millrace.records.run import Run

PROJECT_FILE = """\
version: 1
project: biopsies

sources:
  records:
    from: data/records-*.csv
    key: patient_id
    columns:
      mean_smoothness: {type: number, missing: [" ", "n/a"]}
      mean_radius: {type: number}
    clean:
      - trim: all
      - drop_duplicates: patient_id
    checks:
      area_is_positive: mean_area > 0
      known_diagnosis: diagnosis in ('malignant', 'benign')

model:
  predict: diagnosis
  positive: malignant
  budget: 10 s
  gate:
    - roc_auc >= 0.95
    - not worse than champion

monitor:
  false_alarms: 1 per month
"""


class Story:
    """A narrator, a folder, and the patients."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder, self.console = folder, console
        self.patients: Patients = patients()

    def tell(self) -> None:
        """Turn the wheel once."""
        project = self.begin()
        self.run(project)
        with served(project.path) as clinic:
            self.serve(clinic)
            self.drift(project, clinic)
            self.retrain(project, clinic)
            self.roll_back(project, clinic)
        self.end(project)

    def chapter(self, title: str, command: str, text: str) -> None:
        """Open a chapter: what happens, and what one would type."""
        self.console.print()
        self.console.print(Rule(f"[bold]{title}[/]", align="left"))
        self.console.print(text)
        if command:
            self.console.print(f"[bold cyan]$ {escape(command)}[/]\n")

    def begin(self) -> Project:
        """Lay out a folder with messy records and a project file."""
        self.chapter(
            "1  Raw data and one project file",
            "",
            "350 real biopsies from Wisconsin, as messy as records arrive: blanks, `n/a`, twelve duplicates, a "
            "negative area, a number in words, two broken lines. The project file says what a good row is.\n",
        )
        self._clear()
        (self.folder / "data").mkdir(parents=True)
        (self.folder / "data" / "records-1.csv").write_text(messy(self.patients.known))
        path = self.folder / "millrace.yaml"
        path.write_text(PROJECT_FILE)
        self.console.print(
            Panel(Syntax(PROJECT_FILE.rstrip(), "yaml", background_color="default"), title="millrace.yaml")
        )
        return Project.load(path)

    def run(self, project: Project) -> Run:
        """Ingest, train, judge, package, gate, release."""
        self.chapter(
            "2  Ingest, train, judge, package, release",
            "millrace run",
            "No row is lost: what cannot be used is kept in quarantine, with its reason and where it came from.",
        )
        with watching(as_json=False) as watch:
            run = project.run(watch)
        self.console.print(ingested.ingested(tuple(run.ingest.values())), crop=False)
        self.console.print(quarantine.rules(project.quarantine("records")), crop=False)
        self.console.print(evaluation.evaluation(run.evaluation), crop=False)
        self.console.print(release.gate(run.gate), crop=False)
        self.console.print(
            f"Package [bold]{run.package.name} {run.package.version}[/] holds one ONNX graph, proved row by row "
            "against the trained model, and is champion now."
        )
        return run

    def serve(self, clinic: Clinic) -> None:
        """Ask a real server."""
        self.chapter(
            "3  A server that really answers",
            f"curl {clinic.url}/predict -d '{{\"rows\": [{{…}}]}}'",
            f"`millrace serve` answers on {clinic.url}; no training library is loaded there.",
        )
        usual = self.patients.usual
        answers = clinic.ask(usual)
        for row, answer in list(zip(usual, answers, strict=True))[:3]:
            self.console.print(f"  {row['patient_id']}  {_words(answer)}   truly {row['diagnosis']}")
        clinic.tell(usual, answers)
        self._leave("request.json", {"rows": questions(usual[:1])})
        self._leave("feedback.json", [{"id": answers[0]["id"], "outcome": usual[0][TARGET]}])
        self.console.print(f"  … {len(usual)} patients asked one by one, their outcomes reported back as feedback.")

    def drift(self, project: Project, clinic: Clinic) -> None:
        """Look before and after the second scanner."""
        self.chapter("4  Watch", "millrace monitor", "First look, on the usual patients:")
        before = project.monitor()
        self.console.print(f"  [bold green]{before.decision}[/]: {before.reason}")
        self.chapter(
            "5  The world moves",
            "millrace monitor",
            f"A second scanner arrives. It reads `{SHIFTED}` {FACTOR:.1f} times too high; nobody tells the model.",
        )
        shifted = self.patients.shifted
        clinic.tell(shifted, clinic.ask(shifted))
        self.console.print(decision.decision(project.monitor()), crop=False)

    def retrain(self, project: Project, clinic: Clinic) -> None:
        """Let the new records in and act on the decision."""
        self.chapter(
            "6  Act on it",
            "millrace retrain",
            "The new scanner's records, diagnosed by now, are put beside the old ones. Only the new file is read; the "
            "challenger meets the champion on rows that neither was trained on, and must pass the same gate.",
        )
        (self.folder / "data" / "records-2.csv").write_text(tidy(self.patients.shifted))
        with watching(as_json=False) as watch:
            done = project.retrain(watch=watch)
        if done.run is None or done.release is None:
            self.console.print(f"[bold red]No new champion:[/] {done.decision.reason}")
            return
        self.console.print(ingested.ingested(tuple(done.run.ingest.values())), crop=False)
        self.console.print(release.gate(done.run.gate), crop=False)
        answering = clinic.wait_for(done.release.version, self._someone())
        self.console.print(f"The running server answers with version [bold]{answering}[/] now, without a restart.")

    def roll_back(self, project: Project, clinic: Clinic) -> None:
        """Give traffic back, at once."""
        self.chapter(
            "7  Change your mind", "millrace release rollback", "Every change of champion is recorded and reversible."
        )
        back = project.rollback("demo: seeing is believing")
        answering = clinic.wait_for(back.version, self._someone())
        self.console.print(f"Version [bold]{answering}[/] answers again.")
        self.console.print(release.history(project.history()), crop=False)

    def end(self, project: Project) -> None:
        """Say what is left to play with."""
        report = project.report(max(change.version for change in project.history()))
        self.chapter("Yours to play with", "", "")
        self.console.print(f"  report          {report}", soft_wrap=True)
        self.console.print(f"  project folder  {self.folder}", soft_wrap=True)
        self.console.print(f"\n  [bold cyan]cd {self.folder} && millrace serve[/]", soft_wrap=True)
        self.console.print("  [bold cyan]curl localhost:8080/predict -d @request.json[/]", soft_wrap=True)

    def _clear(self) -> None:
        """Remove an earlier demo, and nothing else."""
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        earlier = self.folder / "millrace.yaml"
        if not earlier.exists() or not earlier.read_text().startswith(PROJECT_FILE[:40]):
            raise UsageError(
                "This folder holds something else than an earlier demo; nothing was changed.",
                where=str(self.folder),
                code="demo.folder",
                next_step="millrace demo --into another-folder",
            )
        shutil.rmtree(self.folder)

    def _leave(self, name: str, body: object) -> None:
        """Put what a client sends into the folder, to be sent again by hand."""
        (self.folder / name).write_text(json.dumps(body, indent=2))

    def _someone(self) -> Row:
        return self.patients.usual[0]


def _words(answer: dict[str, object]) -> str:
    return f"[bold]{answer['label']}[/] ({float(str(answer['probability'])):.1%})"
