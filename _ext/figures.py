"""The directive `list-of-figures`: every numbered figure of the chapters, with its caption and its alt text."""
import reading
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

PAGE = "appendices/figures"


class list_of_figures(nodes.General, nodes.Element):
    """Where the list will stand, once all chapters are read and the figures have their numbers."""


class ListOfFigures(SphinxDirective):
    def run(self) -> list:
        return [list_of_figures()]


class FillIn(SphinxPostTransform):
    default_priority = 5        # before references are resolved: there are some in the captions, and each number is one

    def run(self, **kwargs: object) -> None:
        for place in list(self.document.findall(list_of_figures)):
            found = {chapter: [figure for figure in self.env.get_doctree(chapter).findall(nodes.figure) if figure["names"]]
                     for chapter in reading.chapters(self.env)}
            self.env.get_domain("math").data["has_equations"][self.env.docname] = True    # in captions
            place.parent.replace(place, [self.section(chapter, figures) for chapter, figures in found.items() if figures])

    def section(self, chapter: str, figures: list) -> nodes.section:
        title = nodes.title("", self.env.titles[chapter].astext())
        entries = nodes.definition_list("", *map(self.entry, figures))
        return nodes.section("", title, entries, ids=[nodes.make_id(f"figures of {chapter}")])

    def entry(self, figure: nodes.figure) -> nodes.definition_list_item:
        number = addnodes.pending_xref("", nodes.inline(), refdoc=self.env.docname, refdomain="std", reftype="numref",
                                       reftarget=figure["names"][0], refexplicit=False, refwarn=True)
        caption = nodes.paragraph("", "", *figure.next_node(nodes.caption).deepcopy().children)
        for reference in caption.findall(addnodes.pending_xref):
            reference["refdoc"] = self.env.docname
        alt = figure.next_node(nodes.image).get("alt", "").strip()
        alt = nodes.paragraph("", "", nodes.emphasis("", "In words:"), nodes.Text(f" {alt}"))
        return nodes.definition_list_item("", nodes.term("", "", number), nodes.definition("", caption, alt))


def read_again(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list:
    """The list is as old as its youngest chapter."""
    return [PAGE] if PAGE in env.found_docs and (added or changed or removed) else []


def setup(app: Sphinx) -> dict:
    app.add_node(list_of_figures)
    app.add_directive("list-of-figures", ListOfFigures)
    app.add_post_transform(FillIn)
    app.connect("env-get-outdated", read_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
