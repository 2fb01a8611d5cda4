"""Lets no program, whatever its language, change a published statement.

On both stores nothing of a published statement can be updated and nothing added to it. On
PostgreSQL nothing of it can be deleted either; on SQLite a trigger on deletion would also stop
Django from emptying a whole database (`flush`), so there deletion is refused by the models only,
and shows against the audit log, which holds every published figure.
"""

from django.db import migrations

_PARTS = (
    "steer_statementline",
    "steer_scorecard",
    "steer_portfoliomeasure",
    "steer_projectiongrade",
)
_MESSAGE = "a published statement never changes"


def _sqlite() -> list[str]:
    published = "(SELECT published_at FROM steer_statement WHERE id = {row}.statement_id) IS NOT NULL"
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
    statements = [
        "CREATE TRIGGER steer_statement_frozen BEFORE UPDATE ON steer_statement "
        f"WHEN OLD.published_at IS NOT NULL {refuse}"
    ]
    for table in _PARTS:
        old, new = published.format(row="OLD"), published.format(row="NEW")
        statements += [
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} WHEN {old} OR {new} {refuse}",
            f"CREATE TRIGGER {table}_complete BEFORE INSERT ON {table} WHEN {new} {refuse}",
        ]
    return statements


def _postgresql() -> list[str]:
    refuse = f"RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';"
    published = "EXISTS (SELECT 1 FROM steer_statement WHERE id = {row}.statement_id AND published_at IS NOT NULL)"
    statements = [
        "CREATE FUNCTION steer_statement_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF OLD.published_at IS NOT NULL THEN {refuse} END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER steer_statement_frozen BEFORE UPDATE OR DELETE ON steer_statement "
        "FOR EACH ROW EXECUTE FUNCTION steer_statement_frozen()",
        "CREATE FUNCTION steer_part_frozen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' AND {published.format(row='OLD')} THEN {refuse} END IF; "
        f"IF TG_OP <> 'DELETE' AND {published.format(row='NEW')} THEN {refuse} END IF; "
        "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
    ]
    for table in _PARTS:
        statements.append(
            f"CREATE TRIGGER {table}_frozen BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION steer_part_frozen()"
        )
    return statements


def freeze(apps, schema_editor):
    own = {"sqlite": _sqlite, "postgresql": _postgresql}[schema_editor.connection.vendor]
    for statement in own():
        schema_editor.execute(statement, params=None)


def thaw(apps, schema_editor):
    for table in ("steer_statement", *_PARTS):
        suffix = "" if schema_editor.connection.vendor == "sqlite" else f" ON {table}"
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_frozen{suffix}", params=None)
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_complete{suffix}", params=None)
    if schema_editor.connection.vendor == "postgresql":
        for name in ("steer_statement_frozen", "steer_part_frozen"):
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()", params=None)


class Migration(migrations.Migration):
    dependencies = [("steer", "0001_initial")]
    operations = [migrations.RunPython(freeze, thaw)]
