import os


def device_type() -> str:
    return os.environ["PJRT_DEVICE"]
