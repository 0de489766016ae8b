//! The figures that a run gives, each with one name, one heading and one way to be written.

use serde::{Deserialize, Serialize};

/// One figure. Its key in the JSON is its name in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Peers that have the whole, right file, as a share of all.
    Finished,
    /// Last completion over size/rate, from the moment before the first start command.
    Last,
    /// The median peer's completion over size/rate, likewise.
    Median,
    /// Last completion over the limit B · size/rate, from the last start command.
    RatioToLimit,
    /// Mixed rates: last of the fast peers over size/their rate.
    LastFast,
    /// Mixed rates: last of the slow peers over size/their rate.
    LastSlow,
    /// Seconds from the first start command to the last completion.
    Seconds,
    /// The same from the last start command.
    SecondsFromLastStart,
    /// Seconds over those of nginx and curl, measured in the same session.
    SecondsOverNginx,
    /// File bytes that arrived at all peers together, in MiB/s.
    TotalRate,
    /// Bytes that left the origin over the file's size, counted at its bridge port.
    OriginCopies,
    /// Bytes that all nodes sent over the file bytes that were delivered.
    Traffic,
    /// Bytes received in vain over the file bytes that were delivered.
    Duplicates,
    /// CPU seconds of all nodes per GiB delivered, from the start command on.
    CpuPerGib,
    /// CPU seconds that the origin used before the start command (hashing, mostly).
    PreparingCpu,
    /// The share of all cores that was busy while the transfer ran, other work included.
    MachineCpu,
    /// The share that other work used just before.
    OtherWork,
    /// The largest resident memory of any peer, in bytes.
    PeerMemory,
    /// The largest resident memory of the origin, in bytes.
    OriginMemory,
    /// Seconds after which the origin was killed.
    KilledAfter,
    /// Peers that had finished before that.
    FinishedBeforeKill,
}

/// Which way a figure is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Up.
    Higher,
    /// Down.
    Lower,
}

impl Measure {
    /// What stands above its column.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Last => "last",
            Self::Median => "p50",
            Self::RatioToLimit => "of limit",
            Self::LastFast => "fast, last",
            Self::LastSlow => "slow, last",
            Self::Seconds | Self::SecondsFromLastStart => "seconds",
            Self::SecondsOverNginx => "over nginx+curl",
            Self::TotalRate => "MiB/s in total",
            Self::OriginCopies => "origin copies",
            Self::Traffic => "traffic",
            Self::Duplicates => "duplicates",
            Self::CpuPerGib => "CPU s/GiB",
            Self::PreparingCpu => "CPU s before",
            Self::MachineCpu => "machine CPU",
            Self::OtherWork => "other work",
            Self::PeerMemory => "peer memory",
            Self::OriginMemory => "origin memory",
            Self::KilledAfter => "killed after",
            Self::FinishedBeforeKill => "done before",
        }
    }

    /// A value as people read it.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Last
            | Self::Median
            | Self::RatioToLimit
            | Self::LastFast
            | Self::LastSlow
            | Self::OriginCopies
            | Self::Traffic => format!("{value:.3}"),
            Self::Seconds | Self::SecondsFromLastStart | Self::KilledAfter => {
                format!("{value:.2} s")
            }
            Self::SecondsOverNginx | Self::CpuPerGib | Self::PreparingCpu => format!("{value:.2}"),
            Self::Duplicates => format!("{:.2} %", value * 100.0),
            Self::Finished | Self::MachineCpu | Self::OtherWork => {
                format!("{:.0} %", value * 100.0)
            }
            Self::TotalRate | Self::FinishedBeforeKill => format!("{value:.0}"),
            Self::PeerMemory | Self::OriginMemory => {
                format!("{:.0} MiB", value / f64::from(1 << 20))
            }
        }
    }

    /// Which way is better.
    pub fn better(self) -> Better {
        match self {
            Self::Finished | Self::TotalRate => Better::Higher,
            _ => Better::Lower,
        }
    }
}

/// A bound that the project has set itself for one figure of one case.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Goal {
    /// The figure.
    pub measure: Measure,
    /// What has to be reached.
    pub required: Option<f64>,
    /// What would be very good.
    pub stretch: Option<f64>,
}

/// How a figure stands to its goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Better than the stretch goal, or equal.
    Stretch,
    /// As good as required.
    Met,
    /// Worse than a stretch goal that has no required one beside it.
    NotReached,
    /// Worse than required.
    Missed,
    /// There is no figure to judge.
    Unknown,
}

impl Goal {
    /// A goal with both bounds.
    pub const fn both(measure: Measure, required: f64, stretch: f64) -> Self {
        Self { measure, required: Some(required), stretch: Some(stretch) }
    }

    /// A goal without a stretch.
    pub const fn required(measure: Measure, required: f64) -> Self {
        Self { measure, required: Some(required), stretch: None }
    }

    /// A goal that is all stretch.
    pub const fn stretch(measure: Measure, stretch: f64) -> Self {
        Self { measure, required: None, stretch: Some(stretch) }
    }

    /// Judges a figure.
    pub fn judge(&self, value: Option<f64>) -> Verdict {
        let Some(value) = value else { return Verdict::Unknown };
        let reaches = |bound: f64| match self.measure.better() {
            Better::Higher => value >= bound,
            Better::Lower => value <= bound,
        };
        if self.stretch.is_some_and(reaches) {
            Verdict::Stretch
        } else {
            match self.required {
                None => Verdict::NotReached,
                Some(required) if reaches(required) => Verdict::Met,
                Some(_) => Verdict::Missed,
            }
        }
    }
}

impl Verdict {
    /// The word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stretch => "stretch reached",
            Self::Met => "met",
            Self::NotReached => "not reached",
            Self::Missed => "MISSED",
            Self::Unknown => "no figure",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_is_judged_in_the_right_direction() {
        let last = Goal::both(Measure::Last, 1.12, 1.07);
        assert_eq!(last.judge(Some(1.07)), Verdict::Stretch);
        assert_eq!(last.judge(Some(1.10)), Verdict::Met);
        assert_eq!(last.judge(Some(1.13)), Verdict::Missed);
        assert_eq!(last.judge(None), Verdict::Unknown);
        let total = Goal::both(Measure::TotalRate, 1000.0, 1400.0);
        assert_eq!(total.judge(Some(900.0)), Verdict::Missed);
        assert_eq!(total.judge(Some(1500.0)), Verdict::Stretch);
    }

    #[test]
    fn a_stretch_alone_cannot_be_missed() {
        let early = Goal::stretch(Measure::Finished, 1.0);
        assert_eq!(early.judge(Some(0.3)), Verdict::NotReached);
        assert_eq!(early.judge(Some(1.0)), Verdict::Stretch);
    }

    #[test]
    fn the_json_key_is_the_name() {
        assert_eq!(serde_json::to_string(&Measure::CpuPerGib).unwrap(), "\"cpu_per_gib\"");
    }
}
