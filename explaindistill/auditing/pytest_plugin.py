"""Gates as tests: ``pytest --audit audit.json --audit-policy policy.toml`` runs one test per rule."""

from __future__ import annotations

from typing import Any

import pytest

__all__ = ["pytest_addoption", "pytest_collection_modifyitems"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options; without them nothing happens."""
    group = parser.getgroup("explaindistill", "gates on an audit")
    group.addoption("--audit", metavar="JSON", help="results of an audit, as saved by audit.save('audit.json')")
    group.addoption("--audit-policy", metavar="TOML", help="rules the audit must keep; see the page 'gate a pipeline'")


class GateItem(pytest.Item):
    """One rule; it fails where any of its checks fails, or is open and the policy does not let that pass."""

    def __init__(self, *, rule: str, text: str, audit: str, policy: Any, **given: Any) -> None:
        super().__init__(**given)
        self.rule, self.text, self.audit, self.policy = rule, text, audit, policy

    def runtest(self) -> None:
        """Hold the audit against this rule alone."""
        from explaindistill.auditing.gates import Policy, gate

        answer = gate(self.audit, Policy({self.rule: self.text}, self.policy.open_as))
        if answer.verdict != "pass":
            pytest.fail(str(answer), pytrace=False)

    def reportinfo(self) -> tuple[Any, int, str]:
        """Where the rule stands and what it is called."""
        return self.path, 0, f"audit: {self.rule} {self.text}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test per rule when both options are given."""
    audit, path = config.getoption("--audit"), config.getoption("--audit-policy")
    if not audit and not path:
        return
    if not (audit and path):
        raise pytest.UsageError("--audit and --audit-policy belong together: give both")
    from explaindistill.auditing.gates import Policy
    from explaindistill.errors import InvalidInputError

    try:
        policy = Policy.load(path)
    except InvalidInputError as error:
        raise pytest.UsageError(str(error)) from error
    for rule, text in policy.rules.items():
        name = f"audit[{rule} {text}]"
        items.append(GateItem.from_parent(session, name=name, rule=rule, text=text, audit=audit, policy=policy))
