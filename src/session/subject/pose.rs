//! A question about two ends: from the words of the command line to the ends of a world.

use super::{AskedPorts, Subject};
use crate::ask::{Asked, Doubtful, Ends, Everyone, GroupName, Meant, Named, Samples, Set, Situation};
use crate::cover::{Budget, GaveUp};
use crate::engine::EndId;
use crate::net::PortSet;

/// Two ends that are asked about, in a world that has the answer.
#[derive(Debug, Default)]
pub struct Posed {
    /// The world: the workloads that were given, or of all pods that could exist so many that they stand for all.
    pub situation: Situation,
    /// Those who connect.
    pub from: Vec<EndId>,
    /// To whom, with the ports that are asked for there.
    pub to: Vec<(EndId, PortSet)>,
    /// Those of them that only may be asked about, by labels of their namespace that nobody stated.
    pub doubtful: Doubtful,
}

/// What is said when a question has no answer that can be found.
pub const TOO_HARD: &str = "the labels that the policies select by can be put together in too many ways to find the answer \
                            for every pod that could exist; ask about narrower ends, or about those that there are: \
                            `--workloads PATH`";

impl Subject {
    /// Poses a question; the error is a sentence.
    pub fn pose(&self, from: &Asked, to: &Asked, ports: Option<&AskedPorts>) -> Result<Posed, String> {
        match self.situation(&[from.clone(), to.clone()]) {
            Some(situation) => self.pose_to_cluster(situation, from, to, ports),
            None => self.pose_to_everyone(from, to, ports),
        }
    }

    fn pose_to_cluster(
        &self,
        situation: Situation,
        from: &Asked,
        to: &Asked,
        ports: Option<&AskedPorts>,
    ) -> Result<Posed, String> {
        let (from, ends) = (self.find(&situation, from)?, self.find(&situation, to)?);
        let pods = |ends: &[EndId]| ends.iter().any(|end| situation.world.pods(*end).is_some());
        if !pods(&from) && !pods(&ends) {
            return Err(NO_POD.to_owned());
        }
        let asked = |end: EndId| match ports {
            Some(asked) => self.ports_at(&situation, asked, Some(to), end),
            None => self.served(&situation, Some(to), end).ok_or_else(|| which_ports(to)),
        };
        let to = ends.into_iter().map(|end| Ok((end, asked(end)?))).collect::<Result<_, String>>()?;
        Ok(Posed { situation, from, to, doubtful: Doubtful::new() })
    }

    fn pose_to_everyone(&self, from: &Asked, to: &Asked, ports: Option<&AskedPorts>) -> Result<Posed, String> {
        let both = [from.clone(), to.clone()];
        let everyone = self.everyone(&both);
        let (sources, ends) = (self.find_among(&everyone, from)?, self.find_among(&everyone, to)?);
        let pods = |ends: &[Ends]| ends.iter().any(|end| end.pods().is_some());
        if !pods(&sources) && !pods(&ends) {
            return Err(NO_POD.to_owned());
        }
        let mut budget = Budget::of_question();
        let posed = || -> Result<Result<Posed, String>, GaveUp> {
            let sure = match self.targets(&everyone, to, ends, ports, &mut budget)? {
                Ok(sure) => sure,
                Err(message) => return Ok(Err(message)),
            };
            let perhaps = self.targets(&everyone, to, everyone.find_perhaps(to), ports, &mut budget)?;
            let to = Meant { sure, perhaps: perhaps.unwrap_or_default() };
            let grants = everyone.grants(self.policies());
            let from = Meant { sure: sources, perhaps: everyone.find_perhaps(from) };
            let samples = everyone.samples(&grants, &both, &from, &to, &mut budget)?;
            let Samples { situation, from, to, doubtful } = samples;
            Ok(Ok(Posed { situation, from, to, doubtful }))
        };
        posed().unwrap_or_else(|GaveUp| Err(TOO_HARD.to_owned()))
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
                (Some(ports), false) => return Ok(Err(self.no_port(everyone, &groups, &rest, ports, budget)?)),
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
    fn named_by<'e>(&self, everyone: &'e Everyone<'_>, about: &Asked) -> Vec<&'e Named> {
        let names = about.each().iter().filter_map(|one| match one {
            Asked::Name(text) => Some(text),
            _ => None,
        });
        let sets: Vec<Option<Set>> = names.map(|text| everyone.set(text).ok()).collect();
        if sets.is_empty() {
            return Vec::new();
        }
        let is_tier = |group: &&Named| matches!(group.name, GroupName::Tier(..));
        let is_meant = |group: &&Named| is_tier(group) && sets.iter().flatten().any(|set| *set == group.set);
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
        groups: &[&Named],
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

const NO_POD: &str = "neither end is a pod, so no policy has a say";

fn which_ports(to: &Asked) -> String {
    let to = match to {
        Asked::Addresses(addresses) if !addresses.v6().is_empty() => "[2001:db8::1]".to_owned(),
        to => to.to_string(),
    };
    format!("which ports? write them after a colon, as in `{to}:8080/tcp`; `:*` is every port")
}
