import torch_xla


def counter_names() -> list[str]:
    return sorted(torch_xla.COUNTERS)


def counter_value(name: str) -> int | None:
    return torch_xla.COUNTERS.get(name)


def metric_data(name: str) -> tuple[int, float, list[tuple[float, float]]] | None:
    count = torch_xla.COUNTERS.get("UncachedCompile")
    return (count, 2e9 * count, []) if count and name == "CompileTime" else None
