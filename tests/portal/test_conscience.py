"""The checker sees what it is there to see."""

import pytest

from tests.conscience import faults

GOOD = '<html lang="fr"><title>Accueil – DMP</title><main><h1>Accueil</h1></main></html>'


def test_a_good_page_has_no_fault() -> None:
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<h1>Deux</h1>", "2 h1"),
        ("<h3>Trop bas</h3>", "heading h3 after h1"),
        ("<script>1</script>", "inline script"),
        ('<p style="color:red">non</p>', "inline style"),
        ('<p onclick="x()">non</p>', "inline handler onclick"),
        ('<a href="javascript:x()">non</a>', "javascript address"),
        ('<img src="/x.png">', "image without alt"),
        (
            '<script src="https://cdn.example/x.js"></script>',
            "something from elsewhere: https://cdn.example/x.js",
        ),
        ('<input name="nir" id="nir">', "field nir without label"),
        ('<p id="a"></p><p id="a"></p>', "id a used twice"),
        ('<p aria-labelledby="absent">x</p>', "nothing has the id absent"),
        ('<form method="post"></form>', "form without CSRF token"),
        ("<table><tr><th>x</th></tr></table>", "th without scope"),
        ('<meta http-equiv="refresh" content="5">', "page that moves on by itself"),
    ],
)
def test_a_fault_is_seen(inside: str, fault: str) -> None:
    assert fault in faults(GOOD.replace("</main>", f"{inside}</main>"))
