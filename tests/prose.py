"""What a reader reads of a page as sentences, out of its Markdown. The tests of words and of numbers share it."""
import re

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

DIRECTIVE = re.compile(r"\{([\w:-]+)\}(.*)")
OPTION = re.compile(r"^\s*:(?!alt:)[\w-]+:.*$", re.MULTILINE)
TITLE = re.compile(r"(.*?)\s*<[^<>]*>", re.DOTALL)

markdown = MarkdownIt().enable("table")
for plugin in (colon_fence_plugin, dollarmath_plugin, front_matter_plugin, myst_role_plugin):
    markdown.use(plugin)


def split(cell):
    """(header, code) of a code cell: what its YAML says, whichever of the two forms it has, and the lines below."""
    if cell.startswith("---\n"):
        _, header, code = re.split(r"^---\n", cell, maxsplit=2, flags=re.MULTILINE)
        return yaml.safe_load(header), code
    return {}, re.sub(r"\A(:.*\n)*", "", cell)


def title(role):
    """The words of a role such as {ref}`below <place>`, if it has some of its own."""
    own = TITLE.fullmatch(role.content)
    return own[1] if own else ""


def passages(text, inside=()):
    """Yield each paragraph, heading, item, cell of a table and formula as (its tokens, the directives around it).

    The outermost directive comes first. Each is (name, argument, content). Of a cell with code it is the caption and the alt
    text of its figure, around which stand the cell and ("caption" or "alt", "", "").
    """
    for token in markdown.parse(text):
        directive = DIRECTIVE.match(token.info) if token.type in ("fence", "colon_fence") else None
        if directive:
            name, argument = directive.groups()
            around = (*inside, (name, argument.strip(), token.content))
            if name == "code-cell":
                figure = split(token.content)[0].get("mystnb", {})
                for part, words in (("caption", figure.get("figure")), ("alt", figure.get("image"))):
                    yield from passages((words or {}).get(part, ""), (*around, (part, "", "")))
            elif name == "math":
                yield [token], inside
            elif name not in ("bibliography", "raw"):
                yield from passages(argument, around)
                yield from passages(OPTION.sub("", token.content), around)
        if token.type.startswith("math_block"):
            yield [token], inside
        if token.type == "html_block":
            yield from passages(re.sub("<[^>]*>", " ", token.content).strip(), inside)
        if token.children:
            yield token.children, inside
