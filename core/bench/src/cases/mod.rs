//! The situations that are measured. Each file is one; adding one is a file and a line in [`NAMES`].

mod founding;
mod memory;
mod mixed;
mod originkill;
mod swarm;
mod unshaped;

use samara_model::{ByteCount, BytesPerSecond};

use crate::{
    measure::{Goal, Measure},
    rivals::Rival,
};

/// One situation.
#[derive(Clone, Debug)]
pub struct Case {
    /// How it is called on the command line and in the JSON.
    pub name: &'static str,
    /// What a reader has to know beside peers, rate and size.
    pub remark: String,
    /// How many nodes want the file.
    pub peers: usize,
    /// What they are connected by.
    pub link: Link,
    /// The file's size.
    pub size: ByteCount,
    /// The origin is killed when it has sent so many times the file's size.
    pub kill_at: Option<f64>,
    /// The programs that make sense here, in the table's order.
    pub rivals: &'static [Rival],
    /// The table's columns.
    pub columns: &'static [Measure],
    /// The project's own goals; none where a flag has changed the case.
    pub goals: Vec<Goal>,
}

/// The links of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Loopback: as fast as the machine.
    Unshaped,
    /// The same rate in both directions for everybody.
    Equal(BytesPerSecond),
    /// As `Equal`, but every second peer has a quarter of it.
    EverySecondAtAQuarter(BytesPerSecond),
}

/// Changes to the standard cases that the user asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// Another number of peers.
    pub peers: Option<usize>,
    /// Another rate for all shaped links.
    pub rate: Option<BytesPerSecond>,
    /// Another size of the file.
    pub size: Option<ByteCount>,
    /// Another moment to kill the origin.
    pub kill_at: Option<f64>,
}

/// Every name that [`named`] knows, in the order of `all`.
pub const NAMES: [&str; 8] =
    ["swarm15", "swarm31", "mixed31", "originkill", "founding", "pair", "fan4", "memory"];

/// The cases that a name stands for.
pub fn named(name: &str) -> Option<Vec<Case>> {
    Some(match name {
        "swarm15" => vec![swarm::fifteen_peers()],
        "swarm31" => vec![swarm::thirty_one_peers()],
        "mixed31" => vec![mixed::case()],
        "originkill" => vec![originkill::case(), originkill::early()],
        "founding" => vec![founding::case()],
        "pair" => vec![unshaped::pair()],
        "fan4" => vec![unshaped::fan()],
        "memory" => memory::cases(),
        "all" => NAMES.iter().filter_map(|name| named(name)).flatten().collect(),
        _ => return None,
    })
}

impl Case {
    /// The case with the user's changes. A changed case has no goals: its figures mean something else.
    pub fn changed(mut self, changes: &Changes) -> Self {
        let before = self.clone();
        self.peers = changes.peers.unwrap_or(self.peers);
        self.size = changes.size.unwrap_or(self.size);
        self.kill_at = self.kill_at.map(|at| changes.kill_at.unwrap_or(at));
        if let Some(rate) = changes.rate {
            self.link = match self.link {
                Link::Unshaped => Link::Unshaped,
                Link::Equal(_) => Link::Equal(rate),
                Link::EverySecondAtAQuarter(_) => Link::EverySecondAtAQuarter(rate),
            };
        }
        let same = self.peers == before.peers && self.size == before.size;
        if !same || self.link != before.link || self.kill_at != before.kill_at {
            self.goals.clear();
        }
        self
    }

    /// One line for people.
    pub fn title(&self) -> String {
        let peers = if self.peers == 1 { "1 peer".into() } else { format!("{} peers", self.peers) };
        let link = match self.link {
            Link::Unshaped => "unshaped".to_string(),
            Link::Equal(rate) => rate.to_string(),
            Link::EverySecondAtAQuarter(rate) => format!("{rate}, every second at a quarter"),
        };
        let remark =
            if self.remark.is_empty() { String::new() } else { format!(": {}", self.remark) };
        format!("{peers}, {link}, {}{remark}", self.size)
    }

    /// The rate of each node's link, the origin's first; `None` where nothing is shaped.
    pub fn rates(&self) -> Option<Vec<BytesPerSecond>> {
        (0..=self.peers).map(|node| self.rate_of(node)).collect()
    }

    /// The rate of one node's link.
    pub fn rate_of(&self, node: usize) -> Option<BytesPerSecond> {
        match self.link {
            Link::Unshaped => None,
            Link::EverySecondAtAQuarter(rate) if self.is_slow(node) => {
                Some(BytesPerSecond(rate.0 / 4))
            }
            Link::Equal(rate) | Link::EverySecondAtAQuarter(rate) => Some(rate),
        }
    }

    /// Whether a node has the slow kind of link.
    pub fn is_slow(&self, node: usize) -> bool {
        matches!(self.link, Link::EverySecondAtAQuarter(_)) && node > 0 && node.is_multiple_of(2)
    }

    /// Size over rate of one peer's own link, in seconds.
    pub fn ideal_seconds(&self, node: usize) -> Option<f64> {
        self.rate_of(node).map(|rate| self.size.0 as f64 / rate.0 as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_for_cases() {
        for name in NAMES {
            assert!(!named(name).unwrap().is_empty(), "{name}");
        }
        assert_eq!(named("all").unwrap().len(), 10);
        assert!(named("swarm").is_none());
    }

    #[test]
    fn sixteen_fast_and_fifteen_slow_peers() {
        let case = mixed::case();
        let rates = case.rates().unwrap();
        assert_eq!(rates.len(), 32);
        assert_eq!((1..32).filter(|peer| case.is_slow(*peer)).count(), 15);
        assert_eq!(rates[0], BytesPerSecond(1_250_000));
        assert_eq!(rates[2], BytesPerSecond(312_500));
    }

    #[test]
    fn a_changed_case_has_no_goals() {
        let standard = swarm::fifteen_peers();
        assert!(!standard.clone().changed(&Changes::default()).goals.is_empty());
        let smaller = Changes { peers: Some(3), ..Changes::default() };
        assert!(standard.changed(&smaller).goals.is_empty());
    }
}
