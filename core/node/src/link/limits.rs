//! The caps of all links together, and of the links to one class of peers by where they stand.

use std::sync::Arc;
use std::time::Duration;

use samara_model::{ContentId, Place};
use tokio::time::Instant;

use super::standing::ClassNow;
use super::throttle::Throttle;
use super::turns::{Turn, Turns};
use crate::api::{Caps, NodeCaps};

/// Where the other end of a link stands. Racks are told apart by zone and rack: two zones may both have a rack `r1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// On the same host, or in the same rack.
    Rack,
    /// In the same zone, another rack.
    Zone,
    /// In another zone, or in another rack where no zone is known.
    Remote,
}

impl Class {
    /// All of them.
    pub const ALL: [Class; 3] = [Class::Rack, Class::Zone, Class::Remote];

    /// None where one of the two has no labels that tell.
    pub fn between(here: &Place, there: &Place) -> Option<Class> {
        let same = |a: u64, b: u64| a != 0 && a == b;
        let differ = |a: u64, b: u64| a != 0 && b != 0 && a != b;
        if same(here.host, there.host) {
            Some(Class::Rack)
        } else if differ(here.zone, there.zone) {
            Some(Class::Remote)
        } else if same(here.rack, there.rack) {
            Some(Class::Rack)
        } else if same(here.zone, there.zone) {
            Some(Class::Zone)
        } else if differ(here.rack, there.rack) {
            Some(Class::Remote)
        } else {
            None
        }
    }
}

/// The throttles of one direction. All clones are the same throttles.
#[derive(Debug, Clone)]
pub(super) struct Throttles {
    all: Arc<Throttle>,
    rack: Arc<Throttle>,
    zone: Arc<Throttle>,
    remote: Arc<Throttle>,
    turns: Arc<Turns>,
}

impl Throttles {
    /// With the caps that `of` takes from each pair.
    pub fn new(limits: &NodeCaps, of: fn(&Caps) -> Option<samara_model::BytesPerSecond>) -> Self {
        let throttle = |caps: &Caps| Arc::new(Throttle::new(of(caps)));
        Throttles {
            all: throttle(&limits.all),
            rack: throttle(&limits.rack),
            zone: throttle(&limits.zone),
            remote: throttle(&limits.remote),
            turns: Arc::default(),
        }
    }

    /// Other caps from now on, also on links that stand.
    pub fn set(&self, limits: &NodeCaps, of: fn(&Caps) -> Option<samara_model::BytesPerSecond>) {
        let all = [
            (&self.all, &limits.all),
            (&self.rack, &limits.rack),
            (&self.zone, &limits.zone),
            (&self.remote, &limits.remote),
        ];
        all.iter().for_each(|(throttle, caps)| throttle.set_rate(of(caps)));
    }

    /// What a link to a peer of this class has to pass; the class may change while it lives.
    pub fn gate(&self, class: ClassNow) -> Gate {
        Gate { throttles: self.clone(), class }
    }

    /// A content has another share of the cap of all links from now on; 1 is usual.
    pub fn set_priority(&self, content: ContentId, priority: u32) {
        self.turns.set_priority(content, priority);
    }
}

/// What the bytes of one link pass in one direction: first the throttle of its class, then that of all links. One
/// after the other, so that a link that waits for its class takes nothing from the others meanwhile.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    throttles: Throttles,
    class: ClassNow,
}

impl Gate {
    /// How many throttles there are to pass.
    pub const STAGES: usize = 2;

    /// Bytes to ask for at once, when there is a cap.
    pub fn piece(&self) -> Option<usize> {
        let own = self.own().and_then(|own| own.piece());
        [own, self.throttles.all.piece()].into_iter().flatten().min()
    }

    /// This link sends a content until what it returns is dropped.
    pub fn begin(&self, content: ContentId) -> Turn {
        self.throttles.turns.begin(content)
    }

    /// A content's share beside others.
    pub fn priority(&self, content: &ContentId) -> u32 {
        self.throttles.turns.priority(content)
    }

    /// Bytes that the cap of all links lets through in this time; `None` without that cap, or where the class of the
    /// peer has one of its own: who waits there must not have paid for more here.
    pub fn most_at_once(&self, span: Duration) -> Option<u64> {
        let own = self.own().and_then(|own| own.rate());
        let all = self.throttles.all.rate().filter(|_| own.is_none())?;
        Some((all.0 as f64 * span.as_secs_f64()) as u64)
    }

    /// Grants `bytes` at one stage and says until when to wait there, if at all.
    pub fn reserve(&self, stage: usize, bytes: usize, now: Instant) -> Option<Instant> {
        match stage {
            0 => self.own()?.reserve(bytes, now),
            _ => self.throttles.all.reserve(bytes, now),
        }
    }

    fn own(&self) -> Option<&Throttle> {
        let own = match self.class.read()? {
            Class::Rack => &self.throttles.rack,
            Class::Zone => &self.throttles.zone,
            Class::Remote => &self.throttles.remote,
        };
        Some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use samara_model::BytesPerSecond;

    #[test]
    fn the_nearest_label_that_both_have_decides() {
        let place = |zone, rack, host| Place { zone, rack, host };
        let check = |here: Place, there: Place, wanted: Option<Class>| {
            assert_eq!(Class::between(&here, &there), wanted, "{here:?} {there:?}");
            assert_eq!(Class::between(&there, &here), wanted, "{there:?} {here:?}");
        };
        check(place(1, 2, 3), place(1, 2, 3), Some(Class::Rack));
        check(place(1, 2, 3), place(1, 2, 4), Some(Class::Rack));
        check(place(1, 2, 3), place(1, 5, 4), Some(Class::Zone));
        check(place(1, 2, 3), place(9, 2, 4), Some(Class::Remote));
        check(place(0, 2, 0), place(0, 5, 0), Some(Class::Remote));
        check(place(1, 0, 0), place(0, 2, 0), None);
        check(Place::default(), Place::default(), None);
    }

    fn bytes(all: u64, remote: u64) -> Throttles {
        let up = |rate| Caps { up: Some(BytesPerSecond(rate)), down: None };
        Throttles::new(
            &NodeCaps { all: up(all), remote: up(remote), ..NodeCaps::default() },
            |caps| caps.up,
        )
    }

    async fn pass(gate: &Gate, bytes: usize) {
        for stage in 0..Gate::STAGES {
            if let Some(until) = gate.reserve(stage, bytes, Instant::now()) {
                tokio::time::sleep_until(until).await;
            }
        }
    }

    /// Bytes that got through two gates in ten seconds of a paused clock.
    async fn ten_seconds(gates: [Gate; 2]) -> Vec<u64> {
        let end = Instant::now() + Duration::from_secs(10);
        let takers = gates.map(|gate| {
            tokio::spawn(async move {
                let (piece, mut taken) = (gate.piece().expect("capped"), 0);
                while Instant::now() < end {
                    pass(&gate, piece).await;
                    taken += piece as u64;
                }
                taken
            })
        });
        let mut all = Vec::new();
        for taker in takers {
            all.push(taker.await.expect("takers do not panic"));
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn a_class_keeps_its_cap_and_leaves_the_rest_to_the_others() {
        let throttles = bytes(10_000_000, 2_000_000);
        let gates =
            [Class::Remote, Class::Rack].map(|class| throttles.gate(ClassNow::new(Some(class))));
        let passed = ten_seconds(gates).await;
        assert!((19_600_000..=20_400_000).contains(&passed[0]), "{passed:?}");
        let sum: u64 = passed.iter().sum();
        assert!((98_000_000..=102_000_000).contains(&sum), "{passed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn two_links_of_a_class_share_its_cap() {
        let throttles = bytes(100_000_000, 4_000_000);
        let gates = [(); 2].map(|()| throttles.gate(ClassNow::new(Some(Class::Remote))));
        let passed = ten_seconds(gates).await;
        for one in &passed {
            assert!((19_600_000..=20_400_000).contains(one), "{passed:?}");
        }
    }
}
