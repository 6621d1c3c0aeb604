//! The validator of the tests, both ways: what it must refuse and what it must take.

use crate::validation::validate;

/// A whole manifest around a `spec`, which is written in flow style.
fn spec(spec: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: a, namespace: b}}, spec: {spec}}}"
    )
}

fn metadata(metadata: &str) -> String {
    format!("{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {metadata}, spec: {{}}}}")
}

fn port(port: &str) -> String {
    spec(&format!("{{ingress: [{{ports: [{port}]}}]}}"))
}

fn peer(peer: &str) -> String {
    spec(&format!("{{egress: [{{to: [{peer}]}}]}}"))
}

fn subject(selector: &str) -> String {
    spec(&format!("{{podSelector: {selector}}}"))
}

/// Each is refused with one complaint that contains the words, and by the reader as well.
#[track_caller]
fn refused(yaml: &str, words: &str) {
    let found = validate(yaml);
    assert!(found.len() == 1 && found[0].contains(words), "{yaml}\nexpected {words:?}, found {found:?}");
    let reading = polder::k8s::read(yaml, "default");
    assert!(reading.policies.is_empty() && !reading.problems.is_empty(), "read: {yaml}");
}

#[track_caller]
fn accepted(yaml: &str) {
    assert_eq!(validate(yaml), [""; 0], "{yaml}");
    let reading = polder::k8s::read(yaml, "default");
    assert!(reading.policies.len() == 1 && reading.problems.is_empty(), "{yaml}\n{:?}", reading.problems);
}

#[test]
fn names_and_namespaces() {
    let long = |length: usize| "a".repeat(length);
    for name in ["a", "a.b-c.9", "0", &long(253)] {
        accepted(&metadata(&format!("{{name: \"{name}\", namespace: b}}")));
    }
    for name in ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "a/b", "ä", &long(254)] {
        refused(&metadata(&format!("{{name: \"{name}\", namespace: b}}")), "no DNS-1123 subdomain");
    }
    accepted(&metadata(&format!("{{name: a, namespace: \"{}\"}}", long(63))));
    for namespace in ["a.b", "A", "-a", &long(64)] {
        refused(&metadata(&format!("{{name: a, namespace: \"{namespace}\"}}")), "no DNS-1123 label");
    }
}

#[test]
fn labels_and_annotations() {
    let long = |length: usize| "a".repeat(length);
    let keys = ["a", "A.b_c-9", "x.io/a", &long(63), &format!("{}/a", long(63))];
    for key in keys {
        accepted(&metadata(&format!("{{name: a, namespace: b, labels: {{\"{key}\": \"\"}}}}")));
        accepted(&metadata(&format!("{{name: a, namespace: b, annotations: {{\"{key}\": \"ä\\n\"}}}}")));
        accepted(&subject(&format!("{{matchLabels: {{\"{key}\": b}}}}")));
    }
    for key in ["", "/a", "a/", "a/b/c", "X.io/a", "-a", "a-", "a b", "ä", &long(64)] {
        refused(&metadata(&format!("{{name: a, namespace: b, labels: {{\"{key}\": \"\"}}}}")), "label key");
        refused(&subject(&format!("{{matchLabels: {{\"{key}\": b}}}}")), "label key");
        refused(&subject(&format!("{{matchExpressions: [{{key: \"{key}\", operator: Exists}}]}}")), "label key");
    }
    for value in ["-a", "a-", "a b", "a/b", "ä", &long(64)] {
        refused(&metadata(&format!("{{name: a, namespace: b, labels: {{a: \"{value}\"}}}}")), "label value");
        refused(&subject(&format!("{{matchLabels: {{a: \"{value}\"}}}}")), "label value");
        refused(
            &subject(&format!("{{matchExpressions: [{{key: a, operator: In, values: [\"{value}\"]}}]}}")),
            "label value",
        );
    }
    for value in ["1", "true", "{}"] {
        refused(&metadata(&format!("{{name: a, namespace: b, labels: {{a: {value}}}}}")), "must be a string");
        refused(&metadata(&format!("{{name: a, namespace: b, annotations: {{a: {value}}}}}")), "must be a string");
    }
    let annotation = |length| metadata(&format!("{{name: a, namespace: b, annotations: {{a: {}}}}}", long(length)));
    accepted(&annotation(256 * 1024 - 1));
    refused(&annotation(256 * 1024), "Too long");
}

#[test]
fn selectors() {
    for good in [
        "{}",
        "{matchLabels: {}}",
        "{matchExpressions: []}",
        "{matchExpressions: [{key: a, operator: NotIn, values: [\"\", b]}]}",
    ] {
        accepted(&subject(good));
        accepted(&peer(&format!("{{podSelector: {good}, namespaceSelector: {good}}}")));
    }
    let expression = |fields: &str| format!("{{matchExpressions: [{{key: a, {fields}}}]}}");
    let bad = [
        ("operator: In", "must be specified"),
        ("operator: NotIn, values: []", "must be specified"),
        ("operator: Exists, values: [a]", "may not be specified"),
        ("operator: DoesNotExist, values: [a]", "may not be specified"),
        ("operator: in, values: [a]", "not a valid selector operator"),
        ("operator: Gt, values: [a]", "not a valid selector operator"),
        ("values: [a]", "not a valid selector operator"),
        ("operator: In, values: [1]", "must be a string"),
        ("operator: Exists, value: a", "unknown field"),
    ];
    for (fields, words) in bad {
        refused(&subject(&expression(fields)), words);
        refused(&peer(&format!("{{namespaceSelector: {}}}", expression(fields))), words);
    }
}

#[test]
fn directions() {
    for types in ["[]", "[Ingress]", "[Egress, Ingress]", "[Egress, Egress]"] {
        accepted(&spec(&format!("{{policyTypes: {types}}}")));
    }
    refused(&spec("{policyTypes: [Ingress, Egress, Egress]}"), "more than two");
    for types in ["[ingress]", "[Both]", "[\"\"]", "[1]"] {
        refused(&spec(&format!("{{policyTypes: {types}}}")), "Unsupported value");
    }
    refused(&spec("{podselector: {}}"), "unknown field");
    refused(&spec("{ingress: [{form: []}]}"), "unknown field");
    refused(&spec("{ingress: [{to: []}]}"), "unknown field");
    refused(&spec("{egress: [{from: []}]}"), "unknown field");
}

#[test]
fn ports() {
    let good = [
        "{}",
        "{protocol: SCTP}",
        "{port: 1}",
        "{port: 65535}",
        "{port: 1, endPort: 1}",
        "{port: 1, endPort: 65535}",
        "{port: web-1}",
        "{port: a}",
        "{port: abcdefghijklmno}",
    ];
    good.iter().for_each(|good| accepted(&port(good)));
    let bad = [
        ("{protocol: tcp}", "Unsupported value"),
        ("{protocol: ICMP}", "Unsupported value"),
        ("{port: 0}", "between 1 and 65535"),
        ("{port: -1}", "between 1 and 65535"),
        ("{port: 65536}", "between 1 and 65535"),
        ("{port: 1, endPort: 65536}", "between 1 and 65535"),
        ("{endPort: 1}", "`port` is not specified"),
        ("{port: 2, endPort: 1}", "greater than or equal"),
        ("{port: web, endPort: 1}", "non-numeric"),
        ("{port: \"80\"}", "no port name"),
        ("{port: \"\"}", "no port name"),
        ("{port: WEB}", "no port name"),
        ("{port: a--b}", "no port name"),
        ("{port: -a}", "no port name"),
        ("{port: a-}", "no port name"),
        ("{port: a_b}", "no port name"),
        ("{port: abcdefghijklmnop}", "no port name"),
        ("{port: true}", "number or a string"),
        ("{ports: 1}", "unknown field"),
    ];
    bad.iter().for_each(|(bad, words)| refused(&port(bad), words));
}

#[test]
fn peers() {
    accepted(&peer("{podSelector: {}}"));
    accepted(&peer("{namespaceSelector: {}, podSelector: null}"));
    refused(&peer("{}"), "must specify a peer");
    refused(&peer("{podSelector: null}"), "must specify a peer");
    refused(&peer("{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}"), "may not specify both");
    refused(&peer("{namespaceSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}"), "may not specify both");
    refused(&peer("{ipBlock: {}}"), "Required value");
    refused(&peer("{ipblock: {cidr: 10.0.0.0/8}, podSelector: {}}"), "unknown field");
}

#[test]
fn blocks() {
    let block = |cidr: &str| peer(&format!("{{ipBlock: {{cidr: \"{cidr}\"}}}}"));
    for good in ["0.0.0.0/0", "10.0.0.1/32", "::/0", "2001:db8::/64", "2001:db8::1/128", "64:ff9b::/96"] {
        accepted(&block(good));
    }
    let bad = [
        ("10.0.0.0", "valid CIDR"),
        ("10.0.0.0/33", "valid CIDR"),
        ("10.0.0.0/-1", "valid CIDR"),
        ("10.0.0.0/+8", "valid CIDR"),
        ("10.0.0/8", "valid CIDR"),
        ("256.0.0.0/8", "valid CIDR"),
        ("::/129", "valid CIDR"),
        ("fe80::%eth0/64", "valid CIDR"),
        (" 10.0.0.0/8", "valid CIDR"),
        ("::ffff:10.0.0.0/104", "IPv4-mapped"),
    ];
    bad.iter().for_each(|(bad, words)| refused(&block(bad), words));
    // What a cluster may hold from before it was refused.
    let old = [
        ("010.0.0.0/8", "leading 0s", "10.0.0.0/8"),
        ("10.0.0.0/08", "leading 0s", "10.0.0.0/8"),
        ("10.0.0.00/8", "leading 0s", "10.0.0.0/8"),
        ("10.0.0.1/8", "bits set beyond", "10.0.0.0/8"),
        ("2001:db8::1/64", "bits set beyond", "2001:db8::/64"),
        ("2001:DB8::/64", "canonical", "2001:db8::/64"),
    ];
    for (old, words, meant) in old {
        let found = validate(&block(old));
        assert!(found.len() == 1 && found[0].contains(words), "{old}: {found:?}");
        let reading = polder::k8s::read(&block(old), "default");
        assert!(
            reading.warnings.len() == 1 && reading.warnings[0].reason.contains(words),
            "{old}: {:?}",
            reading.warnings
        );
        assert_eq!(reading.policies[0].policy, polder::k8s::read(&block(meant), "default").policies[0].policy);
    }
    let except = |cidr: &str, except: &str| peer(&format!("{{ipBlock: {{cidr: \"{cidr}\", except: [{except}]}}}}"));
    accepted(&except("10.0.0.0/8", "10.0.0.0/9, 10.255.255.255/32, 10.0.0.0/9, 10.0.0.0/10"));
    accepted(&except("::/0", "\"::/1\", \"ff00::/8\""));
    for inner in ["10.0.0.0/8", "0.0.0.0/0", "11.0.0.0/9", "\"::/9\"", "192.168.0.0/16"] {
        refused(&except("10.0.0.0/8", inner), "strict subset");
    }
}

/// The server warns of these and takes them; so does the reader, which writes them in the canonical form.
#[test]
fn warnings() {
    for (cidr, canonical) in
        [("2001:DB8::/32", "2001:db8::/32"), ("0::/0", "::/0"), ("::0102:0304/128", "::102:304/128")]
    {
        let yaml = peer(&format!("{{ipBlock: {{cidr: \"{cidr}\"}}}}"));
        let found = validate(&yaml);
        assert!(
            found.len() == 1 && found[0].contains(&format!("warning: should be in canonical format {canonical}")),
            "{found:?}"
        );
        let reading = polder::k8s::read(&yaml, "default");
        let text = crate::manifests::stream(reading.policies.iter().map(|read| &read.policy));
        assert!(text.contains(&format!("cidr: \"{canonical}\"")), "{text}");
        assert_eq!(validate(&text), [""; 0]);
    }
}
