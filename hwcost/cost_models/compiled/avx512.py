"""Instructions of x86 processors with AVX-512, as the vector kernels emit them."""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir

FEATURES = ("avx512f", "avx512bw", "avx512vbmi")
"""Extensions of the instruction set that the kernels use."""


def is_here() -> bool:
    """Whether this processor has the instructions."""
    has = llvm.get_host_cpu_features()
    return all(has.get(feature, False) for feature in FEATURES)


def instruction(build: Any, name: str, result: Any, *operands: Any) -> Any:
    """Emits an instruction of the processor, and returns its result.

    Args:
        build: Builder of the code.
        name: LLVM's name of the instruction.
        result: Type of the result.
        *operands: Operands.
    """
    known = build.module.globals
    kind = ir.FunctionType(result, [one.type for one in operands])
    function = known[name] if name in known else ir.Function(build.module, kind, name)
    return build.call(function, operands)
