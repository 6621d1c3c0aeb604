//! Mends findings of `lint` in the texts that they are about: those that have one right mend.
//!
//! Nothing else is touched, and each text is held against the one before: what is read of it has to be what was read before,
//! with the mended parts changed as the findings say.

mod item;

use super::Manifests;
use crate::diag::{How, Mend, Report};
use crate::k8s::{self, ReadPolicy, Reading};
use crate::net::{Direction, Protocol};
use crate::netpol::{Port, PortTarget, Rule};
use crate::source::{FileId, SourceFile};
use item::ListItem;
use std::collections::BTreeMap;

/// A text of which something was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mended {
    /// The path of its file, as it is shown.
    pub path: String,
    /// The text before.
    pub before: String,
    /// The text afterwards.
    pub after: String,
    /// How many findings were mended.
    pub count: usize,
}

impl Manifests {
    /// The texts with the mends of those reports that have one.
    pub fn mended(&self, reports: &[Report]) -> Vec<Mended> {
        let mut mends: BTreeMap<FileId, Vec<&Mend>> = BTreeMap::new();
        for report in reports {
            if let [mend] = report.diagnostic.mends.as_slice() {
                mends.entry(mend.span.file).or_default().push(mend);
            }
        }
        let files = mends.into_iter().filter_map(|(file, mends)| Some((self.sources.file(file)?, mends)));
        files
            .filter(|(file, _)| !self.wide.contains(&file.path))
            .filter_map(|(file, mends)| mended(file, mends))
            .collect()
    }
}

fn mended(file: &SourceFile, mut mends: Vec<&Mend>) -> Option<Mended> {
    // From the back, so that places stay what they are.
    mends.sort_by_key(|mend| std::cmp::Reverse(mend.span.start));
    mends.dedup_by_key(|mend| mend.span);
    let read = k8s::read(&file.text, NAMESPACE);
    let all = proved(&file.text, &read, &mends).map(|after| (after, mends.len()));
    // One that cannot be made takes no other with it.
    let (after, count) = all.or_else(|| {
        let mut made: Vec<&Mend> = Vec::new();
        let mut last = None;
        for mend in &mends {
            made.push(mend);
            match proved(&file.text, &read, &made) {
                Some(after) => last = Some(after),
                None => _ = made.pop(),
            }
        }
        last.map(|after| (after, made.len()))
    })?;
    Some(Mended { path: file.path.clone(), before: file.text.clone(), after, count })
}

/// The namespace of objects that name none: it is the same before and afterwards.
const NAMESPACE: &str = "default";

/// A text with some mends, sorted from the back, where what is read of it is what was read before but for these.
fn proved(text: &str, read: &Reading, mends: &[&Mend]) -> Option<String> {
    let mut after = text.to_owned();
    let mut expected = read.policies.clone();
    for mend in mends {
        edit(&mut after, mend)?;
        change(&mut expected, mend)?;
    }
    let now = k8s::read(&after, NAMESPACE);
    let is_same = |(one, other): (&ReadPolicy, &ReadPolicy)| {
        one.policy == other.policy && one.labels == other.labels && one.annotations == other.annotations
    };
    let is_proved = read.problems.len() == now.problems.len()
        && read.documents == now.documents
        && expected.len() == now.policies.len()
        && expected.iter().zip(&now.policies).all(is_same)
        && objects(read).eq(objects(&now));
    is_proved.then_some(after)
}

fn objects(reading: &Reading) -> impl Iterator<Item = &crate::cluster::Object> {
    reading.objects.iter().map(|read| &read.object)
}

/// Makes a change of a text.
fn edit(text: &mut String, mend: &Mend) -> Option<()> {
    let (start, end) = (mend.span.start as usize, mend.span.end as usize);
    let entry = || mend.text.split_once(": ");
    let (range, new) = match mend.how {
        How::Text => (start..end, mend.text.clone()),
        How::Entry => {
            let (key, value) = entry()?;
            ListItem::around(text, start)?.with_entry(text, start, key, value)?
        }
        How::Another => {
            let (key, value) = entry()?;
            ListItem::around(text, start)?.with_another(text, start, key, value)?
        }
        How::Removal => (ListItem::around(text, start)?.whole(text)?, String::new()),
    };
    text.get(range.clone())?;
    text.replace_range(range, &new);
    Some(())
}

/// Makes the same change of what was read.
fn change(policies: &mut [ReadPolicy], mend: &Mend) -> Option<()> {
    if mend.how == How::Text {
        return Some(());
    }
    let start = mend.span.start as usize;
    let mut spots =
        policies.iter().enumerate().flat_map(|(index, one)| spots(one, start).map(move |spot| (index, spot)));
    let ((policy, spot), None) = (spots.next()?, spots.next()) else { return None };
    drop(spots);
    let policy = &mut policies.get_mut(policy)?.policy;
    let rules = match spot.direction {
        Direction::Ingress => policy.ingress.as_mut()?,
        Direction::Egress => policy.egress.as_mut()?,
    };
    match (spot.part, mend.how) {
        (MendablePart::Rule, How::Removal) => {
            may_go(rules.len(), spot.rule)?;
            rules.remove(spot.rule);
        }
        (MendablePart::Peer(peer), How::Removal) => {
            let peers = &mut rules.get_mut(spot.rule)?.peers;
            may_go(peers.len(), peer)?;
            peers.remove(peer);
        }
        (MendablePart::Port(port), how) => change_port(rules.get_mut(spot.rule)?, port, how, &mend.text)?,
        (MendablePart::Rule | MendablePart::Peer(_), How::Text | How::Entry | How::Another) => return None,
    }
    Some(())
}

fn change_port(rule: &mut Rule, index: usize, how: How, entry: &str) -> Option<()> {
    let changed = |port: &Port| -> Option<Port> {
        let mut port = port.clone();
        match entry.split_once(": ")? {
            ("protocol", word) => {
                port.protocol = Protocol::ALL.into_iter().find(|protocol| protocol.as_str() == word)?;
            }
            ("port", number) => port.target = PortTarget::Number(number.parse().ok()?),
            _ => return None,
        }
        Some(port)
    };
    match how {
        How::Entry => {
            let port = rule.ports.get_mut(index)?;
            *port = changed(port)?;
        }
        How::Another => {
            let port = changed(rule.ports.get(index)?)?;
            rule.ports.insert(index + 1, port);
        }
        How::Removal => {
            may_go(rule.ports.len(), index)?;
            rule.ports.remove(index);
        }
        How::Text => return None,
    }
    Some(())
}

/// Whether an item may be removed: an empty list means something else.
fn may_go(length: usize, index: usize) -> Option<()> {
    (length > 1 && index < length).then_some(())
}

/// A part of a policy.
#[derive(Clone, Copy)]
struct Mendable {
    direction: Direction,
    rule: usize,
    part: MendablePart,
}

#[derive(Clone, Copy)]
enum MendablePart {
    Rule,
    Peer(usize),
    Port(usize),
}

/// The parts of a policy that begin at a place.
fn spots(read: &ReadPolicy, start: usize) -> impl Iterator<Item = Mendable> {
    let is_here = move |place: Option<usize>| place == Some(start);
    Direction::ALL.into_iter().flat_map(move |direction| {
        let rules = read.written.rules(direction).rules.iter().enumerate();
        rules.flat_map(move |(rule, written)| {
            let itself = is_here(written.place).then_some(MendablePart::Rule).into_iter();
            let peers = written.peers.iter().enumerate().filter(move |(_, peer)| is_here(peer.place));
            let ports = written.ports.iter().enumerate().filter(move |(_, port)| is_here(port.place));
            let parts = itself
                .chain(peers.map(|(at, _)| MendablePart::Peer(at)))
                .chain(ports.map(|(at, _)| MendablePart::Port(at)));
            parts.map(move |part| Mendable { direction, rule, part })
        })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::source::{Sources, Span};

    const HEAD: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: a\nspec:\n  podSelector: {}\n  \
                        ingress:\n";

    /// The rules of a policy after a mend at the last place where `at` stands.
    fn after(rules: &str, at: &str, how: How, text: &str) -> Option<String> {
        let mut sources = Sources::default();
        let whole = format!("{HEAD}{rules}");
        let place = whole.rfind(at).unwrap();
        let file = sources.add("a.yaml", whole);
        let mend =
            Mend { title: String::new(), span: Span::new(file, place..place + at.len()), text: text.into(), how };
        let mended = mended(sources.file(file).unwrap(), vec![&mend])?;
        Some(mended.after.strip_prefix(HEAD).unwrap().to_owned())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn an_entry_takes_the_form_of_its_map() {
        let mend = |rules: &str| after(rules, "port: 53", How::Entry, "protocol: UDP");
        assert_eq!(
            mend("  - ports:\n    - port: 53 # DNS\n"),
            some("  - ports:\n    - protocol: UDP\n      port: 53 # DNS\n")
        );
        assert_eq!(mend("  - ports: [{port: 53}]\n"), some("  - ports: [{protocol: UDP, port: 53}]\n"));
        let json = "  - {\"ports\": [{\"endPort\": 60,\n      \"port\": 53}]}\n";
        let mended = after(json, "\"endPort\"", How::Entry, "protocol: UDP");
        assert_eq!(mended, some("  - {\"ports\": [{\"protocol\": \"UDP\", \"endPort\": 60,\n      \"port\": 53}]}\n"));
    }

    #[test]
    fn a_value_is_written_over_and_nothing_else() {
        let mend = |rules: &str, at: &str| after(rules, at, How::Entry, "port: 8080");
        assert_eq!(
            mend("  - ports:\n    - protocol: TCP\n      port: 80   # web\n", "protocol"),
            some("  - ports:\n    - protocol: TCP\n      port: 8080   # web\n")
        );
        assert_eq!(
            mend("  - ports: [{protocol: TCP, port: 80}, {port: 81}]\n", "protocol"),
            some("  - ports: [{protocol: TCP, port: 8080}, {port: 81}]\n")
        );
    }

    #[test]
    fn another_item_is_the_same_but_for_an_entry() {
        let mend = |rules: &str| after(rules, "protocol: UDP", How::Another, "protocol: TCP");
        assert_eq!(
            mend(
                "  - ports:\n      # names\n      - protocol: UDP\n        port: 53 # DNS\n    from:\n      - podSelector: {}\n"
            ),
            some(
                "  - ports:\n      # names\n      - protocol: UDP\n        port: 53 # DNS\n      - protocol: TCP\n        port: \
                 53\n    from:\n      - podSelector: {}\n"
            )
        );
        assert_eq!(
            mend("  - ports: [{protocol: UDP, port: 53}]\n"),
            some("  - ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]\n")
        );
        assert_eq!(
            mend("  - ports:\n    - protocol: UDP\n      port: 53"),
            some("  - ports:\n    - protocol: UDP\n      port: 53\n    - protocol: TCP\n      port: 53\n")
        );
    }

    #[test]
    fn an_item_goes_with_its_lines_alone_and_never_the_last() {
        let mend = |rules: &str, at: &str| after(rules, at, How::Removal, "");
        let two = "  - ports:\n    - port: 80 # one\n    # two\n    - port: 80\n      protocol: TCP\n  # the end\n";
        assert_eq!(mend(two, "port: 80"), some("  - ports:\n    - port: 80 # one\n    # two\n  # the end\n"));
        assert_eq!(
            mend("  - from: [{podSelector: {}}, {podSelector: {}}]\n", "podSelector"),
            some("  - from: [{podSelector: {}}]\n")
        );
        assert_eq!(mend("  - from: [{podSelector: {}}]\n", "podSelector"), None);
        assert_eq!(mend("  - from:\n    - podSelector: {}\n", "from"), None);
    }

    /// A mend at the place where `at` stands for the `nth` time.
    fn mend_at(text: &str, at: &str, nth: usize, how: How, entry: &str) -> Mend {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text.to_owned());
        let (start, _) = text.match_indices(at).nth(nth).unwrap();
        Mend { title: String::new(), span: Span::new(file, start..start + at.len()), text: entry.into(), how }
    }

    fn all_mended(text: &str, mends: &[Mend]) -> Option<Mended> {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text.to_owned());
        mended(sources.file(file).unwrap(), mends.iter().collect())
    }

    #[test]
    fn mends_of_one_text_are_made_together_and_each_once() {
        let text = format!("{HEAD}  - ports: [{{port: 53}}, {{port: 53}}]\n  - ports:\n    - port: 53\n");
        let mend = |nth| mend_at(&text, "port: 53", nth, How::Entry, "protocol: UDP");
        let all = [mend(0), mend(2), mend(1), mend(2)];
        let mended = all_mended(&text, &all).unwrap();
        let rules = "  - ports: [{protocol: UDP, port: 53}, {protocol: UDP, port: 53}]\n  - ports:\n    - protocol: UDP\n      port: 53\n";
        assert_eq!((mended.after, mended.count), (format!("{HEAD}{rules}"), 3));
        assert_eq!(mended.before, text);
    }

    #[test]
    fn one_that_cannot_be_made_takes_no_other_with_it() {
        let text = format!("{HEAD}  - from: [{{podSelector: {{}}}}]\n    ports: [{{port: 53}}]\n");
        let last_peer = mend_at(&text, "podSelector", 1, How::Removal, "");
        let port = mend_at(&text, "port: 53", 0, How::Entry, "protocol: UDP");
        let mended = all_mended(&text, &[last_peer.clone(), port]).unwrap();
        assert_eq!(mended.count, 1);
        assert!(mended.after.ends_with("    ports: [{protocol: UDP, port: 53}]\n"), "{}", mended.after);
        assert_eq!(all_mended(&text, &[last_peer]), None);
    }

    #[test]
    fn what_would_change_more_than_is_said_is_not_changed() {
        // The ports of both rules are one text.
        let text = format!("{HEAD}  - ports: &dns [{{port: 53}}]\n  - ports: *dns\n");
        let shared = mend_at(&text, "port: 53", 0, How::Entry, "protocol: UDP");
        assert_eq!(all_mended(&text, &[shared]), None);
        // Nor is a value of which something else depends.
        let text = format!("{HEAD}  - ports: [{{port: 53}}]\n");
        let odd = mend_at(&text, "port: 53", 0, How::Entry, "protocol: ICMP");
        assert_eq!(all_mended(&text, &[odd]), None);
        let gone = mend_at(&text, "port: 53", 0, How::Text, "port: 54");
        assert_eq!(all_mended(&text, &[gone]), None);
    }

    #[test]
    fn ends_of_lines_and_other_documents_stay_as_they_are() {
        let head = HEAD.replace('\n', "\r\n");
        let text = format!("# first\r\n---\r\n{head}  - ports:\r\n    - port: 53 # DNS\r\n---\r\n# last\r\n");
        let mended = all_mended(&text, &[mend_at(&text, "port: 53", 0, How::Entry, "protocol: UDP")]).unwrap();
        assert_eq!(mended.after, text.replace("- port: 53", "- protocol: UDP\r\n      port: 53"));
        let another = mend_at(&text, "port: 53", 0, How::Another, "protocol: UDP");
        let mended = all_mended(&text, &[another]).unwrap();
        assert!(mended.after.contains("- protocol: UDP"), "{}", mended.after);
    }

    #[test]
    fn of_several_ways_none_is_taken_and_no_utf_16_is_written() {
        use crate::diag::{Code, Diagnostic, Levels};
        use crate::session::{Memory, Named};
        let text = format!("{HEAD}  - ports: [{{port: 53}}]\n");
        let system = Memory::default().with("/p/a.yaml", text.as_str());
        let mut manifests =
            Manifests::load(&system, std::path::Path::new("/p"), &[Named::Path("/p/a.yaml".into())], "default");
        let mend = |entry: &str| mend_at(&text, "port: 53", 0, How::Entry, entry);
        let report = |mends: Vec<Mend>| {
            let diagnostic = Diagnostic { mends, ..Diagnostic::about(Code::W0205, "a port") };
            Levels::default().apply(vec![diagnostic], &[])
        };
        let one = report(vec![mend("protocol: UDP")]);
        let two = report(vec![mend("protocol: UDP"), mend("protocol: SCTP")]);
        assert_eq!(manifests.mended(&one).len(), 1);
        assert_eq!(manifests.mended(&two), []);
        manifests.wide.insert("a.yaml".to_owned());
        assert_eq!(manifests.mended(&one), []);
    }
}
