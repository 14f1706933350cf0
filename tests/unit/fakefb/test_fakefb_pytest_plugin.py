"""The fixtures in another project: a small folder with tests, run by a pytest of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import fakefb
from fakefb.testing import FakeRefused, fake_in_thread

FOREIGN_TESTS = """
import asyncio
import hashlib
import json
import threading
import urllib.error
import urllib.request

import pytest

ANN = {"person_id": "ann", "emails": ["Ann@Example.com"]}


def graph(fake, method, path, body=None):
    url = f"{fake.graph_url}/v26.0/{path}"
    headers = {"Authorization": f"Bearer {fake.access_token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def new_audience(fake):
    body = {"name": "Mine", "customer_file_source": "USER_PROVIDED_ONLY"}
    return graph(fake, "POST", f"{fake.ad_account_id}/customaudiences", body)["id"]


@pytest.mark.parametrize("round", [1, 2])
def test_each_test_starts_fresh(fakefb, round):
    assert fakefb.audiences() == []
    assert fakefb.faults() == []
    new_audience(fakefb)
    fakefb.arm({"delay_ms": 1})
    fakefb.add_people(ANN)


def test_upload_reaches_the_people(fakefb):
    fakefb.add_people(ANN)
    audience = new_audience(fakefb)
    rows = [[hashlib.sha256(email.encode()).hexdigest()] for email in ("ann@example.com", "no@x.org")]
    payload = {"schema": ["EMAIL"], "data": rows}
    receipt = graph(fakefb, "POST", f"{audience}/users", {"payload": payload})
    assert receipt["num_received"] == 2
    assert fakefb.audience_people(audience) == fakefb.match({"emails": ["ann@example.com"]})
    assert [call["rows"] for call in fakefb.requests(operation="add")] == [2]


def test_fault_and_wait(fakefb):
    fakefb.arm({"graph_error": {"code": 2}}, operation="create", nth=1)
    caller = threading.Timer(0.05, lambda: pytest.raises(urllib.error.HTTPError, new_audience, fakefb))
    caller.start()
    assert fakefb.wait(operation="create")[0]["error_code"] == 2
    caller.join()


async def call_from_a_loop(fake):
    calling = asyncio.to_thread(new_audience, fake)
    _, calls = await asyncio.gather(calling, asyncio.to_thread(fake.wait, operation="create"))
    return calls


def test_async_code_too(fakefb):
    assert asyncio.run(call_from_a_loop(fakefb))[0]["status"] == 200


def test_session_fixture_is_the_same_fake(fakefb_session, fakefb):
    assert fakefb_session is fakefb
"""
README = Path(fakefb.__file__).with_name("README.md")
PLUGIN = "fakefb.pytest_plugin"
ENTRY_POINT = f"[pytest11]\n{PLUGIN} = {PLUGIN}\n"


def readme_blocks(mark: str) -> str:
    """Return the Python of fakefb's README that has the mark in it."""
    blocks = README.read_text().split("```python\n")[1:]
    return "".join(code for code in (b.partition("```")[0] for b in blocks) if mark in code)


def run_pytest(folder: Path, *options: str) -> str:
    """Run pytest in the folder as a stranger would, and return what it says."""
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:asyncio", *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder / "site"), *sys.path])
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A project that is not ours."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_foreign.py").write_text(FOREIGN_TESTS)
    return tmp_path


def test_fixtures_work_in_another_project_that_names_the_plugin(foreign: Path) -> None:
    conftest, tests = readme_blocks("pytest_plugins"), readme_blocks("def test_")
    (foreign / "conftest.py").write_text(conftest)
    (foreign / "test_readme.py").write_text(tests)
    assert "8 passed" in run_pytest(foreign)


def test_entry_point_and_option_do_not_collide(foreign: Path) -> None:
    info = foreign / "site" / "fakefb_entry-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakefb-entry\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINT)
    assert "fakefb_session" in run_pytest(foreign, "--setup-plan", "-p", PLUGIN)


def test_plugin_loads_nothing_heavy() -> None:
    code = f"import sys, {PLUGIN}; print('aiohttp' in sys.modules, 'pydantic' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False False\n"


def test_helper_steers_everything_and_tells_reasons() -> None:
    with fake_in_thread(seed=3) as fake, fake_in_thread() as other:
        people = fake.generate_people(30, seed=1)
        assert len(people) == len(fake.people()) == 30
        assert (other.people(), other.admin_url != fake.admin_url) == ([], True)
        assert fake.settings(latency_ms=1)["latency_ms"] == 1
        before = fake.snapshot()
        fake.freeze()
        now = fake.now()
        fake.advance(60)
        assert fake.now() == pytest.approx(now + 60)
        fake.restore(before)
        assert fake.now() < now + 60
        fake.profile("grumpy")
        assert fake.admin("GET", "/admin/state")["profile"] == "grumpy"
        fake.arm_all([])
        fake.clear_requests()
        assert fake.requests(limit=5) == []
        with pytest.raises(FakeRefused, match="no such snapshot") as refused:
            fake.restore("a/b")
        assert refused.value.status == 404
        with pytest.raises(FakeRefused, match="0 of 1 calls"):
            fake.wait(operation="add", timeout_s=0)


def test_thread_ends_when_a_test_fails() -> None:
    with pytest.raises(RuntimeError, match="the test"), fake_in_thread() as fake:
        raise RuntimeError("the test")
    with pytest.raises(ConnectionRefusedError):
        fake.reset()
