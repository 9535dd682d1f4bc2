"""What a pipeline asks GitHub, over HTTP, of a server that answers like it."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from strongroom.errors import StrongroomError
from strongroom.review.github import GitHub

HEAD, MERGE = "a" * 40, "b" * 40
PULL = {
    "number": 7,
    "user": {"login": "Chiara-L"},
    "head": {"sha": HEAD},
    "merge_commit_sha": MERGE,
    "merged_at": "2026-11-24T09:00:00Z",
}


class Answering(ThreadingHTTPServer):
    """Answers by path; keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Any] = {}
        self.sent: list[tuple[str, str, Any]] = []
        self.tokens: list[tuple[str, str | None]] = []

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        short = path.removeprefix("/repos/o/r/")
        self.server.tokens.append((short, self.headers.get("Authorization")))
        changes = self.command != "GET"
        if changes:
            length = int(self.headers.get("Content-Length", 0))
            self.server.sent.append((self.command, short, json.loads(self.rfile.read(length))))
        answer = {} if changes else self.server.answers.get(short)
        if isinstance(answer, str):
            self.send_response(302)
            self.send_header("Location", answer)
            self.end_headers()
            return
        self.send_response(404 if answer is None else 200)
        self.end_headers()
        if isinstance(answer, list):
            page = int(dict(part.split("=") for part in query.split("&"))["page"])
            answer = answer[100 * (page - 1) : 100 * page]
        self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer or {}).encode())

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Answering]:
    made = Answering()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def github(server: Answering) -> GitHub:
    server.answers["pulls/7"] = PULL
    return GitHub(server.api, "o/r", "a token")


def said(login: str, state: str, commit: str = HEAD, kind: str = "User") -> dict[str, Any]:
    return {"user": {"login": login, "type": kind}, "state": state, "commit_id": commit}


def test_only_the_last_word_of_a_person_on_the_newest_commit_approves(
    server: Answering, github: GitHub
) -> None:
    server.answers["pulls/7/reviews"] = [
        *(said(f"reader{at}", "COMMENTED") for at in range(120)),
        said("Ada-O", "APPROVED"),
        said("ada-o", "COMMENTED"),
        said("bram", "APPROVED"),
        said("bram", "CHANGES_REQUESTED"),
        said("carl", "APPROVED"),
        said("carl", "DISMISSED"),
        said("dora", "APPROVED", commit="c" * 40),
        said("robot[bot]", "APPROVED", kind="Bot"),
    ]
    asked = github.pull_request(7)
    assert asked.author == "github:Chiara-L"
    assert github.approvals(asked) == ["github:ada-o"]


def test_a_commit_that_no_pull_request_became_is_refused(server: Answering, github: GitHub) -> None:
    server.answers[f"commits/{MERGE}/pulls"] = [{**PULL, "merged_at": None}, PULL]
    assert github.merged_as(MERGE).number == 7
    server.answers[f"commits/{HEAD}/pulls"] = [PULL]
    with pytest.raises(StrongroomError, match="came by no pull request"):
        github.merged_as(HEAD)


def test_the_one_comment_is_written_anew_and_nobody_elses(
    server: Answering, github: GitHub
) -> None:
    text = "<!-- strongroom-review:local -->\nnew"
    bot, person = {"type": "Bot"}, {"type": "User"}
    server.answers["issues/7/comments"] = [{"id": 1, "user": person, "body": text}]
    github.comment(7, text)
    server.answers["issues/7/comments"].append({"id": 2, "user": bot, "body": text})
    github.comment(7, text)
    assert server.sent == [
        ("POST", "issues/7/comments", {"body": text}),
        ("PATCH", "issues/comments/2", {"body": text}),
    ]


def test_drift_is_one_issue_however_many_nights_it_stays(server: Answering, github: GitHub) -> None:
    server.answers["issues"] = []
    github.issue("local is not as declared", "eve")
    server.answers["issues"] = [{"number": 3, "title": "local is not as declared"}]
    github.issue("local is not as declared", "eve still")
    assert [(method, path) for method, path, _ in server.sent] == [
        ("POST", "issues"),
        ("POST", "issues/3/comments"),
    ]


def archive(**files: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        for name, text in files.items():
            made.writestr(name.replace("__", "/"), text)
    return data.getvalue()


def test_a_kept_review_is_brought_without_our_token_leaving_and_nothing_else(
    server: Answering, github: GitHub, tmp_path: Path
) -> None:
    def kept(at: int, head: str, created: str) -> dict[str, Any]:
        return {"id": at, "workflow_run": {"head_sha": head}, "created_at": created}

    server.answers["actions/artifacts"] = {
        "artifacts": [
            kept(1, HEAD, "2026-11-23"),
            kept(2, HEAD, "2026-11-24"),
            kept(3, "x", "2027"),
        ]
    }
    server.answers["actions/artifacts/2/zip"] = f"{server.api}/elsewhere"
    files = {"review.json": "reviewed", "..__..__evil": "x", "more.sh": "x"}
    server.answers["/elsewhere"] = archive(**files)
    github.kept_review("review-local", github.pull_request(7), tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["review.json"]
    assert dict(server.tokens)["/elsewhere"] is None
    server.answers["actions/artifacts"] = {"artifacts": []}
    with pytest.raises(StrongroomError, match="No review called review-local is kept"):
        github.kept_review("review-local", github.pull_request(7), tmp_path)


def test_what_github_refuses_is_told_without_the_token(github: GitHub) -> None:
    with pytest.raises(StrongroomError, match=r"GET pulls/8 \(404\)") as refused:
        github.pull_request(8)
    assert "a token" not in str(refused.value)
