"""Columns that name nets, files of models or parts of a data set."""

from __future__ import annotations

from typing import Any

from hwcost.exchange.table import read_table
from hwcost.spaces.nested import read_key


def test_names_that_hardly_repeat_are_remarked() -> None:
    names = [f"net-{chr(97 + i // 2)}" for i in range(24)]
    rows = {"net": [*names[:13], *names[:9]], "width": [8, 16] * 11, "latency_ms": [3, 4] * 11}
    assert not any("cannot be predicted" in remark for remark in read_table(rows, "table").remarks)
    rows["net"] = [f"{name}{'!' if i > 9 else ''}" for i, name in enumerate([*names[:13], *names[:9]])]
    says = "column 'net' has 12 values in 22 rows: a net with another value cannot be predicted. --drop net leaves it out."
    assert says in read_table(rows, "table").remarks


def test_names_of_model_files_are_dictionaries() -> None:
    names = [f"nets/v2/bert_L{depth}_H{width}_b8_fp16.onnx" for depth in (2, 4) for width in (128, 256, 512)]
    read = read_table({"file": names, "latency_ms": [1, 2, 4, 2, 4, 8]}, "table")
    assert [gene.name for gene in read.space.genes] == ["L", "H", "b", "fp"]
    assert read.architectures[5].genes == (4, 512, 8, 16)
    assert read.space.as_architecture({"file": "elsewhere/bert_L3_H64_b8_fp16.onnx"}).genes == (3, 64, 8, 16)


def test_parts_of_a_data_set_are_no_feature() -> None:
    rows: dict[str, list[Any]] = {"width": [8, 16, 24] * 2, "latency_ms": [2, 3, 4] * 2}
    rows["split"] = ["train", "train", "val", "Test", "train", "val"]
    read = read_table(rows, "table")
    assert [gene.name for gene in read.space.genes] == ["width"]
    assert any("'split' left out: it holds parts of a data set" in remark for remark in read.remarks)
    rows["split"] = ["train", "infer"] * 3
    assert [gene.name for gene in read_table(rows, "table").space.genes] == ["width", "split"]


def test_numbers_of_nets_measured_at_several_batch_sizes_are_no_features() -> None:
    nets = [(layers, width) for layers in (2, 4, 6, 12) for width in (128, 256, 512)]
    rows = [(i * 7 % 12, *net, batch) for i, net in enumerate(nets) for batch in (1, 8, 32)]
    known = {"layers": [row[1] for row in rows], "width": [row[2] for row in rows], "batch": [row[3] for row in rows]}
    known["latency_ms"] = [row[1] * row[2] * row[3] + i % 5 for i, row in enumerate(rows)]
    names: dict[str, list[Any]] = {name: [1000 + row[0] for row in rows] for name in ("arch_id", "subnet", "uid")}
    names["arch_hash"] = [f"{row[0]}f{row[0]}a" for row in rows]
    for name, values in names.items():
        read = read_table({name: values, **known}, "table")
        assert [gene.name for gene in read.space.genes] == ["layers", "width", "batch"]
        assert any(f"'{name}' left out: it holds names, one for each" in remark for remark in read.remarks)
    kept = {"model": names["arch_hash"], "gpu": names["subnet"], "form": names["arch_id"]}
    assert [gene.name for gene in read_table({**kept, **known}, "table").space.genes] == [*kept, *list(known)[:3]]
    one = {"arch_id": names["uid"], **{name: known[name] for name in ("batch", "latency_ms")}, "params": names["uid"]}
    assert [gene.name for gene in read_table(one, "table").space.genes] == ["arch_id", "batch", "params"]


def test_a_mask_in_hexadecimal_is_no_list() -> None:
    assert read_key("0x0") is read_key("0xff") is None
    assert read_key("8x512") == ["8", "512"]
