"""Which query parameters say nothing about the page, as data: who adds each, and so why it goes.

A parameter stands here only if a page is the same with and without it. `id`, `p`, `v`, `page`,
`q`, `lang`, `cid` and the like never do: they are the page.
"""

# Starts of names, reserved by one sender each.
TRACKING_PREFIXES = {
    "utm_": "campaign tags of Google Analytics, copied by everybody",
    "itm_": "campaign tags inside one site",
    "mtm_": "campaign tags of Matomo",
    "matomo_": "campaign tags of Matomo",
    "pk_": "campaign tags of Piwik, Matomo's old name",
    "piwik_": "campaign tags of Piwik",
    "hsa_": "HubSpot's advertising tags",
    "_hs": "HubSpot's mail tags (_hsenc, _hsmi)",
    "mc_": "Mailchimp's campaign and reader ids",
    "oly_": "Omeda's mail tags",
    "vero_": "Vero's mail tags",
    "ml_subscriber": "MailerLite's reader ids",
    "ga_": "Google Analytics, the older tags",
    "_branch_": "Branch's deep-link tags",
    "at_medium": "AT Internet's campaign tags",
    "at_campaign": "AT Internet's campaign tags",
    "at_custom": "AT Internet's campaign tags",
    "wt.": "Webtrends' campaign tags",
    "wt_mc": "Webtrends' campaign tags",
    "sc_c": "Adobe's and Red Hat's campaign ids (sc_cid, sc_channel, sc_campaign)",
    "elq": "Oracle Eloqua's mail tags",
    "__hs": "HubSpot's visitor ids",
    "trk_": "campaign tags of several mailers",
    "dm_i": "Dotdigital's mail tags",
    "fb_": "Facebook's reference tags",
    "action_object_map": "Facebook's reference tags",
    "action_ref_map": "Facebook's reference tags",
    "action_type_map": "Facebook's reference tags",
}

# Whole names.
TRACKING_NAMES = {
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
    "cmp": "campaign id of news sites",
    "imm_mid": "O'Reilly's mail id",
    "ocid": "Microsoft's campaign id",
    "ftag": "CBS Interactive's campaign id",
    "mbid": "Condé Nast's mail id",
    "smid": "The New York Times' share id",
    "smtyp": "The New York Times' share type",
    "ito": "Daily Mail's share source",
    "xtor": "AT Internet's source",
    "guccounter": "Yahoo's consent counter",
    "guce_referrer": "Yahoo's consent referrer",
    "guce_referrer_sig": "Yahoo's consent referrer",
    "_lrsc": "LinkedIn Elevate's share id",
    "trk": "LinkedIn's source",
    "trackingid": "LinkedIn's source",
    "lipi": "LinkedIn's page id",
    "linkid": "a share's id (Salesforce Social Studio)",
    "sr_share": "ShareThis' source",
    "sharetype": "share button's name",
    "spm": "Alibaba's click path",
    "scm": "Alibaba's click path",
    "source": "who linked here (Medium, Reddit readers)",
    "ref": "who linked here (Ghost adds it to every outgoing link)",
    "ref_src": "who linked here (Twitter)",
    "ref_url": "who linked here (Twitter)",
    "referrer": "who linked here",
    "referer": "who linked here",
    "via": "who linked here",
    "partner": "which feed or partner linked here",
    "gi": "Medium's session on custom domains",
    "sk": "Medium's friend link: the same post without the wall",
    "hss_channel": "HubSpot's social channel",
    "campaign_id": "campaign id of several mailers",
    "campaignid": "campaign id of several mailers",
    "mailid": "mail id of several mailers",
    "replytocom": "WordPress' reply form on the same post",
    "showcomment": "Blogger's jump to a comment",
    "amp": "the same page for phones",
    "outputtype": "the same page for phones (Arc Publishing)",
    "phpsessid": "PHP's session",
    "jsessionid": "Java's session",
    "aspsessionid": "ASP's session",
    "doing_wp_cron": "WordPress' clock",
    "_ga": "Google Analytics' visitor",
    "_gl": "Google Analytics' visitor across sites",
    "nr_email_referer": "New Relic's mail flag",
}

# Sites that readers come from: as a bare word ("?lobsters") they say whence, not which.
REFERRING_SITES = frozenset(
    "hn hackernews hacker_news lobsters reddit twitter facebook linkedin mastodon rss feed "
    "newsletter email mail slashdot digg ycombinator tldr devops devopsish".split()
)

# Names with two meanings: a session if the value is one, else perhaps the page.
SESSION_NAMES = frozenset({"sid", "s", "osid", "zenid"})
# phpBB, vBulletin and PHP write a session as 32 hexadecimal digits.
SESSION_LENGTH = 32

# Where a name of the lists above is the page after all.
MEANINGFUL_ON = {
    "gitlab.com": {"ref": "the branch shown"},
    "codeberg.org": {"ref": "the branch shown"},
    "bitbucket.org": {"source": "the branch compared"},
}

_PREFIXES = tuple(TRACKING_PREFIXES)


def is_tracking(name: str, value: str, *, host: str = "") -> bool:
    """Return whether a query parameter says nothing about which page of `host` this is."""
    folded = name.lower()
    if folded in MEANINGFUL_ON.get(host, ()):
        return False
    if folded in TRACKING_NAMES or folded.startswith(_PREFIXES):
        return True
    if not value and folded in REFERRING_SITES:
        return True
    return folded in SESSION_NAMES and len(value) == SESSION_LENGTH and value.isalnum()
