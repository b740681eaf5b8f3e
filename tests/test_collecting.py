from __future__ import annotations

import gc

import pytest

from flows.edit.collecting import at_rest


def test_the_collector_rests_in_the_block_and_runs_behind_it() -> None:
    with at_rest():
        assert not gc.isenabled()
        with at_rest():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_runs_again_behind_an_error() -> None:
    with pytest.raises(ValueError, match="rope"), at_rest():
        raise ValueError("rope")
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
