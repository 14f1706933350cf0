"""The program `audience-sync`: its commands, in the order of a first day with it."""

import typer

from service.cli.connect import connect, connect_ad_account
from service.cli.demo import demo
from service.cli.disconnect import disconnect
from service.cli.history import history
from service.cli.import_list import import_list
from service.cli.migrate import migrate
from service.cli.rejected import rejected
from service.cli.serve import serve, settings_help
from service.cli.status import status
from service.cli.sync import sync

app = typer.Typer(
    help="Keeps Facebook Custom Audiences equal to the memberships that services report by gRPC.",
    epilog="Try it without a Facebook account: `audience-sync demo`",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(demo)
app.command(epilog=settings_help())(serve)
app.command()(migrate)
app.command("connect-ad-account")(connect_ad_account)
app.command()(connect)
app.command("import")(import_list)
app.command()(sync)
app.command()(status)
app.command()(history)
app.command()(rejected)
app.command()(disconnect)

if __name__ == "__main__":
    app()
