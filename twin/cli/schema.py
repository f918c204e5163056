"""`twin schema`: the shape of a plant file, for editors."""

import json
from typing import Any

import click


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of plant files, for editors that complete and check YAML."""
    from twin.catalogue import names
    from twin.plant_file import PlantFile

    schema = _as_written(PlantFile.model_json_schema())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$defs"]["AssetEntry"]["properties"]["is"]["examples"] = list(names())
    click.echo(json.dumps(schema, indent=2))


def _as_written(schema: Any) -> Any:
    """Let what is text to us be written bare: to an editor `4` is a number and `on` a truth value."""
    if isinstance(schema, list):
        return [_as_written(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    loose = {key: _as_written(part) for key, part in schema.items()}
    if loose.get("type") == "string":
        loose["type"] = ["string", "number", "boolean"]
    return loose
