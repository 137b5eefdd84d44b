"""The commands that fill the benchmark and read it. Nothing heavy is imported at the top."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from common.models import keep_quiet
from common.stopping import interrupted, leave

commands = typer.Typer()


@commands.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="use cases; default all")] = None,
    dry_run: Annotated[bool, typer.Option(help="only say what is stale, and why")] = False,
    as_commands: Annotated[
        bool, typer.Option("--commands", help="print one command a row, for another engine")
    ] = False,
    methods: Annotated[bool, typer.Option(help="also every method that has no variant")] = False,
    share: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="part of the training data that these methods learn from")
    ] = 1.0,
    curve: Annotated[bool, typer.Option(help="also 1/16, 1/8, 1/4 and 1/2 of the training data")] = False,
    hub: Annotated[bool, typer.Option(help="also hub models (uses the network)")] = False,
    again: Annotated[bool, typer.Option(help="also what failed with the same code")] = False,
    smoke: Annotated[bool, typer.Option(help="tiny budget; makes drafts")] = False,
    seeds: Annotated[int, typer.Option(help="three or more to publish")] = 3,
    ray: Annotated[bool, typer.Option(help="spread the rows over a Ray cluster, or these cores")] = False,
) -> None:
    """Runs every variant that is missing or older than its code, data or settings; may be stopped."""
    from common import bench as benches
    from common import cluster

    wanted = benches.Wanted(seeds, methods, curve, hub, smoke, again, share)
    plan = benches.plan(names or [], wanted)
    typer.echo("\n".join(benches.commands(plan) if as_commands else benches.lines(plan)))
    if dry_run or as_commands:
        return
    signal.signal(signal.SIGINT, interrupted)
    try:
        failed = benches.carry_out(plan, cluster.outcomes if ray else None)
    except KeyboardInterrupt:
        leave()
    raise typer.Exit(1 if failed else 0)


@commands.command()
def verdicts(
    hour: Annotated[float, typer.Option(help="price of a machine hour")] = 1.0,
    million_in: Annotated[float | None, typer.Option(help="price of a million tokens read")] = None,
    million_out: Annotated[float | None, typer.Option(help="price of a million tokens written")] = None,
) -> None:
    """What to do in every use case, at your prices."""
    from common import results
    from common import verdicts as advice

    found = advice.deciding(results.evidence(results.entries()))
    prices = advice.Prices(hour, million_in, million_out)
    typer.echo("\n\n".join(advice.sentence(entry, prices).replace("**", "") for entry in found))


@commands.command()
def board(
    out: Annotated[Path, typer.Option(help="the page to write")] = Path("runs/board.html"),
) -> None:
    """Writes one page of every record: filter, sort, open a run, compare two. Works without a network."""
    from common.web import write_board

    typer.echo(f"Board: {write_board(out).resolve()}")


@commands.command()
def parity(
    folder: Annotated[Path, typer.Argument(help="run folder")],
    limit: Annotated[float, typer.Option(help="largest loss of the headline that passes")] = 0.01,
    examples: Annotated[int, typer.Option(help="how many test examples to answer")] = 64,
    out: Annotated[Path | None, typer.Option(help="where to keep the merged model, if it passes")] = None,
) -> None:
    """Whether the merged, the reloaded, the int8 and the ONNX model answer as the adapter does."""
    keep_quiet(online=False)
    from common.parity import check

    typer.echo(check(folder, limit, examples, out))
