import os

import torch_xla


def wait_device_ops() -> None:
    torch_xla.wait()


def get_memory_info(device: object) -> dict[str, int]:
    return torch_xla.memory()


def xla_device_hw(device: object) -> str:
    return os.environ["PJRT_DEVICE"]
