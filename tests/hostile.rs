//! Texts that nobody would write by hand: no panic, no overflow, and twice the text takes about twice the time.

use polder::diag::{Levels, render};
use polder::session::{Import, ImportOptions, Memory, Named, Project, Session, Settings};
use std::path::Path;
use std::time::Duration;

/// A text of about so many bytes.
type Family = fn(usize) -> String;

const FAMILIES: &[(&str, Family)] = &[
    ("opening braces", |n| "{".repeat(n)),
    ("arrows", |n| "->".repeat(n / 2)),
    ("one long word", |n| "a".repeat(n)),
    ("bad lines", |n| "$x\n".repeat(n / 3)),
    ("one long chain", |n| format!("namespace x {{\ntier a\na{}\n}}", " -> a:80".repeat(n / 8))),
    ("open blocks", |n| "namespace x {\n".repeat(n / 14)),
    ("closing lines", |n| "}\n".repeat(n / 2)),
    ("closing braces", |n| "}".repeat(n)),
    ("one comment", |n| "#".repeat(n)),
    ("an open set", |n| format!("{{{}", "a,".repeat(n / 2))),
    ("open sets", |n| "{a,\n".repeat(n / 4)),
    ("open parentheses", |n| format!("namespace x {{\ntier a {}", "(".repeat(n))),
    ("open quotes", |n| "a -> b:\"".repeat(n / 8)),
    ("line ends", |n| "\r\n".repeat(n / 2)),
    ("forbidden characters", |n| "# \u{202e}\n".repeat(n / 6)),
    ("platforms", |n| "platform {\n".repeat(n / 11)),
    ("doc comments", |n| format!("{}namespace x {{\n}}", "## a\n".repeat(n / 5))),
    ("allow comments", |n| "# polder: allow(W0001)\n".repeat(n / 23)),
    ("nested groups", |n| {
        let groups: String = (0..n / 30).map(|i| format!("group g{i} = g{}\n", i + 1)).collect();
        format!("namespace x {{\ntier a\n{groups}group g{} = a\n}}", n / 30)
    }),
    ("tiers", |n| format!("namespace x {{\n{}}}", (0..n / 12).map(|i| format!("tier t{i}\n")).collect::<String>())),
    ("blocks on one line", |n| "namespace a {".repeat(n / 13)),
    ("environments on one line", |n| "environment a { ".repeat(n / 16)),
    ("platforms on one line", |n| "platform { ".repeat(n / 11)),
    ("unknown names among many", |n| {
        let declared: String = (0..n / 50).map(|i| format!("tier tier-number-{i}\n")).collect();
        let wrong: String = (0..n / 50).map(|i| format!("tier-numbre-{i} -> tier-number-0:80\n")).collect();
        format!("namespace x {{\n{declared}{wrong}}}")
    }),
    ("ports between two tiers", |n| {
        let flows: String = (0..n / 12).map(|i| format!("a -> b:{}\n", i + 1)).collect();
        format!("namespace x {{\ntier a\ntier b\n{flows}}}")
    }),
    ("unknown names", |n| {
        format!(
            "namespace x {{\ntier a\n{}}}",
            (0..n / 24).map(|i| format!("a -> unknown-{i}:80\n")).collect::<String>()
        )
    }),
];

/// Lists inside one statement with so many items.
const LISTS: &[(&str, Family)] = &[
    ("blocks", |n| format!("cidr c = {}\n{}", list(n, block), web("web -> c:443"))),
    ("exceptions of one block", |n| format!("cidr c = 0.0.0.0/0 except {}\n{}", list(n, block), web("web -> c:443"))),
    ("blocks with an exception each", |n| {
        let (wide, narrow) = (list(n, block), list(n, |i| block(i).replace("/28", "/30")));
        format!("cidr c = {wide} except {narrow}\n{}", web("c -> web:443"))
    }),
    ("blocks of the platform", |n| {
        format!("platform {{\n  nodes {}\n  cni calico\n}}\n{}", list(n, block), web("web -> nodes:443"))
    }),
    ("ports of a set", |n| format!("ports p = {}\n{}", list(n, port), web("web -> db:p"))),
    ("the same port", |n| format!("ports p = {}\n{}", list(n, |_| "80".to_owned()), web("web -> db:p"))),
    ("ports of a flow", |n| web(&format!("web -> db:{{{}}}", list(n, port)))),
    ("ports of a tier", |n| {
        let named = list(n, |i| format!("p{i}: {}", port(i)));
        web(&format!("tier api {{ {named} }}\n  web -> api\n  db -> api:{{{}}}", list(n, |i| format!("p{i}"))))
    }),
    ("members of a group", |n| {
        format!("group g = {}\n{}", list(n, |i| format!("shop/t{i}")), tiers(n, "", "g -> db:80"))
    }),
    ("members that serve a port each", |n| {
        let served = (0..n).map(|i| format!("  tier t{i} {{ http: {} }}\n", port(i))).collect::<String>();
        format!("group g = {}\n{}", list(n, |i| format!("shop/t{i}")), web(&format!("{served}  db -> g")))
    }),
    ("isolated tiers", |n| {
        let isolated = list(n, |i| format!("t{i}"));
        tiers(n, "", &format!("isolate ingress for {isolated}\n  isolate egress for {isolated}\n  db -> t0:80"))
    }),
    ("isolated one by one", |n| {
        tiers(
            n,
            "",
            &format!("{}  db -> t0:80", (0..n).map(|i| format!("isolate ingress for t{i}\n  ")).collect::<String>()),
        )
    }),
    ("servers", |n| web(&format!("dns {}\n  web -> db:80", list(n, block)))),
    ("documented flows of one tier", |n| {
        tiers(n, "", &(0..n).map(|i| format!("## says {i}\n  t{i} -> db:80\n  ")).collect::<String>())
    }),
    ("values of a label", |n| web(&format!("tier one (k in ({}))\n  one -> db:80", list(n, |i| format!("v{i}"))))),
];

fn list(n: usize, item: impl Fn(usize) -> String) -> String {
    (0..n).map(item).collect::<Vec<_>>().join(", ")
}

/// Blocks that do not touch.
fn block(i: usize) -> String {
    format!("{}.{}.{}.0/28", 20 + i / 65536, i / 256 % 256, i % 256)
}

/// Ports that do not touch.
fn port(i: usize) -> String {
    format!("{}/{}", i * 2 % 65534 + 1, ["tcp", "udp", "sctp"][i / 32767 % 3])
}

fn web(statements: &str) -> String {
    tiers(0, "  tier web\n", statements)
}

fn tiers(n: usize, more: &str, statements: &str) -> String {
    let tiers: String = (0..n).map(|i| format!("  tier t{i}\n")).collect();
    format!("namespace shop {{\n  tier db\n{more}{tiers}  {statements}\n}}\n")
}

/// The time that this thread was given so far, where the system tells: what others do in between is not in it.
#[cfg(unix)]
pub(crate) fn given() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap()
}

#[cfg(not(unix))]
pub fn given() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// Manifests that cannot be read, or hardly.
const MANIFESTS: &[(&str, Family)] = &[
    ("documents that end too early", |n| "kind: {a: [b}\n---\n".repeat(n / 18)),
    ("documents with a word behind their end", |n| "kind: {a: [b]} c\n---\n".repeat(n / 21)),
    ("documents in tabs", |n| "kind:\n\tname: a\n---\n".repeat(n / 19)),
    ("documents without an alias", |n| "kind: *a\n---\n".repeat(n / 13)),
    ("marks", |n| "---\n".repeat(n / 4)),
    ("comments behind marks", |n| "--- # a\n# b\n".repeat(n / 12)),
    ("policies without a name", |n| "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n---\n".repeat(n / 59)),
    ("one broken line after many", |n| format!("{}kind: {{a: [b}}\n", "kind: a\n---\n".repeat(n / 12))),
];

/// Everything up to the rendered diagnostics.
fn check(text: &str) -> (Duration, usize) {
    let start = given();
    let session = session(text);
    let reports = session.reports(&Levels::default());
    let shown = render::short(&reports, session.sources());
    (given() - start, shown.len())
}

/// Everything up to the manifests, which are proved.
fn build(text: &str) -> (Duration, usize) {
    let start = given();
    let built = session(text).build();
    let files = built.output().map_or(0, |output| output.files().len());
    assert!(files > 0, "{}", text.chars().take(300).collect::<String>());
    (given() - start, files)
}

const SHOWN: render::Human = render::Human { unicode: false, color: false, width: 100, limit: 100 };

/// Everything up to what was found in manifests.
fn read(text: &str) -> (Duration, usize) {
    let start = given();
    let path = Path::new("/project/all.yaml");
    let system = Memory::default().with(path, text);
    let named = [Named::Path(path.to_path_buf())];
    let import = Import::load(&system, Path::new("/project"), &named, &ImportOptions::default());
    let shown = Levels::default().apply(import.manifests.diagnostics, &[]);
    let shown = render::human(&shown, &import.manifests.sources, &SHOWN);
    (given() - start, shown.len())
}

fn session(text: &str) -> Session {
    let root = Path::new("/project");
    let path = root.join("main.polder");
    let system = Memory::default().with(path.clone(), text);
    Session::new(Project::load(&system, root, &[Named::Path(path)]), Settings::default())
}

#[test]
fn hostile_texts_take_linear_time() {
    grow(FAMILIES, check, [10_000, 80_000]);
}

#[test]
fn long_lists_take_linear_time() {
    grow(LISTS, build, [1_000, 8_000]);
}

#[test]
fn broken_manifests_take_linear_time() {
    grow(MANIFESTS, read, [10_000, 80_000]);
}

/// Holds the time for texts of two sizes, the second eight times the first, against each other.
fn grow(families: &'static [(&str, Family)], run: fn(&str) -> (Duration, usize), sizes: [usize; 2]) {
    // A stack much smaller than a thread's: nothing may recurse with the input.
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || {
        for (name, family) in families {
            let mut best = f64::MAX;
            let mut least = [Duration::MAX; 2];
            // The machine may be busy with something else: the best of a few tries counts, for each size by itself.
            for _ in 0..8 {
                for (size, least) in sizes.into_iter().zip(&mut least) {
                    *least = (*least).min(run(&family(size)).0);
                }
                let [small, large] = least.map(|time| time.as_secs_f64());
                best = large / small.max(1e-3);
                if best < 12.2 {
                    break;
                }
            }
            // Three doublings, at most 2.3 times each.
            println!("{name}: {best:.1}");
            assert!(best < 12.2, "{name}: eight times the text takes {best:.1} times as long");
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn every_prefix_of_a_program_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "polder") {
            let text = std::fs::read_to_string(&path).unwrap();
            for end in (0..text.len()).step_by(5).filter(|end| text.is_char_boundary(*end)) {
                check(&text[..end]);
                read += 1;
            }
        }
    }
    assert!(read > 500);
}
