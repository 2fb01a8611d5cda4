"""Imports and customers over REST, with a key."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from patronage.access.keys import create_key
from patronage.access.roles import SYSTEM, Role
from patronage.identify.imports.quarantine import safe_cell
from patronage.identify.models import Customer, ImportRun, QuarantinedRow

from .files import HEADER, SALES, FilesIn

GOOD = "7,r1,milk,2025-03-01T10:00:00Z,2,3.98"
BAD = "7,r2,milk,2025-03-01T10:00:00Z,two,3.98"
IMPORTS = "/api/v1/imports"


def _client(files: FilesIn, role: Role) -> Client:
    _, raw = create_key(actor=SYSTEM, now=files.now, label=role.value, role=role)
    return Client(headers={"authorization": f"Bearer {raw}"})


@pytest.fixture
def administrator(files: FilesIn) -> Client:
    """Calls as an administrator."""
    return _client(files, Role.ADMINISTRATOR)


def _post(client: Client, *rows: str, mapping: str = SALES, name: str = "sales.csv") -> Any:
    content = "\n".join([HEADER, *rows, ""]).encode()
    return client.post(IMPORTS, {"file": SimpleUploadedFile(name, content), "mapping": mapping})


def test_a_file_is_imported_listed_and_its_quarantine_paged(administrator: Client) -> None:
    answer = _post(administrator, GOOD, *(BAD.replace("r2", f"r{n}") for n in range(2, 7)))
    assert answer.status_code == 201
    run = answer.json()
    assert (run["rows_read"], run["rows_landed"], run["rows_quarantined"]) == (6, 1, 5)
    assert administrator.get(IMPORTS).json()["runs"] == [run]
    assert administrator.get(f"{IMPORTS}/{run['id']}").json() == run
    lines: list[int] = []
    after: int | None = 0
    while after is not None:
        page = administrator.get(f"{IMPORTS}/{run['id']}/quarantine?limit=2&after={after}").json()
        assert page["total"] == 5
        lines += [row["line"] for row in page["rows"]]
        after = page["next"]
    assert lines == [3, 4, 5, 6, 7]
    assert (
        _post(administrator, GOOD, *(BAD.replace("r2", f"r{n}") for n in range(2, 7))).json() == run
    )


def test_where_nothing_is_imported_the_answer_says_why(administrator: Client) -> None:
    answer = _post(administrator, BAD)
    assert answer.status_code == 422
    assert answer.json()["state"] == "refused"
    assert "none of its 1 rows fits" in answer.json()["error"]
    assert _post(administrator, GOOD, mapping="no/such").status_code >= 400
    assert _post(administrator, GOOD, mapping="complete_journey").status_code >= 400
    assert _post(administrator, GOOD, mapping=SALES + "colour = 'red'\n").status_code >= 400
    assert not Customer.objects.exists()


def test_who_may_not_import_or_see_imports_is_denied(files: FilesIn) -> None:
    agent = _client(files, Role.AGENT)
    assert _post(agent, GOOD).status_code == 403
    assert agent.get(IMPORTS).status_code == 403
    assert Client().get(IMPORTS).status_code == 401
    assert not ImportRun.objects.exists()


def test_no_cell_of_the_exported_quarantine_is_a_formula(
    administrator: Client, files: FilesIn
) -> None:
    mapping = SALES.replace('"pieces"', '"=1+1"')
    path = files.write(f"{HEADER.replace('pieces', '=1+1')}\n{GOOD}\n{BAD}\n", "=cmd.csv")
    run = files.bring_path(path, mapping)
    QuarantinedRow.objects.create(run=run, line=99, column=" @SUM(A1)", reason="+1\t-1")
    answer = administrator.get(f"{IMPORTS}/{run.id}/quarantine.csv")
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode())))
    assert rows[1][:3] == ["'=cmd.csv", "3", "'=1+1"]
    assert rows[2] == ["'=cmd.csv", "99", "' @SUM(A1)", "'+1\t-1"]
    for cell in (cell for row in rows for cell in row):
        assert not cell.strip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    "cell", ["=A1", "+1", "-1", "@x", "\t=A1", " =A1", "\r=A1", "\n=A1", "＝A1"]
)
def test_a_cell_that_a_spreadsheet_would_execute_is_made_text(cell: str) -> None:
    assert safe_cell(cell) == f"'{cell}"
    assert safe_cell("a=1") == "a=1"


def test_a_customer_is_found_read_and_asked_for_consent(files: FilesIn) -> None:
    files.sales(GOOD)
    agent = _client(files, Role.AGENT)
    [found] = agent.get("/api/v1/customers?search=7").json()
    assert found["label"] == "Card 7"
    at = f"/api/v1/customers/{found['id']}"
    consent = {"purpose": "marketing", "channel": "mail", "state": "given", "source": "telephone"}
    answer = agent.post(f"{at}/consents", consent, content_type="application/json")
    assert answer.status_code == 201
    read = agent.get(at).json()
    assert read["profile"]["spend_minor"] == 398
    assert read["identifiers"] == [{"kind": "card", "value": "7"}]
    assert [each["state"] for each in read["consents"]] == ["given"]
    entries = agent.get(f"{at}/timeline?limit=5").json()["entries"]
    assert [entry["kind"] for entry in entries] == ["consent", "orders"]
    assert agent.get("/api/v1/customers/cus_absent").status_code == 404
    wrong = agent.post(f"{at}/consents", consent | {"state": "x"}, content_type="application/json")
    assert wrong.status_code == 422


def test_two_customers_become_one_and_are_parted_again(
    files: FilesIn, administrator: Client
) -> None:
    files.sales(GOOD, GOOD.replace("7,r1", "8,r2"))
    kept, absorbed = Customer.objects.order_by("label").values_list("id", flat=True)
    analyst, merges = _client(files, Role.ANALYST), f"/api/v1/customers/{kept}/merges"
    body = {"absorbed_id": absorbed, "reason": "the same card number"}

    def send(client: Client, path: str, sent: dict[str, str]) -> Any:
        return client.post(path, sent, content_type="application/json")

    assert send(administrator, merges, body).status_code == 403
    made = send(analyst, merges, body)
    assert made.status_code == 201
    assert analyst.get(f"/api/v1/customers/{absorbed}").status_code == 404
    assert analyst.get(f"/api/v1/customers/{kept}").json()["profile"]["orders"] == 2
    assert send(analyst, merges, body).status_code == 404
    undoing = f"/api/v1/merges/{made.json()['id']}/undoing"
    undone = send(analyst, undoing, {"reason": "father and son"})
    assert undone.json()["undone_reason"] == "father and son"
    assert analyst.get("/api/v1/merges").json() == [undone.json()]
    assert analyst.get(f"/api/v1/customers/{absorbed}").json()["profile"]["orders"] == 1
    assert send(analyst, undoing, {"reason": "again"}).status_code == 422
