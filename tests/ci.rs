//! The steps of the GitHub action, run as GitHub runs them: scripts with an environment, in a repository, with a `gh` that
//! writes down what it was asked. `action.yml` itself is held against the table of its inputs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const PROGRAM: &str = "namespace shop {\n  tier web\n  tier db\n  web -> db:5432\n}\n";

/// A repository with a project in `net`, whose policies are built and committed.
struct Job {
    folder: TempDir,
    base: String,
}

impl Job {
    fn new() -> Job {
        let mut job = Job { folder: tempfile::tempdir().unwrap(), base: String::new() };
        for folder in ["repo/net", "bin", "temp"] {
            fs::create_dir_all(job.path(folder)).unwrap();
        }
        job.write("repo/net/polder.toml", "");
        job.write("repo/net/shop.polder", PROGRAM);
        // Lists comments as the file `comments` says, and writes down everything else with its body.
        let gh = "#!/bin/sh\nhere=$(dirname \"$0\")/..\ncase \" $* \" in\n*' --paginate '*) cat \"$here/comments\" ;;\n\
                  *) [ ! -e \"$here/forbidden\" ] || exit 1\n  echo \"$*\" >>\"$here/asked\"\n\
                  for word; do case $word in body=@*) cat \"${word#body=@}\" >\"$here/body\" ;; esac; done ;;\nesac\n";
        job.write("bin/gh", gh);
        fs::set_permissions(job.path("bin/gh"), fs::Permissions::from_mode(0o755)).unwrap();
        job.write("comments", "");
        job.git(&["init", "--quiet"]);
        let built = Command::new(env!("CARGO_BIN_EXE_polder")).arg("build").current_dir(job.path("repo/net")).output();
        assert!(built.unwrap().status.success());
        job.git(&["add", "."]);
        job.git(&["commit", "--quiet", "-m", "base"]);
        job.base = job.git(&["rev-parse", "HEAD"]);
        job
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// What a file holds; nothing when it is not there.
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn git(&self, args: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=p", "-c", "user.email=p@example.org"]).args(args).current_dir(self.path("repo"));
        let output = git.output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs one step.
    fn step(&self, name: &str, settings: &[(&str, &str)]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/action").join(name);
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.arg(script).current_dir(self.path("repo")).env("PATH", path);
        command.env("POLDER", env!("CARGO_BIN_EXE_polder")).env("POLDER_PROJECT", "net");
        command.env("POLDER_BASE", &self.base).env("GITHUB_REPOSITORY", "acme/shop");
        for (name, file) in [("GITHUB_OUTPUT", "output"), ("GITHUB_STEP_SUMMARY", "summary"), ("GITHUB_PATH", "paths")]
        {
            command.env(name, self.path(file));
        }
        command.env("RUNNER_TEMP", self.path("temp")).envs(settings.iter().copied()).output().unwrap()
    }

    /// Runs a step, and gives what it printed.
    fn ends(&self, name: &str, settings: &[(&str, &str)], code: i32) -> String {
        let output = self.step(name, settings);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{name}: {said}");
        said
    }
}

#[test]
fn a_command_that_is_there_is_taken() {
    let job = Job::new();
    let polder = env!("CARGO_BIN_EXE_polder");
    job.ends("install", &[("POLDER_BINARY", polder)], 0);
    assert_eq!(job.read("output"), format!("polder={polder}\n"));
    let said = job.ends("install", &[("POLDER_BINARY", "/nowhere/polder")], 2);
    assert!(said.contains("::error::the input `binary` names no command"), "{said}");
    // Without one, it is a release, of which none is here.
    let said = job.ends("install", &[("POLDER_FROM", "file:///nowhere")], 1);
    assert!(said.contains("cannot download file:///nowhere/SHA256SUMS"), "{said}");
}

#[test]
fn the_program_is_checked_with_annotations_and_sarif() {
    let job = Job::new();
    assert!(!job.ends("check", &[], 0).contains("::error"));
    job.write("repo/net/shop.polder", &PROGRAM.replace("-> db", "-> dv"));
    let sarif = job.path("polder.sarif");
    let said = job.ends("check", &[("POLDER_SARIF", sarif.to_str().unwrap())], 1);
    assert!(said.contains("::error file=net/shop.polder,line=4"), "{said}");
    let sarif: serde_json::Value = serde_json::from_str(&job.read("polder.sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "E0102");
    job.ends("check", &[("POLDER_PROJECT", "nowhere")], 2);
}

#[test]
fn policies_have_to_be_those_of_the_program() {
    let job = Job::new();
    job.ends("build-check", &[], 0);
    job.write("repo/net/shop.polder", &PROGRAM.replace("5432", "5433"));
    let said = job.ends("build-check", &[], 1);
    assert!(said.contains("::error::the policies in the repository are not those of the program"), "{said}");
    job.ends("build-check", &[("POLDER_ENVIRONMENTS", "nowhere")], 2);
}

/// One comment: written when there is something to say, and kept up to date from then on.
#[test]
fn a_pull_request_has_one_comment() {
    let job = Job::new();
    let pull = [("POLDER_PULL_REQUEST", "7")];
    job.ends("diff", &pull, 0);
    assert_eq!((job.read("output").as_str(), job.read("asked").as_str()), ("changed=false\n", ""));
    assert!(job.read("summary").starts_with("<!-- polder diff of net -->\n"));

    job.write("repo/net/shop.polder", &PROGRAM.replace("5432", "5433"));
    job.ends("diff", &pull, 0);
    assert!(job.read("output").ends_with("changed=true\n"));
    assert!(job.read("asked").contains("--method POST repos/acme/shop/issues/7/comments"), "{}", job.read("asked"));
    let body = job.read("body");
    assert!(body.starts_with("<!-- polder diff of net -->\n") && body.contains("5433"), "{body}");

    // From the second time on it is the comment that was found, whether there is a difference or none.
    job.write("comments", "99\n");
    for program in [PROGRAM.replace("5432", "5434"), PROGRAM.to_owned()] {
        job.write("asked", "");
        job.write("repo/net/shop.polder", &program);
        job.ends("diff", &pull, 0);
        let asked = job.read("asked");
        assert!(asked.contains("--method PATCH repos/acme/shop/issues/comments/99"), "{asked}");
        assert_eq!(asked.lines().count(), 1, "{asked}");
    }

    // A token that may only read is no reason to fail: the summary has it.
    job.write("forbidden", "");
    assert!(job.ends("diff", &pull, 0).contains("::warning::the comment cannot be written"));
    // Without a number nobody is asked.
    job.write("asked", "");
    job.ends("diff", &[], 0);
    assert_eq!(job.read("asked"), "");
}

#[test]
fn what_fails_the_job_is_chosen() {
    let job = Job::new();
    let wider = PROGRAM.replace("5432", "{5432, 5433}");
    let cases = [(PROGRAM.to_owned(), 0, 0), (wider, 1, 1), (PROGRAM.replace("  web -> db:5432\n", ""), 0, 1)];
    for (program, of_wider, of_any) in cases {
        job.write("repo/net/shop.polder", &program);
        job.ends("diff", &[("POLDER_FAIL_ON", "none")], 0);
        job.ends("diff", &[("POLDER_FAIL_ON", "wider")], of_wider);
        job.ends("diff", &[("POLDER_FAIL_ON", "any")], of_any);
    }
    job.write("repo/net/shop.polder", "tier");
    let said = job.ends("diff", &[], 2);
    assert!(said.contains("::error::what the pull request changes cannot be said"), "{said}");
}

/// A checkout of one commit has no base: it is fetched.
#[test]
fn the_base_is_fetched_where_it_is_missing() {
    let mut job = Job::new();
    job.write("repo/net/shop.polder", &PROGRAM.replace("5432", "5433"));
    job.git(&["commit", "--quiet", "-am", "head"]);
    fs::rename(job.path("repo"), job.path("origin")).unwrap();
    let origin = format!("file://{}", job.path("origin").display());
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", "--depth=1", &origin]).arg(job.path("repo"));
    assert!(clone.status().unwrap().success());
    job.ends("diff", &[], 0);
    assert_eq!(job.read("output"), "changed=true\n");
    job.base = "0".repeat(40);
    assert_ne!(job.step("diff", &[]).status.code(), Some(0));
}

/// A comment that is too long is cut at a line, and says so.
#[test]
fn a_long_comment_is_cut() {
    let mut job = Job::new();
    // The table has at most two hundred rows: they are as long as names may be.
    let long = |name: &str| format!("{name:-<58}x");
    let tiers: Vec<String> = (0..220).map(|number| long(&format!("t{number}"))).collect();
    let declared = format!("{}\n  tier {}\n", long("shop"), long("db"));
    let declared = tiers.iter().fold(declared, |text, tier| format!("{text}  tier {tier}\n"));
    let flows = tiers.iter().enumerate();
    let flows = flows.map(|(number, tier)| format!("  {tier} -> {}:{}\n", long("db"), 1000 + 3 * number));
    job.write("repo/net/shop.polder", &format!("namespace {}}}\n", declared.replacen('\n', " {\n", 1)));
    job.git(&["commit", "--quiet", "-am", "base"]);
    job.base = job.git(&["rev-parse", "HEAD"]);
    let program = format!("namespace {}{}}}\n", declared.replacen('\n', " {\n", 1), flows.collect::<String>());
    job.write("repo/net/shop.polder", &program);
    job.ends("diff", &[("POLDER_PULL_REQUEST", "7")], 0);
    let body = job.read("body");
    assert!(body.len() < 65_536 && body.ends_with("The rest is in the log of the job.\n"), "{}", body.len());
}

/// The table of inputs and outputs in the documentation is that of the file.
#[test]
fn inputs_are_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let action = fs::read_to_string(root.join("action.yml")).unwrap();
    let action: serde_yaml::Value = serde_yaml::from_str(&action).unwrap();
    let mut table = String::new();
    for (name, input) in action["inputs"].as_mapping().unwrap() {
        let default = match input["default"].as_str().unwrap() {
            "" => "none".to_owned(),
            default => format!("`{default}`"),
        };
        let text = input["description"].as_str().unwrap();
        table.push_str(&format!("| `{}` | {text} | {default} |\n", name.as_str().unwrap()));
    }
    let document = fs::read_to_string(root.join("dist/action/README.md")).unwrap();
    assert!(document.contains(&table), "the table has to be\n{table}");
}

/// Whatever names the version or the address of the repository names those of `Cargo.toml`.
#[test]
fn version_and_address_stand_in_one_place() {
    let stamp = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/stamp");
    let output = Command::new("bash").arg(stamp).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The lines of a job of GitLab, with its inputs in place.
fn gitlab_script(template: &serde_yaml::Value, inputs: &serde_yaml::Value, job: &str) -> String {
    let mut script = String::from("set -e\n");
    for line in template[job]["script"].as_sequence().unwrap() {
        script.push_str(line.as_str().unwrap());
        script.push('\n');
    }
    for (name, input) in inputs.as_mapping().unwrap() {
        let value = match name.as_str().unwrap() {
            "project" => "net",
            _ => input["default"].as_str().unwrap(),
        };
        script = script.replace(&format!("$[[ inputs.{} ]]", name.as_str().unwrap()), value);
    }
    assert!(!script.contains("$[["), "{script}");
    script
}

#[test]
fn the_component_of_gitlab_does_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("templates/polder.yml")).unwrap();
    let mut documents = serde_yaml::Deserializer::from_str(&text);
    let mut next = || <serde_yaml::Value as serde::Deserialize>::deserialize(documents.next().unwrap()).unwrap();
    let (head, jobs) = (next(), next());
    let inputs = &head["spec"]["inputs"];

    let job = Job::new();
    let folder = Path::new(env!("CARGO_BIN_EXE_polder")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    // Alpine has no other shell than this one.
    let run = |name: &str| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(gitlab_script(&jobs, inputs, name)).current_dir(job.path("repo")).env("PATH", &path);
        command.env("CI_MERGE_REQUEST_DIFF_BASE_SHA", &job.base).output().unwrap()
    };
    let origin = format!("file://{}", job.path("repo").display());
    job.git(&["remote", "add", "origin", &origin]);
    assert!(run("polder").status.success());
    let report =
        || -> serde_json::Value { serde_json::from_str(&job.read("repo/gl-code-quality-report.json")).unwrap() };
    assert_eq!(report().as_array().map(Vec::len), Some(0));
    assert!(run("polder-diff").status.success());

    job.write("repo/net/shop.polder", &PROGRAM.replace("5432", "5433"));
    assert_eq!(run("polder").status.code(), Some(1), "the policies are stale");
    let output = run("polder-diff");
    assert!(output.status.success(), "{output:?}");
    assert!(job.read("repo/polder-diff.md").contains("5433"));

    job.write("repo/net/shop.polder", &PROGRAM.replace("-> db", "-> dv"));
    assert_eq!(run("polder").status.code(), Some(1));
    assert_eq!(report()[0]["location"]["path"], "net/shop.polder");
    assert_eq!(report()[0]["check_name"], "E0102");
    assert_eq!(run("polder-diff").status.code(), Some(2));
}

/// kubectl starts a plugin by the name of its file, and its help has to show what people type.
#[test]
fn as_a_plugin_of_kubectl_it_has_two_words() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-polder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_polder"), &plugin).unwrap();
    let said = |args: &[&str]| {
        let output = Command::new(&plugin).args(args).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    assert!(said(&["--help"]).contains("Usage: kubectl polder [OPTIONS] <COMMAND>"), "{}", said(&["--help"]));
    assert!(said(&["can", "--help"]).contains("Usage: kubectl polder can "));
    assert!(said(&["can"]).contains("Usage: kubectl polder can "));
    assert_eq!(said(&["version"]), format!("polder {}\n", env!("CARGO_PKG_VERSION")));
}
