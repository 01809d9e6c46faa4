"""Every registered model, entry points of other packages included, keeps the contract."""

import pytest

from graphlab.testing.models import MODEL_CHECKS, cases, check_gpu

CASES = cases()


@pytest.mark.parametrize(("model", "example"), CASES)
@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_contract(check, model, example):
    check(model, example)


@pytest.mark.gpu
@pytest.mark.parametrize(("model", "example"), CASES)
def test_cpu_equals_gpu(model, example):
    check_gpu(model, example)
