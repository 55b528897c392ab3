"""The command line: one file per verb."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    import sys

    from millrace.cli.edge import run

    sys.exit(run(sys.argv[1:]))
