//! Counts how a fetch ended, how close it came to the theoretical limit, and where the rest of its time went.

use std::sync::atomic::Ordering;

use samara_model::limit::distribution_limit;
use samara_model::{ByteCount, BytesPerSecond};

use super::FetchError;
use crate::api::Fetched;
use crate::content_state::ContentState;
use crate::metrics::Outcome;
use crate::shared::Shared;

/// A fetch ended.
pub fn ended(shared: &Shared, state: Option<&ContentState>, result: &Result<Fetched, FetchError>) {
    let outcome = match result {
        Ok(_) => Outcome::Complete,
        Err(FetchError::Cancelled) => Outcome::Cancelled,
        Err(_) => Outcome::Failed,
    };
    shared.metrics.transfer_ended(outcome);
    if let (Ok(fetched), Some(state)) = (result, state)
        && !fetched.was_there
    {
        let account = account(shared, state, fetched);
        shared.metrics.transfer_took(fetched.took, account.ratio());
        state.set_account(account);
    }
}

/// How it is known what the line carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LineFrom {
    /// It is the cap on receiving.
    Cap,
    /// It is what came in the fastest second.
    #[default]
    FastestSecond,
    /// There was no whole second: it is what came on average, so that nothing can be told about the line.
    WholeTransfer,
}

/// A fetch that is over, in figures. All times are in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Account {
    /// From the order to the file in place.
    pub took: f64,
    /// Bytes that were missing.
    pub missing: u64,
    /// Of a chunk.
    pub chunk_size: u32,
    /// What the line carries.
    pub rate: BytesPerSecond,
    /// How that is known.
    pub known: LineFrom,
    /// Members that were up then.
    pub receivers: u32,
    /// The shortest possible time for all receivers.
    pub limit: f64,
    /// The shortest possible time for one receiver.
    pub line: f64,
    /// Seconds of the transfer in which nothing came.
    pub idle: f64,
    /// Bytes that came and were thrown away.
    pub wasted: u64,
    /// Until somebody was found who has it.
    pub finding: f64,
    /// Until the manifest was here.
    pub manifest: f64,
    /// Hashing what was here.
    pub checking: f64,
    /// Chunks coming.
    pub transferring: f64,
    /// Waiting for room on the disk.
    pub parked: f64,
    /// Syncing and renaming.
    pub finishing: f64,
}

impl Account {
    /// Time over limit; `None` when hardly anything was fetched, or it was over before the line could be known.
    pub fn ratio(&self) -> Option<f64> {
        let is_known = self.known != LineFrom::WholeTransfer;
        let enough = self.missing >= u64::from(self.chunk_size) && self.limit > 0.0 && is_known;
        enough.then(|| self.took / self.limit)
    }

    /// Where the time beyond the limit went, the longest first; together they are that time, but for rounding and
    /// what overlaps.
    pub fn losses(&self) -> Vec<(&'static str, f64)> {
        let wasted = self.wasted as f64 / self.rate.0.max(1) as f64;
        let beyond = self.transferring - self.limit - self.idle - wasted;
        let mut all = vec![
            ("finding", self.finding),
            ("manifest", self.manifest),
            ("checking", self.checking),
            ("parked", self.parked),
            ("finishing", self.finishing),
            ("idle", self.idle),
            ("wasted", wasted),
            ("below-line-rate", beyond),
        ];
        all.retain(|(_, seconds)| *seconds > 0.001);
        all.sort_by(|one, other| other.1.total_cmp(&one.1));
        all
    }
}

/// What the line carries, as well as it can be known.
fn line(
    cap: Option<BytesPerSecond>,
    fastest: Option<BytesPerSecond>,
    mean: f64,
) -> (BytesPerSecond, LineFrom) {
    match (cap, fastest) {
        (Some(cap), _) => (cap, LineFrom::Cap),
        (None, Some(fastest)) => (fastest, LineFrom::FastestSecond),
        (None, None) => (BytesPerSecond(mean as u64), LineFrom::WholeTransfer),
    }
}

fn account(shared: &Shared, state: &ContentState, fetched: &Fetched) -> Account {
    let missing = fetched.size.0.saturating_sub(fetched.progress.resumed.0);
    let members = shared.metrics.pulse.alive.load(Ordering::Relaxed);
    let receivers = u32::try_from(members).unwrap_or(u32::MAX).max(fetched.progress.neighbours);
    let receivers = receivers.max(1);
    let chunk_size = fetched.chunk_size;
    let phases = state.phases();
    let of =
        |name: &str| phases.iter().filter(|(word, _)| word == name).map(|(_, took)| took).sum();
    let took = fetched.took.as_secs_f64();
    // The name is resolved before there is a state with phases.
    let resolving = (took - phases.iter().map(|(_, took)| took).sum::<f64>()).max(0.0);
    let finding: f64 = of("finding");
    let transferring: f64 = of("transferring");
    let mean = missing as f64 / transferring.max(1e-6);
    let (rate, known) = line(shared.limits().all.down, state.speed.fastest(), mean);
    let (line, limit) = match known {
        LineFrom::WholeTransfer => (transferring, transferring),
        _ => {
            let limit = distribution_limit(receivers, ByteCount(missing), chunk_size, rate);
            (missing as f64 / rate.0.max(1) as f64, limit.as_secs_f64())
        }
    };
    Account {
        took,
        missing,
        chunk_size,
        rate,
        known,
        receivers,
        limit,
        line,
        idle: state.speed.idle().as_secs_f64().min(transferring),
        wasted: state.wasted.load(Ordering::Relaxed),
        finding: finding + resolving,
        manifest: of("manifest"),
        checking: of("checking"),
        transferring,
        parked: of("parked"),
        finishing: of("finishing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_losses_are_the_time_beyond_the_limit() {
        let account = Account {
            took: 20.0,
            missing: 10_000_000,
            chunk_size: 1 << 20,
            rate: BytesPerSecond(1_000_000),
            limit: 11.0,
            line: 10.0,
            idle: 2.0,
            wasted: 1_000_000,
            finding: 1.0,
            transferring: 18.0,
            finishing: 1.0,
            ..Account::default()
        };
        let losses = account.losses();
        let sum: f64 = losses.iter().map(|(_, seconds)| seconds).sum();
        assert!((sum - 9.0).abs() < 1e-9, "{losses:?}");
        assert_eq!(losses[0], ("below-line-rate", 4.0));
        assert_eq!(account.ratio(), Some(20.0 / 11.0));
    }

    /// `samara why` had nothing to say of a fetch that was over before there was a whole second.
    #[test]
    fn a_fetch_of_less_than_a_second_has_an_account_but_no_ratio() {
        let (rate, known) = line(None, None, 5e6);
        assert_eq!((rate, known), (BytesPerSecond(5_000_000), LineFrom::WholeTransfer));
        let account = Account {
            took: 0.7,
            missing: 1_000_000,
            rate,
            known,
            limit: 0.2,
            line: 0.2,
            transferring: 0.2,
            finding: 0.4,
            finishing: 0.1,
            ..Account::default()
        };
        assert_eq!(account.ratio(), None);
        assert_eq!(account.losses(), [("finding", 0.4), ("finishing", 0.1)]);
        assert_eq!(line(Some(rate), Some(BytesPerSecond(9)), 5.0), (rate, LineFrom::Cap));
        assert_eq!(line(None, Some(rate), 5.0), (rate, LineFrom::FastestSecond));
    }
}
