"""Whether every example of an OpenAPI document fits the schema beside it. Run with the document's path."""

import json
import sys

import jsonschema_rs


def media_types(part):
    """Every object with a schema and an example, wherever it is."""
    if isinstance(part, dict):
        if "schema" in part and "example" in part:
            yield part
        for member in part.values():
            yield from media_types(member)
    elif isinstance(part, list):
        for member in part:
            yield from media_types(member)


def main(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    count = 0
    for media in media_types({"paths": document["paths"], "responses": document["components"]["responses"]}):
        # References point into the document, so the schema is judged with it around.
        schema = {"allOf": [media["schema"]], "components": document["components"]}
        errors = list(jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(media["example"]))
        assert not errors, (media, errors[0])
        count += 1
    print("done", count)


main(sys.argv[1])
