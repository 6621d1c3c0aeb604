//! What is not read because something else has to work on it first.

use super::mentions::folder_of;
use super::{Manifests, Reader};
use crate::cluster::{UnreadParts, UnreadPlaces};
use crate::diag::{Code, Diagnostic};
use crate::k8s::ReadProblem;
use crate::session::path::shell_word;
use crate::source::Span;
use std::collections::BTreeMap;

/// What has to be done first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// A chart of Helm has to be rendered.
    Chart,
    /// A template of another program has to be rendered.
    Template,
    /// The parameters of a template of OpenShift have to be filled in.
    Parameters,
    /// Variables have to be filled in, as Flux and envsubst do.
    Variables,
    /// Variables of a kustomization have to be filled in.
    OfKustomization,
    /// SOPS has to decrypt it.
    Encrypted,
    /// git-crypt has to decrypt it.
    Locked,
}

/// How templates begin what is to be filled in: of Go, Jinja, ERB, ytt.
const MARKS: [&str; 4] = ["{{", "{%", "<%", "#@ "];

/// How files begin that git-crypt has encrypted.
const LOCKED: &[u8] = b"\0GITCRYPT\0";

/// Whether git-crypt has encrypted a file.
pub(super) fn is_locked(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCKED)
}

/// Whether a line has a word such as `@NAME@`, for which something puts another text.
fn is_substituted(line: &str) -> bool {
    let is_name = |word: &str| !word.is_empty() && word.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
    let mut words = line.split('@').skip(1).peekable();
    while let Some(word) = words.next() {
        if is_name(word) && words.peek().is_some() {
            return true;
        }
    }
    false
}

/// Whether the value that a line begins with has a variable of a shell, such as `$NAME`.
fn has_variable(line: &str) -> bool {
    let value = line.split([' ', ',']).next().unwrap_or_default();
    let mut parts = value.split('$').skip(1);
    parts.any(|name| name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))
}

/// Whether something in a text is to be filled in.
pub(super) fn is_marked(text: &str) -> bool {
    let text = text.replace("${{", "${");
    MARKS.iter().any(|mark| text.contains(mark))
}

impl Why {
    /// Why a text has this problem, when something has to be done about it first. `marked` says whether [`is_marked`] holds
    /// for the whole text, which is asked for all its problems once.
    pub(super) fn of(text: &str, problem: &ReadProblem, marked: &dyn Fn() -> bool) -> Option<Why> {
        let at = text.floor_char_boundary(problem.at.unwrap_or_default().min(text.len()));
        let (before, rest) = text.split_at_checked(at)?;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let value = rest.lines().next().unwrap_or_default();
        // A text that is no YAML may have its fault anywhere below what makes it so.
        let is_broken = problem.object.is_none() && problem.path.is_empty();
        if line.contains("ENC[") || problem.path == "sops" {
            Some(Why::Encrypted)
        } else if is_marked(line) || (is_broken && (marked() || is_substituted(line))) {
            Some(Why::Template)
        } else if value.contains("${") || has_variable(value) {
            Some(if text.contains("template.openshift.io") { Why::Parameters } else { Why::Variables })
        } else if value.contains("$(") {
            Some(Why::OfKustomization)
        } else {
            None
        }
    }

    /// What to do about it.
    pub(super) fn help(self, place: &str, file: &str, reader: Reader) -> String {
        let (place, file) = (shell_word(place), shell_word(file));
        let Reader { command, does, .. } = reader;
        match self {
            Why::Chart => format!("`helm template {place} | {command} -` renders and {does} it"),
            Why::Template => {
                "this looks like a template; render it first, as in `helm template . > all.yaml`".to_owned()
            }
            Why::Parameters => format!("`oc process -f {file} -o yaml | {command} -` fills them in, and {does} it"),
            Why::Variables => format!(
                "fill them in first, as in `envsubst < {file} | {command} -`, or with `flux build kustomization NAME \
                 --path {place} | {command} -`"
            ),
            Why::OfKustomization => {
                format!("build the kustomization that fills them in: `kubectl kustomize {place} | {command} -`")
            }
            Why::Encrypted => format!("`sops decrypt {file} | {command} -` {does} it"),
            Why::Locked => "`git-crypt unlock` decrypts it".to_owned(),
        }
    }

    /// What is wrong with the file that was named itself; `None` to tell the problem as it is.
    pub(super) fn sentence(self, file: &str) -> Option<String> {
        match self {
            Why::Chart | Why::Template => None,
            Why::Parameters | Why::Variables | Why::OfKustomization => {
                Some(format!("`{file}` has variables that are still to be filled in"))
            }
            Why::Encrypted | Why::Locked => Some(format!("`{file}` is encrypted")),
        }
    }
}

/// What was passed over, by the reason and the folder.
#[derive(Debug, Default)]
pub(super) struct PassedOver {
    groups: BTreeMap<(Why, String), Group>,
}

/// What was found in a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'f> {
    /// The object, where that much could be read.
    pub object: Option<&'f str>,
    /// Whether it is a policy, or may be one.
    pub is_policy: bool,
    /// Where something in it has to be filled in.
    pub span: Option<Span>,
    /// The namespace of the object, where that is sure.
    pub namespace: Option<&'f str>,
}

#[derive(Debug, Default)]
struct Group {
    files: Vec<String>,
    policies: usize,
    /// The last policy that was counted.
    last: Option<String>,
    place: Option<Span>,
    /// The namespaces of the policies.
    namespaces: UnreadPlaces,
}

impl PassedOver {
    /// Takes note of a file, or of one more object of it.
    pub(super) fn add(&mut self, why: Why, place: &str, file: &str, found: Found<'_>) {
        let group = self.groups.entry((why, place.to_owned())).or_default();
        let is_new = group.files.last().is_none_or(|last| last != file);
        if is_new {
            group.files.push(file.to_owned());
        }
        if !found.is_policy || (!is_new && group.last.as_deref() == found.object) {
            return;
        }
        group.last = found.object.map(str::to_owned);
        group.policies += 1;
        group.namespaces.add(found.namespace);
        group.place = group.place.or(found.span);
    }

    /// Takes note of a file of which nothing is read.
    pub(super) fn add_whole(&mut self, why: Why, file: &str, is_policy: bool) {
        self.add(why, folder_of(file), file, Found { object: None, is_policy, span: None, namespace: None });
    }

    /// Tells of each folder once: with a policy in it as an error, for then answers lack it, and else as a note.
    pub(super) fn tell(self, manifests: &mut Manifests, unread: &mut UnreadParts, reader: Reader) {
        for ((why, place), group) in self.groups {
            let Some((first, more)) = group.files.split_first() else { continue };
            let what = group.what(why, &place, first, more.len());
            let help = why.help(&place, first, reader);
            if group.policies == 0 {
                manifests.notes.push(format!("{what}: {help}"));
                continue;
            }
            unread.policies.extend(group.namespaces.clone());
            let message = match group.policies {
                1 => format!("{what}, nor the NetworkPolicy there"),
                count => format!("{what}, nor the {count} NetworkPolicies there"),
            };
            manifests.lack((message.clone(), help.clone()), group.place, true, false);
            if let (None, Some(unread)) = (group.place, manifests.unread.last_mut()) {
                unread.path = if why == Why::Chart { place } else { first.clone() };
            }
            let diagnostic = match group.place {
                Some(span) => Diagnostic::new(Code::E0501, span, message),
                None => Diagnostic::about(Code::E0501, message),
            };
            manifests.diagnostics.push(diagnostic.with_help(help));
        }
    }
}

impl Group {
    fn what(&self, why: Why, place: &str, first: &str, more: usize) -> String {
        let files = match more {
            0 => format!("`{first}`"),
            more => format!("`{first}` and {more} more in `{place}`"),
        };
        let are = if more == 0 { ["is a template", "is", "has"] } else { ["are templates", "are", "have"] };
        let [template, is, has] = are;
        match (why, self.files.len()) {
            (Why::Chart, 1) => format!("`{place}` is a chart of Helm, whose template is not read"),
            (Why::Chart, count) => format!("`{place}` is a chart of Helm, whose {count} templates are not read"),
            (Why::Template, _) => format!("{files} {template}, and {is} not read"),
            (Why::Parameters | Why::Variables | Why::OfKustomization, _) => {
                format!("{files} {has} variables that are still to be filled in, and what holds them is not read")
            }
            (Why::Encrypted | Why::Locked, _) => format!("{files} {is} encrypted, and {is} not read"),
        }
    }
}
