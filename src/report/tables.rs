//! What is reported as tables, before they have a form.

use super::{AuditFinding, AuditPlace, AuditReport, ClosureCount};
use crate::graph::{Certainty, Closure};

/// More places of one row than these are counted.
const MOST_PLACES: usize = 6;

/// A table with what stands above it.
pub(super) struct AuditTable {
    /// Where a link leads that is about it.
    pub id: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// What stands above it, in sentences.
    pub intro: Vec<String>,
    /// The heads of its columns.
    pub heads: &'static [&'static str],
    /// Its rows.
    pub rows: Vec<AuditRow>,
    /// What stands in its place where it has no rows.
    pub none: &'static str,
}

/// A row.
pub(super) struct AuditRow {
    /// Where a link leads that is about it.
    pub id: Option<String>,
    /// Its cells.
    pub cells: Vec<AuditCell>,
}

/// A cell.
pub(super) enum AuditCell {
    /// Words.
    Words(String),
    /// Names and ports.
    Code(String),
    /// A verdict: a sign, a word, and how bad it is.
    Verdict(VerdictTone, &'static str, String),
    /// Statements with their places.
    Places(Vec<AuditPlace>),
    /// A number.
    Number(usize),
}

/// How bad a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VerdictTone {
    Good,
    Mixed,
    Bad,
    Plain,
}

impl VerdictTone {
    /// A word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            VerdictTone::Good => "good",
            VerdictTone::Mixed => "mixed",
            VerdictTone::Bad => "bad",
            VerdictTone::Plain => "plain",
        }
    }
}

fn row(cells: Vec<AuditCell>) -> AuditRow {
    AuditRow { id: None, cells }
}

fn closure(closure: Closure) -> AuditCell {
    let (tone, sign) = match closure {
        Closure::Closed => (VerdictTone::Good, "\u{25cf}"),
        Closure::HalfOpen(_) | Closure::Partly => (VerdictTone::Mixed, "\u{25d0}"),
        Closure::Open => (VerdictTone::Bad, "\u{25cb}"),
    };
    AuditCell::Verdict(tone, sign, closure.word().to_owned())
}

fn count_words(count: ClosureCount) -> String {
    let parts = [(count.closed, "closed"), (count.partly, "in part"), (count.open, "open")];
    let told: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    if told.is_empty() { "none by name".to_owned() } else { told.join(", ") }
}

/// Namespaces.
pub(super) fn namespaces(report: &AuditReport<'_>) -> AuditTable {
    let rows = report.coverage().namespaces.into_iter().map(|one| {
        let meaning = one.closure.meaning().to_owned();
        row(vec![
            AuditCell::Code(one.name),
            closure(one.closure),
            AuditCell::Words(count_words(one.ends)),
            AuditCell::Words(meaning),
        ])
    });
    AuditTable {
        id: "namespaces",
        title: "Namespaces",
        intro: Vec::new(),
        heads: &["Namespace", "Isolation", "Tiers and workloads", "Which means"],
        rows: rows.collect(),
        none: "There is no namespace.",
    }
}

fn places(all: &[AuditPlace]) -> AuditCell {
    let mut shown: Vec<AuditPlace> = all.iter().take(MOST_PLACES).cloned().collect();
    if let Some(more @ 1..) = all.len().checked_sub(MOST_PLACES) {
        shown.push(AuditPlace { text: format!("and {more} more"), place: None });
    }
    AuditCell::Places(shown)
}

fn whom(certainty: Certainty) -> AuditCell {
    match certainty {
        Certainty::All => AuditCell::Words("all".to_owned()),
        Certainty::Some => AuditCell::Verdict(VerdictTone::Plain, "~", "only some, or perhaps not all".to_owned()),
        Certainty::Unknown => AuditCell::Verdict(VerdictTone::Mixed, "?", "not known".to_owned()),
    }
}

fn connection(report: &AuditReport<'_>, place: usize, with_id: bool) -> Option<AuditRow> {
    let one = report.connections.get(place)?;
    let causes = report.causes.get(place).map(Vec::as_slice).unwrap_or_default();
    let cells = vec![
        AuditCell::Code(one.from.clone()),
        AuditCell::Code(one.to.clone()),
        AuditCell::Code(one.detail.clone()),
        whom(one.certainty),
        places(causes),
    ];
    Some(AuditRow { id: with_id.then(|| format!("c{}", place + 1)), cells })
}

const CONNECTION_HEADS: &[&str] = &["From", "To", "Ports", "For", "Because of"];

/// All connections.
fn connections(report: &AuditReport<'_>) -> AuditTable {
    let rows = (0..report.connections.len()).filter_map(|place| connection(report, place, true));
    AuditTable {
        id: "connections",
        title: "Connections",
        intro: Vec::new(),
        heads: CONNECTION_HEADS,
        rows: rows.collect(),
        none: "Nothing is allowed by a rule.",
    }
}

const FROM_OUTSIDE: &str =
    "What rules let in. Whoever is not isolated for ingress is open to every address beside that.";
const TO_OUTSIDE: &str = "What rules let out. Whoever is not isolated for egress may reach every address beside that.";

/// What has to do with addresses: from outside, to outside, and those whom nothing isolates.
pub(super) fn exposure(report: &AuditReport<'_>) -> [AuditTable; 3] {
    let table = |places: &[usize], id, title, intro: &str, none| AuditTable {
        id,
        title,
        intro: vec![intro.to_owned()],
        heads: CONNECTION_HEADS,
        rows: places.iter().filter_map(|place| connection(report, *place, false)).collect(),
        none,
    };
    let [from, to] = report.exposed();
    let open = report.open().into_iter().map(|(name, word)| {
        let tone = if word == Closure::Open.word() { VerdictTone::Bad } else { VerdictTone::Mixed };
        let sign = if tone == VerdictTone::Bad { "\u{25cb}" } else { "\u{25d0}" };
        row(vec![AuditCell::Code(name), AuditCell::Verdict(tone, sign, word.to_owned())])
    });
    [
        table(&from, "from-outside", "From outside", FROM_OUTSIDE, "No rule lets an address in."),
        table(&to, "to-outside", "To outside", TO_OUTSIDE, "No rule lets out to an address."),
        AuditTable {
            id: "open",
            title: "Not isolated, or in part",
            intro: Vec::new(),
            heads: &["Who", "Isolation"],
            rows: open.collect(),
            none: "Everything is isolated in both directions.",
        },
    ]
}

/// Assertions.
fn assertions(report: &AuditReport<'_>) -> AuditTable {
    let rows = report.assertions.iter().flatten().map(|one| {
        let verdict = match one.verdict {
            "pass" => AuditCell::Verdict(VerdictTone::Good, "\u{2713}", "holds".to_owned()),
            "fail" => AuditCell::Verdict(VerdictTone::Bad, "\u{2717}", "broken".to_owned()),
            _ => AuditCell::Verdict(VerdictTone::Mixed, "?", "unknown".to_owned()),
        };
        let why = one.message.clone().unwrap_or_default();
        row(vec![verdict, AuditCell::Places(vec![one.statement.clone()]), AuditCell::Words(why)])
    });
    let none = match report.assertions {
        Some(_) => "The program asserts nothing.",
        None => "Only a program has assertions.",
    };
    let heads = &["Verdict", "Assertion", "Why"];
    AuditTable { id: "assertions", title: "Assertions", intro: Vec::new(), heads, rows: rows.collect(), none }
}

/// Findings.
fn findings(report: &AuditReport<'_>) -> AuditTable {
    let rows = report.findings.iter().map(|one: &AuditFinding| {
        let (tone, sign) = match one.severity {
            "error" => (VerdictTone::Bad, "\u{2717}"),
            "warning" => (VerdictTone::Mixed, "!"),
            _ => (VerdictTone::Plain, "i"),
        };
        row(vec![
            AuditCell::Verdict(tone, sign, one.severity.to_owned()),
            AuditCell::Code(one.code.clone()),
            AuditCell::Words(one.message.clone()),
            AuditCell::Code(one.place.clone().unwrap_or_default()),
            AuditCell::Words(one.help.join("; ")),
        ])
    });
    AuditTable {
        id: "findings",
        title: "Findings",
        intro: Vec::new(),
        heads: &["Level", "Code", "What is wrong", "Where", "What helps"],
        rows: rows.collect(),
        none: "Nothing was found.",
    }
}

/// Policies.
fn policies(report: &AuditReport<'_>) -> AuditTable {
    let side = |rules: Option<usize>| match rules {
        None => AuditCell::Words("\u{2013}".to_owned()),
        Some(0) => AuditCell::Words("nothing".to_owned()),
        Some(1) => AuditCell::Words("1 rule".to_owned()),
        Some(count) => AuditCell::Words(format!("{count} rules")),
    };
    let rows = report.policies.iter().map(|one| {
        row(vec![
            AuditCell::Code(one.name.clone()),
            AuditCell::Code(one.subject.clone()),
            side(one.ingress),
            side(one.egress),
            places(&one.because),
            AuditCell::Words(one.description.clone().unwrap_or_default()),
        ])
    });
    AuditTable {
        id: "policies",
        title: "Policies",
        intro: vec![
            "\u{2013}: it does not isolate in that direction. nothing: it lets nothing through by itself.".to_owned(),
        ],
        heads: &["Policy", "Selects", "Lets in", "Lets out", "Because of", "Described as"],
        rows: rows.collect(),
        none: "There is no policy.",
    }
}

/// The network plugin.
fn plugin(report: &AuditReport<'_>) -> AuditTable {
    let intro = match &report.plugin.name {
        Some(name) => format!("The network plugin is {name}. What it reads otherwise than Kubernetes says:"),
        None => "Nobody said which network plugin enforces the policies. What is so of some of them:".to_owned(),
    };
    let limits = report.plugin.limits.iter();
    let rows = limits.map(|(says, mend)| row(vec![AuditCell::Words(says.clone()), AuditCell::Words(mend.clone())]));
    AuditTable {
        id: "plugin",
        title: "The network plugin and its limits",
        intro: vec![intro],
        heads: &["What is otherwise", "What to write instead"],
        rows: rows.collect(),
        none: "Nothing is known that it reads otherwise.",
    }
}

/// What stands behind the picture, in order.
pub(super) fn details(report: &AuditReport<'_>) -> [AuditTable; 6] {
    [connections(report), assertions(report), findings(report), policies(report), plugin(report), inputs(report)]
}

/// What changed.
pub(super) fn changes(report: &AuditReport<'_>) -> Option<AuditTable> {
    let changes = report.changes.as_ref()?;
    let rows = changes.rows.iter().map(|one| {
        let (tone, sign) = match one.sign {
            '+' => (VerdictTone::Bad, "+"),
            '~' => (VerdictTone::Mixed, "~"),
            _ => (VerdictTone::Good, "\u{2212}"),
        };
        row(vec![
            AuditCell::Verdict(tone, sign, one.word.to_owned()),
            AuditCell::Code(one.what.clone()),
            AuditCell::Code(one.ports.clone()),
            places(&one.because),
        ])
    });
    let verdict = changes.picture.verdict.clone().unwrap_or_default();
    Some(AuditTable {
        id: "changes",
        title: "Before and after",
        intro: vec![format!("Since {}: {verdict}.", changes.since)],
        heads: &["Change", "Who to whom", "Ports", "Because of"],
        rows: rows.collect(),
        none: "Both allow the same.",
    })
}

/// What a log has seen.
pub(super) fn seen(report: &AuditReport<'_>) -> Option<AuditTable> {
    let seen = report.seen.as_ref()?;
    let rows = seen.rows.iter().map(|one| {
        let (tone, sign) = match one.change {
            "dropped" => (VerdictTone::Bad, "\u{2717}"),
            "opened" => (VerdictTone::Mixed, "+"),
            _ => (VerdictTone::Plain, "?"),
        };
        row(vec![
            AuditCell::Verdict(tone, sign, one.change.to_owned()),
            AuditCell::Code(one.connection.clone()),
            AuditCell::Number(usize::try_from(one.times).unwrap_or(usize::MAX)),
            AuditCell::Words(one.because.join("; ")),
        ])
    });
    Some(AuditTable {
        id: "seen",
        title: "Connections that were seen",
        intro: std::iter::once(&seen.head).chain(&seen.remarks).cloned().collect(),
        heads: &["Would be", "Connection", "Times", "Why"],
        rows: rows.collect(),
        none: "Everything that was seen stays as it is.",
    })
}

/// What it was made of.
fn inputs(report: &AuditReport<'_>) -> AuditTable {
    let rows = report.inputs.iter().map(|one| {
        let digest = AuditCell::Code(one.digest.clone());
        row(vec![AuditCell::Code(one.path.clone()), AuditCell::Number(one.bytes), digest])
    });
    AuditTable {
        id: "inputs",
        title: "What this was made of",
        intro: vec![format!("By polder {}. The same input gives the same bytes.", env!("CARGO_PKG_VERSION"))],
        heads: &["Read", "Bytes", "SHA-256"],
        rows: rows.collect(),
        none: "Nothing was read.",
    }
}
