//! The node's slots, leased to the swarms.
//!
//! A node takes part in several contents at once, over one uplink and one downlink. A slot is a neighbour with
//! something under way to it or from it: an offer, a reservation, or chunks, of which a receiver takes two at a
//! time. With too many at once every chunk takes long everywhere. So the slots belong to the node, and the
//! swarms get shares: by priority, at least one each, and those that have nothing to do give theirs up.
//!
//! Not here: which chunk and which peer (the swarm), bytes per second (the data plane's throttle).

use alloc::vec::Vec;

use foldhash::quality::FixedState;
use hashbrown::HashMap;
use samara_model::ContentId;

/// What the node has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeederConfig {
    /// Neighbours that are sent or offered something at a time, over all contents. Default 4.
    pub upload_slots: u32,
    /// Neighbours that something comes from at a time, over all contents. Default 6.
    pub download_slots: u32,
}

impl Default for SeederConfig {
    fn default() -> Self {
        SeederConfig { upload_slots: 4, download_slots: 6 }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeederInput {
    /// A content is fetched or served here now.
    SwarmOpened {
        /// The content.
        content: ContentId,
        /// Share of the slots, 1 is usual.
        priority: u32,
    },
    /// A content is no longer fetched or served here.
    SwarmClosed {
        /// The content.
        content: ContentId,
    },
    /// A swarm found or lost something to do.
    DemandChanged {
        /// The content.
        content: ContentId,
        /// It has neighbours that lack what is here.
        uploads: bool,
        /// It lacks something.
        downloads: bool,
    },
    /// A content shall get another share.
    PriorityChanged {
        /// The content.
        content: ContentId,
        /// Share of the slots, 1 is usual.
        priority: u32,
    },
    /// The swarm was rebuilt and needs to be told again.
    SwarmRestarted {
        /// The content.
        content: ContentId,
    },
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeederOutput {
    /// Tell the swarm with how many neighbours at a time it may have something under way.
    LeaseSlots {
        /// The content.
        content: ContentId,
        /// To so many neighbours.
        upload: u32,
        /// From so many neighbours.
        download: u32,
    },
}

#[derive(Debug, Clone, Copy)]
struct Tenant {
    priority: u32,
    uploads: bool,
    downloads: bool,
    leased: Option<(u32, u32)>,
}

/// The machine. See the module.
#[derive(Debug)]
pub struct Seeder {
    config: SeederConfig,
    tenants: HashMap<ContentId, Tenant, FixedState>,
}

impl Seeder {
    /// Nobody has anything yet.
    pub fn new(config: SeederConfig, random_seed: u64) -> Self {
        Seeder { config, tenants: HashMap::with_hasher(FixedState::with_seed(random_seed)) }
    }

    /// Takes note of what happened and appends the leases that change.
    pub fn handle(&mut self, input: SeederInput, out: &mut Vec<SeederOutput>) {
        match input {
            SeederInput::SwarmOpened { content, priority } => {
                let fresh = Tenant {
                    priority: priority.max(1),
                    uploads: true,
                    downloads: true,
                    leased: None,
                };
                self.tenants.insert(content, fresh);
            }
            SeederInput::SwarmClosed { content } => {
                self.tenants.remove(&content);
            }
            SeederInput::DemandChanged { content, uploads, downloads } => {
                if let Some(tenant) = self.tenants.get_mut(&content) {
                    (tenant.uploads, tenant.downloads) = (uploads, downloads);
                }
            }
            SeederInput::PriorityChanged { content, priority } => {
                if let Some(tenant) = self.tenants.get_mut(&content) {
                    tenant.priority = priority.max(1);
                }
            }
            SeederInput::SwarmRestarted { content } => {
                if let Some(tenant) = self.tenants.get_mut(&content) {
                    tenant.leased = None;
                }
            }
        }
        self.lease(out);
    }

    fn lease(&mut self, out: &mut Vec<SeederOutput>) {
        let weight = |wants: fn(&Tenant) -> bool| {
            let sum = self.tenants.values().filter(|tenant| wants(tenant));
            sum.map(|tenant| tenant.priority).sum::<u32>()
        };
        let (up, down) = (weight(|tenant| tenant.uploads), weight(|tenant| tenant.downloads));
        let mut contents: Vec<ContentId> = self.tenants.keys().copied().collect();
        contents.sort_unstable();
        for content in contents {
            let Some(tenant) = self.tenants.get_mut(&content) else { continue };
            let upload = share(self.config.upload_slots, tenant.priority, up, tenant.uploads);
            let download =
                share(self.config.download_slots, tenant.priority, down, tenant.downloads);
            if tenant.leased.replace((upload, download)) != Some((upload, download)) {
                out.push(SeederOutput::LeaseSlots { content, upload, download });
            }
        }
    }
}

/// At least one, so that nobody starves; who has nothing to do keeps one to notice when it has.
fn share(slots: u32, priority: u32, all: u32, wants: bool) -> u32 {
    if wants { (slots * priority / all.max(1)).max(1) } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(number: u8) -> ContentId {
        ContentId([number; 32])
    }

    fn run(inputs: &[SeederInput]) -> Vec<SeederOutput> {
        let mut seeder = Seeder::new(SeederConfig { upload_slots: 4, download_slots: 8 }, 1);
        let mut out = Vec::new();
        for input in inputs {
            out.clear();
            seeder.handle(*input, &mut out);
        }
        out
    }

    #[test]
    fn a_lone_content_gets_all_slots() {
        let out = run(&[SeederInput::SwarmOpened { content: content(1), priority: 1 }]);
        assert_eq!(out, [SeederOutput::LeaseSlots { content: content(1), upload: 4, download: 8 }]);
    }

    #[test]
    fn slots_are_shared_by_priority_and_idle_contents_give_theirs_up() {
        let open =
            |number, priority| SeederInput::SwarmOpened { content: content(number), priority };
        let out = run(&[open(1, 3), open(2, 1)]);
        assert_eq!(
            out,
            [
                SeederOutput::LeaseSlots { content: content(1), upload: 3, download: 6 },
                SeederOutput::LeaseSlots { content: content(2), upload: 1, download: 2 },
            ]
        );
        let idle =
            SeederInput::DemandChanged { content: content(1), uploads: false, downloads: false };
        let out = run(&[open(1, 3), open(2, 1), idle]);
        assert!(out.contains(&SeederOutput::LeaseSlots {
            content: content(2),
            upload: 4,
            download: 8
        }));
    }

    #[test]
    fn another_priority_moves_slots_at_once() {
        let open = |number| SeederInput::SwarmOpened { content: content(number), priority: 1 };
        let more = SeederInput::PriorityChanged { content: content(2), priority: 3 };
        assert_eq!(
            run(&[open(1), open(2), more]),
            [
                SeederOutput::LeaseSlots { content: content(1), upload: 1, download: 2 },
                SeederOutput::LeaseSlots { content: content(2), upload: 3, download: 6 },
            ]
        );
    }

    #[test]
    fn a_restarted_swarm_is_told_again() {
        let out = run(&[
            SeederInput::SwarmOpened { content: content(1), priority: 1 },
            SeederInput::SwarmRestarted { content: content(1) },
        ]);
        assert_eq!(out.len(), 1);
    }
}
