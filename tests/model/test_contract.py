"""Every registered model, entry points of other packages included, keeps the contract."""

import pytest

from graphlab.testing.models import cases, check_gpu, contract


@pytest.mark.parametrize(("check", "model", "example"), contract())
def test_contract(check, model, example):
    check(model, example)


@pytest.mark.gpu
@pytest.mark.parametrize(("model", "example"), cases())
def test_cpu_equals_gpu(model, example):
    check_gpu(model, example)
