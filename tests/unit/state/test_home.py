"""The one folder, and that one service has it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from stoker.core.errors import AlreadyRunningError
from stoker.state.home import Home
from stoker.state.service_lock import ServiceAddress, ServiceLock, find_service


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def test_it_lies_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path))
    assert Home.find().root == tmp_path
    monkeypatch.setenv("STOKER_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert Home.find().root == tmp_path / "me" / ".stoker"


def test_it_is_private_and_prepared_as_often_as_one_likes(home: Home) -> None:
    home.prepare()
    assert {p.stat().st_mode & 0o777 for p in (home.root, home.run, home.workers)} == {0o700}
    assert [path.name for path in home.run.iterdir()] == ["workers"]


def test_one_home_has_one_service_until_it_lets_go(home: Home) -> None:
    first, second = ServiceLock(home), ServiceLock(home)
    first.acquire()
    with pytest.raises(AlreadyRunningError):
        second.acquire()
    first.release()
    first.release()
    second.acquire()
    second.release()


def test_a_service_is_found_only_while_it_takes_connections(home: Home) -> None:
    lock = ServiceLock(home)
    lock.acquire()
    lock.announce("http://127.0.0.1:1")
    assert find_service(home) is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.admin_socket))
        listener.listen()
        assert find_service(home) == ServiceAddress(os.getpid(), "http://127.0.0.1:1")
    assert find_service(home) is None  # the socket file was left behind
    lock.release()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "url": "u", "x": 2}'])
def test_a_lock_file_that_makes_no_sense_is_no_service(home: Home, text: str) -> None:
    home.service_lock.write_text(text)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home.admin_socket))
        listener.listen()
        assert find_service(home) is None
