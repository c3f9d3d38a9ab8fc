"""A shop that hangs promotion words on its heading and shows a look-book among its pictures."""

from crawler.sites import Rules

RULES = Rules(
    domain="rules.example.com",
    name="//h1/text()[1]",
    color="[data-colour]::attr(data-colour)",
    pictures="#frames [data-full]::attr(data-full)",
    brand="Tern",
)
