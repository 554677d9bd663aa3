"""What sends requests into a cluster: Ingresses with annotations, load balancers, the Gateway API, Istio and others."""

from __future__ import annotations

import pytest
from deployments import deployed, lines, values

from advisor.deployment.model import Proxy
from advisor.findings import Location

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: mcp}
spec: {ports: [{name: http, port: 8000}]}
"""


def only(**files: str) -> Proxy:
    """Return the single proxy of some documents."""
    (proxy,) = deployed({f"{name}.yaml": text for name, text in files.items()}).proxies
    return proxy


def annotated(annotations: str, class_name: str = "", service: str = SERVICE) -> Proxy:
    ingress = f"""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: mcp
  annotations:
{annotations}
spec:
{f"  ingressClassName: {class_name}" if class_name else ""}
  rules:
    - host: a.example.com
      http:
        paths:
          - path: /mcp
            pathType: Prefix
            backend: {{service: {{name: mcp, port: {{name: http}}}}}}
"""
    return only(ingress=ingress, service=service)


def test_an_ingress_has_routes_with_the_ports_of_services() -> None:
    text = """\
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: mcp
      namespace: shop
    spec:
      tls: [{hosts: [a.example.com]}]
      defaultBackend: {service: {name: other, port: {number: 80}}}
      rules:
        - host: a.example.com
          http:
            paths:
              - path: /mcp
                pathType: Exact
                backend: {service: {name: mcp, port: {name: http}}}
              - path: /x(/|$)(.*)
                pathType: ImplementationSpecific
                backend:
                  service: {name: mcp, port: {number: 8000}}
        - http: {paths: [{backend: {serviceName: old, servicePort: 81}}]}
    """
    proxy = only(a=text, b=SERVICE)
    assert (proxy.product, proxy.name, proxy.namespace) == ("other", "Ingress shop/mcp", "shop")
    assert proxy.location == Location("a.yaml", 4)
    assert lines(proxy.observed) == {"listens_tls": (True, 7)}
    assert [(route.hosts, route.path, route.match, route.upstream) for route in proxy.routes] == [
        (("a.example.com",), "/mcp", "exact", "mcp:8000"),
        (("a.example.com",), "/x(/|$)(.*)", "regex", "mcp:8000"),
        ((), "", "every", "old:81"),
        ((), "", "every", "other:80"),
    ]
    assert proxy.routes[1].location.line == 19
    targets = [(target.host, target.port, target.is_pool) for each in proxy.upstreams for target in each.targets]
    assert targets == [("mcp", 8000, True), ("old", 81, True), ("other", 80, True)]


CASES: dict[str, tuple[str, dict[str, dict[str, object]]]] = {
    "nginx.ingress.kubernetes.io": (
        "ingress-nginx",
        {
            "affinity: cookie": {"sticky": "cookie"},
            "session-cookie-path: /mcp": {"cookie_path": "/mcp"},
            'session-cookie-secure: "true"': {"cookie_secure": True},
            "upstream-hash-by: $http_mcp_session_id": {"balance": "session-hash"},
            'upstream-hash-by: "${http_x_user}"': {"balance": "other-hash"},
            "upstream-hash-by: $http_x_user": {"balance": "header-hash"},
            "upstream-hash-by: $remote_addr": {"balance": "address-hash", "sticky": "address"},
            "upstream-hash-by: $request_uri": {"balance": "path-hash"},
            "upstream-hash-by: $cookie_a": {"balance": "cookie-hash"},
            "load-balance: ewma": {"balance": "least-connections"},
            'proxy-read-timeout: "3600"': {"idle_timeout": 3600},
            'proxy-connect-timeout: "5"': {"connect_timeout": 5},
            'proxy-buffering: "off"': {"buffering": False},
            "proxy-buffering: on": {"buffering": True},
            "proxy-request-buffering: 'off'": {"request_buffering": False},
            "proxy-body-size: 8m": {"body_limit": 8 * 1024**2},
            'proxy-body-size: "0"': {"body_limit": 0},
            'proxy-http-version: "1.0"': {"http_version": "1.0"},
            "proxy-next-upstream: error timeout http_503 non_idempotent": {
                "retries_on": ("error", "timeout", "http-5xx", "non-idempotent")
            },
            "rewrite-target: /$2": {"rewrites_path": True},
            'ssl-redirect: "false"': {"redirects": "none"},
            'force-ssl-redirect: "true"': {"redirects": "https"},
            "backend-protocol: HTTPS": {"upstream_tls": True},
            "upstream-vhost: internal": {"sets_host": "fixed"},
            "cors-allow-headers: Mcp-Session-Id": {},  # without enable-cors, the controller ignores it
            'limit-rps: "10"': {"rate_limited": True},
            "whitelist-source-range: 10.0.0.0/8": {},
        },
    ),
    "nginx.org": (
        "nginx-ingress",
        {
            "sticky-cookie-services: serviceName=mcp srv_id expires=1h path=/": {"sticky": "cookie"},
            "lb-method: hash $http_mcp_session_id consistent": {"balance": "session-hash"},
            "lb-method: ip_hash": {"balance": "address-hash", "sticky": "address"},
            "lb-method: least_conn": {"balance": "least-connections"},
            "proxy-read-timeout: 1h30m": {"idle_timeout": 5400},
            'proxy-buffering: "False"': {"buffering": False},
            "client-max-body-size: 4m": {"body_limit": 4 * 1024**2},
            'keepalive: "32"': {"keepalive": True},
            'max-fails: "0"': {"max_fails": 0},
            "ssl-services: mcp": {"upstream_tls": True},
        },
    ),
    "traefik.ingress.kubernetes.io": ("traefik", {'router.tls: "true"': {"listens_tls": True}}),
    "haproxy.org": (
        "haproxy",
        {
            "load-balance: hdr(Mcp-Session-Id)": {"balance": "session-hash"},
            "load-balance: leastconn": {"balance": "least-connections"},
            "load-balance: source": {"balance": "address-hash", "sticky": "address"},
            'cookie-persistence: "srv"': {"sticky": "cookie"},
            "timeout-server: 50s": {"idle_timeout": 50},
            'timeout-server: "50000"': {"idle_timeout": 50},
        },
    ),
    "haproxy-ingress.github.io": ("haproxy", {"affinity: cookie": {"sticky": "cookie"}}),
    "konghq.com": ("other", {'response-buffering: "false"': {"buffering": False}}),
    "projectcontour.io": ("envoy", {"response-timeout: 15s": {"total_timeout": 15}}),
    "alb.ingress.kubernetes.io": (
        "alb",
        {
            "target-group-attributes: stickiness.enabled=true,deregistration_delay.timeout_seconds=30": {
                "sticky": "cookie",
                "drain_delay": 30,
            },
            "target-group-attributes: stickiness.enabled=false": {"sticky": "none"},
            "target-group-attributes: load_balancing.algorithm.type=least_outstanding_requests": {
                "balance": "least-connections"
            },
            "load-balancer-attributes: idle_timeout.timeout_seconds=4000": {"idle_timeout": 4000},
            "listen-ports: '[{\"HTTPS\":443}]'": {"listens_tls": True},
            "healthcheck-path: /mcp": {"health_check_path": "/mcp"},
        },
    ),
    "appgw.ingress.kubernetes.io": (
        "other",
        {'cookie-based-affinity: "true"': {"sticky": "cookie"}, 'request-timeout: "30"': {"total_timeout": 30}},
    ),
}


@pytest.mark.parametrize(
    ("prefix", "product", "line", "expected"),
    [
        (prefix, product, line, expected)
        for prefix, (product, cases) in CASES.items()
        for line, expected in cases.items()
    ],
)
def test_annotations_of_an_ingress(prefix: str, product: str, line: str, expected: dict[str, object]) -> None:
    proxy = annotated(f"    {prefix}/{line}")
    assert proxy.product == product
    assert values(proxy.observed) == expected
    assert all(each.location == Location("ingress.yaml", 6) for each in proxy.observed.values())


@pytest.mark.parametrize(
    ("class_name", "controller", "product"),
    [
        ("nginx", "", "ingress-nginx"),
        ("nginx", "nginx.org/ingress-controller", "nginx-ingress"),
        ("internal", "k8s.io/ingress-nginx", "ingress-nginx"),
        ("traefik", "", "traefik"),
        ("alb", "", "alb"),
        ("gce-internal", "", "gclb"),
        ("strange", "", "other"),
    ],
)
def test_the_product_of_an_ingress(class_name: str, controller: str, product: str) -> None:
    text = f"""\
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {{name: mcp}}
    spec: {{ingressClassName: {class_name}}}
    ---
    apiVersion: networking.k8s.io/v1
    kind: IngressClass
    metadata: {{name: {class_name if controller else "unused"}}}
    spec: {{controller: {controller or "a/b"}}}
    """
    assert only(a=text).product == product


@pytest.mark.parametrize(
    ("class_name", "product"),
    [("traefik", "traefik"), ("kong", "other"), ("nginx", "ingress-nginx"), ("public", "ingress-nginx")],
)
def test_the_class_counts_more_than_annotations_of_another_controller(class_name: str, product: str) -> None:
    proxy = annotated("    nginx.ingress.kubernetes.io/proxy-read-timeout: 300", class_name)
    assert proxy.product == product
    assert ("idle_timeout" in proxy.observed) == (product == "ingress-nginx")


def test_annotations_decide_between_controllers_with_the_same_class() -> None:
    assert annotated("    nginx.org/proxy-read-timeout: 300s", "nginx").product == "nginx-ingress"


def test_a_cookie_turns_off_the_hash_of_ingress_nginx() -> None:
    prefix = "    nginx.ingress.kubernetes.io"
    proxy = annotated(f"{prefix}/affinity: cookie\n{prefix}/upstream-hash-by: $http_mcp_session_id")
    assert values(proxy.observed) == {"sticky": "cookie"}


def test_the_text_of_a_snippet_is_named() -> None:
    found = deployed(
        {
            "a.yaml": """\
            apiVersion: networking.k8s.io/v1
            kind: Ingress
            metadata:
              name: mcp
              annotations:
                nginx.ingress.kubernetes.io/configuration-snippet: |
                  proxy_buffering off;
            """
        }
    )
    (unread,) = found.not_examined
    assert unread.why.startswith(
        "line 6: the directives in the annotation nginx.ingress.kubernetes.io/configuration-snippet"
    )


def test_annotations_of_a_service_count_for_its_upstream() -> None:
    service = """\
    apiVersion: v1
    kind: Service
    metadata:
      name: mcp
      annotations:
        traefik.ingress.kubernetes.io/service.sticky.cookie: "true"
        traefik.ingress.kubernetes.io/service.sticky.cookie.secure: "true"
        traefik.ingress.kubernetes.io/service.passhostheader: "false"
    spec: {ports: [{name: http, port: 8000}]}
    """
    proxy = annotated("", "traefik", service)
    assert values(proxy.upstreams[0].observed) == {"sticky": "cookie", "cookie_secure": True}
    assert values(proxy.routes[0].observed) == {"sets_host": "upstream"}


def test_a_backend_config_is_joined_by_the_annotation() -> None:
    service = """\
    apiVersion: v1
    kind: Service
    metadata:
      name: mcp
      annotations: {cloud.google.com/backend-config: '{"ports": {"8000": "long"}}'}
    spec: {ports: [{name: http, port: 8000}]}
    ---
    apiVersion: cloud.google.com/v1
    kind: BackendConfig
    metadata: {name: long}
    spec:
      timeoutSec: 3600
      sessionAffinity: {affinityType: CLIENT_IP}
      connectionDraining: {drainingTimeoutSec: 60}
      healthCheck: {requestPath: /mcp}
    """
    proxy = annotated("    kubernetes.io/ingress.class: gce", service=service)
    assert proxy.product == "gclb"
    assert lines(proxy.routes[0].observed) == {"total_timeout": (3600, 12)}
    assert values(proxy.upstreams[0].observed) == {"sticky": "address", "drain_delay": 60, "health_check_path": "/mcp"}


def test_a_service_with_a_load_balancer_is_a_proxy() -> None:
    text = """\
    apiVersion: v1
    kind: Service
    metadata:
      name: mcp
      annotations:
        service.beta.kubernetes.io/aws-load-balancer-target-group-attributes: stickiness.enabled=true,stickiness.type=source_ip
    spec:
      type: LoadBalancer
      loadBalancerClass: service.k8s.aws/nlb
      ports: [{port: 443}]
    """
    proxy = only(a=text)
    assert (proxy.product, values(proxy.observed)) == ("aws-nlb", {"sticky": "address"})
    assert proxy.upstreams[0].targets[0][:2] == ("mcp", 443)
    assert deployed({"a.yaml": SERVICE.replace("spec: {", "spec: {type: LoadBalancer, ")}).proxies == ()


ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: mcp, namespace: shop}
spec:
  parentRefs: [{name: public, namespace: infra}]
  hostnames: [a.example.com]
  rules:
    - matches:
        - path: {type: PathPrefix, value: /mcp}
        - headers: [{name: x, value: y}]
      timeouts:
        request: 0s
        backendRequest: 10s
      retry: {codes: [502, 503]}
      sessionPersistence:
        type: Header
        idleTimeout: 10m
      filters:
        - {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}
        - {type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Mcp-Session-Id]}}
      backendRefs:
        - {name: mcp, port: 8000, weight: 9}
        - {name: canary, namespace: other, port: 8001}
    - filters:
        - type: RequestRedirect
          requestRedirect: {scheme: https}
"""
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: infra}
spec:
  gatewayClassName: eg
  listeners: [{name: a, protocol: HTTPS, port: 443}]
"""


def test_a_route_of_the_gateway_api() -> None:
    proxy = only(a=ROUTE)
    assert (proxy.product, proxy.name, proxy.observed) == ("gateway-api", "HTTPRoute shop/mcp", {})
    first, second, redirect = proxy.routes
    assert first[:4] == (("a.example.com",), "/mcp", "prefix", "mcp:8000 canary.other:8001")
    assert second[:3] == (("a.example.com",), "", "every")
    assert lines(first.observed) == {
        "total_timeout": (10, 13),
        "retries_on": (("http-5xx",), 14),
        "rewrites_path": (True, 19),
        "removes_response_headers": (("mcp-session-id",), 20),
    }
    assert (values(redirect.observed), redirect.upstream) == ({"redirects": "https"}, "")
    (upstream,) = proxy.upstreams
    assert lines(upstream.observed) == {"sticky": ("session-header", 16), "sticky_timeout": (600, 17)}
    assert [target.host for target in upstream.targets] == ["mcp", "canary.other"]


def test_the_gateway_and_policies_count_for_a_route() -> None:
    policies = """\
    apiVersion: gateway.envoyproxy.io/v1alpha1
    kind: BackendTrafficPolicy
    metadata: {name: a, namespace: shop}
    spec:
      targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: mcp}]
      loadBalancer:
        type: ConsistentHash
        consistentHash:
          type: Header
          header: {name: Mcp-Session-Id}
      timeout: {http: {requestTimeout: 0s}}
      retry: {retryOn: {triggers: [5xx, connect-failure]}}
    ---
    apiVersion: gateway.envoyproxy.io/v1alpha1
    kind: ClientTrafficPolicy
    metadata: {name: b, namespace: infra}
    spec:
      targetRef: {kind: Gateway, name: public}
      timeout: {http: {idleTimeout: 5m}}
    ---
    apiVersion: networking.gke.io/v1
    kind: GCPBackendPolicy
    metadata: {name: c, namespace: shop}
    spec:
      targetRef: {kind: Service, name: mcp}
      default: {timeoutSec: 40}
    """
    proxy = only(a=ROUTE, b=GATEWAY, c=policies)
    assert proxy.product == "envoy"
    assert lines(proxy.observed) == {
        "listens_tls": (True, 6),
        "client_idle_timeout": (300, 19),
        "balance": ("session-hash", 10),
        "total_timeout": (0, 11),
        "retries_on": (("http-5xx", "reset", "connect-failure", "non-idempotent"), 12),
    }
    assert proxy.routes[0].observed["total_timeout"].value == 10


ISTIO = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: mcp, namespace: shop}
spec:
  hosts: ["*", a.example.com]
  http:
    - match: [{uri: {prefix: /mcp}}, {uri: {exact: /x}}]
      timeout: 15s
      retries: {attempts: 3, perTryTimeout: 5s, retryOn: "5xx,reset"}
      rewrite: {uri: /}
      corsPolicy: {allowHeaders: [mcp-session-id]}
      route:
        - destination: {host: mcp.shop.svc.cluster.local, port: {number: 8000}}
    - redirect: {scheme: https}
"""
RULE = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: mcp, namespace: shop}
spec:
  host: mcp
  trafficPolicy:
    loadBalancer:
      consistentHash:
        httpHeaderName: mcp-session-id
    connectionPool: {http: {idleTimeout: 1h}}
    outlierDetection: {consecutive5xxErrors: 5}
"""


def test_routes_and_rules_of_istio() -> None:
    proxy = only(a=ISTIO, b=RULE)
    assert (proxy.product, proxy.name) == ("istio", "VirtualService shop/mcp")
    assert [route[:4] for route in proxy.routes] == [
        (("a.example.com",), "/mcp", "prefix", "mcp:8000"),
        (("a.example.com",), "/x", "exact", "mcp:8000"),
        (("a.example.com",), "", "every", ""),
    ]
    assert lines(proxy.routes[0].observed) == {
        "total_timeout": (15, 8),
        "first_byte_timeout": (5, 9),
        "retries_on": (("http-5xx", "reset", "connect-failure", "non-idempotent"), 9),
        "rewrites_path": (True, 10),
        "cors_headers": (("mcp-session-id",), 11),
    }
    assert lines(proxy.upstreams[0].observed) == {
        "balance": ("session-hash", 9),
        "keepalive_timeout": (3600, 10),
        "max_fails": (5, 11),
    }


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("consistentHash: {httpHeaderName: x-user}", {"balance": "header-hash"}),
        ("consistentHash: {httpCookie: {name: a, ttl: 0s}}", {"balance": "cookie-hash", "sticky": "cookie"}),
        ("consistentHash: {useSourceIp: true}", {"balance": "address-hash", "sticky": "address"}),
        ("simple: LEAST_REQUEST", {"balance": "least-connections"}),
    ],
)
def test_a_rule_without_a_route_is_a_proxy_of_the_mesh(rule: str, expected: dict[str, object]) -> None:
    text = f"""\
    apiVersion: networking.istio.io/v1beta1
    kind: DestinationRule
    metadata: {{name: mcp}}
    spec:
      host: mcp.shop.svc.cluster.local
      trafficPolicy: {{loadBalancer: {{{rule}}}}}
    """
    proxy = only(a=text)
    assert (proxy.name, proxy.routes[0].match) == ("DestinationRule mcp", "every")
    assert values(proxy.upstreams[0].observed) == expected


def test_a_filter_that_rewrites_session_ids_counts_for_the_routes_of_istio() -> None:
    text = """\
    apiVersion: networking.istio.io/v1alpha3
    kind: EnvoyFilter
    metadata: {name: sessions, namespace: istio-system}
    spec:
      configPatches:
        - patch:
            value:
              typed_config:
                session_state: {name: envoy.http.stateful_session.envelope}
    """
    found = only(a=ISTIO, b=text).upstreams[0].observed["sticky"]
    assert (found.value, found.location) == ("rewritten", Location("b.yaml", 9))


def test_a_route_of_traefik() -> None:
    text = """\
    apiVersion: traefik.io/v1alpha1
    kind: IngressRoute
    metadata: {name: mcp}
    spec:
      tls: {}
      routes:
        - match: Host(`a.example.com`) && (PathPrefix(`/mcp`) || Path(`/x`))
          middlewares: [{name: strip}]
          services:
            - name: mcp
              port: 8000
              passHostHeader: false
              sticky: {cookie: {name: a, secure: true}}
    ---
    apiVersion: traefik.io/v1alpha1
    kind: Middleware
    metadata: {name: strip}
    spec: {stripPrefix: {prefixes: [/mcp]}}
    """
    proxy = only(a=text)
    assert proxy.product == "traefik"
    assert [route[:4] for route in proxy.routes] == [
        (("a.example.com",), "/mcp", "prefix", "mcp:8000"),
        (("a.example.com",), "/x", "exact", "mcp:8000"),
    ]
    assert lines(proxy.routes[0].observed) == {"rewrites_path": (True, 18), "sets_host": ("upstream", 12)}
    assert values(proxy.upstreams[0].observed) == {"sticky": "cookie", "cookie_secure": True}


def test_a_route_of_contour() -> None:
    text = """\
    apiVersion: projectcontour.io/v1
    kind: HTTPProxy
    metadata: {name: mcp}
    spec:
      virtualhost: {fqdn: a.example.com, tls: {secretName: a}}
      routes:
        - conditions: [{prefix: /mcp}]
          timeoutPolicy: {response: infinity, idle: 5m}
          loadBalancerPolicy:
            strategy: RequestHash
            requestHashPolicies: [{headerHashOptions: {headerName: Mcp-Session-Id}}]
          services: [{name: mcp, port: 8000}]
    """
    proxy = only(a=text)
    assert (proxy.product, values(proxy.observed)) == ("envoy", {"listens_tls": True})
    assert values(proxy.routes[0].observed) == {"total_timeout": 0, "idle_timeout": 300}
    assert values(proxy.upstreams[0].observed) == {"balance": "session-hash"}


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_cors_annotations_of_ingress_nginx_count_only_with_enable_cors(enabled: str) -> None:
    prefix = "    nginx.ingress.kubernetes.io"
    lines = (
        f'{prefix}/enable-cors: "{enabled}"',
        f"{prefix}/cors-allow-headers: Authorization, Mcp-Session-Id",
        f"{prefix}/cors-expose-headers: Mcp-Session-Id",
    )
    observed = annotated("\n".join(lines)).observed
    assert ("cors_headers" in observed) == ("cors_exposes" in observed) == (enabled == "true")


RETRIES = {
    '"connect-failure,refused-stream"': ("connect-failure",),
    "gateway-error": ("http-5xx", "non-idempotent"),
    '"503"': ("http-5xx", "non-idempotent"),
    '"retriable-status-codes"': ("http-5xx", "non-idempotent"),
}


@pytest.mark.parametrize("stated", RETRIES)
def test_conditions_of_istio_say_whether_a_post_is_repeated(stated: str) -> None:
    text = ISTIO.replace('"5xx,reset"', stated)
    assert only(a=text).routes[0].observed["retries_on"].value == RETRIES[stated]
    none = only(a=text.replace("attempts: 3", "attempts: 0"))
    assert none.routes[0].observed["retries_on"].value == ("none",)


@pytest.mark.parametrize("kind", ["add", "set"])
def test_added_response_headers_answer_other_origins(kind: str) -> None:
    headers = {
        "Access-Control-Allow-Origin": "https://a.example.com",
        "Access-Control-Allow-Headers": "Content-Type, X-A",
    }
    listed = ", ".join(f"{{name: {name}, value: '{value}'}}" for name, value in headers.items())
    route = ROUTE.replace("{remove: [Mcp-Session-Id]}", f"{{{kind}: [{listed}]}}")
    mapped = ", ".join(f"{name}: '{value}'" for name, value in headers.items())
    istio = ISTIO.replace("rewrite:", f"headers: {{response: {{{kind}: {{{mapped}}}}}}}\n      rewrite:")
    for proxy in (only(a=route), only(a=istio.replace("      corsPolicy: {allowHeaders: [mcp-session-id]}\n", ""))):
        found = values(proxy.routes[0].observed)
        assert found["cors_headers"] == ("content-type", "x-a")
        assert found["cors_origin"] == "https://a.example.com"
        assert found["sets_response_headers"] == tuple(name.lower() for name in headers)


def test_the_middlewares_of_an_annotation_count_for_an_ingress() -> None:
    middleware = """\
    apiVersion: traefik.io/v1alpha1
    kind: Middleware
    metadata: {name: small, namespace: shop}
    spec: {buffering: {maxRequestBodyBytes: 1000}, compress: {}}
    """
    names = "  router.middlewares: shop-small@kubernetescrd, shop-other@kubernetescrd"
    proxy = only(
        a=middleware,
        b=f"""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: mcp
  namespace: shop
  annotations:
  {names.replace("router", "traefik.ingress.kubernetes.io/router")}
spec:
  rules: [{{http: {{paths: [{{path: /mcp, backend: {{service: {{name: mcp, port: {{number: 80}}}}}}}}]}}}}]
""",
    )
    assert proxy.product == "traefik"
    assert lines(proxy.observed) == {
        "body_limit": (1000, 4),
        "request_buffering": (True, 4),
        "buffering": (True, 4),
        "compression": (True, 4),
    }
