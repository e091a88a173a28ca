"""Who is refused, and what does every answer forbid?"""

import pytest

READ = ("/", "/static/app.js", "/api/state", "/api/phases", "/api/catalogue", "/api/started")
TAKING = ("/api/check", "/api/start", "/api/stop")


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/state"])
@pytest.mark.parametrize(
    "host", ["evil.example:PORT", "127.0.0.1", "127.0.0.1:80", "localhost.evil.example:PORT", "[::1]"]
)
def test_a_name_that_leads_here_by_rebinding_is_refused(tab, path, host):
    answer = tab.ask(path, None, {"Host": host.replace("PORT", str(tab.port))})
    assert answer.status == 403
    assert "127.0.0.1" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_names_of_this_machine_are_answered(tab, host):
    assert tab.ask("/api/state", None, {"Host": f"{host}:{tab.port}"}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:PORT"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_page_is_refused(tab, headers):
    headers = {name: value.replace("PORT", str(tab.port)) for name, value in headers.items()}
    assert tab.ask("/api/state", None, headers).status == 403
    for path in TAKING:
        assert tab.ask(path, None, {"Origin": tab.address} | headers, "POST", {"yaml": "name: a"}).text.startswith(
            "refused"
        )


@pytest.mark.parametrize("token", ["", "other", "the-token-", "the-toke", "\xe9"])
@pytest.mark.parametrize(
    "path", ["/api/state", "/api/diagram", "/api/table", "/api/run", "/api/catalogue", "/api/started", "/api/no"]
)
def test_nothing_is_told_without_the_token(tab, token, path):
    answer = tab.ask(path, None, {"X-Token": token})
    assert (answer.status, "token" in answer.text) == (403, True)


def test_the_token_is_read_from_its_header_alone(tab):
    elsewhere = {"X-Token": "", "Cookie": "X-Token=the-token", "Authorization": "Bearer the-token"}
    assert tab.ask("/api/state", {"token": "the-token", "X-Token": "the-token"}, elsewhere).status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", READ)
def test_what_is_read_is_only_read(tab, method, path):
    assert tab.ask(path, None, {"Origin": tab.address}, method).status == 405


@pytest.mark.parametrize("path", TAKING)
def test_what_takes_a_text_takes_it_from_this_page_alone(tab, path):
    assert tab.ask(path).status == 405
    refused = tab.ask(path, method="POST", body={"yaml": "name: a"})
    assert (refused.status, "which page" in refused.text) == (403, True)
    for token in ("", "other"):
        refused = tab.ask(path, None, {"Origin": tab.address, "X-Token": token}, "POST", {"yaml": "name: a"})
        assert (refused.status, "token" in refused.text) == (403, True)
    refused = tab.ask(
        path, None, {"Origin": tab.address, "Host": f"evil.example:{tab.port}"}, "POST", {"yaml": "name: a"}
    )
    assert (refused.status, "answers to" in refused.text) == (403, True)


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/state", "/api/none", "/none"])
def test_every_answer_forbids_to_load_anything_from_elsewhere(tab, path):
    for headers in ({}, {"Host": "evil.example"}):
        said = tab.ask(path, None, headers).headers
        policy = said["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert said["x-content-type-options"] == "nosniff"
        assert said["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in said


@pytest.mark.parametrize(
    "name", ["static/../server.py", "static/%2e%2e/server.py", "static/..%2fserver.py", "vendor/ORIGIN.json", "static/"]
)
def test_no_path_leads_to_a_file_that_is_not_listed(tab, name):
    assert tab.ask(f"/{name}").status == 404
