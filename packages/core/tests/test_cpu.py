import os
import platform
import subprocess
import sys

import pytest
from mlopsproj_core.cpu import (
    INSTRUCTION_SETS,
    CpuLimits,
    available_cpus,
    cpu_limits,
    cpu_name,
    instruction_sets,
)


@pytest.fixture(autouse=True)
def no_limit_of_the_user(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 4, 6}, raising=False)


def control_group(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def version_1(quota, period):
    return {"cpu/cpu.cfs_quota_us": f"{quota}\n", "cpu/cpu.cfs_period_us": f"{period}\n"}


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "max 100000\n"}, 4),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "800000 100000\n"}, 4),
        (version_1(-1, 100000), 4),
        (version_1(300000, 100000), 3),
        (version_1(50000, 100000), 1),
        ({"cpu.max": "100000 100000\n", **version_1(300000, 100000)}, 1),
        ({}, 4),
        ({"cpu.max": ""}, 4),
        ({"cpu.max": "many 100000\n"}, 4),
        ({"cpu.max": "100000 0\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "300000\n"}, 4),
    ],
)
def test_takes_the_least_of_affinity_and_quota(four_cores, tmp_path, files, cores):
    assert available_cpus(control_group(tmp_path, files)) == cores


@pytest.mark.parametrize(("counted", "cores"), [(6, 6), (None, 1)])
def test_counts_where_there_is_no_affinity(monkeypatch, tmp_path, counted, cores):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: counted)
    assert available_cpus(tmp_path) == cores


@pytest.mark.parametrize(
    ("given", "cores"),
    [
        ("1", 1),
        ("3", 3),
        ("4", 4),
        ("16", 4),
        (" 2 ", 2),
        ("2,1", 2),  # of nested regions: the outermost counts
        ("", 4),
        ("0", 4),
        ("-1", 4),
        ("many", 4),
    ],
)
def test_the_user_may_ask_for_fewer(four_cores, monkeypatch, tmp_path, given, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert available_cpus(tmp_path) == cores


def test_tells_what_limits_the_cores(four_cores, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert cpu_limits(tmp_path) == CpuLimits(host=8, affinity=4, quota=None, wish=None)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    limits = cpu_limits(control_group(tmp_path, {"cpu.max": "150000 100000\n"}))
    assert limits == CpuLimits(host=8, affinity=4, quota=2, wish=3)
    assert limits.available == 2


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is set on Linux only")
def test_obeys_the_affinity_of_this_process(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cpus(tmp_path) == 1
    finally:
        os.sched_setaffinity(0, before)


def test_this_machine_has_one_at_least():
    assert 1 <= available_cpus() <= os.cpu_count()


# As Linux tells them; two processors each, some lines left out.
ZEN_5 = """\
processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 9575F 64-Core Processor
flags\t\t: fpu sse sse2 ssse3 fma cx16 sse4_1 sse4_2 avx f16c rdrand avx2 avx512f avx512dq \
avx512bw avx512vl avx_vnni avx512_bf16 gfni avx512_vnni avx512_vpopcntdq
bugs\t\t: sysret_ss_attrs spectre_v1

processor\t: 1
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 9575F 64-Core Processor
"""
SAPPHIRE_RAPIDS = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu ssse3 fma cx16 sse4_1 sse4_2 avx f16c avx2 avx512f avx512_vnni avx_vnni avx512_bf16 \
amx_bf16 avx512_fp16 amx_tile amx_int8
power management:
"""
HASWELL = """\
processor\t: 0
model name\t: Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz
flags\t\t: fpu ssse3 fma cx16 sse4_1 sse4_2 avx f16c avx2 erms

processor\t: 1
"""
NEOVERSE_V1 = """\
processor\t: 0
BogoMIPS\t: 2100.00
Features\t: fp asimd evtstrm aes crc32 fphp asimdhp asimddp sha512 sve svei8mm i8mm bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40

processor\t: 1
"""
RASPBERRY_PI_4 = """\
processor\t: 0
Features\t: fp asimd evtstrm crc32 cpuid
CPU part\t: 0xd08

processor\t: 1
Features\t: fp asimd evtstrm crc32 cpuid

Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""


@pytest.fixture
def on_linux(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Linux")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            ZEN_5,
            "sse4.2 avx2 fma f16c avx512f avx512_vnni avx_vnni avx512_bf16",
        ),
        (
            SAPPHIRE_RAPIDS,
            "sse4.2 avx2 fma f16c avx512f avx512_vnni avx_vnni avx512_bf16 amx_int8 amx_bf16",
        ),
        (HASWELL, "sse4.2 avx2 fma f16c"),
        (NEOVERSE_V1, "asimd asimddp i8mm bf16"),
        (RASPBERRY_PI_4, "asimd"),
        ("", ""),
        ("no such line\n\n", ""),
        ("flags\t:\n", ""),
    ],
    ids=["Zen 5", "Sapphire Rapids", "Haswell", "Neoverse V1", "Pi 4", "empty", "other", "none"],
)
def test_instruction_sets_are_told_by_linux(on_linux, tmp_path, text, found):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)
    assert instruction_sets(cpuinfo) == tuple(found.split())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ZEN_5, "AMD EPYC 9575F 64-Core Processor"),
        (SAPPHIRE_RAPIDS, "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"),
        (NEOVERSE_V1, "aarch64"),
        ("model name\t: unknown\n", "aarch64"),
        ("model name\t:\n", "aarch64"),
        ("", "aarch64"),
    ],
    ids=["Zen 5", "Sapphire Rapids", "Neoverse V1", "sandbox", "blank", "empty"],
)
def test_a_cpu_without_a_name_is_called_after_its_architecture(
    on_linux, monkeypatch, tmp_path, text, name
):
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(text)
    assert cpu_name(cpuinfo) == name


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_system_that_tells_nothing_has_no_known_instruction_set(on_linux, tmp_path, content):
    cpuinfo = tmp_path / "cpuinfo"
    if content is not None:
        cpuinfo.write_bytes(content)
    assert instruction_sets(cpuinfo) == ()
    assert cpu_name(cpuinfo)


APPLE_M2 = """\
hw.optional.AdvSIMD: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_SME: 0
machdep.cpu.brand_string: Apple M2
machdep.cpu.core_count: 8
"""
APPLE_M1 = APPLE_M2.replace("BF16: 1", "BF16: 0").replace("I8MM: 1", "I8MM: 0")
INTEL_MAC = """\
hw.optional.avx2_0: 1
hw.optional.AdvSIMD: 0
machdep.cpu.brand_string: Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz
machdep.cpu.features: FPU SSE SSE2 FMA SSE4.1 SSE4.2 AVX1.0 RDRAND F16C
machdep.cpu.leaf7_features: RDWRFSGS BMI1 AVX2 SMEP
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("text", "found", "name"),
    [
        (APPLE_M2, "asimd asimddp i8mm bf16", "Apple M2"),
        (APPLE_M1, "asimd asimddp", "Apple M2"),
        (INTEL_MAC, "sse4.2 avx2 fma f16c", "Intel(R) Core(TM) i7-8850H CPU @ 2.60GHz"),
    ],
    ids=["M2", "M1", "Intel"],
)
def test_instruction_sets_are_told_by_macos(monkeypatch, tmp_path, text, found, name):
    (tmp_path / "answer").write_text(text)
    sysctl = tmp_path / "sysctl"
    # Which says so with an error if it lacks one of the keys.
    sysctl.write_text(
        f'#!/bin/sh\nwhile read -r line; do echo "$line"; done <{tmp_path}/answer\nexit 1\n'
    )
    sysctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    assert instruction_sets() == tuple(found.split())
    assert cpu_name() == name


@pytest.mark.parametrize("failure", ["absent", "hanging"])
def test_a_macos_that_does_not_answer_has_no_known_instruction_set(monkeypatch, tmp_path, failure):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    if failure == "absent":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        monkeypatch.setattr("shutil.which", lambda _: "sysctl")

        def hang(command, **options):
            raise subprocess.TimeoutExpired(command, options["timeout"])

        monkeypatch.setattr(subprocess, "run", hang)
    assert instruction_sets() == ()
    assert cpu_name()


def test_this_machine_s_instruction_sets_are_known_ones():
    found = instruction_sets()
    assert set(found) <= set(INSTRUCTION_SETS)
    if sys.platform == "linux" and platform.machine() in {"x86_64", "aarch64"}:
        assert found
