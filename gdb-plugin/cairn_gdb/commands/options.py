"""The command line of a `cairn` command: options, ranges, sizes.

A line is an expression of the program's language with options among it:

    cairn show node->left - 1 -depth 2

An expression may hold spaces, quotes, brackets and minus signs, so the line is not split at
blanks first.  An option is a word that begins with one or two dashes, stands outside quotes and
brackets, and is a prefix of one declared option; what is left is the expression, as it was typed.
`--` ends the options.  Pure: no gdb.
"""

import re
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import CairnError, did_you_mean
from ..records import UNBOUNDED, Range


class Option(NamedTuple):
    name: str
    kind: str  # "flag", "count", "size", "range", "sizes", "choice", "glob" or "text"
    help: str  # one line, for the command's help
    metavar: str = ""
    choices: Tuple[str, ...] = ()

    @property
    def takes_value(self) -> bool:
        return self.kind != "flag"


LIMIT = Option("limit", "count", "show at most N rows; 0 shows all", "N")
JSON = Option("json", "flag", "print one JSON document and nothing else")
EXIT = Option("exit", "flag", "leave GDB with $cairn_status")


class Arguments:
    """A parsed line.  An option that was not given answers with the default."""

    def __init__(self, limit: int) -> None:
        self.line = ""  # all of it, as it was typed
        self.expression = ""  # as it was typed
        self.values: Dict[str, object] = {}  # of the options, by their full names
        self.limit = limit  # of rows; 0: all

    def flag(self, name: str) -> bool:
        return bool(self.values.get(name, False))

    def text(self, name: str, default: str = "") -> str:
        value = self.values.get(name)
        return default if value is None else str(value)

    def count(self, name: str, default: Optional[int] = None) -> Optional[int]:
        value = self.values.get(name)
        return value if isinstance(value, int) else default

    def range(self, name: str, default: Range) -> Range:
        value = self.values.get(name)
        return value if isinstance(value, Range) else default


class _Word(NamedTuple):
    text: str
    start: int
    end: int
    outside: bool  # it begins outside brackets and quotes


def parse(line: str, declared: Tuple[Option, ...], limit: int) -> Arguments:
    """Splits the line into options and the expression; raises CairnError on a bad option."""
    return _parse(line, list(_words(line)), declared, limit)


def parse_words(words: Sequence[str], declared: Tuple[Option, ...], limit: int) -> Arguments:
    """As `parse`, of words that were split already: an expression is one word."""
    line = " ".join(words)
    split, start = [], 0
    for word in words:
        split.append(_Word(word, start, start + len(word), True))
        start += len(word) + 1
    return _parse(line, split, declared, limit)


def _parse(line: str, words: List[_Word], declared: Tuple[Option, ...], limit: int) -> Arguments:
    arguments = Arguments(limit)
    arguments.line = line.strip()
    kept: List[Tuple[int, int]] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word.text == "--" and word.outside:
            kept.extend((rest.start, rest.end) for rest in words[index:])
            break
        option = _option_of(word, declared)
        if option is None:
            kept.append((word.start, word.end))
            continue
        if not option.takes_value:
            arguments.values[option.name] = True
            continue
        if index == len(words):
            raise CairnError(f"-{option.name} needs {_article(option)}.")
        value = unquote(words[index].text)
        index += 1
        if value in _OPERATORS and index < len(words):  # `>= 3` is as good as `>=3`
            value += words[index].text
            index += 1
        arguments.values[option.name] = _value_of(option, value)
    if kept:
        # What stood between two kept words is kept as typed unless an option stood there.
        pieces = [line[kept[0][0]:kept[0][1]]]
        for (_, before), (start, end) in zip(kept, kept[1:]):
            between = line[before:start]
            pieces.append(between if between.strip() == "" else " ")
            pieces.append(line[start:end])
        arguments.expression = "".join(pieces)
    given = arguments.count("limit")
    if given is not None:
        arguments.limit = given
    return arguments


def _words(line: str) -> Iterator[_Word]:
    """The blank-separated words of the line; blanks in quotes do not end a word, and a word in
    brackets says that it is."""
    start, depth, quote = -1, 0, ""
    outside = True
    position = 0
    while position < len(line):
        letter = line[position]
        if start < 0 and not letter.isspace():
            start, outside = position, depth == 0
        if quote:
            if letter == "\\":
                position += 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth = max(0, depth - 1)
        elif letter.isspace() and start >= 0:
            yield _Word(line[start:position], start, position, outside)
            start = -1
        position += 1
    if start >= 0:
        yield _Word(line[start:], start, len(line), outside)


def _option_of(word: _Word, declared: Tuple[Option, ...]) -> Optional[Option]:
    """The option that the word names, or None for a part of the expression."""
    match = re.fullmatch(r"--?([a-zA-Z][a-zA-Z0-9-]*)", word.text)
    if match is None or not word.outside:
        return None
    name = match.group(1)
    fitting = [option for option in declared if option.name.startswith(name)]
    exact = [option for option in fitting if option.name == name]
    if exact or len(fitting) == 1:
        return (exact or fitting)[0]
    if fitting:
        names = ", ".join("-" + option.name for option in fitting)
        raise CairnError(f"-{name} may mean {names}.")
    known = [option.name for option in declared]
    listed = ", ".join("-" + each for each in known)
    raise CairnError(f"No option -{name} here.{did_you_mean(name, known, '-{}')}  There are "
                     f"{listed}."
                     "  (For a minus sign, put the expression in parentheses.)")


def _article(option: Option) -> str:
    if option.choices:
        return "one of " + ", ".join(option.choices)
    return {"count": "a number", "range": "a range, as in 3, >=3 or 2..5",
            "size": "a size, as in 4k or 1M", "sizes": "a range of sizes, as in 4k, >=1M or 64..4k",
            "glob": "a type's name, where * and ? stand for any"}.get(option.kind, "a value")


def _value_of(option: Option, text: str) -> object:
    if option.kind == "count":
        return parse_count(text, "-" + option.name)
    if option.kind == "size":
        return parse_size(text, "-" + option.name)
    if option.kind in ("range", "sizes"):
        return parse_range(text, "-" + option.name, sizes=option.kind == "sizes")
    if option.kind == "choice":
        fitting = [choice for choice in option.choices if choice.startswith(text)]
        if text in option.choices:
            return text
        if len(fitting) != 1:
            raise CairnError(f'-{option.name} can\'t be "{text}"; it is one of '
                             f'{", ".join(option.choices)}.')
        return fitting[0]
    if text == "":
        raise CairnError(f"-{option.name} needs {_article(option)}.")
    return text


def unquote(text: str) -> str:
    """The word without the quotes around it, as GDB reads a quoted argument."""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def parse_count(text: str, what: str) -> int:
    """A number of rows or levels, not negative."""
    if text == "unlimited":
        return 0
    if re.fullmatch(r"[0-9]+", text) is None:
        raise CairnError(f'{what} needs a number, not "{text}".')
    return int(text)


_OPERATORS = ("<", "<=", ">", ">=", "=", "==")
_SCALE = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_NUMBER = r"([0-9]+)\s*([kKmMgGtT]?)(?:i?[bB])?"


def parse_size(text: str, what: str) -> int:
    """A number of bytes: `4096`, `4k`, `1M`, `2G`."""
    match = re.fullmatch(_NUMBER, text.strip())
    if match is None:
        raise CairnError(f'{what} needs a size, as in 4096, 4k or 1M, not "{text}".')
    return int(match.group(1)) * _SCALE[match.group(2).lower()]


def parse_range(text: str, what: str, sizes: bool = False) -> Range:
    """`3`, `>=3`, `>3`, `<=3`, `<3`, `2..5`; with `sizes` also `4k`, `1M`, `2G`."""
    compact = text.strip()
    bounds = re.fullmatch(r"(?:(<=|>=|<|>|==|=)?\s*)" + _NUMBER, compact)
    if bounds is not None and (sizes or not bounds.group(3)):
        operator = bounds.group(1) or "="
        number = int(bounds.group(2)) * _SCALE[bounds.group(3).lower()]
        chosen = {"=": Range(number, number), "==": Range(number, number),
                  ">=": Range(number, UNBOUNDED), ">": Range(number + 1, UNBOUNDED),
                  "<=": Range(0, number), "<": Range(0, number - 1)}[operator]
    else:
        span = re.fullmatch(_NUMBER + r"\s*\.\.\s*" + _NUMBER, compact)
        if span is None or not (sizes or not (span.group(2) or span.group(4))):
            example = "4k, >=1M, 64..4k" if sizes else "3, >=3, >3, <=3, <3, 2..5"
            raise CairnError(f'{what} "{text}" is no range; ranges look like {example}.')
        chosen = Range(int(span.group(1)) * _SCALE[span.group(2).lower()],
                       int(span.group(3)) * _SCALE[span.group(4).lower()])
    if chosen.low > chosen.high or chosen.high < 0:
        raise CairnError(f'{what} "{text}" is an empty range: nothing is in it.')
    if chosen.low > UNBOUNDED or chosen.high > UNBOUNDED:
        raise CairnError(f'{what} "{text}" is too large.')
    return chosen


# ---- completion ---------------------------------------------------------------------------------

def completions(text: str, word: str, declared: Tuple[Option, ...],
                type_names: Callable[[], List[str]]) -> Tuple[List[str], bool]:
    """What may stand where the cursor is, and whether an expression may.

    GDB replaces only `word`, the end of what is being typed as it breaks words; the answers are
    cut to begin there.
    """
    typed = "" if text == "" or text[-1].isspace() else text.split()[-1]
    before = text[:len(text) - len(typed)].split()
    last = before[-1].lstrip("-") if before and before[-1].startswith("-") else ""
    option = next((each for each in declared if last and each.name.startswith(last)), None)
    if option is not None and option.takes_value:
        if option.choices:
            offered = list(option.choices)
        else:
            offered = type_names() if option.kind == "glob" else []
    elif typed.startswith("-"):
        dashes = "--" if typed.startswith("--") else "-"
        offered = [dashes + each.name for each in declared]
    else:
        return [], True
    cut = len(typed) - len(word)
    return [each[cut:] for each in offered if each.startswith(typed)], False
