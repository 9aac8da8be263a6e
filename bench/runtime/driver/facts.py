"""What the numbers were taken on: processor, memory, system, compiler, libraries."""

import os
import platform
import subprocess
from typing import Dict


def first_line(path: str, start: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(start):
                    return line.split(":", 1)[-1].strip()
    except OSError:
        pass
    return "unknown"


def system_name() -> str:
    return first_line_of_release().strip('"')


def first_line_of_release() -> str:
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            for line in file:
                if line.startswith("PRETTY_NAME="):
                    return line.split("=", 1)[1].strip()
    except OSError:
        pass
    return platform.platform()


def facts(compiler: str, flags: str, cpu: int) -> Dict[str, str]:
    version = subprocess.run([compiler, "--version"], stdout=subprocess.PIPE, check=False,
                             universal_newlines=True).stdout.splitlines()
    huge = "unknown"
    if os.path.exists("/sys/kernel/mm/transparent_hugepage/enabled"):
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="utf-8") as file:
            huge = file.read().split("[")[-1].split("]")[0]
    return {
        "processor": first_line("/proc/cpuinfo", "model name"),
        "processors": f"{os.cpu_count()}, of which number {cpu} is used",
        "cache": first_line("/proc/cpuinfo", "cache size"),
        "memory": first_line("/proc/meminfo", "MemTotal"),
        "system": f"{system_name()}, Linux {platform.release()}, huge pages: {huge}",
        "compiler": f"{version[0] if version else compiler}, {flags}",
    }
