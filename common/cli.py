"""The `gallery` command: parses, calls the core, prints. Nothing heavy is imported at the top."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from common import config as configs
from common import usecase as usecases
from common.cli_bench import commands
from common.cli_export import commands as export_commands
from common.errors import EXIT_BAD_INPUT, GalleryError
from common.hub_data import data_settings
from common.models import is_hub_id, keep_quiet
from common.stopping import interrupted, leave

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Fine-tuning use cases in which every result stands next to what it had to beat.",
)
app.add_typer(commands)
app.add_typer(export_commands)

Name = Annotated[str, typer.Argument(help="use case; see `gallery list`")]
Variant = Annotated[str, typer.Option(help="settings file of the use case")]
Method = Annotated[str | None, typer.Option(help="how weights are changed; see `gallery methods`")]
Model = Annotated[str | None, typer.Option(help="embedded, a folder, or a hub id (uses the network)")]
Data = Annotated[Path | None, typer.Option(help="your own file or folder, or hf:ORG/NAME of the hub")]
Seeds = Annotated[int | None, typer.Option(help="how many seeds; three or more to publish")]
Smoke = Annotated[bool, typer.Option(help="tiny budget, to see that it works")]
Tokenizer = Annotated[str | None, typer.Option(help="embedded, a folder, or a hub id (uses the network)")]
Out = Annotated[Path | None, typer.Option(help="run folder; default runs/<use case>--<variant>")]


@app.command("list")
def list_usecases() -> None:
    """Which use cases exist."""
    for name in usecases.names():
        found = usecases.find(name)
        typer.echo(f"{name:20} {found.title} ({', '.join(configs.variants(found))})")


@app.command()
def show(name: Name, tokenizer: Tokenizer = None, data: Data = None) -> None:
    """What a use case is for, its data, variants and settings; or what a tokenizer does to its languages."""
    found = usecases.find(name)
    if tokenizer is not None:
        keep_quiet(online=is_hub_id(tokenizer))
        from common.inspect import describe_tokenizer

        describe_tokenizer(found, tokenizer, data_settings(data)["data"])
        return
    from common import hub_sizes

    typer.echo(f"{found.title}\n\n{found.story}\n")
    typer.echo(f"headline  {found.headline}\ntuner     {found.tuner}\nfloor     {found.floor_label}")
    typer.echo(f"data      {found.source.name}, {found.source.licence}\nlimits    {found.limits}\n")
    for variant in configs.variants(found):
        settings = configs.build(found, variant, {"data": Path("given")})
        typer.echo(f"variant   {variant:24} {settings.about}{hub_sizes.told(settings)}")


@app.command("methods")
def list_methods() -> None:
    """How weights can be changed, and where each method cannot apply."""
    from common.methods import REGISTRY

    for method in REGISTRY.values():
        typer.echo(f"{method.name:10} {method.what}")
        for tuner, reason in method.refused:
            typer.echo(f"{'':10}   not for {tuner}: {reason}")


@app.command()
def run(
    name: Name,
    variant: Variant = "offline",
    method: Method = None,
    model: Model = None,
    data: Data = None,
    seeds: Seeds = None,
    smoke: Smoke = False,
    train_share: Annotated[float | None, typer.Option(help="part of the training data to use")] = None,
    out: Out = None,
    search: Annotated[int | None, typer.Option(help="trials of a search for settings, judged on val")] = None,
    rates: Annotated[int | None, typer.Option(help="learning rates tried on val, three times apart")] = None,
    track: Annotated[str | None, typer.Option(help="tensorboard, trackio or wandb")] = None,
    vllm: Annotated[bool, typer.Option("--vllm", help="answers come from vLLM where it is found")] = False,
    checkpointing: Annotated[bool, typer.Option("--checkpointing", help="less memory, more time")] = False,
    compiled: Annotated[bool, typer.Option("--compiled", help="quicker steps after minutes")] = False,
    launch: Annotated[int, typer.Option(help="processes of this machine that share the work", min=1)] = 1,
) -> None:
    """Runs a use case from data to verdict; the same command continues a stopped run."""
    given = {"method": method, "model": model, "data": data, "seeds": seeds, "smoke": smoke or None}
    given |= {"train_share": train_share, "search": search, "rates": rates, "track": track}
    given |= {"vllm": vllm or None, "checkpointing": checkpointing or None, "compiled": compiled or None}
    found = usecases.find(name)
    settings = configs.build(found, variant, {**given, **data_settings(data)})
    keep_quiet(online=is_hub_id(settings.model))
    signal.signal(signal.SIGINT, interrupted)
    try:
        if launch > 1:
            from common.launch import start

            start(launch, ["run", name, *options({**given, "variant": variant, "out": out})])
            return
        from common import run as runs
        from common.progress import console
        from common.report import terminal_table

        folder = out or runs.RUNS_FOLDER / runs.run_name(settings, given)
        made = runs.execute(found, settings, folder)
    except KeyboardInterrupt:
        leave()
    console.print(terminal_table(made))
    console.print(f"[bold]Verdict: {made.verdict['label']}.[/bold] {made.verdict['reason']}")
    if made.tier == "smoke":
        console.print("A smoke run shows that the path works, not what the model can do.")
    console.print(f"Report: {(folder / 'report.html').resolve()}", soft_wrap=True)


def options(given: Mapping[str, Any]) -> list[str]:
    """Settings as they are written on a command line."""
    named = {f"--{key.replace('_', '-')}": value for key, value in given.items() if value is not None}
    return [part for key, value in named.items() for part in ([key] if value is True else [key, str(value)])]


@app.command()
def ask(
    name: Name,
    question: Annotated[str, typer.Argument(help="your question")],
    db: Annotated[Path | None, typer.Option(help="what to ask about, such as a SQLite file")] = None,
    run: Annotated[Path | None, typer.Option(help="run folder; default the offline run")] = None,
) -> None:
    """Puts one question to a model that a run has tuned."""
    found = usecases.find(name)
    keep_quiet(online=False)
    from common.ask import ask as put
    from common.run import RUNS_FOLDER

    typer.echo(put(found, run or RUNS_FOLDER / f"{name}--offline", question, db))


@app.command()
def data(
    name: Annotated[str, typer.Argument(help="use case, or a file of rows: JSONL, JSON, CSV, TSV, Parquet")],
    data: Data = None,
    page: Annotated[Path | None, typer.Option("--html", help="also write the findings as a page")] = None,
) -> None:
    """What is in the data and what is wrong with it: faults, duplicates, leaks, balance, personal data."""
    keep_quiet(online=False)
    from common import doctor, inspect, samples

    sound, faults = True, []
    if name not in usecases.names() and Path(name).suffix:
        rows, faults = samples.of_file(Path(name))
    else:
        found, place = usecases.find(name), data_settings(data)["data"]
        sound = inspect.describe_data(found, place)
        rows = samples.of_splits(found.load(place))
    findings = doctor.examine(rows, faults)
    for finding in findings:
        typer.echo("\n".join(doctor.lines_of(finding)))
    if page is not None:
        page.write_text(doctor.page(name, len(rows), findings), encoding="utf-8")
        typer.echo(f"page: {page.resolve()}")
    raise typer.Exit(0 if sound and doctor.sound(findings) else EXIT_BAD_INPUT)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="small letters and underscores, such as invoice_routing")],
    like: Annotated[str, typer.Option(help="use case or tuner whose shape it takes")] = "classify",
) -> None:
    """Writes the few files of a new use case that already holds the contract."""
    from common.scaffold import create

    for path in create(name, like):
        typer.echo(f"wrote {path.relative_to(usecases.ROOT)}")
    typer.echo(f"Fill them, then: gallery check {name}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="use case, or its folder")],
    machine: Annotated[bool, typer.Option("--json", help="findings as JSON")] = False,
    smoke: Annotated[bool, typer.Option(help="also run it with a tiny budget")] = True,
) -> None:
    """Holds a use case to every rule; says what is missing and how to mend it."""
    keep_quiet(online=False)
    from common.check import run as check_usecase

    raise typer.Exit(0 if check_usecase(name, machine, smoke, typer.echo) else EXIT_BAD_INPUT)


@app.command()
def plan(
    name: Name,
    variant: Variant = "offline",
    method: Method = None,
    model: Model = None,
    data: Data = None,
    gpu: Annotated[str, typer.Option(help="memory of a GPU such as 24GB; empty: this machine's")] = "",
) -> None:
    """What a run would take, from a probe of a few steps; exit code 2 when it does not fit."""
    found = usecases.find(name)
    given = {"method": method, "model": model, "data": data}
    settings = configs.build(found, variant, {**given, **data_settings(data)})
    keep_quiet(online=is_hub_id(settings.model))
    from common import plan as plans
    from common import run as runs

    made = plans.make(found, settings, gpu)
    plans.keep(made, runs.RUNS_FOLDER / runs.run_name(settings, given))
    typer.echo("\n".join(plans.lines(made, settings)))
    chosen = {key: getattr(made.config, key) or None for key in ("checkpointing", "compiled")}
    typer.echo(
        f"run       gallery {' '.join(['run', name, *options({'variant': variant, **given, **chosen})])}"
    )
    raise typer.Exit(0 if made.fits else EXIT_BAD_INPUT)


@app.command()
def compare(
    left: Annotated[Path, typer.Argument(help="run folder, seed folder, or row of the benchmark")],
    right: Annotated[Path, typer.Argument(help="the same")],
) -> None:
    """The paired difference of two runs on the same test examples, and what flipped."""
    from common import compare as comparing

    comparing.compare(left, right)


@app.command()
def humans(
    name: Name,
    run: Annotated[Path | None, typer.Option(help="run folder; default the offline run")] = None,
    against: Annotated[str, typer.Option(help="contender to compare with; default the best untuned")] = "",
    rated: Annotated[list[Path] | None, typer.Option(help="a filled sheet; give two or more")] = None,
) -> None:
    """Writes a blind sheet for people to compare answers, or reads filled sheets back."""
    from common import humans as people
    from common.run import RUNS_FOLDER

    folder = run or RUNS_FOLDER / f"{name}--offline"
    if rated:
        typer.echo("\n".join(people.lines(people.read_ratings(folder, rated))))
        return
    place = people.write_sheet(usecases.find(name), folder, against)
    typer.echo(f"Give sheet.html or sheet.csv in {place} to two people or more; keep key.json to yourself.")


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(help="run folder")],
    contributed: Annotated[bool, typer.Option(help="sent in by somebody, not run here")] = False,
) -> None:
    """Copies a run's record to the benchmark, or to the drafts with the reasons, and renews every table."""
    from common.publish import publish_run

    publish_run(folder, contributed)


@app.command()
def tables() -> None:
    """Renews every generated table from the published records."""
    from common.board import regenerate

    for path in regenerate():
        typer.echo(f"renewed {path}")


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; what a person can mend ends with a message and exit code 2."""
    keep_quiet(online=False)
    try:
        app(arguments)
    except GalleryError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)


def run_file(path: str) -> None:
    """`gallery run` for the use case whose own file was started."""
    main(["run", Path(path).resolve().parent.name, *sys.argv[1:]])


if __name__ == "__main__":
    main()
