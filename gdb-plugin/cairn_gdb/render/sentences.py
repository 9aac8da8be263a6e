"""Ways as sentences: `main.cache (local, frame #3 server.c:88) → dict["user:17"] → this`.  Pure."""

from typing import Iterator, List, Tuple, Union

from .. import units
from ..findings.ways import Path, Skipped, Step
from ..records import CONSERVATIVE, Root
from .page import Page
from .tables import cells, plain

RUN_MIN = 4  # equal steps one behind the other are told once
_KINDS = {"arg": "argument", "tls": "thread-local", "word": "word of the stack",
          "foreign": "other memory"}
_SOFT = {"weak": " (weak)", "borrowed": " (borrowed)", "opaque": " (looks like a reference)"}


def arrow(page: Page) -> str:
    return "->" if page.ascii else "→"


def _times(page: Page) -> str:
    return "x" if page.ascii else "×"


def root_text(root: Root, place: str) -> str:
    """`main.cache (local, frame #3 server.c:88)`."""
    parts = [_KINDS.get(root.kind, root.kind)]
    if root.thread is not None and root.thread > 1:
        parts.append(f"thread {root.thread}")
    if root.frame is not None and root.kind not in ("register", "foreign"):
        parts.append(f"frame #{root.frame}" + (f" {place}" if place else ""))
    if root.interior:
        parts.append("points into it")
    if root.confidence == CONSERVATIVE:
        parts.append("perhaps no reference")
    return f"{root.name or hex(root.slot_address)} ({', '.join(parts)})"


def start_text(path: Path) -> str:
    if path.root is not None:
        return root_text(path.root, path.place)
    if path.way.start == "runtime":
        return f"the runtime ({path.runtime_name})" if path.runtime_name else "the runtime itself"
    return "never freed" if path.way.start == "immortal" else "dying"


def step_text(step: Step) -> str:
    """`dict["user:17"]`, `record Session .peer`, `node .left (weak)`."""
    name = f"record {step.object.type_name}" if step.display == "record" else step.object.type_name
    slot = step.slot
    if slot.startswith("["):
        held = name + slot
    elif slot[:1].isalpha() or slot.startswith("_"):
        held = f"{name} {slot}" if " " in slot else f"{name} .{slot}"
    else:
        held = f"{name} {slot}"
    return plain(held) + _SOFT.get(step.kind, "")


def parts(path: Path, page: Page) -> List[str]:
    """What stands between the arrows."""
    texts: List[Tuple[str, int]] = []  # with how often each comes
    for step in path.steps[:-1]:
        text = _text(step, page)
        if texts and texts[-1][0] == text and isinstance(step, Step):
            texts[-1] = (text, texts[-1][1] + 1)
        else:
            texts.append((text, 1))
    found = [start_text(path)]
    if path.way.start in ("immortal", "dying"):  # it is the first object that is
        first, count = texts.pop(0) if texts else ("", 0)
        if not first:
            return [f"this is {found[0]}"]
        found = [f"{found[0]}: {first}"]
        if count > 1:
            texts.insert(0, (first, count - 1))
    for text, count in texts:
        if count < RUN_MIN:
            found.extend([text] * count)
        else:
            found.append(f"{text} {_times(page)} {units.number(count)}")
    return [*found, "this"]


def _text(step: Union[Step, Skipped], page: Page) -> str:
    if isinstance(step, Skipped):
        return f"{page.ellipsis} {units.counted(step.objects, 'more step')} {page.ellipsis}"
    return step_text(step)


def sentence(path: Path, label: str, page: Page) -> Iterator[str]:
    """The way, broken before an arrow where the page is too narrow for it."""
    line, indent = label + "  ", " " * (len(label) + 4)
    for number, part in enumerate(parts(path, page)):
        piece = part if number == 0 else f"{arrow(page)} {part}"
        blank = "" if number == 0 else " "
        if number and cells(line) + cells(piece) + 1 > page.width:
            yield line.rstrip()
            line, blank = indent, ""
        line += blank + piece
    yield line
