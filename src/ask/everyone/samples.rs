//! A few pods that stand for all that could exist: enough of them for one question.

use super::*;
use crate::ask::can::Doubtful;
use crate::ask::space::{Link, Sure};
use crate::engine::{Doubt, EndId};
use crate::net::{Direction, PortSet, Truth};
use rustc_hash::{FxHashMap, FxHashSet};

/// Pods and addresses that have the answer of all that are asked about.
#[derive(Debug, Default)]
pub struct Samples {
    /// A world of them.
    pub situation: Situation,
    /// Those who connect.
    pub from: Vec<EndId>,
    /// To whom, with the ports that are asked for there.
    pub to: Vec<(EndId, PortSet)>,
    /// Those of them that only may be asked about.
    pub doubtful: Doubtful,
}

/// What is asked about.
#[derive(Debug, Default)]
pub struct Meant<T> {
    /// For sure.
    pub sure: Vec<T>,
    /// Only if a namespace has labels that nobody stated.
    pub perhaps: Vec<T>,
}

/// Two, and the ports that are asked for.
type SamplePair = (Example, Example, PortSet);

/// Examples that only may be asked about.
type Unsure = BTreeMap<Example, Doubt>;

impl<'p> Everyone<'p> {
    /// Two of each kind: who may connect, who may not, of whom that is not known, and those that most is to be told about.
    /// Whatever two of all ends have, some of these have.
    pub fn samples(
        &self,
        grants: &SpaceGrants<'_>,
        asked: &[Asked],
        from: &Meant<Ends>,
        to: &Meant<(Ends, PortSet)>,
        budget: &mut Budget,
    ) -> Result<Samples, GaveUp> {
        let mut search = SampleSearch { everyone: self, grants, pairs: Vec::new(), unsure: Unsure::new() };
        let found = search.run(&from.sure, &to.sure, budget)?;
        if !found.denied {
            search.perhaps(false, from, to, budget)?;
        }
        if !found.allowed {
            search.perhaps(true, from, to, budget)?;
        }
        let mut others = Vec::new();
        if let Some((source, destination, _)) = search.pairs.first().cloned() {
            let to: Vec<Ends> = to.sure.iter().map(|(end, _)| end.clone()).collect();
            others.push(self.neighbours(&source, &from.sure, budget)?);
            others.push(self.neighbours(&destination, &to, budget)?);
        }
        Ok(self.put(asked, search.pairs, others, &search.unsure))
    }

    /// Of the sets that `example` is in, those that differ: one of each that is not in another, and of the ends that are
    /// asked for one that is in none. With them the wider names can be told from the narrower ones.
    fn neighbours(&self, example: &Example, asked: &[Ends], budget: &mut Budget) -> Result<Vec<Example>, GaveUp> {
        let around: Vec<Vec<Ends>> = self.around(example);
        let mut found = Vec::new();
        for ends in &around {
            let others = around.iter().filter(|other| *other != ends);
            for (wide, out) in others.map(|other| (ends.as_slice(), other)).chain([(asked, ends)]) {
                for end in wide {
                    let rest = out.iter().fold(end.clone(), |rest, out| self.space.minus(&rest, out));
                    found.extend(self.space.example(&rest, budget)?);
                }
            }
        }
        Ok(found)
    }

    /// The ends of each declared name that someone has, as far as they are where they are.
    fn around(&self, example: &Example) -> Vec<Vec<Ends>> {
        let groups = self.groups.iter().filter(|group| !matches!(group.name, GroupName::Rest(_)));
        let ends = |group: &NamedEnds| -> Option<Vec<Ends>> {
            let here = self.space.where_is(example);
            let ends = group.set.beside(&self.space, &here);
            ends.iter().any(|end| self.space.has(end, example)).then_some(ends)
        };
        groups.filter_map(ends).collect()
    }

    /// The world of some pairs and others.
    fn put(&self, asked: &[Asked], pairs: Vec<SamplePair>, others: Vec<Vec<Example>>, unsure: &Unsure) -> Samples {
        let all = pairs.iter().flat_map(|(source, destination, _)| [source, destination]);
        let (situation, ends) = self.world_of(asked, all.chain(others.iter().flatten()));
        let (mut from, mut to): (Vec<EndId>, Vec<(EndId, PortSet)>) = Default::default();
        for (source, destination, ports) in &pairs {
            let (Some(source), Some(destination)) = (ends.get(source), ends.get(destination)) else { continue };
            if !from.contains(source) {
                from.push(*source);
            }
            let target = (*destination, ports.clone());
            if !to.contains(&target) {
                to.push(target);
            }
        }
        let end = |(example, doubt): (&Example, &Doubt)| Some((*ends.get(example)?, doubt.clone()));
        let doubtful = unsure.iter().filter_map(end).collect();
        Samples { situation, from, to, doubtful }
    }

    /// The world of some, and the end of each.
    pub fn world_of<'e>(
        &self,
        asked: &[Asked],
        examples: impl IntoIterator<Item = &'e Example>,
    ) -> (Situation, FxHashMap<&'e Example, EndId>) {
        let examples: FxHashSet<&Example> = examples.into_iter().collect();
        let mut examples: Vec<&Example> = examples.into_iter().collect();
        examples.sort_unstable();
        let mut marks: Vec<Asked> = asked.to_vec();
        // Told apart from all others, so that it is an end of its own.
        marks.extend(examples.iter().filter_map(|example| match example {
            Example::Address(address) => Some(Asked::Addresses(AddressSet::from_net((*address).into()))),
            Example::Unlisted(one) => Some(Asked::Addresses(one.clone())),
            Example::Pod { .. } => None,
        }));
        let all: Vec<(&Example, ExamplePod)> =
            examples.iter().filter_map(|one| Some((*one, self.in_world(one, asked)?))).collect();
        let mut pods: Vec<ExamplePod> = all.iter().map(|(_, pod)| pod.clone()).collect();
        pods.sort_unstable();
        pods.dedup();
        let (situation, ends) = self.situation(&marks, &pods);
        let by_pod: FxHashMap<&ExamplePod, EndId> = pods.iter().zip(ends).collect();
        let of_pod = |(example, pod): &(&'e Example, ExamplePod)| Some((*example, *by_pod.get(pod)?));
        let mut ends: FxHashMap<&Example, EndId> = all.iter().filter_map(of_pod).collect();
        ends.extend(examples.iter().filter_map(|example| match example {
            Example::Address(address) => Some((*example, situation.holding(&AddressSet::from_net((*address).into()))?)),
            Example::Unlisted(one) => Some((*example, situation.holding(one)?)),
            Example::Pod { .. } => None,
        }));
        (situation, ends)
    }
}

struct SampleSearch<'a, 'p> {
    everyone: &'a Everyone<'p>,
    grants: &'a SpaceGrants<'a>,
    pairs: Vec<SamplePair>,
    unsure: Unsure,
}

/// Every two of whom one at least only may be asked about.
fn unsure_pairs<'m>(
    from: &'m Meant<Ends>,
    to: &'m Meant<(Ends, PortSet)>,
) -> impl Iterator<Item = (&'m Ends, &'m (Ends, PortSet))> {
    let perhaps = from.perhaps.iter().flat_map(|source| to.sure.iter().chain(&to.perhaps).map(move |to| (source, to)));
    let sure = from.sure.iter().flat_map(|source| to.perhaps.iter().map(move |to| (source, to)));
    perhaps.chain(sure)
}

/// What there is of those that are asked about for sure.
struct SampleKinds {
    /// Whether some may not connect, or not for sure.
    denied: bool,
    /// Whether some may for sure, perhaps on some of the ports only.
    allowed: bool,
}

impl SampleSearch<'_, '_> {
    /// Two of each kind.
    fn run(&mut self, from: &[Ends], to: &[(Ends, PortSet)], budget: &mut Budget) -> Result<SampleKinds, GaveUp> {
        let (mut denied, mut doubtful, mut allowed) = (None, None, None);
        for source in from {
            for (destination, ports) in to {
                if denied.is_none() {
                    denied = self.refused(source, destination, ports, Sure::Perhaps { names: true }, budget)?;
                }
                if doubtful.is_none() && denied.is_none() {
                    doubtful = self.refused(source, destination, ports, Sure::Yes, budget)?;
                }
                if allowed.is_none() {
                    allowed = self.allowed(source, destination, ports, budget)?;
                }
            }
        }
        let mut partly = None;
        if denied.is_some() && allowed.is_none() {
            partly = self.some(from, to, Truth::Yes, budget)?;
            if partly.is_none() && doubtful.is_none() {
                doubtful = self.some(from, to, Truth::Maybe, budget)?;
            }
        }
        let isolated = match (&denied, &doubtful) {
            (None, None) => self.isolated(from, to, budget)?,
            _ => None,
        };
        let kinds = SampleKinds {
            denied: denied.is_some() || doubtful.is_some(),
            allowed: allowed.is_some() || partly.is_some(),
        };
        self.pairs = [isolated, denied, doubtful, allowed, partly].into_iter().flatten().collect();
        Ok(kinds)
    }

    /// Two that may connect on some of the ports, for sure or perhaps.
    fn some(
        &self,
        from: &[Ends],
        to: &[(Ends, PortSet)],
        least: Truth,
        budget: &mut Budget,
    ) -> Result<Option<SamplePair>, GaveUp> {
        for source in from {
            for (destination, ports) in to {
                if let Some(link) = self.link(source, destination, ports, least, budget)? {
                    return self.pair(&link.source, &link.destination, ports, budget);
                }
            }
        }
        Ok(None)
    }

    /// The first connections that are allowed on some of the ports, for sure or perhaps.
    fn link(
        &self,
        source: &Ends,
        destination: &Ends,
        ports: &PortSet,
        least: Truth,
        budget: &mut Budget,
    ) -> Result<Option<Link>, GaveUp> {
        let counts = |link: &Link| match least {
            Truth::Yes => link.truth == Truth::Yes && link.ports().overlaps(ports),
            Truth::No | Truth::Maybe => !link.possible(ports).is_empty(),
        };
        let mut found = None;
        self.grants.links(source, destination, budget, &mut |link| {
            found = counts(&link).then_some(link);
            found.is_some()
        })?;
        Ok(found)
    }

    /// Adds two of whom one only may be asked about, and who, if it is, may connect on some of the ports, or may perhaps; or
    /// else who may not, or not for sure.
    fn perhaps(
        &mut self,
        are_allowed: bool,
        from: &Meant<Ends>,
        to: &Meant<(Ends, PortSet)>,
        budget: &mut Budget,
    ) -> Result<(), GaveUp> {
        for (source, (destination, ports)) in unsure_pairs(from, to) {
            let found = if are_allowed {
                self.link(source, destination, ports, Truth::Maybe, budget)?.map(|link| [link.source, link.destination])
            } else {
                let refused = self.grants.refused(source, destination, ports, Sure::Yes, budget)?;
                refused.map(|refusal| [refusal.source, refusal.destination])
            };
            let Some([one, other]) = found else { continue };
            if self.suppose([source, destination], [&one, &other], ports, budget)? {
                break;
            }
        }
        Ok(())
    }

    /// Adds one of each part of two ends, supposing that their namespaces have the labels that are asked for.
    fn suppose(
        &mut self,
        [source, destination]: [&Ends; 2],
        [one, other]: [&Ends; 2],
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<bool, GaveUp> {
        let one = self.supposed(source, one, budget)?;
        let other = self.supposed(destination, other, budget)?;
        let pair = one.zip(other).map(|(one, other)| (one, other, ports.clone()));
        let is_found = pair.is_some();
        self.pairs.extend(pair);
        Ok(is_found)
    }

    /// One of a part of an end, supposing that its namespace has the labels that are asked for.
    fn supposed(&mut self, end: &Ends, part: &Ends, budget: &mut Budget) -> Result<Option<Example>, GaveUp> {
        let space = &self.everyone.space;
        let Some(mut example) = space.example(part, budget)? else { return Ok(None) };
        if let (Ends::Pods(pods), false, Example::Pod { name, namespace, .. }) = (end, space.is_sure(end), &mut example)
        {
            namespace.extend(pods.namespaces.witness().unwrap_or_default());
            let doubt = Doubt::NamespaceLabels { namespace: name.clone(), selector: pods.namespaces.clone() };
            self.unsure.insert(example.clone(), doubt);
        }
        Ok(Some(example))
    }

    fn pair(
        &self,
        source: &Ends,
        destination: &Ends,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<SamplePair>, GaveUp> {
        let space = &self.everyone.space;
        let (source, destination) = (space.example(source, budget)?, space.example(destination, budget)?);
        Ok(source.zip(destination).map(|(source, destination)| (source, destination, ports.clone())))
    }

    fn refused(
        &self,
        source: &Ends,
        destination: &Ends,
        ports: &PortSet,
        sure: Sure,
        budget: &mut Budget,
    ) -> Result<Option<SamplePair>, GaveUp> {
        match self.grants.refused(source, destination, ports, sure, budget)? {
            Some(found) => self.pair(&found.source, &found.destination, ports, budget),
            None => Ok(None),
        }
    }

    /// Two that may connect on all the ports.
    fn allowed(
        &self,
        source: &Ends,
        destination: &Ends,
        ports: &PortSet,
        budget: &mut Budget,
    ) -> Result<Option<SamplePair>, GaveUp> {
        let sure = |link: &Link| if link.truth == Truth::Yes { link.ports() } else { PortSet::empty() };
        self.by_links([source, destination], ports, sure, budget, |link, budget| {
            let pair = self.pair(&link.source, &link.destination, ports, budget)?;
            Ok(pair.filter(|pair| self.grants.between(&pair.0, &pair.1).both.allowed.contains(ports)))
        })
    }

    /// Looks for two among those of links, and of links of what those do not let through, that have some of the ports.
    fn by_links(
        &self,
        [source, destination]: [&Ends; 2],
        ports: &PortSet,
        counted: impl Fn(&Link) -> PortSet,
        budget: &mut Budget,
        find: impl Fn(&Link, &mut Budget) -> Result<Option<SamplePair>, GaveUp>,
    ) -> Result<Option<SamplePair>, GaveUp> {
        let mut open = vec![(source.clone(), destination.clone(), ports.clone())];
        while let Some((source, destination, left)) = open.pop() {
            let mut links: Vec<Link> = Vec::new();
            self.grants.links(&source, &destination, budget, &mut |link| {
                links.push(link);
                false
            })?;
            for link in links {
                let counted = counted(&link);
                if !counted.overlaps(&left) {
                    continue;
                }
                if let Some(pair) = find(&link, budget)? {
                    return Ok(Some(pair));
                }
                // What others allow to some of them.
                budget.spend(1)?;
                open.push((link.source, link.destination, left.subtract(&counted)));
            }
        }
        Ok(None)
    }

    /// Two that are isolated on as many sides as can be, where all may connect.
    fn isolated(
        &self,
        from: &[Ends],
        to: &[(Ends, PortSet)],
        budget: &mut Budget,
    ) -> Result<Option<SamplePair>, GaveUp> {
        let mut best: Option<(usize, SamplePair)> = None;
        for source in from {
            for (destination, ports) in to {
                let sources = self.most_isolated(source, Direction::Egress, budget)?;
                let destinations = self.most_isolated(destination, Direction::Ingress, budget)?;
                let (Some((one, source)), Some((other, destination))) = (sources, destinations) else { continue };
                let is_more = best.as_ref().is_none_or(|(count, _)| one + other > *count);
                if is_more && let Some(pair) = self.pair(&source, &destination, ports, budget)? {
                    best = Some((one + other, pair));
                }
            }
        }
        Ok(best.map(|(_, pair)| pair))
    }

    fn most_isolated(
        &self,
        end: &Ends,
        direction: Direction,
        budget: &mut Budget,
    ) -> Result<Option<(usize, Ends)>, GaveUp> {
        for part in self.grants.isolated_of(end, direction) {
            if !self.everyone.space.is_empty(&part, budget)? {
                return Ok(Some((1, part)));
            }
        }
        Ok((!self.everyone.space.is_empty(end, budget)?).then(|| (0, end.clone())))
    }
}
