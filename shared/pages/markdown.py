"""The little Markdown that people write in a description: paragraphs, headings, lists, bold, links."""

import re

from markupsafe import Markup, escape

# The lengths are bounded so that no text takes long to read.
_BOLD = re.compile(r"\*\*([^*\n]{1,500})\*\*")
_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\((https?://[^\s()<>]{1,500})\)")
_HEADING = re.compile(r"#{1,6}\s+(.*)")
_ITEM = re.compile(r"[-*]\s+(.*)")


def markdown(text: str) -> Markup:
    """HTML of a text; whatever HTML it held is shown as it was written."""
    blocks = re.split(r"\n[ \t]*\n", text.strip())
    return Markup("\n").join(_block(block.strip().split("\n")) for block in blocks)


def _block(lines: list[str]) -> Markup:
    if len(lines) == 1 and (heading := _HEADING.match(lines[0])):
        return Markup("<h3>{}</h3>").format(_line(heading.group(1)))
    items = [_ITEM.match(line.strip()) for line in lines]
    if all(items):
        return Markup("<ul>{}</ul>").format(
            Markup("").join(Markup("<li>{}</li>").format(_line(item.group(1))) for item in items if item)
        )
    return Markup("<p>{}</p>").format(Markup("<br>").join(map(_line, lines)))


def _line(text: str) -> Markup:
    # Escaped first: what the patterns add is all the HTML there is.
    escaped = str(escape(text))
    bold = _BOLD.sub(r"<strong>\1</strong>", escaped)
    return Markup(_LINK.sub(r'<a href="\2">\1</a>', bold))  # noqa: S704 -- escaped above
