r"""A stated answer without its layout: what LaTeX, markdown and HTML put around a value.

    "**\$18**"  ->  "$18"              "\frac{2+3}{4+1}"        ->  "(2+3)/(4+1)"
    "\[ 2\frac12 \]"  ->  "2 1/2"      "\textcolor{red}{18}"    ->  "18"
    "<u>18</u>"  ->  "18"              "\text{Cost} = \sqrt{9}" ->  "Cost = √(9)"

Signs that LaTeX spells become the one sign that means the same. One pass over the text; nothing
raises, and what is not balanced is read as far as it goes.
"""

# ruff: noqa: RUF001 - the dashes, quotes and signs are those that models write

import re

_DEEPEST = 30
_SIGNS = {
    "times": "×", "cdot": "·", "ast": "*", "div": "÷", "pm": "±", "mp": "±", "approx": "≈",
    "simeq": "≈", "sim": "≈", "cong": "≈", "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥",
    "lt": "<", "gt": ">", "ne": "≠", "neq": "≠", "to": "→", "rightarrow": "→", "Rightarrow": "→",
    "implies": "→", "pi": "π", "circ": "°", "degree": "°", "infty": "∞", "cup": "∪", "over": "/",
    "dots": "…", "ldots": "…", "cdots": "…", "percent": "%", "euro": "€", "pounds": "£",
    "cent": "¢",
}  # fmt: skip
_NOTHING = (
    "left", "right", "big", "Big", "bigg", "Bigg", "displaystyle", "textstyle", "scriptstyle",
    "bf", "rm", "it", "em", "sf", "tt", "bfseries", "itshape", "large", "Large", "LARGE", "huge",
    "Huge", "small", "normalsize", "centering", "limits", "hline", "noindent",
)  # fmt: skip
_SIGNS.update(dict.fromkeys(_NOTHING, ""))
_SIGNS.update(dict.fromkeys(("quad", "qquad", "space", "newline", "par"), " "))
_DROPPED = {"begin", "end", "color", "hspace", "vspace", "label", "tag", "phantom", "vphantom"}
"""Commands whose argument is layout as well."""
_TEXT = {
    "text", "mathrm", "textbf", "mathbf", "mbox", "operatorname", "mathit", "textit", "underline",
    "textrm", "emph", "textsf", "mathsf", "texttt", "mathtt", "textnormal", "hbox", "bm",
    "boldsymbol", "pmb", "uline", "ensuremath", "mathop", "boxed", "fbox", "textcolor",
}  # fmt: skip
_NAME = re.compile(r"\\([A-Za-z]+)\*?|\\(.)?", re.DOTALL)
_INDEX = re.compile(r"\s?\[([1-9])\]\s?")
_NEW_ROW = re.compile(
    r"\s{1,9}(?![\s&=≈}]|\\(?:\\|end|\]|\)|Rightarrow|implies|therefore|approx)|\Z)"
)
"""What a row of a display begins with that does not go on with the one before."""
_SIMPLE = re.compile(r"\s*+[-\u2212]?[\d.,]++\s*+")

_WIDE = {0xFF01 + at: 0x21 + at for at in range(94)} | {0x3000: 0x20}
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, 0xFE0F, 0x20DD), None)
_SAME = {
    0x2044: "/", 0x2215: "/", 0x2022: " ", 0x25CF: " ", 0x21D2: "→", 0x27F9: "→", 0x27F6: "→",
    0x2A2F: "×", 0x2715: "×", 0x2217: "*", 0x22C5: "·", 0x2236: ":", 0x2248: "≈", 0x2245: "≈",
    0x223C: "≈", 0x066A: "%", 0x066B: ".", 0x066C: ",",
}  # fmt: skip
_VULGAR = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5",
    "⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8",
    "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_SIGN_TABLE = (
    _WIDE | _INVISIBLE | _SAME | {ord(sign): f" {value}" for sign, value in _VULGAR.items()}
)
_KEYCAP = re.compile(r"[0-9#*]\ufe0f?\u20e3")
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = re.compile(r"(?<=[\d)])[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]++")

_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,80}>")
_POWER = re.compile(r"(?<=[\d)])\*\*(?=[\d(+-])")
TURN = re.compile(
    r"<\|?(?:im_end|im_start|endoftext|end_of_text|eot_id|eom_id|end_of_turn|start_of_turn"
    r"|start_header_id|end|return|eos|user|EOT|END_OF_TURN_TOKEN)\|?>"
    r"|<\uff5c(?:end\u2581of\u2581sentence|User)\uff5c>|</s>|\[/?INST\]"
)
"""What ends a model's turn, as templates of chats write it."""
_RULE = re.compile(r"[-=_*~#>.|\s]*+|```\w*")
"""A line that only draws: a rule, an underline, a fence."""


def plain(text: str) -> str:
    """Return a text without its layout, blanks around it stripped."""
    if "\\" in text or "{" in text:
        text = _Latex(text).read()
    if not text.isascii():
        text = _KEYCAP.sub(" ", text).translate(_SIGN_TABLE)
        text = _RAISED.sub(lambda found: f"^({found[0].translate(_SUPERSCRIPT)})", text)
    if "<" in text:
        text = _TAG.sub(" ", text)
    if "**" in text:
        text = _POWER.sub("^", text).replace("**", "")
    for mark in ("__", "~~", "`", "|"):
        if mark in text:
            text = text.replace(mark, " " if mark == "|" else "")
    return text.strip().strip("_").strip()


def draws(line: str) -> bool:
    """Return whether a line holds layout alone."""
    return _RULE.fullmatch(line) is not None or not plain(line).strip(" $*_.,:;>#-=|[]()")


class _Latex:
    """Reads LaTeX once from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> str:
        """Return the whole text."""
        out: list[str] = []
        while self._at < len(self._text):
            out.append(self._until_brace(0))
            self._at += 1  # a closing brace that nothing opened
        return "".join(out)

    def _until_brace(self, depth: int) -> str:
        """Read up to the closing brace of this group, or to the end."""
        out: list[str] = []
        text = self._text
        while self._at < len(text):
            sign = text[self._at]
            if sign == "}":
                break
            if sign == "\\":
                out.append(self._command(depth, out[-1][-1:] if out else ""))
            elif sign == "{":
                out.append(self._group(depth))
            elif sign == "^":
                out.append(self._raised(depth))
            elif text.startswith("_{", self._at) and out and out[-1][-1:].isalnum():
                self._at += 1
                self._group(depth)  # a subscript
            else:
                out.append(" " if sign in "~&" else sign)
                self._at += 1
        return "".join(out)

    def _group(self, depth: int) -> str:
        """Read a group in braces."""
        self._at += 1
        if depth >= _DEEPEST:
            return ""
        inside = self._until_brace(depth + 1)
        self._at += 1
        return inside

    def _argument(self, depth: int) -> str:
        """Read what a command applies to: a group, a command or one sign."""
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        sign = self._text[self._at : self._at + 1]
        if sign == "{":
            return self._group(depth)
        if sign == "\\" and depth < _DEEPEST:
            return self._command(depth + 1, "")
        if sign != "}":
            self._at += 1
            return sign
        return ""

    def _raised(self, depth: int) -> str:
        """Read an exponent, an ordinal's letters or a degree sign."""
        self._at += 1
        after = self._text[self._at : self._at + 1]
        if after not in ("{", "\\"):
            return "^"
        inside = self._argument(depth).strip()
        if inside in ("°", "*", "′", "'"):
            return inside
        if inside.isalpha() and len(inside) > 1:
            return inside
        return f"^({inside})" if len(inside) > 1 else f"^{inside}"

    def _command(self, depth: int, before: str) -> str:  # noqa: PLR0911 - a case a line
        """Read one command with its arguments."""
        match = _NAME.match(self._text, self._at)
        self._at = match.end() if match else self._at + 1
        name = match[1] if match else None
        if name is None:
            return self._sign(match[2] if match else None)
        if name == "textcolor":
            self._argument(depth)
        if name in _TEXT:
            return f" {self._argument(depth)}"
        if name in ("frac", "dfrac", "tfrac", "cfrac", "sfrac", "nicefrac"):
            return self._fraction(depth, before)
        if name == "sqrt":
            return self._root(depth)
        if name in ("overline", "bar"):
            return f"({self._argument(depth)})" if before.isdigit() or before == "." else ""
        if name in _DROPPED:
            self._argument(depth)
            return " "
        return _SIGNS.get(name, f" {name}")

    def _fraction(self, depth: int, before: str) -> str:
        """Read a fraction, which may be a part of a mixed number."""
        over, under = self._argument(depth), self._argument(depth)
        simple = _SIMPLE.fullmatch(over) and _SIMPLE.fullmatch(under)
        written = f"{over.strip()}/{under.strip()}" if simple else f"({over})/({under})"
        return f" {written}" if simple and before.isdigit() else written

    def _root(self, depth: int) -> str:
        """Read a root's index, and its argument where that is in braces; else it just follows."""
        index = _INDEX.match(self._text, self._at)
        self._at = index.end() if index else self._at
        written = f"√[{index[1]}]" if index else "√"
        if self._text.startswith("{", self._at):
            return f"{written}({self._group(depth)})"
        return written

    def _sign(self, sign: str | None) -> str:
        """Read a command of one sign."""
        while sign == "!" and self._text.startswith(" ", self._at):
            self._at += 1  # 11,\! 111
        if sign is None or sign in ",!/":
            return ""
        if sign == "\\" and _NEW_ROW.match(self._text, self._at):
            return ", "
        return sign if sign in "$%#&_{}" else " "
