"""Joins autoscalers and disruption budgets of Kubernetes to their workloads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from advisor.deployment.model import Observation, Observations, Workload
from advisor.sources.platforms.marked import YamlNode
from advisor.sources.platforms.observed import from_node, observation, stated
from advisor.sources.platforms.pods import selects
from advisor.sources.platforms.resources import Cluster, Resource


class Scaling(NamedTuple):
    """What an autoscaler states about a workload."""

    kind: str
    name: str
    namespace: str
    observed: Observations


def scaled(workloads: list[Workload], cluster: Cluster) -> tuple[list[Workload], list[Scaling]]:
    """Return the workloads with their autoscalers and budgets, and the autoscalers of other workloads."""
    every = [*map(_autoscaler, cluster.of("HorizontalPodAutoscaler")), *map(_event_scaler, cluster.of("ScaledObject"))]
    scalers = {(each.kind, each.name, each.namespace): each for each in every}
    budgets = _budgets(cluster)
    changed = []
    used = set()
    for workload in workloads:
        observed = dict(workload.observed)
        for namespace in dict.fromkeys(("", workload.namespace)):
            scaling = scalers.get((workload.kind, workload.name, namespace))
            if scaling is not None:
                observed.pop("instances", None)  # the autoscaler changes the number of the workload
                observed.update(scaling.observed)
                used.add(id(scaling))
        for label in workload.labels.items():
            for budget in budgets.get(label, ()):
                is_near = budget.namespace in ("", workload.namespace) or not workload.namespace
                if is_near and selects(budget.selector, workload.labels):
                    observed.update(budget.observed)
        changed.append(workload._replace(observed=observed))
    return changed, [scaling for scaling in scalers.values() if id(scaling) not in used]


class _Budget(NamedTuple):
    namespace: str
    selector: dict[str, str]
    observed: Observations


def _budgets(cluster: Cluster) -> dict[tuple[str, str], list[_Budget]]:
    """Return the budgets by the label of their selector that is in the fewest selectors."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], _Budget] = {}
    for resource in cluster.of("PodDisruptionBudget"):
        selector = {name: value.text for name, value in resource.node.get("spec.selector.matchLabels").pairs()}
        budget = _Budget(resource.namespace, selector, _budget(resource))
        found[resource.namespace, frozenset(selector.items())] = budget
    counts = Counter(label for budget in found.values() for label in budget.selector.items())
    by_label: dict[tuple[str, str], list[_Budget]] = {}
    for budget in found.values():
        if budget.selector:
            by_label.setdefault(min(budget.selector.items(), key=counts.__getitem__), []).append(budget)
    return by_label


def _autoscaler(resource: Resource) -> Scaling:
    spec = resource.node.key("spec")
    target = spec.key("scaleTargetRef")
    metrics = list(_metrics(spec))
    place = spec.key("metrics") or spec.key("targetCPUUtilizationPercentage")
    down = spec.get("behavior.scaleDown.stabilizationWindowSeconds")
    observed = stated(
        autoscaled=Observation(value=True, location=resource.location),
        instances=from_node(spec.key("minReplicas"), "number"),
        most_instances=from_node(spec.key("maxReplicas"), "number"),
        autoscaler_metric=observation(tuple(metrics) or None, place.location),
        scale_down_wait=from_node(down, "seconds"),
    )
    return Scaling(target.key("kind").text, target.key("name").text, resource.namespace, observed)


def _metrics(spec: YamlNode) -> Iterator[str]:
    if spec.key("targetCPUUtilizationPercentage"):
        yield "cpu"
    for metric in spec.key("metrics").items():
        for kind in ("resource", "containerResource", "pods", "object", "external"):
            part = metric.key(kind)
            name = part.get("metric.name").text or part.key("name").text or part.key("metricName").text
            if name:
                yield name


def _event_scaler(resource: Resource) -> Scaling:
    """Return what a ScaledObject of KEDA states."""
    spec = resource.node.key("spec")
    target = spec.key("scaleTargetRef")
    metrics = [trigger.key("type").text for trigger in spec.key("triggers").items()]
    down = spec.get("advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds")
    least = spec.key("idleReplicaCount") or spec.key("minReplicaCount")
    observed = stated(
        autoscaled=Observation(value=True, location=resource.location),
        instances=from_node(least, "number"),
        most_instances=from_node(spec.key("maxReplicaCount"), "number"),
        autoscaler_metric=observation(tuple(filter(None, metrics)) or None, spec.key("triggers").location),
        scale_down_wait=from_node(down, "seconds"),
    )
    return Scaling(target.key("kind").text or "Deployment", target.key("name").text, resource.namespace, observed)


def _budget(budget: Resource) -> Observations:
    for key in ("maxUnavailable", "minAvailable"):
        limit = budget.node.key("spec").key(key)
        if limit:
            return {"disruption_limit": Observation(f"{key} {limit.text}", limit.location)}
    return {}
