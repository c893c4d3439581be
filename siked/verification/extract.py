r"""The answer that a rationale states last, and by which marker it was found.

    "16 - 3 - 4 = 9 eggs ...\nFinal Answer: 18"    -> "18"  final-answer
    "... 9 * 2 = $18\n#### 18"                      -> "18"  hash-marks
    "... is $\boxed{18}$."                          -> "18"  boxed
    "So the answer is $18."                         -> "$18" the-answer-is
    "She makes 9 * 2 = 18\nA: 18\n\nQ: Tom has 4"   -> "18"  answer-letter
    "eggs = 16 - 7\nanswer = 18"                    -> "18"  answer-equals
    "<answer>18</answer>"  '{"answer": 18}'         -> "18"  answer-tag
    "She makes 9 * 2 = $18 every day."              -> "$18" last-number

Position decides, not rank: of all markers with a value the last one counts, of the rationale's own
part of the text. What is not its own is cut off first: drafts (``<think>``), and other problems,
which many models go on with once they are done. What stands behind a marker is read by
``siked.verification.numbers``. Nothing here raises, whatever the text, and the time taken grows
with its length alone.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

import re
from collections.abc import Container, Iterator
from typing import NamedTuple

from siked.prompts import split_thinking
from siked.verification.compare import are_equal
from siked.verification.layout import TURN, draws
from siked.verification.numbers import Reading, read, read_last

LONGEST = 50_000
"""Longer texts are read up to here; no rationale is a tenth as long."""
_MOST_STATED = 400
"""Longer, nothing is read as an answer."""
_MOST_LINES = 8
_MOST_MARKS = 50
"""So many markers are looked at, from the last on."""

RULES = (
    "final-answer", "hash-marks", "boxed", "the-answer-is", "answer-letter", "answer-equals",
    "answer-tag", "last-number",
)  # fmt: skip
"""How an answer may be found."""


class Extracted(NamedTuple):
    """An answer as text, with the rule that found it; both None where there is none."""

    answer: str | None
    rule: str | None


class _Mark(NamedTuple):
    """A place where a text says its answer."""

    start: int
    end: int
    rule: str
    close: int = -1
    """Where a box or a tag ends; -1 for a marker in front; the text's end where it never does."""


def extract(text: str, ignore: Container[str] = ()) -> Extracted:
    """Return the answer of a rationale.

    Args:
        text: the rationale.
        ignore: rules that are not tried.
    """
    lines = _own(text[:LONGEST])
    if not ignore and (plainest := _plainest(lines)) is not None:
        return plainest
    marks = sorted({*_marks(lines, ignore)})
    end = _run_on(lines, marks)
    if end < len(lines):
        lines = lines[:end]
        marks = [one for one in marks if one.end <= end]
    found = _stated(lines, marks)
    if found is not None:
        answer, rule = found
        return Extracted(answer, rule if answer is not None else None)
    if "last-number" not in ignore and (last := read_last(lines)) is not None and last.text:
        return Extracted(last.text, "last-number")
    return Extracted(None, None)


_PLAINEST = re.compile(
    r"\n(?:(A|Answer): |(Final [Aa]nswer): |#### )(\$?-?[0-9]{1,15}(?:\.[0-9]{1,12})?\.?)\Z"
)
_MAY_LEAD = re.compile(r"[*_#>\[\s]{0,6}(?:A[*_#>\[\s]{0,6}:|(?:[Aa]ns|ANS)\b)")
"""How a line may begin that only introduces the next, as "The final answer is:" does."""


def _plainest(lines: str) -> Extracted | None:
    """Return what a text states in its last line as most do; None where all of it has to be read.

    This is what reading all of it would give, several times as fast.
    """
    last = lines.rfind("\n")
    found = _PLAINEST.match(lines, last)
    if found is None or "<" in lines or "box" in lines or "答" in lines:
        return None
    before = lines[max(last - _MOST_STATED, 0) : last].rstrip().rpartition("\n")[2]
    if before and (not before[-1].isalnum() and before[-1] not in ".!)"):
        return None
    if "nswer" in before or "esult" in before or "NSWER" in before or "####" in before:
        return None
    if _MAY_LEAD.match(before) is not None or NEXT.search(lines) is not None:
        return None
    rule = "answer-letter" if found[1] else "final-answer" if found[2] else "hash-marks"
    return Extracted(found[3], rule)


# --- the rationale's own part -------------------------------------------------------------------

_CALCULATOR = re.compile(r"<<[^<>\n]{0,200}>>")


def _own(text: str) -> str:
    """Return a text without drafts, up to the end of the turn; every line behind a line break."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "<<" in text:
        text = _CALCULATOR.sub("", text)
    if "<" in text or "[" in text or "◁" in text:
        _, text = split_thinking(text)
    lines = "\n" + text.strip()
    if ("<" in lines or "[" in lines) and (turn := TURN.search(lines, 2)) is not None:
        lines = lines[: turn.start()]
    return lines


# How another problem begins. Patterns of what begins a line start with the line break before it: a
# search then looks at line breaks alone, several times as fast as ``^`` would.
_MARKS = r"[*_#>\[\s]{0,6}"
_LINE = rf"\n{_MARKS}"
NEXT = re.compile(
    rf"{_LINE}(?=[QPETHUIARNLFBSYMW<\s])(?:"
    r"(?P<label>Q(?:uestions?)?|Problems?|Exercises?|Examples?|Tasks?|Quiz|Prompt|Human|User"
    r"|Instruction|Input|Assistant|Response"
    r"|follow-?\s?up|your (?:turn|task)"
    r"|(?:follow-?\s?up|new|next|another|additional|practice|similar|bonus|extra|more|related|textbook"
    r"|math|word)\s(?:question|problem|exercise|example|task)s?)"
    rf"\s{{0,2}}(?P<number>\d{{0,4}})(?:{_MARKS}[:.)]|[*_\]]{{0,4}}(?:\n|$))"
    r"|(?<=#)\s{0,4}(?:Instruction|Question|Problem|Input|Example|Response)\b"
    r"|(?:here(?:'s|’s| is| are)|(?:now|next),?(?:\slet(?:'s|’s)\s\w{2,8})?|let(?:'s|’s)\s\w{2,8})"
    r"\s(?:is\s)?(?:another|a new|the next|a similar|one more|more)\s[\w ]{0,20}?"
    r"(?:question|problem|example|exercise|task)"
    r"|next (?:question|problem|example|exercise|task)\b"
    r"|<(?:question|problem|user|instruction)>)",
    re.IGNORECASE,
)
"""What may begin another problem, in prose."""
_NEW = re.compile(
    rf"{_LINE}(?:(?:Question|Problem|Human|User){_MARKS}:|(?<=#)\s{{0,4}}Instruction{_MARKS}:)",
    re.IGNORECASE,
)
"""What begins another problem wherever something else stands before it."""
_CLOSING = ("final-answer", "hash-marks", "boxed", "answer-tag")
"""What is said once, behind the last of one's own numbered questions."""


def _run_on(lines: str, marks: list[_Mark]) -> int:
    """Return where a text goes on with another problem; its end where it does not.

    A label counts behind an answer. One's own questions may be answered one by one, so a label
    that goes on with the count of the one before is none ("Question 1" … "Question 2"), nor is one
    that "A:" answered where a label stood in front of it already.
    """
    asked = NEXT.search(lines)
    if asked is None:
        return len(lines)
    end = len(lines)
    if asked.start() > 0 and (new := _NEW.search(lines, 1)) is not None:
        end = new.start()
    answered = [
        one.end for one in marks
        if one.rule not in ("answer-letter", "answer-equals") or one.start < asked.start()
    ]  # fmt: skip
    if not answered:
        return end
    first = min(answered)
    closed = min((one.end for one in marks if one.rule in _CLOSING), default=len(lines))
    own = asked.start() < first and asked["number"]
    count = int(asked["number"]) if own else 0
    for following in NEXT.finditer(lines, first):
        number = following["number"]
        if own and number and int(number) == count + 1 and following.start() < closed:
            count += 1
            continue
        return min(end, following.start())
    return end


# --- markers ------------------------------------------------------------------------------------

_WORD = re.compile(
    r"[Aa]nswer|ANSWER|(?<=[Ff]inal )[Rr]esult|(?<=\n)(?:[Aa]ns|ANS)\b|答案|答え|答(?=[:：])"
)
_BEFORE = re.compile(
    r"(?P<line>(?:^|\n)[^\w\n]{0,12}(?:\d{1,2}[.)][^\w\n]{1,6})?(?:<\w{1,6}>[^\w\n]{0,4})?)"
    r"(?P<so>(?:so|thus|therefore|hence)[, ]{1,3})?"
    r"(?P<whose>(?:(?:the|my|our|your|this|correct|overall|numerical|numeric|short)\s){0,3})"
    r"(?P<final>final[\s_*]{1,4})?(?P<which>(?:correct|numerical|numeric|exact)\s)?$",
    re.IGNORECASE,
)
_LONGEST_BEFORE = 60
_SAID_BEFORE = re.compile(r"(?:\b(?:the|my|our|correct|final|so|thus)|[.!?;:,])\Z")
_OTHER_WORDS = ("答案", "答え", "答")
_AFTER = re.compile(
    r"s?(?P<quote>[\"'])?[*_`\]\"')]{0,4}(?:</\w{1,6}>)?"
    r"(?:[^\S\n]{0,2}\([^()\n]{0,40}\)|,[^,.:\n]{1,30},|\s(?:to|for|of|in)\s(?=[^.:=\n]{1,60}\s(?:is|are|was|:)\s)"
    r"(?:[^\s.:=]{1,30}\s){1,10}?(?=(?:is|are|was)\b))?"
    r"(?:\s{0,3}[*_`]{0,3}(?P<sign>=>|->|[:：=→])|[ \t]{1,3}(?P<dash>[-–—])(?=\s)"
    r"|(?P<is>\s{0,2}(?:是|为|は)|\s{0,3}(?:is|are|was|would be|will be|should be|must be|"
    r"comes (?:out )?to|equals|works out to|turns out to be|becomes)\b"
    r"(?!\s+not\b))(?:\s{0,2}[:：])?"
    r"|(?P<line>\s{0,3}(?:\n|$))|(?P<bare>\s{1,3}(?=[-$€£\d\\*])))",
)
_HASHES = re.compile(r"(?<!#)#{4}(?!#)[ \t*_]{0,6}(?=\S)")
_HEADING = re.compile(
    r"\d{1,3}(?:[.)][ \t*_]{1,4}[A-Za-z*]|\ufe0f?\u20e3|:)|\([a-z\d]\)|[A-Za-z]+[ \t]+\d",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[^\w\n]{0,8}(?:\\[a-z]{2,12}\{?[^\w\n]{0,3}){0,3}(?:(?:US|USD|R|C|A|EUR|Rs\.?)\s?[$]?)?"
    r"(?:\d|[a-zA-Z]\s?=|(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|"
    r"(?:thir|four|fif|six|seven|eigh|nine)teen|twenty|thirty|fou?rty|fifty|sixty|seventy|eighty|"
    r"ninety|half|none|no|a|minus|negative)\b)"
)
"""How a value begins behind hash marks."""
_JSON = re.compile(
    r"(?:\s{0,4}[\"'](?=([^\"'\n]{1,200})[\"'])|\s{0,4}(?=(\[[^\]]{0,200}\]|[^,}\n]{1,200})))"
)
_WORDS = (
    ("nswer", 1), ("NSWER", 1), ("esult", 1), ("\nans", -1), ("\nAns", -1), ("\nANS", -1),
    ("答", 0),
)  # fmt: skip
"""What is in ``_WORD`` and how far behind its start: far faster to find than the pattern itself."""
_LETTER = re.compile(rf"{_LINE}A{_MARKS}:[*_]{{0,3}}")
_BOX = re.compile(r"\\(?:boxed|fbox)\s?\{")
_TAG = re.compile(r"<(final_?answer|answer|ans|result|final)>", re.IGNORECASE)


def _marks(text: str, ignore: Container[str]) -> Iterator[_Mark]:
    """Yield the markers of a text that are not ignored, kind by kind."""
    found = [_LETTER.finditer(text), _words(text)]
    if "####" in text:
        found.append(_HASHES.finditer(text))
    if "box" in text:
        found.append(_BOX.finditer(text))
    if "<" in text:
        found.append(_TAG.finditer(text))
    for matches in found:
        for match in matches:
            mark = _mark(text, match)
            if mark is not None and mark.rule not in ignore:
                yield mark


def _words(text: str) -> Iterator[re.Match[str]]:
    """Yield the words of a text that say that an answer follows; some of them twice."""
    for piece, back in _WORDS:
        at = text.find(piece)
        while at >= 0:
            match = _WORD.match(text, at - back)
            if match is not None:
                yield match
            at = text.find(piece, at + 1)


def _mark(text: str, match: re.Match[str]) -> _Mark | None:
    """Return the marker that a match of one of the patterns is; None where it is none."""
    start, end = match.span()
    if match.re is _WORD:
        return _worded(text, match)
    if match.re is _LETTER:
        return _Mark(start + 1, end, "answer-letter")
    if match.re is _BOX:
        return _Mark(start, end, "boxed", _closing(text, end))
    if match.re is _TAG:
        close = text[end : end + _MOST_STATED].lower().find(f"</{match[1].lower()}>")
        return _Mark(start, end, "answer-tag", len(text) if close < 0 else end + close)
    heading = _VALUE.match(text, end) is None or _HEADING.match(text, end) is not None
    return None if heading else _Mark(start, end, "hash-marks")


def _worded(text: str, word: re.Match[str]) -> _Mark | None:
    """Return the marker that the word "answer" is a part of; None where it is of none."""
    after = _AFTER.match(text, word.end())
    if after is None:
        return None
    if after["quote"] and after["sign"] == ":":
        value = _JSON.match(text, after.end())
        group = 1 if value and value[1] else 2
        return value and _Mark(word.start(), value.start(group), "answer-tag", value.end(group))
    rule = _word_rule(text, word, after)
    return None if rule is None else _Mark(word.start(), after.end(), rule)


def _word_rule(text: str, word: re.Match[str], after: re.Match[str]) -> str | None:
    """Return the rule of a marker with "answer" in it, by what stands around the word."""
    far = word.start() - _LONGEST_BEFORE
    begin = max(text.rfind("\n", max(far, 0), word.start()), far, 0)
    before = _BEFORE.search(text, begin, word.start())
    previous = text[max(word.start() - 24, begin) : word.start()].lower().rstrip("*_ \t")
    if before is not None and (previous.endswith("final") or before["final"]):
        return "final-answer"
    alone = before is not None and not before["whose"] and word[0].lower() != "result"
    if after["bare"] or (after["line"] is not None and not alone):
        return None
    if after["is"] or word[0] in _OTHER_WORDS:
        return "the-answer-is"
    sign = after["sign"] or after["dash"]
    if alone:
        lower = word[0][0] == "a" or len(word[0]) == len("Ans")
        return "answer-equals" if sign == "=" or (lower and sign) else "answer-letter"
    said = after["sign"] is not None and _SAID_BEFORE.search(previous) is not None
    return "the-answer-is" if said else None


def _closing(text: str, at: int) -> int:
    """Return where a brace closes; the text's end where it is not closed in time."""
    depth = 1
    for place in range(at, min(len(text), at + _MOST_STATED)):
        sign = text[place]
        if sign == "{":
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                return place
    return len(text)


# --- what stands behind them --------------------------------------------------------------------

_ITEM = re.compile(r"\n\s{0,4}(?:[-*•+]\s{1,4}|>\s{0,3}|1[.)]\s{1,3}(?=[$\d]))")
_LISTED = re.compile(
    r"\s{0,4}(?:(?P<bullet>[-*•+][ \t]+)|(?P<number>\d{1,2}[.)][ \t]+)|(?P<letter>\(?[a-z]\)[ \t]*)"
    r"|(?P<row>\|)|(?P<name>[*_$\\(]{0,3}(?=[a-zA-Z]\s?=)))"
)
"""How a line of a list or a table begins."""
_RETRACTED = re.compile(
    r"(?:[.!?,;\n*_]\s{0,4}|\A\s{0,4})(?:(?:but|however),? )?(?:wait|actually|no[,:.]|hold on|"
    r"correction|edit:|sorry|oops|hmm|on second thought|my mistake[.,:;!]|"
    r"let me (?:re|correct|fix)|i (?:made an? (?:mistake|error)|mis(?:counted|read|calculated))|"
    r"that(?:['’]s| is| was) (?:wrong|incorrect|not (?:right|correct))"
    r"(?!\s(?:if|for|when|unless)\b))",
    re.IGNORECASE,
)
_CONFIRMED = re.compile(
    r"\b(?:(?<!\bnot )(?:correct|right)(?!\s(?:\w{1,20}\s){1,2}(?:is|was|should)\b)|yes|confirm"
    r"|checks? out|good|matches|fine)",
    re.IGNORECASE,
)
"""What confirms an answer; "the correct total is 14" and "not right" do not."""
_CONCLUDES = re.compile(
    r"[.!?\n→]|\b(?:so|no|not|but|thus|then|hence|therefore|is|are|gives?|total|makes?|wait|actually)\b"
    r"|[=]", re.IGNORECASE
)  # fmt: skip


_SECOND = re.compile(r"[A-Za-z]\s{0,2}=\s{0,2}\Z")
"""The second unknown: ``x = \\boxed{5}, y = \\boxed{7}``."""


def _stated(text: str, marks: list[_Mark]) -> tuple[str | None, str] | None:
    """Return what the last marker with a value states, with its rule; None without any.

    The answer is None where the text breaks off in its last box.
    """
    worded: tuple[str, str] | None = None
    at = len(marks) - 1
    while at >= max(len(marks) - _MOST_MARKS, 0):
        mark = marks[at]
        first = at
        while first > 0 and _leads(text, marks[first - 1], marks[first]):
            first -= 1
        rule = marks[first].rule
        reading, ends = _behind(text, mark)
        if mark.rule == "boxed" and mark.close == len(text):
            return None, rule
        if reading is not None:
            if mark.rule == "boxed" and (both := _both(text, marks, at, reading)) is not None:
                return both, rule
            if reading.number is not None or reading.latex is not None:
                said = ends if mark.close >= 0 else mark.end
                return (_retracted(text, said) or reading.text), rule
            if worded is None or (not _digits(worded[0]) and _digits(reading.text)):
                worded = reading.text, rule
                if _digits(reading.text) or rule in ("final-answer", "boxed"):
                    return worded
        at = first - 1
    return worded


def _digits(text: str) -> bool:
    return any(map(str.isdigit, text))


def _leads(text: str, mark: _Mark, following: _Mark) -> bool:
    r"""Return whether one marker only introduces the next: "the final answer is \boxed{18}"."""
    if following.start < mark.end:
        return True
    if mark.close >= 0:
        return following.start < mark.close
    between = text[mark.end : following.start]
    if len(between) > _MOST_STATED or _digits(between):
        return False
    lines = [line for line in between.split("\n")[:-1] if not draws(line)]
    return not lines


def _behind(text: str, mark: _Mark) -> tuple[Reading | None, int]:
    """Return what stands behind a marker, and where that ends; None for nothing."""
    if mark.close >= 0:
        return _within(text, mark), mark.close + 1
    at = mark.end
    stop = min(len(text), at + _MOST_STATED)
    for number in range(_MOST_LINES):
        end = text.find("\n", at, stop)
        end = stop if end < 0 else end
        line = text[at:end]
        own = number or text[at - 1] == "\n"
        if own and (item := _ITEM.match("\n" + line)) is not None:
            line = line[item.end() - 1 :]
        stated = line.rstrip(" \t*_")
        line = line.strip(" \t:")
        if line and not draws(line):
            if not line[0].isalnum():
                line, end = _display(text, at, end, line)
            found = read(line)
            if found.number or found.latex or _digits(line) or not (own or stated.endswith(":")):
                if own and (other := _sibling(text, at, stop, found)) is not None:
                    found = Reading(f"{found.text}, {other.text}"[:_MOST_STATED])
                return found, end
        if line and ("\\[" in line or "$$" in line or "\\begin" in line):
            return _shown(text, end, stop)
        at = end + 1
        if at >= stop:
            break
    return None, at


def _within(text: str, mark: _Mark) -> Reading | None:
    """Return what a box or a tag holds; None for nothing."""
    inside = text[mark.end : min(mark.close, mark.end + _MOST_STATED)].strip()
    if inside.startswith("["):  # a list, whatever its lines
        inside = inside.replace("\n", " ")
    return read(inside) if inside else None


def _sibling(text: str, at: int, stop: int, found: Reading) -> Reading | None:
    """Return another value, in a line of the same list or table; None without one."""
    form = _LISTED.match(text, at)
    if form is None or found.number is None:
        return None
    for line in text[at:stop].split("\n")[1:]:
        if draws(line):
            continue
        same = _LISTED.match(line)
        if same is None or same.lastgroup != form.lastgroup:
            return None
        other = read(line[same.end() :])
        if other.number is not None and not are_equal(found.number, other.number):
            return other
    return None


def _display(text: str, at: int, end: int, line: str) -> tuple[str, int]:
    """Return a line, with those that follow where it opens a display that it does not close."""
    for opening, closing in (("\\[", "\\]"), ("$$", "$$"), ("\\begin", "\\end")):
        if line.startswith(opening) and closing not in line[len(opening) :]:
            close = text.find(closing, end, at + _MOST_STATED)
            if close >= 0:
                return " ".join(text[at:close].split("\n")), close
    return line, end


def _shown(text: str, at: int, stop: int) -> tuple[Reading | None, int]:
    """Return what a display shows: all of its lines are one statement."""
    ends = [found for mark in ("\\]", "$$", "\\end") if (found := text.find(mark, at, stop)) >= 0]
    end = min(ends, default=stop)
    inside = " ".join(text[at:end].split("\n")).strip()
    return (read(inside) if inside else None), end


def _both(text: str, marks: list[_Mark], at: int, reading: Reading) -> str | None:
    """Return a box's value with that of another one beside it, "18, 20"; None without one."""
    if at == 0 or marks[at - 1].rule != "boxed" or marks[at - 1].close >= marks[at].start:
        return None
    between = text[marks[at - 1].close + 1 : marks[at].start]
    if len(between) > 80 or _CONCLUDES.search(_SECOND.sub("", between)) is not None:
        return None
    other = read(text[marks[at - 1].end : marks[at - 1].close])
    if other.number and reading.number and other.number.value == reading.number.value:
        return None
    return f"{other.text}, {reading.text}"[:_MOST_STATED]


def _retracted(text: str, at: int) -> str | None:
    """Return the answer that stands behind a retraction of the one before; None without one."""
    taken_back = _RETRACTED.search(text, max(at - 1, 0))
    if taken_back is None:
        return None
    rest = text[taken_back.end() :][: 4 * _MOST_STATED]
    if _CONFIRMED.search(rest) is not None:
        return None
    last = read_last(rest)
    return None if last is None or last.number is None else last.text
