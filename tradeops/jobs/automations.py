"""Brings the automations of a Prefect server in line with automations.yaml, and leaves all others alone."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tradeops.adapters.prefect_api.client import PrefectApiClient
from tradeops.errors import MisconfiguredError

OURS = "tradeops"
DEFINITION = "tradeops-definition:"

Definition = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Applied:
    """Names of automations, by what was done to them."""

    created: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def read_definitions(text: str) -> list[Definition]:
    """The automations of the file, in Prefect's own terms but for `deployment: flow/deployment` in their actions.

    Raises:
        MisconfiguredError: it is no list of automations with different names.
    """
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise MisconfiguredError("automations", f"automations.yaml is no YAML: {error}") from error
    definitions = found.get("automations") if isinstance(found, dict) else None
    if not isinstance(definitions, list) or not all(isinstance(d, dict) and d.get("name") for d in definitions):
        raise MisconfiguredError("automations", "automations.yaml has no list `automations` of entries with a name")
    names = [d["name"] for d in definitions]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MisconfiguredError("automations", f"automations.yaml names twice: {', '.join(twice)}")
    return definitions


async def apply(api: PrefectApiClient, definitions: list[Definition], deployments: Mapping[str, str]) -> Applied:
    """Create what is missing, replace what has changed in the file, remove what is no longer in it.

    What has not changed in the file is left as it is, so that an example that somebody switched on stays on.
    Automations without our tag are never touched.

    Args:
        api: of the server.
        definitions: as `read_definitions` gives them.
        deployments: id of each deployment by its full name, `flow/deployment`.

    Raises:
        MisconfiguredError: an action names a deployment that is not there.
        RejectedError: Prefect does not take a definition.
    """
    wanted = {d["name"]: _resolved(d, deployments) for d in definitions}
    there = {a.name: a for a in await api.automations() if OURS in a.tags}
    done: dict[str, list[str]] = {"created": [], "replaced": [], "removed": [], "unchanged": []}
    for name, definition in wanted.items():
        found = there.get(name)
        if found is None:
            await api.put_automation(definition)
            done["created"].append(name)
        elif found.tags.issuperset(definition["tags"]):
            done["unchanged"].append(name)
        else:
            await api.put_automation(definition, replaces=found.automation_id)
            done["replaced"].append(name)
    for name, found in there.items():
        if name not in wanted:
            await api.delete_automation(found.automation_id)
            done["removed"].append(name)
    return Applied(**{what: tuple(names) for what, names in done.items()})


def _resolved(definition: Definition, deployments: Mapping[str, str]) -> Definition:
    actions = [_action(action, definition["name"], deployments) for action in definition.get("actions", [])]
    whole = {**definition, "actions": actions}
    fingerprint = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return {**whole, "tags": [*definition.get("tags", []), OURS, DEFINITION + fingerprint]}


def _action(action: Mapping[str, Any], automation: str, deployments: Mapping[str, str]) -> Definition:
    if "deployment" not in action:
        return dict(action)
    name = action["deployment"]
    if name not in deployments:
        problem = f"{automation} starts {name}, which is not deployed"
        raise MisconfiguredError("automations", problem, remedy="deploy it first, or mend automations.yaml")
    rest = {key: value for key, value in action.items() if key != "deployment"}
    return {**rest, "source": "selected", "deployment_id": deployments[name]}
