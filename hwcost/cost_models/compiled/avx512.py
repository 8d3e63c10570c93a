"""Instructions of x86 processors with AVX-512, as the kernels emit them."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import codegen, config


def has(*extensions: str) -> bool:
    """Whether numba compiles for a processor with extensions: this one, or what ``NUMBA_CPU_FEATURES`` says."""
    known = codegen.get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES
    return {f"+{one}" for one in extensions} <= set(known.split(","))


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
