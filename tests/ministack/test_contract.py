"""The contract suite of all ports on ministack: `make contract-ministack`, as a proof."""

import pytest

from tests.ministack.__main__ import main


@pytest.mark.long
def test_the_contract_is_kept_on_ministack(capfd: pytest.CaptureFixture[str]) -> None:
    status = main([])
    said = capfd.readouterr().out
    if "contract-ministack: SKIPPED" in said:
        pytest.skip(said.strip())
    assert status == 0, said[-5_000:]
    assert " passed" in said
