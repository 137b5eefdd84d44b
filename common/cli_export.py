"""The commands that hand a tuned model on. Nothing heavy is imported at the top."""

from pathlib import Path
from typing import Annotated

import typer

from common import usecase as usecases
from common.models import keep_quiet

commands = typer.Typer()
Target = Annotated[str, typer.Argument(help="use case, or the folder of a finished run")]
Variant = Annotated[str, typer.Option(help="which run of the use case")]


@commands.command()
def export(
    target: Target,
    variant: Variant = "offline",
    out: Annotated[Path | None, typer.Option(help="a new folder; default RUN/export")] = None,
    limit: Annotated[float, typer.Option(help="largest loss of the headline by merging")] = 0.01,
    same: Annotated[float, typer.Option(help="smallest share of answers that merging keeps")] = 1.0,
    examples: Annotated[int, typer.Option(help="how many test examples to answer")] = 64,
) -> None:
    """Writes adapter, merged model, model card and serving files of a run; refuses if answers change."""
    keep_quiet(online=False)
    from common import export as exports

    folder = exports.run_folder(target, variant)
    limits = exports.Limits(limit, same, examples)
    typer.echo(exports.export(folder, out or folder / "export", limits))


@commands.command()
def serve(
    target: Annotated[str, typer.Argument(help="use case, run folder, model folder, or embedded")],
    variant: Variant = "offline",
    port: Annotated[int, typer.Option(help="0 takes any free port", min=0, max=65535)] = 8000,
    answer_tokens: Annotated[
        int | None, typer.Option(help="longest answer; default that of the run", min=1)
    ] = None,
) -> None:
    """Answers over the OpenAI protocol on 127.0.0.1 until it is stopped. Needs the extra `serve`."""
    keep_quiet(online=False)
    from common import serve as serving

    serving.refuse_missing()
    place = serving.bound(port)
    served = serving.load(target, variant, answer_tokens)
    typer.echo(f"{served.name}: http://{serving.HOST}:{place.getsockname()[1]}/v1  (Ctrl+C stops)")
    serving.server(served).run(sockets=[place])


@commands.command("try")
def try_both(
    target: Target,
    variant: Variant = "offline",
    port: Annotated[int, typer.Option(help="0 takes any free port", min=0, max=65535)] = 8010,
) -> None:
    """Opens a page on 127.0.0.1 to ask the base and the tuned model of a run side by side."""
    keep_quiet(online=False)
    from common import export as exports
    from common import try_page

    served = try_page.server(try_page.talk(*exports.opened(exports.run_folder(target, variant))), port)
    typer.echo(f"http://{try_page.HOST}:{served.server_port}/  (Ctrl+C stops)")
    try:
        served.serve_forever()
    except KeyboardInterrupt:
        served.server_close()


@commands.command("notebook")
def write_notebook(
    name: Annotated[str, typer.Argument(help="use case; default all")] = "",
) -> None:
    """Writes the notebook of a use case: problem, baseline, tuning, verdict."""
    keep_quiet(online=False)
    from common import notebook

    for one in [name] if name else usecases.names():
        typer.echo(f"wrote {notebook.write(usecases.find(one))}")
