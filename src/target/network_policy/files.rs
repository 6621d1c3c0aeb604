//! From policies to the files of the output folder.

use super::Layout;
use crate::k8s::{self, StagedKind};
use crate::netpol::{Policy, PolicyKind, PolicySet};
use crate::output::{OutputFile, folder_name};
use crate::parallel;
use crate::source::Excerpt;
use std::ops::Range;
use std::sync::Arc;

/// The file that holds all policies of a namespace in the layout `namespace`.
const WHOLE_NAMESPACE: &str = "networkpolicies.yaml";

/// What the name of a file with a CiliumNetworkPolicy begins with. No NetworkPolicy's name begins so: they begin with
/// `allow` and `default`.
const CILIUM: &str = "cilium.";

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
        let all: Vec<WrittenOut<'_>> = policies.policies.iter().map(WrittenOut::enforced).collect();
        Output::of(&all, layout, kustomize)
    }

    /// The files that say `policies`, and others as `kind`. Policies of one name are in one file, the enforced one first.
    pub fn with_staged(
        policies: &PolicySet,
        staged: &[Policy],
        kind: StagedKind,
        layout: Layout,
        kustomize: bool,
    ) -> Output {
        let others = staged.iter().map(|policy| WrittenOut { policy, staged: Some(kind) });
        let mut all: Vec<WrittenOut<'_>> = policies.policies.iter().map(WrittenOut::enforced).chain(others).collect();
        all.sort_by_key(|one| (&one.policy.namespace, &one.policy.name, one.policy.kind, one.staged));
        Output::of(&all, layout, kustomize)
    }

    /// The files of policies that are sorted.
    fn of(policies: &[WrittenOut<'_>], layout: Layout, kustomize: bool) -> Output {
        /// Fewer namespaces are written sooner than a thread has begun with them.
        const LEAST: usize = 8;
        let is_beside = |a: &WrittenOut<'_>, b: &WrittenOut<'_>| a.policy.namespace == b.policy.namespace;
        let namespaces: Vec<&[WrittenOut<'_>]> = policies.chunk_by(is_beside).collect();
        let parts = parallel::parts(&namespaces, LEAST, |namespaces| {
            let mut texts = Texts::default();
            let policies = namespaces.iter().map(|policies| policies.len()).sum();
            texts.files.reserve(if layout == Layout::Namespace { namespaces.len() } else { policies });
            let folders: Vec<NamespaceFolder> =
                namespaces.iter().map(|policies| namespace(policies, layout, &mut texts)).collect();
            (texts.finish(), folders)
        });
        let (files, folders): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let folders: Vec<NamespaceFolder> = folders.into_iter().flatten().collect();
        let mut files = files.into_iter();
        let mut all = files.next().unwrap_or_default();
        all.extend(files.flatten());
        let manifests = all.len();
        if kustomize && !folders.is_empty() {
            let mut texts = Texts::default();
            let mut names = all.iter().map(|file| file.path.rsplit('/').next().unwrap_or_default());
            for NamespaceFolder { name, files } in &folders {
                let names: Vec<&str> = names.by_ref().take(*files).collect();
                texts.add([name.as_str(), "/", KUSTOMIZATION], |out| out.push_str(&kustomization(&names)));
            }
            let folders: Vec<&String> = folders.iter().map(|folder| &folder.name).collect();
            texts.add([KUSTOMIZATION], |out| out.push_str(&kustomization(&folders)));
            all.extend(texts.finish());
        }
        Output { files: all, manifests }
    }

    /// All files.
    pub fn files(&self) -> &[OutputFile] {
        &self.files
    }

    /// Those with policies.
    pub fn manifests(&self) -> &[OutputFile] {
        self.files.get(..self.manifests).unwrap_or_default()
    }

    /// The pieces of all policies as one YAML stream.
    pub fn stream(&self) -> impl Iterator<Item = &str> {
        let bodies = self.manifests().iter().enumerate();
        bodies.flat_map(|(index, file)| [if index == 0 { "" } else { "---\n" }, &file.body])
    }
}

/// The folder of a namespace, and how many manifests there are in it.
struct NamespaceFolder {
    name: String,
    files: usize,
}

/// A policy that is written, and who only looks at it, if so.
#[derive(Debug, Clone, Copy)]
struct WrittenOut<'p> {
    policy: &'p Policy,
    staged: Option<StagedKind>,
}

impl<'p> WrittenOut<'p> {
    fn enforced(policy: &'p Policy) -> Self {
        WrittenOut { policy, staged: None }
    }
}

/// Adds the manifests with the policies of one namespace.
fn namespace(policies: &[WrittenOut<'_>], layout: Layout, texts: &mut Texts) -> NamespaceFolder {
    let folder = policies.first().map(|first| folder_name(&first.policy.namespace)).unwrap_or_default();
    let mut add = |name: [&str; 2], policies: &[WrittenOut<'_>]| {
        texts.add([&*folder, "/"].into_iter().chain(name), |out| documents(policies, out));
    };
    let files = match layout {
        Layout::Namespace => {
            add([WHOLE_NAMESPACE, ""], policies);
            1
        }
        Layout::Flow | Layout::Tier => {
            let key = |one: &WrittenOut<'_>| (one.policy.kind, one.policy.name.clone());
            let files = policies.chunk_by(|a, b| key(a) == key(b));
            let added = files.filter_map(|file| Some((file.first()?, file)));
            let add = |(first, file): (&WrittenOut<'_>, &[WrittenOut<'_>])| {
                let name = folder_name(&first.policy.name);
                match first.policy.kind {
                    PolicyKind::NetworkPolicy => add([&name, ".yaml"], file),
                    PolicyKind::Cilium => add([&format!("{CILIUM}{name}"), ".yaml"], file),
                }
            };
            added.map(add).count()
        }
    };
    NamespaceFolder { name: folder.into_owned(), files }
}

/// Paths and bodies in texts that some of them share: two texts for each of very many files would cost a good part of
/// what is in them.
#[derive(Default)]
struct Texts {
    files: Vec<OutputFile>,
    /// The text that is being written.
    text: String,
    /// Where in it each file has its path and its body.
    places: Vec<[Range<usize>; 2]>,
}

impl Texts {
    /// A text ends with the file that makes it longer than this.
    const LONG: usize = 16 * 1024;

    /// Adds a file with the path that `path` comes to when put together.
    fn add<'p>(&mut self, path: impl IntoIterator<Item = &'p str>, body: impl FnOnce(&mut String)) {
        let start = self.text.len();
        path.into_iter().for_each(|part| self.text.push_str(part));
        let end = self.text.len();
        body(&mut self.text);
        self.places.push([start..end, end..self.text.len()]);
        if self.text.len() > Self::LONG {
            self.end_text();
        }
    }

    fn end_text(&mut self) {
        let whole: Arc<str> = self.text.as_str().into();
        let files = self.places.drain(..).map(|place| {
            let [path, body] = place.map(|range| Excerpt::new(&whole, range));
            OutputFile { path, body }
        });
        self.files.extend(files);
        self.text.clear();
    }

    fn finish(mut self) -> Vec<OutputFile> {
        self.end_text();
        self.files
    }
}

/// Appends the documents of `policies`.
fn documents(policies: &[WrittenOut<'_>], out: &mut String) {
    for (index, WrittenOut { policy, staged }) in policies.iter().enumerate() {
        if index > 0 {
            out.push_str("---\n");
        }
        match staged {
            Some(kind) => k8s::staged_manifest(policy, *kind, out),
            None => k8s::manifest(policy, out),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_keep_their_texts_wherever_a_shared_one_ends() {
        let mut texts = Texts::default();
        let body = |number: usize| format!("{number}\n").repeat(Texts::LONG / 8);
        for number in 0..40 {
            texts.add(["folder/", &number.to_string()], |out| out.push_str(&body(number)));
        }
        texts.add(["empty"], |_| {});
        let files = texts.finish();
        for (number, file) in files.iter().take(40).enumerate() {
            assert_eq!((&*file.path, &*file.body), (&*format!("folder/{number}"), &*body(number)));
        }
        let empty = OutputFile { path: "empty".into(), body: "".into() };
        assert_eq!(files.last(), Some(&empty));
        assert!(Texts::default().finish().is_empty());
    }
}
