//! Problems and places as diagnostics.

use super::Reader;
use crate::cluster::Unmodelled;
use crate::diag::{Code, Diagnostic};
use crate::k8s::{self, ReadProblem};
use crate::session::path::{shell_word, shown};
use crate::source::{FileId, Span};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A problem at its place.
pub(super) fn refused(file: FileId, text: &str, problem: ReadProblem) -> Diagnostic {
    let ReadProblem { at, path, reason, .. } = problem;
    let span = token(file, text, at.unwrap_or_default());
    let message = if path.is_empty() { reason } else { format!("`{path}`: {reason}") };
    Diagnostic::new(Code::E0501, span, message)
}

/// Where policies of the whole cluster count.
const OF_CLUSTER: &str = "`can`, `why`, `reach`, `blast` and `graph` take it into account where it is known what runs \
                          (`--workloads PATH`, `--cluster`) and all of it is understood; judge by hand what it adds or takes \
                          away elsewhere";

/// One warning for each kind, and of a kind that is understood in part one for each object.
pub(super) fn unmodelled(objects: &[Unmodelled], reader: Reader) -> Vec<Diagnostic> {
    /// More places than these say nothing more.
    const MOST_PLACES: usize = 5;
    let mut kinds: BTreeMap<(&str, &str), Vec<&Unmodelled>> = BTreeMap::new();
    for object in objects.iter().filter(|object| object.beyond.is_none()) {
        kinds.entry((&object.kind, &object.api_version)).or_default().push(object);
    }
    let looked_at = match reader.takes_foreign {
        true => "only NetworkPolicies and CiliumNetworkPolicies are looked at",
        false => "only NetworkPolicies are looked at",
    };
    let warning = |((kind, version), objects): ((&str, &str), Vec<&Unmodelled>)| {
        let what = match objects.len() {
            1 => format!("{kind} ({version}) changes what is allowed and is not modelled"),
            count => format!("{count} of {kind} ({version}) change what is allowed and are not modelled"),
        };
        let message = format!("the answers are incomplete: {what}");
        let mut warning = Diagnostic::about(Code::W0101, message);
        for object in objects.iter().take(MOST_PLACES) {
            if let Some(span) = object.span {
                warning = warning.with_label(span, named(object));
            }
        }
        warning.with_help(match k8s::is_cluster_policy(version, kind) {
            true => OF_CLUSTER.to_owned(),
            false => format!("judge by hand what it adds or takes away; {looked_at}"),
        })
    };
    kinds.into_iter().map(warning).chain(objects.iter().filter_map(beyond)).collect()
}

/// A policy of a kind that is understood in part, and that says more than that.
fn beyond(object: &Unmodelled) -> Option<Diagnostic> {
    let field = object.beyond.as_ref()?;
    let message = format!(
        "the answers are incomplete: {} `{}` says in `{field}` what is not modelled",
        object.kind,
        named(object)
    );
    let warning = match object.span {
        Some(span) => Diagnostic::new(Code::W0101, span, message),
        None => Diagnostic::about(Code::W0101, message),
    };
    Some(warning.with_help(match k8s::is_cluster_policy(&object.api_version, &object.kind) {
        true => OF_CLUSTER,
        false => "judge by hand what this policy adds or takes away; others of its kind are looked at",
    }))
}

fn named(object: &Unmodelled) -> String {
    let slash = if object.namespace.is_empty() { "" } else { "/" };
    format!("{}{slash}{}", object.namespace, object.name)
}

/// The word, quoted string or empty map that begins at a place.
pub(super) fn token(file: FileId, text: &str, at: usize) -> Span {
    let start = text.floor_char_boundary(at.min(text.len()));
    // No longer word is a name or a key, and all of a text may be one line.
    const LONGEST: usize = 1000;
    let end = text.floor_char_boundary(start.saturating_add(LONGEST).min(text.len()));
    let rest = text.get(start..end).unwrap_or_default();
    let line = rest.lines().next().unwrap_or_default();
    let quote = line.chars().next().filter(|first| matches!(first, '"' | '\''));
    let empty = line.strip_prefix('{').and_then(|inside| inside.trim_start().strip_prefix('}'));
    let end = match quote {
        Some(quote) => line.get(1..).and_then(|inside| inside.find(quote)).map_or(line.len(), |end| end + 2),
        None if empty.is_some() => line.len() - empty.map_or(0, str::len),
        None => {
            // There are many places to tell, so the line is gone over once.
            let follows = line.bytes().skip(1).chain([b'\n']);
            let is_end = |(byte, next)| matches!((byte, next), (b' ', b'#') | (b':', b' ') | (b',' | b'}' | b']', _));
            let whole = || line.strip_suffix(':').unwrap_or(line).trim_end().len();
            line.bytes().zip(follows).position(is_end).unwrap_or_else(whole)
        }
    };
    Span::new(file, start..start + end)
}

/// What is told of symbolic links that lead nowhere.
pub(super) fn nowhere(links: &[PathBuf], folder: &Path) -> Option<String> {
    let (first, more) = links.split_first()?;
    let first = shown(first, folder);
    Some(match more.len() {
        0 => format!("`{first}` is a symbolic link that leads nowhere, and is passed over"),
        more => format!("`{first}` and {more} more are symbolic links that lead nowhere, and are passed over"),
    })
}

/// What is told of the parameters of a template.
pub(super) fn unfilled(file: &str, names: &[String], Reader { command, does, .. }: Reader) -> String {
    let names = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let word = shell_word(file);
    format!(
        "the template `{file}` gives no value to {names}, so a word stands for each: `oc process -f {word} -o yaml | \
         {command} -` fills them in, and {does} it"
    )
}

/// What is told of policies inside of other objects.
pub(super) fn inside(held: &[(String, bool)]) -> Option<String> {
    let (first, _) = held.first()?;
    let unread = held.iter().filter(|(_, is_read)| !is_read).count();
    Some(match (held.len(), unread) {
        (1, 0) => format!("a NetworkPolicy inside of {first} is looked at by itself, and counts in no answer"),
        (1, _) => format!("a NetworkPolicy inside of {first} is not looked at, for it could not be read"),
        (count, 0) => format!(
            "{count} NetworkPolicies inside of other objects, such as {first}, are looked at by themselves, and count in no \
             answer"
        ),
        (count, unread) => format!(
            "of {count} NetworkPolicies inside of other objects, such as {first}, {unread} could not be read; the others are \
             looked at by themselves, and count in no answer"
        ),
    })
}

/// Objects that only show what policies would do, by their kinds and versions: how many there are.
pub(super) type StagedObjects = BTreeMap<(String, String), usize>;

/// What is told of them, once for each kind.
pub(super) fn told_staged(found: &StagedObjects) -> Vec<String> {
    let one = |((kind, version), count): (&(String, String), &usize)| match count {
        1 => format!("1 {kind} ({version}) is staged: it enforces nothing, and counts as nothing"),
        count => format!("{count} of {kind} ({version}) are staged: they enforce nothing, and count as nothing"),
    };
    found.iter().map(one).collect()
}

/// A block with bits past its prefix as it is read, in the quotes that it has.
pub(super) fn as_read(text: &str, span: Span) -> Option<String> {
    let written = text.get(span.start as usize..span.end as usize)?;
    let quote = written.get(..1).filter(|quote| matches!(*quote, "\"" | "'")).unwrap_or_default();
    let block: ipnet::IpNet = written.trim_matches(['"', '\'']).parse().ok()?;
    Some(format!("{quote}{}{quote}", block.trunc()))
}
