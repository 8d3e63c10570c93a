"""Facts of how a visit was measured and of what the machine did meanwhile: one row a fact.

A reader of a span returns a counter; it is called before and after the timed blocks, never inside one, and the difference is
kept. One that returns two counters, of a part and of the whole, gives the share of their differences.
"""

from __future__ import annotations

import resource

from hwcost.agent import cgroups, counters, processors
from hwcost.facts.agreement import EQUAL
from hwcost.facts.fact import Fact, of_machine
from hwcost.facts.values import (
    BYTES,
    CELSIUS,
    COUNT,
    COUNTS,
    DOCUMENT,
    EVENTS,
    FRACTION,
    FRACTIONS,
    HERTZ,
    HERTZ_SERIES,
    JOULES,
    NUMBER,
    SAMPLES_BY_NAME,
    SECONDS,
    SECONDS_BY_BLOCK,
    SECONDS_SERIES,
    TEXT,
    TEXT_BY_NAME,
    TEXTS,
    WATTS,
    YES_NO,
)

PROTOCOL = (
    Fact("protocol_id", "protocol", TEXT, "Name of the way of measuring.", EQUAL),
    Fact("protocol_version", "protocol", COUNT, "Its version.", EQUAL),
    Fact("threads", "protocol", COUNT, "Threads within an operation.", EQUAL),
    Fact("arrival", "protocol", TEXT, "When calls arrived: back to back, or with pauses.", EQUAL),
    Fact("tier", "protocol", TEXT, "Name of the preset."),
    Fact("timer", "protocol", TEXT, "Clock that the blocks were timed with."),
    Fact("stop_criterion", "protocol", TEXT, "Stopping criterion in words."),
    Fact("stopping", "protocol", DOCUMENT, "Stopping criterion: its name and parameters."),
    Fact("cache_state", "protocol", TEXT, "State of the device's caches before a call, hot or cold.", EQUAL),
    Fact("max_noise", "protocol", NUMBER, "Largest relative standard error of the median, where that is the criterion."),
    Fact("min_samples", "protocol", COUNT, "Fewest blocks of a visit."),
    Fact("timeout_s", "protocol", SECONDS, "Seconds after which a visit that was not steady was given up."),
    Fact("order", "protocol", TEXT, "Order of the visits."),
    Fact("input_source", "protocol", TEXT, "Where the inputs came from."),
)


SPAN = (
    Fact("cpu_steal_fraction", "conditions", FRACTION, "Share of the time of this process's CPUs that a hypervisor took.",
         read=of_machine(processors.steal_s), when="span"),
    Fact("sibling_busy_fraction", "conditions", FRACTION, "Share of time in which other CPUs of the same cores were busy.",
         read=of_machine(processors.sibling_busy_s), when="span"),
    Fact("run_queue_wait_s", "conditions", SECONDS, "Time that threads of this process were ready and had no CPU.",
         read=of_machine(counters.run_queue_wait_s), when="span"),
    Fact("cpu_pressure_s", "conditions", SECONDS, "Time that some task of the control group waited for a CPU.",
         read=of_machine(counters.pressure_s), when="span"),
    Fact("cgroup_throttled_s", "conditions", SECONDS, "Time without CPU quota.",
         read=of_machine(cgroups.throttled_s), when="span"),
    Fact("thermal_throttle_events", "conditions", EVENTS, "Times that a CPU was throttled because of its temperature.",
         read=of_machine(counters.thermal_events), when="span"),
    Fact("involuntary_switches", "conditions", EVENTS, "Times that this process was stopped against its will.",
         read=lambda process: float(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw), when="span"),
    Fact("major_faults", "conditions", EVENTS, "Pages that were read from a disk.",
         read=lambda process: float(resource.getrusage(resource.RUSAGE_SELF).ru_majflt), when="span"),
)

STATE = (
    Fact("load_avg_1min", "conditions", NUMBER, "Mean number of runnable tasks over the last minute.",
         read=lambda process: counters.first_number(process.root, "proc/loadavg"), when="state"),
    Fact("cpu_clock_hz", "conditions", HERTZ, "Highest clock of the CPUs.",
         read=of_machine(counters.highest_clock_hz), when="state"),
    Fact("temperature_celsius", "conditions", CELSIUS, "Temperature by the name of its sensor.",
         read=of_machine(counters.temperature), when="state"),
    Fact("uptime_s", "conditions", SECONDS, "Time since the machine was booted.",
         read=lambda process: counters.first_number(process.root, "proc/uptime"), when="state"),
)

OF_BLOCKS = (
    Fact("clock_ratio", "conditions", NUMBER, "Lowest mean clock of a block over the usual one."),
    Fact("left_out_s", "conditions", SAMPLES_BY_NAME, "Time per call of the blocks that do not count, by reason."),
    Fact("cpu_wait_fraction", "conditions", FRACTION, "Share of the counted blocks' time without a CPU."),
    Fact("cpu_fraction", "conditions", NUMBER, "CPU seconds over wall seconds of the counted blocks."),
    Fact("round_share", "conditions", FRACTION, "Share of its passes that a process made before it was killed or stopped."),
    Fact("disturbed_blocks", "conditions", COUNT, "Counted blocks that lost the processor."),
    Fact("block_lost_fraction", "conditions", FRACTIONS, "Share of each counted block's time without a CPU, if much."),
    Fact("warmup_calls", "conditions", COUNT, "Calls between the switch to a workload and each of its blocks."),
    Fact("switch_ratio", "conditions", NUMBER, "Time of the first call after a switch over that of one in a loop."),
    Fact("clock_hz", "conditions", HERTZ, "Median clock of the counted blocks: the device's, or else the CPUs'."),
    Fact("block_layers_s", "conditions", SECONDS_BY_BLOCK, "Time of the layers in each counted block, a single long call."),
    Fact("block_quick_s", "conditions", SECONDS_SERIES, "Time per call of each counted block's quick slices."),
    Fact("block_quickest_s", "conditions", SECONDS_SERIES, "Time per call of each counted block's quickest slices."),
    Fact("block_clock_hz", "conditions", HERTZ_SERIES, "Mean clock around each counted block, one number a block."),
    Fact("enqueue_s", "conditions", SECONDS, "Host time until a call returned, while the device was still to run it."),
    Fact("device_s", "conditions", SECONDS, "Time of a call on the device's own clock."),
    Fact("arrival", "conditions", DOCUMENT, "Pauses between calls: median pause and share of queued calls."),
    Fact("hot_cache", "conditions", DOCUMENT, "Working set and cache of a component that fits into it, and its cold call."),
)
"""Facts that follow from the timed blocks; the visit writes them."""

TELEMETRY = (
    Fact("throttle_reasons", "conditions", TEXTS, "Reasons of the device for a lower clock."),
    Fact("foreign_pids", "conditions", COUNTS, "Other processes that computed on the device."),
    Fact("visit_energy_j", "conditions", JOULES, "Energy of the device from the first to the last block."),
    Fact("energy_source", "conditions", TEXT, "Origin of that energy: a counter, or power that was polled between blocks."),
    Fact("power_w", "conditions", WATTS, "Power of the device after the last block."),
    Fact("device_memory_used_bytes", "conditions", BYTES, "Memory of the device that was in use after the last block."),
    Fact("shares_host", "conditions", YES_NO, "Whether the device is a virtual machine's processor, whose host has others."),
)
"""Facts that the telemetry of a device or a runner reports, where it has any."""

OF_QUANTITIES = (
    Fact("peak_flops_per_s", "conditions", NUMBER, "Peak rate of matrix products of the device, in operations per second."),
    Fact("peak_flops_source", "conditions", TEXT, "Where that peak comes from: a probe or a data sheet."),
    Fact("peak_bytes_per_s", "conditions", NUMBER, "Peak bandwidth of the device's memory, in bytes per second."),
    Fact("peak_bytes_source", "conditions", TEXT, "Where that bandwidth comes from."),
    Fact("resident_peak_bytes", "conditions", BYTES, "Most resident memory that preparing and running it added."),
    Fact("allocator_peak_bytes", "conditions", BYTES, "Most memory of the device that the runtime's allocator held for it."),
    Fact("device_growth_bytes", "conditions", BYTES, "Memory of the device that came into use meanwhile."),
    Fact("uninterrupted", "conditions", DOCUMENT, "Calls without a pause: their number, seconds, and telemetry meanwhile."),
    Fact("unavailable", "conditions", TEXT_BY_NAME, "Reason for facts that were looked for and not found, by name."),
)
"""Facts that quantities are worked out from; they are found while a workload is prepared."""
