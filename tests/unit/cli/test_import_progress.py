"""What is told while a list is sent: how fast it goes and for how long still."""

import io
from collections import Counter

from rich.console import Console

from service.cli.dropped import dropped_line
from service.cli.import_progress import LINE_EVERY_S, ImportProgress, Pace


def plain_console() -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, width=40, force_terminal=False), text


def test_rate_and_time_left_are_told_once_two_answers_are_apart() -> None:
    pace = Pace(1_000)
    pace.acknowledged(0, 0.0)
    pace.read = 100
    pace.acknowledged(100, 10.0)
    assert str(pace) == "100 members"
    pace.read = 300
    pace.acknowledged(300, 20.0)
    assert str(pace) == "300 members, 20/s, 0:00:35 left"


def test_what_an_earlier_run_had_sent_is_no_speed() -> None:
    pace = Pace(2_000_000)
    pace.acknowledged(1_000_000, 0.0)
    pace.read = 1_010_000
    pace.acknowledged(1_010_000, 5.0)
    pace.read = 1_020_000
    pace.acknowledged(1_020_000, 6.0)
    assert str(pace) == "1,020,000 members, 10,000/s, 0:01:38 left"


def test_of_a_list_of_unknown_length_no_time_left_is_told() -> None:
    pace = Pace(0)
    for second in range(3):
        pace.read = second * 10
        pace.acknowledged(second * 5, float(second))
    assert str(pace) == "10 members, 5/s"


def test_where_no_bar_can_be_shown_there_is_a_plain_line_now_and_then() -> None:
    times = iter([0.0, 1.0, 2.0, LINE_EVERY_S, LINE_EVERY_S + 1, 2 * LINE_EVERY_S])
    console, text = plain_console()
    with ImportProgress(
        console, "[a]customers.csv", length=1_000, monotonic=lambda: next(times)
    ) as progress:
        for members in (0, 10, 90, 100, 200):
            progress.read(100)
            progress.acknowledged(members, Counter())
    assert text.getvalue() == (
        "[a]customers.csv: 90 members, 10/s, 0:00:56 left\n"
        "[a]customers.csv: 200 members, 11/s, 0:00:30 left\n"
    )


def test_what_was_dropped_is_told_with_its_commonest_reasons() -> None:
    dropped = Counter({("EMAIL", "not an email"): 1_200, ("PHONE", "unreadable"): 30})
    assert dropped_line(Counter()) == ""
    assert dropped_line(dropped) == ("1,230 dropped: 1,200 EMAIL not an email, 30 PHONE unreadable")
    dropped["ZIP", "empty"] = 1
    assert dropped_line(dropped).endswith("30 PHONE unreadable ...")


def test_a_line_tells_what_was_dropped() -> None:
    times = iter([0.0, LINE_EVERY_S])
    console, text = plain_console()
    with ImportProgress(console, "a.csv", length=10, monotonic=lambda: next(times)) as progress:
        progress.acknowledged(5, Counter({("EMAIL", "not an email"): 2}))
    assert text.getvalue() == "a.csv: 5 members; 2 dropped: 2 EMAIL not an email\n"


def test_a_short_import_says_nothing_where_no_bar_can_be_shown() -> None:
    console, text = plain_console()
    with ImportProgress(console, "list.csv", length=10, monotonic=lambda: 0.0) as progress:
        progress.acknowledged(0, Counter())
        progress.acknowledged(10, Counter())
    assert text.getvalue() == ""


def test_a_terminal_sees_a_bar_with_the_pace() -> None:
    text = io.StringIO()
    console = Console(file=text, width=120, force_terminal=True)
    with ImportProgress(console, "list.csv", length=200) as progress:
        progress.read(100)
        progress.acknowledged(100, Counter())
    assert "50%" in text.getvalue()
    assert "100 members" in text.getvalue()
