"""Generates the Python stubs beside the protos; with --check, fails when they would change."""

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

PROTO_ROOT = Path(__file__).resolve().parent
VENDOR_ROOT = PROTO_ROOT / "vendor"
STUB_SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 on a difference"
    )
    if not parser.parse_args().check:
        generate(PROTO_ROOT)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        differences = compare(Path(folder), PROTO_ROOT)
    for line in differences:
        print(line)
    if differences:
        print("the stubs differ from the protos: run ./run python proto/generate.py")
    return 1 if differences else 0


def generate(out: Path) -> None:
    """Write the stubs of our protos and of the one vendored proto that they import at run time."""
    ours = sorted(str(path) for path in (PROTO_ROOT / "audiencesync").rglob("*.proto"))
    run_protoc(["--python_out", out, "--mypy_out", out], [*ours, "buf/validate/validate.proto"])
    services = [path for path in ours if path.endswith("audience_sync.proto")]
    run_protoc(["--grpc_python_out", out, "--mypy_grpc_out", out], services)


def run_protoc(outputs: list[str | Path], files: list[str]) -> None:
    well_known = Path(protoc.__file__).parent / "_proto"
    options = [f"-I{PROTO_ROOT}", f"-I{VENDOR_ROOT}", f"-I{well_known}"]
    flags = [f"{flag}={path}" for flag, path in zip(outputs[::2], outputs[1::2], strict=True)]
    arguments = ["-m", "grpc_tools.protoc", *options, *flags, *files]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise SystemExit(done.stderr)


def compare(fresh: Path, committed: Path) -> list[str]:
    names = {path.relative_to(root) for root in (fresh, committed) for path in stubs(root)}
    return [
        line
        for name in sorted(names)
        for line in difflib.unified_diff(
            lines(committed / name),
            lines(fresh / name),
            str(name),
            f"{name} (fresh)",
            lineterm="",
            n=1,
        )
    ]


def stubs(root: Path) -> list[Path]:
    return [path for path in root.rglob("*_pb2*") if path.name.endswith(STUB_SUFFIXES)]


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    sys.exit(main())
