//! A question about two ends: from the words of the command line to the ends of a world.

use super::means::{End, Means, Part, PartPorts};
use super::unknown::quoted;
use super::{AskedPorts, Subject};
use crate::ask::{Asked, Doubtful, Ends, Everyone, GroupName, Meant, NamedEnds, Samples, Set, Situation};
use crate::cover::{Budget, GaveUp};
use crate::engine::{Doubt, EndId};
use crate::net::{Facts, PortSet, Truth};
use crate::netpol::Policy;
use std::collections::{BTreeMap, BTreeSet};

/// Two ends that are asked about, in a world that has the answer.
#[derive(Debug, Default)]
pub struct Posed {
    /// The world: the workloads that were given, or of all pods that could exist so many that they stand for all.
    pub situation: Situation,
    /// Those who connect.
    pub from: Vec<EndId>,
    /// To whom, with the ports that are asked for there.
    pub to: Vec<(EndId, PortSet)>,
    /// Those of them that only may be asked about: by labels of their namespace that nobody stated, or as nodes whose
    /// addresses nobody gave.
    pub doubtful: Doubtful,
    /// What the words of the question mean, in sentences without a full stop.
    pub notes: Vec<String>,
    /// Who is meant by the first end and by the second one.
    pub meant: [Option<Asked>; 2],
}

/// Ends to ask about, as they are asked for.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// Those who connect; `None` for all.
    pub from: Option<Asked>,
    /// To whom; `None` for all.
    pub to: Option<Asked>,
    /// The ports there; `None` for all.
    pub ports: Option<AskedPorts>,
}

/// What is said when a question has no answer that can be found.
pub const TOO_HARD: &str = "the labels that the policies select by can be put together in too many ways to find the answer \
                            for every pod that could exist; ask about narrower ends, or about those that there are: \
                            `--workloads PATH`";

impl Subject {
    /// Poses a question; the error is a sentence.
    pub fn pose(&self, from: &Asked, to: &Asked, ports: Option<&AskedPorts>) -> Result<Posed, String> {
        self.pose_by(self.policies(), from, to, ports)
    }

    /// Poses a question to some policies.
    pub fn pose_by(
        &self,
        policies: &[Policy],
        from: &Asked,
        to: &Asked,
        ports: Option<&AskedPorts>,
    ) -> Result<Posed, String> {
        let [from, to] = [self.means(from, End::Source, None)?, self.means(to, End::Destination, ports)?];
        let facts = self.facts.clone();
        let facts = facts.knowing(&from.nodes.union(&to.nodes), &from.api_server.union(&to.api_server));
        let asked = [from.asked(), to.asked()];
        let mut posed = match self.situation_by(policies, &asked, &facts) {
            Some(situation) => self.pose_to_cluster(situation, &from, &to, ports)?,
            None => {
                let ports = to.ports_everywhere(ports)?;
                self.pose_to_everyone(policies, &facts, &asked, ports.as_ref(), &mut Budget::of_question())?
            }
        };
        let world = &posed.situation.world;
        let is_node = |end: &EndId| world.addresses(*end).is_some_and(|addresses| facts.is_node(addresses));
        let tells = |note: &String| note.contains("always let in");
        let is_told = from.notes.iter().chain(&posed.notes).any(tells);
        if posed.from.iter().any(is_node) && !is_told {
            posed.notes.push("the node that a pod runs on is always let in, whatever policies say".to_owned());
        }
        let notes = from.notes.into_iter().chain(to.notes).chain(std::mem::take(&mut posed.notes));
        for note in notes.collect::<Vec<_>>() {
            if !posed.notes.contains(&note) {
                posed.notes.push(note);
            }
        }
        posed.meant = asked.map(Some);
        Ok(posed)
    }

    /// Those who are meant by some words, and what there is to say about that. The error is a sentence.
    pub fn resolve(&self, asking: Asking) -> Result<(Asking, Vec<String>), String> {
        let Asking { from, to, ports } = asking;
        let from = from.map(|from| self.means(&from, End::Source, None)).transpose()?;
        let to = to.map(|to| self.means(&to, End::Destination, ports.as_ref())).transpose()?;
        let all = || from.iter().chain(&to);
        if all().flat_map(|means| &means.parts).any(|part| part.doubt.is_some()) {
            let notes: Vec<&str> = all().flat_map(|means| &means.notes).map(String::as_str).collect();
            return Err(format!("cannot tell: {}", notes.join("; ")));
        }
        let ports = to.as_ref().map_or(Ok(ports.clone()), |to| to.ports_everywhere(ports.as_ref()))?;
        let intros = all().flat_map(|means| &means.parts).filter_map(|part| part.told());
        let notes = all().flat_map(|means| means.notes.iter().cloned()).chain(intros).collect();
        Ok((Asking { from: from.map(|means| means.asked()), to: to.map(|means| means.asked()), ports }, notes))
    }

    fn pose_to_cluster(
        &self,
        situation: Situation,
        from: &Means,
        to: &Means,
        ports: Option<&AskedPorts>,
    ) -> Result<Posed, String> {
        let mut posed = Posed::default();
        let mut meant: BTreeSet<EndId> = BTreeSet::new();
        for part in &from.parts {
            let ends = self.find(&situation, &part.asked)?;
            posed.mean(&ends, part, &mut meant);
            posed.from.extend(ends);
        }
        posed.from.sort_unstable();
        posed.from.dedup();
        let mut targets: BTreeMap<EndId, PortSet> = BTreeMap::new();
        for part in &to.parts {
            let ends = self.find(&situation, &part.asked)?;
            posed.mean(&ends, part, &mut meant);
            let at = self.ports_of_part(&situation, part, &ends, ports)?;
            if let (true, Some(asked)) = (part.is_by_name(), ports.and_then(AskedPorts::without_names)) {
                posed.notes.extend(self.told_of_ports(&situation, &at, asked));
            }
            if let (true, Some(asked)) = (part.is_by_name(), ports) {
                posed.notes.extend(self.told_of_names(&situation, &ends, asked));
            }
            posed.notes.extend(part.intro.as_ref().map(|intro| told_of_service(&situation, intro, part, &at)));
            at.into_iter().for_each(|(end, ports)| targets.entry(end).or_default().insert(&ports));
        }
        let pods = |end: &EndId| situation.world.pods(*end).is_some();
        if !posed.from.iter().any(pods) && !targets.keys().any(pods) {
            return Err(NO_POD.to_owned());
        }
        posed.to = targets.into_iter().collect();
        if to.hides_source {
            posed.hide_source(&situation);
        }
        posed.tell_own_nodes(&situation);
        Ok(Posed { situation, ..posed })
    }

    /// The ports at some ends of what is meant.
    fn ports_of_part(
        &self,
        situation: &Situation,
        part: &Part,
        ends: &[EndId],
        ports: Option<&AskedPorts>,
    ) -> Result<Vec<(EndId, PortSet)>, String> {
        let about = &part.asked;
        let of_asked = |end: EndId| match ports {
            Some(asked) => self.ports_at(situation, asked, Some(about), end),
            None => self.served(situation, Some(about), end).ok_or_else(|| which_ports(about)),
        };
        let targets = match &part.ports {
            PartPorts::AsAsked => {
                // Who asks about an address, or what names stand for addresses, means what is there.
                let is_meant = part.is_by_name();
                let at = |end: &EndId| {
                    let own = of_asked(*end)?;
                    Ok((*end, if is_meant { self.behind_services(situation, *end, &own) } else { own }))
                };
                return ends.iter().map(at).collect();
            }
            PartPorts::These(ports) => return Ok(ends.iter().map(|end| (*end, ports.clone())).collect()),
            PartPorts::Targets(targets) => targets,
        };
        let at = |end: EndId| {
            let all = targets.iter().flat_map(|target| target.numbers(self.container_ports(situation, end)));
            (end, all.fold(PortSet::empty(), |all, one| all.union(&one)))
        };
        // A pod without a port of the name is not behind it.
        let found: Vec<(EndId, PortSet)> = ends.iter().map(|end| at(*end)).filter(|(_, at)| !at.is_empty()).collect();
        if found.is_empty() {
            let names: Vec<String> = targets.iter().map(|target| target.as_written().to_string()).collect();
            let intro = part.intro.as_deref().unwrap_or_default();
            return Err(format!("{intro}, but no container of its pods has the port {}", names.join(", ")));
        }
        Ok(found)
    }

    pub(super) fn pose_to_everyone(
        &self,
        policies: &[Policy],
        facts: &Facts,
        both: &[Asked; 2],
        ports: Option<&AskedPorts>,
        budget: &mut Budget,
    ) -> Result<Posed, String> {
        let [from, to] = both;
        let everyone = self.everyone_by(policies, both, facts);
        let (sources, ends) = (self.find_among(&everyone, from)?, self.find_among(&everyone, to)?);
        let pods = |ends: &[Ends]| ends.iter().any(|end| end.pods().is_some());
        if !pods(&sources) && !pods(&ends) {
            return Err(NO_POD.to_owned());
        }
        let posed = |budget: &mut Budget| -> Result<Result<Posed, String>, GaveUp> {
            let sure = match self.targets(&everyone, to, ends, ports, budget)? {
                Ok(sure) => sure,
                Err(message) => return Ok(Err(message)),
            };
            let perhaps = self.targets(&everyone, to, everyone.find_perhaps(to), ports, budget)?;
            let to = Meant { sure, perhaps: perhaps.unwrap_or_default() };
            let grants = everyone.grants(policies);
            let from = Meant { sure: sources, perhaps: everyone.find_perhaps(from) };
            let samples = everyone.samples(&grants, both, &from, &to, budget)?;
            let Samples { situation, from, to, doubtful } = samples;
            Ok(Ok(Posed { situation, from, to, doubtful, ..Posed::default() }))
        };
        posed(budget).unwrap_or_else(|GaveUp| Err(TOO_HARD.to_owned()))
    }

    /// The ends with the ports that are asked for there: pods of several tiers with those of each.
    fn targets(
        &self,
        everyone: &Everyone<'_>,
        about: &Asked,
        ends: Vec<Ends>,
        ports: Option<&AskedPorts>,
        budget: &mut Budget,
    ) -> Result<Result<Vec<(Ends, PortSet)>, String>, GaveUp> {
        if let Some(numbers) = ports.and_then(AskedPorts::without_names) {
            return Ok(Ok(ends.into_iter().map(|end| (end, numbers.clone())).collect()));
        }
        let groups = self.named_by(everyone, about);
        let with_ports = groups.iter().filter_map(|group| Some((&group.set, self.ports_of(&group.name, ports)?)));
        let with_ports: Vec<(&Set, PortSet)> = with_ports.collect();
        let mut targets = Vec::new();
        for end in ends {
            let mut rest = end.clone();
            for (set, ports) in &with_ports {
                for part in set.beside(&everyone.space, &end) {
                    rest = everyone.space.minus(&rest, &part);
                    if let Some(both) = everyone.space.both(&end, &part)
                        && !everyone.space.is_empty(&both, budget)?
                    {
                        targets.push((both, ports.clone()));
                    }
                }
            }
            if everyone.space.is_empty(&rest, budget)? {
                continue;
            }
            match (ports, self.session.is_none() && rest.pods().is_some()) {
                // Every pod may have such a port.
                (Some(ports), true) => targets.push((rest, ports.as_written())),
                (Some(ports), false) => {
                    return Ok(Err(match self.no_port_of_all(about, ports) {
                        Some(message) => message,
                        None => self.no_port(everyone, &groups, &rest, ports, budget)?,
                    }));
                }
                (None, _) => return Ok(Err(which_ports(about))),
            }
        }
        Ok(Ok(targets))
    }

    /// The ports that are asked for at some ends of what is asked about.
    pub fn ports_among(
        &self,
        everyone: &Everyone<'_>,
        about: &Asked,
        ends: &[Ends],
        ports: &AskedPorts,
        budget: &mut Budget,
    ) -> Result<Result<PortSet, String>, GaveUp> {
        let targets = self.targets(everyone, about, ends.to_vec(), Some(ports), budget)?;
        Ok(targets.map(|all| all.iter().fold(PortSet::empty(), |all, (_, ports)| all.union(ports))))
    }

    /// Those that may say what the names of ports mean: a tier that was named speaks for itself, as it does in a flow.
    fn named_by<'e>(&self, everyone: &'e Everyone<'_>, about: &Asked) -> Vec<&'e NamedEnds> {
        let names = about.each().iter().filter_map(Asked::name);
        let sets: Vec<Option<Set>> = names.map(|text| everyone.set(text).ok()).collect();
        if sets.is_empty() {
            return Vec::new();
        }
        let is_tier = |group: &&NamedEnds| matches!(group.name, GroupName::Tier(..));
        let is_meant = |group: &&NamedEnds| is_tier(group) && sets.iter().flatten().any(|set| *set == group.set);
        let is_all =
            sets.iter().all(|set| everyone.groups.iter().filter(is_tier).any(|group| Some(&group.set) == set.as_ref()));
        match is_all {
            true => everyone.groups.iter().filter(is_meant).collect(),
            false => everyone.groups.iter().collect(),
        }
    }

    fn no_port(
        &self,
        everyone: &Everyone<'_>,
        groups: &[&NamedEnds],
        rest: &Ends,
        ports: &AskedPorts,
        budget: &mut Budget,
    ) -> Result<String, GaveUp> {
        let mut names = Vec::new();
        for group in groups {
            for part in group.set.beside(&everyone.space, rest) {
                if let Some(both) = everyone.space.both(rest, &part)
                    && !everyone.space.is_empty(&both, budget)?
                {
                    names.push(&group.name);
                }
            }
        }
        Ok(self.without_port(&names, ports))
    }
}

impl Posed {
    /// Notes of ends of a part whether it is known that they are meant.
    fn mean(&mut self, ends: &[EndId], part: &Part, meant: &mut BTreeSet<EndId>) {
        for end in ends {
            match &part.doubt {
                None => {
                    meant.insert(*end);
                    self.doubtful.remove(end);
                }
                Some(doubt) if !meant.contains(end) => _ = self.doubtful.insert(*end, doubt.clone()),
                Some(_) => {}
            }
        }
    }

    /// Takes into account that who connects from outside may be seen as any node.
    fn hide_source(&mut self, situation: &Situation) {
        if self.from.iter().any(|end| situation.world.pods(*end).is_some()) {
            return;
        }
        self.notes.push(
            "pods may see the address of a node in place of that of the client, for `externalTrafficPolicy` is not `Local`"
                .to_owned(),
        );
        for end in situation.world.ids().filter(|end| situation.world.pods(*end).is_none()) {
            if !self.from.contains(&end) {
                self.from.push(end);
                self.doubtful.insert(end, Doubt::SourceOfService);
            }
        }
    }

    /// Says which of the pods run on the node that connects.
    fn tell_own_nodes(&mut self, situation: &Situation) {
        let is_own = |pods: EndId| self.from.iter().any(|from| situation.world.is_own_node(pods, *from) == Truth::Yes);
        let own: Vec<EndId> = self.to.iter().map(|(end, _)| *end).filter(|end| is_own(*end)).collect();
        if !own.is_empty() {
            let names = quoted(&names_of(situation, &own));
            self.notes.push(match own.len() == self.to.len() {
                true => format!("it is the node that {names} runs on, which is always let in"),
                false => format!("it is the node that some pods of {names} run on, which is always let in"),
            });
        }
    }
}

impl Means {
    /// The ports that are asked for, where all who are meant have the same.
    fn ports_everywhere(&self, asked: Option<&AskedPorts>) -> Result<Option<AskedPorts>, String> {
        let of = |part: &Part| match &part.ports {
            PartPorts::AsAsked => asked.cloned(),
            PartPorts::These(ports) => Some(AskedPorts::of_numbers(ports.clone())),
            PartPorts::Targets(targets) => {
                let all = targets.iter().map(|target| target.as_written());
                Some(AskedPorts::of_numbers(all.fold(PortSet::empty(), |all, one| all.union(&one))))
            }
        };
        let mut all = self.parts.iter().map(of);
        let first = all.next().flatten();
        match all.all(|other| other == first) {
            true => Ok(first),
            false => Err("the ports of these are not the same: ask about one of them at a time".to_owned()),
        }
    }
}

/// What some ends are called, each once.
fn names_of(situation: &Situation, ends: &[EndId]) -> Vec<String> {
    let names = ends.iter().filter_map(|end| situation.names_of(*end).first().map(|name| name.whole().to_string()));
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a Service is, with its ports as its pods have them.
fn told_of_service(situation: &Situation, intro: &str, part: &Part, at: &[(EndId, PortSet)]) -> String {
    let ends: Vec<EndId> = at.iter().map(|(end, _)| *end).collect();
    let pods = quoted(&names_of(situation, &ends));
    match &part.ports {
        PartPorts::Targets(targets) => {
            let own = |target: &super::means::ServiceTarget| PortSet::number(target.protocol, target.port);
            let ports = targets.iter().map(own).fold(PortSet::empty(), |all, one| all.union(&one));
            let there = at.iter().fold(PortSet::empty(), |all, (_, ports)| all.union(ports));
            format!("{intro}: {ports} is {there} of {pods}")
        }
        PartPorts::AsAsked | PartPorts::These(_) => format!("{intro}: it stands for {pods}, and no port is translated"),
    }
}

const NO_POD: &str = "neither end is a pod, so no policy has a say";

fn which_ports(to: &Asked) -> String {
    let is_v6 = to.addresses().is_some_and(|addresses| !addresses.v6().is_empty());
    let to = if is_v6 { "[2001:db8::1]".to_owned() } else { to.to_string() };
    format!("which ports? write them after a colon, as in `{to}:8080/tcp`; `:*` is every port")
}
