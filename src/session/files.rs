//! From policies to the files of the output folder.

use crate::k8s;
use crate::output::{OutputFile, folder_name};
use crate::policy::{Layout, Policy, PolicySet};

/// The file that holds all policies of a namespace in the layout `namespace`.
const WHOLE_NAMESPACE: &str = "networkpolicies.yaml";

/// The name that Kustomize looks for.
const KUSTOMIZATION: &str = "kustomization.yaml";

/// The files of a build.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// All files, with paths relative to the output folder: manifests first.
    files: Vec<OutputFile>,
    /// How many of them are manifests.
    manifests: usize,
}

impl Output {
    /// The files that say `policies`.
    pub fn new(policies: &PolicySet, layout: Layout, kustomize: bool) -> Output {
        let mut files = Vec::with_capacity(if layout == Layout::Namespace { 0 } else { policies.policies.len() });
        let mut folders: Vec<(String, Vec<String>)> = Vec::new();
        let mut buffer = String::new();
        for group in policies.policies.chunk_by(|a, b| a.namespace == b.namespace) {
            let Some(first) = group.first() else { continue };
            let folder = folder_name(&first.namespace);
            let mut names = Vec::new();
            let mut add = |name: &str, policies: &[Policy]| {
                let body = documents(policies, &mut buffer);
                files.push(OutputFile { path: [&folder, "/", name].concat(), body });
                if kustomize {
                    names.push(name.to_owned());
                }
            };
            if layout == Layout::Namespace {
                add(WHOLE_NAMESPACE, group);
            } else {
                let mut name = String::new();
                for policy in group {
                    name.clear();
                    name.push_str(&folder_name(&policy.name));
                    name.push_str(".yaml");
                    add(&name, std::slice::from_ref(policy));
                }
            }
            folders.push((folder, names));
        }
        let manifests = files.len();
        if kustomize && !folders.is_empty() {
            for (folder, names) in &folders {
                files.push(OutputFile { path: format!("{folder}/{KUSTOMIZATION}"), body: kustomization(names) });
            }
            let folders: Vec<&String> = folders.iter().map(|(folder, _)| folder).collect();
            files.push(OutputFile { path: KUSTOMIZATION.to_owned(), body: kustomization(&folders) });
        }
        Output { files, manifests }
    }

    /// All files.
    pub fn files(&self) -> &[OutputFile] {
        &self.files
    }

    /// Those with policies.
    pub fn manifests(&self) -> &[OutputFile] {
        self.files.get(..self.manifests).unwrap_or_default()
    }

    /// All policies as one YAML stream.
    pub fn stream(&self) -> String {
        let bodies: Vec<&str> = self.manifests().iter().map(|file| file.body.as_str()).collect();
        bodies.join("---\n")
    }
}

/// The documents of `policies`, put together in `buffer` so that each text takes no more memory than it is long.
fn documents(policies: &[Policy], buffer: &mut String) -> String {
    buffer.clear();
    for (index, policy) in policies.iter().enumerate() {
        if index > 0 {
            buffer.push_str("---\n");
        }
        k8s::manifest(policy, buffer);
    }
    buffer.as_str().to_owned()
}

fn kustomization(resources: &[impl AsRef<str>]) -> String {
    let mut text =
        String::from("apiVersion: \"kustomize.config.k8s.io/v1beta1\"\nkind: \"Kustomization\"\nresources:\n");
    for resource in resources {
        // Folder and file names are made of letters, digits, `-` and `.`, so nothing in them needs an escape.
        text.push_str(&format!("  - \"{}\"\n", resource.as_ref()));
    }
    text
}
