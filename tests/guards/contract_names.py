"""docs/CONTRACT.md names every struct, field and constant that the runtime exports."""
import pathlib
import re
import sys
from typing import Dict, List

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "runtime" / "src"
LAYOUT = (SOURCES / "layout.h").read_text()
EXPORT = (SOURCES / "contract_export.c").read_text()
HEADER = (ROOT / "runtime" / "include" / "cairn" / "object.h").read_text()
GROUPS = {"CAIRN_PAGE_KINDS": "page_kind", "CAIRN_FLUX_KINDS": "flux",
          "CAIRN_HEAP_SLOW": "heap_slow",
          "CAIRN_DISPLAY_KINDS": "display", "CAIRN_TYPE_FLAGS": "type_flag",
          "CAIRN_SLOT_KINDS": "slot_kind", "CAIRN_SLOT_SHAPES": "slot_shape",
          "CAIRN_SLOT_FLAGS": "slot_flag", "CAIRN_FIELD_KINDS": "field_kind",
          "CAIRN_RUNTIME_SLOT_NAMES": "runtime_slot", "CAIRN_STATE_BITS": "state",
          "CAIRN_TRACK_SWITCHES": "track_switch", "CAIRN_EVENT_OPS": "event_op"}


def macros(text: str) -> Dict[str, str]:
    """The function-like macros of a text that span lines, by name."""
    found = re.finditer(r"#define (\w+)\(\w+\)((?:.*\\\n)+.*\n)", text)
    return {match[1]: match[2] for match in found}


def exported() -> Dict[str, List[str]]:
    """Names by owner: a struct's fields, a group's constants."""
    names: Dict[str, List[str]] = {"object": ["header", "count", "type"]}
    for macro, body in {**macros(LAYOUT), **macros(HEADER)}.items():
        if macro.startswith("CAIRN_LAYOUT_"):
            fields = re.findall(r"\bF\([^,]*,[^,]*,\s*(\w+),\s*[A-Z]+\)", body)
            names[macro[len("CAIRN_LAYOUT_"):].lower()] = fields
        elif macro in GROUPS:
            names["constants " + GROUPS[macro]] = re.findall(r"\b[EF]\(\w+, (\w+), \d+\)", body)
    for group, name in re.findall(r'\bC\("(\w+)\.(\w+)"', EXPORT):
        names.setdefault("constants " + group, []).append(name)
    return names


def described(text: str, owner: str) -> str:
    """The part of the document that is about an owner."""
    if owner.startswith("constants "):
        section = text[text.index("\n## 5. "):text.index("\n## 6. ")]
        match = re.search(r"^\| `%s` \|.*$" % owner.split()[1], section, re.MULTILINE)
    else:
        match = re.search(r"^\*\*`%s`\*\*.*?(?=^\*\*`|^## )" % owner, text,
                          re.MULTILINE | re.DOTALL)
    return match[0] if match else ""


def main() -> int:
    text = (ROOT / "docs" / "CONTRACT.md").read_text()
    names = exported()
    missing = ["%s: %s" % (owner, name) for owner, members in names.items() for name in members
               if "`%s`" % name not in described(text, owner)]
    count = sum(len(members) for members in names.values())
    print("\n".join(missing) or "%d names, all described" % count)
    return 1 if missing or count < 150 else 0


if __name__ == "__main__":
    sys.exit(main())
