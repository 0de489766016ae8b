//! A session: the cases that were asked for, each with every program, runs interleaved.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::{
    cases::{Case, Link},
    contender::{Contender, FILE_NAME},
    crew::Crew,
    failure::{Doing, Result},
    machine::Machine,
    measure::Measure,
    payload::write_payload,
    results::{CaseResult, GoalResult, PairResult, ProgramResult, Run},
    rivals::{Rival, iperf3},
    samara::{Calling, Samara},
    trial::{self, Setting},
    workplace,
};

/// What a session measures.
pub struct Session {
    /// Our program, where it is built.
    pub samara: Option<Calling>,
    /// A second build of it, or the same with other flags.
    pub versus: Option<Calling>,
    /// The rivals that the user wants; `None`: those of each case.
    pub rivals: Option<Vec<Rival>>,
    /// Runs of each program.
    pub runs: usize,
    /// Where logs are kept; a temporary folder otherwise.
    pub logs: Option<PathBuf>,
}

/// One entrant of a case.
struct Entrant {
    name: String,
    version: String,
    kind: Kind,
    runs: Vec<Run>,
}

enum Kind {
    Samara(Calling),
    Rival(Rival),
}

/// The name of a second build, or of the same with other flags.
const VERSUS: &str = "samara (second)";

impl Session {
    /// Measures one case.
    pub fn measure(&self, case: &Case, changed: bool) -> Result<CaseResult> {
        eprintln!("{}: {}", case.name, case.title());
        // The source, one copy per peer, and room for what programs keep beside it.
        let needed = case.size.0 * (case.peers as u64 + 1) + (256 << 20);
        let folder = workplace::create(needed)?;
        let source_folder = folder.path().join("source");
        fs::create_dir(&source_folder).doing(|| "creating the source's folder".into())?;
        let source = source_folder.join(FILE_NAME);
        write_payload(&source, case.size.0)?;

        let (mut entrants, left_out) = self.entrants(case);
        let one_tcp_stream = one_tcp_stream(case, folder.path())?;
        for run in 0..self.runs {
            let mut order: Vec<usize> = (0..entrants.len()).collect();
            // The two builds take turns in going first, so that a drift of the machine favours neither.
            if run % 2 == 1 && self.versus.is_some() && order.len() > 1 {
                order.swap(0, 1);
            }
            for index in order {
                let result = self.run_once(case, &entrants[index], run, &source, folder.path())?;
                entrants[index].runs.push(result);
            }
        }
        let pairs = compare_builds(&entrants);
        let mut programs: Vec<ProgramResult> = entrants
            .into_iter()
            .map(|entrant| ProgramResult::new(entrant.name, entrant.version, entrant.runs))
            .collect();
        compare_with_nginx(&mut programs);
        let ours = programs.iter().find(|program| program.name == "samara");
        let goals = ours.map(|ours| judge(case, ours)).unwrap_or_default();
        Ok(CaseResult {
            case: case.name.into(),
            title: case.title(),
            changed,
            measured_at: now(),
            machine: Machine::describe(),
            one_tcp_stream,
            columns: case.columns.to_vec(),
            programs,
            left_out,
            goals,
            pairs,
        })
    }

    /// Who takes part, and who does not and why.
    fn entrants(&self, case: &Case) -> (Vec<Entrant>, Vec<String>) {
        let (mut entrants, mut left_out) = (Vec::new(), Vec::new());
        match &self.samara {
            Some(calling) => {
                entrants.push(Entrant::samara("samara", calling));
                entrants.extend(self.versus.iter().map(|calling| Entrant::samara(VERSUS, calling)));
            }
            None => left_out.push("samara: not built".to_string()),
        }
        for rival in self.rivals.as_deref().unwrap_or(case.rivals) {
            match rival.version() {
                _ if case.kill_at.is_some() && *rival == Rival::Uftp => {
                    left_out.push("uftp: there is no origin to do without".into());
                }
                Ok(version) => entrants.push(Entrant {
                    name: rival.name().into(),
                    version,
                    kind: Kind::Rival(*rival),
                    runs: Vec::new(),
                }),
                Err(missing) => left_out.push(format!("{}: {missing}", rival.name())),
            }
        }
        left_out.iter().for_each(|why| eprintln!("  left out: {why}"));
        (entrants, left_out)
    }

    fn run_once(
        &self,
        case: &Case,
        entrant: &Entrant,
        run: usize,
        source: &Path,
        folder: &Path,
    ) -> Result<Run> {
        eprintln!("  {} (run {} of {})", entrant.name, run + 1, self.runs);
        let run_folder = folder.join("run");
        let _ = fs::remove_dir_all(&run_folder);
        fs::create_dir(&run_folder).doing(|| "creating the folder of a run".into())?;
        let logs = match &self.logs {
            Some(logs) => logs.join(format!("{}/{}-{}", case.name, entrant.name, run + 1)),
            None => folder.join("logs"),
        };
        fs::create_dir_all(&logs).doing(|| format!("creating {}", logs.display()))?;
        let setting = Setting { case, source, folder: &run_folder, logs: &logs };
        let result = trial::run(&setting, entrant.contender().as_mut());
        let _ = fs::remove_dir_all(&run_folder);
        let result = match result {
            Err(crate::failure::Failure::Because(fault)) => {
                // A program that does not start is a result too: nobody finished.
                let figures = [(Measure::Finished, 0.0)].into();
                Run { figures, completions: vec![None; case.peers], faults: vec![fault] }
            }
            other => other?,
        };
        result.faults.iter().for_each(|fault| eprintln!("    {fault}"));
        Ok(result)
    }
}

impl Entrant {
    fn samara(name: &str, calling: &Calling) -> Self {
        let version = std::process::Command::new(&calling.program).arg("--version").output();
        let version = version.map(|output| output.stdout).unwrap_or_default();
        let version = String::from_utf8_lossy(&version).trim().to_string();
        Self { name: name.into(), version, kind: Kind::Samara(calling.clone()), runs: Vec::new() }
    }

    fn contender(&self) -> Box<dyn Contender> {
        match &self.kind {
            Kind::Samara(calling) => Box::new(Samara::new(calling.clone())),
            Kind::Rival(rival) => rival.contender(),
        }
    }
}

/// iperf3's figure through the case's own links, over their nominal rate. About 0.95 is right; much
/// less means that the machine, not a program, is what is measured.
fn one_tcp_stream(case: &Case, folder: &Path) -> Result<Option<f64>> {
    let Some(rate) = case.rate_of(1).filter(|_| case.link != Link::Unshaped) else {
        return Ok(None);
    };
    if Rival::Iperf3.version().is_err() {
        return Ok(None);
    }
    let network = trial::build_network(&Case { peers: 1, ..case.clone() })?;
    let mut crew = Crew::new(folder.to_path_buf());
    let share = iperf3::one_stream(&network, &mut crew)? / (rate.0 * 8) as f64;
    eprintln!("  iperf3, one stream: {:.1} % of the nominal rate", share * 100.0);
    Ok(Some(share))
}

fn compare_builds(entrants: &[Entrant]) -> Vec<PairResult> {
    let Some([first, second]) = entrants.first_chunk() else { return Vec::new() };
    if second.name != VERSUS {
        return Vec::new();
    }
    let measures = [Measure::Seconds, Measure::CpuPerGib, Measure::LastFast, Measure::LastSlow];
    measures
        .into_iter()
        .filter_map(|measure| PairResult::new(measure, &first.runs, &second.runs))
        .collect()
}

fn compare_with_nginx(programs: &mut [ProgramResult]) {
    let seconds = |program: &ProgramResult| program.medians.get(&Measure::Seconds).copied();
    let nginx = programs.iter().find(|program| program.name == Rival::Nginx.name());
    let Some(nginx) = nginx.and_then(seconds) else { return };
    for program in programs {
        if let Some(seconds) = seconds(program) {
            program.medians.insert(Measure::SecondsOverNginx, seconds / nginx);
        }
    }
}

fn judge(case: &Case, ours: &ProgramResult) -> Vec<GoalResult> {
    let judged = case.goals.iter().map(|goal| {
        let measured = ours.medians.get(&goal.measure).copied();
        GoalResult { goal: *goal, measured, verdict: goal.judge(measured) }
    });
    judged.collect()
}

#[expect(clippy::disallowed_methods, reason = "the day of a measurement, for people")]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
