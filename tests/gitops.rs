//! The recipes of `docs/gitops.md`, as far as they go without a cluster: each file is written where the page says, what it runs is
//! run, and what comes out means what the program says.

use serde::Deserialize;
use serde_yaml::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A repository as the page assumes it, with the files of all recipes.
struct Repository {
    folder: TempDir,
    recipes: BTreeMap<String, String>,
}

impl Repository {
    fn new() -> Repository {
        let repository = Repository { folder: tempfile::tempdir().unwrap(), recipes: recipes() };
        let network = repository.path("network");
        fs::create_dir(&network).unwrap();
        for name in ["polder.toml", "main.polder"] {
            fs::copy(root().join("examples/three-tier").join(name), network.join(name)).unwrap();
        }
        for (name, text) in &repository.recipes {
            let path = repository.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        repository.run("network", "polder", &["build"], "");
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command in a folder, with `polder` on the path.
    fn output(&self, folder: &str, command: &str, args: &[&str], input: &str) -> Output {
        let own = Path::new(env!("CARGO_BIN_EXE_polder")).parent().unwrap();
        let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
        let mut process = Command::new(command);
        process.args(args).current_dir(self.path(folder)).env("PATH", path).stdin(Stdio::piped());
        let mut child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whoever does not read its input closes it early.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    fn run(&self, folder: &str, command: &str, args: &[&str], input: &str) -> String {
        let output = self.output(folder, command, args, input);
        assert!(output.status.success(), "{command} {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Wants manifests to allow what the program says.
    fn means_the_same(&self, manifests: &str) {
        let said = self.run(".", "polder", &["diff", "network", "-"], manifests);
        assert_eq!(said, "no difference: both allow the same\n");
    }

    fn document(&self, recipe: &str) -> Value {
        documents(&self.recipes[recipe]).remove(0)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The blocks of the page that are files, by their paths.
fn recipes() -> BTreeMap<String, String> {
    let page = fs::read_to_string(root().join("docs/gitops.md")).unwrap();
    let mut found = BTreeMap::new();
    for block in page.split("\n```").skip(1).step_by(2) {
        let (fence, text) = block.split_once('\n').unwrap();
        if let Some((_, name)) = fence.split_once(",recipe=") {
            assert!(text.contains(&format!("# {name}\n")), "{name} does not say its path");
            found.insert(name.to_owned(), format!("{text}\n"));
        }
    }
    assert_eq!(found.len(), 9);
    found
}

fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap()).collect()
}

#[test]
fn the_files_are_objects_that_name_what_is_there() {
    let repository = Repository::new();
    for (name, text) in &repository.recipes {
        if !name.ends_with(".yaml") {
            continue;
        }
        for document in documents(text) {
            assert!(document["apiVersion"].is_string(), "{name}");
        }
    }
    let argo = repository.document("argocd/application.yaml");
    assert!(repository.path(argo["spec"]["source"]["path"].as_str().unwrap()).join("production").is_dir());
    let flux = &documents(&repository.recipes["flux/network-policies.yaml"])[1];
    assert!(repository.path(flux["spec"]["path"].as_str().unwrap()).join("production").is_dir());
}

#[test]
fn the_plugin_of_argo_cd_prints_the_policies() {
    let repository = Repository::new();
    let plugin = repository.document("argocd/plugin.yaml");
    let discovered = plugin["spec"]["discover"]["fileName"].as_str().unwrap();
    assert!(repository.path("network").join(discovered).is_file());
    let words = plugin["spec"]["generate"]["command"].as_sequence().unwrap();
    let words: Vec<&str> = words.iter().map(|word| word.as_str().unwrap()).collect();
    let manifests = repository.run("network", words[0], &words[1..], "");
    assert_eq!(documents(&manifests).len(), 7);
    repository.means_the_same(&manifests);
    // Mistakes stop the sync.
    fs::write(repository.path("network/main.polder"), "namespace a {\n  b -> c:1\n}\n").unwrap();
    let output = repository.output("network", words[0], &words[1..], "");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

const CHART: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: production\n";

#[test]
fn the_post_renderer_adds_the_policies_to_a_chart() {
    let repository = Repository::new();
    let plugin = repository.document("helm/polder/plugin.yaml");
    let command = plugin["runtimeConfig"]["platformCommand"][0]["command"].as_str().unwrap();
    let command = command.replace("${HELM_PLUGIN_DIR}", repository.path("helm/polder").to_str().unwrap());
    let rendered = repository.run(".", &command, &[], CHART);
    assert!(rendered.starts_with(CHART), "{rendered}");
    let kinds: Vec<Value> = documents(&rendered).into_iter().map(|document| document["kind"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "NetworkPolicy").count(), 7);
    assert_eq!(kinds.len(), 8);
    repository.means_the_same(&rendered);
    // Mistakes stop the release.
    fs::write(repository.path("network/main.polder"), "namespace a {\n  b -> c:1\n}\n").unwrap();
    assert_eq!(repository.output(".", &command, &[], CHART).status.code(), Some(1));
}

#[test]
fn the_kustomization_renders_the_policies() {
    let repository = Repository::new();
    repository.run("network", "polder", &["build", "--kustomize"], "");
    let has_kubectl = Command::new("kubectl").arg("--help").output().is_ok();
    assert!(has_kubectl || std::env::var_os("POLDER_REQUIRE_TOOLS").is_none(), "kubectl is missing");
    if has_kubectl {
        let rendered = repository.run(".", "kubectl", &["kustomize", "deploy"], "");
        assert_eq!(documents(&rendered).len(), 7);
        repository.means_the_same(&rendered);
    }
}

/// The resources that a role may list, with their groups as `kubectl` writes them.
fn listed_by(role: &Value) -> BTreeSet<String> {
    let words = |value: &Value| -> Vec<String> {
        value.as_sequence().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let mut found = BTreeSet::new();
    for rule in role["rules"].as_sequence().unwrap() {
        assert_eq!(words(&rule["verbs"]), ["get", "list"]);
        for group in words(&rule["apiGroups"]) {
            let dot = if group.is_empty() { "" } else { "." };
            found.extend(words(&rule["resources"]).into_iter().map(|name| format!("{name}{dot}{group}")));
        }
    }
    found
}

/// The two places that print the role have what is asked for, and nothing more but the kinds of a network plugin.
#[test]
fn the_role_lets_list_what_is_asked_for() {
    let script = fs::read_to_string(root().join("tests/cli/cluster/kubectl")).unwrap();
    let asked: String = script.lines().filter_map(|line| line.strip_prefix("core=")).collect();
    let asked: BTreeSet<String> = asked.replace("$core", "").split(',').map(str::to_owned).collect();
    assert_eq!(asked.len(), 12);
    let job = documents(&recipes()["drift/cronjob.yaml"]);
    let role = job.iter().find(|document| document["kind"] == "ClusterRole").unwrap();
    assert_eq!(listed_by(role), asked);
    let page = fs::read_to_string(root().join("docs/live-cluster.md")).unwrap();
    let role = page.split("```yaml\n").find(|block| block.contains("kind: ClusterRole")).unwrap();
    let more: BTreeSet<String> =
        listed_by(&documents(role.split("```").next().unwrap())[0]).difference(&asked).cloned().collect();
    assert!(more.iter().all(|name| name.ends_with(".cilium.io")) && !more.is_empty(), "{more:?}");
}

#[test]
fn the_nightly_job_fails_where_the_cluster_lets_through_more() {
    let repository = Repository::new();
    let cluster = root().join("tests/cli/drift");
    let script = repository.path("drift/nightly.sh");
    for (listing, exit) in [("same", 0), ("foreign", 1), ("closed", 0), ("missing", 1), ("none", 2)] {
        let own = Path::new(env!("CARGO_BIN_EXE_polder")).parent().unwrap();
        let path = format!("{}:{}:{}", cluster.display(), own.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(&script);
        command.env("PATH", path).env("FAKE", listing).env("POLDER_PROJECT", cluster.join("network"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{listing}: {output:?}");
    }
}
