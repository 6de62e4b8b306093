"""One page that tells all about a run: `report.html`, readable anywhere, without server or internet.

from mambaad_cli.render.report import Report, ReportPicture, write_report
write_report(Report(title="my run", metrics=...), pictures, "report.html")
"""

from mambaad_cli.render.report.compare import write_comparison
from mambaad_cli.render.report.data import Curve, Report, ReportPicture
from mambaad_cli.render.report.page import write_report
from mambaad_cli.render.report.points import pr_curve, pro_curve, roc_curve

__all__ = [
    "Curve",
    "Report",
    "ReportPicture",
    "pr_curve",
    "pro_curve",
    "roc_curve",
    "write_comparison",
    "write_report",
]
