"""Which query parameters say nothing about the page, as data: who adds each, and so why it goes.

A parameter stands here only if a page is the same with and without it. `id`, `p`, `v`, `page`,
`q`, `lang`, `cid` and the like never do: they are the page.
"""

import re

# Starts of names, reserved by one sender each.
TRACKING_PREFIXES = {
    "utm_": "campaign tags of Google Analytics, copied by everybody",
    "utm-": "campaign tags of Google Analytics, misspelled",
    "itm_": "campaign tags inside one site",
    "mtm_": "campaign tags of Matomo",
    "matomo_": "campaign tags of Matomo",
    "piwik_": "campaign tags of Piwik",
    "hsa_": "HubSpot's advertising tags",
    "_hs": "HubSpot's mail tags (_hsenc, _hsmi)",
    "oly_": "Omeda's mail tags",
    "vero_": "Vero's mail tags",
    "ml_subscriber": "MailerLite's reader ids",
    "_branch_": "Branch's deep-link tags",
    "at_medium": "AT Internet's campaign tags",
    "at_campaign": "AT Internet's campaign tags",
    "bsft_": "Blueshift's mail tags",
    "wt.": "Webtrends' campaign tags",
    "wt_mc": "Webtrends' campaign tags",
    "elq": "Oracle Eloqua's mail tags",
    "__hs": "HubSpot's visitor ids",
    "action_object_map": "Facebook's reference tags",
    "action_ref_map": "Facebook's reference tags",
    "action_type_map": "Facebook's reference tags",
}

# Whole names.
TRACKING_NAMES = {
    **dict.fromkeys(
        "pk_campaign pk_kwd pk_keyword pk_source pk_medium pk_content pk_cid pk_vid".split(),
        "campaign tags of Piwik, Matomo's old name",
    ),
    **dict.fromkeys("mc_cid mc_eid mc_tc".split(), "Mailchimp's campaign and reader ids"),
    **dict.fromkeys(
        "ga_source ga_medium ga_term ga_content ga_campaign ga_place".split(),
        "Google Analytics, the older tags",
    ),
    **dict.fromkeys(
        "at_custom1 at_custom2 at_custom3 at_custom4".split(), "AT Internet's campaign tags"
    ),
    **dict.fromkeys(
        "sc_cid sc_campaign sc_channel sc_content sc_country sc_geo sc_icampaign sc_ichannel "
        "sc_iplace sc_medium sc_outcome sc_publisher sc_src".split(),
        "Adobe's, Amazon's and Red Hat's campaign tags",
    ),
    **dict.fromkeys(
        "trk_contact trk_msg trk_module trk_sid trk_link".split(), "Listrak's mail tags"
    ),
    **dict.fromkeys(
        "fb_action_ids fb_action_types fb_source fb_ref fb_comment_id".split(),
        "Facebook's reference tags",
    ),
    "utm": "campaign tag of Google Analytics, cut short",
    **dict.fromkeys(
        "amp_js_v amp_gsa amp_r usqp aoh".split(), "what Google's AMP viewer says of itself"
    ),
    "dm_i": "Dotdigital's mail tag",
    "mibextid": "Facebook's share id",
    "twitter_impression": "Twitter's view of the same page for phones",
    "__twitter_impression": "Twitter's view of the same page for phones",
    "ck_subscriber_id": "ConvertKit's reader id",
    "bhlid": "beehiiv's link id",
    "_bhlid": "beehiiv's link id",
    "_kx": "Klaviyo's reader id",
    "_ke": "Klaviyo's reader id",
    "cio_id": "Customer.io's reader id",
    "_cio_id": "Customer.io's reader id",
    "wickedid": "Wicked Reports' click id",
    "srsltid": "Google Merchant's click id",
    "s_kwcid": "Adobe's click id",
    "ef_id": "Adobe's click id",
    "dicbo": "Outbrain's click id",
    "tblci": "Taboola's click id",
    "li_source": "LinkedIn's source",
    "li_medium": "LinkedIn's source",
    "referringsource": "The New York Times' share source",
    "wpisrc": "The Washington Post's source",
    "wpmm": "The Washington Post's mail tag",
    "ref_": "Amazon's source",
    "fbclid": "Facebook's click id",
    "gclid": "Google Ads' click id",
    "gclsrc": "Google Ads' click source",
    "gbraid": "Google Ads' click id on phones",
    "wbraid": "Google Ads' click id on phones",
    "dclid": "Google Display's click id",
    "gad_source": "Google Ads' source",
    "msclkid": "Microsoft Advertising's click id",
    "twclid": "Twitter's click id",
    "ttclid": "TikTok's click id",
    "li_fat_id": "LinkedIn's click id",
    "igshid": "Instagram's share id",
    "igsh": "Instagram's share id",
    "yclid": "Yandex's click id",
    "_openstat": "Openstat's source",
    "rdt_cid": "Reddit's click id",
    "epik": "Pinterest's click id",
    "irclickid": "Impact's click id",
    "mkt_tok": "Marketo's reader token",
    "mkt_unsubscribe": "Marketo's reader token",
    "trkcampaign": "campaign tag of several mailers",
    "__s": "Drip's reader id",
    "s_cid": "Adobe's campaign id",
    "icid": "campaign id inside one site",
    "ncid": "campaign id of news sites",
    "cmpid": "campaign id of news sites",
    "imm_mid": "O'Reilly's mail id",
    "ocid": "Microsoft's campaign id",
    "ftag": "CBS Interactive's campaign id",
    "smid": "The New York Times' share id",
    "smtyp": "The New York Times' share type",
    "ito": "Daily Mail's share source",
    "xtor": "AT Internet's source",
    "guccounter": "Yahoo's consent counter",
    "guce_referrer": "Yahoo's consent referrer",
    "guce_referrer_sig": "Yahoo's consent referrer",
    "_lrsc": "LinkedIn Elevate's share id",
    "trackingid": "LinkedIn's source",
    "lipi": "LinkedIn's page id",
    "sr_share": "ShareThis' source",
    "sharetype": "share button's name",
    "ref_src": "who linked here (Twitter)",
    "ref_url": "who linked here (Twitter)",
    "referrer": "who linked here",
    "referer": "who linked here",
    "hss_channel": "HubSpot's social channel",
    "replytocom": "WordPress' reply form on the same post",
    "showcomment": "Blogger's jump to a comment",
    "phpsessid": "PHP's session",
    "jsessionid": "Java's session",
    "aspsessionid": "ASP's session",
    "doing_wp_cron": "WordPress' clock",
    "_ga": "Google Analytics' visitor",
    "_gl": "Google Analytics' visitor across sites",
    "nr_email_referer": "New Relic's mail flag",
}

# Names that are ours to drop on some sites only; elsewhere they may be the page. A site counts with
# all its hosts.
TRACKING_ON = {
    "substack.com": {
        "r": "who shared it",
        "s": "where it was shared",
        "publication_id": "mail tags",
        "post_id": "mail tags",
        "isfreemail": "mail tags",
        "triedredirect": "sign-in's flag",
        "showwelcome": "sign-up's flag",
    },
    "medium.com": {"responsesopen": "comments shown beside it", "sortby": "order of comments"},
    "dev.to": {"signin": "sign-in's flag", "comments_sort": "order of comments"},
    "spotify.com": {"si": "who shared it"},
    "wsj.com": {"mod": "where on the front page it stood", "st": "who shared it"},
    "barrons.com": {"mod": "where on the front page it stood"},
    "marketwatch.com": {"mod": "where on the front page it stood"},
    "bloomberg.com": {"srnd": "where on the front page it stood", "sref": "who shared it"},
    "economist.com": {"fsrc": "where it was shared"},
    "ft.com": {"segmentid": "which mail it stood in"},
    "nytimes.com": {"emc": "which mail it stood in", "unlocked_article_code": "a gift to read it"},
    "washingtonpost.com": {"itid": "where it stood", "noredirect": "its look"},
    "businessinsider.com": {"r": "the reader's country", "ir": "the reader's country"},
    "google.com": {"pli": "sign-in's flag"},
    "theguardian.com": {"cmp": "where it was shared"},
    "oreilly.com": {"cmp": "where it was shared"},
    "theverge.com": {"scrolla": "where the reader was"},
    "zdnet.com": {"bhid": "which mail it stood in"},
    "wired.com": {"mbid": "Condé Nast's mail id"},
    "arstechnica.com": {"mbid": "Condé Nast's mail id"},
    "newyorker.com": {"mbid": "Condé Nast's mail id"},
    "microsoft.com": {"cdn": "where it is served from", "hide_banner": "its look"},
    "linkedin.com": {"published": "a preview's flag", "trk": "where on the site it stood"},
}

# Sites that readers come from: as a bare word ("?lobsters") they say whence, not which.
REFERRING_SITES = frozenset(
    "hn hackernews hacker_news lobsters reddit twitter facebook linkedin mastodon rss feed "
    "newsletter email mail slashdot digg ycombinator tldr devops devopsish".split()
)
# Names that say whence if their value is such a site, or a site's address.
SOURCE_NAMES = frozenset("partner src from share origin channel".split())

# Names with two meanings: a session if the value is one, else perhaps the page.
SESSION_NAMES = frozenset({"sid", "s", "osid", "zenid"})
# phpBB, vBulletin and PHP write a session as 32 hexadecimal digits.
SESSION_LENGTH = 32

# Names that are a tracker's if their value is spelled as its values are: why, and how.
TRACKING_VALUES = {
    "amp": ("the same page for phones", r"|1|true|amp"),
    "outputtype": ("the same page for phones (Arc Publishing)", r".*amp"),
    "gi": ("Medium's session on custom domains", r"[0-9a-f]{8,}"),
    "sk": ("Medium's friend link: the same post without the wall", r"[0-9a-f]{32}|v2[./].+"),
    "sh": ("Forbes' share id", r"[0-9a-f]{12}"),
    "cmp": ("campaign of O'Reilly's and other mails", r"[a-z]+(?:[-_]\w+){2,}"),
    "spm": ("Alibaba's click path", r"[\w-]+(?:\.[\w-]+){2,}"),
    "scm": ("Alibaba's click path", r"[\w-]+(?:\.[\w-]+){2,}"),
}

# Names that a program may use for what it shows: a file, a branch, a row. They say whence where
# the page has a name of its own before them, and their value is no file and no revision.
DOUBTFUL_NAMES = {
    "source": "who linked here (Medium, Reddit readers)",
    "ref": "who linked here (Ghost adds it to every outgoing link)",
    "via": "who linked here",
    "trk": "Amazon's and LinkedIn's source",
    "linkid": "a share's id (Salesforce Social Studio)",
    "campaign_id": "campaign id of several mailers",
    "campaignid": "campaign id of several mailers",
    "mailid": "mail id of several mailers",
}
_SCRIPT = re.compile(r"\.(?:php|cgi|pl|py|aspx?|jsp|cfm|do|exe)/?$", re.IGNORECASE)
# Of these names, those that programs give to files and revisions.
_OF_FILES = frozenset({"source", "ref"})
_FILE_OR_REVISION = re.compile(
    r"(?!https?:)[^ ]*/[^ ]*|v?\d+(?:\.\d+)*|(?=[0-9a-f]*\d)[0-9a-f]{7,40}"
    r"|(?:main|master|develop|head|trunk)"
    r"|[\w-]+\.(?:py|rb|go|rs|js|ts|c|h|cc|cpp|java|kt|php|pl|sh|md|rst|txt|html?|json|ya?ml|css|log)",
    re.IGNORECASE,
)
_HOST = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|io|dev|info|news|email|co|me|fm|rs)", re.IGNORECASE
)

# Where a name of the lists above is the page after all.
MEANINGFUL_ON = {
    "gitlab.com": {"ref": "the branch shown"},
    "codeberg.org": {"ref": "the branch shown"},
    "api.github.com": {"ref": "the branch shown"},
    "bitbucket.org": {"source": "the branch compared"},
    "go.microsoft.com": {"linkid": "the page itself"},
}

_PREFIXES = tuple(TRACKING_PREFIXES)


def is_tracking(name: str, value: str, *, host: str = "", path: str = "") -> bool:
    """Return whether a query parameter says nothing about which page of `host` this is."""
    folded = name.lower()
    if folded in MEANINGFUL_ON.get(host, ()):
        return False
    if folded in TRACKING_NAMES or folded.startswith(_PREFIXES) or _is_ours_on(host, folded):
        return True
    if not value and name in REFERRING_SITES:
        return True
    return _is_telling_whence(folded, value, path=path)


def _is_ours_on(host: str, name: str) -> bool:
    """Return whether the site that `host` belongs to adds `name` to its own addresses."""
    site = host.partition(":")[0]
    while site:
        if name in TRACKING_ON.get(site, ()):
            return True
        site = site.partition(".")[2]
    return False


def _is_telling_whence(name: str, value: str, *, path: str) -> bool:
    """Return whether the value of a name with two meanings shows that it is not the page."""
    if name in SESSION_NAMES:
        return len(value) == SESSION_LENGTH and value.isalnum()
    if name in TRACKING_VALUES:
        return bool(re.fullmatch(TRACKING_VALUES[name][1], value, re.IGNORECASE))
    if name in SOURCE_NAMES or name in DOUBTFUL_NAMES:
        known = value.lower() in REFERRING_SITES or bool(_HOST.fullmatch(value))
        return known or (name in DOUBTFUL_NAMES and not _may_be_the_page(name, value, path=path))
    return False


def _may_be_the_page(name: str, value: str, *, path: str) -> bool:
    """Return whether a program at `path` may show what `value` names."""
    if name in _OF_FILES and _FILE_OR_REVISION.fullmatch(value):
        return True
    return bool(_SCRIPT.search(path))
