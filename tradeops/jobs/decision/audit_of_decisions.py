"""Holds the decisions that are kept against the trail: a document that was edited by hand differs from its record."""

from collections.abc import Iterable
from dataclasses import replace

from tradeops.adapters.store import Document, Store
from tradeops.domain.audit import Record
from tradeops.domain.decisions.codec import encoded
from tradeops.domain.decisions.decision import Decision, Start
from tradeops.errors import ContractError
from tradeops.jobs import audit
from tradeops.jobs.decision import decisions

MOVING = {"start": Start.NONE, "retrain_run_id": "", "problem": "", "record": 0, "record_sha256": ""}


async def differences(store: Store) -> tuple[str, ...]:
    """A line for each decision that is not as the trail has it, names the decision and the record.

    A decision is kept after its record, so one that is made meanwhile is no difference.

    Raises:
        UnavailableError: the store is down.
    """
    kept = await store.documents(decisions.COLLECTION)
    records, _ = await audit.records(store)
    head, _ = await audit.read_head(store)
    trail = {one.number: one for one in (*records, *([head.last] if head else []))}
    started = {str(one.content.get("decision_id")): one for one in trail.values() if one.what == Start.STARTED}
    there = {one.key for one in kept}
    gone = [f"decision {key} of record {one.number} is missing" for key, one in started.items() if key not in there]
    return (*_of_documents(kept, trail, started), *gone)


def _of_documents(kept: Iterable[Document], trail: dict[int, Record], started: dict[str, Record]) -> list[str]:
    found = []
    for document in kept:
        try:
            decision = decisions.decision_of(document.body)
        except ContractError as error:
            found.append(f"decision {document.key} was changed: {error.problem}")
            continue
        shown = {name: value for name, value in decisions.as_body(decision).items() if name != "full"}
        if (
            any(document.body.get(name) != value for name, value in shown.items())
            or document.key != shown["decision_id"]
        ):
            found.append(f"decision {document.key} was changed: it does not agree with itself")
        elif problem := _problem(decision, trail.get(decision.record), started.get(decision.decision_id)):
            found.append(f"decision {document.key} {problem}")
    return found


def _problem(decision: Decision, record: Record | None, started: Record | None) -> str:
    if record is None or record.what != "decided" or record.content.get("decision_id") != decision.decision_id:
        return f"has no record in the trail (it names {decision.record})"
    if decision.record_sha256 != record.sha256 or _lasting(decision) != _lasting_of(record):
        return f"is not what record {record.number} says"
    run_id = str(started.content.get("retrain_run_id")) if started else ""
    if decision.start is Start.STARTED and started and run_id != decision.retrain_run_id:
        return f"names another retrain than record {started.number}"
    return ""


def _lasting(decision: Decision) -> object:
    """Without what moves on, or is known only once there is a record."""
    return encoded(replace(decision, **MOVING))  # type: ignore[arg-type]


def _lasting_of(record: Record) -> object:
    try:
        return _lasting(decisions.decision_of(record.content))
    except ContractError:
        return None
