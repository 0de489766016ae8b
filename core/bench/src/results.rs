//! What is kept of a session: the JSON document, and the medians that tables are made from.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    failure::{Doing, Failure, Result},
    machine::Machine,
    measure::{Goal, Measure, Verdict},
};

/// The figures of one run, or their medians.
pub type Figures = BTreeMap<Measure, f64>;

/// The JSON document: one entry per case, the newest measurement of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Document {
    /// In the order they were first measured.
    pub cases: Vec<CaseResult>,
}

/// One case on one machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseResult {
    /// The case's name.
    pub case: String,
    /// Peers, rate, size.
    pub title: String,
    /// Whether flags have changed the case, so that it has no goals.
    pub changed: bool,
    /// When, in seconds since 1970.
    pub measured_at: u64,
    /// Where.
    pub machine: Machine,
    /// What one TCP stream reaches through the same shaped link, over the nominal rate.
    pub one_tcp_stream: Option<f64>,
    /// The columns of its table.
    pub columns: Vec<Measure>,
    /// What was measured, ours first.
    pub programs: Vec<ProgramResult>,
    /// Programs that were left out, and why.
    pub left_out: Vec<String>,
    /// How ours stands to the goals.
    pub goals: Vec<GoalResult>,
    /// Ours against a second build of ours: medians of the ratios of interleaved pairs.
    pub pairs: Vec<PairResult>,
}

/// One program in one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProgramResult {
    /// Its name.
    pub name: String,
    /// What it says about its version.
    pub version: String,
    /// The median of each figure; absent where a run lacks it. `finished` is the worst run's.
    pub medians: Figures,
    /// Each run.
    pub runs: Vec<Run>,
}

/// One run of one program.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Run {
    /// The figures.
    pub figures: Figures,
    /// Seconds to completion from the first start command, per peer; `None` where it never came.
    pub completions: Vec<Option<f64>>,
    /// What went wrong, in sentences.
    pub faults: Vec<String>,
}

/// One goal and the figure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GoalResult {
    /// The bounds.
    #[serde(flatten)]
    pub goal: Goal,
    /// The median, where there is one.
    pub measured: Option<f64>,
    /// How they compare.
    pub verdict: Verdict,
}

/// One figure of two builds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PairResult {
    /// The figure.
    pub measure: Measure,
    /// First build over second, per pair.
    pub ratios: Vec<f64>,
    /// Their median; below 1 the first build is better.
    pub median: f64,
}

impl ProgramResult {
    /// Sums up runs; at least one.
    pub fn new(name: String, version: String, runs: Vec<Run>) -> Self {
        let mut medians = Figures::new();
        for measure in runs.iter().flat_map(|run| run.figures.keys().copied()) {
            let values: Option<Vec<f64>> =
                runs.iter().map(|run| run.figures.get(&measure).copied()).collect();
            let worst = |values: Vec<f64>| values.into_iter().min_by(f64::total_cmp);
            let summary = if measure == Measure::Finished { worst } else { median };
            if let Some(value) = values.and_then(summary) {
                medians.insert(measure, value);
            }
        }
        Self { name, version, medians, runs }
    }

    /// The smallest and largest value, where several runs differ.
    pub fn range(&self, measure: Measure) -> Option<(f64, f64)> {
        let values = self.runs.iter().filter_map(|run| run.figures.get(&measure).copied());
        let lowest = values.clone().min_by(f64::total_cmp)?;
        let highest = values.max_by(f64::total_cmp)?;
        (self.runs.len() > 1).then_some((lowest, highest))
    }
}

impl PairResult {
    /// Compares runs of two builds that were made in pairs.
    pub fn new(measure: Measure, first: &[Run], second: &[Run]) -> Option<Self> {
        let figure = |run: &Run| run.figures.get(&measure).copied();
        let pairs = first.iter().zip(second);
        let ratios: Vec<f64> = pairs.filter_map(|(a, b)| Some(figure(a)? / figure(b)?)).collect();
        let median = median(ratios.clone())?;
        Some(Self { measure, ratios, median })
    }
}

impl Document {
    /// Reads an earlier document, or begins an empty one where there is none.
    pub fn load(path: &Path) -> Result<Self> {
        match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            other => {
                let bytes = other.doing(|| format!("reading {}", path.display()))?;
                serde_json::from_slice(&bytes).map_err(|error| {
                    let path = path.display();
                    Failure::because(format!("{path} is not a document of this program: {error}"))
                })
            }
        }
    }

    /// Puts a case in the place of its earlier measurement.
    pub fn put(&mut self, case: CaseResult) {
        match self.cases.iter_mut().find(|earlier| earlier.case == case.case) {
            Some(earlier) => *earlier = case,
            None => self.cases.push(case),
        }
    }

    /// Writes it, for machines and for diffs.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self).expect("plain data has a JSON form");
        text.push('\n');
        std::fs::write(path, text).doing(|| format!("writing {}", path.display()))
    }
}

/// The median; of an even number the mean of the middle two.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { (values[middle - 1] + upper) / 2.0 } else { upper })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(figures: &[(Measure, f64)]) -> Run {
        Run { figures: figures.iter().copied().collect(), ..Run::default() }
    }

    #[test]
    fn a_figure_that_one_run_lacks_has_no_median() {
        let runs = vec![
            run(&[(Measure::Last, 1.1), (Measure::Finished, 1.0)]),
            run(&[(Measure::Finished, 0.5)]),
        ];
        let result = ProgramResult::new("x".into(), "1".into(), runs);
        assert_eq!(result.medians.get(&Measure::Last), None);
        assert_eq!(result.medians[&Measure::Finished], 0.5);
    }

    #[test]
    fn pairs_are_compared_run_by_run() {
        let first = [run(&[(Measure::Last, 1.0)]), run(&[(Measure::Last, 3.0)])];
        let second = [run(&[(Measure::Last, 2.0)]), run(&[(Measure::Last, 3.0)])];
        let pair = PairResult::new(Measure::Last, &first, &second).unwrap();
        assert_eq!(pair.ratios, [0.5, 1.0]);
        assert_eq!(pair.median, 0.75);
    }

    #[test]
    fn medians_of_odd_even_and_none() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
