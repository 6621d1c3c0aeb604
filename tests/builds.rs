//! Whole builds, from outside: what their bytes depend on, how many policies a layout makes, and what Kustomize makes
//! of a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const POLDER: &str = env!("CARGO_BIN_EXE_polder");

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop")
}

/// The bytes of files by their paths.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// All files below a folder.
fn files(folder: &Path) -> Files {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        fs::create_dir_all(to.join(&path).parent().unwrap()).unwrap();
        fs::write(to.join(path), bytes).unwrap();
    }
}

fn succeed(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Where and how a build is started.
struct Surroundings<'a> {
    umask: &'a str,
    folder: &'a Path,
    variables: &'a [(&'a str, &'a str)],
}

impl Surroundings<'_> {
    fn run(&self, args: &[&str]) -> Output {
        let script = format!("umask {}; exec \"$0\" \"$@\"", self.umask);
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, POLDER]).args(args).current_dir(self.folder);
        succeed(command.env_clear().envs(self.variables.iter().copied()))
    }
}

#[test]
fn bytes_do_not_depend_on_the_surroundings() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().canonicalize().unwrap();
    let project = root.join("project");
    copy(&shop(), &project);
    fs::remove_dir_all(project.join("policies")).unwrap();
    let absolute = project.to_str().unwrap();
    let inside = project.join("policies");
    let settings: [&[(&str, &str)]; 7] = [
        &[("LC_ALL", "C"), ("TZ", "UTC"), ("HOME", "/"), ("PATH", "/usr/bin:/bin")],
        // Without any variable, so without HOME and PATH too.
        &[],
        // A locale that is not installed is as good: nothing may ask for it.
        &[("LC_ALL", "tr_TR.UTF-8"), ("LANG", "tr_TR.UTF-8"), ("TZ", "Asia/Kathmandu")],
        &[("LC_ALL", "de_DE.UTF-8"), ("LANGUAGE", "de"), ("TZ", "America/St_Johns"), ("HOME", "/nowhere")],
        &[("TERM", "dumb"), ("COLUMNS", "20"), ("NO_COLOR", "1"), ("CI", "true")],
        &[("TERM", "xterm-256color"), ("COLUMNS", "500"), ("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1")],
        &[("GITHUB_ACTIONS", "true"), ("GITLAB_CI", "true"), ("SOURCE_DATE_EPOCH", "1"), ("USER", "x")],
    ];
    // The project as it is seen from the folder, or nothing where it is the current one.
    let starts: [(&Path, Option<&str>); 4] =
        [(&project, None), (&project, Some(".")), (&root, Some("project")), (Path::new("/"), Some(absolute))];
    let mut first: Option<(Files, Vec<u8>)> = None;
    let mut check = |umask: &str, folder: &Path, named: Option<&str>, variables: &[(&str, &str)]| {
        let surroundings = Surroundings { umask, folder, variables };
        let args = |rest: &[&'static str]| [&["build"], rest].concat().into_iter().chain(named).collect::<Vec<_>>();
        surroundings.run(&args(&["--kustomize"]));
        let stream = surroundings.run(&args(&["-o", "-"])).stdout;
        let written = (files(&inside), stream);
        assert!(written.0.len() > 90 && !written.1.is_empty());
        fs::remove_dir_all(&inside).unwrap();
        let first = first.get_or_insert_with(|| written.clone());
        assert_eq!(first.0.keys().collect::<Vec<_>>(), written.0.keys().collect::<Vec<_>>(), "{variables:?}");
        for (path, bytes) in &first.0 {
            assert!(written.0[path] == *bytes, "{} differs with {variables:?}, umask {umask}", path.display());
        }
        assert!(first.1 == written.1, "the stream differs with {variables:?}, umask {umask}, {}", folder.display());
    };
    for variables in settings {
        check("022", &project, None, variables);
    }
    for umask in ["000", "077", "027"] {
        check(umask, &project, None, settings[0]);
    }
    for (folder, named) in starts {
        check("022", folder, named, settings[0]);
    }
}

/// The policies of a program with their names.
fn policies(layout: &str, paths: &[&Path]) -> Vec<(String, serde_yaml::Value)> {
    let output = succeed(Command::new(POLDER).args(["build", "-o", "-", "--layout", layout]).args(paths));
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text);
    documents
        .map(|document| {
            let policy: serde_yaml::Value = serde::Deserialize::deserialize(document).unwrap();
            (policy["metadata"]["name"].as_str().unwrap().to_owned(), policy)
        })
        .collect()
}

/// Checks that there is at most one policy for each subject and direction, besides those of DNS and isolation, of which
/// each namespace has one; gives how many there are of all.
fn one_for_each_tier_and_direction(policies: &[(String, serde_yaml::Value)]) -> usize {
    let mut seen = BTreeSet::new();
    for (name, policy) in policies {
        let spec = &policy["spec"];
        let subject = serde_yaml::to_string(&spec["podSelector"]).unwrap();
        let directions = serde_yaml::to_string(&spec["policyTypes"]).unwrap();
        let namespace = policy["metadata"]["namespace"].as_str().unwrap();
        let fixed = ["allow-dns-egress", "default-deny-all"].contains(&name.as_str());
        let kind = if fixed { name.as_str() } else { "" };
        if !fixed {
            assert_eq!(spec["policyTypes"].as_sequence().unwrap().len(), 1, "{name}");
        }
        assert!(seen.insert((namespace.to_owned(), kind.to_owned(), subject, directions)), "{name} is a second one");
    }
    policies.len()
}

#[test]
fn the_layout_tier_makes_few_policies() {
    let of_shop = |layout| policies(layout, &[&shop()]);
    let (namespaces, tiers) = (6, 18);
    let few = one_for_each_tier_and_direction(&of_shop("tier"));
    assert!(few <= 2 * tiers + 2 * namespaces, "{few}");
    assert_eq!((few, one_for_each_tier_and_direction(&of_shop("namespace"))), (44, 44));
    assert_eq!(of_shop("flow").len(), 90);

    // Every tier of one namespace talks to every tier of two on ports of its own.
    let tiers = 12;
    let mut text = String::new();
    for namespace in ["one", "two"] {
        writeln!(text, "namespace {namespace} {{").unwrap();
        (0..tiers).for_each(|tier| writeln!(text, "  tier t{tier}").unwrap());
        text.push_str("}\n");
    }
    let pairs = (0..tiers).flat_map(|from| (0..tiers).map(move |to| (from, to)));
    for (from, to) in pairs {
        for namespace in ["one", "two"] {
            writeln!(text, "one/t{from} -> {namespace}/t{to}:{}", 1000 + from * tiers + to).unwrap();
        }
    }
    let temp = tempfile::tempdir().unwrap();
    let program = temp.path().join("many.polder");
    fs::write(&program, text).unwrap();
    let of_many = |layout| policies(layout, &[&program]);
    // Both directions in `one`, ingress in `two`, and two for DNS and isolation in each.
    let expected = 2 * tiers + tiers + 4;
    assert_eq!(one_for_each_tier_and_direction(&of_many("tier")), expected);
    assert_eq!(one_for_each_tier_and_direction(&of_many("namespace")), expected);
    assert_eq!(of_many("flow").len(), 4 * tiers * tiers + 4);
}

/// What `kubectl kustomize` prints for a folder. `None` when there is no kubectl, which is an error where tools are
/// required.
fn kustomize(folder: &Path) -> Option<String> {
    if let Err(error) = Command::new("kubectl").args(["version", "--client"]).output() {
        let required = std::env::var_os("POLDER_REQUIRE_TOOLS").is_some_and(|value| value == "1");
        assert!(!required, "kubectl cannot be run: {error}");
        #[expect(clippy::explicit_write, reason = "the test harness keeps what a passing test prints to itself")]
        writeln!(std::io::stderr(), "SKIPPED: what Kustomize does, as kubectl cannot be run: {error}").unwrap();
        return None;
    }
    Some(String::from_utf8(succeed(Command::new("kubectl").arg("kustomize").arg(folder)).stdout).unwrap())
}

/// The `spec` of each policy by its namespace and name.
fn specs(yaml: &str) -> BTreeMap<(String, String), serde_yaml::Value> {
    let mut specs = BTreeMap::new();
    for document in serde_yaml::Deserializer::from_str(yaml) {
        let policy: serde_yaml::Value = serde::Deserialize::deserialize(document).unwrap();
        if policy["kind"] != "NetworkPolicy" {
            continue;
        }
        let text = |key: &str| policy["metadata"][key].as_str().unwrap().to_owned();
        assert!(specs.insert((text("namespace"), text("name")), policy["spec"].clone()).is_none());
    }
    specs
}

#[test]
fn kustomize_builds_the_same_policies() {
    let temp = tempfile::tempdir().unwrap();
    let shop = shop();
    let written = succeed(Command::new(POLDER).args(["build", "-o", "-"]).arg(&shop)).stdout;
    let written = specs(std::str::from_utf8(&written).unwrap());
    for layout in ["flow", "tier", "namespace"] {
        let folder = temp.path().join(layout);
        succeed(Command::new(POLDER).args(["build", "--kustomize", "--layout", layout, "-o"]).args([&folder, &shop]));
        let Some(built) = kustomize(&folder) else { return };
        if layout == "flow" {
            assert_eq!(specs(&built), written);
        }
        fs::write(temp.path().join("built.yaml"), built).unwrap();
        let same = succeed(Command::new(POLDER).arg("diff").args([&shop, &temp.path().join("built.yaml")]));
        assert_eq!(same.stdout, b"no difference: both allow the same\n");
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: storefront}\nspec:\n  \
    selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec: {}\n";

/// The check that the page on CI names finds the labels that Kustomize puts into selectors, and passes those that it only
/// puts on the policies.
#[test]
fn labels_that_kustomize_puts_into_selectors_are_found() {
    const CHECK: &str = "kubectl kustomize deploy | polder diff network -";
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md")).unwrap();
    assert!(page.contains(CHECK));
    let safe = "labels:\n  - pairs: {team: shop}\n    includeSelectors: false\n";
    assert!(page.contains(safe));

    let temp = tempfile::tempdir().unwrap();
    let (network, deploy) = (temp.path().join("network"), temp.path().join("deploy"));
    copy(&shop(), &network);
    fs::create_dir(&deploy).unwrap();
    fs::write(deploy.join("web.yaml"), DEPLOYMENT).unwrap();
    succeed(Command::new(POLDER).args(["build", "--kustomize"]).arg(&network));
    let path = format!("{}:{}", Path::new(POLDER).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let selectors = |yaml: &str| specs(yaml).values().filter(|spec| spec_has(spec, "team")).count();
    // All but those of DNS and isolation, which select every pod.
    let with_labels = 78;
    let cases = [
        ("", 0, 0),
        (safe, 0, 0),
        ("labels:\n  - pairs: {team: shop}\n", 0, 0),
        ("labels:\n  - pairs: {team: shop}\n    includeSelectors: true\n", 1, with_labels),
        ("commonLabels: {team: shop}\n", 1, with_labels),
    ];
    for (labels, answer, changed) in cases {
        fs::write(deploy.join("kustomization.yaml"), format!("resources: [../network/policies, web.yaml]\n{labels}"))
            .unwrap();
        let Some(built) = kustomize(&deploy) else { return };
        assert_eq!(selectors(&built), changed, "{labels}");
        let output = Command::new("/bin/sh")
            .args(["-c", CHECK])
            .current_dir(&temp)
            .env("PATH", &path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(answer), "{labels}{said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.contains("no difference"), answer == 0, "{said}");
    }
}

fn spec_has(spec: &serde_yaml::Value, label: &str) -> bool {
    serde_yaml::to_string(spec).unwrap().contains(&format!("{label}: "))
}

/// A program with a flow to so many blocks that do not touch.
fn cloud(blocks: usize) -> String {
    let block = |at: usize| format!("{}.{}.{}.0/24", 20 + at / 16384, at / 64 % 256, at % 64 * 4);
    let blocks: Vec<String> = (0..blocks).map(block).collect();
    format!("cidr cloud = {}\nnamespace shop {{\n  tier web\n  web -> cloud:443\n}}\n", blocks.join(", "))
}

#[test]
fn what_kubectl_apply_refuses_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("cloud.polder");
    for (blocks, layout, is_large) in [(4000, "flow", false), (6000, "flow", true), (9000, "tier", true)] {
        fs::write(&program, cloud(blocks)).unwrap();
        let mut command = Command::new(POLDER);
        let args = ["build", "--format", "json", "cloud.polder", "--layout", layout];
        let output = succeed(command.current_dir(folder.path()).args(args));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = document.to_string();
        assert_eq!(text.contains("W0021"), is_large, "{blocks}: {text}");
        assert!(!is_large || text.contains("--server-side") && text.contains("cloud.polder"), "{text}");
        assert_eq!(text.contains("--layout flow"), layout == "tier", "{text}");
        // The copy that is kept is compact JSON.
        let mut command = Command::new(POLDER);
        let args = ["build", "--format", "json", "cloud.polder", "--layout", layout, "-o", "-"];
        let output = succeed(command.current_dir(folder.path()).args(args));
        let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let sizes = list["items"].as_array().unwrap().iter().map(|item| item.to_string().len());
        let largest = sizes.max().unwrap();
        assert_eq!(largest > 200_000, is_large, "{largest}");
        assert!(is_large || largest < 262_144);
    }
}

#[test]
fn what_is_gone_is_named_until_the_cluster_forgets_it() {
    let folder = tempfile::tempdir().unwrap();
    let build = |program: &str, args: &[&str]| {
        fs::write(folder.path().join("main.polder"), program).unwrap();
        let mut command = Command::new(POLDER);
        let output = succeed(command.current_dir(folder.path()).args(["build", "main.polder", "-o", "out"]).args(args));
        String::from_utf8(output.stderr).unwrap()
    };
    let shop =
        |flows: &str| format!("namespace shop {{\n  tier web\n  tier api\n  tier db\n  api -> db:1\n{flows}}}\n");
    assert_eq!(build(&shop("  web -> api:1\n  db -> web:2\n"), &[]), "");
    let one = build(&shop("  web -> api:1\n"), &[]);
    assert!(one.contains("note: 2 policies stay"), "{one}");
    // Nothing is gone where a file only changes.
    assert_eq!(build(&shop("  web -> api:2\n"), &[]), "");
    let two = build(&shop(""), &[]);
    assert!(two.contains("note: 2 policies stay in the cluster"), "{two}");
    assert!(two.contains("--prune-allowlist=networking.k8s.io/v1/NetworkPolicy"), "{two}");
    // In one file for a whole namespace, a policy goes while the file stays.
    build(&shop("  web -> api:1\n"), &["--layout", "namespace"]);
    let within = build(&shop(""), &["--layout", "namespace"]);
    assert!(within.contains("note: 2 policies stay in the cluster"), "{within}");
    // Another layout gives other names, and the old policies stay as well.
    assert!(build(&shop(""), &["--layout", "flow"]).contains("stay in the cluster"));
}
