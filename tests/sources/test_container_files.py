"""Compose files, Dockerfiles and Terraform files."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from deployments import deployed, lines, values

from advisor.deployment.model import DeploymentFiles, NotRead, Observation, Proxy, Workload
from advisor.findings import Location

COMPOSE = """\
name: shop
x-server: &server
  build: {context: ./server, dockerfile: Dockerfile.prod}
  environment: &environment
    WEB_CONCURRENCY: 2
    COST: a$$b
    KEY: ${KEY:?missing}
services:
  mcp:
    <<: *server
    environment:
      <<: *environment
      LEVEL: ${LEVEL:-info}
    env_file: [common.env, {path: ../../outside.env}, missing.env]
    command: >
      gunicorn app:app --keep-alive 75
      --graceful-timeout=20
    deploy:
      replicas: 3
      resources:
        limits: {cpus: "0.5", memory: 256M}
    ports:
      - 127.0.0.1:8080:8000
      - {target: 9000, published: "9001-9010"}
    expose: ["9464"]
    stop_grace_period: 1m30s
    stop_signal: SIGINT
    stdin_open: true
    ulimits: {nofile: {soft: 1024, hard: 4096}}
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/mcp"]
    networks: {back: {aliases: [server]}}
    labels:
      - traefik.enable=true
      - traefik.http.services.mcp.loadbalancer.sticky.cookie=true
  proxy:
    image: nginx:1.25
    scale: 2
    ports: ["80"]
    healthcheck: {disable: true, test: x}
    profiles: [edge]
    extends: {file: base.yaml, service: a}
"""


def by_name(found: DeploymentFiles) -> dict[str, Workload]:
    return {workload.name: workload for workload in found.workloads}


def test_services_of_a_compose_file_are_workloads_with_exact_lines() -> None:
    files = {"deploy/compose.yaml": COMPOSE, "deploy/common.env": "# a\nLEVEL=debug\nexport MODE='x'\n"}
    found = deployed(files)
    mcp, proxy = found.workloads
    assert (mcp.kind, mcp.location) == ("compose service", Location("deploy/compose.yaml", 9))
    assert (mcp.names, mcp.context, mcp.image) == (("mcp", "server"), "deploy/server", "")
    assert mcp.command == ("gunicorn", "app:app", "--keep-alive", "75", "--graceful-timeout=20")
    assert mcp.ports == (8000, 9000, 9464)
    assert lines(mcp.observed) == {
        "workers": (2, 5),
        "server_keepalive": (75, 15),
        "drain_timeout": (20, 15),
        "instances": (3, 19),
        "cpu_limit": (0.5, 21),
        "memory_limit": (256 * 1024**2, 21),
        "host_port": (8080, 23),
        "grace_period": (90, 26),
        "stop_signal": ("SIGINT", 27),
        "stdin_open": (True, 28),
        "file_limit": (1024, 29),
        "probe_command": ("curl -f http://localhost:8000/mcp", 31),
    }
    assert mcp.environment["COST"].value == "a$b"
    assert mcp.environment["KEY"][::2] == ("${KEY:?missing}", True)
    assert mcp.environment["LEVEL"] == Observation("info", Location("deploy/compose.yaml", 13), is_dynamic=True)
    assert mcp.environment["MODE"] == Observation("x", Location("deploy/common.env", 3))
    assert values(proxy.observed) == {"instances": 2, "profiles": ("edge",)}
    assert proxy.ports == (80,)
    assert [unread.why for unread in found.not_examined] == [
        "line 14: the file with variables ../../outside.env is not there or is outside of the audited path",
        "line 14: the file with variables missing.env is not there",
        "line 42: the service proxy extends another service; pass the output of `docker compose config` instead",
    ]


def test_labels_are_handed_over_with_their_lines() -> None:
    given: dict[str, dict[str, tuple[object, int | None]]] = {}

    def labels(labels: Mapping[str, Observation], workload: Workload) -> DeploymentFiles:
        given[workload.name] = lines(labels)
        return DeploymentFiles(proxies=(Proxy("traefik", workload.name, workload.location),))

    found = deployed({"compose.yaml": COMPOSE}, labels=labels)
    assert given == {
        "mcp": {
            "traefik.enable": ("true", 34),
            "traefik.http.services.mcp.loadbalancer.sticky.cookie": ("true", 35),
        }
    }
    assert [proxy.name for proxy in found.proxies] == ["mcp"]


def test_a_compose_file_with_another_name_is_read_and_an_override_is_named() -> None:
    assert "mcp" in by_name(deployed({"stack.yaml": COMPOSE}))
    found = deployed({"compose.override.yaml": COMPOSE, "values.yaml": "services:\n  a: 1\n", "app.yaml": "a: b\n"})
    (unread,) = found.not_examined
    assert (unread.path, found.workloads) == ("compose.override.yaml", ())


def test_a_file_that_changes_services_of_another_file_is_named() -> None:
    found = deployed({"compose.prod.yaml": "services:\n  mcp:\n    deploy: {replicas: 3}\n  b: {image: c}\n"})
    assert [workload.name for workload in found.workloads] == ["b"]
    (unread,) = found.not_examined
    assert unread.why.startswith("line 2: the service mcp has no image, so the file changes another compose file")


def test_an_include_is_named() -> None:
    (unread,) = deployed({"compose.yaml": "include: [a.yaml]\nservices: {}\n"}).not_examined
    assert unread == NotRead(
        "compose.yaml", "line 1: include is not followed; pass the output of `docker compose config` instead"
    )


DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM python:3.12 AS base
ENV WEB_CONCURRENCY=3 \\
    # a comment
    MODE=x
EXPOSE 8000/tcp 9464
RUN <<END
CMD wrong
END
FROM base AS build
CMD ["no"]
FROM base
ENTRYPOINT ["uvicorn"]
CMD ["app:app", "--timeout-keep-alive", "65"]
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD curl -f http://localhost:8000/mcp
"""


def test_the_last_stage_of_a_dockerfile_is_a_workload() -> None:
    (workload,) = deployed({"server/Dockerfile": DOCKERFILE}).workloads
    assert (workload.kind, workload.name, workload.context) == ("Dockerfile", "server/Dockerfile", "server")
    assert workload.command == ("uvicorn", "app:app", "--timeout-keep-alive", "65")
    assert (workload.image, workload.ports) == ("python:3.12", (8000, 9464))
    assert lines(workload.environment) == {"WEB_CONCURRENCY": ("3", 3), "MODE": ("x", 3)}
    assert lines(workload.observed) == {
        "workers": (3, 3),
        "server_keepalive": (65, 14),
        "stop_signal": ("SIGINT", 15),
        "probe_command": ("curl -f http://localhost:8000/mcp", 16),
    }


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("CMD uvicorn a:app --workers 4", {"workers": 4, "shell_command": True}),
        ("CMD exec uvicorn a:app", {}),
        ('CMD ["sh", "-c", "uvicorn a:app --reload"]', {"reloads_code": True, "shell_command": True}),
        ('CMD ["python", "server.py"]', {}),
        ("CMD uvicorn a:app --workers ${N:-4}", {"workers": 4, "shell_command": True}),
        ("CMD gunicorn a:app -w 4", {"workers": 4, "shell_command": True}),
        ('ENTRYPOINT ["tini", "--", "hypercorn", "--root-path", "/x"]', {"root_path": "/x"}),
    ],
)
def test_commands_of_a_dockerfile(command: str, expected: dict[str, object]) -> None:
    (workload,) = deployed({"Dockerfile": f"FROM python\n{command}\n"}).workloads
    assert values(workload.observed) == expected
    assert workload.context == "."


TERRAFORM = """\
variable "idle" {
  default = 4000
}
resource "aws_lb" "main" {
  load_balancer_type = "application"
  idle_timeout       = var.idle
  client_keep_alive  = 3600 # seconds
}
resource "aws_lb_target_group" "mcp" {
  name                          = "mcp-${var.stage}"
  protocol                      = "HTTP"
  deregistration_delay          = 30
  load_balancing_algorithm_type = "least_outstanding_requests"
  stickiness {
    type            = "lb_cookie"
    cookie_duration = 86400
    enabled         = true
  }
  health_check {
    path = "/health"
  }
}
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.main.arn
  protocol          = "HTTPS"
  default_action {
    type = "redirect"
    redirect { protocol = "HTTPS" }
  }
}
resource "aws_lb_listener_rule" "mcp" {
  listener_arn = aws_lb_listener.https.arn
  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.mcp.arn
  }
  condition { path_pattern { values = ["/mcp", "/mcp/*"] } }
  condition {
    host_header {
      values = ["a.example.com"]
    }
  }
}
"""
ECS = """\
resource "aws_ecs_service" "server" {
  desired_count = 3
  load_balancer {
    target_group_arn = aws_lb_target_group.mcp.arn
    container_port   = 8000
  }
}
"""


def test_a_load_balancer_of_aws() -> None:
    found = deployed({"infra/main.tf": TERRAFORM, "infra/ecs.tf": ECS, "other/vars.tf": 'variable "x" {}\n'})
    (proxy,) = found.proxies
    assert (proxy.product, proxy.name, proxy.location) == ("alb", "aws_lb.main", Location("infra/main.tf", 4))
    assert proxy.observed["idle_timeout"] == Observation(4000, Location("infra/main.tf", 6), is_dynamic=True)
    assert proxy.observed["client_idle_timeout"][:2] == (3600, Location("infra/main.tf", 7))
    assert [route[:4] for route in proxy.routes] == [
        (("a.example.com",), "/mcp", "exact", "mcp"),
        (("a.example.com",), "/mcp/", "prefix", "mcp"),
        ((), "", "every", ""),
    ]
    assert values(proxy.routes[2].observed) == {"listens_tls": True, "redirects": "https"}
    (upstream,) = proxy.upstreams
    assert lines(upstream.observed) == {
        "sticky": ("cookie", 15),
        "balance": ("least-connections", 13),
        "drain_delay": (30, 12),
        "health_check_path": ("/health", 20),
        "upstream_tls": (False, 11),
    }
    assert upstream.targets[0][:2] == ("server", 8000)
    (workload,) = found.workloads
    assert (workload.names, values(workload.observed)) == (("server",), {"instances": 3})
    assert found.examined == ("infra/main.tf", "infra/ecs.tf")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("enabled         = true", "enabled = false", "none"),
        ('"lb_cookie"', '"source_ip"', "address"),
        ("health_check {", 'health_check { /* } */ # }\n  matcher = "${lookup(x, "a")}"', "cookie"),
        ("health_check {", "matcher = <<-END\n  }\n  END\n health_check {", "cookie"),
    ],
)
def test_stickiness_of_a_target_group(old: str, new: str, expected: str) -> None:
    assert old in TERRAFORM
    (proxy,) = deployed({"main.tf": TERRAFORM.replace(old, new)}).proxies
    assert proxy.upstreams[0].observed["sticky"].value == expected


def test_a_service_of_cloud_run() -> None:
    text = """\
    resource "google_cloud_run_v2_service" "mcp" {
      template {
        timeout          = "600s"
        session_affinity = true
        scaling {
          min_instance_count = 1
          max_instance_count = 4
        }
        containers {
          image = "gcr.io/x/mcp"
          args  = ["uvicorn", "a:app"]
          ports { container_port = 8080 }
          env {
            name  = "FASTMCP_STATELESS_HTTP"
            value = "true"
          }
        }
      }
    }
    """
    found = deployed({"main.tf": text})
    (proxy,), (workload,) = found.proxies, found.workloads
    assert (proxy.product, values(proxy.observed)) == ("cloud-run", {"total_timeout": 600})
    assert values(proxy.upstreams[0].observed) == {"sticky": "cookie"}
    assert (workload.image, workload.command, workload.ports) == ("gcr.io/x/mcp", ("uvicorn", "a:app"), (8080,))
    assert values(workload.environment) == {"FASTMCP_STATELESS_HTTP": "true"}
    assert values(workload.observed) == {
        "instances": 1,
        "min_scale": 1,
        "most_instances": 4,
        "request_timeout": 600,
    }


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("CMD set -e; alembic upgrade && exec uvicorn a:app --port 80", ("uvicorn", "a:app", "--port", "80")),
        ("CMD uvicorn a:app || echo failed", ("uvicorn", "a:app")),
        ("CMD cd /app && python server.py", ("python", "server.py")),
        ('CMD ["python", "-c", "import a; a.run()"]', ("python", "-c", "import a; a.run()")),
    ],
)
def test_the_program_that_a_shell_starts_counts(command: str, words: tuple[str, ...]) -> None:
    (workload,) = deployed({"Dockerfile": f"FROM python\n{command}\n"}).workloads
    assert workload.command == words


@pytest.mark.parametrize("key", ["update_config: {parallelism: 1}", "placement: {max_replicas_per_node: 1}"])
def test_swarm_publishes_a_port_once_for_all_containers(key: str) -> None:
    file = "services:\n  mcp:\n    image: a\n    ports: ['80:8000']\n    deploy:\n      replicas: 3\n"
    (alone,), (swarm,) = (deployed({"stack.yaml": text}).workloads for text in (file, f"{file}      {key}\n"))
    assert values(alone.observed) == {"instances": 3, "host_port": 80}
    assert values(swarm.observed) == {"instances": 3}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('FROM a\nCMD ["server.py"]\nENTRYPOINT ["python"]\n', ("python", "server.py")),
        ('FROM a AS b\nCMD ["old.py"]\nFROM b\nENTRYPOINT ["python"]\n', ("python",)),
        ('FROM a AS b\nCMD ["old.py"]\nFROM b\nENTRYPOINT ["python"]\nCMD ["server.py"]\n', ("python", "server.py")),
    ],
)
def test_an_entrypoint_removes_only_the_command_of_another_stage(text: str, expected: tuple[str, ...]) -> None:
    (workload,) = deployed({"Dockerfile": text}).workloads
    assert workload.command == expected
