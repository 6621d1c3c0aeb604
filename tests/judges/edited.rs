//! What an editor is told of a tier, in a lens, in a hover and as a call hierarchy, is what `reach` lists for it.

use crate::judges::asked::{Source, subject};
use crate::judges::seeds;
use crate::lsp::client::{Client, Files, position, uri};
use crate::oracle::generate;
use polder::ask::{Asked, Between, Detail, IsolatedShare, Names, Row, RowNames, Summary, Untold};
use polder::cover::Budget;
use polder::net::Direction;
use polder::session::Subject;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const FILE: &str = "/p/main.polder";

/// What `reach` lists for one end.
struct Listed {
    /// What it calls those on the other end.
    texts: BTreeSet<String>,
    /// Those names one by one.
    names: BTreeSet<String>,
    isolated: IsolatedShare,
}

fn listed(subject: &Subject, tier: &str, direction: Direction) -> Listed {
    let everyone = subject.everyone(&[]);
    let grants = everyone.grants(subject.policies());
    let asked = Asked::Name(tier.to_owned());
    let (from, to) = match direction {
        Direction::Ingress => (None, Some(&asked)),
        Direction::Egress => (Some(&asked), None),
    };
    let between = Between { from, to, detail: Detail::Lines };
    let told: Result<Summary, Untold<()>> =
        everyone.reach(&grants, between, &mut |_, _| Ok(None), &mut Budget::of_question());
    let reach = told.unwrap().reach;
    let names = Names::new(&reach.groups);
    let others: Vec<&Row> = reach
        .lines()
        .iter()
        .map(|cell| if direction == Direction::Ingress { cell.source } else { cell.destination })
        .map(|row| &reach.rows[row])
        .collect();
    let own = |row: &&Row| row.names.groups().iter().any(|group| group.to_string() == tier);
    let place = usize::from(direction == Direction::Egress);
    Listed {
        texts: others.iter().map(|row| names.of(row, None)).collect(),
        names: others.iter().flat_map(|row| single(row, &names)).collect(),
        isolated: reach.rows.iter().find(own).unwrap().isolated[place],
    }
}

fn single(row: &Row, names: &Names) -> Vec<String> {
    match &row.names {
        RowNames::Groups(groups) => groups.iter().map(ToString::to_string).collect(),
        _ => vec![names.of(row, None)],
    }
}

struct Editor<'a> {
    client: Client,
    text: &'a str,
}

impl Editor<'_> {
    fn at(&mut self, method: &str, offset: usize) -> Value {
        let place = json!({ "textDocument": { "uri": uri(FILE) }, "position": position(self.text, offset) });
        self.client.request(method, place).unwrap()
    }

    /// The names of the call hierarchy of a tier. Where one is declared in several namespaces at once, each has its own.
    fn calls(&mut self, offset: usize, tier: &str, method: &str, end: &str) -> BTreeSet<String> {
        let roots = self.at("textDocument/prepareCallHierarchy", offset);
        let root = roots.as_array().unwrap().iter().find(|root| root["name"] == tier).unwrap().clone();
        let calls = self.client.request(method, json!({ "item": root })).unwrap();
        calls.as_array().unwrap().iter().map(|call| call[end]["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The names of a line of a hover, and the line.
    fn hover(&mut self, offset: usize, verb: &str) -> (BTreeSet<String>, String) {
        let hover = self.at("textDocument/hover", offset);
        let value = hover["contents"]["value"].as_str().unwrap();
        let line = value.lines().find(|line| line.starts_with(verb)).unwrap_or_else(|| panic!("{value}"));
        (line.split('`').skip(1).step_by(2).map(str::to_owned).collect(), line.to_owned())
    }

    /// The lens of a tier.
    fn lens(&mut self, offset: usize) -> String {
        let document = json!({ "textDocument": { "uri": uri(FILE) } });
        let lenses = self.client.request("textDocument/codeLens", document).unwrap();
        let line = position(self.text, offset)["line"].clone();
        let on_line = |lens: &&Value| {
            let title = lens["command"]["title"].as_str().unwrap();
            lens["range"]["start"]["line"] == line && title.starts_with("reach")
        };
        lenses.as_array().unwrap().iter().find(on_line).unwrap()["command"]["title"].as_str().unwrap().to_owned()
    }
}

#[test]
fn an_editor_is_told_what_reach_lists() {
    let mut told = 0;
    for seed in seeds(10) {
        let program = generate::program(seed);
        let source = Source::of(&program).text;
        let subject = subject(&source, None).unwrap();
        let files = Files::default();
        files.set("/p/polder.toml", "");
        files.set(FILE, &source);
        let mut client = Client::start(&files, &["/p"]);
        client.open(FILE, &source);
        client.settle();
        let mut editor = Editor { client, text: &source };
        let model = subject.model().unwrap();
        for tier in model.tiers.iter().take(4) {
            let home = model.namespace(tier.namespace).unwrap();
            let name = format!("{}/{}", home.name, tier.name);
            let offset = tier.span.start as usize;
            let lens = editor.lens(offset);
            let (from, to) = lens.split_once(" · ").unwrap();
            for (direction, verb, method, end, lens) in [
                (Direction::Ingress, "Reached by", "callHierarchy/incomingCalls", "from", from),
                (Direction::Egress, "Reaches", "callHierarchy/outgoingCalls", "to", to),
            ] {
                let listed = listed(&subject, &name, direction);
                let what = || format!("seed {seed}: {name} {verb}, {lens}\n{source}");
                // Endpoints are called as the program calls them.
                assert_eq!(editor.calls(offset, &name, method, end), listed.names, "{}", what());
                told += 1;
                // Above the declaration of several stands what is said of each of them.
                if model.tiers.iter().filter(|one| one.span == tier.span).count() > 1 {
                    continue;
                }
                let (names, line) = editor.hover(offset, verb);
                assert!(names.is_subset(&listed.texts), "{line}: {:?}: {}", listed.texts, what());
                assert_eq!(names.len(), listed.texts.len().min(12), "{line}: {}", what());
                for text in [line.as_str(), lens] {
                    let says_open = text.contains("whoever may leave") || text.contains("all that is open");
                    assert_eq!(says_open, listed.isolated != IsolatedShare::Yes, "{text}: {}", what());
                    assert_eq!(text.contains("nobody"), !says_open && listed.texts.is_empty(), "{text}: {}", what());
                }
                assert_eq!(counted(lens), listed.texts.len(), "{}", what());
            }
        }
    }
    assert!(told > 40, "{told}");
}

/// How many names a side of a lens has, with those that it only counts.
fn counted(lens: &str) -> usize {
    let names = lens.trim_start_matches("reachable from ").trim_start_matches("reaches ");
    let (names, last) = names.rsplit_once(" and ").unwrap_or((names, ""));
    let is_open = |text: &str| text.starts_with("whoever may leave") || text.starts_with("all that is open");
    let (names, more) = match last.strip_suffix(" more").and_then(|number| number.parse::<usize>().ok()) {
        Some(more) => (names, more),
        None => (names, usize::from(!last.is_empty() && !is_open(last))),
    };
    // Members of one row stand in braces.
    let mut depth = 0;
    let commas = names.chars().filter(|one| {
        depth += i32::from(*one == '{') - i32::from(*one == '}');
        *one == ',' && depth == 0
    });
    let counted_inside = names.split(", ").find_map(|part| part.strip_suffix(" more")?.parse::<usize>().ok());
    let single = if names == "nobody" || is_open(names) { 0 } else { commas.count() + 1 };
    match counted_inside {
        Some(hidden) => single - 1 + hidden + more,
        None => single + more,
    }
}
