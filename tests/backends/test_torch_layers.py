"""The layers of a torch module within a call: their times add up to the call's, and the module computes as before."""

from __future__ import annotations

from itertools import count

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 - torch may be absent

from hwcost.backends import backend  # noqa: E402
from hwcost.backends.torch_layers import MOST, LayerTimes  # noqa: E402
from hwcost.devices import require  # noqa: E402
from hwcost.spaces import space  # noqa: E402
from hwcost.timing.timer import clock_of, time_block  # noqa: E402
from hwcost.workloads import models  # noqa: E402


class Net(nn.Module):
    """A stem, layers in a list, and a head."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(4, 4), nn.Linear(4, 2)
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) for _ in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


def timed(net: nn.Module) -> LayerTimes:
    found = LayerTimes.of(net)
    assert found is not None
    return found


def test_layers_add_up_to_the_call_and_change_nothing() -> None:
    net, x, ticks = Net(3), torch.ones(1, 4), count(0, 1000)
    before = net(x)
    layers = timed(net)
    found = layers.time(lambda n: [net(x) for _ in range(n)], lambda: next(ticks))  # type: ignore[arg-type,return-value]
    assert found.layers_s == pytest.approx([1e-6] * 4)
    assert found.host_s == pytest.approx(4e-6)
    assert torch.equal(net(x), before)
    layers.remove()
    assert not any("forward" in vars(layer) for layer in net.layers)
    assert torch.equal(net(x), before)


def test_many_layers_are_taken_together() -> None:
    net, x, ticks = Net(100), torch.ones(1, 4), count()
    found = timed(net).time(lambda n: net(x), lambda: next(ticks))  # type: ignore[arg-type,return-value]
    assert found.layers_s is not None
    assert len(found.layers_s) <= MOST
    assert sum(found.layers_s) == pytest.approx(found.host_s)


def test_nets_without_layers_and_compiled_ones_are_left_as_they_are() -> None:
    assert LayerTimes.of(nn.Linear(4, 4)) is None
    assert LayerTimes.of(Net(1)) is None
    compiled = Net(3)
    compiled.layers[1].compile()
    assert LayerTimes.of(compiled) is None


def test_encoder_layers_of_torch_keep_their_fast_path() -> None:
    """A hook would take them off it, and other kernels would be timed."""
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 3).eval()
    x = torch.randn(2, 5, 8)

    def operators() -> list[str]:
        with torch.inference_mode(), torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
            encoder(x)
        return [event.name for event in seen.events()]

    before = operators()
    timed(encoder)
    assert "aten::_transformer_encoder_layer_fwd" in before
    assert operators() == before


def test_a_runner_tells_layers_of_single_calls_once_asked() -> None:
    handle = require("cpu")
    mini = space("supershaper", scale="mini")
    runner = backend("torch").prepare(models(mini, mini.sample(1, seed=0), seq_len=8)[0], handle)
    clock_of(runner)
    assert time_block(runner.time_block, 1).layers_s is None
    before = runner.outputs()
    runner.time_layers()
    one, two = time_block(runner.time_block, 1), time_block(runner.time_block, 2)
    assert one.layers_s is not None
    assert sum(one.layers_s) == pytest.approx(one.seconds)
    assert two.layers_s is None
    assert all((a == b).all() for a, b in zip(before, runner.outputs(), strict=True))
    runner.close()
