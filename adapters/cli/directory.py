"""The group `tocsin directory`: who is in, decided by several groups together."""

from cyclopts import App

from adapters.cli import (
    directory_change,
    directory_show,
    directory_sign,
    directory_suspend,
)

directory = App(
    name="directory", help="Who is in, with which keys and policies: decided by groups."
)
directory.command(directory_change.init)
directory.command(directory_change.propose)
directory.command(directory_sign.diff)
directory.command(directory_sign.sign)
directory.command(directory_sign.publish)
directory.command(directory_suspend.suspend)
directory.command(directory_show.show_directory, name="show")
directory.command(directory_show.verify)
directory.command(directory_change.rotate_root, name="rotate-root")
