"""What a pipeline on GitHub asks and tells there: approvals, the comment, the kept review, issues.

Approvals come from here and not from commits: GitHub knows who is signed in.
"""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

from strongroom.errors import StrongroomError
from strongroom.review.approval import GITHUB
from strongroom.review.folder import COMMENT, PAGE, PLAN, PREVIEW, REVIEW

_PAGE_SIZE = 100
_TIMEOUT_SECONDS = 30
#: Bytes; a plan of 1,000 engineers takes about 5 MB.
_LARGEST_FILE = 64 * 1024 * 1024
_KEPT = (PREVIEW, PLAN, REVIEW, COMMENT, PAGE)


@dataclass(frozen=True)
class PullRequest:
    """A pull request.

    Attributes:
        number: its number.
        author: who opened it, as ``github:LOGIN``.
        head: the newest commit of its branch.
        merged_as: the commit it became on the main branch; empty while it is open.
    """

    number: int
    author: str
    head: str
    merged_as: str


@dataclass(frozen=True)
class GitHub:
    """One repository on GitHub; every method raises `StrongroomError` when GitHub refuses.

    Attributes:
        api: the API's address.
        repository: ``owner/name``.
        token: what proves who asks; never shown.
    """

    api: str
    repository: str
    token: str

    @classmethod
    def find(cls) -> "GitHub":
        """The repository a workflow runs for, from the variables GitHub sets.

        Raises:
            StrongroomError: there are none.
        """
        values = {name: os.environ.get(name, "") for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN")}
        missing = [name for name, value in values.items() if not value]
        if missing:
            raise StrongroomError(
                f"{' and '.join(missing)} is not set, so GitHub cannot be asked and nothing was "
                "done. In a workflow pass the token: env: {GITHUB_TOKEN: ${{ github.token }}}."
            )
        api = os.environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
        return cls(api, values["GITHUB_REPOSITORY"], values["GITHUB_TOKEN"])

    def pull_request(self, number: int) -> PullRequest:
        """A pull request by its number."""
        return _pull_request(self._ask("GET", f"pulls/{number}"))

    def merged_as(self, commit: str) -> PullRequest:
        """The pull request that became `commit`.

        Raises:
            StrongroomError: none did, so nobody reviewed the commit.
        """
        for content in self._all(f"commits/{quote(commit)}/pulls"):
            found = _pull_request(content)
            if found.merged_as == commit:
                return found
        raise StrongroomError(
            f"{commit[:12]} came by no pull request, so nobody reviewed it and nothing was "
            "changed. Revert it and open a pull request; protect the branch so that it cannot "
            "happen again."
        )

    def approvals(self, pull_request: PullRequest) -> list[str]:
        """Who approves the newest commit, as ``github:LOGIN``; the last word of each counts."""
        last: dict[str, tuple[str, str]] = {}
        for review in self._all(f"pulls/{pull_request.number}/reviews"):
            state, user = review.get("state"), review.get("user") or {}
            if state != "COMMENTED" and user.get("type") == "User":
                last[str(user["login"]).lower()] = (str(state), str(review.get("commit_id")))
        wanted = ("APPROVED", pull_request.head)
        return sorted(f"{GITHUB}{login}" for login, said in last.items() if said == wanted)

    def comment(self, number: int, text: str) -> None:
        """Write the one comment that begins with the first line of `text`, or write it anew."""
        marker = text.splitlines()[0]
        for comment in self._all(f"issues/{number}/comments"):
            mine = (comment.get("user") or {}).get("type") == "Bot"
            if mine and str(comment.get("body", "")).startswith(marker):
                self._ask("PATCH", f"issues/comments/{comment['id']}", {"body": text})
                return
        self._ask("POST", f"issues/{number}/comments", {"body": text})

    def issue(self, title: str, text: str) -> None:
        """Open an issue, or say it again in the one that is open under this title."""
        for issue in self._all("issues", state="open", labels="strongroom"):
            if issue.get("title") == title:
                self._ask("POST", f"issues/{issue['number']}/comments", {"body": text})
                return
        self._ask("POST", "issues", {"title": title, "body": text, "labels": ["strongroom"]})

    def kept_review(self, name: str, pull_request: PullRequest, folder: Path) -> None:
        """Bring the review a workflow kept for a pull request's newest commit into a folder.

        Args:
            name: the artifact's name.
            pull_request: whose.
            folder: where to put the files; made when it is not there.

        Raises:
            StrongroomError: none is kept.
        """
        for artifact in sorted(
            self._all("actions/artifacts", key="artifacts", name=name),
            key=lambda each: str(each.get("created_at")),
            reverse=True,
        ):
            run = artifact.get("workflow_run") or {}
            if run.get("head_sha") == pull_request.head and not artifact.get("expired"):
                _unpack(self._zip(int(artifact["id"])), folder)
                return
        raise StrongroomError(
            f"No review called {name} is kept for {pull_request.head[:12]} of pull request "
            f"{pull_request.number}, so it is not known what was approved and nothing was "
            "changed. Run its preview workflow again, then this one."
        )

    def _zip(self, artifact: int) -> bytes:
        """An artifact lies elsewhere, where our token must not go."""
        request = self._request("GET", f"actions/artifacts/{artifact}/zip")
        try:
            with build_opener(_Straight).open(request, timeout=_TIMEOUT_SECONDS) as answer:
                data: bytes = answer.read()
                return data
        except HTTPError as error:
            where = error.headers.get("Location", "")
            error.close()
            if error.code not in (301, 302, 307) or not where.startswith(("https://", self.api)):
                raise _refused(
                    "GET", f"actions/artifacts/{artifact}/zip", str(error.code)
                ) from None
        with urlopen(where, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - looked at above
            found: bytes = answer.read()
            return found

    def _all(self, path: str, key: str = "", **query: str) -> Iterator[dict[str, Any]]:
        for page in range(1, 101):
            numbers = {"per_page": str(_PAGE_SIZE), "page": str(page)}
            content = self._ask("GET", f"{path}?{urlencode({**query, **numbers})}")
            entries = content[key] if key else content
            yield from entries
            if len(entries) < _PAGE_SIZE:
                return

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            with urlopen(  # noqa: S310 - the workflow names the API
                self._request(method, path, body), timeout=_TIMEOUT_SECONDS
            ) as answer:
                return json.load(answer)
        except HTTPError as error:
            error.close()
            raise _refused(method, path, str(error.code)) from None
        except (URLError, TimeoutError, ValueError) as error:
            raise _refused(method, path, str(getattr(error, "reason", error))) from None

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Request:
        return Request(  # noqa: S310
            f"{self.api}/repos/{self.repository}/{path}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "strongroom",
            },
        )


class _Straight(HTTPRedirectHandler):
    """No redirect is followed with the headers of the first request."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _pull_request(content: dict[str, Any]) -> PullRequest:
    return PullRequest(
        number=int(content["number"]),
        author=f"{GITHUB}{content['user']['login']}",
        head=str(content["head"]["sha"]),
        merged_as=str(content.get("merge_commit_sha") or "") if content.get("merged_at") else "",
    )


def _refused(method: str, path: str, why: str) -> StrongroomError:
    return StrongroomError(
        f"GitHub did not answer {method} {path.partition('?')[0]} ({why}), so this stops here. "
        "See that the workflow's permissions allow it, and run it again."
    )


def _unpack(data: bytes, folder: Path) -> None:
    """The files of a review and no others, whatever the archive holds."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.filename in _KEPT and info.file_size <= _LARGEST_FILE:
                    (folder / info.filename).write_bytes(archive.read(info))
    except zipfile.BadZipFile as error:
        raise StrongroomError(
            f"The kept review is no archive ({error}), so it is not known what was approved and "
            "nothing was changed. Run the preview workflow again."
        ) from error
