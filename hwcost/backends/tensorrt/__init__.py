"""NVIDIA TensorRT: engines built from ONNX files, kept, and run with CUDA graphs.

Everything is written against a module that is passed in (``tensorrt``, or ``tensorrt_rtx`` with nearly the same interface)
and against a layer for the GPU's memory and streams, so that building is tested with TensorRT-RTX on machines without a GPU.
"""

from __future__ import annotations
