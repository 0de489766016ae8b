//! What the operators of a link's two ends say of them, and the class that follows. Both may change while the link
//! lives.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use samara_model::{LabelNumbers, Labels, PeerMessage, Place};
use samara_wire::handshake::{Hello, TAKES_RELABELLED};
use samara_wire::number_labels;

use super::limits::Class;
use super::{LinkCommand, LinkHandle};

/// The class of a link's peer, as it is now. Cheap to read: each piece of a chunk does.
#[derive(Debug, Clone)]
pub(super) struct ClassNow(Arc<AtomicU8>);

/// Labels never told the class.
const UNTOLD: u8 = u8::MAX;

impl ClassNow {
    /// A class that may change.
    pub fn new(class: Option<Class>) -> Self {
        ClassNow(Arc::new(AtomicU8::new(class.map_or(UNTOLD, |class| class as u8))))
    }

    /// The class; none where labels do not tell.
    pub fn read(&self) -> Option<Class> {
        let number = self.0.load(Ordering::Relaxed);
        Class::ALL.into_iter().find(|class| *class as u8 == number)
    }

    fn set(&self, class: Option<Class>) {
        self.0.store(class.map_or(UNTOLD, |class| class as u8), Ordering::Relaxed);
    }
}

/// Both ends of one link.
#[derive(Debug)]
pub(super) struct Standing {
    known: Mutex<Known>,
    pub class: ClassNow,
    /// The peer understands that the labels of this node change; another keeps what the handshake told.
    follows: bool,
}

#[derive(Debug)]
struct Known {
    here: Place,
    said: Labels,
    numbers: LabelNumbers,
}

impl Standing {
    /// This node stands `here`, and the peer said this of itself.
    pub fn new(here: Place, hello: &Hello) -> Self {
        let (said, numbers) = (hello.labels.clone(), number_labels(&hello.labels));
        let class = ClassNow::new(Class::between(&here, &numbers.place()));
        let follows = hello.capabilities & TAKES_RELABELLED != 0;
        Standing { known: Mutex::new(Known { here, said, numbers }), class, follows }
    }

    /// This node stands somewhere else from now on.
    pub fn moved(&self, here: Place) {
        let mut known = self.known();
        known.here = here;
        self.class.set(Class::between(&known.here, &known.numbers.place()));
    }

    /// Something else is said of the peer from now on; false when it is the same.
    pub fn relabelled(&self, said: &Labels) -> bool {
        let mut known = self.known();
        if known.said == *said {
            return false;
        }
        known.numbers = number_labels(said);
        known.said = said.clone();
        self.class.set(Class::between(&known.here, &known.numbers.place()));
        true
    }

    /// What is said of the peer.
    pub fn said(&self) -> Labels {
        self.known().said.clone()
    }

    /// The same as numbers.
    pub fn numbers(&self) -> LabelNumbers {
        self.known().numbers.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the operator says of this node, and how often that changed.
#[derive(Debug)]
pub(super) struct OwnLabels(Mutex<(Labels, u64)>);

impl OwnLabels {
    /// Said at the start.
    pub fn new(labels: Labels) -> Self {
        OwnLabels(Mutex::new((labels, 0)))
    }

    /// What is said now, and how often it changed.
    pub fn read(&self) -> (Labels, u64) {
        self.lock().clone()
    }

    /// Says something else from now on, and tells it on all links of this moment.
    pub fn change(&self, labels: Labels, links: impl FnOnce() -> Vec<LinkHandle>) {
        let mut own = self.lock();
        *own = (labels, own.1 + 1);
        // Told under the lock, so that every link hears of two changes in their order.
        links().iter().for_each(|link| tell(link, &own.0));
    }

    /// Makes up for what changed since a link's handshake, which told what was said after `told` changes.
    pub fn catch_up(&self, link: &LinkHandle, told: u64) {
        let own = self.lock();
        if own.1 != told {
            tell(link, &own.0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Labels, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(link: &LinkHandle, labels: &Labels) {
    let standing = &link.shared.standing;
    standing.moved(number_labels(labels).place());
    if standing.follows {
        let message = PeerMessage::Relabelled { labels: labels.clone() };
        // A link that has ended needs not know.
        let _ = link.command(LinkCommand::Send { content: None, message });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::raw_peer::hello;
    use super::*;

    fn labels(text: &[&str]) -> Labels {
        let mut labels = Labels::default();
        for one in text {
            labels.add(one.parse().expect("a label")).expect("room");
        }
        labels
    }

    #[test]
    fn the_class_follows_both_ends() {
        let place = |text: &[&str]| number_labels(&labels(text)).place();
        let there = Hello { labels: labels(&["rack=r1"]), ..hello(2) };
        let standing = Standing::new(place(&["rack=r1"]), &there);
        let class = standing.class.clone();
        assert_eq!(class.read(), Some(Class::Rack));
        standing.moved(place(&["rack=r2"]));
        assert_eq!(class.read(), Some(Class::Remote));
        assert!(standing.relabelled(&labels(&["rack=r2", "tier=gold"])));
        assert_eq!(class.read(), Some(Class::Rack));
        assert!(!standing.relabelled(&labels(&["rack=r2", "tier=gold"])));
        assert_eq!(standing.said().value("tier"), Some("gold"));
        standing.moved(Place::default());
        assert_eq!(class.read(), None);
    }
}
