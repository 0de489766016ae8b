//! The nodes of a scenario and the links between them.

use samara_model::BytesPerSecond;
use samara_policy::Random;

use super::file::File;
use super::quantity::Who;
use super::{LEAST_RATE, MOST_PEERS, ScenarioError, Source};

/// Nodes and capacities. Node 0 is the origin; it stands in rack 0 and zone 0.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// Receivers.
    pub peers: u32,
    /// The usual link, each way.
    pub rate: BytesPerSecond,
    /// Out of the origin.
    pub origin_rate: BytesPerSecond,
    /// Number of racks; 0 without.
    pub racks: u32,
    /// Into and out of each rack; 0 without limit.
    pub rack_rate: BytesPerSecond,
    /// Number of zones; 0 without.
    pub zones: u32,
    /// Into and out of each zone.
    pub zone_rate: BytesPerSecond,
    groups: Vec<Group>,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    members: u32,
    up: BytesPerSecond,
    down: BytesPerSecond,
}

/// Where a node stands and what its link carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its rack, if there are racks.
    pub rack: Option<u32>,
    /// Its zone, if there are zones.
    pub zone: Option<u32>,
    /// Out of it.
    pub up: BytesPerSecond,
    /// Into it.
    pub down: BytesPerSecond,
    /// It has a link of its own kind.
    pub special: bool,
}

impl Fleet {
    pub(super) fn check(source: &Source, file: &File) -> Result<Fleet, ScenarioError> {
        let (count, rate) = (&file.peers.count, file.peers.rate.get_ref().0);
        let peers = *count.get_ref();
        source.need((1..=MOST_PEERS).contains(&peers), count.span(), || {
            format!("there must be 1 to {MOST_PEERS} peers")
        })?;
        let slow = "a link must carry at least 1 kbit/s, or nothing ever arrives";
        let fine = |rate: &toml::Spanned<super::quantity::Rate>| {
            source.need(rate.get_ref().0.0 >= LEAST_RATE, rate.span(), || slow.into())
        };
        let origin_rate = match &file.peers.origin_rate {
            Some(given) => {
                fine(given)?;
                given.get_ref().0
            }
            None => rate,
        };
        let mut groups = Vec::new();
        let mut taken = 0;
        for group in &file.group {
            for given in [&group.up, &group.down].into_iter().flatten() {
                fine(given)?;
            }
            let members = match group.who.get_ref() {
                Who::Share(share) => (share * f64::from(peers)).round().max(1.0) as u32,
                Who::Count(count) => *count,
                _ => {
                    return Err(
                        source.error(group.who.span(), "a group is a part or a number of peers")
                    );
                }
            };
            taken += members;
            source.need(taken <= peers, group.who.span(), || {
                format!("the groups have {taken} members, and there are {peers} peers")
            })?;
            let or_usual = |given: &Option<toml::Spanned<super::quantity::Rate>>| {
                given.as_ref().map_or(rate, |given| given.get_ref().0)
            };
            groups.push(Group { members, up: or_usual(&group.up), down: or_usual(&group.down) });
        }
        let (racks, rack_rate) = racks(source, file, peers, rate)?;
        let (zones, zone_rate) = zones(source, file, peers, racks)?;
        Ok(Fleet { peers, rate, origin_rate, racks, rack_rate, zones, zone_rate, groups })
    }

    /// A fleet of equal nodes, for scenarios that are drawn.
    pub(super) fn of_equals(&self, peers: u32) -> Fleet {
        Fleet { peers, racks: 0, zones: 0, groups: Vec::new(), ..self.clone() }
    }

    /// The same fleet with another number of peers; groups are left out.
    pub fn resized(&self, peers: u32) -> Fleet {
        Fleet { peers, groups: Vec::new(), ..self.clone() }
    }

    /// All nodes; which peers belong to a group is drawn at random.
    pub fn places(&self, random: &mut Random) -> Vec<Place> {
        let nodes = self.peers + 1;
        let place = |node: u32| Place {
            rack: (self.racks > 0).then(|| of(node, nodes, self.racks)),
            zone: (self.zones > 0).then(|| self.zone_of(node, nodes)),
            up: if node == 0 { self.origin_rate } else { self.rate },
            down: self.rate,
            special: false,
        };
        let mut places: Vec<Place> = (0..nodes).map(place).collect();
        let mut peers: Vec<u32> = (1..nodes).collect();
        random.shuffle(&mut peers);
        let mut drawn = peers.into_iter();
        for group in &self.groups {
            for node in drawn.by_ref().take(group.members as usize) {
                let place = &mut places[node as usize];
                (place.up, place.down, place.special) = (group.up, group.down, true);
            }
        }
        places
    }

    fn zone_of(&self, node: u32, nodes: u32) -> u32 {
        match self.racks {
            0 => of(node, nodes, self.zones),
            racks => of(of(node, nodes, racks), racks, self.zones),
        }
    }
}

/// Item `at` of `all`, dealt out evenly and in order to `parts`.
fn of(at: u32, all: u32, parts: u32) -> u32 {
    (u64::from(at) * u64::from(parts) / u64::from(all)) as u32
}

fn racks(
    source: &Source,
    file: &File,
    peers: u32,
    rate: BytesPerSecond,
) -> Result<(u32, BytesPerSecond), ScenarioError> {
    let table = &file.topology;
    let Some(racks) = &table.racks else {
        if let Some(over) = &table.oversubscription {
            return Err(source.error(over.span(), "oversubscription needs `racks = ...`"));
        }
        return Ok((0, BytesPerSecond(0)));
    };
    let count = *racks.get_ref();
    source.need(count >= 1 && count <= peers, racks.span(), || {
        format!("{count} racks cannot be filled by {peers} peers")
    })?;
    let over = table.oversubscription.as_ref();
    let ratio = over.map_or(1.0, |over| *over.get_ref());
    source.need(
        (0.01..=10_000.0).contains(&ratio),
        over.map_or(racks.span(), |over| over.span()),
        || "oversubscription must be 0.01 to 10000; 4 stands for 4:1".into(),
    )?;
    let per_rack = f64::from(peers + 1) / f64::from(count);
    Ok((count, BytesPerSecond((rate.0 as f64 * per_rack / ratio) as u64)))
}

fn zones(
    source: &Source,
    file: &File,
    peers: u32,
    racks: u32,
) -> Result<(u32, BytesPerSecond), ScenarioError> {
    let table = &file.topology;
    match (&table.zones, &table.zone_rate) {
        (None, None) => Ok((0, BytesPerSecond(0))),
        (None, Some(rate)) => Err(source.error(rate.span(), "`zone_rate` needs `zones = ...`")),
        (Some(zones), None) => Err(source.error(zones.span(), "zones need `zone_rate = ...`")),
        (Some(zones), Some(rate)) => {
            let count = *zones.get_ref();
            let most = if racks > 0 { racks } else { peers };
            source.need(count >= 1 && count <= most, zones.span(), || {
                format!("{count} zones cannot be filled by {most} racks or peers")
            })?;
            source.need(rate.get_ref().0.0 >= LEAST_RATE, rate.span(), || {
                "a zone's link must carry at least 1 kbit/s, or nothing ever arrives".into()
            })?;
            Ok((count, rate.get_ref().0))
        }
    }
}
