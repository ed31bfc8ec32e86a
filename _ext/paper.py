"""The book as a PDF by LaTeX and as an EPUB: figures and formulas in a form that these can show, a sentence for each widget.

The figures are SVG. LaTeX takes PDF: rsvg-convert makes it of them. An EPUB has no JavaScript to set formulas with: they
become MathML, by the translator that docutils brings along.
"""
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.transforms.post_transforms.images import ImageConverter
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

WIDGET = "application/vnd.jupyter.widget-view+json"
# What the translator of docutils does not know or gets wrong: it sets the index of an accented
# letter below the letter, unless something empty stands between.
REWRITTEN = {
    re.compile(r"\\(?:tilde|hat|bar|vec)\s*(?:\{(?:[^{}]|\{[^{}]*\})*\}|\\?\w+)(?=[_^])"): r"\g<0>{}",
    re.compile(r"\\[td]frac(?![a-z])"): r"\\frac",
    re.compile(r"\\frac(\d)(\d)"): r"\\frac{\1}{\2}",
    re.compile(r"\\dots(?![a-z])"): r"\\ldots",
    re.compile(r"\{gathered\}"): "{aligned}",
    re.compile(r"\\(?:textstyle|mathrel|[bB]igg?[lr]?)(?![a-z])"): "",
}


class SayWhereTheWidgetIs(SphinxPostTransform):
    default_priority = 3        # before MyST-NB chooses which form of an output is shown

    def run(self, **kwargs: object) -> None:
        if self.app.builder.name in ("latex", "epub"):
            for output in list(self.document.findall(nodes.container)):
                if any(child.get("mime_type") == WIDGET for child in output.children if isinstance(child, nodes.Element)):
                    sentence = nodes.emphasis("", "Here the book's pages, and JupyterLab, have something to operate: a widget.")
                    output.replace_self(nodes.paragraph("", "", sentence))


class SvgToPdf(ImageConverter):
    conversion_rules = [("image/svg+xml", "application/pdf")]  # noqa: RUF012  the name and type are Sphinx's

    def is_available(self) -> bool:
        return shutil.which("rsvg-convert") is not None

    def convert(self, _from: "str | Path", _to: "str | Path") -> bool:
        subprocess.run(["rsvg-convert", "--format=pdf", f"--output={_to}", str(_from)], check=True)
        return True


def mathml(tex: str, as_block: bool) -> str:
    for pattern, known in REWRITTEN.items():
        tex = pattern.sub(known, tex)
    return tex2mathml(tex, as_block=as_block).replace("&ApplyFunction;", "\u2061")


def inline(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})</span>')
    translator.body.append(f"{mathml(node.astext(), as_block=True)}</div>\n")
    raise nodes.SkipNode


def without_paragraphs(summary: re.Match) -> str:
    return summary[0].replace("<p ", "<span ").replace("</p>", "</span>")


class Epub(Epub3Builder):
    """Sphinx's builder, whose files are then rid of what is for browsers, so that they are valid in an EPUB."""

    KEPT = ("epub.css", "file.png", "pygments.css")
    # Scripts; icons and the switches of tabs, which may not stand where they stand; how a fold is called once it is open; names
    # that a page uses twice; and of the figures an address that nobody may follow.
    REMOVED = re.compile("|".join(["<script.*?</script>", "<svg[^>]*octicon.*?</svg>", "<input[^>]*>", "<!DOCTYPE svg.*?>",
                                   '<p class="expanded .*?</p>', ' id="(?:exercise|solution)-content"']), re.DOTALL)
    ALIGNED = "mtable.ams-align mtd:nth-child({}) {{ text-align: {}; }}\n"     # what stands on both sides of an &
    LINK = re.compile(r'<link [^>]*href="([^"?]*)[^>]*/>|<a [^>]*href="([^"#?:]+)"[^>]*>(.*?)</a>', re.DOTALL)
    SUMMARY = re.compile("<summary.*?</summary>", re.DOTALL)
    TAB = re.compile("<label[^>]*>(.*?)</label>", re.DOTALL)
    NO_OUTLINE = re.compile(r"<path (?![^>]*\bd=)")         # a space's, which needs an empty one

    def init(self) -> None:
        super().init()
        shutil.rmtree(Path(self.outdir, "_static"), ignore_errors=True)     # what handle_finish adds to is made afresh
        self.config.html_math_renderer = "mathml"
        for event in ("html-page-context", "build-finished"):       # what extensions add to the site stays there
            kept = ("disk", "execution", "strict")
            self.events.listeners[event] = [entry for entry in self.events.listeners[event] if entry.handler.__module__ in kept]

    def handle_finish(self) -> None:
        root = Path(self.outdir)
        shutil.rmtree(root / "_sources", ignore_errors=True)
        for path in sorted(path for path in (root / "_static").rglob("*") if path.is_file() and path.name not in self.KEPT):
            path.unlink()
        for path in [*root.rglob("*.xhtml"), *root.rglob("*.svg")]:
            text = self.REMOVED.sub("", path.read_text(encoding="utf-8"))
            text = self.LINK.sub(lambda link: link[0] if self.leads_somewhere(path, link) else link[3] or "", text)  # noqa: B023
            text = self.TAB.sub(r"<p><strong>\1</strong></p>", self.SUMMARY.sub(without_paragraphs, text))
            path.write_text(self.NO_OUTLINE.sub('<path d="" ', text), encoding="utf-8")
        with (root / "_static" / "epub.css").open("a", encoding="utf-8") as style:
            style.write(self.ALIGNED.format("odd", "right") + self.ALIGNED.format("even", "left"))
        super().handle_finish()

    @staticmethod
    def leads_somewhere(page: Path, link: re.Match) -> bool:
        return (page.parent / (link[1] or link[2])).exists()

    def build_content(self) -> None:
        """The list of files says of a page that it has formulas."""
        super().build_content()
        path = Path(self.outdir, "content.opf")

        def declared(item: re.Match) -> str:
            has_formulas = "<math" in Path(self.outdir, item[1]).read_text(encoding="utf-8")
            return item[0] + ' properties="mathml"' * has_formulas

        path.write_text(re.sub(r'href="([^"]*)" media-type="application/xhtml.xml"(?= />)', declared, path.read_text("utf-8")),
                        encoding="utf-8")


def say_which_version(app: Sphinx, config: Config) -> None:
    config.version = version("d2l_utils")


def setup(app: Sphinx) -> dict:
    app.add_post_transform(SayWhereTheWidgetIs)
    app.add_post_transform(SvgToPdf)
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    app.connect("config-inited", say_which_version)
    app.add_builder(Epub, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
