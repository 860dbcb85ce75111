"""The types of the Python client, made from the committed OpenAPI documents: `python -m contract.client_models`.

What services answer are models, which are read; what onboarding is sent are typed dictionaries, which people write.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from datamodel_code_generator import DataModelType, Formatter, InputFileType, LiteralType, PythonVersion, generate

from contract.api_files import openapi_file
from contract.client_schemas import Schemas, bodies_of, models_of

PACKAGE = Path(__file__).parents[2] / "clients" / "python" / "src" / "riskstream_client"
SERVICES = ("analytics", "onboarding")
"""Those that people ask; the other two show operators how they run."""
READS_BODIES_BY_HAND = ("onboarding",)

_HEADER = '"""Made from docs/api/{service}.openapi.json by `make documents`; not edited by hand."""\n'


def client_modules() -> dict[Path, str]:
    """The modules as their files have them."""
    modules = {}
    for service in SERVICES:
        document = json.loads(openapi_file(service).read_text())
        modules[PACKAGE / f"{service}_models.py"] = _models_text(service, document)
        if service in READS_BODIES_BY_HAND:
            modules[PACKAGE / f"{service}_bodies.py"] = _bodies_text(service, document)
    return modules


def _models_text(service: str, document: Mapping[str, Any]) -> str:
    return _module(
        service, models_of(document), output_model_type=DataModelType.PydanticV2BaseModel, collapse_root_models=True
    )


def _bodies_text(service: str, document: Mapping[str, Any]) -> str:
    return _module(
        service, bodies_of(document), output_model_type=DataModelType.TypingTypedDict, use_generic_container_types=True
    )


def _module(service: str, schemas: Schemas, **more: Any) -> str:
    document = {"openapi": "3.1.0", "info": {"title": service, "version": "1"}, "paths": {}}
    with TemporaryDirectory() as folder:
        made = Path(folder) / "module.py"
        generate(
            json.dumps(document | {"components": {"schemas": schemas}}),
            input_file_type=InputFileType.OpenAPI,
            output=made,
            target_python_version=PythonVersion.PY_311,
            custom_file_header=_HEADER.format(service=service),
            enum_field_as_literal=LiteralType.All,
            use_annotated=True,
            use_standard_collections=True,
            use_title_as_name=True,
            use_union_operator=True,
            use_schema_description=True,
            use_field_description=True,
            use_inline_field_description=True,
            formatters=[Formatter.BUILTIN],
            **more,
        )
        return made.read_text()


def main() -> None:
    """Write what the documents say now."""
    for file, text in client_modules().items():
        file.write_text(text)


if __name__ == "__main__":
    main()
