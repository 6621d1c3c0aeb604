//! An explanation for programs.

use super::WhyReport;
use super::mend::{WrittenMend, manifests};
use crate::ask::{Misfit, NearFlow, NearRule, Origin, WhySide, Wrong, WrongRule};
use crate::cli::edit;
use crate::cli::json::{document as print, ports, unmodelled, unread};
use crate::cli::reach::end_text;
use crate::cli::step::with_step;
use crate::engine::EndId;
use crate::net::Direction;
use crate::session::WrittenEdits;
use crate::source::Span;
use serde_json::{Value, json};

/// One object with the schema `polder/why/v1`.
pub(super) fn document(report: &WhyReport<'_>) -> String {
    let explanation = &report.explanation;
    let [egress, ingress] = &explanation.sides;
    let missing: Vec<String> = explanation.doubts.iter().map(ToString::to_string).collect();
    let forbidden = report.forbidden().into_iter();
    let forbidden: Vec<Value> =
        forbidden.map(|fact| json!({ "statement": fact.text, "place": place(report, fact.span) })).collect();
    let document = json!({
        "schema": "polder/why/v1",
        "complete": report.subject.unmodelled().is_empty() && report.subject.unread().is_empty(),
            "unmodelled": unmodelled(report.subject.unmodelled()),
            "unread": unread(report.subject.unread()),
        "from": report.args.from,
        "to": report.args.to,
        "ports": ports(&report.asked),
        "answer": explanation.says.word(),
        "about": {
            "source": end(report, explanation.source),
            "destination": end(report, explanation.destination),
            "ports": ports(&explanation.ports),
        },
        "unlike": explanation.unlike.map(|(source, destination)| {
            json!({ "source": end(report, source), "destination": end(report, destination) })
        }),
        "over": explanation.over.map(|family| family.to_string()),
        "same_pod": explanation.itself,
        "allowed_ports": ports(&explanation.allowed),
        "egress": side(report, egress),
        "ingress": side(report, ingress),
        "missing": missing,
        "notes": report.notes,
        "near": explanation.near_flows.iter().map(|near| near_flow(report, near)).collect::<Vec<_>>(),
        "forbidden_by": forbidden,
        "mend": mend(report),
    });
    print(&with_step(document, report.subject.step()))
}

fn end(report: &WhyReport<'_>, end: EndId) -> Value {
    let names: Vec<String> = report.situation.names_of(end).iter().map(ToString::to_string).collect();
    json!({ "names": names, "example": end_text(report.situation, end) })
}

fn place(report: &WhyReport<'_>, span: Option<Span>) -> Option<Value> {
    let span = span?;
    let file = report.subject.sources().file(span.file)?;
    let position = file.position(span.start);
    Some(json!({ "path": file.path, "line": position.line, "column": position.column }))
}

fn origin(report: &WhyReport<'_>, one: &Origin) -> Value {
    let span = report.origin(one).1;
    match one {
        Origin::Flow(_) => json!({ "kind": "flow", "statement": report.origin(one).0, "place": place(report, span) }),
        Origin::Dns { namespace, text, span } => json!({
            "kind": "dns", "statement": &**text, "namespace": &**namespace, "place": place(report, *span),
        }),
    }
}

fn side(report: &WhyReport<'_>, side: &WhySide) -> Value {
    let policy = |at: usize| {
        let (name, span) = report.policy(at);
        json!({ "policy": name, "place": place(report, span) })
    };
    let grant = |policy: usize, rule: usize, peer: Option<usize>| {
        let (path, span) = report.rule(side.direction, policy, rule, peer);
        (report.policy(policy).0, path, place(report, span))
    };
    let settings = side.settings.iter().map(|setting| {
        json!({
            "namespace": &*setting.namespace,
            "statement": setting.text.as_deref(),
            "place": place(report, Some(setting.span)),
        })
    });
    let rules = side.grants.iter().map(|one| {
        let (policy, path, place) = grant(one.policy, one.rule, one.peer);
        let sure = one.truth == crate::net::Truth::Yes;
        json!({ "policy": policy, "path": path, "place": place, "ports": ports(&one.ports), "sure": sure })
    });
    let rulings = side.rulings.iter().map(|one| {
        let (policy, path, span) = report.ruling(side.direction, one);
        json!({
            "policy": policy,
            "path": path,
            "place": place(report, span),
            "action": one.action.word(),
            "ports": ports(&one.ports),
            "sure": one.truth == crate::net::Truth::Yes,
        })
    });
    let near = side.near_rules.iter().map(|near: &NearRule| {
        let (policy, path, place) = grant(near.policy, near.rule, near.peer);
        let (wrong, detail) = wrong_rule(&near.wrong);
        json!({ "policy": policy, "path": path, "place": place, "wrong": wrong, "detail": detail })
    });
    json!({
        "subject": end(report, side.subject),
        "answer": side.says.word(),
        "isolated": !side.isolating.is_empty(),
        "rulings": rulings.collect::<Vec<_>>(),
        "isolated_by": settings.collect::<Vec<_>>(),
        "policies": side.isolating.iter().map(|at| policy(*at)).collect::<Vec<_>>(),
        "allowed_by": side.origins.iter().map(|one| origin(report, one)).collect::<Vec<_>>(),
        "rules": rules.collect::<Vec<_>>(),
        "near": near.collect::<Vec<_>>(),
    })
}

fn near_flow(report: &WhyReport<'_>, near: &NearFlow) -> Value {
    let (wrong, detail) = match &near.wrong {
        Wrong::Ports(others) => ("ports", json!(ports(others))),
        Wrong::Source(other) => ("source", misfit(other)),
        Wrong::Destination(other) => ("destination", misfit(other)),
        Wrong::OneSide(side) => ("side", json!(side.word())),
        Wrong::NotStated(name, labels) => ("labels", json!({ "namespace": &**name, "labels": labels.to_string() })),
        Wrong::Reverse => ("direction", Value::Null),
        Wrong::Dns => ("dns", Value::Null),
    };
    json!({ "allows": origin(report, &near.origin), "wrong": wrong, "detail": detail })
}

fn wrong_rule(wrong: &WrongRule) -> (&'static str, Value) {
    match wrong {
        WrongRule::Ports(others) => ("ports", json!(ports(others))),
        WrongRule::Peer(other) => ("peer", misfit(other)),
        WrongRule::Subject(missing) => ("subject", json!({ "labels": missing.to_string() })),
    }
}

fn misfit(misfit: &Misfit) -> Value {
    match misfit {
        Misfit::Labels { missing, .. } => json!({ "labels": missing.to_string() }),
        Misfit::Namespace(selector) => json!({ "namespace_labels": selector.to_string() }),
        Misfit::Addresses(addresses) => {
            json!({ "addresses": addresses.to_nets().iter().map(ToString::to_string).collect::<Vec<_>>() })
        }
        Misfit::Kind => Value::Null,
    }
}

fn mend(report: &WhyReport<'_>) -> Value {
    match &report.mend {
        None => Value::Null,
        Some(WrittenMend::Policies(policies)) => {
            let each = policies.iter().map(|policy| {
                let direction = if policy.ingress.is_some() { Direction::Ingress } else { Direction::Egress };
                json!({
                    "policy": format!("{}/{}", policy.namespace, policy.name),
                    "direction": direction.word(),
                    "manifest": manifests(std::slice::from_ref(policy)),
                })
            });
            json!({ "policies": each.collect::<Vec<_>>() })
        }
        Some(WrittenMend::Edits(WrittenEdits { edits, doubts })) => {
            let each = edits.iter().map(|one| edit::json(one, |span| place(report, span)));
            let missing: Vec<String> = doubts.iter().map(ToString::to_string).collect();
            json!({ "edits": each.collect::<Vec<_>>(), "missing": missing })
        }
    }
}
