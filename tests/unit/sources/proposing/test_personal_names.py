"""What looks personal is proposed for `pii`, and its values are not quoted."""

from __future__ import annotations

from pathlib import Path

from millrace.config.load import load
from millrace.sources.proposing.project_file import propose


def test_personal_columns_are_proposed_and_their_values_not_quoted(tmp_path: Path) -> None:
    rows = [f"ada{n % 3}@x.org,{'n/k' if n == 7 else 447_000_000 + n},{n % 40},{n % 2}" for n in range(60)]
    (tmp_path / "people.csv").write_text("\n".join(["email,phone,tenure,churn", *rows]) + "\n")
    text = propose(str(tmp_path / "people.csv"), "churn", folder=tmp_path)
    assert "    # pii: {email: hash, phone: mask}  # these look personal; needs MILLRACE_PII_KEY\n" in text
    assert "ada" not in text
    assert "447" not in text
    assert "tenure >= 0" in text
    (tmp_path / "millrace.yaml").write_text(text.replace("# pii:", "pii:"))
    assert load(tmp_path / "millrace.yaml").pii == {"email": "hash", "phone": "mask"}
