"""What is laid over the pages of a PDF is drawn and said; layers that are off are neither."""

import io
import json
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageChops

from documents import checker
from documents.inspection import PDF

from . import files

FOUND = Path(__file__).parent / "found"


def shown(content: bytes) -> tuple[str, Image.Image]:
    """The words and the picture of the first page."""
    parts = dict(checker.inspect(content, PDF).parts)
    return json.loads(parts["texts"])[0], Image.open(io.BytesIO(parts["page/1"])).convert("RGB")


def words_of(change) -> str:
    return shown(files.pdf("Page", change=change))[0]


def draws(change) -> bool:
    """Whether it puts something on the page that was not there."""
    plain, changed = shown(files.pdf("Page"))[1], shown(files.pdf("Page", change=change))[1]
    return ImageChops.difference(plain, changed).getbbox() is not None


def drawing(made, words: str, **more):
    font = Dictionary(
        Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding
    )
    stream = made.make_stream(f"BT /F 12 Tf 2 8 Td ({words}) Tj ET".encode("cp1252") if words else b"q Q")
    stream.Type, stream.Subtype, stream.BBox = Name.XObject, Name.Form, Array([0, 0, 300, 25])
    stream.Resources = Dictionary(Font=Dictionary(F=font), **more)
    return stream


def fields(*several, stale=False, values=True):
    """A form of one field a line."""

    def change(made):
        kids = []
        for place, each in enumerate(several):
            each = each(made) if callable(each) else dict(each)
            rect = Array([60, 700 - 40 * place, 360, 725 - 40 * place])
            each = Dictionary(Type=Name.Annot, **{"Subtype": Name.Widget, "Rect": rect, "F": 4, **each})
            kids.append(made.make_indirect(each))
        made.pages[0].Annots = Array(kids)
        if values:
            made.Root.AcroForm = Dictionary(Fields=Array(kids), DA=String("/Helv 0 Tf 0 g"))
            made.Root.AcroForm.NeedAppearances = stale

    return change


def over(*several):
    return fields(*several, values=False)


def typed(value, **more):
    return {"FT": Name.Tx, "T": String("taux"), "V": String(value), **more}


def with_drawing(said, **entry):
    return lambda made: {**entry, "AP": Dictionary(N=made.make_indirect(drawing(made, said)))}


@pytest.mark.parametrize(
    ("name", "said"),
    [("form-value-with-appearance", "HbA1c 11,4 %"), ("stamp-with-appearance", "ANNULE ET REMPLACE")],
)
def test_values_and_stamps_are_on_the_page_and_in_its_words(name, said):
    content = (FOUND / f"{name}.pdf").read_bytes()

    words, picture = shown(content)

    assert said in words
    with pikepdf.open(io.BytesIO(content)) as bare:
        del bare.pages[0].Annots
        written = io.BytesIO()
        bare.save(written)
    assert ImageChops.difference(picture, shown(written.getvalue())[1]).getbbox()


OPTIONS = Array([Array([String("a"), String("Alpha")]), Array([String("b"), String("Bêta")])])


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (typed("11,4 % é µ €"), "11,4 % é µ €"),
        (typed("une\ndeux", Ff=1 << 12), "une\ndeux"),
        ({"FT": Name.Ch, "T": String("c"), "V": String("b"), "Opt": OPTIONS, "Ff": 1 << 17}, "Bêta"),
        ({"FT": Name.Ch, "T": String("c"), "V": String("b"), "Opt": OPTIONS}, "Bêta"),
        (
            {"FT": Name.Ch, "T": String("c"), "V": Array([String("a"), String("b")]), "Opt": OPTIONS},
            "Alpha, Bêta",
        ),
        ({"FT": Name.Ch, "T": String("c"), "I": Array([1]), "Opt": OPTIONS}, "Bêta"),
        ({"FT": Name.Tx, "T": String("n"), "V": 12}, "12"),
        ({"FT": Name.Tx, "T": String("n"), "V": Name.Douze}, "Douze"),
        (
            {"FT": Name.Tx, "T": String("r"), "RV": String("<body><p>riche &amp; <b>gras</b></p></body>")},
            "riche & gras",
        ),
    ],
)
@pytest.mark.parametrize("stale", [False, True])
def test_a_value_without_a_drawing_is_drawn(field, said, stale):
    change = fields(field, stale=stale)

    assert words_of(change).splitlines()[1:] == said.splitlines()
    assert draws(change)


def test_an_old_drawing_yields_to_the_value():
    for stale, before in ((True, "ancien"), (False, "")):
        words = words_of(fields(with_drawing(before, **typed("nouveau")), stale=stale))

        assert "nouveau" in words
        assert "ancien" not in words


def test_a_drawing_that_is_not_said_to_be_old_is_shown_as_it_is():
    words = words_of(fields(with_drawing("le 5 mai 2026", **typed("20260505")), typed("sans dessin")))

    assert "le 5 mai 2026" in words
    assert "sans dessin" in words


def test_a_value_of_the_field_around_is_that_of_its_place_on_the_page():
    def change(made):
        parent = made.make_indirect(Dictionary(FT=Name.Tx, T=String("taux"), V=String("commun")))
        fields({"Parent": parent})(made)

    assert "commun" in words_of(change)


def test_a_value_that_no_letter_of_ours_draws_is_said():
    assert "taux : β ≥ 3" in words_of(fields(typed("β ≥ 3")))


def test_a_password_is_neither_drawn_nor_said():
    assert "secret" not in words_of(fields(typed("secret", Ff=1 << 13)))


def box(name, **more):
    return {"FT": Name.Btn, "T": String("b"), "TU": String(name), **more}


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (box("Fumeur", V=Name.Oui, AS=Name.Oui), "Case cochée : Fumeur"),
        (box("Fumeur", V=Name.Oui), "Case cochée : Fumeur"),
        (box("Groupe", V=Name.Aplus, AS=Name.Aplus, Ff=1 << 15), "Choix : Groupe : Aplus"),
    ],
)
def test_a_ticked_box_is_drawn_and_said(field, said):
    assert said in words_of(fields(field))
    assert draws(fields(field))


def test_a_box_that_is_not_ticked_says_nothing():
    assert words_of(fields(box("Fumeur", V=Name.Off, AS=Name.Off))) == "Page p1"


def states(made, ticked, **more):
    on, off = (made.make_indirect(drawing(made, said)) for said in ("dessin coché", "dessin vide"))
    return box("Fumeur", AP=Dictionary(N=Dictionary(Oui=on, Off=off)), **ticked, **more)


@pytest.mark.parametrize(
    ("ticked", "said"),
    [
        ({"AS": Name.Oui, "V": Name.Oui}, "dessin coché"),
        ({"V": Name.Oui}, "dessin coché"),
        ({"V": Name.Oui, "AS": Name.Off}, "dessin coché"),
        ({"V": String("Oui")}, "dessin coché"),
        ({"AS": Name.Off}, "dessin vide"),
        ({}, "dessin vide"),
    ],
)
def test_the_state_of_a_box_is_the_one_drawn(ticked, said):
    words = words_of(fields(lambda made: states(made, ticked)))

    assert said in words
    assert ("Case cochée : Fumeur" in words) == (said == "dessin coché")


@pytest.mark.parametrize("written", [b"Coch\xe9", "Coché".encode()])
def test_a_state_may_be_named_in_any_bytes(written):
    """« Coché », as many French forms write it."""

    def change(made):
        appearance = Dictionary(Cochx=made.make_indirect(drawing(made, "dessin de la case")))
        entry = box("Fumeur", V=Name.Cochx, AS=Name.Cochx, AP=Dictionary(N=appearance), Ff=1 << 15)
        fields(entry)(made)

    opened, plain = pikepdf.open(io.BytesIO(files.pdf("Page", change=change))), io.BytesIO()
    opened.save(plain, object_stream_mode=pikepdf.ObjectStreamMode.disable)

    words, _ = shown(plain.getvalue().replace(b"Cochx", written))

    assert words.splitlines() == ["Page p1", "dessin de la case", "Choix : Fumeur : Coché"]


def test_a_visible_signature_is_on_the_page():
    change = fields(with_drawing("Signé par le Dr Lefèvre", FT=Name.Sig, T=String("s")))

    assert "Signé par le Dr Lefèvre" in words_of(change)
    assert draws(change)


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ({"Subtype": Name.FreeText, "Contents": String("écrit à côté")}, "écrit à côté"),
        ({"Subtype": Name.FreeText, "RC": String("<p>écrit <i>riche</i></p>")}, "écrit riche"),
        ({"Subtype": Name.Stamp, "Contents": String("ANNULÉ")}, "ANNULÉ"),
        ({"Subtype": Name.Stamp, "Name": Name.Draft}, "Brouillon"),
        ({"Subtype": Name.Stamp, "Name": Name("/SBApproved")}, "Approuvé"),
        (
            {"Subtype": Name.Text, "Contents": String("à revoir"), "T": String("Dr Lefèvre")},
            "Note de Dr Lefèvre : à revoir",
        ),
        (
            {
                "Subtype": Name.Highlight,
                "Contents": String("contrôlé"),
                "C": Array([1, 1, 0]),
                "QuadPoints": Array([60, 725, 360, 725, 60, 700, 360, 700]),
            },
            "Note : contrôlé",
        ),
    ],
)
def test_what_somebody_added_is_drawn_and_said_once(annotation, said):
    assert words_of(over(annotation)).splitlines()[1:] == [said]
    assert draws(over(annotation))


def test_the_words_of_a_stamp_are_those_it_draws():
    words = words_of(over(with_drawing("VU", Subtype=Name.Stamp, Contents=String("VU"))))

    assert words.splitlines()[1:] == ["VU"]


def test_words_crossed_out_are_said_to_be():
    line = {"Subtype": Name.StrikeOut, "Rect": Array([55, 770, 250, 800]), "C": Array([1, 0, 0])}
    over_words = Array([55, 800, 250, 800, 55, 775, 250, 775])

    assert words_of(over({**line, "QuadPoints": over_words})).splitlines() == [
        "Page p1",
        "Texte barré : Page p1",
    ]
    for nothing in (Array([55, 600, 250, 600, 55, 575, 250, 575]), Array([1, Name.X]), 3):
        assert words_of(over({**line, "QuadPoints": nothing})) == "Page p1"


def test_a_flag_for_unknown_kinds_hides_no_known_one():
    for change in (
        fields(typed("montré", F=1)),
        over(with_drawing("montré", Subtype=Name.Stamp, F=1)),
    ):
        assert "montré" in words_of(change)
        assert draws(change)


@pytest.mark.parametrize("flags", [2, 32, 34, 38])
def test_what_readers_hide_is_neither_drawn_nor_said(flags):
    for change in (
        fields(typed("caché", F=flags)),
        fields(with_drawing("caché", **typed("caché", F=flags))),
        over({"Subtype": Name.Text, "Contents": String("caché"), "F": flags}),
        over({"Subtype": Name.FreeText, "Contents": String("caché"), "F": flags}),
    ):
        assert words_of(change) == "Page p1"
        assert not draws(change)


def test_the_bytes_of_the_file_are_not_those_drawn():
    content = files.pdf(change=fields(typed("11,4")))
    before = bytes(content)

    checker.inspect(content, PDF)

    assert content == before


# Layers ---------------------------------------------------------------------------------------


def layered(made, *, membership=None, **configuration):
    """A page of which the words « éteint » and a form « dessous » are in one layer, « allumé » in another."""
    off, on = (made.make_indirect(Dictionary(Type=Name.OCG, Name=String(name))) for name in ("off", "on"))
    made.Root.OCProperties = Dictionary(
        OCGs=Array([off, on]), D=Dictionary(**{"OFF": Array([off]), **configuration})
    )
    page = made.pages[0]
    inner = made.make_indirect(drawing(made, "dessous", XObject=Dictionary()))
    inner.OC = off
    page.Resources.XObject = Dictionary(X=inner)
    page.Resources.Properties = Dictionary(Off=membership(off, on) if membership else off, On=on)
    page.Contents = made.make_stream(
        page.Contents.read_bytes()
        + b" /OC /Off BDC /Span BMC BT /F1 18 Tf 60 600 Td (eteint) Tj ET EMC 60 500 9 9 re f EMC"
        b" /OC /On BDC BT /F1 18 Tf 60 550 Td (allume) Tj ET EMC /X Do"
    )
    return off, on


def test_a_layer_that_is_off_is_neither_drawn_nor_said():
    words, picture = shown(files.pdf("Page", change=layered))

    assert words.splitlines() == ["Page p1", "allume"]
    shades = picture.crop((100, 600, 1240, 1200)).convert("L").point(lambda shade: 255 * (shade < 128))
    assert shades.getbbox()[3] - shades.getbbox()[1] < 60  # one line, neither the other nor the square


def test_a_layer_that_is_on_is_drawn_and_said():
    words = words_of(lambda made: layered(made, OFF=Array([])))

    assert words.splitlines() == ["Page p1", "eteint", "allume", "dessous"]


def test_layers_may_all_be_off_but_some():
    def change(made):
        _off, on = layered(made)
        made.Root.OCProperties.D = Dictionary(BaseState=Name.OFF, ON=Array([on]))

    assert words_of(change).splitlines() == ["Page p1", "allume"]


def test_a_layer_may_be_off_on_a_screen_alone():
    def change(made):
        off, _on = layered(made)
        off.Usage = Dictionary(View=Dictionary(ViewState=Name.OFF))
        made.Root.OCProperties.D = Dictionary(
            AS=Array([Dictionary(Event=Name.View, Category=Array([Name.View]), OCGs=Array([off]))])
        )

    assert words_of(change).splitlines() == ["Page p1", "allume"]


def test_a_layer_of_designers_hides_nothing():
    def change(made):
        off, _on = layered(made)
        off.Intent = Name.Design

    assert "eteint" in words_of(change)


@pytest.mark.parametrize(
    ("policy", "seen"), [("AnyOn", True), ("AllOn", False), ("AnyOff", True), ("AllOff", False)]
)
def test_membership_of_several_layers_follows_its_policy(policy, seen):
    def membership(off, on):
        return Dictionary(Type=Name.OCMD, OCGs=Array([off, on]), P=Name(f"/{policy}"))

    words = words_of(lambda made: layered(made, membership=membership) and None)

    assert ("eteint" in words) == seen


def test_a_note_in_a_layer_that_is_off_is_not_said():
    def change(made):
        off, _on = layered(made)
        over({"Subtype": Name.Text, "Contents": String("note éteinte"), "OC": off})(made)

    assert "note" not in words_of(change)


@pytest.mark.parametrize("entry", [{"Subtype": Name.Stamp}, typed("éteinte"), {"FT": Name.Sig}])
def test_what_has_its_drawing_in_a_layer_that_is_off_is_not_drawn_otherwise(entry):
    def change(made):
        off, _on = layered(made)
        form = drawing(made, "éteinte")
        form.OC = off
        fields({**entry, "AP": Dictionary(N=made.make_indirect(form))})(made)

    assert words_of(change).splitlines() == ["Page p1", "allume"]


@pytest.mark.parametrize("category", ["Zoom", "Language"])
def test_a_layer_switched_by_something_else_than_viewing_is_shown(category):
    def change(made):
        off, _on = layered(made)
        off.Usage = Dictionary(View=Dictionary(ViewState=Name.OFF))
        switch = Dictionary(Event=Name.View, Category=Array([Name(f"/{category}")]), OCGs=Array([off]))
        made.Root.OCProperties.D = Dictionary(AS=Array([switch]))

    assert "eteint" in words_of(change)


HOSTILE = {
    "annotations that are none": lambda made: setattr(made.pages[0], "Annots", Array([1, Name.X, Array([])])),
    "a field inside itself": lambda made: _inside_itself(made),
    "values of other kinds": fields(
        {"FT": Name.Tx, "V": 12, "Rect": Name.X, "F": Name.X, "AP": 3, "DA": 4, "Q": String("x")},
        {"FT": Name.Ch, "V": Array([1, String("a")]), "Opt": Array([1, Array([]), String("a")])},
        {"FT": 3, "AP": Dictionary(N=Dictionary(Off=1))},
        {"FT": Name.Btn, "V": Name.Oui, "AS": Name.Oui, "Rect": Array([1])},
    ),
    "layers of other kinds": lambda made: setattr(
        made.Root, "OCProperties", Dictionary(OCGs=Array([1]), D=Dictionary(OFF=Array([2]), AS=Array([3])))
    ),
}


def _inside_itself(made):
    fields({"FT": Name.Tx, "T": String("a")})(made)
    field = made.pages[0].Annots[0]
    field.Parent = field


@pytest.mark.parametrize("case", HOSTILE)
def test_what_makes_no_sense_does_not_hide_the_page(case):
    inspected = checker.inspect(files.pdf("Page", change=HOSTILE[case]), PDF)

    assert (inspected.refusal, inspected.page_count) == ("", 1)
    assert "Page p1" in json.loads(dict(inspected.parts)["texts"])[0]
