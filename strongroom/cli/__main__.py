"""`python -m strongroom.cli` is `strongroom`."""

from strongroom.cli import main

main()
