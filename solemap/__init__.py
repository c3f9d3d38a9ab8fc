"""The command line: one lazy click group over all packages."""
