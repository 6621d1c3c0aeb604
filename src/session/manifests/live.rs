//! What a cluster gave.

use super::Unread;
use super::given_text::GivenText;
use super::loading::Load;
use crate::cluster::Object;
use crate::diag::{Code, Diagnostic};
use crate::k8s::ReadProblem;
use crate::session::cluster::{CLUSTER_NAME, ClusterAccess, ClusterListing, list};
use crate::session::system::FileSystem;

impl Load<'_> {
    /// Reads what a cluster has.
    pub(super) fn cluster(&mut self, system: &dyn FileSystem, access: &ClusterAccess) {
        let ClusterListing { bytes, not_looked_at, notes } = match list(system, access) {
            Ok(listing) => listing,
            Err(problem) => return self.manifests.diagnostics.push(problem),
        };
        let text = GivenText::new(CLUSTER_NAME.to_owned(), Ok(bytes), true, self.default_namespace, self.reader);
        let mut reading = text.read();
        let is_broken = |problem: &&ReadProblem| problem.object.is_none() && problem.path.is_empty();
        if let Some(problem) = reading.problems.iter().find(is_broken) {
            let message = format!("what `kubectl` printed cannot be read to its end: {}", problem.reason);
            let help = format!("`{} get namespaces -A -o json` prints a list that ends", access.typed());
            return self.manifests.diagnostics.push(Diagnostic::about(Code::E0504, message).with_help(help));
        }
        // Every cluster has some. Half a list, or something else, is no answer.
        if !reading.objects.iter().any(|read| matches!(read.object, Object::Namespace(_))) {
            let message = "what `kubectl` printed is no list of a cluster: there is no Namespace in it";
            let help = format!("`{} get namespaces -A -o json` prints such a list", access.typed());
            return self.manifests.diagnostics.push(Diagnostic::about(Code::E0504, message).with_help(help));
        }
        if access.only_runs {
            reading.policies.clear();
            reading.inside.clear();
        }
        self.manifests.notes.extend(notes);
        for (what, reason) in not_looked_at {
            let message = format!("the answers are incomplete: {what} were not looked at: {reason}");
            self.manifests.diagnostics.push(Diagnostic::about(Code::W0101, message));
            self.manifests.unread.push(Unread {
                what: format!("{what} were not looked at"),
                reason,
                path: CLUSTER_NAME.to_owned(),
                line: 0,
                is_policy: false,
                policy: None,
                twice: false,
            });
        }
        self.take(text, reading);
        self.is_live = true;
    }
}
