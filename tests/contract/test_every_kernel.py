"""What would vanish without a sign: every role of every class kernel is vectorised over its lanes."""

import re
import types

import numpy as np
import pytest

from twin import catalogue
from twin.families import kernel_text, partials_text, roles

WIDTH = 64


def optimised(text):
    """Return the optimised LLVM of a generated module, compiled without the cache."""
    module = types.ModuleType("kernel")
    exec(compile(text.replace("cache=True", "cache=False"), "kernel", "exec"), vars(module))
    return module.kernel._library.get_llvm_str()


def vector_loops(llvm):
    """Return how many loops LLVM turned into loops over vectors."""
    return len(re.findall(r"^vector\.body[\w.]*:", llvm, re.MULTILINE))


@pytest.mark.parametrize("real", [np.float64, np.float32])
@pytest.mark.parametrize("name", catalogue.names())
def test_every_role_of_a_class_kernel_runs_over_vectors(name, real):
    cls = catalogue.find(name)
    assert vector_loops(optimised(kernel_text(cls, WIDTH, real))) >= len(roles(cls))


@pytest.mark.parametrize("name", catalogue.names())
def test_the_partials_of_a_class_run_over_vectors(name):
    assert vector_loops(optimised(partials_text(catalogue.find(name), 16))) >= 1
