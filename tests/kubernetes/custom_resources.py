"""What we use of the resources that are not Kubernetes' own, as narrow schemas: a field that is not named is refused.

They are written for what stands in `deploy/k8s`, and checked by hand against the definitions that KEDA, the Gateway API
and the Prometheus operator publish (docs/runbooks/kubernetes.md says when and which). A field more is looked up there
first, and then named here.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

Schema = dict[str, Any]


def _object(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


TEXT: Schema = {"type": "string", "minLength": 1}
TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER_AS_TEXT: Schema = {"type": "string", "pattern": "^[0-9]+$"}
DURATION: Schema = {"type": "string", "pattern": "^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
METADATA = _object({"name": NAME}, {"namespace": NAME, "labels": TEXTS, "annotations": TEXTS})

_KAFKA_TRIGGER = _object(
    {
        "type": {"const": "kafka"},
        "metadata": _object(
            {
                "bootstrapServersFromEnv": TEXT,
                "topic": TEXT,
                "consumerGroup": TEXT,
                "lagThreshold": NUMBER_AS_TEXT,
            },
            {"activationLagThreshold": NUMBER_AS_TEXT, "sasl": TEXT, "tls": {"enum": ["enable", "disable"]}},
        ),
    },
    {"authenticationRef": _object({"name": NAME})},
)
_PATH = _object({"type": {"enum": ["Exact", "PathPrefix", "RegularExpression"]}, "value": TEXT})
_RULE = _object(
    {"expr": TEXT},
    {
        "alert": TEXT,
        "record": TEXT,
        "for": DURATION,
        "keep_firing_for": DURATION,
        "labels": TEXTS,
        "annotations": TEXTS,
    },
)

SPECIFICATIONS: dict[tuple[str, str], Schema] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _object(
        {
            "scaleTargetRef": _object({"name": NAME}),
            "minReplicaCount": COUNT,
            "maxReplicaCount": COUNT,
            "triggers": _list(_KAFKA_TRIGGER),
        },
        {"pollingInterval": COUNT, "cooldownPeriod": COUNT},
    ),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _object(
        {
            "parentRefs": _list(_object({"name": NAME}, {"namespace": NAME, "sectionName": NAME})),
            "rules": _list(
                _object(
                    {
                        "matches": _list(_object({"path": _PATH})),
                        "backendRefs": _list(_object({"name": NAME, "port": PORT})),
                    },
                    {"timeouts": _object({"request": DURATION})},
                )
            ),
        },
        {"hostnames": _list(TEXT)},
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): _object(
        {
            "selector": _object(
                {"matchExpressions": _list(_object({"key": TEXT, "operator": {"const": "In"}, "values": _list(TEXT)}))}
            ),
            "podMetricsEndpoints": _list(_object({"port": NAME, "path": TEXT, "interval": DURATION})),
            "jobLabel": TEXT,
        }
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): _object(
        {"groups": _list(_object({"name": TEXT, "rules": _list(_RULE)}, {"interval": DURATION}))}
    ),
}


def faults(resource: dict[str, Any], specification: Schema) -> Iterator[str]:
    """What a specification's narrow schema says against a custom resource."""
    whole = _object({"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA, "spec": specification})
    for error in jsonschema_rs.validator_for(whole).iter_errors(resource):
        yield f"{'.'.join(map(str, error.instance_path))}: {error.message}"
