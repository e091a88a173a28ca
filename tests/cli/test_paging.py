"""Does `grokjax page` serve this machine alone, say where, and end when it is told to?"""

import http.client
import signal
import subprocess
import sys
import urllib.parse

import pytest

from grokjax.page.server import LOOPBACK, new_token, open_port
from tests.store.small_sweep import typed


def test_the_command_prints_the_address_that_it_answers_at_and_ends_with_ctrl_c(small):
    command = [sys.executable, "-m", "grokjax", "page", str(small), "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = urllib.parse.urlsplit(process.stdout.readline().strip())
            assert address.hostname == "127.0.0.1"
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
            for token, status in ((address.fragment, 200), ("", 403)):
                connection.request("GET", "/api/state", headers={"X-Token": token})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == status
            connection.close()
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
        said = process.stderr.read()
    assert f"ssh -L {address.port}:127.0.0.1:{address.port}" in said
    assert "Traceback" not in said


def test_the_port_is_one_of_this_machine_alone():
    with open_port(None) as first, open_port(None) as second:
        assert {first.getsockname()[0], second.getsockname()[0]} == {LOOPBACK}
        assert first.getsockname()[1] != second.getsockname()[1]  # the default one is taken once


def test_every_start_has_a_token_of_its_own():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 22  # 128 bits


def test_a_port_that_is_taken_gives_2(small, capsys):
    with open_port(None) as taken:
        port = taken.getsockname()[1]
        assert typed("page", small, "--no-open", "--port", port) == 2
    said = capsys.readouterr().err
    assert f"--port {port}: Address already in use" in said and said.count("\n") == 1


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_gives_2(small, capsys, port):
    assert typed("page", small, "--port", port) == 2
    assert "--port" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_without_the_packages_of_the_page_the_command_says_what_to_install(small, capsys, monkeypatch, package):
    for name in [name for name in sys.modules if name.startswith(("grokjax.page", package))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    assert typed("page", small, "--no-open") == 2
    assert "pip install 'grokjax[page]'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--allow-start",)])
def test_sweeps_are_started_only_with_the_option_and_where_jax_would_train(small, monkeypatch, capsys, words):
    served = []

    def serve(folders, opened, token, environment):
        opened.close()
        served.append(environment)

    monkeypatch.setattr(sys.modules["grokjax.page.server"], "serve", serve)
    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    assert typed("page", small, "--no-open", *words) == 0
    platforms = [None if environment is None else environment["JAX_PLATFORMS"] for environment in served]
    assert platforms == (["cuda"] if words else [None])  # the page itself keeps off accelerators
    assert ("can start sweeps" in capsys.readouterr().err) == bool(words)
