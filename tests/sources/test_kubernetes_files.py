"""Manifests of Kubernetes: workloads, Services, autoscalers, budgets, and what is not read."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from deployments import deployed, lines, values

from advisor.deployment.model import DeploymentFiles, NotRead, Proxy, Workload
from advisor.findings import Location
from advisor.knowledge import Knowledge
from advisor.sources.proxies import nginx, traefik

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: mcp
  namespace: shop
spec:
  replicas: 3
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 25%}
    type: RollingUpdate
  selector: {matchLabels: {app: mcp}}
  template:
    metadata:
      labels:
        app: mcp
        tier: web
    spec:
      terminationGracePeriodSeconds: 60
      containers:
        - name: proxy
          image: nginx:1.25
          ports: [{containerPort: 80}]
        - name: server
          image: ghcr.io/shop/mcp:1.4
          command: [uvicorn, "app:app"]
          args:
            - --workers
            - "4"
            - --timeout-keep-alive=75
            - --timeout-graceful-shutdown
            - $(DRAIN_S)
            - --forwarded-allow-ips
            - "*"
            - --reload
          env:
            - name: DRAIN_S
              value: "20"
            - name: TOKEN
              valueFrom: {secretKeyRef: {name: token, key: token}}
          envFrom:
            - configMapRef: {name: settings}
          ports:
            - {containerPort: 8000, name: http, hostPort: 9000}
          livenessProbe:
            tcpSocket: {port: 8000}
          readinessProbe:
            httpGet:
              path: /mcp
              port: http
          resources:
            limits: {cpu: 500m, memory: 256Mi}
            requests:
              memory: 128Mi
          lifecycle:
            preStop:
              exec:
                command: [sh, -c, "sleep 15; true"]
"""
AROUND = """\
apiVersion: v1
kind: Service
metadata: {name: mcp, namespace: shop}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  sessionAffinity: ClientIP
  sessionAffinityConfig:
    clientIP: {timeoutSeconds: 600}
  selector: {app: mcp}
  ports:
    - port: 80
      targetPort: http
    - {port: 81, targetPort: 8001}
    - port: 82
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: mcp, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: mcp}
  minReplicas: 2
  maxReplicas: 8
  metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
    - {type: Pods, pods: {metric: {name: sessions}}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 900}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: mcp, namespace: shop}
spec:
  minAvailable: 50%
  selector: {matchLabels: {app: mcp}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data:
  FASTMCP_STATELESS_HTTP: "true"
"""


def only(found: DeploymentFiles) -> Workload:
    (workload,) = found.workloads
    return workload


def proxy(found: DeploymentFiles) -> Proxy:
    (each,) = found.proxies
    return each


def test_a_workload_has_its_container_with_the_server_and_exact_lines() -> None:
    workload = only(deployed({"app.yaml": DEPLOYMENT}))
    assert (workload.kind, workload.name, workload.namespace) == ("Deployment", "mcp", "shop")
    assert workload.location == Location("app.yaml", 4)
    assert workload.labels == {"app": "mcp", "tier": "web"}
    assert workload.image == "ghcr.io/shop/mcp:1.4"
    assert workload.command[:3] == ("uvicorn", "app:app", "--workers")
    assert workload.ports == (8000,)
    assert workload.environment["TOKEN"].is_dynamic
    assert lines(workload.observed) == {
        "instances": (3, 7),
        "strategy": ("rolling", 10),
        "max_unavailable": ("25%", 9),
        "grace_period": (60, 18),
        "workers": (4, 28),
        "server_keepalive": (75, 29),
        "drain_timeout": (20, 37),
        "trusts_forwarded": ("*", 33),
        "reloads_code": (True, 34),
        "host_port": (9000, 43),
        "liveness": ("tcp", 45),
        "readiness": ("http", 47),
        "readiness_path": ("/mcp", 48),
        "cpu_limit": (0.5, 51),
        "memory_limit": (256 * 1024**2, 51),
        "memory_request": (128 * 1024**2, 53),
        "pre_stop": (15, 57),
    }


def test_other_resources_change_the_workload() -> None:
    found = deployed({"app.yaml": DEPLOYMENT, "around.yaml": AROUND})
    workload = only(found)
    assert {
        name: values(workload.observed)[name]
        for name in ("instances", "most_instances", "autoscaled", "scale_down_wait", "disruption_limit")
    } == {
        "instances": 2,
        "most_instances": 8,
        "autoscaled": True,
        "scale_down_wait": 900,
        "disruption_limit": "minAvailable 50%",
    }
    assert workload.observed["autoscaler_metric"].value == ("cpu", "sessions")
    assert workload.observed["disruption_limit"].location == Location("around.yaml", 34)
    assert workload.environment["FASTMCP_STATELESS_HTTP"].location == Location("around.yaml", 41)
    (service,) = found.services
    assert service.ports == {80: 8000, 81: 8001, 82: 82}
    assert lines(service.observed) == {
        "service_type": ("NodePort", 5),
        "external_policy": ("Local", 6),
        "session_affinity": ("client-ip", 7),
        "session_affinity_timeout": (600, 9),
    }
    assert found.examined == ("app.yaml", "around.yaml")
    assert found.not_examined == ()
    assert found.extra == ()


def test_an_autoscaler_of_an_unknown_workload_is_kept() -> None:
    (extra,) = deployed({"hpa.yaml": AROUND}).extra
    assert extra[:3] == ("shop", "Deployment", "mcp")
    assert extra[3]["most_instances"].value == 8


def test_the_number_of_an_autoscaled_workload_without_a_minimum_is_not_stated() -> None:
    text = AROUND.replace("  minReplicas: 2\n", "")
    assert "instances" not in only(deployed({"a.yaml": DEPLOYMENT, "b.yaml": text})).observed


@pytest.mark.parametrize("form", ["json", "list", "tabs"])
def test_json_and_lists_are_read(form: str) -> None:
    documents = [*yaml.safe_load_all(DEPLOYMENT), *yaml.safe_load_all(AROUND)]
    content: Any = {"apiVersion": "v1", "kind": "List", "items": documents}
    if form == "list":
        files = {"all.yaml": yaml.safe_dump(content)}
    else:
        files = {"all.json": json.dumps(content, indent="\t" if form == "tabs" else 2)}
    found = deployed(files)
    assert values(only(found).observed)["most_instances"] == 8
    assert len(found.services) == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kind: Deployment", "kind: StatefulSet", {"strategy": "rolling"}),
        ("    type: RollingUpdate", "    type: Recreate", {"strategy": "recreate"}),
        ("strategy:\n", "strategy: {canary: {}}\n  other:\n", {}),
        ("exec:\n                command: [sh, -c, \"sleep 15; true\"]", "sleep: {seconds: 5}", {"pre_stop": 5}),
        ('[sh, -c, "sleep 15; true"]', "[/drain]", {"pre_stop": "/drain"}),
        ("tcpSocket: {port: 8000}", "exec: {command: [cat, /tmp/ok]}", {"liveness": "exec", "probe_command": "cat /tmp/ok"}),
        ("command: [uvicorn", "command: [python, -m, uvicorn", {"workers": 4}),
        ("command: [uvicorn, \"app:app\"]", 'command: [sh, -c, "uvicorn a:b --workers 2"]', {"workers": 2, "shell_command": True}),
        ("command: [uvicorn, \"app:app\"]", 'command: [sh, -c, "exec uvicorn a:b"]', {"shell_command": None}),
    ],
)  # fmt: skip
def test_other_values_of_a_workload(old: str, new: str, expected: dict[str, object]) -> None:
    text = DEPLOYMENT.replace(old, new)
    assert text != DEPLOYMENT
    if "args" in text and 'sh, -c, "uvicorn' in new:
        text = text[: text.index("          args:")] + text[text.index("          env:") :]
    observed = values(only(deployed({"app.yaml": text})).observed)
    assert {name: observed.get(name) for name in expected} == expected


def test_a_scaled_object_and_an_old_autoscaler_are_read() -> None:
    keda = """\
    apiVersion: keda.sh/v1alpha1
    kind: ScaledObject
    metadata: {name: mcp, namespace: shop}
    spec:
      scaleTargetRef: {name: mcp}
      minReplicaCount: 0
      maxReplicaCount: 20
      triggers: [{type: prometheus}]
    """
    observed = values(only(deployed({"app.yaml": DEPLOYMENT, "keda.yaml": keda})).observed)
    assert (observed["instances"], observed["most_instances"], observed["autoscaler_metric"]) == (
        0,
        20,
        ("prometheus",),
    )
    old = """\
    apiVersion: autoscaling/v1
    kind: HorizontalPodAutoscaler
    metadata: {name: mcp}
    spec: {scaleTargetRef: {kind: Deployment, name: mcp}, maxReplicas: 4, targetCPUUtilizationPercentage: 80}
    """
    observed = values(only(deployed({"app.yaml": DEPLOYMENT, "hpa.yaml": old})).observed)
    assert (observed["most_instances"], observed["autoscaler_metric"]) == (4, ("cpu",))


def test_a_service_of_knative_is_a_workload_and_cloud_run_also_a_proxy() -> None:
    text = """\
    apiVersion: serving.knative.dev/v1
    kind: Service
    metadata: {name: mcp}
    spec:
      template:
        metadata:
          annotations:
            autoscaling.knative.dev/min-scale: "1"
            autoscaling.knative.dev/max-scale: "5"
            run.googleapis.com/sessionAffinity: "true"
        spec:
          timeoutSeconds: 300
          containers: [{image: gcr.io/x/mcp, ports: [{containerPort: 8080}]}]
    """
    found = deployed({"run.yaml": text})
    workload = only(found)
    assert values(workload.observed) == {
        "min_scale": 1,
        "instances": 1,
        "most_instances": 5,
        "autoscaled": True,
        "request_timeout": 300,
    }
    entry = proxy(found)
    assert entry.product == "cloud-run"
    assert values(entry.observed) == {"sticky": "cookie", "total_timeout": 300}


def test_jobs_are_left_out_and_unknown_kinds_are_named() -> None:
    text = "\n---\n".join(
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}"
        for version, kind in [("batch/v1", "Job"), ("v1", "Secret"), ("mcp.x/v1", "MCPServer"), ("x.y/v1", "Thing")]
    )
    found = deployed({"a.yaml": text})
    assert (found.workloads, found.examined) == ((), ())
    assert found.not_examined == (NotRead("a.yaml", "the kinds MCPServer, Thing are not supported"),)


@pytest.mark.parametrize("text", ["apiVersion: a/v2\nkind: feature\nmetadata: {}", "apiVersion: a/v1\nkind: Cluster"])
def test_other_files_with_a_kind_are_no_resources(text: str) -> None:
    assert deployed({"a.yaml": text}) == DeploymentFiles()


def test_the_last_of_duplicate_keys_counts() -> None:
    text = DEPLOYMENT.replace("  replicas: 3\n", "  replicas: 3\n  replicas: 5\n")
    assert only(deployed({"a.yaml": text})).observed["instances"][:2] == (5, Location("a.yaml", 8))


def test_merge_keys_and_aliases_are_followed() -> None:
    text = """\
    apiVersion: v1
    kind: Pod
    metadata: {name: mcp}
    x-base: &base {terminationGracePeriodSeconds: 7, containers: &all [{image: mcp}]}
    spec:
      <<: *base
      terminationGracePeriodSeconds: 9
    """
    workload = only(deployed({"a.yaml": text}))
    assert (workload.image, workload.observed["grace_period"].value) == ("mcp", 9)


def test_a_broken_document_does_not_hide_the_others() -> None:
    found = deployed({"a.yaml": f"apiVersion: v1\nkind: [\n---\n{DEPLOYMENT}"})
    assert only(found).location == Location("a.yaml", 7)
    assert found.not_examined == (NotRead("a.yaml", "not valid YAML (line 3)"),)


@pytest.mark.parametrize("path", ["chart/templates/app.yaml", "templates/app.yaml"])
@pytest.mark.parametrize(
    "line",
    [
        "  replicas: {{ .Values.replicas }}",
        "{{- if .Values.enabled }}\n  replicas: 2\n{{- end }}",
        '  replicas: "{{ .Values.replicas }}"',
        "  {{- include \"labels\" . | nindent 4 }}",
    ],
)  # fmt: skip
def test_templates_of_helm_are_named_by_their_chart(path: str, line: str) -> None:
    found = deployed({path: DEPLOYMENT.replace("  replicas: 3", line), "chart/values.yaml": "replicas: 3\n"})
    chart = path.rpartition("templates/")[0] or "templates/"
    assert found.not_examined == (NotRead(chart, "Helm templates; pass the rendered output of `helm template`"),)
    assert found.workloads == ()


@pytest.mark.parametrize("path", ["k8s/app.yaml", "roles/mytemplates/app.yaml"])
def test_another_template_is_named_by_its_file(path: str) -> None:
    found = deployed({path: DEPLOYMENT.replace("replicas: 3", "replicas: {{ count }}")})
    assert found.not_examined == (NotRead(path, "a template with {{ }}; pass the rendered output"),)


def test_braces_in_texts_and_comments_are_no_template() -> None:
    text = DEPLOYMENT.replace("metadata:\n", 'metadata:  # {{ x }}\n  annotations: {a: "see {{ x }}"}\n', 1)
    assert deployed({"a.yaml": text}).not_examined == ()


def test_variables_are_dynamic() -> None:
    text = DEPLOYMENT.replace("replicas: 3", "replicas: ${REPLICAS:-4}").replace("Seconds: 60", "Seconds: ${GRACE}")
    observed = only(deployed({"a.yaml": text})).observed
    assert observed["instances"][::2] == (4, True)
    assert observed["grace_period"][::2] == ("${GRACE}", True)


def test_a_configuration_in_a_config_map_keeps_its_lines() -> None:
    text = """\
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: proxy}
    data:
      README: text
      nginx.conf: |
        upstream a {

          hash $http_mcp_session_id;
        }
      haproxy.cfg: "backend a"
    """
    given: list[tuple[str, str, int, str]] = []

    def config(text: str, path: str, name: str) -> DeploymentFiles | None:
        if name == "README":
            return None
        number, line = next(
            (n, line) for n, line in enumerate(text.splitlines(), 1) if "hash" in line or "back" in line
        )
        given.append((path, name, number, line.strip()))
        return DeploymentFiles(proxies=(Proxy("nginx", name, Location(path, number)),))

    found = deployed({"k8s/proxy.yaml": text}, config=config)
    assert given == [
        ("k8s/proxy.yaml", "nginx.conf", 9, "hash $http_mcp_session_id;"),
        ("k8s/proxy.yaml", "haproxy.cfg", 11, "backend a"),
    ]
    assert [each.name for each in found.proxies] == ["nginx.conf", "haproxy.cfg"]


KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {namespace}
resources:
  - {resource}
replicas:
  - {{name: mcp, count: {count}}}
images:
  - {{name: ghcr.io/shop/mcp, newName: local/mcp, newTag: "2.0"}}
"""


def test_namespace_replicas_and_images_of_a_kustomization_are_applied() -> None:
    base = KUSTOMIZATION.format(namespace="base", resource="app.yaml", count=4)
    overlay = KUSTOMIZATION.format(namespace="prod", resource="../../base", count=6)
    files = {"base/app.yaml": DEPLOYMENT, "base/kustomization.yaml": base}
    workload = only(deployed(files))
    assert (workload.namespace, workload.image) == ("base", "local/mcp:2.0")
    assert workload.observed["instances"][:2] == (4, Location("base/kustomization.yaml", 7))
    workload = only(deployed({**files, "overlays/prod/kustomization.yaml": overlay}))
    assert (workload.namespace, workload.observed["instances"].value) == ("prod", 6)


def test_several_overlays_of_the_same_base_are_not_applied() -> None:
    files = {"base/app.yaml": DEPLOYMENT, "base/kustomization.yaml": "resources: [app.yaml]\n"}
    for name, count in (("dev", 1), ("prod", 6)):
        files[f"{name}/kustomization.yaml"] = KUSTOMIZATION.format(namespace=name, resource="../base", count=count)
    found = deployed(files)
    assert values(only(found).observed)["instances"] == 3
    (unread,) = found.not_examined
    assert "several overlays" in unread.why


PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: mcp}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: server
          readinessProbe:
            httpGet: {path: /ready}
          env:
            - {name: DRAIN_S, value: "30"}
            - {name: NEW, value: "1"}
"""
PATCHES = {
    "by path": "patches: [{path: more.yaml}]",
    "with a target": "patches: [{path: more.yaml, target: {kind: Deployment, name: mcp}}]",
    "in the old form": "patchesStrategicMerge: [more.yaml]",
}


@pytest.mark.parametrize("form", PATCHES)
def test_a_simple_patch_of_a_kustomization_is_applied_with_its_lines(form: str) -> None:
    overlay = f"resources: [../base]\n{PATCHES[form]}\n"
    files = {"base/app.yaml": DEPLOYMENT, "base/kustomization.yaml": "resources: [app.yaml]\n"}
    found = deployed({**files, "prod/kustomization.yaml": overlay, "prod/more.yaml": PATCH})
    workload = only(found)
    assert found.not_examined == ()
    assert "prod/more.yaml" in found.examined
    grace = workload.observed["grace_period"]
    assert (grace.value, grace.location) == (90, Location("prod/more.yaml", 7))
    assert (workload.image, workload.observed["instances"].value) == ("ghcr.io/shop/mcp:1.4", 3)
    assert {name: each.value for name, each in workload.environment.items()}.items() >= {
        "DRAIN_S": "30",
        "NEW": "1",
    }.items()
    assert workload.observed["instances"].location.path == "base/app.yaml"


def test_an_inline_patch_removes_a_value_and_a_resource() -> None:
    text = """\
resources: [app.yaml]
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: mcp}
      spec:
        replicas: null
  - patch: |-
      apiVersion: v1
      kind: Service
      metadata: {name: mcp}
      $patch: delete
"""
    service = AROUND.partition("---")[0]
    found = deployed({"app.yaml": f"{DEPLOYMENT}---\n{service}", "kustomization.yaml": text})
    assert "instances" not in only(found).observed
    assert found.services == ()


@pytest.mark.parametrize(
    "patch",
    [
        "- {op: remove, path: /spec/replicas}\n",
        PATCH.replace("  template:", "  $retainKeys: [template]\n  template:"),
        PATCH.replace("name: mcp", "name: other"),
    ],
)
def test_another_patch_is_named_and_is_no_workload(patch: str) -> None:
    text = "resources: [app.yaml]\npatches: [{path: more.yaml}]\n"
    found = deployed({"kustomization.yaml": text, "app.yaml": DEPLOYMENT, "more.yaml": patch})
    assert [each.why.partition(";")[0] for each in found.not_examined] == ["a patch that is not applied"]
    assert only(found).observed["grace_period"].value == 60


def test_a_file_that_a_kustomization_does_not_list_is_not_deployed() -> None:
    other = PATCH.replace("name: mcp", "name: draft")
    files = {"kustomization.yaml": "resources: [app.yaml]\n", "app.yaml": DEPLOYMENT, "draft.yaml": other}
    found = deployed(files)
    assert only(found).name == "mcp"
    assert [(each.path, each.why) for each in found.not_examined] == [
        ("draft.yaml", "the kustomization file of this folder does not list this file")
    ]


@pytest.mark.parametrize("key", ["components", "helmCharts", "namePrefix"])
def test_other_changes_of_a_kustomization_are_named(key: str) -> None:
    text = f"resources: [app.yaml, 'https://example.com/a.yaml']\n{key}: [a.yaml]\n"
    found = deployed({"kustomization.yaml": text, "app.yaml": DEPLOYMENT})
    first, second = (unread.why for unread in found.not_examined)
    assert first == f"{key}: these changes are not applied; pass the rendered output of `kubectl kustomize`"
    assert "https://example.com/a.yaml is not fetched" in second
    assert len(found.workloads) == 1


def test_every_setting_names_an_observation_and_a_product(knowledge: Knowledge) -> None:
    kinds = knowledge.observations
    rules = [rule for annotation in knowledge.annotations.values() for rule in annotation.sets]
    rules += [rule for resource in knowledge.resource_settings.values() for rule in resource.sets]
    for rule in rules:
        kind = kinds[rule.observation]
        stated = {value for text in rule.words.values() for value in (text.split() if kind.type == "words" else [text])}
        stated -= {""}
        allowed = kind.values or ({"true", "false"} if kind.type == "yes-no" else stated)
        assert stated <= set(allowed), rule
    products = {entry.product for entry in knowledge.ingress_controllers.values()}
    assert products | {entry.product for entry in knowledge.route_kinds.values()} <= knowledge.proxies.keys()
    for program in knowledge.server_programs.values():
        assert {*program.options, *program.switches} <= kinds.keys()
    assert {variable.observation for variable in knowledge.program_variables.values()} <= kinds.keys()


def test_the_readers_of_proxies_read_configurations_inside_other_files() -> None:
    manifest = """\
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: proxy}
    data:
      nginx.conf: |
        events {}
        http {
          upstream mcp { hash $http_mcp_session_id; server mcp:8000; }
          server {
            location /mcp {
              proxy_pass http://mcp;
              proxy_read_timeout 30s;
            }
          }
        }
    """
    labelled = """\
    services:
      mcp:
        image: mcp
        labels:
          - traefik.http.routers.mcp.rule=PathPrefix(`/mcp`)
          - traefik.http.services.mcp.loadbalancer.server.port=8000
          - traefik.http.services.mcp.loadbalancer.sticky.cookie=true
    """

    def config(text: str, path: str, name: str) -> DeploymentFiles | None:
        return nginx.read(text, path, {path: text}) if nginx.is_nginx(text, name) else None

    found = deployed({"proxy.yaml": manifest, "compose.yaml": labelled}, config=config, labels=traefik.labels)
    inner, labels = found.proxies
    assert lines(inner.upstreams[0].observed)["balance"] == ("session-hash", 8)
    assert lines(inner.routes[0].observed)["idle_timeout"] == (30, 12)
    assert lines(labels.upstreams[0].observed)["sticky"] == ("cookie", 7)
    assert (labels.routes[0].path, labels.upstreams[0].targets[0][:2]) == ("/mcp", ("mcp", 8000))


CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {UVICORN_WORKERS: "4", WEB_CONCURRENCY: "3"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: mcp}
spec:
  template:
    spec:
      containers:
      - {name: server, image: "example/mcp:1"PART}
"""
SHARED = ", envFrom: [{configMapRef: {name: settings}}]"
OWN = ", env: [{name: UVICORN_WORKERS, value: '4'}]"


@pytest.mark.parametrize(
    ("part", "workers"),
    [
        (f"{OWN}, command: [uvicorn, 'a:b']", 4),
        (f"{OWN}, command: [gunicorn, 'a:b']", None),
        (f"{OWN}, command: [python, server.py]", None),
        (OWN, 4),
        (SHARED.replace("settings", "others"), None),
        (f"{SHARED}, command: [uvicorn, 'a:b']", 4),
        (f"{SHARED}, command: [python, server.py]", 3),
        (SHARED, 3),
    ],
)
def test_variables_of_a_server_program_count_for_its_command(part: str, workers: int | None) -> None:
    observed = only(deployed({"app.yaml": CONFIG.replace("PART", part)})).observed
    assert values(observed).get("workers") == workers


def test_a_variable_that_other_containers_can_have_says_nothing_about_the_program() -> None:
    text = CONFIG.replace("PART", SHARED).replace(', WEB_CONCURRENCY: "3"', "")
    assert "workers" not in only(deployed({"app.yaml": text})).observed
