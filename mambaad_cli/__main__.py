"""`python -m mambaad_cli`."""

from mambaad_cli.app import main

main()
