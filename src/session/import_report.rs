//! What an import came to, as it is told to people and machines.

use super::{Import, LiftedPolicy, NotCarried, ToldFinding};
use serde_json::{Value, json};

/// Everything there is to report of an import.
#[derive(Debug)]
pub struct ImportReport<'a> {
    /// The import.
    pub import: &'a Import,
    /// The policies that are in the program.
    pub lifted: Vec<LiftedPolicy>,
    /// What is not in the program of their metadata.
    pub not_carried: Vec<NotCarried>,
    /// What there is to know of them.
    pub findings: Vec<ToldFinding>,
    /// The policies whose names a build of the program uses, too.
    pub overwritten: Vec<String>,
    /// The folder that the program goes to, as it would be typed; `None` when it is printed.
    pub folder: Option<String>,
}

impl<'a> ImportReport<'a> {
    /// The report of an import whose program goes to a folder, or is printed.
    pub fn new(import: &'a Import, folder: Option<String>) -> Self {
        ImportReport {
            lifted: import.lifted_policies(),
            not_carried: import.not_carried(),
            findings: import.findings(),
            overwritten: import.overwritten(),
            folder,
            import,
        }
    }

    /// What the import came to, in a line.
    pub fn summary(&self) -> String {
        let refused = match self.import.refused.len() {
            0 => String::new(),
            refused => format!(", {refused} refused"),
        };
        if self.lifted.is_empty() {
            return format!("no policy lifted{refused}");
        }
        let policies = count(self.lifted.len(), "policy", "policies");
        let namespaces = count(self.import.lifted.namespaces.len(), "namespace", "namespaces");
        format!("{policies} of {namespaces} lifted{refused}; what was lifted is proved to mean the same, side by side")
    }

    /// What to do next.
    pub fn next_steps(&self) -> Vec<String> {
        if self.lifted.is_empty() {
            return Vec::new();
        }
        let mut steps = vec![
            "read the program, and what there is to know of the policies".to_owned(),
            match &self.folder {
                Some(folder) => format!("`polder build {folder} -o {folder}/policies` writes the policies of the program"),
                None => "with the program in a file, `polder build FILE.polder -o policies` writes its policies".to_owned(),
            },
            "`polder diff --sides OLD NEW` compares them with those that are there".to_owned(),
            "apply the new policies first and delete the old ones afterwards: both mean the same, and so do they together"
                .to_owned(),
        ];
        if !self.overwritten.is_empty() {
            steps.push(format!(
                "the build uses these names, too, so it overwrites these policies and adds none: {}; apply the policies that deny \
                 by default first",
                self.overwritten.join(", ")
            ));
        }
        if !self.import.refused.is_empty() {
            steps.push(
                "keep the policies that were refused as they are: program and they together mean what was there"
                    .to_owned(),
            );
        }
        steps
    }

    /// The document with the schema `polder/import/v1`: the program where it is given as text, or the files that it was
    /// written to, and all that there is to know.
    pub fn document(&self, program: Option<&str>, created: &[String]) -> Value {
        let import = self.import;
        let lifted = self.lifted.iter().map(|one| {
            json!({
                "namespace": one.namespace,
                "name": one.name,
                "path": one.path,
                "line": one.line,
                "statements": one.statements.iter().map(|text| &**text).collect::<Vec<&str>>(),
            })
        });
        let refused = import
            .refused
            .iter()
            .map(|one| json!({ "what": one.what, "reason": one.reason, "path": one.path, "line": one.line }));
        let unmodelled = import.manifests.cluster.unmodelled.iter().map(|one| {
            let (path, line) = import.place(one.span);
            json!({
                "kind": one.kind,
                "api_version": one.api_version,
                "namespace": one.namespace,
                "name": one.name,
                "path": path,
                "line": line,
            })
        });
        let not_carried = self.not_carried.iter().map(|one| {
            json!({
                "what": if one.annotation { "annotation" } else { "label" },
                "key": one.key,
                "policies": one.policies,
                "decides": one.decides,
            })
        });
        let findings = self.findings.iter().map(|one| {
            json!({
                "kind": one.kind.word(),
                "policy": one.policy,
                "path": one.path,
                "line": one.line,
                "statement": one.statement,
                "message": one.message,
            })
        });
        json!({
            "schema": "polder/import/v1",
            "program": program,
            "files": created,
            "namespaces": import.lifted.namespaces.iter().map(|name| name.to_string()).collect::<Vec<_>>(),
            "lifted": lifted.collect::<Vec<Value>>(),
            "refused": refused.collect::<Vec<Value>>(),
            "not_looked_at": unmodelled.collect::<Vec<Value>>(),
            "not_carried": not_carried.collect::<Vec<Value>>(),
            "lost_comments": import.lifted.lost.iter().map(|note| note.text.as_str()).collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<Value>>(),
            "overwritten": self.overwritten,
            "next_steps": self.next_steps(),
            "summary": self.summary(),
        })
    }
}

fn count(number: usize, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}
