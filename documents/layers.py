"""The layers of a PDF (optional content, ISO 32000-2 §8.11): those that are off are taken out.

What a reader would not draw is not drawn on our pages, and its words are not said beside them. Works on a
copy in memory.
"""

from typing import Any

import pikepdf
from pikepdf import Dictionary, Name, Operator

from .pdfnames import entry, name_of

Group = tuple[int, int]  # number and generation of the object

DEEPEST = 12  # of expressions and of forms inside forms
MOST_OPERATIONS = 2_000_000
SHOWS = frozenset({"Tj", "TJ", "'", '"', "Do", "sh", "INLINE IMAGE", "EI"})
PAINTS = frozenset({"f", "F", "f*", "S", "s", "B", "B*", "b", "b*"})
BEGINS = frozenset({"BMC", "BDC"})


class Layers:
    """Which groups are off when the document is looked at."""

    def __init__(self, opened: pikepdf.Pdf) -> None:
        self.opened = opened
        self.off: frozenset[Group] = _off(opened.Root.get("/OCProperties"))
        self.left = MOST_OPERATIONS
        self.seen: set[Group] = set()

    def hide(self, thing: Any) -> bool:
        """Whether what belongs to this group, or to this membership of groups, is off."""
        return bool(self.off) and _is_dictionary(thing) and not self._shown(thing, 0)

    def take_out(self, holder: Any, resources: Any) -> None:
        """Rewrite the contents of a page or of a form without what is off. Raises pikepdf.PdfError."""
        if self.off:
            self._take_out(holder, resources, 0)

    def settle(self) -> None:
        """Write what is off in the plainest form, so that whoever draws agrees with us."""
        properties: Any = self.opened.Root.get("/OCProperties")
        if not _is_dictionary(properties):
            return
        groups = [group for group in _listed(properties.get("/OCGs")) if _is_dictionary(group)]
        for group in groups:
            for key in ("/Usage", "/Intent"):
                if key in group:
                    del group[key]
        hidden = [group for group in groups if group.objgen in self.off]
        properties["/D"] = Dictionary(BaseState=Name.ON, OFF=pikepdf.Array(hidden))

    def _shown(self, thing: Any, depth: int) -> bool:
        if thing.get("/Type") == Name.OCG or ("/OCGs" not in thing and "/VE" not in thing):
            return thing.objgen not in self.off
        if "/VE" in thing:
            return self._evaluated(thing["/VE"], depth)
        within = thing.get("/OCGs")
        groups = _listed(within) if isinstance(within, pikepdf.Array) else [within]
        shown = [group.objgen not in self.off for group in groups if _is_dictionary(group)]
        if not shown:
            return True
        match name_of(thing.get("/P")):
            case "/AllOn":
                return all(shown)
            case "/AnyOff":
                return not all(shown)
            case "/AllOff":
                return not any(shown)
        return any(shown)

    def _evaluated(self, expression: Any, depth: int) -> bool:
        if _is_dictionary(expression):
            return expression.objgen not in self.off
        operator, *operands = _listed(expression) or [None]
        if depth > DEEPEST:
            return True
        values = [self._evaluated(operand, depth + 1) for operand in operands]
        match name_of(operator):
            case "/And":
                return all(values)
            case "/Or":
                return any(values)
            case "/Not":
                return not all(values)
        return True

    def _take_out(self, holder: Any, resources: Any, depth: int) -> None:
        if depth > DEEPEST or (holder.objgen[0] and holder.objgen in self.seen):
            return
        self.seen.add(holder.objgen)
        resources = holder.get("/Resources", resources)
        properties, forms = (_under(resources, key) for key in ("/Properties", "/XObject"))
        kept: list[Any] = []
        changed = False
        open_marks: list[bool] = []  # whether each mark that is open begins something that is off
        for instruction in pikepdf.parse_content_stream(holder):
            self.left -= 1
            if self.left < 0:
                raise pikepdf.PdfError("too many operations")
            operator, operands = str(instruction.operator), instruction.operands
            if operator in BEGINS:
                named = operator == "BDC" and len(operands) == 2 and operands[0] == "/OC"
                group = entry(properties, name_of(operands[1])) if named and properties is not None else None
                open_marks.append(group is not None and self.hide(group))
            elif operator == "EMC" and open_marks:
                open_marks.pop()
            elif any(open_marks) and operator in PAINTS:
                kept.append(pikepdf.ContentStreamInstruction([], Operator("n")))
                changed = True
                continue
            elif any(open_marks) and operator in SHOWS:
                changed = True
                continue
            elif operator == "Do" and operands and forms is not None:
                form = entry(forms, name_of(operands[0]))
                if isinstance(form, pikepdf.Stream):
                    if self.hide(form.get("/OC")):
                        changed = True
                        continue
                    if form.get("/Subtype") == Name.Form:
                        self._take_out(form, resources, depth + 1)
            kept.append(instruction)
        if changed:
            self._write(holder, pikepdf.unparse_content_stream(kept))

    def _write(self, holder: Any, content: bytes) -> None:
        if isinstance(holder, pikepdf.Stream):
            holder.write(content)
        else:
            holder["/Contents"] = self.opened.make_stream(content)


def _off(properties: Any) -> frozenset[Group]:
    """The groups that are off in the default configuration, as seen on a screen."""
    if not _is_dictionary(properties):
        return frozenset()
    default = properties.get("/D")
    default = default if _is_dictionary(default) else Dictionary()
    groups = [group for group in _listed(properties.get("/OCGs")) if _is_dictionary(group)]
    off = {group.objgen for group in groups} if name_of(default.get("/BaseState")) == "/OFF" else set()
    off -= {group.objgen for group in _listed(default.get("/ON")) if _is_dictionary(group)}
    off |= {group.objgen for group in _listed(default.get("/OFF")) if _is_dictionary(group)}
    for usage in _listed(default.get("/AS")):
        if not _is_dictionary(usage) or name_of(usage.get("/Event")) != "/View":
            continue
        categories = _listed(usage.get("/Category"))
        if categories and Name.View not in categories:  # by magnification, by language: both are shown
            continue
        for group in _listed(usage.get("/OCGs")):
            state = _under(_under(group, "/Usage"), "/View")
            if state is not None and "/ViewState" in state:
                hidden = name_of(state["/ViewState"]) == "/OFF"
                off = off | {group.objgen} if hidden else off - {group.objgen}
    return frozenset(off - {group.objgen for group in groups if not _is_for_viewing(group)})


def _is_for_viewing(group: Any) -> bool:
    """Whether it says what is seen; a group made for designers alone hides nothing."""
    intents = group.get("/Intent", Name.View)
    return bool({name_of(one) for one in _listed(intents) or [intents]} & {"/View", "/All"})


def _listed(thing: Any) -> list[Any]:
    return list(thing) if isinstance(thing, pikepdf.Array) else []


def _under(thing: Any, key: str) -> Any:
    inner = thing.get(key) if _is_dictionary(thing) else None
    return inner if _is_dictionary(inner) else None


def _is_dictionary(thing: Any) -> bool:
    return isinstance(thing, pikepdf.Dictionary | pikepdf.Stream)
