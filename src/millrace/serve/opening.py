"""The model of one version as a server may load it: from its signer alone, where one is named."""

from __future__ import annotations

from millrace.errors import TamperedError
from millrace.inference.model import Model
from millrace.store.objects import Store
from millrace.store.packages import find
from millrace.store.signing import Trust


def opened(store: Store, package: str, version: int, trust: Trust | None) -> Model:
    """The model of `version` of `package`.

    With `trust`, only what its key signed as this very version: whoever can write the store cannot put another signed
    package, or an older version, in its place.

    Raises as `Model.open` does, and `PackageError` when there is no such version.
    """
    path = find(store, package, version).path
    model = Model.open(path, trust=trust)
    signed = model.manifest
    if trust is not None and (signed.name, signed.version) != (package, version):
        raise TamperedError(
            f"Version {signed.version} of {signed.name} was signed, and this is the place of another.",
            where=path,
            code="package.signature",
            allowed=[f"version {version} of {package}"],
            next_step="get the package again from where it was published",
        )
    return model
