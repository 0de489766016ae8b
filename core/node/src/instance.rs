//! Which start of the node this is. Members believe what the highest start says, so a restart must always
//! have a higher number than the one before, also when the machine's clock was set back meanwhile.

use samara_store::Store;

const FILE: &str = "instance";
/// A node's life uses up one number for each thing that it tells about itself, counted from the start's own
/// number. This many milliseconds are twelve days: no life uses up more numbers than that.
const STEP: u64 = 1 << 30;
/// Higher numbers are damage: 2^31 starts with a clock that stands still do not get there.
const MOST: u64 = 1 << 61;

/// The number of a start at `clock`, in milliseconds since the Unix epoch: the clock's, or higher than that of
/// the start before. Also where the state cannot be written the node starts; then only the clock helps.
pub fn next(store: &Store, clock: u64) -> u64 {
    let clock = clock.min(MOST);
    let instance = read(store).map_or(clock, |last| clock.max(last + STEP));
    if let Err(error) = store.write_state(FILE, instance.to_string().as_bytes()) {
        tracing::warn!(%error, "cannot write down which start this is; do not set the clock back");
    }
    instance
}

fn read(store: &Store) -> Option<u64> {
    let bytes = store.read_state(FILE)?;
    let last = std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok());
    let sound = last.filter(|last| *last < MOST);
    if sound.is_none() {
        tracing::warn!("{FILE} is damaged; this start is numbered by the clock");
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;
    const YEAR: u64 = 365 * 86_400_000;

    #[test]
    fn a_restart_is_newer_also_when_the_clock_jumped_back() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let start = |clock| next(&Store::open(dir.path()).expect("opens"), clock);
        assert_eq!(start(NOW), NOW);
        let mut last = NOW;
        for clock in [NOW, NOW - 10 * YEAR, 0, NOW - 1, NOW - YEAR] {
            let again = start(clock);
            assert!(again >= last + STEP, "{again} after {last} at {clock}");
            last = again;
        }
        assert_eq!(start(NOW + YEAR), NOW + YEAR, "a clock that is right again is enough");
    }

    #[test]
    fn a_clock_that_jumped_far_ahead_once_is_overtaken() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(dir.path()).expect("opens");
        let ahead = next(&store, u64::MAX);
        assert_eq!(ahead, MOST);
        let ahead = next(&store, NOW + 50 * YEAR);
        assert!(next(&store, NOW) > ahead);
    }

    #[test]
    fn a_damaged_number_is_replaced() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(dir.path()).expect("opens");
        for damaged in ["", "-1", "1e9", "99999999999999999999999", "\u{0}\u{1}"] {
            store.write_state(FILE, damaged.as_bytes()).expect("written");
            assert_eq!(next(&store, NOW), NOW, "{damaged:?}");
        }
    }
}
