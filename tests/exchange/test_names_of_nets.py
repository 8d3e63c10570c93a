"""Columns that name nets, files of models or parts of a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import read_table
from hwcost.spaces.nested import are_codes, read_key, read_labels


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


def test_labels_may_be_parted_from_their_numbers_by_hyphens() -> None:
    nets = [(layers, width) for layers in (2, 4, 6) for width in (128, 256)]
    names = [f"google/bert_uncased_L-{layers}_H-{width}_A-{width // 64}" for layers, width in nets]
    read = read_table({"model": names, "latency_ms": [1, 2, 2, 4, 3, 6]}, "table")
    assert [gene.name for gene in read.space.genes] == ["L", "H", "A"]
    assert read.architectures[3].genes == (4, 256, 4)
    assert read.space.as_architecture({"model": "prajjwal/bert_L-8_H-512_A-8"}).genes == (8, 512, 8)
    assert read_labels("resnet-50") is read_labels("opt-125m") is read_labels("bert-12-768") is None


CODES = [f"{i % 5}{i // 5 % 5}{i * 3 % 5}{i * i % 5}{i % 2}" for i in range(25)]


def test_codes_of_digits_are_choices_and_no_numbers(tmp_path: Path) -> None:
    """As one number, 04321 and 10000 would be a small and a large net."""
    ms = [sum((1, 3, 2, 5, 4)[int(digit)] for digit in code) for code in CODES]
    path = tmp_path / "nets.csv"
    path.write_text("arch,latency_ms\n" + "".join(f"{code},{one}\n" for code, one in zip(CODES, ms, strict=True)))
    read = read_table(path, "table")
    assert [(gene.name, gene.categorical) for gene in read.space.genes] == [(f"arch.{i}", True) for i in range(5)]
    assert read.architectures[6].genes == (1, 1, 3, 1, 0)
    assert any("codes such as 00000, one digit for each choice" in remark for remark in read.remarks)
    for asked in ("arch=01340", {"arch": "01340"}, {"arch": 1340}):
        assert read.space.as_architecture(asked).genes == (0, 1, 3, 4, 0)
    (tmp_path / "nets.json").write_text(json.dumps(dict(zip(CODES, ms, strict=True))))
    whole = read_table(tmp_path / "nets.json", "table", TableOptions(unit="ms"))
    assert [one.genes for one in whole.architectures] == [one.genes for one in read.architectures]


def test_amounts_and_running_numbers_are_no_codes() -> None:
    assert are_codes(CODES)
    assert not are_codes(CODES[:19])
    assert not are_codes([f"{i:04d}" for i in range(100)])
    assert not are_codes([str(1000 + 25 * i) for i in range(30)])
    assert not are_codes([f"{i * 37 % 1000:05d}" for i in range(40)])
    widths = {"tokens": [1024 + 16 * i for i in range(30)], "latency_ms": range(1, 31)}
    assert [gene.name for gene in read_table(widths, "table").space.genes] == ["tokens"]
