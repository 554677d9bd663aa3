"""Any text as a label of a Mermaid block. The blocks are in templates/documents/picture.mermaid.j2.

https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters describes the entity codes.
"""

from __future__ import annotations

import re

from advisor.report.markdown import one_line

_NAMES = {'"': "quot", "&": "amp", "<": "lt", ">": "gt"}

_CODED = re.compile(
    r"(?![\w ,./()?!'=+:-])[\x20-\x7e]"  # quotes, brackets, code spans, directives, entity codes, formulas
    r"|:(?! )|(?<=^wrap):|(?<=^nowrap):"  # names of icons and classes, addresses, and how Mermaid breaks lines
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis of Markdown
    r"|^[-+]|(?<=^\d)[.)]|(?<=^\d\d)[.)]|(?<=^\d\d\d)[.)]"  # lists of Markdown
    r"|[\ufb02\xb0\xb6\xdf\u2060]"  # the marks that Mermaid puts into a text while it reads the text, and the joiner
)

_TAKEN = re.compile("\ufb02(?=\xb0)|\xb6(?=\xdf)|\\$(?=\\$)|:(?=fa-)|\\\\(?=n)")
"""What Mermaid still reads after it has decoded entity codes: its own marks, formulas, icons and line breaks."""

_JOINER = "\u2060"


def label(text: object) -> str:
    """Return any text as a label on a single line: Mermaid shows this text and nothing else.

    The text is unchanged, except for an invisible joiner inside the few words that Mermaid cannot show.
    """
    apart = _TAKEN.sub(lambda found: found[0] + _JOINER, one_line(text))
    return _CODED.sub(lambda found: f"#{_NAMES.get(found[0], ord(found[0]))};", apart) or "#160;"
