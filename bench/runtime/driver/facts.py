"""What the numbers were taken on: processor, memory, system, compiler, libraries."""

import os
import platform
import subprocess
from typing import Dict


def value_of(path: str, key: str, separator: str = ":") -> str:
    """What stands behind the first line's key in a file of lines "key: value"."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(key):
                    return line.split(separator, 1)[-1].strip().strip('"')
    except OSError:
        pass
    return "unknown"


def huge_pages() -> str:
    """The kernel's mode: always, madvise or never."""
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="utf-8") as file:
            return file.read().split("[")[-1].split("]")[0]
    except OSError:
        return "unknown"


def facts(compiler: str, flags: str, cpu: int) -> Dict[str, str]:
    version = subprocess.run([compiler, "--version"], stdout=subprocess.PIPE, check=False,
                             universal_newlines=True).stdout.splitlines()
    system = value_of("/etc/os-release", "PRETTY_NAME", "=")
    return {
        "processor": value_of("/proc/cpuinfo", "model name"),
        "processors": f"{os.cpu_count()}, of which number {cpu} is used",
        "cache": value_of("/proc/cpuinfo", "cache size"),
        "memory": value_of("/proc/meminfo", "MemTotal"),
        "system": f"{system}, Linux {platform.release()}, huge pages: {huge_pages()}",
        "compiler": f"{version[0] if version else compiler}, {flags}",
    }
