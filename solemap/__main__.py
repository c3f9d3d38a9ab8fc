"""`solemap`: names the commands and imports a package only when its command is asked for."""

from __future__ import annotations

import sys
from importlib import import_module

import click

# command -> (module:attribute, one line of help); help is kept here so that --help imports nothing.
COMMANDS = {
    "base": ("solemap.base:base", "Look at the base net's pin, or make a new one."),
    "brands": ("solemap.brands:brands", "Show which brands get a net, and why others do not."),
    "demo-shop": ("demo.__main__:demo_shop", "Serve drawn shoes, or a catalogue, as a shop."),
    "export": ("dataset.commands.exports:export", "The dataset in the layout of other tools."),
    "forget": ("solemap.forget:forget", "Take a site or a product out for good."),
    "gallery": (
        "solemap.gallery:gallery",
        "Products that are named by pictures, without training.",
    ),
    "identify": ("identify.__main__:identify", "Name the shoe in each photo."),
    "import": ("solemap.importing:command", "Start from pictures that you have."),
    "merge": ("crawler.merge:command", "Join the crawls of several machines or folders."),
    "probe": ("crawler.probe:probe", "Show what the spider would take from one page."),
    "serve": ("identify.serve:serve", "The same answer in a browser and over HTTP."),
    "train": ("solemap.train:train", "Train the stale brands side by side."),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when it is invoked."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in sorted(COMMANDS.items())])


@click.group(cls=LazyGroup)
@click.version_option(package_name="solemap")
def cli() -> None:
    """Names the shoe in a photo. Also typed: scrapy crawl shoes, dvc repro, dvc metrics show."""


def main() -> None:
    """Run a command; a fault in data or configuration is one line and exit code 1."""
    from catalogue.errors import CatalogueError

    try:
        cli(prog_name="solemap")
    except CatalogueError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
