"""A sample issue about projects that do not exist: what a theme is looked at with.

It has one of each: an intro, a lead, code and a link in a blurb, a sponsored entry, one without
a blurb, a grouped one, text that looks like a merge tag, and a title in another script.
"""

from datetime import date

from flows.models import Brand, Entry, Issue, Link, Recipient, Section

SAMPLE_BRAND = Brand(
    title="Harbour Weekly",
    sender="Harbour Weekly <editor@harbour.example.org>",
    reply_to="editor@harbour.example.org",
    postal_address="12 Quay Street, 1234 Port Example",
    base_url="https://harbour.example.org",
    privacy_url="https://harbour.example.org/privacy",
    reason="You get this mail because you signed up at harbour.example.org.",
)

SAMPLE_RECIPIENT = Recipient(
    subscriber_id=0,
    email="reader@example.org",
    name="A Reader",
    unsubscribe_url="https://harbour.example.org/u/a-reader-of-the-preview",
)

_CLUSTERS = Section(
    name="Kubernetes",
    entries=(
        Entry(
            title="Kestrel 3.0 streams lists, and the API server keeps its memory",
            url="https://kestrel.example.org/blog/streaming-lists",
            source="Kestrel Blog",
            detail="6 min",
            blurb="A list of ten thousand pods used to cost two gigabytes for every client that "
            "asked. The new watch cache sends them one by one; on the project's own test cluster "
            "memory stayed *flat*, and old clients need no change.",
        ),
        Entry(
            title="What we learned from moving 400 charts to one library",
            url="https://platform.example.org/one-chart-library",
            source="Platform Notes",
            detail="11 min",
            blurb="Half of every chart was the same forty lines. Written once, they take their "
            "differences from `{{ .Values.service }}`; a state-of-the-art diff in review shows "
            "what a change does to all 400. The [migration script]"
            "(https://platform.example.org/one-chart-library/script) is included.",
        ),
        Entry(
            title="Backups you have restored: a checklist for stateful sets",
            url="https://mooring.example.org/docs/restore-checklist",
            sponsor="Mooring",
            blurb="**Mooring** restores your volumes into a scratch namespace every night and "
            "tells you in the morning what came back. Free for clusters of up to three nodes.",
        ),
        Entry(
            title="Group snapshots leave beta in Lighter 1.9",
            url="https://lighter.example.org/releases/1.9",
            source="Lighter releases",
            detail="release",
            blurb="Several volumes can now be frozen at the same moment without a webhook. Two "
            "flags are gone; the notes list what to delete before you upgrade.",
        ),
    ),
)

_PRACTICE = Section(
    name="Practice",
    entries=(
        Entry(
            title="The alert nobody acted on for a year",
            url="https://oncall.example.org/the-alert-nobody-acted-on",
            source="On-call Diary",
            detail="4 min",
            blurb="It fired 311 times and was right twice. The team deleted it, wrote down why, "
            "and found out what it had been hiding.",
        ),
        Entry(
            title="Terraform state, explained with a shoebox",
            url="https://shoebox.example.org/state",
            source="Shoebox Engineering",
            detail="8 min",
        ),
        Entry(
            title="دليل عملي لمراقبة الخدمات الصغيرة",
            url="https://mersa.example.org/observability",
            source="مدونة مرسى",
            detail="9 min",
            blurb="خطوات واضحة لاختيار ثلاثة مقاييس لكل خدمة، "
            "ثم تركها تعمل شهرا قبل إضافة أي تنبيه.",
        ),
    ),
)

_VIDEOS = Section(
    name="Videos",
    entries=(
        Entry(
            title="Rollbacks without fear: a talk in twenty minutes",
            url="https://video.example.org/watch/rollbacks",
            source="Harbour Talks",
            detail="video, 20 min",
            blurb="Keep the old version warm, move one percent of the traffic, and decide by a "
            "number that was agreed on before.",
        ),
        Entry(
            title="Short answers from the Platform Kitchen",
            source="Platform Kitchen",
            detail="4 videos",
            links=(
                Link(
                    title="Do we need a service mesh?",
                    url="https://video.example.org/watch/mesh",
                ),
                Link(
                    title="Are databases in a cluster ready for production?",
                    url="https://video.example.org/watch/databases",
                ),
                Link(
                    title="Who owns the pipeline when everybody does?",
                    url="https://video.example.org/watch/pipeline",
                ),
                Link(
                    title="What is a golden path, and who walks it?",
                    url="https://video.example.org/watch/golden-path",
                ),
            ),
        ),
    ),
)

SAMPLE = Issue(
    number=42,
    date=date(2026, 11, 30),
    subject="Harbour Weekly 42: lists that stream",
    preheader="Group snapshots leave beta, 400 charts become one, an alert is deleted",
    intro="A quiet week before the holidays, so there is time for the long read on chart "
    "libraries. Next week's issue comes a day late.",
    sections=(_CLUSTERS, _PRACTICE, _VIDEOS),
)
