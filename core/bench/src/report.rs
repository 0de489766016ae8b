//! The tables, for the terminal and for the documentation: the same rows, two ways of drawing lines.

use crate::{
    measure::{Goal, Measure},
    results::{CaseResult, Document, GoalResult, ProgramResult},
};

/// A case as plain text.
pub fn terminal(case: &CaseResult) -> String {
    let rows = rows(case);
    let columns = rows.first().map_or(0, Vec::len);
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = format!("\n{}: {}\n", case.case, case.title);
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text += &format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for line in remarks(case) {
        text += &format!("  {line}\n");
    }
    text
}

/// All cases as a page of Markdown.
pub fn markdown(document: &Document) -> String {
    let mut text = String::from(PREFACE);
    for case in &document.cases {
        text += &format!("\n## {}: {}\n\n", case.case, case.title);
        for (number, row) in rows(case).iter().enumerate() {
            text += &format!("| {} |\n", row.join(" | "));
            if number == 0 {
                text += &format!("|---|{}\n", "---:|".repeat(row.len() - 1));
            }
        }
        text.push('\n');
        for line in remarks(case) {
            text += &format!("- {line}\n");
        }
        text += &format!("- {}\n", machine(case));
    }
    text
}

const PREFACE: &str = "# Benchmarks

Written by `samara-bench --json docs/bench/results.json --markdown docs/benchmarks.md`; `make bench` runs it.

Every node has its own network namespace, both directions of its link are shaped, and every program is
measured by the same code: **last** and **p50** are the last and the median peer's completion over
size/rate, counted from the moment before the first start command. One TCP stream carries about 95 % of
the nominal rate, so 1.05 is the floor for anything on TCP. **of limit** is the last completion over
B · size/rate, from the last start command, where B is the theoretical limit for so many peers and
chunks. **origin copies** and **traffic** are counted at the bridge (a segmented burst counts its headers
once: up to 4 % low). **CPU s/GiB** is what all nodes used from the start command on, per GiB
delivered; hashing or making a torrent before that is not in it. **machine CPU** near 100 % means that the
machine was the limit. An origin is killed with SIGKILL once its bridge port has carried so many bytes; what
lies in its sockets then is still sent. Every file is compared with the source, byte by byte.
";

/// The heading and one row per program.
fn rows(case: &CaseResult) -> Vec<Vec<String>> {
    let heading = case.columns.iter().map(|column| column.heading().to_string());
    let mut rows = vec![std::iter::once(String::new()).chain(heading).collect::<Vec<_>>()];
    for program in &case.programs {
        let cells = case.columns.iter().map(|column| cell(program, *column));
        rows.push(std::iter::once(program.name.clone()).chain(cells).collect());
    }
    rows
}

fn cell(program: &ProgramResult, measure: Measure) -> String {
    let Some(value) = program.medians.get(&measure) else { return "–".into() };
    let leading =
        matches!(measure, Measure::Last | Measure::LastFast | Measure::LastSlow | Measure::Seconds);
    match program.range(measure).filter(|_| leading) {
        Some((lowest, highest)) => {
            let [value, lowest, highest] = [*value, lowest, highest].map(|v| measure.show(v));
            format!("{value} ({lowest} to {highest})")
        }
        None => measure.show(*value),
    }
}

/// What stands below a table, one sentence each.
fn remarks(case: &CaseResult) -> Vec<String> {
    let mut lines: Vec<String> = case.goals.iter().map(goal_line).collect();
    if case.changed {
        lines.push("changed by flags: no goals apply".into());
    }
    if let Some(share) = case.one_tcp_stream {
        let percent = share * 100.0;
        lines.push(format!("iperf3, one stream through the same link: {percent:.1} % of its rate"));
    }
    for pair in &case.pairs {
        let ratios: Vec<String> = pair.ratios.iter().map(|ratio| format!("{ratio:.3}")).collect();
        lines.push(format!(
            "first over second, {}: median of pairs {:.3} ({})",
            pair.measure.heading(),
            pair.median,
            ratios.join(", ")
        ));
    }
    let runs = case.programs.first().map_or(0, |program| program.runs.len());
    if runs > 1 {
        lines.push(format!("medians of {runs} runs each"));
    }
    lines.extend(disturbance(case));
    lines.extend(case.left_out.iter().map(|why| format!("left out: {why}")));
    for program in &case.programs {
        let faults: Vec<&str> =
            program.runs.iter().flat_map(|run| run.faults.iter().map(String::as_str)).collect();
        if let Some(first) = faults.first() {
            let more = faults.len() - 1;
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            lines.push(format!("{}: {}{more}", program.name, first.replace('\n', " ")));
        }
    }
    lines
}

/// More other work than this before a run makes figures unfair to somebody.
const MUCH_OTHER_WORK: f64 = 0.1;

/// Says when the machine was not ours alone.
fn disturbance(case: &CaseResult) -> Option<String> {
    let runs = case.programs.iter().flat_map(|program| &program.runs);
    let work = runs.filter_map(|run| run.figures.get(&Measure::OtherWork).copied());
    let most = work.max_by(f64::total_cmp).filter(|most| *most > MUCH_OTHER_WORK)?;
    let percent = most * 100.0;
    Some(format!("NOISY: other work used up to {percent:.0} % of the machine before a run"))
}

fn goal_line(result: &GoalResult) -> String {
    let Goal { measure, required, stretch } = result.goal;
    let show = |value: Option<f64>| value.map_or("–".to_string(), |value| measure.show(value));
    format!(
        "{}: {}; required {}, stretch {}: {}",
        measure.heading(),
        show(result.measured),
        show(required),
        show(stretch),
        result.verdict.word()
    )
}

fn machine(case: &CaseResult) -> String {
    let machine = &case.machine;
    let versions: Vec<&str> =
        case.programs.iter().map(|program| program.version.as_str()).collect();
    format!(
        "{} cores of {}, {} GiB, Linux {}, {}; {}",
        machine.cores,
        machine.cpu,
        machine.memory_bytes.div_ceil(1 << 30),
        machine.kernel,
        machine.system,
        versions.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{machine::Machine, measure::Verdict, results::Run};

    fn example() -> CaseResult {
        let run = |last: f64| Run { figures: [(Measure::Last, last)].into(), ..Run::default() };
        let runs = vec![run(1.08), run(1.1), run(1.09)];
        let goal = Goal::both(Measure::Last, 1.12, 1.07);
        CaseResult {
            case: "swarm15".into(),
            title: "15 peers".into(),
            changed: false,
            measured_at: 0,
            machine: Machine {
                cpu: "CPU".into(),
                cores: 2,
                memory_bytes: 1 << 30,
                kernel: "6".into(),
                system: "D".into(),
            },
            one_tcp_stream: Some(0.953),
            columns: vec![Measure::Last, Measure::CpuPerGib],
            programs: vec![ProgramResult::new("samara".into(), "samara 1".into(), runs)],
            left_out: vec![],
            goals: vec![GoalResult { goal, measured: Some(1.09), verdict: Verdict::Met }],
            pairs: vec![],
        }
    }

    #[test]
    fn the_terminal_shows_median_range_and_verdict() {
        let text = terminal(&example());
        assert!(text.contains("samara  1.090 (1.080 to 1.100)          –\n"), "{text}");
        assert!(text.contains("last: 1.090; required 1.120, stretch 1.070: met"), "{text}");
        assert!(text.contains("95.3 % of its rate"), "{text}");
    }

    #[test]
    fn the_page_has_one_table_per_case() {
        let text = markdown(&Document { cases: vec![example(), example()] });
        assert_eq!(text.matches("|---|---:|---:|\n").count(), 2);
        assert!(text.contains("- 2 cores of CPU, 1 GiB, Linux 6, D; samara 1\n"), "{text}");
    }

    #[test]
    fn a_document_survives_its_json_form() {
        let document = Document { cases: vec![example()] };
        let text = serde_json::to_string(&document).unwrap();
        let back: Document = serde_json::from_str(&text).unwrap();
        assert_eq!(markdown(&back), markdown(&document));
    }
}
