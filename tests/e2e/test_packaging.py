"""The install and start scripts, which systemd and the container use, in an empty folder.

No container engine is here: the image itself is not built. It takes the same files and runs the same
scripts."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import SEALING_KEYS

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(58)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation of what the image is built from."""
    checkout = tmp_path_factory.mktemp("checkout")
    taken = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")
    ]
    for name in taken:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, checkout)
    folder = tmp_path_factory.mktemp("opt") / "audience-sync"
    done = subprocess.run(
        [checkout / "ops" / "install.sh", folder],
        env=os.environ | {"UV_COMPILE_BYTECODE": "0"},  # which takes the longest
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(checkout)
    return folder


def run(installed: Path, program: str, *arguments: str) -> str:
    """Run an installed program where nothing of the checkout can be found."""
    done = subprocess.run(
        [installed / "bin" / program, *arguments],
        cwd="/",
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def started(installed: Path, folder: Path, database_url: str) -> Iterator[subprocess.Popen[str]]:
    """The service as systemd starts it: secrets in files, no other setting but where it listens."""
    credentials = folder / "credentials"
    credentials.mkdir()
    (credentials / "AUDIENCE_SYNC_DATABASE_URL").write_text(database_url + "\n")
    (credentials / "AUDIENCE_SYNC_SEALING_KEYS").write_text(SEALING_KEYS)
    with (
        (folder / "service.log").open("w") as log,
        subprocess.Popen(
            [installed / "start.sh"],
            cwd="/",
            env={
                "PATH": os.defpath,
                "AUDIENCE_SYNC_LISTEN": "127.0.0.1:0",
                "AUDIENCE_SYNC_METRICS_LISTEN": "127.0.0.1:0",
                "CREDENTIALS_DIRECTORY": str(credentials),
            },
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as service,
    ):
        try:
            yield service
        finally:
            service.kill()


def test_an_installation_is_never_overwritten(installed: Path) -> None:
    done = subprocess.run(
        [ROOT / "ops" / "install.sh", installed],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 1
    assert "choose a new folder" in done.stderr


def test_callers_have_the_stubs(installed: Path) -> None:
    look = "import audiencesync.v1.audience_sync_pb2_grpc as stubs; print(stubs.__file__)"
    assert run(installed, "python", "-c", look).startswith(str(installed))


def test_operators_have_the_commands(installed: Path) -> None:
    assert "--graph-port" in run(installed, "fakefb", "--help")
    assert "serve" in run(installed, "audience-sync", "--help")


def test_the_service_starts_takes_calls_and_drains(
    installed: Path, tmp_path: Path, database_url: str
) -> None:
    with started(installed, tmp_path, database_url) as service:
        assert service.stdout is not None
        ready = service.stdout.readline()
        assert ready, (tmp_path / "service.log").read_text()
        server = json.loads(ready)["grpc"]
        assert run(installed, "audience-sync", "health", "--server", server) == "serving\n"
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=20) == 0


def test_the_bill_of_materials_has_what_is_installed_with_its_pinned_version(
    installed: Path,
) -> None:
    told = json.loads((installed / "sbom.json").read_text())
    assert told["metadata"]["component"]["name"] == "audience-sync"
    urls = {part["purl"] for part in told["components"]}
    lock = (ROOT / "requirements.lock").read_text()
    for url in urls:
        assert f"\n{url.removeprefix('pkg:pypi/').replace('@', '==')} " in f"\n{lock}"
    assert any(url.startswith("pkg:pypi/grpcio@") for url in urls)
    edges = {one["ref"]: one["dependsOn"] for one in told["dependencies"]}
    assert any(url.startswith("pkg:pypi/asyncpg@") for url in edges[told_ref(told)])
    assert {ref for refs in edges.values() for ref in refs} <= urls


def told_ref(told: dict[str, dict[str, dict[str, str]]]) -> str:
    return told["metadata"]["component"]["bom-ref"]


def test_the_image_and_the_unit_start_what_is_installed(installed: Path) -> None:
    home = "/opt/audience-sync"
    dockerfile = (ROOT / "ops" / "Dockerfile").read_text()
    unit = ROOT / "ops" / "audience-sync@.service"
    assert f"RUN /src/ops/install.sh {home} " in dockerfile
    assert f'ENTRYPOINT ["{home}/start.sh"]' in dockerfile
    assert f"ExecStart={home}/start.sh\n" in unit.read_text()
    assert os.access(installed / "start.sh", os.X_OK)


def test_systemd_finds_nothing_wrong_with_the_unit(installed: Path, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    unit = tmp_path / "audience-sync@.service"
    text = (ROOT / "ops" / unit.name).read_text()
    unit.write_text(text.replace("/opt/audience-sync", str(installed)))
    done = subprocess.run(
        [program, "verify", unit], capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")
