//! Groups: their members, and those of groups inside groups.

use super::resolve::Resolver;
use super::{Endpoint, Group, GroupId};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use rustc_hash::FxHashMap;

impl Resolver<'_> {
    /// Finds the members of groups, and takes groups inside groups apart.
    pub(super) fn resolve_groups(&mut self) {
        let written = std::mem::take(&mut self.group_members);
        let mut spans: Vec<Vec<(Endpoint, Span)>> = Vec::with_capacity(written.len());
        for (scope, members, repeats) in &written {
            self.repeats = *repeats;
            let mut found: Vec<(Endpoint, Span)> = Vec::with_capacity(members.len());
            let mut known: FxHashMap<Endpoint, Span> = FxHashMap::default();
            for member in *members {
                let Some(endpoint) = self.find_endpoint(*scope, member) else { continue };
                if let Some(earlier) = known.get(&endpoint).copied() {
                    let message = format!("`{}` is already a member", self.text(member.span));
                    self.report(
                        Diagnostic::new(Code::W0009, member.span, message)
                            .with_label(earlier, "here")
                            .with_help("remove it"),
                    );
                    continue;
                }
                known.insert(endpoint, member.span);
                found.push((endpoint, member.span));
            }
            spans.push(found);
        }
        self.repeats = false;
        self.break_cycles(&mut spans);
        for (group, members) in self.model.groups.iter_mut().zip(&spans) {
            group.members = members.iter().map(|(endpoint, _)| *endpoint).collect();
        }
        self.flatten_groups();
    }

    /// Reports groups that contain themselves and takes the member away that closes the circle.
    fn break_cycles(&mut self, members: &mut [Vec<(Endpoint, Span)>]) {
        // 0: not seen, 1: on the path from the start, 2: done. A stack of our own, because groups nest as deep as written.
        let mut state = vec![0u8; members.len()];
        for start in 0..members.len() {
            if state.get(start) != Some(&0) {
                continue;
            }
            let mut path = vec![(start, 0usize)];
            set(&mut state, start, 1);
            while let Some((group, next)) = path.last_mut() {
                let at = *group;
                let Some((endpoint, span)) = members.get(at).and_then(|list| list.get(*next)).copied() else {
                    set(&mut state, at, 2);
                    path.pop();
                    continue;
                };
                *next += 1;
                let Endpoint::Group(inner) = endpoint else { continue };
                match state.get(inner.index()) {
                    Some(0) => {
                        set(&mut state, inner.index(), 1);
                        path.push((inner.index(), 0));
                    }
                    Some(1) => {
                        self.report_cycle(inner, span);
                        let position = path.last().map_or(0, |(_, next)| next.saturating_sub(1));
                        if let Some(list) = members.get_mut(at) {
                            list.remove(position);
                        }
                        if let Some((_, next)) = path.last_mut() {
                            *next = position;
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    fn report_cycle(&mut self, group: GroupId, span: Span) {
        let Group { name, span: declared, .. } = &self.model.groups[group];
        let diagnostic = Diagnostic::new(Code::E0109, span, format!("group `{name}` contains itself"))
            .with_label(*declared, "declared here")
            .with_help("remove this member");
        self.report(diagnostic);
    }

    fn flatten_groups(&mut self) {
        let mut done: Vec<Option<Vec<Endpoint>>> = vec![None; self.model.groups.len()];
        for start in 0..done.len() {
            let mut stack = vec![start];
            while let Some(&group) = stack.last() {
                if done.get(group).is_some_and(Option::is_some) {
                    stack.pop();
                    continue;
                }
                let members = &self.model.groups[GroupId::at(group)].members;
                let inner = members.iter().filter_map(|member| match member {
                    Endpoint::Group(id) => Some(id.index()),
                    Endpoint::Tier(_)
                    | Endpoint::Namespace(_)
                    | Endpoint::Cidr(_)
                    | Endpoint::Fqdn(_)
                    | Endpoint::BuiltIn(_) => None,
                });
                let missing: Vec<usize> = inner.filter(|id| done.get(*id).is_some_and(Option::is_none)).collect();
                if !missing.is_empty() {
                    stack.extend(missing);
                    continue;
                }
                let mut leaves: Vec<Endpoint> = Vec::new();
                for member in members {
                    match member {
                        Endpoint::Group(id) => leaves.extend(done.get(id.index()).iter().copied().flatten().flatten()),
                        leaf @ (Endpoint::Tier(_)
                        | Endpoint::Namespace(_)
                        | Endpoint::Cidr(_)
                        | Endpoint::Fqdn(_)
                        | Endpoint::BuiltIn(_)) => leaves.push(*leaf),
                    }
                }
                leaves.sort_unstable();
                leaves.dedup();
                if let Some(slot) = done.get_mut(group) {
                    *slot = Some(leaves);
                }
                stack.pop();
            }
        }
        for (group, leaves) in self.model.groups.iter_mut().zip(done) {
            group.leaves = leaves.unwrap_or_default();
        }
    }
}

fn set(state: &mut [u8], index: usize, value: u8) {
    if let Some(slot) = state.get_mut(index) {
        *slot = value;
    }
}
