"""The models of the Python client, made from the committed OpenAPI documents: `python -m contract.client_models`."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datamodel_code_generator import DataModelType, Formatter, InputFileType, LiteralType, PythonVersion, generate

from contract.api_files import openapi_file

PACKAGE = Path(__file__).parents[2] / "clients" / "python" / "src" / "riskstream_client"
SERVICES = ("analytics", "onboarding")
"""Those that people ask; the other two show operators how they run."""

_HEADER = '"""Made from docs/api/{service}.openapi.json by `make documents`; not edited by hand."""\n'


def models_file(service: str) -> Path:
    return PACKAGE / f"{service}_models.py"


def models_text(service: str) -> str:
    """The module as its file has it."""
    document = json.loads(openapi_file(service).read_text())
    document["paths"] = {}
    _leave_titles_out(document["components"]["schemas"])
    _take_what_is_new(document["components"]["schemas"])
    with TemporaryDirectory() as folder:
        made = Path(folder) / "models.py"
        generate(
            json.dumps(document),
            input_file_type=InputFileType.OpenAPI,
            output=made,
            output_model_type=DataModelType.PydanticV2BaseModel,
            target_python_version=PythonVersion.PY_311,
            custom_file_header=_HEADER.format(service=service),
            enum_field_as_literal=LiteralType.All,
            use_annotated=True,
            use_standard_collections=True,
            use_union_operator=True,
            use_schema_description=True,
            use_field_description=True,
            use_inline_field_description=True,
            collapse_root_models=True,
            formatters=[Formatter.BUILTIN],
        )
        return made.read_text()


def _leave_titles_out(node: Any) -> None:
    """Of fields: they repeat the names."""
    if isinstance(node, dict):
        for field in node.get("properties", {}).values():
            field.pop("title", None)
        for value in node.values():
            _leave_titles_out(value)
    elif isinstance(node, list):
        for value in node:
            _leave_titles_out(value)


def _take_what_is_new(node: Any) -> None:
    """Servers refuse what they do not know; a client reads on where a newer server says more."""
    if isinstance(node, dict):
        if node.get("additionalProperties") is False:
            del node["additionalProperties"]
        for value in node.values():
            _take_what_is_new(value)
    elif isinstance(node, list):
        for value in node:
            _take_what_is_new(value)


def main() -> None:
    """Write what the documents say now."""
    for service in SERVICES:
        models_file(service).write_text(models_text(service))


if __name__ == "__main__":
    main()
