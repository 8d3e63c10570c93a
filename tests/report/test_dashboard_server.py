"""The served dashboard answers reads of its own site, on the names it has, and refuses everything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hwcost.cli.main import invoke
from hwcost.errors import UsageError
from hwcost.report.dashboard.access import LONGEST_QUERY, Settings
from hwcost.stores import open_store
from hwcost.testing.nights import SimNights
from tests.conftest import require_package
from tests.report.dashboard_data import NIGHTS, make_store
from tests.report.serving import app_of

TOKEN = "a-long-enough-token"
SIM = SimNights(nights=3, workloads=2, devices=("cpu",))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("store"))


def client_of(store: Path, folder: Path, **settings: Any) -> Any:
    app = app_of(store, folder, **settings)
    return require_package("starlette.testclient").TestClient(app, base_url="http://127.0.0.1:8050", follow_redirects=False)


@pytest.fixture(scope="module")
def client(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("served")
    (folder.parent / "secret.txt").write_text("secret")
    with client_of(store, folder) as one:
        one.get("/")
        yield one


def test_pages_come_with_a_policy_and_without_doors_for_other_origins(client: Any) -> None:
    for path in ("/", "/index.html", "/data/index.js", "/assets/look.css", "/feed.xml", "/regressions.json", "/metrics"):
        found = client.get(path, headers={"origin": "https://elsewhere.example"})
        assert found.status_code == 200, path
        assert found.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert found.headers["x-content-type-options"] == "nosniff"
        assert not [name for name in found.headers if name.startswith("access-control")]
    assert client.get("/metrics").headers["content-type"].startswith("application/openmetrics-text")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_is_written(client: Any, method: str) -> None:
    assert client.request(method, "/data/index.js").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/data/%2e%2e/%2e%2e/secret.txt", "//etc/passwd",
        "/%2fetc/passwd",
        "/data/..\\..\\secret.txt", "/manifest.json%00.js", "/.hidden", "/data/nights", "/data/records/x/../../index",
    ],
)  # fmt: skip
def test_other_files_are_out_of_reach(client: Any, path: str) -> None:
    found = client.get(path)
    assert found.status_code == 404, path
    assert "secret" not in found.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", "", "[::2]:80"])
def test_foreign_hosts_are_refused(client: Any, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost", "[::1]:8050"])
def test_own_hosts_are_served(client: Any, host: str) -> None:
    assert client.get("/data/index.js", headers={"host": host}).status_code == 200


def test_long_queries_are_refused(client: Any) -> None:
    assert client.get("/", params={"q": "x" * LONGEST_QUERY}).status_code == 414
    assert client.get("/" + "x" * 600).status_code == 414


def test_records_of_every_night_are_read_when_asked_for(client: Any) -> None:
    of_cpu = NIGHTS.series[0].series_key
    found = [client.get(f"/data/records/{name}/{of_cpu}.js") for name in campaigns(client)]
    good = [one for one in found if one.status_code == 200]
    assert len(good) == 8
    assert "--arch" in good[0].text
    assert "<" not in good[0].text


def campaigns(client: Any) -> list[str]:
    text = client.get("/data/months/2025-02.js").text
    names: list[str] = json.loads(text.split(", ", 1)[1].rstrip(");\n"))["campaigns"]
    return names


@pytest.mark.parametrize("key", ["' OR 1=1 --", "x'; DROP TABLE runs; --", "%27", "*", "__proto__"])
def test_names_are_looked_up_and_never_run(client: Any, store: Path, key: str) -> None:
    name = campaigns(client)[0]
    assert client.get(f"/data/records/{name}/{key}.js").status_code == 404
    assert client.get(f"/data/records/{key}/{NIGHTS.series[0].series_key}.js").status_code == 404
    with open_store(store) as opened:
        assert len(opened.runs()) == NIGHTS.nights


def test_a_new_night_is_shown(tmp_path: Path) -> None:
    with open_store(tmp_path / "few.db") as store:
        SIM.write(store, [0, 1])
        (tmp_path / "site").mkdir()
        with client_of(tmp_path / "few.db", tmp_path / "site") as client:
            before = client.get("/regressions.json").json()["data_until"]
            SIM.write(store, [2])
            assert client.get("/regressions.json").json()["data_until"] > before


def test_another_address_needs_a_token(store: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give a --token"):
        Settings(host="192.0.2.1")
    with pytest.raises(UsageError, match="too easy to guess"):
        Settings(token="short")
    (tmp_path / "site").mkdir()
    with client_of(store, tmp_path / "site", host="192.0.2.1", token=TOKEN) as client:
        given = {"host": "192.0.2.1:8050"}
        assert client.get("/", headers=given).status_code == 401
        assert client.get("/?token=wrong-but-long-enough", headers=given).status_code == 401
        assert client.get("/feed.xml", headers={**given, "authorization": f"Bearer {TOKEN}"}).status_code == 200
        first = client.get(f"/?token={TOKEN}", headers=given)
        assert (first.status_code, first.headers["location"]) == (303, "/")
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert client.get("/", headers={**given, "cookie": cookie.partition(";")[0]}).status_code == 200


def test_ctrl_c_is_the_end_of_a_server_and_no_error(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(server: Any, sockets: Any) -> None:
        sockets[0].close()
        raise KeyboardInterrupt

    monkeypatch.setattr(require_package("uvicorn").Server, "run", interrupted)
    assert invoke(["report", "serve", "--store", str(store), "--port", "0"]) == 0


def test_the_command_refuses_what_it_cannot_do(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["report", "serve", "--store", str(store), "--host", "192.0.2.1"]) == 2
    assert "--token" in capsys.readouterr().err
    assert invoke(["report", "serve", "--store", str(tmp_path / "none.db")]) == 2
    assert "there is no store" in capsys.readouterr().err
