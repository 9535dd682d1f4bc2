"""`strongroom review`, `apply` and `drift`: what a change would do, doing it, and what moved."""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from strongroom.alerts import WEBHOOK, Alert, deliver, raise_alert
from strongroom.cli.options import NOT_AS_IT_SHOULD_BE, JsonOption, StackOption
from strongroom.engine import STACK
from strongroom.engine.planning import engine
from strongroom.errors import StrongroomError
from strongroom.home import Home
from strongroom.review.folder import PLAN, Reviewed, write
from strongroom.review.github import GitHub, PullRequest
from strongroom.review.markdown import block, rendered
from strongroom.review.page import page
from strongroom.review.reading import parse
from strongroom.review.review import Sources, reviewed
from strongroom.review.revision import Repository
from strongroom.review.words import visible

BaseOption = Annotated[str, typer.Option(help="The revision that is in force.")]
AuthorOption = Annotated[
    list[str] | None,
    typer.Option("--author", help="Who made the change: a name, an address or github:LOGIN."),
]
ApprovalOption = Annotated[
    list[str] | None,
    typer.Option("--approval", help="Who approved it: a role or github:LOGIN."),
]
TrailersOption = Annotated[
    bool,
    typer.Option(
        "--trailers/--no-trailers", help="Whether `Approved-by: ROLE` in a commit counts."
    ),
]
PullRequestOption = Annotated[
    int | None,
    typer.Option(
        "--pull-request",
        help="A pull request on GitHub that tells author and approvals; commits then do not.",
    ),
]
PolicyOption = Annotated[str, typer.Option(help="A policy pack beside the project's own.")]


def review(
    stack: StackOption = STACK,
    base: BaseOption = "origin/main",
    head: Annotated[
        str | None, typer.Option(help="The revision of the change; the files here by default.")
    ] = None,
    preview: Annotated[
        str | None,
        typer.Option(help="What `pulumi preview --json` printed (- for standard input)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for plan, review, comment and page.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page to this file.")] = None,
    author: AuthorOption = None,
    approval: ApprovalOption = None,
    trailers: TrailersOption = True,
    pull_request: PullRequestOption = None,
    comment: Annotated[
        bool, typer.Option("--comment", help="Write it as the one comment of the pull request.")
    ] = False,
    policy_pack: PolicyOption = "",
    as_json: JsonOption = False,
) -> None:
    """Say who gains and loses what by a change, and what needs an approval, as Markdown.

    Runs a preview unless one is given. Exits with 3 on a red flag that nobody approved who may
    (seniors of the base, or its elevationApprovers) and did not make the change; with 1 when the
    preview failed.
    """
    home = Home.find()
    if comment and pull_request is None:
        raise typer.BadParameter("It needs --pull-request, to know where.", param_hint="--comment")
    sources = Sources(
        Repository(home.checkout), stack, base, head, _given(author), _given(approval), trailers
    )
    if pull_request is not None:
        sources = _told_by(GitHub.find().pull_request(pull_request), sources)
    sources.repository.commit(base)  # before a preview is waited for
    if preview is not None:
        text = sys.stdin.read() if preview == "-" else _read(Path(preview))
        found = reviewed(sources, parse(text))
    else:
        with TemporaryDirectory() as scratch:
            folder = _emptied(out) if out else Path(scratch)
            text = engine(home, stack).preview((folder / PLAN).absolute(), policy_pack)
        found = reviewed(sources, parse(text))
    if out:
        out.mkdir(parents=True, exist_ok=True)
        write(out, found, text)
    if html:
        html.write_text(page(found))
    if comment and pull_request is not None:
        GitHub.find().comment(pull_request, rendered(found))
    typer.echo(json.dumps(found.dump(), indent=2) if as_json else rendered(found), nl=as_json)
    raise typer.Exit(found.exit_code)


def apply(
    plan: Annotated[Path, typer.Argument(help="The folder `strongroom review --out` wrote.")],
    stack: StackOption = STACK,
    base: Annotated[
        str | None, typer.Option(help="The revision that is in force; by default the review's.")
    ] = None,
    author: AuthorOption = None,
    approval: ApprovalOption = None,
    trailers: TrailersOption = True,
    merged: Annotated[
        str | None,
        typer.Option(
            help="A commit on main: take review, author and approvals of its pull request."
        ),
    ] = None,
    policy_pack: PolicyOption = "",
) -> None:
    """Do exactly what was reviewed, or stop before anything is done.

    Looks first: other files, a world that has moved or a missing approval stop it. The engine
    then works by the reviewed plan, which stops what moves in between.
    """
    if merged and base is None:
        reason = "It needs --base: the review that is fetched must not name its own approvers."
        raise typer.BadParameter(reason, param_hint="--merged")
    home, now = Home.find(), datetime.now(UTC)
    repository = Repository(home.checkout)
    from_github = None
    if merged:
        from_github = GitHub.find().merged_as(repository.commit(merged))
        GitHub.find().kept_review(f"review-{stack}", from_github, plan)
    wanted = Reviewed.load(plan)
    ready = engine(home, stack, changes=True)
    # Only now: plain `pulumi` may have left its salt in the stack's file.
    wanted.refuse_other(stack, repository.tree(), now)
    again = parse(ready.preview(policy_pack=policy_pack))
    sources = Sources(
        repository, stack, base or wanted.base, None, _given(author), _given(approval), trailers
    )
    if from_github:
        sources = replace(_told_by(from_github, sources), merge=merged)
    found = reviewed(sources, again, now)
    if not found.failed:
        wanted.refuse_moved(again)
    if found.exit_code:
        typer.echo(rendered(found), nl=False)
        _say("nothing was changed: the review above says what stands in the way.")
        raise typer.Exit(found.exit_code)
    code = ready.up(wanted.plan.absolute(), policy_pack)
    if code:
        raise StrongroomError(
            "The engine stopped, and says why above; a world that moved just now is one reason. "
            "What it had done before is in its state, and nothing is half made. `make review` "
            "shows what is left to do."
        )


def drift(
    stack: StackOption = STACK,
    policy_pack: PolicyOption = "",
    issue: Annotated[
        bool, typer.Option("--issue", help="Open an issue on GitHub, or add to the open one.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for what was changed by hand, or declared and never applied; alert when there is any.

    Exits with 3 when something is found.
    """
    home = Home.find()
    found = parse(engine(home, stack).preview(policy_pack=policy_pack))
    lines = [f"{step.name}: {'; '.join(step.drift) or f'{step.op} is due'}" for step in found.steps]
    lines += [
        f"{violation.policy}: {violation.message}"
        for violation in found.violations
        if violation.mandatory
    ]
    lines = [visible(" ".join(line.split())) for line in [*lines, *found.errors]]
    if as_json:
        typer.echo(json.dumps({"stack": stack, "found": lines}, indent=2))
    else:
        typer.echo("\n".join(lines) or f"{stack} is as declared.")
    if lines:
        _alert(home, stack, lines)
        if issue:
            text = f"{block(chr(10).join(lines))}\n\n`make review` shows what an `up` would do."
            GitHub.find().issue(f"{stack} is not as declared", text)
        raise typer.Exit(NOT_AS_IT_SHOULD_BE)


def _alert(home: Home, stack: str, lines: list[str]) -> None:
    alert = Alert(
        at=datetime.now(UTC),
        kind="drift",
        title=f"{stack} is not as declared",
        text="\n".join(lines) + "\nFind out who changed it; `make review` shows what an up does.",
    )
    folder = home.stack(stack)
    problem = raise_alert(folder, alert) if folder.is_dir() else deliver(alert)
    if problem and WEBHOOK not in problem:
        _say(problem)


def _told_by(pull_request: PullRequest, sources: Sources) -> Sources:
    """The same, with author and approvals from GitHub and none from commits."""
    return replace(
        sources,
        authors=(*sources.authors, pull_request.author),
        approvals=(*sources.approvals, *GitHub.find().approvals(pull_request)),
        trailers=False,
    )


def _emptied(folder: Path) -> Path:
    """The folder without an earlier review, whose plan must not be taken for this one's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAN).unlink(missing_ok=True)
    return folder


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StrongroomError(
            f"{path} cannot be read ({error}), so it is not known what would change and nothing "
            "was reviewed. Name the file that `pulumi preview --json` was printed into."
        ) from error


def _given(names: list[str] | None) -> tuple[str, ...]:
    """Names one by one, also where a pipeline gives several in one argument."""
    return tuple(name for given in names or [] for name in given.split(",") if name.strip())


def _say(text: str) -> None:
    typer.echo(f"strongroom: {text}", err=True)
