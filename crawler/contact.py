"""Whom a shop can write to about this crawl, told in every request.

Nobody but the person who types the command knows that address, so none is invented: without one
the user agent says so. Such a crawl is warned about and not refused, because a refusal would teach
people to type a false address, and "no contact given" is the truth, on which a shop can act. On
loopback nobody needs to be told.
"""

from __future__ import annotations

from collections.abc import Iterable

from crawler.site import Site, host_of, is_loopback

NONE = "no contact given"


def user_agent(contact: str | None) -> str:
    """What we call ourselves.

    >>> user_agent("me@x.kr"), user_agent(None)
    ('Solemap/0.1 (research crawler; contact: me@x.kr)', 'Solemap/0.1 (research crawler; no contact given)')
    """
    told = " ".join((contact or "").split())
    return f"Solemap/0.1 (research crawler; {f'contact: {told}' if told else NONE})"


def warning(sites: Iterable[Site], agent: str) -> str | None:
    """What to tell a person who crawls others' shops without saying who they are."""
    public = [site.name for site in sites if not is_loopback(host_of(site.url))]
    if not public or NONE not in agent:
        return None
    return (
        f"WARNING: {', '.join(public)} cannot tell who crawls: the user agent is {agent!r}. "
        'Give an address that reaches you: SOLEMAP_CONTACT="you@example.org" scrapy crawl shoes ..., '
        'or a whole user agent: -s USER_AGENT="Name/1.0 (+https://your.page)".'
    )
