"""A cluster as operators have it: a user for each service, each with the rules that the topics' declaration says."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest
from pydantic import SecretStr

from local_stack.secured_kafka import Listener, SecuredKafkaServer
from local_stack.system import TOPICS_FILE
from riskstream.messaging.access_rules import OPERATOR, AccessRule, access_rules
from riskstream.messaging.topics import load_topics
from riskstream.runtime.kafka_address import KafkaAddress, SaslMechanism, TlsFiles

DECLARED = load_topics(TOPICS_FILE)
RULES = access_rules(DECLARED)
SERVICES = ("analytics", "onboarding", "portfolio-refresh", "symbol-batch")
ADA = "ada"
"""Somebody with a topic and a group of her own."""
PASSWORDS = {name: f"of-{name}-sesame" for name in (*SERVICES, OPERATOR, ADA)}

# Of Kafka's protocol.
_RESOURCES = {"topic": 2, "group": 3}
_OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
_LITERAL, _ALLOW = 3, 3


class Cluster:
    """A secured Kafka, and how each user comes in."""

    def __init__(self, server: SecuredKafkaServer, folder: Path) -> None:
        self.server = server
        self.ca = server.authority.file
        self.folder = folder

    def by_password(
        self, user: str, mechanism: SaslMechanism = "SCRAM-SHA-512", listener: Listener = "SASL_SSL"
    ) -> KafkaAddress:
        password, tls = SecretStr(PASSWORDS[user]), TlsFiles(self.ca)
        return KafkaAddress(self.server.address_of(listener), listener, mechanism, user, password, tls)

    def by_certificate(self, user: str) -> KafkaAddress:
        certificate = self.server.authority.for_client(user)
        return KafkaAddress(self.server.address_of("SSL"), "SSL", tls=TlsFiles(self.ca, certificate))

    def environment(self, user: str) -> dict[str, str]:
        """What a process of this user is told, but for the password."""
        return {
            "RISKSTREAM_KAFKA": self.server.address_of("SASL_SSL"),
            "RISKSTREAM_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "RISKSTREAM_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "RISKSTREAM_KAFKA_USER": user,
            "RISKSTREAM_KAFKA_CA_FILE": str(self.ca),
        }

    async def allow(self, rules: Iterable[AccessRule], principal: str = "User:{who}") -> None:
        """Make the rules, as the cluster's own superuser."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.server.address)
        await admin.start()
        try:
            wanted = [
                _allowing(rule, operation, principal.format(who=rule.who))
                for rule in rules
                for operation in rule.operations
            ]
            for answer in await asyncio.gather(*(admin._send_request(one) for one in wanted)):
                assert [code for code, *_ in answer.creation_responses] == [0], answer
        finally:
            await admin.close()


def _allowing(rule: AccessRule, operation: str, principal: str) -> CreateAclsRequest:
    resource = (_RESOURCES[rule.resource], rule.name, _LITERAL)
    return CreateAclsRequest(*resource, principal, "*", _OPERATIONS[operation], _ALLOW)
