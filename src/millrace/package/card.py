"""The model card: the facts of a manifest, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from millrace.records.evaluation import Evaluation, Metric
from millrace.records.package import Manifest
from millrace.records.signature import Field

_SHOWN_CATEGORIES = 8


def render(manifest: Manifest, notes: Sequence[str] = ()) -> str:
    """Markdown that says what a package predicts, how well, from what, and where it came from.

    `notes` are what training had to say about the data: columns left out, possible leaks.
    """
    weak, classes = _weakest(manifest.evaluation), _classes(manifest.evaluation)
    sections = {
        f"{manifest.name}, version {manifest.version}": _purpose(manifest),
        "How good it is": _quality(manifest),
        **({"Class by class": classes} if classes else {}),
        **({"Where it is weakest": weak} if weak else {}),
        "What it takes": _inputs(manifest.signature.inputs),
        "Caveats": _caveats(manifest, notes),
        "Where it came from": _lineage(manifest),
    }
    title, *others = sections
    texts = [f"# {title}", *sections[title]]
    for name in others:
        texts += [f"## {name}", *sections[name]]
    return "\n\n".join(texts) + "\n"


def _purpose(manifest: Manifest) -> list[str]:
    signature = manifest.signature
    what = {
        "regression": f"Predicts the number `{signature.target}`.",
        "binary": f"Tells whether `{signature.target}` is `{signature.positive}`, with a probability.",
        "multiclass": f"Tells which `{signature.target}` a row has, with a probability for each.",
    }
    texts = [what[signature.task]]
    if signature.classes:
        texts[0] += f" Classes: {_listed(signature.classes)}."
    if manifest.evaluation.costs is not None:
        texts.append("A row is called what is expected to cost least.")
        names = [f"called `{_cell(name)}`" for name in signature.classes]
        matrix = zip(signature.classes, manifest.evaluation.costs.matrix, strict=True)
        costs = [[f"`{_cell(name)}`", *(f"{cost:g}" for cost in row)] for name, row in matrix]
        texts.append(_table(["true", *names], costs))
    if manifest.threshold is not None:
        texts.append(f"A row is called `{signature.positive}` at a probability of {manifest.threshold:.6g} or more.")
    texts.append(
        "Intended for rows like those it was trained on, as the table of inputs describes them. The graph `model.onnx` "
        "holds everything: preprocessing, model and threshold."
    )
    return texts


def _quality(manifest: Manifest) -> list[str]:
    evaluation = manifest.evaluation
    rows = [_measured(name, metric, evaluation) for name, metric in evaluation.metrics.items()]
    texts = [
        f"Measured on {evaluation.rows} rows it never saw. The metric in bold decided.",
        _table(["metric", "value", "95 % interval", "baseline", "better is"], rows),
    ]
    if evaluation.advice:
        texts.append(evaluation.advice)
    return texts + _honesty(manifest) + _around(manifest)


def _classes(evaluation: Evaluation) -> list[str]:
    """Each class against the rest."""
    scores = ("precision", "recall", "specificity", "f1")
    rows = [
        [f"`{_cell(name)}`", *(_spread(one[score]) for score in scores)] for name, one in evaluation.per_class.items()
    ]
    return [_table(["class", *scores], rows)] if rows else []


def _weakest(evaluation: Evaluation) -> list[str]:
    """The groups of rows that are surely worse than all others."""
    worst = evaluation.weakest
    if worst is None or not worst.looked_at:
        return []
    told = f"{worst.looked_at} groups by one or two columns were compared with all other rows, by {worst.loss}."
    if not worst.groups:
        return [f"{told} None is surely worse (5 % over all of them; Holm)."]
    rows = [[one.name.replace("|", "¦"), str(one.rows), _spread(one.loss), _spread(one.excess)] for one in worst.groups]
    table = _table(["rows where", "rows", "loss", "above the others"], rows)
    return [f"{told} These are surely worse; the mean of all rows is {worst.mean:.4g}.", table]


def _honesty(manifest: Manifest) -> list[str]:
    """What calibration changed, where there is one."""
    evaluation, calibration = manifest.evaluation, manifest.calibration
    if calibration is None:
        return []
    rows = [
        [name, _spread(before), _spread(evaluation.metrics[name])] for name, before in evaluation.uncalibrated.items()
    ]
    told = f"Probabilities are calibrated ({calibration.method}), on answers out of fold; on the rows it never saw:"
    return [told, _table(["metric", "before", "after"], rows)]


def _around(manifest: Manifest) -> list[str]:
    """How often sets or intervals held the truth, where there are any."""
    seen = manifest.evaluation.surroundings
    if seen is None:
        return []
    kind, size = ("sets of", "classes") if manifest.signature.classes else ("intervals as wide as", "on average")
    return [
        f"Answers can come with {kind} {_spread(seen.size)} {size}, made to hold the truth in {seen.promised:.0%} of "
        f"rows; on the rows it never saw they held it in {_spread(seen.covered)}."
    ]


def _spread(metric: Metric) -> str:
    return f"{metric.value:.4g} ({metric.low:.4g} … {metric.high:.4g})"


def _measured(name: str, metric: Metric, evaluation: Evaluation) -> list[str]:
    known = evaluation.baseline.get(name)
    return [
        f"**{name}**" if name == evaluation.primary else name,
        f"{metric.value:.4g}",
        f"{metric.low:.4g} … {metric.high:.4g}",
        f"{known.value:.4g}" if known else "—",
        "higher" if metric.higher_is_better else "lower",
    ]


def _inputs(fields: Iterable[Field]) -> list[str]:
    rows = [
        [f"`{_cell(field.name)}`", field.type, "yes" if field.required else "no", _range(field)] for field in fields
    ]
    return [_table(["column", "type", "required", "seen in training"], rows)]


def _caveats(manifest: Manifest, notes: Sequence[str]) -> list[str]:
    stated = [
        "Outside the ranges and categories above the model extrapolates; monitor its inputs.",
        f"The graph gives the trained model's answers up to {manifest.parity:.2g}.",
        *notes,
    ]
    return ["\n".join(f"- {note}" for note in stated)]


def _lineage(manifest: Manifest) -> list[str]:
    facts = {"run": manifest.run, "created": manifest.created, **_flat(manifest.lineage)}
    facts |= {f"sha256 of {name}": digest for name, digest in manifest.files.items()}
    return [_table(["fact", "value"], [[_cell(name), f"`{_cell(str(value))}`"] for name, value in facts.items()])]


def _flat(facts: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name} ")
        else:
            found[f"{prefix}{name}"] = value
    return found


def _range(field: Field) -> str:
    if field.categories:
        return _listed(field.categories)
    if field.low is None or field.high is None:
        return "—"
    return f"{_moment(field, field.low)} … {_moment(field, field.high)}"


def _moment(field: Field, value: float) -> str:
    """A bound as people write it; dates are days and datetimes seconds since 1970."""
    if field.type == "date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    if field.type == "datetime":
        return (datetime(1970, 1, 1) + timedelta(seconds=value)).isoformat(" ", "seconds")
    return f"{value:.6g}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_CATEGORIES
    shown = ", ".join(f"`{_cell(name)}`" for name in names[:_SHOWN_CATEGORIES])
    return f"{shown} and {more} more" if more > 0 else shown


def _cell(text: str) -> str:
    """A text that cannot break out of a table cell or a code span."""
    return " ".join(text.replace("|", "¦").replace("`", "'").split())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
