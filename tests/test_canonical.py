from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.edit.canonical import canonical
from flows.edit.redirectors import is_opaque
from flows.edit.sites import domain, site
from flows.edit.tracking import (
    DOUBTFUL_NAMES,
    TRACKING_NAMES,
    TRACKING_ON,
    TRACKING_PREFIXES,
    TRACKING_VALUES,
)

PAGE = "https://example.com/blog/how-we-sleep"

SAME_PAGE = {
    "scheme": "http://example.com/blog/how-we-sleep",
    "www": "https://www.example.com/blog/how-we-sleep",
    "numbered www": "https://www2.example.com/blog/how-we-sleep",
    "host for phones": "https://m.example.com/blog/how-we-sleep",
    "host for AMP": "https://amp.example.com/blog/how-we-sleep",
    "case of the host": "https://Example.COM/blog/how-we-sleep",
    "dot behind the host": "https://example.com./blog/how-we-sleep",
    "default port": "https://example.com:443/blog/how-we-sleep",
    "other scheme's port": "http://example.com:80/blog/how-we-sleep",
    "credentials": "https://reader:secret@example.com/blog/how-we-sleep",
    "slash at the end": "https://example.com/blog/how-we-sleep/",
    "doubled slash": "https://example.com//blog//how-we-sleep",
    "dot segments": "https://example.com/./blog/drafts/../how-we-sleep",
    "index page": "https://example.com/blog/how-we-sleep/index.html",
    "AMP path": "https://example.com/blog/how-we-sleep/amp/",
    "AMP path behind an id": "https://amp.example.com/blog/how-we-sleep/amp",
    "AMP query": "https://example.com/blog/how-we-sleep?amp=1",
    "Arc's AMP query": "https://example.com/blog/how-we-sleep?outputType=amp",
    "percent-encoding": "https://example.com/blog/how%2dwe%2Dsleep",
    "tracking": "https://example.com/blog/how-we-sleep?utm_source=rss&utm_medium=feed",
    "tracking with entities": "https://example.com/blog/how-we-sleep?utm_source=a&amp;utm_term=b",
    "click ids": "https://example.com/blog/how-we-sleep?fbclid=Iw1&gclid=E2&mc_eid=3",
    "a site as a bare word": "https://example.com/blog/how-we-sleep?lobsters",
    "a ref": "https://example.com/blog/how-we-sleep?ref=a-newsletter",
    "empty query": "https://example.com/blog/how-we-sleep?",
    "fragment": "https://example.com/blog/how-we-sleep#comments",
    "text fragment": "https://example.com/blog/how-we-sleep#:~:text=we%20sleep",
    "session in the path": "https://example.com/blog/how-we-sleep;jsessionid=1A2B",
    "white space": "  https://example.com/blog/how-we-sleep\n",
    "no scheme": "//example.com/blog/how-we-sleep",
    "bare host": "example.com/blog/how-we-sleep",
    "AMP cache": "https://example-com.cdn.ampproject.org/c/s/example.com/blog/how-we-sleep",
    "Google's AMP": "https://www.google.com/amp/s/example.com/blog/how-we-sleep/amp/",
    "Google's redirect": "https://www.google.de/url?sa=t&url=https%3A%2F%2Fexample.com%2Fblog%2Fhow-we-sleep",
    "Facebook's redirect": "https://l.facebook.com/l.php?u=http%3A%2F%2Fexample.com%2Fblog%2Fhow-we-sleep&h=x",
    "redirect in a redirect": "https://out.reddit.com/t3?url=https%3A%2F%2Fwww.google.com%2Famp%2Fexample.com%2Fblog%2Fhow-we-sleep",
    "archived copy": "https://web.archive.org/web/20190302/http://example.com/blog/how-we-sleep",
    "another archive's copy": "https://archive.ph/2019.03.02-101010/https://example.com/blog/how-we-sleep",
    "a reader without walls": "https://12ft.io/https://www.example.com/blog/how-we-sleep",
    "a translation on the way": "https://translate.google.com/translate?tl=en&u=https://example.com/blog/how-we-sleep",
    "a translated host": "https://www-example-com.translate.goog/blog/how-we-sleep?_x_tr_sl=ja&_x_tr_tl=en",
    "a mail scanner": "https://urldefense.com/v3/__https://example.com/blog/how-we-sleep__;!!AbC!x$",
    "Bing's AMP": "https://example-com.bing-amp.com/c/s/example.com/blog/how-we-sleep",
    "a site as a value": "https://example.com/blog/how-we-sleep?src=rss&share=twitter",
    "a site's name as a value": "https://example.com/blog/how-we-sleep?ref=weekly.example.com",
    "a mailer's numbers": "https://example.com/blog/how-we-sleep?campaign_id=9&linkId=1234567",
    "AMP viewer": "https://example.com/blog/how-we-sleep.amp?amp_js_v=0.1&usqp=mq331",
    "Google's cache": "https://webcache.googleusercontent.com/search?q=cache:http://example.com/blog/how-we-sleep",
}


@pytest.mark.parametrize("url", SAME_PAGE.values(), ids=SAME_PAGE)
def test_a_page_has_one_spelling_however_it_is_reached(url: str) -> None:
    assert canonical(url) == PAGE


ONE_PAGE = {
    "video": (
        "https://youtu.be/a1b2c3d4e5F?t=31",
        "https://www.youtube.com/watch?v=a1b2c3d4e5F&list=x",
    ),
    "short video": (
        "https://m.youtube.com/shorts/a1b2c3d4e5F",
        "https://youtube.com/embed/a1b2c3d4e5F",
    ),
    "attributed video": (
        "https://www.youtube.com/attribution_link?a=x&amp;u=%2Fwatch%3Fv%3Da1b2c3d4e5F%26feature%3Dshare",
        "https://youtu.be/a1b2c3d4e5F",
    ),
    "Medium's paths": (
        "https://medium.com/@ann/why-it-broke-0a1b2c3d4e5f?source=rss----9",
        "https://medium.com/some-publication/why-it-broke-0a1b2c3d4e5f",
    ),
    "LWN's free link": (
        "https://lwn.net/SubscriberLink/7001/ab12cd/",
        "https://lwn.net/Articles/7001/",
    ),
    "Blogger's countries": (
        "http://some-blog.blogspot.com.au/2013/08/thoughts.html?m=1",
        "https://some-blog.blogspot.com/2013/08/thoughts.html",
    ),
    "an answer": (
        "https://stackoverflow.com/questions/12/why/34",
        "http://stackoverflow.com/questions/12/why-so",
    ),
    "a folder's README": (
        "https://github.com/Ann/Tool/blob/main/docs/README.md#usage",
        "https://github.com/ann/tool/tree/main/docs",
    ),
    "LWN's feed": ("https://lwn.net/Articles/7001/rss", "https://lwn.net/Articles/7001/"),
    "Vox Media's AMP": (
        "https://www.theverge.com/platform/amp/2018/6/4/17422788/some-deal",
        "https://www.theverge.com/2018/6/4/17422788/some-deal",
    ),
    "an answer and who shared it": (
        "https://stackoverflow.com/a/1234/567",
        "https://stackoverflow.com/a/1234",
    ),
    "a pull request's tabs": (
        "https://github.com/ann/tool/pull/12/files",
        "https://github.com/ann/tool/pull/12",
    ),
    "a merge request": (
        "https://gitlab.com/ann/tool/-/merge_requests/1",
        "https://gitlab.com/ann/tool/merge_requests/1",
    ),
    "a project's main branch": (
        "https://gitlab.com/ann/tool/-/tree/main",
        "https://gitlab.com/ann/tool",
    ),
    "a project": ("https://github.com/Ann/Tool.git", "https://github.com/ann/tool?v=6.0.1"),
    "a gist": ("https://gist.github.com/ann/1091803", "https://gist.github.com/1091803"),
    "a thread": (
        "https://groups.google.com/forum/#!topic/some-list/abcDEF",
        "https://groups.google.com/g/some-list/c/abcDEF",
    ),
    "a discussion": (
        "https://old.reddit.com/r/devops/comments/abc12/some_words/",
        "https://redd.it/abc12",
    ),
    "a mirrored message": (
        "https://nitter.net/ann/status/12345#m",
        "https://mobile.twitter.com/bob/status/12345?s=20",
    ),
    "a mirrored paper": ("https://ar5iv.org/abs/2101.00001", "https://arxiv.org/pdf/2101.00001v2"),
    "a paper's PDF": (
        "https://dl.acm.org/doi/pdf/10.1145/1.2",
        "https://doi.org/10.1145/1.2",
    ),
    "a reviewed paper": (
        "https://openreview.net/pdf?id=aBc",
        "https://openreview.net/forum?id=aBc&noteId=x",
    ),
    "a raw file": (
        "https://raw.githubusercontent.com/Ann/tool/main/docs/use.md",
        "https://github.com/ann/tool/blob/main/docs/use.md",
    ),
    "a newsletter in its app": (
        "https://open.substack.com/pub/locks/p/the-night?r=1a2b",
        "https://locks.substack.com/p/the-night?s=r",
    ),
    "a site with a new name": (
        "http://www.theregister.co.uk/2017/07/13/some_story/",
        "https://www.theregister.com/2017/07/13/some_story/",
    ),
    "marks": ("https://example.com/Raft_%28locks%29", "https://example.com/Raft_(locks)"),
    "a list's number and its page": (
        "https://example.com/detail.cfm?ref=rss&id=12",
        "https://example.com/detail.cfm?id=12",
    ),
    "a paper": ("https://arxiv.org/pdf/2101.00001v2.pdf", "https://arxiv.org/abs/2101.00001"),
    "an RFC": ("https://tools.ietf.org/html/rfc8058", "https://www.rfc-editor.org/rfc/rfc8058.txt"),
    "letters beyond ASCII": ("https://example.com/für", "https://example.com/f%c3%bcr"),
    "host beyond ASCII": ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    "order of names": ("https://example.com/?b=2&a=1", "https://example.com/?a=1&b=2"),
    "plus and %20": ("https://example.com/s?q=a+b", "https://example.com/s?q=a%20b"),
}


@pytest.mark.parametrize(("one", "other"), ONE_PAGE.values(), ids=ONE_PAGE)
def test_two_addresses_of_one_page_are_one(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


TWO_PAGES = {
    "ids": ("https://example.com/?id=1", "https://example.com/?id=2"),
    "post ids": ("https://example.com/?p=1", "https://example.com/?p=2"),
    "case of the path": ("https://example.com/A", "https://example.com/a"),
    "case of a video's id": ("https://youtu.be/abcDEF12345", "https://youtu.be/abcdef12345"),
    "order of a repeated name": ("https://example.com/?s=1&s=2", "https://example.com/?s=2&s=1"),
    "script routes": ("https://example.com/#!/posts/1", "https://example.com/#!/posts/2"),
    "slash routes": ("https://example.com/#/a", "https://example.com/#/b"),
    "ports": ("https://example.com:8080/", "https://example.com/"),
    "hosts": ("https://blog.example.com/a", "https://example.com/a"),
    "tenants": ("https://ann.github.io/a", "https://bob.github.io/a"),
    "pages of a list": ("https://example.com/list?page=1", "https://example.com/list?page=2"),
    "a word that is the page": (
        "https://example.com/wiki.py?OneThing",
        "https://example.com/wiki.py",
    ),
    "archived pages": (
        "https://webcache.googleusercontent.com/search?q=cache:http://a.example/x",
        "https://webcache.googleusercontent.com/search?q=cache:http://b.example/y",
    ),
    "mailing list messages": ("https://marc.info/?l=a&m=1", "https://marc.info/?l=a&m=2"),
    "playlists": ("https://youtube.com/playlist?list=a1", "https://youtube.com/playlist?list=b2"),
    "escaped slash": ("https://example.com/a%2Fb", "https://example.com/a/b"),
    "branches": ("https://gitlab.com/a/b/-/x?ref=v1", "https://gitlab.com/a/b/-/x?ref=v2"),
    "a page about AMP": ("https://example.com/topics/amp", "https://example.com/topics"),
    "a year's page about AMP": ("https://example.com/2026/amp", "https://example.com/2026"),
    "a wiki's page about AMP": ("https://a.example/wiki/AMP", "https://a.example/wiki"),
    "a wiki's words": ("https://example.com/wiki.cgi?DevOps", "https://example.com/wiki.cgi?Mail"),
    "Microsoft's numbers": (
        "https://go.microsoft.com/fwlink/?LinkId=12",
        "https://go.microsoft.com/fwlink/?LinkId=13",
    ),
    "files shown": ("https://example.com/x?source=a.go", "https://example.com/x?source=b.go"),
    "revisions shown": ("https://example.com/x?ref=v1.2", "https://example.com/x?ref=v1.3"),
    "a program's rows": (
        "https://example.com/show.php?campaign_id=1",
        "https://example.com/show.php?campaign_id=2",
    ),
    "a name that begins like a tracker's": (
        "https://example.com/x?fb_id=1&pk_id=1",
        "https://example.com/x?fb_id=2&pk_id=2",
    ),
    "channels": ("https://example.com/tv?channel=5", "https://example.com/tv?channel=6"),
    "pages in a reader": (
        "https://12ft.io/https://a.example/x",
        "https://12ft.io/https://a.example/y",
    ),
    "a project called amp": ("https://github.com/ann/amp", "https://github.com/ann"),
    "www that is the name": ("https://www.com/a", "https://com/a"),
}


@pytest.mark.parametrize(("one", "other"), TWO_PAGES.values(), ids=TWO_PAGES)
def test_two_pages_stay_two(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    "text", ["", "mailto:ann@example.com", "tag:a,2026:1", "http://[::1", "a b"]
)
def test_what_is_no_web_address_is_left_as_it_is(text: str) -> None:
    assert canonical(text) == text.replace(" ", "")


@pytest.mark.parametrize("start", ["https://archive.ph/", "https://web.archive.org/web/2020/"])
@pytest.mark.parametrize("times", [1, 4, 5, 6, 40])
def test_a_chain_of_wrappings_has_one_spelling_however_long(start: str, times: int) -> None:
    once = canonical(f"{start * times}https://example.com/a/")
    assert canonical(once) == once
    assert (once == "https://example.com/a") is (times < 5)


HOSTS = st.sampled_from(
    "example.com www.example.co.uk m.example.org:8080 youtu.be www.youtube.com medium.com "
    "github.com lwn.net www.google.com web.archive.org reddit.com groups.google.com arxiv.org "
    "a.blogspot.de x.cdn.ampproject.org www.www.com m.co.uk bücher.de [::1] docs.google.com "
    "user:pw@example.com EXAMPLE.com. 0:0: tools.ietf.org".split()
)
PARTS = st.sampled_from(
    "a .. . amp index.html watch embed p url %2e%2e %2F %zz é a-8d18584f4d2a questions 12 blob "
    "README.md tree c s example.org https: web 2016 comments abs 1234v2 d topic x;jsessionid=1 + "
    "rfc0822.txt".split()
)
QUERIES = st.sampled_from(
    "? ?a=1 ?a=2&a=1 ?utm_source=x ?u=https%3A%2F%2Ffoo.com%2F%3Fa%3D1 ?url=http://foo.com/x "
    "?q=cache:abc:foo.com/ ?v=abcdef&t=3 ?&amp;a=b ?amp;x=1 ?= ?a=%26 ?u=%2Fwatch%3Fv%3Dabcdef "
    "?a+b=c+d ?%C3%28=1 ?a=%25zz # #! #!topic/g/i #/r/x #top #/%zz/".split()
)
URLS = st.builds(
    lambda scheme, host, parts, query: f"{scheme}{host}/{'/'.join(parts)}{query}",
    st.sampled_from(["http://", "https://", "HTTPS://", "//", ""]),
    HOSTS,
    st.lists(PARTS, max_size=5),
    st.one_of(st.just(""), QUERIES),
)


@settings(max_examples=400)
@given(st.one_of(st.text(max_size=80), URLS, st.text(max_size=40).map("http://{}".format)))
def test_spelling_twice_changes_nothing_and_nothing_is_raised(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


LABEL = st.from_regex(r"[a-z][a-z0-9]{4,12}", fullmatch=True)


@given(
    LABEL,
    st.sampled_from(["com", "dev", "co.uk"]),
    st.lists(LABEL, max_size=3),
    st.text(max_size=30),
)
def test_the_registered_name_stays(
    label: str, suffix: str, subdomains: list[str], rest: str
) -> None:
    registered = f"{label}.{suffix}"
    host = ".".join([*subdomains, registered])
    assert (
        domain(urlsplit(canonical(f"http://{host}/{rest}")).netloc.partition(":")[0]) == registered
    )


def test_each_tracking_parameter_has_its_reason() -> None:
    on_sites = {name: why for names in TRACKING_ON.values() for name, why in names.items()}
    by_value = {name: why for name, (why, _) in TRACKING_VALUES.items()}
    reasons = {**TRACKING_NAMES, **TRACKING_PREFIXES, **DOUBTFUL_NAMES, **on_sites, **by_value}
    assert all(reasons.values())
    assert all(name == name.lower() for name in reasons)


@pytest.mark.parametrize(
    ("url", "opaque"),
    [
        ("https://t.co/a1b2c3", True),
        ("https://feedproxy.google.com/~r/some/~3/abc123/", True),
        ("https://links.example.net/c/4f2a9911c0de", True),
        ("https://click.mail.example.com/x/9f8e7d6c5b", True),
        ("https://go.dev/blog/go1.23", False),
        ("https://links.example.net/how-we-sleep-2026", False),
        ("https://example.com/c/4f2a9911c0de", False),
    ],
)
def test_an_address_that_hides_its_page_is_known(url: str, *, opaque: bool) -> None:
    parts = urlsplit(canonical(url))
    assert is_opaque(parts.netloc, parts.path) is opaque


def test_who_shares_a_host_has_a_site_of_their_own() -> None:
    assert site("github.com", "/ann/tool") != site("github.com", "/bob/tool")
    assert site("ann.github.io", "/") != site("bob.github.io", "/")
    assert site("blog.example.com", "/a") == site("example.com", "/b")
