//! Manifests as repositories hold them and clusters print them, of any size.

use std::fmt::Write as _;

/// How many namespaces there are, and applications in each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Namespaces.
    pub namespaces: usize,
    /// Applications of a namespace, each with a policy of its own.
    pub applications: usize,
}

impl Extent {
    /// The applications that one is called by and calls, as pairs of namespace and application: mostly neighbours.
    fn near(self, namespace: usize, application: usize) -> [(usize, usize); 3] {
        let mixed = namespace * 31 + application * 17;
        [
            (namespace, (application + 1) % self.applications),
            (namespace, (application + 7) % self.applications),
            (mixed % self.namespaces, mixed % self.applications),
        ]
    }
}

/// A repository: a file for each policy, one with the workloads of each namespace, all of it in YAML.
pub(crate) fn repository(extent: Extent) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for namespace in 0..extent.namespaces {
        let mut workloads = format!(
            "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-{namespace}\n  labels:\n    team: team-{namespace}\n"
        );
        for application in 0..extent.applications {
            deployment(namespace, application, &mut workloads);
            let policy = policy(extent, namespace, application);
            files.push((format!("team-{namespace}/policies/app-{application}.yaml"), policy));
        }
        files.push((format!("team-{namespace}/policies/default-deny.yaml"), denial(namespace)));
        files.push((format!("team-{namespace}/workloads.yaml"), workloads));
    }
    files
}

fn denial(namespace: usize) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: default-deny\n  namespace: \
         team-{namespace}\nspec:\n  podSelector: {{}}\n  policyTypes:\n  - Ingress\n  - Egress\n"
    )
}

/// As the compiler lays a policy out, and most people do.
fn policy(extent: Extent, namespace: usize, application: usize) -> String {
    let mut text = format!(
        "# Who calls app-{application}, and whom it calls.\n\
         apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata:\n\
         \x20 name: allow-app-{application}\n\
         \x20 namespace: \"team-{namespace}\"\n\
         \x20 labels:\n\
         \x20   app.kubernetes.io/managed-by: \"platform\"\n\
         spec:\n\
         \x20 podSelector:\n\
         \x20   matchLabels:\n\
         \x20     \"app.kubernetes.io/name\": \"app-{application}\"\n\
         \x20 policyTypes:\n\
         \x20   - Ingress\n\
         \x20   - Egress\n"
    );
    for (direction, side) in [("ingress", "from"), ("egress", "to")] {
        writeln!(text, "  {direction}:").unwrap();
        for (there, other) in extent.near(namespace, application) {
            writeln!(
                text,
                "    - {side}:\n        - namespaceSelector:\n            matchLabels:\n              \
                 \"kubernetes.io/metadata.name\": \"team-{there}\"\n          podSelector:\n            matchLabels:\n              \
                 \"app.kubernetes.io/name\": \"app-{other}\"\n      ports:\n        - protocol: TCP\n          port: 8080"
            )
            .unwrap();
        }
    }
    text.push_str(
        "    - ports:\n        - protocol: UDP\n          port: 53\n        - protocol: TCP\n          port: 53\n",
    );
    text
}

fn deployment(namespace: usize, application: usize, text: &mut String) {
    writeln!(
        text,
        "---\n\
         apiVersion: apps/v1\n\
         kind: Deployment\n\
         metadata:\n\
         \x20 name: app-{application}\n\
         \x20 namespace: team-{namespace}\n\
         \x20 labels:\n\
         \x20   app.kubernetes.io/name: app-{application}\n\
         spec:\n\
         \x20 replicas: 3\n\
         \x20 selector:\n\
         \x20   matchLabels:\n\
         \x20     app.kubernetes.io/name: app-{application}\n\
         \x20 template:\n\
         \x20   metadata:\n\
         \x20     labels:\n\
         \x20       app.kubernetes.io/name: app-{application}\n\
         \x20   spec:\n\
         \x20     serviceAccountName: app-{application}\n\
         \x20     securityContext:\n\
         \x20       runAsNonRoot: true\n\
         \x20     containers:\n\
         \x20     - name: app\n\
         \x20       image: registry.example.com/team-{namespace}/app-{application}:v1.{application}.0\n\
         \x20       args:\n\
         \x20       - --port=8080\n\
         \x20       - --log-level=info\n\
         \x20       env:\n\
         \x20       - name: DATABASE_URL\n\
         \x20         value: postgres://db.team-{namespace}.svc:5432/app\n\
         \x20       - name: SELF\n\
         \x20         valueFrom:\n\
         \x20           fieldRef:\n\
         \x20             fieldPath: metadata.name\n\
         \x20       ports:\n\
         \x20       - name: http\n\
         \x20         containerPort: 8080\n\
         \x20         protocol: TCP\n\
         \x20       readinessProbe:\n\
         \x20         httpGet:\n\
         \x20           path: /healthz\n\
         \x20           port: http\n\
         \x20       resources:\n\
         \x20         requests:\n\
         \x20           cpu: 100m\n\
         \x20           memory: 128Mi\n\
         \x20         limits:\n\
         \x20           memory: 256Mi"
    )
    .unwrap();
}

/// What `kubectl get ... -A -o json` prints of a cluster with ten pods of each application: a list of all Namespaces, pods
/// with their status and who wrote which field, Services and policies.
pub(crate) fn dump(extent: Extent) -> String {
    let mut items: Vec<String> = Vec::new();
    for namespace in 0..extent.namespaces {
        items.push(format!(
            r#"{{"apiVersion": "v1", "kind": "Namespace", "metadata": {{"name": "team-{namespace}", "labels": {{
            "kubernetes.io/metadata.name": "team-{namespace}", "team": "team-{namespace}"}}}}, "status": {{"phase": "Active"}}}}"#
        ));
        let reader = |direction: &str, side: &str, application: usize| {
            let near = extent.near(namespace, application).map(|(there, other)| {
                format!(
                    r#"{{"namespaceSelector": {{"matchLabels": {{"kubernetes.io/metadata.name": "team-{there}"}}}},
                    "podSelector": {{"matchLabels": {{"app": "app-{other}"}}}}}}"#
                )
            });
            format!(
                r#""{direction}": [{{"{side}": [{}], "ports": [{{"protocol": "TCP", "port": 8080}}]}}]"#,
                near.join(", ")
            )
        };
        for application in 0..extent.applications {
            items.push(format!(
                r#"{{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {{
                "name": "allow-app-{application}", "namespace": "team-{namespace}", "generation": 1}}, "spec": {{
                "podSelector": {{"matchLabels": {{"app": "app-{application}"}}}}, {}, "policyTypes": ["Ingress"]}}}}"#,
                reader("ingress", "from", application)
            ));
            items.push(format!(
                r#"{{"apiVersion": "v1", "kind": "Service", "metadata": {{"name": "app-{application}",
                "namespace": "team-{namespace}"}}, "spec": {{"clusterIP": "10.96.{}.{application}", "type": "ClusterIP",
                "selector": {{"app": "app-{application}"}},
                "ports": [{{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}}]}}}}"#,
                namespace % 256
            ));
            items.extend((0..10).map(|number| pod(namespace, application, number)));
        }
    }
    format!(
        "{{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n{}\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {{\n        \
         \"resourceVersion\": \"\"\n    }}\n}}\n",
        items.join(",\n")
    )
}

/// A pod as it runs, laid out as `kubectl` does it.
#[allow(clippy::too_many_lines, reason = "it is one text")]
fn pod(namespace: usize, application: usize, number: usize) -> String {
    let hash = (namespace * 1_000 + application) % 1_000_000;
    let owner = format!("app-{application}-{hash:06}");
    let name = format!("{owner}-{number:05}");
    let address = format!("10.{}.{}.{number}", 128 + namespace % 100, application % 256);
    let node = format!("node-{}", (namespace * 7 + application * 3 + number) % 300);
    let mut text = format!(
        r#"        {{
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {{
                "creationTimestamp": "2026-05-04T10:11:12Z",
                "generateName": "{owner}-",
                "labels": {{
                    "app": "app-{application}",
                    "pod-template-hash": "{hash:06}"
                }},
                "managedFields": [
                    {{
                        "apiVersion": "v1",
                        "fieldsType": "FieldsV1",
                        "fieldsV1": {{
                            "f:metadata": {{
                                "f:generateName": {{}},
                                "f:labels": {{
                                    ".": {{}},
                                    "f:app": {{}},
                                    "f:pod-template-hash": {{}}
                                }},
                                "f:ownerReferences": {{
                                    ".": {{}},
                                    "k:{{\"uid\":\"5c9e0c1e-{hash:06}\"}}": {{}}
                                }}
                            }},
                            "f:spec": {{
                                "f:containers": {{
                                    "k:{{\"name\":\"app\"}}": {{
                                        ".": {{}},
                                        "f:image": {{}},
                                        "f:name": {{}},
                                        "f:ports": {{
                                            ".": {{}},
                                            "k:{{\"containerPort\":8080,\"protocol\":\"TCP\"}}": {{
                                                ".": {{}},
                                                "f:containerPort": {{}}
                                            }}
                                        }}
                                    }}
                                }}
                            }}
                        }},
                        "manager": "kube-controller-manager",
                        "operation": "Update",
                        "time": "2026-05-04T10:11:12Z"
                    }}
                ],
                "name": "{name}",
                "namespace": "team-{namespace}",
                "ownerReferences": [
                    {{
                        "apiVersion": "apps/v1",
                        "blockOwnerDeletion": true,
                        "controller": true,
                        "kind": "ReplicaSet",
                        "name": "{owner}",
                        "uid": "5c9e0c1e-{hash:06}"
                    }}
                ],
                "resourceVersion": "{hash}{number}",
                "uid": "0d1b9a4c-{hash:06}-{number:05}"
            }},
"#
    );
    write!(
        text,
        r#"            "spec": {{
                "containers": [
                    {{
                        "args": [
                            "--port=8080",
                            "--log-level=info"
                        ],
                        "env": [
                            {{
                                "name": "DATABASE_URL",
                                "value": "postgres://db.team-{namespace}.svc:5432/app"
                            }}
                        ],
                        "image": "registry.example.com/team-{namespace}/app-{application}:v1.{application}.0",
                        "imagePullPolicy": "IfNotPresent",
                        "name": "app",
                        "ports": [
                            {{
                                "containerPort": 8080,
                                "name": "http",
                                "protocol": "TCP"
                            }}
                        ],
                        "resources": {{
                            "limits": {{
                                "memory": "256Mi"
                            }},
                            "requests": {{
                                "cpu": "100m",
                                "memory": "128Mi"
                            }}
                        }},
                        "terminationMessagePath": "/dev/termination-log",
                        "volumeMounts": [
                            {{
                                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                                "name": "kube-api-access-{number:05}",
                                "readOnly": true
                            }}
                        ]
                    }}
                ],
                "dnsPolicy": "ClusterFirst",
                "enableServiceLinks": true,
                "nodeName": "{node}",
                "restartPolicy": "Always",
                "serviceAccountName": "app-{application}",
                "tolerations": [
                    {{
                        "effect": "NoExecute",
                        "key": "node.kubernetes.io/not-ready",
                        "operator": "Exists",
                        "tolerationSeconds": 300
                    }}
                ]
            }},
            "status": {{
                "conditions": [
                    {{
                        "lastTransitionTime": "2026-05-04T10:11:12Z",
                        "status": "True",
                        "type": "Ready"
                    }}
                ],
                "containerStatuses": [
                    {{
                        "image": "registry.example.com/team-{namespace}/app-{application}:v1.{application}.0",
                        "name": "app",
                        "ready": true,
                        "restartCount": 0,
                        "state": {{
                            "running": {{
                                "startedAt": "2026-05-04T10:11:14Z"
                            }}
                        }}
                    }}
                ],
                "hostIP": "192.168.10.20",
                "phase": "Running",
                "podIP": "{address}",
                "podIPs": [
                    {{
                        "ip": "{address}"
                    }}
                ],
                "qosClass": "Burstable",
                "startTime": "2026-05-04T10:11:12Z"
            }}
        }}"#
    )
    .unwrap();
    text
}
