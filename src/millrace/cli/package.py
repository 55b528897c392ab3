"""`millrace package`: look into a package, and check it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from millrace.cli.options import DEFAULT, AsJson, ProjectFile, opened
from millrace.cli.output import show

Number = Annotated[int | None, typer.Argument(metavar="VERSION", min=1, help="Default: the champion.")]
Folder = Annotated[
    str | None, typer.Option("--path", metavar="PATH", help="A package's folder or URL, of any project or of none.")
]

Trusted = Annotated[
    str | None, typer.Option("--trust", metavar="FILE", help="A public key: refuse what it did not sign.")
]
Key = Annotated[str, typer.Option("--key", metavar="FILE", help="The private key, a PEM file.")]
NewKey = Annotated[str, typer.Argument(metavar="FILE", help="Where the private key is written.")]


def group() -> typer.Typer:
    """Give the verbs about packages."""
    app = typer.Typer(name="package", help="The portable model: look into it, check it.")
    app.command()(inspect)
    app.command()(verify)
    app.command()(diff)
    app.command()(sign)
    app.command()(keys)
    app.command("import")(import_)
    return app


def inspect(
    version: Number = None, path: Folder = None, project: ProjectFile = DEFAULT, as_json: AsJson = False
) -> None:
    """Show what a package takes and gives, how good it is and where it came from.

    $ millrace package inspect 3

    $ millrace package inspect --path store/packages/churn/3 --json
    """
    from millrace.cli.render.manifest import manifest

    if path is None:
        show(opened(project).inspect(version), as_json, manifest)
        return
    from millrace.package import api

    show(api.inspect(path), as_json, manifest)


def verify(
    version: Number = None,
    path: Folder = None,
    trust: Trusted = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Check every file of a package against its manifest. Exit code 1: it was tampered with, or not signed as asked.

    $ millrace package verify 3

    $ millrace package verify --path store/packages/churn/3 --trust key.pub
    """
    from millrace.cli.render.manifest import verified

    if path is None:
        show(opened(project).verify(version, trust), as_json, verified)
        return
    from millrace.package import api

    show(api.verify(path, trust), as_json, verified)


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="A version, or a package's folder or URL.")],
    new: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say what is different between two packages: metrics, signature, threshold, lineage, sizes, operators, profile.

    $ millrace package diff 2 3

    $ millrace package diff store/packages/churn/2 store/packages/churn/3 --json
    """
    from millrace.cli.render.package_diff import package_diff
    from millrace.package.difference import diff as compared

    places = [opened(project).verify(int(one)).path if one.isdecimal() else one for one in (old, new)]
    show(compared(*places), as_json, package_diff)


def sign(
    key: Key, version: Number = None, path: Folder = None, project: ProjectFile = DEFAULT, as_json: AsJson = False
) -> None:
    """Sign a package, so that others can hold it to your public key.

    $ millrace package sign 3 --key key.pem

    $ millrace package sign --path store/packages/churn/3 --key key.pem
    """
    from millrace.cli.render.manifest import verified

    if path is None:
        show(opened(project).sign(key, version), as_json, verified)
        return
    from millrace.package import api

    show(api.sign(path, key), as_json, verified)


def import_(  # noqa: PLR0913, PLR0917 each is one thing that a bare graph cannot say
    graph: Annotated[Path, typer.Argument(metavar="FILE", help="An ONNX model.")],
    name: Annotated[str, typer.Option("--name", help="What the package is called: the project's name, to serve it.")],
    signature: Annotated[str, typer.Option("--signature", metavar="FILE", help="YAML: task, target, inputs, classes.")],
    sample: Annotated[
        str | None, typer.Option("--sample", metavar="FILE", help="Rows as in training, for ranges, profile, metrics.")
    ] = None,
    output: Annotated[str | None, typer.Option("--output", help="The graph's output that answers.")] = None,
    logits: Annotated[bool, typer.Option("--logits", help="It gives scores before a sigmoid or softmax.")] = False,
    threshold: Annotated[float | None, typer.Option("--threshold", min=0, max=1, help="Default: 0.5.")] = None,
    store: Annotated[str | None, typer.Option("--store", help="Where packages rest; default: the project's.")] = None,
    project: ProjectFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a package of an ONNX model that came from elsewhere, checked to answer as the model does.

    $ millrace package import model.onnx --name churn --signature signature.yaml

    $ millrace package import model.onnx --name churn --signature signature.yaml --sample rows.csv --store store
    """
    from millrace.cli.render.manifest import manifest
    from millrace.package.own.adopt import adopt
    from millrace.package.own.sample import read_sample

    made = adopt(
        graph,
        signature,
        name=name,
        store=store or opened(project).store,
        sample=None if sample is None else read_sample(sample),
        output=output,
        logits=logits,
        threshold=threshold,
    )
    show(made.manifest, as_json, manifest)


def keys(file: NewKey) -> None:
    """Make a pair of keys: a private one to sign with, and beside it, ending in .pub, the public one to trust.

    $ millrace package keys key.pem
    """
    from millrace.store.signing import make_keys

    typer.echo(make_keys(file))
