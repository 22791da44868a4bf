"""A host is looked up once, its addresses are checked, and those are the ones connected to."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest

from stoker.core.errors import SourceUnreachableError, SourceUnsafeError
from stoker.models.download.guard import Guard, look_up


class Names:
    """Names whose addresses may be others at each look-up."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = answers
        self.looked_up: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        answers = self._answers[host.replace(".", "_")]
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def test_a_name_that_changes_its_mind_is_not_asked_again() -> None:
    names = Names(a_test=[["93.184.216.34"], ["127.0.0.1"]])
    guard = Guard(names)
    await asyncio.gather(*(guard.admit(host, 443) for host in ("a.test", "A.TEST.", "a.test")))
    assert names.looked_up == ["a.test"]
    assert guard.addresses("A.test") == ("93.184.216.34",)


async def test_the_first_host_is_the_one_that_the_person_named() -> None:
    guard = Guard(Names(lan=[["192.168.1.2"]], me=[["127.0.0.1"]], far=[["93.184.216.34"]]))
    await guard.admit("lan", 80)
    await guard.admit("far", 80)
    with pytest.raises(SourceUnsafeError):
        await guard.admit("me", 80)
    assert guard.addresses("me") == ()


async def test_a_public_host_never_leads_inside() -> None:
    guard = Guard(Names(far=[["93.184.216.34"]], lan=[["10.0.0.1"]], cloud=[["169.254.169.254"]]))
    await guard.admit("far", 80)
    for host in ("lan", "cloud"):
        with pytest.raises(SourceUnsafeError):
            await guard.admit(host, 80)


async def test_an_address_is_a_name_of_its_own_and_is_checked_too() -> None:
    guard = Guard()
    await guard.admit("93.184.216.34", 80)
    with pytest.raises(SourceUnsafeError):
        await guard.admit("127.0.0.1", 80)
    # The system reads other ways of writing the same address, and so do we.
    with pytest.raises(SourceUnsafeError):
        await guard.admit("2130706433", 80)


async def test_the_system_knows_this_machine_and_no_invented_name() -> None:
    found = await look_up("localhost", 80)
    assert all(ipaddress.ip_address(text).is_loopback for text in found)
    with pytest.raises(SourceUnreachableError):
        await look_up("a" * 300, 80)
