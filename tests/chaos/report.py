"""The table of a run."""

import statistics

from tests.chaos.campaign import Report


def table(report: Report) -> str:
    """For a person."""
    verdict = report.verdict
    lines = [
        f"seed {report.seed}, {report.lasted_s:.0f} s",
        "",
        f"{'fault':28}{'injected':>10}{'recovery s: median':>20}{'worst':>8}",
    ]
    for name in sorted({*report.injected, *report.recoveries}):
        count, seconds = report.injected[name], report.recoveries.get(name)
        median = f"{statistics.median(seconds):.2f}" if seconds else "-"
        worst = f"{max(seconds):.2f}" if seconds else "-"
        times = count or len(seconds or ())
        lines.append(f"{name:28}{times:>10}{median:>20}{worst:>8}")
    lines += [
        f"{'all':28}{report.injected.total():>10}",
        "",
        f"{'updates answered':28}{verdict.answered:>10,}",
        f"{'  of which lost':28}{verdict.lost:>10,}",
        f"{'repeats sent':28}{verdict.repeated:>10,}",
        f"{'  of which duplicated':28}{verdict.duplicated:>10,}",
        f"{'opposite calls at once':28}{verdict.overlapping:>10,}",
        f"{'calm after s':28}{report.calm_after_s:>10.1f}",
        "tries of calls: " + ", ".join(f"{k} {v:,}" for k, v in sorted(report.tries.items())),
        f"{'findings':28}{len(report.findings):>10,}",
        *(f"  {finding}" for finding in report.findings),
    ]
    return "\n".join(lines)
