"""What is kept of a page, and what of the site around it: `python -m evals.pages`.

Pages built like those of the programs that teams write with. In each, words such as kept1 stand in its text and words
such as site1 in menus, banners and footers. `--beside` also asks trafilatura and readability-lxml, where they are
installed. Reads no data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath

from core.documents.parsing import parse
from evals.common import RESULTS, Record, parser, write_result

NAME = "pages"
MARK = re.compile(r"(?:kept|site)\d+")
_FEES = (
    "<p>kept1 The permit for the quay costs 45 euros a month, and is paid at the harbour office.</p>"
    "<h2>kept2 Boats</h2><p>kept3 A boat of up to eight metres may lie there for two nights.</p>"
    "<ul><li>kept4 Bring the papers.</li><li>kept5 Tie up at both ends.</li></ul>"
)
_LINKS = "".join(f"<li><a href='/{n}'>site{n} Section</a></li>" for n in range(1, 9))
_DIVS = "".join(f"<div class=x{n}><a href='/{n}'>site{n} Section</a></div>" for n in range(1, 9))

PAGES: Mapping[str, str] = {
    "MkDocs": f"""<html><head><title>Quay - Handbook</title></head><body class="homepage">
<div class="navbar fixed-top navbar-expand-lg navbar-dark bg-primary"><div class="container"><a class="navbar-brand"
 href=".">site20 Handbook</a><div class="navbar-collapse collapse"><ul class="nav navbar-nav">{_LINKS}</ul></div></div>
</div>
<div class="container"><div class="row"><div class="col-md-3"><div class="navbar-light bs-sidebar"><ul class="nav">
<li class="nav-item"><a href="#quay" class="nav-link">site21 Quay</a></li><li><a href="#boats">site22
Boats</a></li></ul>
</div></div><div class="col-md-9" role="main"><h1 id="quay">kept0 Quay</h1>{_FEES}</div></div></div>
<footer class="col-md-12"><hr><p>site23 Documentation built with MkDocs.</p></footer>
<div class="modal" id="mkdocs_search_modal" role="dialog"><div class="modal-dialog"><h4>site24
Search</h4></div></div></body></html>""",
    "Material for MkDocs": f"""<html lang="en"><head><title>Quay - Handbook</title></head><body dir="ltr">
<div data-md-component="skip"><a href="#quay" class="md-skip">site30 Skip to content</a></div>
<header class="md-header" data-md-component="header"><nav class="md-header__inner md-grid"><div
class="md-header__title">
<span class="md-ellipsis">site31 Handbook</span></div></nav></header><div class="md-container"><main class="md-main">
<div class="md-main__inner md-grid"><div class="md-sidebar md-sidebar--primary"><div
class="md-sidebar__scrollwrap"><nav
class="md-nav"><ul class="md-nav__list">{_LINKS}</ul></nav></div></div><div class="md-content"><article
class="md-content__inner md-typeset"><a href="e" class="md-content__button md-icon" title="Edit"><svg></svg></a>
<h1 id="quay">kept0 Quay<a class="headerlink" href="#quay">¶</a></h1>{_FEES}<div class="admonition note">
<p class="admonition-title">kept6 Note</p><p>kept7 In winter it is closed.</p></div><div class="tabbed-set"><div
class="tabbed-labels"><label>kept8 Sail</label></div><div class="tabbed-content"><div class="tabbed-block"><p>kept9
By sail.</p>
</div></div></div></article></div></div></main><footer class="md-footer"><div class="md-copyright">site32 Made with
Material
</div></footer></div></body></html>""",
    "Sphinx (Read the Docs)": f"""<html class="writer-html5"><head><title>Quay — Handbook 1.0
documentation</title></head>
<body class="wy-body-for-nav"><div class="wy-grid-for-nav"><nav data-toggle="wy-nav-shift" class="wy-nav-side"><div
class="wy-side-scroll"><ul>{_LINKS}</ul></div></nav><section data-toggle="wy-nav-shift"
class="wy-nav-content-wrap"><div
class="wy-nav-content"><div class="rst-content"><div role="navigation" aria-label="Page navigation"><ul
class="wy-breadcrumbs">
<li><a href="i">site20 Docs</a></li><li>site21 Quay</li></ul></div><div role="main" class="document"><div
itemprop="articleBody"><section id="quay"><h1>kept0 Quay<a class="headerlink" href="#quay">¶</a></h1>{_FEES}
<dl class="py function"><dt class="sig">kept6 dock()</dt><dd><p>kept7 Docks a
boat.</p></dd></dl></section></div></div>
<footer><div class="rst-footer-buttons" role="navigation"><a href="n">site22 Next</a></div><div role="contentinfo">
<p>site23 Copyright 2026.</p></div></footer></div></div></section></div></body></html>""",
    "Sphinx (Alabaster)": f"""<html><body><div class="document"><div class="documentwrapper"><div class="bodywrapper">
<div class="body" role="main"><section id="footer"><h1>kept0 Quay</h1>{_FEES}</section></div></div></div>
<div class="sphinxsidebar" role="navigation"><div class="sphinxsidebarwrapper"><h3>site20
Navigation</h3><ul>{_LINKS}</ul>
</div></div><div class="clearer"></div></div><div class="footer">site21 Powered by Sphinx</div></body></html>""",
    "Docusaurus": f"""<html lang="en"><head><title>Quay | Handbook</title></head><body><div id="__docusaurus">
<div role="region" aria-label="Skip to main content"><a class="skipToContent_fXgn" href="#x">site20 Skip to main
content</a>
</div><nav class="navbar navbar--fixed-top"><ul>{_LINKS}</ul></nav><div class="main-wrapper mainWrapper_z2l0"><div
class="docsWrapper_hBAB"><aside class="theme-doc-sidebar-container"><nav class="menu"><ul>{_LINKS}</ul></nav></aside>
<main class="docMainContainer_TBSr"><div class="container"><div class="row"><div class="col
docItemCol_VOVn"><div><article>
<nav class="theme-doc-breadcrumbs"><ul><li>site21 Harbour</li></ul></nav><div class="tocCollapsible_ETCw
tocMobile_ITEo">
<button>site22 On this page</button></div><div class="theme-doc-markdown markdown"><header><h1>kept0
Quay</h1></header>{_FEES}
<div class="theme-admonition alert alert--info"><div class="admonitionHeading_Gvgb">kept6 info</div><div><p>kept7
Mind the
tide.</p></div></div><div class="tabs-container"><ul role="tablist"><li role="tab">kept8 Sail</li></ul><div><div
role="tabpanel" hidden=""><p>kept9 By sail it takes an hour.</p></div></div></div></div><footer
class="theme-doc-footer docusaurus-mt-lg"><a href="e" class="theme-edit-this-page">site23 Edit this
page</a></footer></article>
<nav class="pagination-nav">site24 Next</nav></div></div><div class="col col--3"><div class="tableOfContents_bqdL
theme-doc-toc-desktop"><ul class="table-of-contents"><li><a href="#boats">site25
Boats</a></li></ul></div></div></div></div>
</main></div></div><footer class="theme-layout-footer footer">site26 Copyright</footer></div></body></html>""",
    "Confluence export": f"""<html><head><title>Harbour : Quay</title></head><body class="theme-default
aui-theme-default">
<div id="page"><div id="main" class="aui-page-panel"><div id="main-header"><div id="breadcrumb-section"><ol
id="breadcrumbs">
<li class="first"><span><a href="i">site20 Harbour</a></span></li></ol></div><h1 id="title-heading" class="pagetitle">
<span id="title-text">kept0 Harbour : Quay</span></h1></div><div id="content" class="view"><div
class="page-metadata">Created
by <span class="author">kept6 Ana</span>, last modified on Mar 02, 2026</div><div id="main-content"
class="wiki-content group">
<div class="toc-macro rbtoc1"><ul class="toc-indentation"><li><a href="#b">site21 Boats</a></li></ul></div>{_FEES}<div
class="confluence-information-macro confluence-information-macro-note"><div class="confluence-information-macro-body">
<p>kept7 Mind the tide.</p></div></div><div class="expand-container"><div class="expand-content expand-hidden"
style="display:none"><p>kept8 In winter it is closed.</p></div></div></div></div></div><div id="footer"
role="contentinfo">
<section class="footer-body"><p>site22 Document generated by Confluence on Mar 02,
2026</p></section></div></div></body></html>""",
    "Notion export": f"""<html><head><title>Quay</title></head><body><article id="1a" class="page sans"><header><div
class="page-header-icon undefined"><span class="icon">⚓</span></div><h1 class="page-title">kept0 Quay</h1><p
class="page-description"></p><table class="properties"><tbody><tr class="property-row"><th>Owner</th><td>kept6
Bo</td></tr>
</tbody></table></header><div class="page-body"><nav class="block-color-gray table_of_contents"><div><a
href="#b">site1 Boats
</a></div></nav>{_FEES}<figure class="block-color-gray_background callout" style="display:flex"><div><span
class="icon">💡</span>
</div><div style="width:100%">kept7 Mind the tide.</div></figure><ul class="toggle"><li><details><summary>kept8
Winter</summary>
<p>kept9 In winter it is closed.</p></details></li></ul></div></article></body></html>""",
    "Google Docs export": f"""<html><head><meta content="text/html; charset=UTF-8"
http-equiv="content-type"><style>.c1{{}}
</style></head><body class="c9 doc-content"><p class="c2 title" id="h.1"><span class="c5">kept0
Quay</span></p>{_FEES}<p
class="c1"><span class="c0">kept6 See </span><span class="c3"><a class="c4"
href="https://www.google.com/url?q=https://a.b/rules
&amp;sa=D">kept7 the rules</a></span></p><hr class="c6"><div><p class="c1"><a href="#ftnt_ref1">[1]</a>
<span>kept8 As of May.
</span></p></div></body></html>""",
    "WordPress": f"""<html lang="en"><head><title>Quay – Harbour</title></head><body class="post-template-default
single
has-sidebar category-footer"><div id="page" class="site"><a class="skip-link screen-reader-text" href="#c">site20
Skip to content
</a><header id="masthead" class="site-header"><div class="site-branding"><p class="site-title"><a href="/">site21
Harbour</a></p>
</div><nav id="site-navigation" class="main-navigation"><ul>{_LINKS}</ul></nav></header><div id="content"
class="site-content">
<div id="primary" class="content-area"><main id="main" class="site-main"><article id="post-12" class="post-12 post
type-post
category-cookies tag-menu"><header class="entry-header"><h1 class="entry-title">kept0 Quay</h1></header><div
class="entry-content">{_FEES}<figure class="wp-block-image"><img alt="kept6 The quay at low tide"
src="q.jpg"><figcaption>kept7
Low tide</figcaption></figure><div class="sharedaddy sd-sharing-enabled"><h3>site22 Share this:</h3><ul><li><a
href="https://twitter.com/intent/tweet?u=x">site23 Tweet</a></li></ul></div></div><footer class="entry-footer">site24
Posted in
News</footer></article><div id="comments" class="comments-area"><h2>kept8 One comment</h2><p>kept9 It was 40 last
year.</p></div>
</main></div><aside id="secondary" class="widget-area"><section class="widget"><h2>site25 Recent
posts</h2><ul>{_LINKS}</ul>
</section></aside></div><footer id="colophon" class="site-footer">site26 Powered by WordPress</footer></div><div
id="cookie-notice" role="dialog"><p>site27 We use cookies to make this site better.</p><button>site28
Accept</button></div>
</body></html>""",
    "GitHub wiki": f"""<html><head><title>Quay · a/b Wiki · GitHub</title></head><body class="logged-out"><div
class="position-relative js-header-wrapper"><a href="#start" class="p-3 show-on-focus js-skip-to-content">site20 Skip
to
content</a><header class="HeaderMktg" role="banner">site21 Sign in</header></div><div class="application-main"><main
id="js-repo-pjax-container"><div id="repository-container-header"><nav class="UnderlineNav">{_LINKS}</nav></div><div
id="wiki-wrapper"><div class="gh-header"><h1 class="gh-header-title">kept0 Quay</h1><div class="gh-header-meta">kept6
Ana edited
this page on 2 Mar 2026</div></div><div id="wiki-content"><div class="Layout"><div class="Layout-main"><div
id="wiki-body">
<div class="markdown-body">{_FEES}</div></div></div><div class="Layout-sidebar"><div class="wiki-rightbar"><nav
class="wiki-pages-box"><details><summary>site22 Pages 12</summary><ul>{_LINKS}</ul></details></nav></div></div>
</div></div></div>
</main></div><footer class="footer" role="contentinfo">site23 © 2026 GitHub, Inc.</footer></body></html>""",
    "Zendesk": f"""<html dir="ltr" lang="en-US"><head><title>Quay – Harbour Help Center</title></head><body><a
class="skip-navigation" href="#main-content">site20 Skip to main content</a><header class="header"><div
class="logo"><a
href="/hc">site21 Help Center</a></div><div class="nav-wrapper-desktop"><nav class="user-nav"><a href="n">site22
Submit a
request</a></nav></div></header><main role="main"><div class="container-divider"></div><div class="container"><nav
class="sub-nav"><ol class="breadcrumbs"><li><a href="h">site23 Harbour</a></li></ol></nav><div
class="article-container"
id="article-container"><aside class="article-sidebar"><div class="collapsible-sidebar"><ul>{_LINKS}</ul></div>
</aside><article
class="article"><header class="article-header"><h1 title="Quay" class="article-title">kept0 Quay</h1><div
class="article-author">kept6 Ana, 2 days ago</div></header><section class="article-info"><div
class="article-content"><div
class="article-body">{_FEES}</div></div></section><footer><div class="article-footer"><div class="article-share"><ul
class="share"><li><a href="https://www.facebook.com/share.php?u=x" class="share-facebook" aria-label="Facebook">site24
Facebook</a></li></ul></div></div><div class="article-votes"><span class="article-votes-question">site25 Was this
article
helpful?</span></div></footer><div class="article-relatives"><section class="related-articles"><h2>site26 Related
articles</h2>
<ul>{_LINKS}</ul></section></div></article></div></div></main><footer class="footer">site27
Harbour</footer></body></html>""",
    "Word, saved as HTML": f"""<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:x"><head><meta
http-equiv=Content-Type content="text/html; charset=windows-1252"><title>Draft 3</title><!--[if gte mso 9]><xml>
<w:WordDocument>site1</w:WordDocument></xml><![endif]--><style><!-- p.MsoNormal {{margin:0cm}}
--></style></head><body lang=EN-GB>
<div class=WordSection1><p class=MsoTitle><span lang=EN-GB>kept0 Quay<o:p></o:p></span></p>{_FEES}<p
class=MsoListParagraph
style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span style='font-family:Symbol'><span
style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp;</span></span></span><![endif]>kept6
A list
item<o:p></o:p></p><p class=MsoNormal><span style='display:none;mso-hide:all'>site2 hidden</span>kept7 The
end.</p></div></body></html>""",
    "SharePoint page": f"""<html><head><title>Quay</title></head><body><div id="SuiteNavWrapper"
role="banner"><div>site20
SharePoint</div></div><div id="spSiteHeader" data-automationid="SiteHeader"><div
role="navigation"><ul>{_LINKS}</ul></div></div>
<div class="commandBarWrapper"><div role="menubar"><button role="menuitem">site21 New</button></div></div><div
role="main"
data-automation-id="contentScrollRegion"><div data-automation-id="pageHeader"><div data-automation-id="TitleTextId"
role="heading" aria-level="1">kept0 Quay</div><div>kept6 Ana, Harbour master</div></div><article><div
class="CanvasZone">
<div class="ControlZone"><div data-automation-id="textBox" class="cke_editable
rte--read">{_FEES}</div></div></div></article>
</div><footer>site22 Feedback</footer></body></html>""",
    "DokuWiki": f"""<html><body><div id="dokuwiki__site"><div id="dokuwiki__top" class="site dokuwiki mode_show"><ul
class="a11y skip"><li><a href="#dokuwiki__content">site20 skip to content</a></li></ul><div id="dokuwiki__header"><div
class="headings"><h1><a href="/">site21 Harbour wiki</a></h1></div><div class="breadcrumbs"><div class="trace"><span
class="bchead">site22 Trace:</span> <a href="q">site23 quay</a></div></div></div><div class="wrapper group"><div
id="dokuwiki__content"><div class="page group"><div id="dw__toc" class="dw__toc"><h3 class="toggle">site24 Table of
Contents</h3><ul class="toc"><li><a href="#b">site25 Boats</a></li></ul></div><h1 class="sectionedit1"
id="quay">kept0 Quay</h1>
<div class="level1">{_FEES}</div></div></div></div><div id="dokuwiki__footer"><div class="license">site26 CC
BY</div></div>
</div></div></body></html>""",
    "MediaWiki": f"""<html class="client-nojs"><head><title>Quay - Harbour</title></head><body class="mediawiki ns-0
page-Quay">
<div id="mw-page-base" class="noprint"></div><div id="content" class="mw-body" role="main"><h1 id="firstHeading"
class="firstHeading">kept0 Quay</h1><div id="bodyContent" class="vector-body"><div id="siteSub"
class="noprint">site20 From
Harbour</div><div id="jump-to-nav"></div><a class="mw-jump-link" href="#p">Jump</a><div id="mw-content-text"><div
class="mw-parser-output"><div id="toc" class="toc" role="navigation"><h2>site21
Contents</h2><ul>{_LINKS}</ul></div>{_FEES}<h2>
<span class="mw-headline">kept6 Moor</span><span class="mw-editsection">[<a href="e">site22
edit</a>]</span></h2><p>kept7 At
both ends.</p></div></div></div></div><div id="mw-navigation"><h2>site23 Navigation menu</h2><div
id="mw-panel"><ul>{_LINKS}</ul>
</div></div><footer id="footer" class="mw-footer" role="contentinfo">site24 Privacy policy</footer></body></html>""",
    "Intranet, 1999": f"""<html><head><title>Quay</title></head><body><table width="100%"><tr><td colspan=2><img
src=l alt="">
</td></tr><tr><td width=150>{_DIVS}</td><td><h1>kept0 Quay</h1>{_FEES}</td></tr></table><center><a href="i">site20
Imprint</a>
| <a href="p">site21 Privacy</a> | <a href="c">site22 Contact</a></center></body></html>""",
    "Divs without meaning": f"""<html><head><title>Quay</title></head><body><div class="a1"><div
class="a2">{_DIVS}</div></div>
<div class="b1"><a href="/">site20 Home</a> › <a href="/h">site21 Harbour</a> › Quay</div><div class="c1"><h1>kept0
Quay</h1>
{_FEES}<div class="z3">
<a href="https://x.com/intent/post?u=1">site22 Post</a> <a href="mailto:?subject=Quay">site23 Mail</a>
</div></div><div class="d1"><a href="/i">site24 Imprint</a><a href="/p">site25 Privacy</a></div><div
class="e1"><span>site26 This
site uses cookies.</span><button>Accept all</button></div></body></html>""",
    "Main that is empty": f"""<html><body><main id="app"></main><div class="content"><h1>kept0
Quay</h1>{_FEES}</div></body></html>""",
    "Main at the side": f"""<html><body><div class="content"><h1>kept0 Quay</h1>{_FEES}</div><main
class="aside"><p>kept6 Open
daily.</p></main></body></html>""",
    "Articles beside each other": f"""<html><body><main><article><h2>kept0
Quay</h2>{_FEES}</article><article><h2>kept6 Pier</h2>
<p>kept7 The pier is closed in winter.</p></article></main></body></html>""",
    "Questions that fold": """<html><body><h1>kept0 Questions</h1><div class="accordion"><div
class="accordion-item"><h2
class="accordion-header"><button class="accordion-button collapsed" aria-expanded="false">kept1 What does it
cost?</button></h2>
<div class="accordion-collapse collapse" style="display: none"><div class="accordion-body">kept2 45
euros.</div></div></div></div>
<div><button aria-expanded="false" aria-controls="p1">kept3 When does it open?</button><div id="p1" class="faq-panel"
hidden>
kept4 At nine.</div></div><details><summary>kept5 Who may come?</summary><p>kept6
Everybody.</p></details><dl><dt>kept7 Tide</dt>
<dd>kept8 Twice a day.</dd></dl></body></html>""",
    "Page about cookies": f"""<html><body><nav>{_LINKS}</nav><div id="cookies"><h1>kept0 Cookies</h1><p>kept1 We use
cookies for
signing in. You accept them with <a href="s">kept2 your account</a>.</p></div><section id="footer"><h2>kept3
Footer</h2>
<p>kept4 The footer of each letter names the harbour master.</p></section><section class="menu"><h2>kept5 Menu of the
canteen</h2>
<p>kept6 On Monday there is soup, and on Tuesday there is fish.</p></section></body></html>""",
    "Hidden parts": """<html><body><h1>kept0 Quay</h1><p hidden>site1</p><p style="display:none">site2</p><div
aria-hidden="true">site3</div><template><p>site4</p></template><noscript>site5</noscript><p style="visibility:
hidden">site6</p>
<dialog>site7</dialog><p>kept1 Open daily.</p><p hidden="until-found">kept2 Found by searching.</p></body></html>""",
    "List of pages": """<html><body><h1>kept0 Handbook</h1><ul><li><a href="a">kept1 Quay</a></li><li><a
href="b">kept2 Pier</a></li>
<li><a href="c">kept3 Boats</a></li><li><a href="d">kept4 Fees</a></li></ul><h2>kept5 See also</h2><ul><li><a
href="e">kept6 Privacy
at work</a></li><li><a href="f">kept7 Terms of trade</a></li></ul></body></html>""",
}


def ours(page: str) -> str:
    """What Attune makes of it."""
    document = parse(page.encode(), PurePath("page.html"))
    return "\n".join([document.title, *(block.text for block in document.blocks)])


def trafilatura(page: str) -> str:
    """What trafilatura makes of it, asked to keep rather too much."""
    from trafilatura import extract  # type: ignore[import-not-found]  # noqa: PLC0415 - only for comparing

    return str(extract(page, favor_recall=True, include_tables=True, include_comments=True, with_metadata=True) or "")


def readability(page: str) -> str:
    """What readability-lxml makes of it."""
    from readability import Document  # type: ignore[import-not-found]  # noqa: PLC0415 - only for comparing

    document = Document(page)
    return f"{document.title()}\n{document.summary()}"


def shares(page: str, read: str) -> tuple[float, float]:
    """Of the marks of its text, how many were kept; and of those of the site around it."""
    found = set(MARK.findall(read))
    marks = set(MARK.findall(page))
    text = {mark for mark in marks if mark.startswith("kept")}
    site = marks - text
    return len(text & found) / len(text), len(site & found) / max(1, len(site))


def main() -> None:
    """Measure, print, and keep the figures."""
    ask = parser(str(__doc__))
    ask.add_argument("--beside", action="store_true", help="also ask the libraries that do the same")
    readers: dict[str, Callable[[str], str]] = {"Attune": ours}
    if ask.parse_args().beside:
        readers |= {"trafilatura": trafilatura, "readability-lxml": readability}
    found: Record = {
        name: {reader: shares(page, read(page)) for reader, read in readers.items()} for name, page in PAGES.items()
    }
    print(f"| page | {' | '.join(readers)} |\n|---|{'---|' * len(readers)}")
    for name, of in found.items():
        print(f"| {name} | {' | '.join(f'{text:.0%} / {site:.0%}' for text, site in of.values())} |")
    write_result(NAME, {"pages": found}, RESULTS)


if __name__ == "__main__":
    main()
