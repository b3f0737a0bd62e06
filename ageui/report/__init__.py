"""Reports of runs and studies as documents: plain records in, text out. Importing it imports no plotting library."""

from ageui.report.html_page import as_html
from ageui.report.markdown_files import as_markdown, is_plot
from ageui.report.run_report import report
from ageui.report.study_report import study_report

__all__ = ["as_html", "as_markdown", "is_plot", "report", "study_report"]
