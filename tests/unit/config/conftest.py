"""Project files written by a test, and what loading them says."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from millrace.config.load import load
from millrace.errors import ProjectFileErrors

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def project_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], Path]:
    """Write the text as `millrace.yaml` in an empty folder, which becomes the current one."""
    monkeypatch.chdir(tmp_path)

    def write(content: str | bytes) -> Path:
        path = tmp_path / "millrace.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Path("millrace.yaml")

    return write


@pytest.fixture
def refusal(project_file: Callable[[str | bytes], Path]) -> Callable[..., ProjectFileErrors]:
    """Give the errors that loading a text raises."""

    def refuse(content: str | bytes, environ: Mapping[str, str] | None = None) -> ProjectFileErrors:
        with pytest.raises(ProjectFileErrors, match=r"config\.") as caught:
            load(project_file(content), environ or {})
        return caught.value

    return refuse


@pytest.fixture
def good() -> str:
    """Every section of a project file, as a user would write it."""
    return (Path(__file__).parent / "good.yaml").read_text()


@pytest.fixture
def golden() -> Callable[[str], str]:
    """Read a text that was looked at and found right."""
    return lambda name: (GOLDEN / f"{name}.txt").read_text()
