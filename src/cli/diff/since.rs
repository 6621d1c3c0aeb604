//! What changed since a revision, as a part of a report.

use super::human::{instead, ports, unknown};
use super::{Compared, PlacedOrigin, TOO_HARD, directions, flow, graph, open_revision, project};
use crate::cli::terminal::Terminal;
use crate::diff::{Diff, Kind};
use crate::graph::{ChangeSign, folded};
use crate::report::{AuditChange, AuditChanges, AuditPlace};
use crate::session::{Named, Place, Question, Terms, Versions};

/// More names of one row are counted.
const MOST: usize = 6;

/// What changed from a revision to what is there. The error is a sentence.
pub(in crate::cli) fn since(
    revision: &str,
    named: &[Named],
    question: &Question,
    terminal: &Terminal,
) -> Result<AuditChanges, String> {
    let (folder, files) = (terminal.folder()?, terminal.files());
    let path = match named {
        [] => project(files.as_ref(), &folder),
        [Named::Path(path)] => path.clone(),
        [_] => return Err("what is no file has no Git revision: `--from` is about a path".to_owned()),
        _ => return Err("`--from REV` compares one path with itself: name at most one".to_owned()),
    };
    if revision.contains("..") {
        return Err(format!("`--from` takes one revision, and `{revision}` are two"));
    }
    let old = open_revision(&folder.join(&path), revision)?;
    let named = Named::Path(path);
    let at = |system| Place { system, named: &named, optional: true };
    let terms = Terms {
        environment: question.environment.clone(),
        workloads: question.workloads.clone(),
        cluster: question.cluster,
        enforce: question.enforce.clone(),
    };
    let versions = Versions::load(&folder, [at(old.as_ref()), at(files.as_ref())], &terms, files.as_ref());
    if !versions.is_answerable() {
        return Err(format!("what there is in {revision} cannot be compared: `polder diff --git {revision}` says why"));
    }
    let diff = versions.readable_diff().map_err(|_| TOO_HARD.to_owned())?;
    let report =
        Compared { diff: &diff, versions: &versions, revisions: [Some(revision), None], sides: None, drift: None };
    let picture = folded(graph::drawn(&report), &[]);
    Ok(AuditChanges { since: revision.to_owned(), picture, rows: rows(&report, &diff) })
}

fn rows(report: &Compared<'_>, diff: &Diff) -> Vec<AuditChange> {
    let mut rows = Vec::new();
    for change in &diff.isolation {
        let [was, is] = change.origins_by_age();
        let mut because = both(report, [&report.in_old(was), &report.in_new(is)]);
        because.extend(instead(change).map(|text| AuditPlace { text, place: None }));
        rows.push(AuditChange {
            sign: if change.lifted { '+' } else { '\u{2212}' },
            word: if change.lifted { "isolation lifted" } else { "isolation introduced" },
            what: super::names(&change.pods, MOST),
            ports: directions(change),
            because,
        });
    }
    for change in &diff.connections {
        let sign = match change.kind {
            Kind::Added => ChangeSign::Added,
            Kind::Removed => ChangeSign::Removed,
            Kind::Changed => ChangeSign::Changed,
        };
        let [was, is] = change.origins_by_age();
        let mut because = both(report, [&report.in_old(was), &report.in_new(is)]);
        because.extend(unknown(change).map(|text| AuditPlace { text, place: None }));
        rows.push(AuditChange {
            sign: sign.sign(),
            word: sign.word(),
            what: flow(change, MOST),
            ports: ports(change).trim_start_matches([':', ' ']).to_owned(),
            because,
        });
    }
    rows
}

/// What is responsible in both versions, told apart where it is in both.
fn both(report: &Compared<'_>, [old, new]: [&[PlacedOrigin<'_>]; 2]) -> Vec<AuditPlace> {
    let [was, is] = if old.is_empty() || new.is_empty() { ["", ""] } else { ["before: ", "now: "] };
    let told = |origins: &[PlacedOrigin<'_>], word: &str, is_old: bool| {
        let one = origins.iter().map(|origin| AuditPlace {
            text: format!("{word}{}{}", origin.origin.text, report.whose(origin.origin)),
            place: report.place(origin, is_old),
        });
        one.collect::<Vec<_>>()
    };
    told(old, was, true).into_iter().chain(told(new, is, false)).collect()
}
