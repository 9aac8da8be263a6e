"""A JUnit file of leaks, as CI servers read it: a test case for each kind, type and place."""

import os
import re
import time
from typing import List, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from .. import units
from ..errors import CairnError
from ..findings.leak_report import Group
from ..session import tracked

ADDRESSES_MAX = 20  # of one group
# What XML 1.0 has no way to write.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _name(group: Group) -> str:
    """Two cases of one class never have the same name: servers would take one for the other."""
    place = f" allocated at {tracked.place_text(group.place)}" if group.place else ""
    return group.type_name + place + (f" ({group.why})" if group.why else "")


def _message(group: Group) -> str:
    return (f"{units.counted(len(group.leaks), 'leak')}, "
            f"{units.counted(group.objects, 'object')}, {units.size(group.bytes)}")


def _details(group: Group) -> str:
    rows = [f"{leak.root.type_name} {leak.root.address:#x} rc {leak.root.refcount}: "
            f"{units.counted(leak.objects, 'object')}, {units.size(leak.bytes)}"
            for leak in group.leaks[:ADDRESSES_MAX]]
    if len(group.leaks) > ADDRESSES_MAX:
        rows.append(f"and {units.counted(len(group.leaks) - ADDRESSES_MAX, 'more leak')}")
    return "\n".join(rows)


def _case(group: Group, failing: bool) -> List[str]:
    where = ""
    if group.place is not None and group.place.file:
        where = f' file={_attribute(group.place.file)} line="{group.place.line}"'
    head = (f'    <testcase classname={_attribute("cairn.leaks." + group.kind)} '
            f'name={_attribute(_name(group))}{where} time="0">')
    if group.why:
        inner = f"      <skipped message={_attribute(group.why + ': ' + _message(group))}/>"
    elif failing:
        inner = (f"      <failure type={_attribute(group.kind)} "
                 f"message={_attribute(_message(group))}>{escape(_clean(_details(group)))}"
                 "</failure>")
    else:
        said = escape(_clean(_message(group)))
        inner = f"      <system-out>{said}, within the limits</system-out>"
    return [head, inner, "    </testcase>"]


def document(groups: Sequence[Group], failing: bool, about: Mapping[str, str], when: int,
             seconds: float) -> str:
    """The file's text; `failing`: what is not set aside fails, else it is within the limits.
    `about` becomes properties, by their names; `when`: seconds since 1970; `seconds`: it took."""
    failures = sum(failing and not group.why for group in groups)
    skipped = sum(bool(group.why) for group in groups)
    cases: List[str] = []
    for group in groups:
        cases.extend(_case(group, failing))
    if len(groups) == skipped:
        cases.append('    <testcase classname="cairn.leaks" name="no leak" time="0"/>')
    count = len(groups) + (len(groups) == skipped)
    sums = f'tests="{count}" failures="{failures}" errors="0"'
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when))
    return "\n".join([
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="cairn" {sums} time="{seconds:.3f}">',
        f'  <testsuite name="cairn leaks" {sums} skipped="{skipped}" time="{seconds:.3f}" '
        f'timestamp="{stamp}">',
        "    <properties>",
        *(f"      <property name={_attribute(name)} value={_attribute(value)}/>"
          for name, value in about.items()),
        "    </properties>", *cases, "  </testsuite>", "</testsuites>", ""])


def write(path: str, text: str) -> None:
    """Puts the file there whole, or leaves what was there."""
    beside = f"{path}.part"
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as problem:
        try:
            os.unlink(beside)
        except OSError:
            pass  # it is not there
        raise CairnError(f"The JUnit file {path} can't be written: {problem.strerror}.")
