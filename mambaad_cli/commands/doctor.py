"""`mambaad doctor`: what this machine offers, and what mambaad makes of it."""

from __future__ import annotations

from typing import Any

from mambaad_cli.commands import options

EPILOG = """\
Examples:

mambaad doctor

mambaad doctor --json

mambaad doctor -q"""


def doctor(as_json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Show versions, device, scan kernels, folders and settings: where to look when something is slow."""
    from rich.text import Text

    from mambaad_cli import console
    from mambaad_cli.engine.machine import diagnose

    console.configure(as_json=as_json, quiet=quiet)
    found = diagnose()
    data = {"schema": "mambaad.doctor/1", **found}
    console.result(Text("\n".join(_lines(found))), data, brief=found["scan_kernel"])


def _lines(found: dict[str, Any]) -> list[str]:
    from mambaad_cli import env

    lines = [f"python {found['python']} on {found['platform']}", "", "versions"]
    lines += [f"  {name:10} {number}" for name, number in found["versions"].items()]
    lines += ["", f"device: {found['device']}, {found['threads']} threads {found['cuda'] or ''}"]
    lines += ["", f"scan kernels (auto takes {found['scan_kernel']})"]
    for kernel in found["scan_kernels"]:
        lines.append(f"  {kernel['name']:10} {'yes' if kernel['usable'] else 'no ':4} {kernel['reason']}")
        lines += [f"  {'':15} {kernel['hint']}"] if kernel["hint"] else []
    lines += ["", "folders"]
    lines += [f"  {name:10} {path}" for name, path in found["folders"].items()]
    lines += ["", "settings (environment variables)"]
    for variable in env.VARIABLES:
        lines += [f"  {variable.name} = {found['settings'][variable.name] or '-'}", f"    {variable.doc}"]
    return lines
