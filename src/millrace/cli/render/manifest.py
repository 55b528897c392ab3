"""A package: what it takes and gives, how good it is, where it came from."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from millrace.cli.render.evaluation import evaluation
from millrace.cli.render.layout import add, number, table, verdict
from millrace.records.package import Manifest, PackageInfo
from millrace.records.signature import Field


def manifest(record: Manifest) -> RenderableType:
    """Draw the inputs, the evaluation and the lineage."""
    signature = record.signature
    drawn = table("input", "type", "required", "seen in training", "example", title="Inputs")
    for field in signature.inputs:
        example = "-" if field.example is None else str(field.example)
        add(drawn, field.name, field.type, "yes" if field.required else "", _seen(field), example)
    given = f"one of {', '.join(signature.classes)}" if signature.classes else "a number"
    facts = [f"run {record.run}", f"created {record.created}", f"graph within {number(record.parity)} of the model"]
    return Group(
        Text.assemble((f"{record.name} {record.version}", "bold"), f" predicts {signature.target}: {given}"),
        Text(" · ".join(facts), style="dim"),
        Text(),
        drawn,
        Text(),
        evaluation(record.evaluation),
        Text(),
        *(Text(f"{key}: {value}", style="dim") for key, value in record.lineage.items()),
        *(Text(f"{digest[:16]}…  {name}", style="dim") for name, digest in sorted(record.files.items())),
    )


def verified(record: PackageInfo) -> RenderableType:
    """Draw that every file is as its manifest promises."""
    return verdict(True, f"{record.name} {record.version}: every file is as its manifest promises. {record.path}")


def _seen(field: Field, most: int = 4) -> str:
    """The range or the commonest values of a field in training."""
    if field.low is not None or field.high is not None:
        return f"{number(field.low)} … {number(field.high)}"
    more = f" and {len(field.categories) - most} more" if len(field.categories) > most else ""
    return ", ".join(field.categories[:most]) + more
