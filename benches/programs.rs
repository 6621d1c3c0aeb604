//! Programs of any size: a tier for every three flows, four flows of five inside their namespace, each pair of tiers at
//! most once on a port.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Numbers that look random and are the same on every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap_or(0)
    }
}

/// A program with so many flows, over so many namespaces.
#[allow(dead_code, reason = "each benchmark uses one of the two")]
pub(crate) fn program(flows: usize, namespaces: usize) -> String {
    let mut numbers = Numbers(7);
    let tiers = (flows / 3 / namespaces).max(3);
    let mut text = String::new();
    let inside = flows * 4 / 5 / namespaces;
    let mut written = 0;
    for namespace in 0..namespaces {
        writeln!(text, "namespace team-{namespace} {{").unwrap();
        for tier in 0..tiers {
            match tier % 3 {
                0 => writeln!(text, "  tier service-{tier} {{ http: 8080/tcp, metrics: 9090/tcp }}").unwrap(),
                1 => writeln!(text, "  tier service-{tier} (app=service-{tier}, tier!=test)").unwrap(),
                _ => writeln!(text, "  tier service-{tier}").unwrap(),
            }
        }
        for (from, to) in pairs(&mut numbers, inside, tiers, tiers) {
            writeln!(text, "  service-{from} -> service-{to}{}", ports(&mut numbers, to)).unwrap();
            written += 1;
        }
        text.push_str("}\n");
    }
    let across = flows.saturating_sub(written);
    for (from, to) in pairs(&mut numbers, across, namespaces * tiers, namespaces * tiers) {
        let port = ports(&mut numbers, to % tiers);
        let path = |tier: usize| format!("team-{}/service-{}", tier / tiers, tier % tiers);
        writeln!(text, "{} -> {}{port}", path(from), path(to)).unwrap();
    }
    text
}

/// The files of a program that as many teams write: so many lines in all, a namespace in each file, an assertion in each.
#[allow(dead_code, reason = "each benchmark uses one of the two")]
pub(crate) fn files(files: usize, lines: usize) -> Vec<(String, String)> {
    let mut numbers = Numbers(7);
    let lines = lines / files;
    let tiers = lines / 5;
    let mut all = Vec::new();
    for file in 0..files {
        let mut text = format!("# What team {file} runs.\nnamespace team-{file} {{\n");
        for tier in 0..tiers {
            match tier % 3 {
                0 => writeln!(text, "  tier service-{tier} {{ http: 8080/tcp, metrics: 9090/tcp }}").unwrap(),
                1 => writeln!(text, "  tier service-{tier} (app=service-{tier}, tier!=test)").unwrap(),
                _ => writeln!(text, "  tier service-{tier}").unwrap(),
            }
        }
        let flows = lines - tiers - 5;
        for (from, to) in pairs(&mut numbers, flows * 4 / 5, tiers, tiers) {
            writeln!(text, "  service-{from} -> service-{to}{}", ports(&mut numbers, to)).unwrap();
        }
        for (from, to) in pairs(&mut numbers, flows - flows * 4 / 5, tiers, files * tiers) {
            let port = ports(&mut numbers, to % tiers);
            writeln!(text, "  service-{from} -> team-{}/service-{}{port}", to / tiers, to % tiers).unwrap();
        }
        text.push_str("}\n\n");
        writeln!(text, "never team-{file}/service-0 -> internet").unwrap();
        all.push((format!("team-{file}.polder"), text));
    }
    all
}

fn ports(numbers: &mut Numbers, tier: usize) -> String {
    if tier.is_multiple_of(3) {
        return [":http", ":metrics", ""][numbers.below(3)].to_owned();
    }
    format!(":{}/tcp", [80, 443, 5432, 6379, 8080][numbers.below(5)])
}

/// Different pairs, as many as there are to be had.
fn pairs(numbers: &mut Numbers, wanted: usize, left: usize, right: usize) -> BTreeSet<(usize, usize)> {
    let wanted = wanted.min(left * right);
    let mut found = BTreeSet::new();
    while found.len() < wanted {
        found.insert((numbers.below(left), numbers.below(right)));
    }
    found
}
