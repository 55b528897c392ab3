"""Packages that somebody changed: every change is made from a seed, so that each can be made again.

Run as a script it opens many of them, in processes forked for a chunk each, so that a crash is seen and counted:
``python tests/package_mutations.py 100000``.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny_package
from millrace.errors import MillraceError
from millrace.inference.model import Model
from millrace.store.objects import Store
from millrace.store.signing import Trust, make_keys, sign

Files = dict[str, bytes]
#: What a field of the manifest may be turned into: other types, extremes, paths that lead out, telling texts.
_ODD: tuple[Any, ...] = (
    None, True, -1, 0, 2, 10**30, -(10**30), 1e308, 1e-308, "", "x" * 4096, "\x00", "../..", "/etc/passwd", "é",
    [], {}, [[[[]]]], {"a": {"b": {}}}, [None], "model.onnx", "NaN", "http://127.0.0.1:1/", "<script>", 3.5,
)  # fmt: skip
_NAMES = (
    "../model.onnx",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "..",
    ".",
    "",
    "manifest.json",
    "manifest.sig",
    "\x00",
    "x" * 300,
)


def pristine(folder: Path) -> tuple[Files, Trust, Path]:
    """A whole, signed package as bytes, the key that signed it, and the key's file."""
    path = Path(tiny_package.publish_tiny(Store(folder / "store")).path)
    public = make_keys(folder / "key.pem")
    files = {entry.name: entry.read_bytes() for entry in path.iterdir()}
    files["manifest.sig"] = sign(files["manifest.json"], folder / "key.pem")
    return files, Trust.read(public), folder / "key.pem"


def mutated(files: Files, seed: int, folder: Path) -> str:
    """Write a changed package into the empty `folder`; say what was done. Something always differs from `files`."""
    dice = random.Random(seed)
    kind = dice.choice(tuple(_KINDS))
    changed = dict(files)
    after = _KINDS[kind](changed, dice)
    if after is None and _as_before(files, changed):
        changed["surplus.txt"] = b"x"
    for name, content in changed.items():
        (folder / name).write_bytes(content)
    if after:
        after(folder)
    return kind


def _as_before(files: Files, changed: Files) -> bool:
    """Whether nothing changed that means anything: spaces between the members of the signature's file do not."""
    signature = "manifest.sig"
    if {**changed, signature: b""} != {**files, signature: b""} or signature not in changed:
        return False
    try:
        return bool(json.loads(changed[signature]) == json.loads(files[signature]))
    except (ValueError, RecursionError):
        return False


def _some(files: Files, dice: random.Random) -> str:
    return dice.choice(sorted(name for name, content in files.items() if content))


def _spoiled(content: bytes, dice: random.Random) -> bytes:
    """Other bytes: flipped, cut, grown, moved, or repeated."""
    raw = bytearray(content)
    match dice.randrange(6):
        case 0:
            for _ in range(dice.choice((1, 1, 1, 4, 32))):
                raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        case 1:
            del raw[dice.randrange(len(raw)) :]
        case 2:
            at = dice.randrange(len(raw) + 1)
            raw[at:at] = dice.randbytes(dice.choice((1, 8, 200)))
        case 3:
            at = dice.randrange(len(raw))
            raw[at : at + dice.choice((1, 8, 64))] = b""
        case 4:
            raw[dice.randrange(len(raw))] = dice.choice((0, 0x7F, 0x80, 0xFF))
        case _:
            at = dice.randrange(len(raw))
            raw += raw[at : at + 256] or b"\x00"
    return bytes(raw) if bytes(raw) != content else content + b"\x00"


def _bytes(files: Files, dice: random.Random) -> None:
    name = _some(files, dice)
    files[name] = _spoiled(files[name], dice)


def _swapped(files: Files, dice: random.Random) -> None:
    one, other = dice.sample(sorted(files), 2)
    files[one], files[other] = files[other], files[one]


def _missing(files: Files, dice: random.Random) -> None:
    del files[dice.choice([name for name in files if name != ".reserved"])]


def _surplus(files: Files, dice: random.Random) -> None:
    name = dice.choice(("weights.bin", "libop.so", "model.onnx.data", ".hidden", "setup.py", "MANIFEST.JSON", "é.txt"))
    files[name] = dice.randbytes(16)


def _walk(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in _walk(inner, (*path, key)))]


def _field(files: Files, dice: random.Random) -> None:
    """A field of the manifest changed, removed or added."""
    manifest = json.loads(files["manifest.json"])
    *path, last = dice.choice(_walk(manifest)[1:])
    holder = manifest
    for key in path:
        holder = holder[key]
    if dice.random() < 0.2:
        del holder[last]
    elif isinstance(holder, dict) and dice.random() < 0.15:
        holder[dice.choice(("__class__", "path", "\x00", "code"))] = dice.choice(_ODD)
    else:
        holder[last] = dice.choice(_ODD)
    files["manifest.json"] = json.dumps(manifest).encode()


def _format(files: Files, dice: random.Random) -> None:
    text = dice.choice(("2", "1e400", "-1", "null", '"1"', "[1]", "9" * 400, "1.5", "true", "NaN"))
    files["manifest.json"] = files["manifest.json"].replace(b'"format": 1', f'"format": {text}'.encode())


def _deep(files: Files, dice: random.Random) -> None:
    depth = dice.choice((100, 5_000, 200_000))
    opening, closing = dice.choice((("[", "]"), ('{"a":', "}")))
    deep = opening * depth + "1" + closing * depth
    files[dice.choice(("manifest.json", "manifest.sig"))] = deep.encode()


def _named(files: Files, dice: random.Random) -> None:
    """A file that the manifest names by a path that leads out, or by one of the names that are its own."""
    manifest = json.loads(files["manifest.json"])
    name = dice.choice(_NAMES)
    manifest["files"][name] = hashlib.sha256(b"").hexdigest()
    if dice.random() < 0.5:
        manifest["files"].pop("profile.json", None)
    files["manifest.json"] = json.dumps(manifest).encode()


def _rehashed(files: Files, dice: random.Random) -> None:
    """A file changed, and its checksum in the manifest with it: what whoever can write the folder can do."""
    name = dice.choice(("model.onnx", "model.onnx", "model.onnx", "profile.json"))
    files[name] = _spoiled(files[name], dice)
    manifest = json.loads(files["manifest.json"])
    manifest["files"][name] = hashlib.sha256(files[name]).hexdigest()
    files["manifest.json"] = json.dumps(manifest).encode()


def _graph(files: Files, dice: random.Random) -> None:
    """A graph that reaches outside itself or brings operators of its own, with the right checksum."""
    import onnx

    model = onnx.load_from_string(files["model.onnx"])
    if dice.random() < 0.5:
        tensor = dice.choice(model.graph.initializer)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.ClearField("raw_data")
        place = dice.choice(
            ("/etc/passwd", "../../key.pem", "manifest.json", "profile.json", "/proc/self/mem", "absent")
        )
        tensor.external_data.add(key="location", value=place)
        tensor.external_data.add(key="length", value=dice.choice(("8", "0", "-1", "99999999999")))
    else:
        domain = dice.choice(("com.stranger", "com.microsoft.x", "ai.onnx.ml.x"))
        model.opset_import.add(domain=domain, version=1)
        node = dice.choice(model.graph.node)
        node.domain, node.op_type = domain, "Run"
    files["model.onnx"] = model.SerializeToString()
    manifest = json.loads(files["manifest.json"])
    manifest["files"]["model.onnx"] = hashlib.sha256(files["model.onnx"]).hexdigest()
    files["manifest.json"] = json.dumps(manifest).encode()


def _link(files: Files, dice: random.Random) -> Callable[[Path], None]:
    """A link, a folder or a pipe in the place of a file, or beside the files."""
    name = dice.choice(("model.onnx", "profile.json", "manifest.json", "manifest.sig", "more"))
    content = files.pop(name, b"")
    how = dice.randrange(4)

    def put(folder: Path) -> None:
        outside = folder.parent / f"{folder.name}.outside"
        outside.write_bytes(content)
        match how:
            case 0:
                (folder / name).symlink_to(outside)
            case 1:
                (folder / name).symlink_to(dice.choice(("/etc/passwd", "/nowhere", ".")))
            case 2:
                (folder / name).mkdir()
            case _:
                os.mkfifo(folder / name)

    return put


_KINDS: dict[str, Callable[[Files, random.Random], Callable[[Path], None] | None]] = {
    "bytes": _bytes, "swapped": _swapped, "missing": _missing, "surplus": _surplus, "field": _field, "format": _format,
    "deep": _deep, "named": _named, "rehashed": _rehashed, "graph": _graph, "link": _link,
}  # fmt: skip
#: What changes the manifest into another valid one, which only the signature can tell.
DESCRIPTIVE = frozenset(("field", "format", "bytes", "swapped", "rehashed", "missing"))


def tried(files: Files, trust: Trust, seed: int, folder: Path) -> tuple[str, str, str]:
    """What was done, and how opening ended with the key and without it: ``refused``, or ``loaded``.

    Anything but a `MillraceError` goes through.
    """
    folder.mkdir()
    try:
        kind = mutated(files, seed, folder)
        return kind, _opened(folder, trust), _opened(folder, None)
    finally:
        shutil.rmtree(folder)
        folder.with_name(f"{folder.name}.outside").unlink(missing_ok=True)


def _opened(folder: Path, trust: Trust | None) -> str:
    try:
        Model.open(folder, trust=trust)
    except MillraceError:
        return "refused"
    return "loaded"


def _chunk(files: Files, trust: Trust, seeds: range, folder: Path, into: int) -> None:
    """In a process of its own: try some seeds and write the counts."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        try:
            kind, signed, unsigned = tried(files, trust, seed, folder / str(seed))
        except BaseException as error:  # noqa: BLE001 - each is a finding, and the next seed is to be tried
            counts[f"escaped: seed {seed}: {type(error).__name__}: {error}"[:200]] += 1
            continue
        counts[f"{kind}: signed {signed}, unsigned {unsigned}"] += 1
    os.write(into, json.dumps(counts).encode())


def main(total: int, chunk: int = 500) -> int:
    """Try `total` seeds; print what came of them. Exit status 1 when one loaded with the key, escaped or crashed."""
    counts: Counter[str] = Counter()
    base = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as place:
        files, trust, _ = pristine(Path(place))
        for first in range(0, total, chunk):
            reading, writing = os.pipe()
            child = os.fork()
            if not child:
                _chunk(files, trust, range(first, min(first + chunk, total)), Path(place), writing)
                os._exit(0)
            os.close(writing)
            with os.fdopen(reading, "rb") as said:
                content = said.read()
            status = os.waitpid(child, 0)[1]
            counts.update(json.loads(content) if content and not status else {f"crashed: seeds {first}…: {status}": 1})
    for line, count in sorted(counts.items()):
        print(f"{count:8,}  {line}")
    bad = sum(
        count for line, count in counts.items() if line.startswith(("crashed", "escaped")) or "signed loaded, " in line
    )
    print(f"{total:8,}  mutated packages; loaded with the key, escaped or crashed: {bad}")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
