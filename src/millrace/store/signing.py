"""Whether a package comes from whom it should: an EC key signs its manifest, which holds the SHA-256 of each file.

The signature rests beside the manifest as `manifest.sig`, JSON of four members: ``format`` (1), ``algorithm``
(``ecdsa-p256-sha256``), ``key`` (SHA-256 of the public key's DER form, to say which key signed; never believed) and
``signature`` (base64 of the DER signature). What is signed is `PURPOSE` followed by the manifest's very bytes, so that
a signature made for anything else is never one of a package. Curve and signature: NIST FIPS 186-5.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from millrace.errors import MissingExtraError, PackageError, TamperedError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

SIGNATURE = "manifest.sig"
FORMAT = 1
ALGORITHM = "ecdsa-p256-sha256"
PURPOSE = b"millrace package signature 1\n"


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a signature file holds."""

    format: int
    algorithm: str
    key: str
    signature: str


@dataclass(frozen=True)
class Trust:
    """The one public key whose signatures are believed."""

    key: EllipticCurvePublicKey

    @classmethod
    def read(cls, path: str | Path) -> Trust:
        """The key in the PEM file at `path`. Raises `PackageError` when it holds no public key on NIST P-256."""
        _needed()
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            found = load_pem_public_key(Path(path).read_bytes())
        except Exception as error:  # a missing file, no PEM, an unknown kind: each its own class
            raise _no_key(path, "public", str(error)) from error
        if not isinstance(found, EllipticCurvePublicKey) or found.curve.name != "secp256r1":
            raise _no_key(path, "public", "it is of another kind")
        return cls(found)

    def check(self, manifest: bytes, signature: bytes | None, where: str) -> None:
        """Refuse a manifest that this key did not sign. Raises `TamperedError`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        if signature is None:
            raise _refused(where, f"This package is not signed: it has no {SIGNATURE}.")
        try:
            written = msgspec.json.decode(signature, type=_Written)
            raw = base64.b64decode(written.signature, validate=True)
        except (msgspec.MsgspecError, UnicodeError, binascii.Error, ValueError, RecursionError) as error:
            raise _refused(where, f"{SIGNATURE} cannot be read: {error}") from error
        if (written.format, written.algorithm) != (FORMAT, ALGORITHM):
            raise _refused(where, f"{SIGNATURE} has format {written.format} and algorithm {written.algorithm!r}.")
        other = "" if written.key == _fingerprint(self.key) else "; it says that another key made it"
        try:
            self.key.verify(raw, PURPOSE + manifest, ECDSA(SHA256()))
        except InvalidSignature as error:
            raise _refused(where, f"{SIGNATURE} is not the trusted key's signature of this manifest{other}.") from error
        if other:
            raise _refused(where, f"{SIGNATURE} was changed: the trusted key made it, and it says that another did.")


def sign(manifest: bytes, key: str | Path) -> bytes:
    """What `manifest.sig` holds once the private key in the PEM file `key` has signed `manifest`.

    Raises `PackageError` when the file holds no unencrypted private key on NIST P-256.
    """
    private = _private(key)
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    raw = private.sign(PURPOSE + manifest, ECDSA(SHA256()))
    written = _Written(FORMAT, ALGORITHM, _fingerprint(private.public_key()), base64.b64encode(raw).decode())
    return msgspec.json.format(msgspec.json.encode(written), indent=2)


def make_keys(path: str | Path) -> Path:
    """Write a new private key to `path`, readable by its owner alone, and give the file of its public key beside it.

    Raises `PackageError` when either file is there already: a key is never overwritten.
    """
    _needed()
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private = Path(path)
    public = private.with_suffix(".pub")
    if public == private:
        raise PackageError(
            "This is the name of the public key, which is written beside the private one.",
            where=str(private),
            code="package.key",
            allowed=[str(private.with_suffix(".pem"))],
        )
    for file in (private, public):
        if file.exists() or file.is_symlink():
            raise PackageError("There is a file already.", where=str(file), code="package.key")
    made = generate_private_key(SECP256R1())
    content = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file_:
        file_.write(content)
    public.write_bytes(made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


def _private(path: str | Path) -> EllipticCurvePrivateKey:
    _needed()
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(Path(path).read_bytes(), None)
    except Exception as error:  # a missing file, no PEM, a password: each its own class
        raise _no_key(path, "private", str(error)) from error
    if not isinstance(found, EllipticCurvePrivateKey) or found.curve.name != "secp256r1":
        raise _no_key(path, "private", "it is of another kind")
    return found


def _fingerprint(key: EllipticCurvePublicKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _needed() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "Signatures need the library `cryptography`.", where="package", next_step="pip install 'millrace[sign]'"
        ) from error


def _no_key(path: str | Path, kind: str, seen: str) -> PackageError:
    return PackageError(
        f"This is no {kind} key: {seen}",
        where=str(path),
        code="package.key",
        allowed=[f"an unencrypted PEM file of a {kind} EC key on NIST P-256"],
        next_step="millrace package keys key.pem",
    )


def _refused(where: str, seen: str) -> TamperedError:
    return TamperedError(seen, where=where, code="package.signature", next_step="get a package that this key signed")
