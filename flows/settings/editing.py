"""The settings of an editor's week: the layout, the limits, the rules, the sponsors booked."""

from datetime import date as Date  # noqa: N812 - a field is called date
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from flows.edit.outline import Layout
from flows.edit.rules import LONGEST_KEYWORD, REPOSITORY, keyword_key
from flows.edit.sponsors import unfit
from flows.models import Kind
from flows.settings.model import Part
from flows.settings.shapes import Line, Name, PageAddress, Period, nearest

KINDS = (*(kind.value for kind in Kind), REPOSITORY)


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _cap() -> Any:
    return Field(default=0, ge=0, le=200, description="a whole number from 0 (no cap) to 200")


Words = Annotated[tuple[Name, ...], BeforeValidator(_listed)]


class EditSettings(Part):
    """`[edit]`: how an issue is divided, how many of what it takes, who may help with blurbs."""

    layout: Layout = Field(
        default=Layout.TOPICS, description='"topics", "people-process-tools" or "flat"'
    )
    max_per_source: int = _cap()
    max_videos: int = _cap()
    max_podcasts: int = _cap()
    max_releases: int = _cap()
    max_digests: int = _cap()
    max_repositories: int = _cap()
    classifier: bool = Field(default=True, description="true or false")
    blurb_command: Line = Field(
        default="", description="a program and its arguments in one line, or nothing"
    )
    blurb_timeout: Period = timedelta(seconds=10)

    def max_by_kind(self) -> dict[str, int]:
        """Return the limits by kind, those that are set."""
        limits = {
            Kind.VIDEO.value: self.max_videos,
            Kind.PODCAST.value: self.max_podcasts,
            Kind.RELEASE.value: self.max_releases,
            Kind.DIGEST.value: self.max_digests,
            REPOSITORY: self.max_repositories,
        }
        return {kind: most for kind, most in limits.items() if most}


class RuleSettings(Part):
    """`[[rules]]`: what goes under which heading; all that is given must fit, of a list any one."""

    section: Name = Field(description="the name of one of the [[sections]]")
    domain: Words = Field(default=(), description='a domain such as "kubernetes.io", or a list')
    path: Words = Field(
        default=(), description='what paths begin with, such as "/blog/", or a list'
    )
    keyword: Words = Field(default=(), description="words of titles, or a list of them")
    kind: Words = Field(default=(), description=f"one of {', '.join(KINDS)}, or a list")
    points: float = Field(
        default=0.0, ge=0, le=100, description="a number from 0 (decides by itself) to 100"
    )

    @field_validator("domain")
    @classmethod
    def _bare(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            if "/" in domain or ":" in domain:
                raise ValueError(f'; "{domain}" has more than the domain in it')
        return domains

    @field_validator("path")
    @classmethod
    def _from_the_root(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            if not path.startswith("/"):
                raise ValueError(f'; "{path}" does not begin with /')
        return paths

    @field_validator("keyword")
    @classmethod
    def _findable(cls, keywords: tuple[str, ...]) -> tuple[str, ...]:
        for keyword in keywords:
            words = len(keyword_key(keyword).split())
            if not words:
                raise ValueError(f'; "{keyword}" has no letter or figure in it')
            if words > LONGEST_KEYWORD:
                raise ValueError(f'; "{keyword}" is more than {LONGEST_KEYWORD} words')
        return keywords

    @field_validator("kind")
    @classmethod
    def _known(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(nearest(kind, KINDS))
        return kinds

    @model_validator(mode="after")
    def _says_something(self) -> "RuleSettings":
        if not (self.domain or self.path or self.keyword or self.kind):
            raise ValueError("it fits nothing; give it a domain, path, keyword or kind")
        return self


class SponsorSettings(Part):
    """`[[sponsors]]`: a slot booked for the issue of a date; text and link are left verbatim.

    The copy may come later: until it does, the issue is not approved.
    """

    date: Date = Field(description="the issue's day, such as 2026-11-30")
    name: Name = Field(description="the sponsor's name")
    title: Line = Field(default="", description="the words that are the link")
    url: PageAddress = ""
    text: str = Field(default="", description="one paragraph of Markdown")

    @field_validator("text")
    @classmethod
    def _goes_out_as_it_is(cls, text: str, info: ValidationInfo) -> str:
        if reason := unfit(text):
            raise ValueError(f"; the text of {info.data.get('name', 'a sponsor')} {reason}")
        return text
