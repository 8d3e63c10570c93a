"""ONNX files that tests write."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def text_model(path, shape=("batch", "sequence"), rows=50):
    """Writes a graph that looks ids up in a table of ``rows``, through a cast, and multiplies by a mask."""
    table = numpy_helper.from_array(np.ones((rows, 4), np.float32), "table")
    ports = [
        helper.make_tensor_value_info("ids", TensorProto.INT32, shape),
        helper.make_tensor_value_info("attention_mask", TensorProto.INT64, shape),
        helper.make_tensor_value_info("extra", TensorProto.FLOAT, [*shape, 4]),
    ]
    nodes = [
        helper.make_node("Cast", ["ids"], ["wide"], to=TensorProto.INT64),
        helper.make_node("Gather", ["table", "wide"], ["rows"]),
        helper.make_node("Add", ["rows", "extra"], ["sum"]),
    ]
    output = helper.make_tensor_value_info("sum", TensorProto.FLOAT, [*shape, 4])
    graph = helper.make_graph(nodes, "text", ports, [output], [table])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path
